// Package directory asks the tenants' ConnectWise servers for companies, and creates them. It owns one client for each
// tenant, built anew when the connection settings change, and the small caches that keep a question at one request. It
// does not decide what an answer means, nor what is created.
package directory

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

const (
	tablesLast = time.Hour        // how long the table of company statuses is believed
	namedLast  = 10 * time.Minute // how long the look-up of a company that the settings name is, and what new companies get
	quietFor   = time.Minute      // how long a server is left alone after a failure
)

// client is what is asked of a ConnectWise server; *connectwise.Client is one.
type client interface {
	Company(ctx context.Context, id int) (connectwise.Company, error)
	Companies(ctx context.Context, where connectwise.Condition, fields ...string) iter.Seq2[connectwise.Company, error]
	Tickets(ctx context.Context, where connectwise.Condition, fields ...string) iter.Seq2[connectwise.Ticket, error]
	CreateCompany(ctx context.Context, n connectwise.NewCompany) (connectwise.Company, error)
	CompanyStatuses(ctx context.Context) ([]connectwise.CompanyStatus, error)
	CompanyTypes(ctx context.Context) ([]connectwise.CompanyType, error)
	Locations(ctx context.Context) ([]connectwise.Location, error)
	Countries(ctx context.Context) ([]connectwise.Country, error)
}

// Directory hands out the servers of tenants. It may be used by several goroutines.
type Directory struct {
	clock     clock.Clock
	log       *slog.Logger
	lookupEnv func(name string) (string, bool)
	limits    *connectwise.Limits // nil: each client has its own

	mu      sync.Mutex
	servers map[string]*Server
}

// New returns a Directory. The clock is that of caches and quiet times; requests are paced on the machine's.
func New(c clock.Clock, log *slog.Logger, lookupEnv func(name string) (string, bool)) *Directory {
	return &Directory{clock: c, log: log, lookupEnv: lookupEnv, servers: map[string]*Server{}}
}

// Share lets the servers opened from now on keep their pace together with other clients of the process.
func (d *Directory) Share(limits *connectwise.Limits) { d.limits = limits }

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
		Logger: d.log.With("tenant", settings.GetId()), Limits: d.limits, Tenant: settings.GetId(),
		RequestsPerMinute: int(cw.GetRequestsPerMinute()), Burst: int(cw.GetBurst()),
	})
	if err != nil {
		return nil, errclass.New(errclass.AuthTenant, "open ConnectWise", err)
	}
	return &Server{client: c, clock: d.clock, settings: cw, close: c.Close, named: map[string]lookup{}}, nil
}

func (d *Directory) secret(field string, ref *tenantv1.SecretRef) (string, error) {
	secret, err := tenant.SecretRef{Field: field, File: ref.GetFile(), Env: ref.GetEnv()}.Resolve(d.lookupEnv)
	if err != nil {
		return "", err
	}
	return secret.Reveal(), nil
}
