package compose

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/run"
	"github.com/covewise/covewise/platform/telemetry"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	companysync "github.com/covewise/covewise/services/companysync/app"
	console "github.com/covewise/covewise/services/console/app"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
	poller "github.com/covewise/covewise/services/poller/app"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

// part is what every service is handed.
type part struct {
	nc         *nats.Conn
	log        *slog.Logger
	registerer prometheus.Registerer
}

// service runs a service over a connection of its own. The connection is closed after the service has ended,
// because until then it still acknowledges. prepare, if not nil, is what the service needs before others start.
func (s *System) service(name string, prepare, serve func(ctx context.Context, p part) error) run.Service {
	var p part
	s.health.Expect(name)
	return run.Service{
		Name: name,
		Start: func(ctx context.Context) error {
			var err error
			if p, err = s.part(name); err != nil || prepare == nil {
				return err
			}
			if err := prepare(ctx, p); err != nil {
				p.nc.Close()
				return err
			}
			return nil
		},
		Run: func(ctx context.Context) error {
			defer p.nc.Close()
			return serve(ctx, p)
		},
	}
}

// acting is service for one whose consumers report their own health: it is ready as soon as it runs.
func (s *System) acting(name string, serve func(ctx context.Context, p part) error) run.Service {
	return s.service(name, nil, func(ctx context.Context, p part) error {
		s.health.Set(name, nil)
		return serve(ctx, p)
	})
}

func (s *System) part(name string) (part, error) {
	nc, err := s.embedded.Connect(name)
	return part{nc: nc, log: s.opts.Logger.With("service", name), registerer: telemetry.For(s.registry, name)}, err
}

func (s *System) ticketer() run.Service {
	return s.acting("ticketer", func(ctx context.Context, p part) error {
		return ticketer.Run(ctx, ticketer.Options{
			NATS: p.nc, Logger: p.log, Registerer: p.registerer, Clock: s.opts.Clock, Tracer: s.opts.Tracer, OnHealth: s.health.Set,
			LookupEnv: s.opts.LookupEnv, SearchPatience: s.opts.SearchPatience, Limits: s.limits,
		})
	})
}

// hooksService takes ConnectWise's callbacks. Its handler is there before the listener starts.
func (s *System) hooksService() run.Service {
	var hooks *ticketer.Hooks
	prepare := func(ctx context.Context, p part) error {
		var err error
		hooks, err = ticketer.NewHooks(ctx, ticketer.Options{
			NATS: p.nc, Logger: p.log, Registerer: p.registerer, Clock: s.opts.Clock, Tracer: s.opts.Tracer, LookupEnv: s.opts.LookupEnv, Limits: s.limits,
		})
		if err == nil {
			s.hooks = hooks.Handler()
		}
		return err
	}
	return s.service("hooks", prepare, func(ctx context.Context, _ part) error {
		s.health.Set("hooks", nil)
		return hooks.Run(ctx)
	})
}

func (s *System) evaluator() run.Service {
	return s.acting("evaluator", func(ctx context.Context, p part) error {
		return evaluator.Run(ctx, evaluator.Options{
			NATS: p.nc, Logger: p.log, Registerer: p.registerer, Clock: s.opts.Clock, Tracer: s.opts.Tracer, OnHealth: s.health.Set,
			LookupEnv: s.opts.LookupEnv,
		})
	})
}

func (s *System) companysync() run.Service {
	return s.acting("companysync", func(ctx context.Context, p part) error {
		return companysync.Run(ctx, companysync.Options{
			NATS: p.nc, Logger: p.log, Registerer: p.registerer, Clock: s.opts.Clock, Tracer: s.opts.Tracer, OnHealth: s.health.Set,
			LookupEnv: s.opts.LookupEnv, Limits: s.limits,
		})
	})
}

func (s *System) poller() run.Service {
	return s.acting("poller", func(ctx context.Context, p part) error { return poller.Run(ctx, s.pollerOptions(p)) })
}

// pollerOptions name the poller after the installation: the data directory's lock leaves room for one only, and
// after a kill it takes its own leases up at once.
func (s *System) pollerOptions(p part) poller.Options {
	return poller.Options{
		NATS: p.nc, Logger: p.log, Registerer: p.registerer, Clock: s.opts.Clock, Tracer: s.opts.Tracer, OnHealth: s.health.Set,
		LookupEnv: s.opts.LookupEnv, ID: "allinone-" + s.Bus.Installation(),
		Lease: s.opts.Lease, RequestsPerSecond: s.opts.RequestsPerSecond,
	}
}

// readyStep is how often the console is asked whether it has read the bus.
const readyStep = 20 * time.Millisecond

func (s *System) console() run.Service {
	var page *console.Console
	prepare := func(ctx context.Context, p part) error {
		var err error
		page, err = console.New(ctx, console.Options{
			NATS: p.nc, Logger: p.log, Registerer: p.registerer, Clock: s.opts.Clock, Tracer: s.opts.Tracer, OnHealth: s.health.Set,
			Listen: s.opts.Listen,
		})
		if err == nil {
			s.page, s.guard = page.Handler(), page.Guard
		}
		return err
	}
	return s.service("console", prepare, func(ctx context.Context, _ part) error {
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error { return page.Run(ctx) })
		parts.Go(func() error {
			for !page.Ready() {
				if clock.System().Sleep(ctx, readyStep) != nil {
					return nil
				}
			}
			s.health.Set("console", nil)
			return nil
		})
		return parts.Wait()
	})
}

// Sweep sweeps every tenant once, now, and returns the accounts by tenant. It is for a system with NoPoller.
func (s *System) Sweep(ctx context.Context) (map[string]*statusv1.SweepCompleted, error) {
	p, err := s.part("poller")
	if err != nil {
		return nil, err
	}
	defer p.nc.Close()
	return poller.Once(ctx, s.pollerOptions(p))
}
