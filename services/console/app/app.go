// Package app is the console: a read-only web page and JSON API over what the other services keep on the bus.
// It is the only package that composers import. It does not listen by itself: whoever embeds it serves
// Handler, beside health and metrics or alone.
package app

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/services/console/internal/projection"
	"github.com/covewise/covewise/services/console/internal/web"
)

// Options are what the console needs. NATS and Logger are required.
type Options struct {
	NATS       *nats.Conn                        // connection to a provisioned bus
	Logger     *slog.Logger                      // what fails
	Clock      clock.Clock                       // what "3 min ago" is counted from; nil: the system's
	Registerer prometheus.Registerer             // nil: no metrics
	Tracer     trace.TracerProvider              // nil: no traces
	OnHealth   func(component string, err error) // may be nil

	// Listen is the address that Handler is served on, "host:port". Requests must name its host or a loopback
	// one; where it means every address, any address in digits is accepted too.
	Listen string
}

// Console is the handler with the data behind it.
type Console struct {
	handler    http.Handler
	guard      func(next http.Handler) http.Handler
	projection *projection.Projection
}

// New looks the bus up. Until Run has read it, pages and API answer 503.
func New(ctx context.Context, opts Options) (*Console, error) {
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	b, err := bus.Open(ctx, opts.NATS, bus.Options{
		Service: "console", Logger: opts.Logger, Registerer: opts.Registerer, Tracer: opts.Tracer, Clock: opts.Clock, OnHealth: opts.OnHealth,
	})
	if err != nil {
		return nil, err
	}
	rows, err := projection.Open(ctx, b)
	if err != nil {
		return nil, err
	}
	handler, err := web.New(rows, opts.Clock, opts.Logger, opts.Listen)
	if err != nil {
		return nil, err
	}
	return &Console{handler: handler, guard: handler.Guard, projection: rows}, nil
}

// Handler serves everything below "/": pages, assets and /api/v1/.
func (c *Console) Handler() http.Handler { return c.handler }

// Guard serves something else beside the console, such as metrics, under the same names only.
func (c *Console) Guard(next http.Handler) http.Handler { return c.guard(next) }

// Ready reports whether the bus has been read, for a readiness check.
func (c *Console) Ready() bool { return c.projection.Ready() }

// Run keeps the data until the context ends, and then returns nil.
func (c *Console) Run(ctx context.Context) error { return c.projection.Run(ctx) }
