// Package app runs the poller: the service that looks at every tenant's Cove fleet and publishes what changed.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/internal/poll"
)

// Options are what a poller gets from outside. NATS and Logger are required.
type Options struct {
	NATS       *nats.Conn
	Logger     *slog.Logger
	Clock      clock.Clock                               // nil: the system's
	Registerer prometheus.Registerer                     // nil: no metrics
	Tracer     trace.TracerProvider                      // nil: no traces
	OnHealth   func(component string, err error)         // may be nil
	LookupEnv  func(name string) (value string, ok bool) // where secrets named by environment variable are read; nil: none is set

	// ID names this poller among those that run at the same time. A poller that comes back under its old
	// name takes its own leases up at once instead of waiting until they run out. Empty: a random one.
	ID                string
	Lease             time.Duration // how long a dead poller's tenants wait; default 1 min
	Concurrency       int           // tenants swept at once, those whose sweep takes long left out; default 16
	ErrorsBudget      time.Duration // real time a sweep may always spend on session errors; default 30 s. It may take half the interval where that is more
	MostErrors        int           // devices whose session errors a sweep reads at most; default 1000
	RequestsPerSecond float64       // towards Cove, for each tenant, whatever its settings say; 0: what they say
}

func (o *Options) fill() error {
	if o.NATS == nil || o.Logger == nil {
		return errclass.Newf(errclass.Bug, "start poller", "NATS and Logger are required")
	}
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.LookupEnv == nil {
		o.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if o.ID == "" {
		o.ID = nuid.Next()
	}
	if o.Lease == 0 {
		o.Lease = time.Minute
	}
	if o.Concurrency == 0 {
		o.Concurrency = 16
	}
	if o.MostErrors == 0 {
		o.MostErrors = 1000
	}
	if o.ErrorsBudget == 0 {
		o.ErrorsBudget = 30 * time.Second
	}
	if o.Lease < 0 || o.Concurrency < 0 || o.ErrorsBudget < 0 || o.MostErrors < 0 || o.RequestsPerSecond < 0 {
		return errclass.Newf(errclass.Rejected, "start poller", "Lease, Concurrency, ErrorsBudget, MostErrors and RequestsPerSecond must not be negative")
	}
	return nil
}

// Run sweeps every tenant when it is due, until the context ends; then it returns nil.
func Run(ctx context.Context, opts Options) error {
	p, err := build(ctx, &opts)
	if err != nil {
		return err
	}
	return p.Run(ctx)
}

// Once sweeps every tenant now and returns the account of each sweep by tenant, also of incomplete ones.
func Once(ctx context.Context, opts Options) (map[string]*statusv1.SweepCompleted, error) {
	p, err := build(ctx, &opts)
	if err != nil {
		return nil, err
	}
	return p.Once(ctx)
}

func build(ctx context.Context, opts *Options) (*poll.Poller, error) {
	if err := opts.fill(); err != nil {
		return nil, err
	}
	b, err := bus.Open(ctx, opts.NATS, bus.Options{
		Service: "poller", Logger: opts.Logger, Registerer: opts.Registerer, Tracer: opts.Tracer, Clock: opts.Clock, OnHealth: opts.OnHealth,
	})
	if err != nil {
		return nil, fmt.Errorf("start poller: %w", err)
	}
	metrics, err := poll.NewMetrics(opts.Registerer)
	if err != nil {
		return nil, fmt.Errorf("start poller: register metrics: %w", err)
	}
	told, err := newTold(ctx, opts.NATS)
	if err != nil {
		return nil, fmt.Errorf("start poller: %w", err)
	}
	p, err := poll.New(ctx, poll.Options{
		ID: opts.ID, Bus: b, Clock: opts.Clock, Logger: opts.Logger, Metrics: metrics, NewClient: opts.newClient, Told: told,
		Lease: opts.Lease, Concurrency: opts.Concurrency, ErrorsBudget: opts.ErrorsBudget, MostErrors: opts.MostErrors,
	})
	if err != nil {
		return nil, fmt.Errorf("start poller: %w", err)
	}
	return p, nil
}

func (o *Options) newClient(s *tenantv1.Cove) (poll.Client, error) {
	perSecond := o.RequestsPerSecond
	if perSecond == 0 {
		perSecond = s.GetRequestsPerSecond() // 0: the client's default
	}
	c, err := cove.New(cove.Options{
		URL: s.GetUrl(), Partner: s.GetPartner(), Username: s.GetUsername(), AllowHosts: s.GetAllowHosts(),
		Password: func() (string, error) {
			secret, err := tenant.Reference("cove.password", s.GetPassword()).Resolve(o.LookupEnv)
			return secret.Reveal(), err
		},
		Clock: o.Clock, Logger: o.Logger, RequestsPerSecond: perSecond,
	})
	if err != nil {
		return nil, errclass.New(errclass.Rejected, "", err)
	}
	return c, nil
}
