// Package directory asks the tenants' ConnectWise servers for companies. It owns one client for each tenant,
// built anew when the connection settings change, and the small caches that keep a question at one request. It
// does not decide what an answer means.
package directory

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

const (
	statusesLast = time.Hour        // how long the table of company statuses is believed
	catchAllLast = 10 * time.Minute // how long the look-up of a catch-all company is
	quietFor     = time.Minute      // how long a server is left alone after a failure
)

// client is what is asked of a ConnectWise server; *connectwise.Client is one.
type client interface {
	Company(ctx context.Context, id int) (connectwise.Company, error)
	Companies(ctx context.Context, where connectwise.Condition, fields ...string) iter.Seq2[connectwise.Company, error]
	CompanyStatuses(ctx context.Context) ([]connectwise.CompanyStatus, error)
}

// Directory hands out the servers of tenants. It may be used by several goroutines.
type Directory struct {
	clock     clock.Clock
	log       *slog.Logger
	lookupEnv func(name string) (string, bool)

	mu      sync.Mutex
	servers map[string]*Server
}

// New returns a Directory. The clock is that of caches and quiet times; requests are paced on the machine's.
func New(c clock.Clock, log *slog.Logger, lookupEnv func(name string) (string, bool)) *Directory {
	return &Directory{clock: c, log: log, lookupEnv: lookupEnv, servers: map[string]*Server{}}
}

// Server returns the tenant's server as the settings describe it. Settings from which no client can be made are
// an error of class AuthTenant: a person must mend them.
func (d *Directory) Server(settings *tenantv1.Settings) (*Server, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.servers[settings.GetId()]
	if known != nil && proto.Equal(known.settings, settings.GetConnectwise()) {
		return known, nil
	}
	opened, err := d.open(settings)
	if err != nil {
		return nil, err
	}
	if known != nil {
		known.close()
	}
	d.servers[settings.GetId()] = opened
	return opened, nil
}

// Close gives back the connections of every server.
func (d *Directory) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.servers {
		s.close()
	}
}

func (d *Directory) open(settings *tenantv1.Settings) (*Server, error) {
	cw := settings.GetConnectwise()
	c, err := connectwise.New(connectwise.Options{
		Site: cw.GetUrl(), Company: cw.GetCompany(), ClientID: cw.GetClientId(),
		Keys: func() (string, string, error) {
			public, err := d.secret("connectwise.publicKey", cw.GetPublicKey())
			if err != nil {
				return "", "", err
			}
			private, err := d.secret("connectwise.privateKey", cw.GetPrivateKey())
			return public, private, err
		},
		Logger: d.log.With("tenant", settings.GetId()),
	})
	if err != nil {
		return nil, errclass.New(errclass.AuthTenant, "open ConnectWise", err)
	}
	return &Server{client: c, clock: d.clock, settings: cw, close: c.Close}, nil
}

func (d *Directory) secret(field string, ref *tenantv1.SecretRef) (string, error) {
	secret, err := tenant.SecretRef{Field: field, File: ref.GetFile(), Env: ref.GetEnv()}.Resolve(d.lookupEnv)
	if err != nil {
		return "", err
	}
	return secret.Reveal(), nil
}

// Server is one tenant's ConnectWise server.
type Server struct {
	client   client
	clock    clock.Clock
	settings *tenantv1.ConnectWise
	close    func()

	mu         sync.Mutex // held while a table is read, so that many customers cause one request
	statuses   map[int]bool
	statusesAt time.Time
	catchAll   []match.Record
	catchAllBy string
	catchAllAt time.Time

	quietMu    sync.Mutex
	quietUntil time.Time
	quietErr   error
}

// Find answers a question: the records that concern it and perhaps others.
func (s *Server) Find(ctx context.Context, q match.Question) ([]match.Record, error) {
	switch {
	case q.ID != 0:
		company, err := s.client.Company(ctx, int(q.ID))
		if errclass.Of(err) == errclass.NotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return s.records(ctx, []connectwise.Company{company})
	case q.Name != "":
		where, ok := byName(q)
		if !ok {
			return nil, nil
		}
		return s.list(ctx, where)
	default:
		return nil, nil
	}
}

// FindIdentifier returns the companies with an identifier. The answer is believed for ten minutes.
func (s *Server) FindIdentifier(ctx context.Context, identifier string) ([]match.Record, error) {
	s.mu.Lock()
	if s.catchAllBy == identifier && s.clock.Now().Sub(s.catchAllAt) < catchAllLast {
		defer s.mu.Unlock()
		return s.catchAll, nil
	}
	s.mu.Unlock()
	where := connectwise.Eq("identifier", identifier)
	if where.Err() != nil {
		return nil, nil // no identifier of ConnectWise needs what a condition cannot express
	}
	found, err := s.list(ctx, where)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchAll, s.catchAllBy, s.catchAllAt = found, identifier, s.clock.Now()
	return found, nil
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

// byName is the condition for a name. The server's comparison ignores case, so that one question also brings
// the candidates. Names that no condition expresses (both kinds of quotes, a backslash) are looked for by their
// longest harmless part; of a name without one nothing can be asked.
func byName(q match.Question) (connectwise.Condition, bool) {
	where := connectwise.Eq("name", q.Name)
	if q.Cut != "" && q.Cut != q.Name {
		where = connectwise.In("name", q.Name, q.Cut)
	}
	if where.Err() == nil {
		return where, true
	}
	shortest := q.Name
	if q.Cut != "" {
		shortest = q.Cut
	}
	part := connectwise.ContainsPart(shortest)
	return connectwise.Contains("name", part), part != ""
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

// inactive returns which statuses make a company inactive. What says so is not documented: the flag inactiveFlag
// may also mean that the status itself is retired, disallowSavingFlag seems to block tickets, and a status called
// Inactive is there from the start. Each of them is taken for a warning, because a doubtful company is shown to
// a person and an active one costs nothing.
func (s *Server) inactive(ctx context.Context) (map[int]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statuses != nil && s.clock.Now().Sub(s.statusesAt) < statusesLast {
		return s.statuses, nil
	}
	table, err := s.client.CompanyStatuses(ctx)
	if err != nil {
		return nil, err
	}
	statuses := make(map[int]bool, len(table))
	for _, status := range table {
		statuses[status.ID] = status.InactiveFlag || status.DisallowSavingFlag || strings.EqualFold(strings.TrimSpace(status.Name), "Inactive")
	}
	s.statuses, s.statusesAt = statuses, s.clock.Now()
	return statuses, nil
}
