// Package app runs the evaluator: it turns snapshots and sweeps on the bus into incident events. It owns the
// wiring only; decisions are internal/judge's, effects internal/sweeps'.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/heartbeat"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
	"github.com/covewise/covewise/services/evaluator/internal/watch"
)

// Options are what the evaluator is given. NATS and Logger are required.
type Options struct {
	NATS       *nats.Conn // to a provisioned bus
	Logger     *slog.Logger
	Clock      clock.Clock                       // nil: the system's
	Registerer prometheus.Registerer             // nil: no metrics
	Tracer     trace.TracerProvider              // nil: no traces
	OnHealth   func(component string, err error) // told when a part begins to fail (err) and recovers (nil); may be nil
	// LookupEnv finds heartbeat addresses that are named by environment variable; nil: none is set.
	LookupEnv func(name string) (value string, set bool)
}

// handlerTimeout bounds the judgement of one sweep. One that runs out is taken up again where it stopped,
// because devices decided already are left alone.
const handlerTimeout = 5 * time.Minute

// Run evaluates until the context ends, and then returns nil once nothing is under way. It fails when the
// bus is not provisioned or cannot be reached at the start. Any number of evaluators may run on one bus.
func Run(ctx context.Context, opts Options) error {
	if opts.NATS == nil || opts.Logger == nil {
		return errclass.Newf(errclass.Bug, "run evaluator", "NATS and Logger are required")
	}
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	b, err := bus.Open(ctx, opts.NATS, bus.Options{
		Service: "evaluator", Logger: opts.Logger, Registerer: opts.Registerer, Tracer: opts.Tracer, Clock: opts.Clock, OnHealth: opts.OnHealth,
	})
	if err != nil {
		return fmt.Errorf("run evaluator: %w", err)
	}
	states, err := bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState)
	if err != nil {
		return fmt.Errorf("run evaluator: %w", err)
	}
	tenants, err := bus.OpenStore[*incidentv1.TenantState](ctx, b, bus.TenantState)
	if err != nil {
		return fmt.Errorf("run evaluator: %w", err)
	}
	settings, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return fmt.Errorf("run evaluator: %w", err)
	}
	links, err := bus.OpenStore[*companyv1.Link](ctx, b, bus.CompanyMap)
	if err != nil {
		return fmt.Errorf("run evaluator: %w", err)
	}
	metrics, err := sweeps.NewMetrics(opts.Registerer)
	if err != nil {
		return fmt.Errorf("run evaluator: %w", err)
	}
	heart, err := heartbeat.New(heartbeat.Options{Logger: opts.Logger, LookupEnv: opts.LookupEnv, Metrics: opts.Registerer})
	if err != nil {
		return fmt.Errorf("run evaluator: %w", err)
	}
	overdue, err := watch.New(ctx, b, opts.Clock, opts.Logger)
	if err != nil {
		return fmt.Errorf("run evaluator: %w", err)
	}
	policies := sweeps.NewTenantPolicies(settings)
	handler := &sweeps.Handler{
		States: states, Tenants: tenants, Policies: policies, Links: links, Publisher: b, Logger: opts.Logger, Clock: opts.Clock, Metrics: metrics,
		Heart: heart,
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return policies.Run(ctx, b) })
	group.Go(func() error { return heart.Run(ctx) })
	group.Go(func() error { return overdue.Run(ctx) })
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-policies.Ready():
			return b.Consume(ctx, bus.Evaluator, handlerTimeout, handler.Handle)
		}
	})
	return group.Wait()
}
