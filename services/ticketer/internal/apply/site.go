package apply

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
)

// sites holds a desk for each tenant, made anew when the tenant's settings change.
type sites struct {
	open func(*tenantv1.Settings) (*desk.Desk, error)

	mu       sync.Mutex
	byTenant map[string]*site
	// What desks that are no more have sent.
	pastRequests, pastWrites int64
}

// site is a tenant's desk with what was learned lately about the server behind it.
type site struct {
	revision uint64 // of the settings
	desk     *desk.Desk
	broken   error // why there is no desk

	listing  sync.Mutex // held while the board is listed
	adoption *ticketv1.Adoption
	owns     owns
	greeted  bool // the first contact was made or found on record; guarded by listing
	sights   sights

	turns turns

	mu     sync.Mutex
	hold   error // the failure for which the server is left alone
	until  time.Time
	marked []*ticketv1.Trouble // as the desk's record has them, once read
	read   bool
}

// busy reports whether requests wait for their turn at the server, because the burst is used up, or creates are still to come
// that gave way to others; also of no site.
func (s *site) busy(now time.Time) bool {
	return s != nil && s.desk != nil && (s.desk.Backlog() > 0 || s.turns.creates(now))
}

// remember keeps what the desk's record says of troubles, so that a success without any reads nothing.
func (s *site) remember(t []*ticketv1.Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marked, s.read = t, true
}

// troubles returns what the desk's record says, read once.
func (s *site) troubles(read func() ([]*ticketv1.Trouble, error)) ([]*ticketv1.Trouble, error) {
	s.mu.Lock()
	known, done := s.marked, s.read
	s.mu.Unlock()
	if done {
		return known, nil
	}
	known, err := read()
	if err == nil {
		s.remember(known)
	}
	return known, err
}

// of returns the tenant's site for these settings; nil without settings.
func (s *sites) of(tenant string, settings *tenantv1.Settings, revision uint64) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.byTenant[tenant]
	if old != nil && settings != nil && old.revision == revision {
		return old
	}
	if old != nil {
		s.retire(old)
		delete(s.byTenant, tenant)
	}
	if settings == nil {
		return nil
	}
	fresh := &site{revision: revision}
	if fresh.desk, fresh.broken = s.open(settings); fresh.broken != nil {
		fresh.desk = nil
	}
	s.byTenant[tenant] = fresh
	return fresh
}

// retire gives a desk's connections back. A call that is under way finishes; its requests are not counted.
func (s *sites) retire(old *site) {
	if old.desk == nil {
		return
	}
	all, writes := old.desk.Requests()
	s.pastRequests += all
	s.pastWrites += writes
	old.desk.Close()
}

func (s *sites) requests() (all, writes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, writes = s.pastRequests, s.pastWrites
	for _, site := range s.byTenant {
		if site.desk != nil {
			a, w := site.desk.Requests()
			all, writes = all+a, writes+w
		}
	}
	return all, writes
}

func (s *sites) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tenant, site := range s.byTenant {
		s.retire(site)
		delete(s.byTenant, tenant)
	}
}

// firstHold is how long a server that failed is left alone. It is short, because it may be one incident's request
// that fails and not the server; the incident's own wait grows beside it.
const firstHold = 15 * time.Second

// heldError stands for the failure that a request would meet, so that an outage costs a request now and then and not
// one, with its time-out, for every incident, while other tenants wait for the partition.
type heldError struct {
	cause error
	until time.Time
}

// Error returns the text of the failure that was met.
func (e *heldError) Error() string { return e.cause.Error() }

// Unwrap returns the failure that was met, so that its class stays.
func (e *heldError) Unwrap() error { return e.cause }

// usable returns why no request can be made now, or nil.
func (s *site) usable(now time.Time) error {
	if s.broken != nil {
		return s.broken
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.until) {
		return &heldError{cause: s.hold, until: s.until}
	}
	return nil
}

// answered learns from the outcome of a request.
func (s *site) answered(err error, now time.Time) {
	var wait time.Duration
	var answer *connectwise.APIError
	switch errclass.Of(err) {
	case errclass.RateLimited:
		wait = max(errclass.RetryAfter(err), time.Second)
	case errclass.AuthTenant:
		// A right that is missing for one thing, such as closing, says nothing about the others.
		if !errors.As(err, &answer) || answer.Status != http.StatusForbidden {
			wait = firstHold
		}
	case errclass.Transient:
		wait = firstHold
	case errclass.Bug, errclass.Rejected, errclass.NotFound, errclass.Conflict, errclass.UnknownOutcome:
	}
	if err == nil || wait == 0 || errors.As(err, new(*heldError)) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold, s.until = err, now.Add(wait)
}
