// Package hooks takes ConnectWise's callbacks about tickets, POST /hooks/connectwise/<tenant token>, and keeps the
// entries by which the servers call us. A callback is a hint: once it has proved to come from the tenant's own server,
// the tenant's tickets are looked at soon, by the path by which they are looked at anyway (see observe). Nothing else
// of a callback is believed, so that one that is lost, late, repeated or out of order costs nothing but time.
//
// It decides nothing about tickets and needs nothing to be reachable: without callbacks everything works, later.
package hooks

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Prefix is the path below which the hooks are; the tenant's token follows.
const Prefix = "/hooks/connectwise/"

// refresh is how often tokens are read anew, so that a replaced secret is taken up without a restart.
const refresh = time.Minute

// Options are what Hooks need; Transport, Limits and Registerer may be nil.
type Options struct {
	Bus       *bus.Bus
	Clock     clock.Clock // of limits, ages of keys and the hours of registration; the machine's but in tests
	Logger    *slog.Logger
	LookupEnv func(name string) (value string, set bool)
	// Changed is told that a ticket may have changed. It must be quick.
	Changed    func(ctx context.Context, tenant string, ticket int64) error
	Limits     *connectwise.Limits
	Transport  http.RoundTripper // to ConnectWise and to its keys; nil: each client's own
	Registerer prometheus.Registerer
}

// Hooks takes callbacks and keeps our entries.
type Hooks struct {
	opts     Options
	log      *slog.Logger
	clock    clock.Clock
	tenants  *bus.View[*tenantv1.Settings, *tenantv1.Settings]
	outcomes *prometheus.CounterVec
	stir     chan struct{} // settings changed; holds one
	began    time.Time

	mu    sync.RWMutex
	doors []*door

	entries map[string]*registration // by tenant; of Run only
	leavers leavers                  // of Run only
}

// New opens the view of the tenants.
func New(ctx context.Context, o Options) (*Hooks, error) {
	h := &Hooks{
		opts: o, log: o.Logger, clock: o.Clock, stir: make(chan struct{}, 1), began: o.Clock.Now(), entries: map[string]*registration{},
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_ticketer_callbacks_total", Help: "Callbacks of ConnectWise, by outcome.",
		}, []string{"outcome"}),
	}
	for _, o := range outcomes() {
		h.outcomes.WithLabelValues(string(o))
	}
	if o.Registerer != nil {
		if err := o.Registerer.Register(h.outcomes); err != nil {
			return nil, err
		}
	}
	store, err := bus.OpenStore[*tenantv1.Settings](ctx, o.Bus, bus.Tenants)
	if err != nil {
		return nil, err
	}
	h.tenants = bus.NewView(store, ">", func(e bus.Entry[*tenantv1.Settings]) *tenantv1.Settings { return e.Value }, func(string) {
		select {
		case h.stir <- struct{}{}:
		default:
		}
	})
	return h, nil
}

// Run keeps tokens and entries up to date until the context ends, and then returns nil.
func (h *Hooks) Run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return h.tenants.Run(ctx, h.opts.Bus) })
	parts.Go(func() error {
		select {
		case <-h.tenants.Ready():
		case <-ctx.Done():
		}
		for ctx.Err() == nil {
			settings := h.settings()
			h.open(ctx, settings)
			h.register(ctx, settings)
			h.leave(ctx, settings)
			h.rest(ctx)
		}
		return nil
	})
	return parts.Wait()
}

func (h *Hooks) settings() map[string]*tenantv1.Settings {
	all := map[string]*tenantv1.Settings{}
	h.tenants.Each(func(_ string, s *tenantv1.Settings) { all[s.GetId()] = s })
	return all
}

// rest waits a minute, or until settings change.
func (h *Hooks) rest(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		_ = h.clock.Sleep(ctx, refresh) // ends early by intention
	}()
	select {
	case <-h.stir:
	case <-ctx.Done():
	}
	cancel()
	<-done
}
