// Package app runs the ticketer: it consumes the INCIDENT stream, keeps one ConnectWise ticket in step with each
// incident, and wakes what had to wait. It owns nothing but the wiring; it does not know whether the bus and the
// other services are in the same process.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
	_ "time/tzdata" // tenants name zones, and a container may have no database of them

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/services/ticketer/internal/apply"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/observe"
	"github.com/covewise/covewise/services/ticketer/internal/quota"
	"github.com/covewise/covewise/services/ticketer/internal/redrive"
)

// Options are everything that depends on where the service runs. NATS, Logger and LookupEnv are required.
type Options struct {
	NATS       *nats.Conn
	Logger     *slog.Logger
	Clock      clock.Clock                                // nil: the system's
	Registerer prometheus.Registerer                      // nil: no metrics
	Tracer     trace.TracerProvider                       // nil: no traces
	OnHealth   func(component string, err error)          // told when a part begins to fail (err) and recovers (nil); may be nil
	LookupEnv  func(name string) (value string, set bool) // where secrets named by environment variables are

	// SearchPatience is how long, by Clock, the trace of a create of unknown outcome may be missing before it is sent
	// again; 60 s when zero. It must exceed the lag of ConnectWise's search. A request is given up after two thirds of
	// it, and after 40 s at most, on the machine's clock: with a Clock that runs faster than that, it is to be as many
	// times longer.
	SearchPatience time.Duration

	// ObserveEvery is the time between two looks at what people did with a tenant's tickets; 5 min when zero.
	ObserveEvery time.Duration

	// Limits hold the pace towards the ConnectWise servers, shared with what else in this process talks to them; nil: own
	// ones, of 800 requests a minute.
	Limits *connectwise.Limits

	// Pace, for tests, is the clock by which requests to ConnectWise are paced and repeated; nil: the machine's.
	Pace clock.Clock

	// OnStep, for tests, is called before and after each step that is durable or remote.
	OnStep func(step string)
}

// Run handles incidents until the context ends, and then returns nil once what was under way has been put down.
func Run(ctx context.Context, o Options) error {
	if o.NATS == nil || o.Logger == nil || o.LookupEnv == nil || o.SearchPatience < 0 || o.ObserveEvery < 0 {
		return errclass.Newf(errclass.Bug, "start ticketer", "NATS, Logger and LookupEnv are required, and SearchPatience and ObserveEvery must not be negative")
	}
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.Limits == nil {
		o.Limits = connectwise.NewLimits(connectwise.LimitsOptions{Clock: o.Pace})
	}
	if o.SearchPatience == 0 {
		o.SearchPatience = apply.DefaultPatience
	}
	err := serve(ctx, o)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("ticketer: %w", err)
	}
	return nil
}

func serve(ctx context.Context, o Options) error {
	b, err := bus.Open(ctx, o.NATS, bus.Options{
		Service: "ticketer", Logger: o.Logger, Registerer: o.Registerer, Tracer: o.Tracer, Clock: o.Clock, OnHealth: o.OnHealth,
	})
	if err != nil {
		return err
	}
	metrics, err := apply.NewMetrics(o.Registerer)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	counter := quota.New()
	applier, err := apply.New(ctx, apply.Options{
		Bus: b, Clock: o.Clock, Logger: o.Logger, LookupEnv: o.LookupEnv, Patience: o.SearchPatience, Metrics: metrics, OnStep: o.OnStep,
		Pace: o.Pace, Limits: o.Limits, Quota: counter,
	})
	if err != nil {
		return err
	}
	defer applier.Close()
	if err := errors.Join(metrics.Requests(applier.Requests), queueMetrics(o.Registerer, o.Limits)); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	redriver, err := redrive.New(ctx, b, o.Clock, o.Logger, o.SearchPatience, metrics.Parked)
	if err != nil {
		return err
	}
	watcher, err := observe.New(ctx, observe.Options{
		Bus: b, Clock: o.Clock, Logger: o.Logger, Every: o.ObserveEvery, Counts: counter,
		Look: func(ctx context.Context, tenant string, f func(ctx context.Context, server string, r observe.Reader) error) error {
			return applier.Look(ctx, tenant, func(ctx context.Context, server string, d *desk.Desk) error { return f(ctx, server, d) })
		},
	})
	if err != nil {
		return err
	}
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return b.Consume(ctx, bus.Ticketer, apply.HandlerTimeout, applier.Handle) })
	parts.Go(func() error { return redriver.Run(ctx) })
	parts.Go(func() error { return watcher.Run(ctx) })
	return parts.Wait()
}
