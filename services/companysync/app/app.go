// Package app runs company-sync: it answers which ConnectWise company stands for which customer. It is the
// only package that composers import; it knows neither where the bus comes from nor who else runs beside it.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/answer"
	"github.com/covewise/covewise/services/companysync/internal/directory"
)

// Options are what company-sync needs. NATS and Logger are required.
type Options struct {
	NATS       *nats.Conn                                 // connection to a provisioned bus
	Logger     *slog.Logger                               // what happens and what fails
	Clock      clock.Clock                                // time of answers and of their age; nil: the system's
	Registerer prometheus.Registerer                      // nil: no metrics
	Tracer     trace.TracerProvider                       // nil: no traces
	OnHealth   func(component string, err error)          // told when a part begins to fail (err) and recovers (nil); may be nil
	LookupEnv  func(name string) (value string, set bool) // reads secrets that are named by environment variable; nil: none are set
}

// handlerTimeout is more than all requests of one question may take.
const handlerTimeout = 90 * time.Second

// Run answers until the context ends, and then returns nil once what was begun has ended.
func Run(ctx context.Context, opts Options) error {
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	b, err := bus.Open(ctx, opts.NATS, bus.Options{
		Service: "companysync", Logger: opts.Logger, Registerer: opts.Registerer, Tracer: opts.Tracer, Clock: opts.Clock, OnHealth: opts.OnHealth,
	})
	if err != nil {
		return err
	}
	links, err := bus.OpenStore[*companyv1.Link](ctx, b, bus.CompanyMap)
	if err != nil {
		return err
	}
	tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return err
	}
	metrics, err := answer.NewMetrics(opts.Registerer)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	companies := directory.New(opts.Clock, opts.Logger, opts.LookupEnv)
	defer companies.Close()
	handler := &answer.Handler{
		Events: b, Links: links, Directory: companies, Clock: opts.Clock, Logger: opts.Logger, Metrics: metrics,
		// Not from a view, which may lag: a tenant without settings is given no answer, and one that has moved to another
		// server none of the old one's.
		Settings: func(ctx context.Context, tenant string) (*tenantv1.Settings, error) {
			settings, _, err := tenants.Get(ctx, bus.Key(tenant))
			return settings, err
		},
	}
	return b.Consume(ctx, bus.CompanySync, handlerTimeout, handler.Handle)
}
