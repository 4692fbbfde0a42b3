package app

import (
	"context"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/services/ticketer/internal/hooks"
)

// HooksPath is the path below which Hooks are to be served.
const HooksPath = hooks.Prefix

// Hooks takes ConnectWise's callbacks about tickets and asks the tenants' servers for them. It is apart from Run: it may
// be in another process, and everything works without it, only that what people do with tickets is seen some minutes
// later.
type Hooks struct {
	hooks  *hooks.Hooks
	sooner *hooks.Sooner
}

// NewHooks opens the bus. Of the options NATS, Logger and LookupEnv are required; Clock, Limits, Registerer and Tracer
// are used when they are there.
func NewHooks(ctx context.Context, o Options) (*Hooks, error) {
	if o.NATS == nil || o.Logger == nil || o.LookupEnv == nil {
		return nil, errclass.Newf(errclass.Bug, "start hooks", "NATS, Logger and LookupEnv are required")
	}
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.Pace == nil {
		o.Pace = clock.System()
	}
	// Without metrics of the bus, which Run registers in the same process.
	b, err := bus.Open(ctx, o.NATS, bus.Options{Service: "ticketer", Logger: o.Logger, Tracer: o.Tracer, Clock: o.Clock})
	if err != nil {
		return nil, err
	}
	h := &Hooks{}
	if h.sooner, err = hooks.NewSooner(ctx, b, o.Clock); err != nil {
		return nil, err
	}
	h.hooks, err = hooks.New(ctx, hooks.Options{
		Bus: b, Clock: o.Pace, Logger: o.Logger, LookupEnv: o.LookupEnv, Changed: h.sooner.Changed, Limits: o.Limits, Registerer: o.Registerer,
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Handler answers below HooksPath. Until Run has read the tenants every token is unknown.
func (h *Hooks) Handler() http.Handler { return h.hooks }

// Run keeps tokens and callback entries up to date until the context ends, and then returns nil.
func (h *Hooks) Run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return h.sooner.Run(ctx) })
	parts.Go(func() error { return h.hooks.Run(ctx) })
	return parts.Wait()
}
