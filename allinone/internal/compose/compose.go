// Package compose puts the whole system together in one process: the embedded server, every service and the
// page. It owns the order in which they start and stop and what each is handed. It decides nothing about
// devices or tickets, and no service learns from it that it is not alone.
package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/covewise/covewise/allinone/internal/server"
	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/run"
	"github.com/covewise/covewise/platform/telemetry"
	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/record"
)

// Partitions is how many parts the partitioned streams of an embedded bus have, fixed at its birth.
const Partitions = 16

// ackWait is short, because there is no leader to be elected, and after a crash of the only process every message
// that was being handled waits for it.
const ackWait = 3 * time.Second

// Options are what a system is made of. Lock, Tenants, Author and Logger are required.
type Options struct {
	Lock      *server.Lock      // of the data directory; taken over, so that it is released in the end
	Tenants   []tenant.Document // the settings; tenants that are not among them are removed
	Author    string            // whose the settings are, in their history
	Listen    string            // address of page, health and metrics; empty: none
	Logger    *slog.Logger
	Clock     clock.Clock                                // nil: the system's
	LookupEnv func(name string) (value string, set bool) // where secrets named by environment variable are; nil: none is set
	Tracer    trace.TracerProvider                       // nil: no traces

	NoPoller          bool          // nothing is swept unless Main calls Sweep
	Lease             time.Duration // how long another process's tenants are waited for, by Clock; 0: the poller's default
	RequestsPerSecond float64       // towards each tenant's Cove; 0: the poller's default
	SearchPatience    time.Duration // of the ticketer, by Clock; 0: its default

	// Watch makes a service that starts when the bus and the page are there, before any service that acts, and
	// stops after them; nil: none.
	Watch func(s *System) run.Service
	// Main runs when everything has started, and its end is the end of the system. nil: it ends with its context.
	Main func(ctx context.Context, s *System) error
}

// System is a running system as Main sees it.
type System struct {
	Bus     *bus.Bus                 // on a connection of its own
	Address string                   // where the page is, "http://127.0.0.1:8080/"; empty without one
	Changes map[string]record.Change // what applying the settings changed, by tenant

	opts     Options
	embedded *server.Server
	health   *telemetry.Health
	registry *prometheus.Registry
	page     http.Handler        // the console's, once that has started
	hooks    http.Handler        // for ConnectWise's callbacks, likewise
	limits   *connectwise.Limits // one pace for all that talks to ConnectWise

	guard func(http.Handler) http.Handler // refuses requests under names that are not ours, once the console has started
}

// Run starts everything in order, runs until the context or Main ends, and stops everything in reverse, within
// five seconds. It returns what failed, Main's error among it, and nil after an orderly end.
func Run(ctx context.Context, opts Options) error {
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	if opts.LookupEnv == nil {
		opts.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if opts.Main == nil {
		opts.Main = func(ctx context.Context, _ *System) error {
			<-ctx.Done()
			return nil
		}
	}
	ctx, finish := context.WithCancel(ctx)
	defer finish()
	s := &System{
		opts: opts, health: telemetry.NewHealth(clock.System().Now), registry: telemetry.Registry(),
		limits: connectwise.NewLimits(connectwise.LimitsOptions{}),
	}
	var mainErr error
	services := []run.Service{s.broker(), s.settings(), s.door()}
	if opts.Listen != "" {
		services = append(services, s.console(), s.hooksService(), s.listener())
	}
	if opts.Watch != nil {
		services = append(services, opts.Watch(s))
	}
	services = append(services, s.ticketer(), s.evaluator(), s.companysync())
	if !opts.NoPoller {
		services = append(services, s.poller())
	}
	services = append(services, run.Service{Name: "main", Run: func(own context.Context) error {
		defer finish()
		if err := opts.Main(own, s); own.Err() == nil || !errors.Is(err, context.Canceled) {
			mainErr = err
		}
		return nil
	}})
	err := run.New(run.Options{Logger: opts.Logger}, services...).Run(ctx)
	// Start takes the lock over; when the group ended before the broker's turn nobody has released it.
	if s.embedded == nil {
		err = errors.Join(err, opts.Lock.Release())
	}
	return errors.Join(mainErr, err)
}

// broker is the embedded server with the streams and buckets.
func (s *System) broker() run.Service {
	return run.Service{
		Name: "nats",
		Start: func(ctx context.Context) error {
			embedded, err := server.Start(ctx, s.opts.Lock, s.opts.Logger.With("service", "nats"))
			if err != nil {
				return err
			}
			if err := provision(ctx, embedded); err != nil {
				return errors.Join(err, embedded.Stop())
			}
			s.embedded = embedded
			s.health.Set("nats", nil)
			return nil
		},
		Stop: func(context.Context) error { return s.embedded.Stop() },
	}
}

// door lets commands in. A system without one works as well, so a failure is said and not more.
func (s *System) door() run.Service {
	var door *server.Door
	return run.Service{
		Name: "door",
		Start: func(ctx context.Context) error {
			var err error
			if door, err = s.embedded.OpenDoor(ctx); err != nil {
				s.opts.Logger.Warn("commands such as covewise devices cannot reach this process", "err", err)
			}
			return nil
		},
		Run: func(ctx context.Context) error {
			if door == nil {
				<-ctx.Done()
				return nil
			}
			return door.Run(ctx)
		},
		Stop: func(context.Context) error {
			if door == nil {
				return nil
			}
			return door.Close()
		},
	}
}

func provision(ctx context.Context, embedded *server.Server) error {
	nc, err := embedded.Connect("provision")
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("provision the bus: %w", err)
	}
	return bus.Provision(ctx, js, bus.ProvisionOptions{Partitions: Partitions, Replicas: 1, AckWait: ackWait})
}

// settings opens the bus for the process itself and brings the tenants' documents onto it, before any service
// can act on older ones.
func (s *System) settings() run.Service {
	var nc *nats.Conn
	return run.Service{
		Name: "settings",
		Start: func(ctx context.Context) error {
			var err error
			if nc, err = s.embedded.Connect("covewise"); err != nil {
				return err
			}
			log := s.opts.Logger.With("service", "covewise")
			s.Bus, err = bus.Open(ctx, nc, bus.Options{Service: "covewise", Logger: log, Clock: s.opts.Clock})
			if err == nil {
				s.Changes, err = record.Apply(ctx, s.Bus, s.opts.Tenants, s.opts.Author, s.opts.Clock.Now())
			}
			if err != nil {
				nc.Close()
				return err
			}
			for id, change := range s.Changes {
				log.Info("settings applied", "tenant", id, "change", string(change))
			}
			return nil
		},
		Stop: func(context.Context) error {
			nc.Close()
			return nil
		},
	}
}
