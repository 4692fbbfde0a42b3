package apply

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

const (
	// sightAge is how old the last sight of a ticket may be when it is written to. ConnectWise has no conditional write, so
	// that what people do in the moments between stays possible; the answer to the write tells it then.
	sightAge = 5 * time.Second
	// sightOverlap is how far a look goes back before the newest change that the last one saw.
	sightOverlap = 2 * time.Minute
	// sightKept is how long a picture is kept after the ticket has changed.
	sightKept = time.Hour
	// firstSight is how far the first look of a process goes back where nobody has looked before.
	firstSight = time.Hour
)

// sights are when a tenant's tickets were seen last. One look shows what changed at all of them, so that a storm of
// writes costs a look every few seconds, and not one for each write.
type sights struct {
	looking sync.Mutex // held while the tickets are looked at

	mu       sync.Mutex
	lookedAt time.Time // when the last look began
	since    time.Time // every change up to then, by the server's clock, is among the pictures or older than sightKept
	pictures map[int64]*ticketv1.Observed
	byTicket map[int64]time.Time // when single tickets were seen, by an answer that shows all of them
}

// saw records that a ticket was seen by itself.
func (s *sights) saw(ticket int64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byTicket == nil {
		s.byTicket = map[int64]time.Time{}
	}
	const most = 1000
	if len(s.byTicket) >= most {
		maps.DeleteFunc(s.byTicket, func(_ int64, at time.Time) bool { return !recent(at, now) })
	}
	s.byTicket[ticket] = now
}

// seen reports whether a ticket was seen in the last moments by itself.
func (s *sights) seen(ticket int64, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return recent(s.byTicket[ticket], now)
}

// picture returns the ticket as the last look showed it, nil when it had not changed, and false when that look is old.
func (s *sights) picture(ticket int64, now time.Time) (*ticketv1.Observed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pictures[ticket], recent(s.lookedAt, now)
}

// recent reports whether a time was a moment ago. One that is to come was recorded before the clock was set back.
func recent(at, now time.Time) bool { return !at.After(now) && now.Sub(at) < sightAge }

// take records what a look that began then showed.
func (s *sights) take(rows []*ticketv1.Observed, since, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pictures == nil {
		s.pictures = map[int64]*ticketv1.Observed{}
	}
	s.lookedAt, s.since = began, since
	for _, row := range rows {
		s.pictures[row.GetTicketId()] = row
		if at := row.GetLastUpdated().AsTime(); at.After(s.since) {
			s.since = at
		}
	}
	maps.DeleteFunc(s.pictures, func(_ int64, row *ticketv1.Observed) bool {
		return s.since.Sub(row.GetLastUpdated().AsTime()) > sightKept
	})
}

// glance brings the ticket's picture up to date before it is written to. One that does not bear our reference is read by
// itself. So is one that is to be opened again: that is rare, and a list may come from an index that shows a person's change
// late.
func (r *run) glance(ctx context.Context) (done bool, err error) {
	prefix := adopt.Prefix(r.bus.Installation(), r.ledger.GetTenant())
	if r.alone() || !strings.HasPrefix(r.ledger.GetObserved().GetReference(), prefix) {
		return r.look(ctx)
	}
	var picture *ticketv1.Observed
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		// The look is the tenant's and not among the incident's requests.
		picture, err = r.glanceFor(connectwise.Counting(ctx, new(atomic.Int64)), prefix)
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "read ticket", r.ledger, err)
	}
	r.glanced = r.clock.Now()
	if picture == nil {
		return false, nil
	}
	return r.take(ctx, picture)
}

// glanceFor returns the ticket, or nil when it is not known to have changed lately. Whoever comes while another looks takes what
// that one sees.
func (r *run) glanceFor(ctx context.Context, prefix string) (*ticketv1.Observed, error) {
	s := &r.site.sights
	s.looking.Lock()
	defer s.looking.Unlock()
	began := r.clock.Now()
	if o, there := s.picture(r.ledger.GetTicketId(), began); there {
		return o, nil
	}
	since, err := r.sightFrom(ctx, began)
	if err != nil {
		return nil, err
	}
	// Nobody may have seen its last change: people may have changed what it is known by.
	rows, err := r.site.desk.ChangedBeside(ctx, r.ledger.GetTicketId(), prefix, since.Add(-sightOverlap))
	if err != nil {
		return nil, err
	}
	s.take(rows, since, began)
	for _, row := range rows {
		if row.GetTicketId() == r.ledger.GetTicketId() {
			return row, nil
		}
	}
	return nil, nil
}

// sightFrom is the time from which on changes may be news. What the watcher has seen may wait in the partitions still.
func (r *run) sightFrom(ctx context.Context, now time.Time) (time.Time, error) {
	s := &r.site.sights
	s.mu.Lock()
	since := s.since
	s.mu.Unlock()
	if !since.IsZero() {
		return since, nil
	}
	since = now.Add(-firstSight)
	d, _, err := r.desks.Get(ctx, bus.Key(r.ledger.GetTenant()))
	if cursor := d.GetCursor(); cursor != nil && strings.EqualFold(d.GetServer(), r.facts.Server) && cursor.AsTime().Before(since) {
		since = cursor.AsTime()
	}
	return since, err
}

// fresh reports whether the ticket's picture on record is a few seconds old at most.
func (r *run) fresh() bool {
	now := r.clock.Now()
	return r.site != nil && (recent(r.glanced, now) && !r.alone() || r.site.sights.seen(r.ledger.GetTicketId(), now))
}

// alone reports whether only a look at the ticket itself counts.
func (r *run) alone() bool { return r.ledger.GetPhase() == ticketv1.Phase_PHASE_REOPENING }

// saw records that the ticket was seen as a whole.
func (r *run) saw(ticket int64) {
	if r.site != nil && ticket != 0 {
		r.site.sights.saw(ticket, r.clock.Now())
	}
}

// besides tells what the answer to our own write shows that people have changed before it.
func (r *run) besides(ctx context.Context, answer *ticketv1.Observed, own plan.Field) error {
	changes := plan.Besides(r.ledger, answer, own)
	if len(changes) == 0 {
		return nil
	}
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_OBSERVED, TicketId: answer.GetTicketId(), CompanyId: answer.GetCompanyId(),
		Reason: strings.Join(changes, "; "), Observed: answer,
	}
	r.log.InfoContext(ctx, "observed", r.about("changes", event.GetReason())...)
	return r.publish(ctx, event, fmt.Sprintf("%d@%d:besides", answer.GetTicketId(), answer.GetLastUpdated().GetSeconds()))
}
