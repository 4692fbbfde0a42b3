package directory

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// Server is one tenant's ConnectWise server.
type Server struct {
	client   client
	clock    clock.Clock
	settings *tenantv1.ConnectWise
	close    func()

	mu         sync.Mutex // held while a table is read, so that many customers cause one request
	statuses   map[int]bool
	statusesAt time.Time
	named      map[string]lookup // by identifier
	preset     preset

	quietMu    sync.Mutex
	quietUntil time.Time
	quietErr   error
}

// lookup is what was found for an identifier.
type lookup struct {
	records []match.Record
	at      time.Time
}

// Find returns the companies that decide about a customer, and perhaps others, with one request.
func (s *Server) Find(ctx context.Context, customer *statusv1.Customer) ([]match.Record, error) {
	q := match.Ask(customer)
	if q.ID != 0 {
		return s.ByID(ctx, q.ID)
	}
	where, ok := condition(q)
	if !ok {
		return nil, nil
	}
	return s.list(ctx, where)
}

// ByID returns the company with an id; none when there is none.
func (s *Server) ByID(ctx context.Context, id int64) ([]match.Record, error) {
	company, err := s.client.Company(ctx, int(id))
	if errclass.Of(err) == errclass.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.records(ctx, []connectwise.Company{company})
}

// Named returns the companies with an identifier that the settings name. The answer is believed for ten minutes.
func (s *Server) Named(ctx context.Context, identifier string) ([]match.Record, error) {
	s.mu.Lock()
	known, ok := s.named[identifier]
	s.mu.Unlock()
	if ok && s.clock.Now().Sub(known.at) < namedLast {
		return known.records, nil
	}
	found, err := s.WithIdentifiers(ctx, identifier)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named[identifier] = lookup{found, s.clock.Now()}
	return found, nil
}

// WithIdentifiers returns the companies with one of the identifiers, deleted ones too, as the server knows them now.
func (s *Server) WithIdentifiers(ctx context.Context, identifiers ...string) ([]match.Record, error) {
	where := connectwise.In("identifier", identifiers...)
	if where.Err() != nil {
		return nil, nil // no identifier of ConnectWise needs what a condition cannot express
	}
	return s.list(ctx, where)
}

// All returns every company, deleted ones too: a request for each thousand.
func (s *Server) All(ctx context.Context) ([]match.Record, error) {
	return s.list(ctx, connectwise.Condition{})
}

// MostTickets bounds the tickets that are looked at to learn where a company went.
const MostTickets = 500

// ticketsTogether is how many of them one request asks for.
const ticketsTogether = 50

// WhereTickets returns, for each of the tickets that exist, the company that it is at.
func (s *Server) WhereTickets(ctx context.Context, tickets []int64) ([]match.Record, error) {
	var found []connectwise.Ticket
	for some := range slices.Chunk(tickets[:min(len(tickets), MostTickets)], ticketsTogether) {
		part, err := connectwise.All(s.client.Tickets(ctx, connectwise.In("id", some...), "id", "company"))
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
	}
	at := map[int64]match.Record{}
	var all []match.Record
	for _, ticket := range found {
		id := int64(ticket.Company.ID)
		if _, known := at[id]; !known {
			companies, err := s.ByID(ctx, id)
			if err != nil {
				return nil, err
			}
			at[id] = match.Record{ID: id, Deleted: true}
			if len(companies) > 0 {
				at[id] = companies[0]
			}
		}
		all = append(all, at[id])
	}
	return all, nil
}

// Quiet returns the failure for which the server is left alone at present, or nil.
func (s *Server) Quiet() error {
	s.quietMu.Lock()
	defer s.quietMu.Unlock()
	if s.clock.Now().Before(s.quietUntil) {
		return s.quietErr
	}
	return nil
}

// LeaveAlone keeps questions from the server for a minute, or for as long as it asked to. It reports whether
// the failure is another one than the last.
func (s *Server) LeaveAlone(cause error) (news bool) {
	s.quietMu.Lock()
	defer s.quietMu.Unlock()
	news = s.quietErr == nil || s.quietErr.Error() != cause.Error()
	s.quietUntil = s.clock.Now().Add(max(quietFor, errclass.RetryAfter(cause)))
	s.quietErr = cause
	return news
}

// Answered ends the memory of failures and reports whether there was one.
func (s *Server) Answered() (recovered bool) {
	s.quietMu.Lock()
	defer s.quietMu.Unlock()
	recovered = s.quietErr != nil
	s.quietErr = nil
	return recovered
}

// condition is the condition for a question; false when nothing can be asked. Parts hold letters and digits only, so
// that every one of them can be expressed; an identifier or name that cannot be is left out, for no company has it.
func condition(q match.Question) (connectwise.Condition, bool) {
	var either []connectwise.Condition
	for _, part := range q.Parts {
		either = append(either, connectwise.Contains("name", part))
	}
	if q.Name != "" {
		either = append(either, connectwise.Eq("name", q.Name))
	}
	for _, identifier := range q.Identifiers {
		either = append(either, connectwise.Eq("identifier", identifier))
	}
	var usable []connectwise.Condition
	for _, c := range either {
		if c.Err() == nil {
			usable = append(usable, c)
		}
	}
	if len(usable) == 0 {
		return connectwise.Condition{}, false
	}
	return connectwise.Or(usable...), true
}

func (s *Server) list(ctx context.Context, where connectwise.Condition) ([]match.Record, error) {
	found, err := connectwise.All(s.client.Companies(ctx, where, "id", "identifier", "name", "status", "deletedFlag"))
	if err != nil {
		return nil, err
	}
	return s.records(ctx, found)
}

func (s *Server) records(ctx context.Context, companies []connectwise.Company) ([]match.Record, error) {
	if len(companies) == 0 {
		return nil, nil
	}
	inactive, err := s.inactive(ctx)
	if err != nil {
		return nil, err
	}
	records := make([]match.Record, len(companies))
	for i, c := range companies {
		records[i] = match.Record{
			ID: int64(c.ID), Identifier: c.Identifier, Name: c.Name, Deleted: c.DeletedFlag, Inactive: inactive[c.Status.ID],
		}
	}
	return records, nil
}

// inactive returns which statuses make a company inactive.
func (s *Server) inactive(ctx context.Context) (map[int]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statuses != nil && s.clock.Now().Sub(s.statusesAt) < tablesLast {
		return s.statuses, nil
	}
	table, err := s.client.CompanyStatuses(ctx)
	if err != nil {
		return nil, err
	}
	statuses := make(map[int]bool, len(table))
	for _, status := range table {
		statuses[status.ID] = bars(status)
	}
	s.statuses, s.statusesAt = statuses, s.clock.Now()
	return statuses, nil
}

// bars says whether a status makes a company inactive. What says so is not documented: the flag inactiveFlag may also
// mean that the status itself is retired, disallowSavingFlag seems to block tickets, and a status called Inactive is
// there from the start. Each of them is taken for a warning, because a doubtful company is shown to a person and an
// active one costs nothing.
func bars(status connectwise.CompanyStatus) bool {
	return status.InactiveFlag || status.DisallowSavingFlag || strings.EqualFold(strings.TrimSpace(status.Name), "Inactive")
}
