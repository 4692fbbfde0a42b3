// Package poll sweeps tenants when they are due: it claims a tenant's lease, sweeps, stores what the sweep
// saw on the bus and remembers what it stored. Several pollers may run; the lease gives each slot to one.
package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/internal/lease"
	"github.com/covewise/covewise/services/poller/internal/sweep"
	"github.com/covewise/covewise/services/poller/internal/turns"
)

// Client is a Cove client that counts its requests.
type Client interface {
	sweep.Client
	Requests() int64
}

// Options configure a Poller. All are required.
type Options struct {
	ID        string // unique among pollers that run at the same time
	Bus       *bus.Bus
	Clock     clock.Clock
	Logger    *slog.Logger
	Metrics   *Metrics
	NewClient func(*tenantv1.Cove) (Client, error)
	// Told returns the end of a sweep if it is stored on the bus, and nil if it is not.
	Told         func(ctx context.Context, tenant string, sweep uint64) (*statusv1.SweepCompleted, error)
	Lease        time.Duration // a dead poller's tenants are free after this time
	Concurrency  int           // tenants swept at once, those that take long left out
	ErrorsBudget time.Duration // real time a sweep spends on session errors at most
	MostErrors   int           // devices whose session errors a sweep reads at most
}

// Poller sweeps tenants.
type Poller struct {
	opts    Options
	log     *slog.Logger
	tenants *bus.Store[*tenantv1.Settings]
	leases  *bus.Store[*statusv1.PollLease]
	devices *bus.Store[*statusv1.DeviceCursor]
	trees   *bus.Store[*statusv1.PartnerCursor]
	causes  *bus.Store[*statusv1.CauseCursor]

	mu      sync.Mutex
	clients map[string]client
	running map[string]time.Time // since when each tenant is being swept by this process
}

// client is a tenant's Cove client with the settings it was made from. It outlives a sweep, because the
// visa may still be good for the next one.
type client struct {
	settings *tenantv1.Cove
	Client
}

// New opens the buckets of a poller.
func New(ctx context.Context, opts Options) (*Poller, error) {
	p := &Poller{opts: opts, log: opts.Logger, clients: map[string]client{}, running: map[string]time.Time{}}
	var err error
	if p.tenants, err = bus.OpenStore[*tenantv1.Settings](ctx, opts.Bus, bus.Tenants); err != nil {
		return nil, err
	}
	if p.leases, err = bus.OpenStore[*statusv1.PollLease](ctx, opts.Bus, bus.PollLease); err != nil {
		return nil, err
	}
	if p.devices, err = bus.OpenStore[*statusv1.DeviceCursor](ctx, opts.Bus, bus.PollCursor); err != nil {
		return nil, err
	}
	if p.trees, err = bus.OpenStore[*statusv1.PartnerCursor](ctx, opts.Bus, bus.PollCursor); err != nil {
		return nil, err
	}
	if p.causes, err = bus.OpenStore[*statusv1.CauseCursor](ctx, opts.Bus, bus.PollCursor); err != nil {
		return nil, err
	}
	return p, nil
}

// maxWait bounds how long the poller sleeps without looking at the leases again.
const maxWait = time.Minute

// Run sweeps whatever is due until the context ends; then it gives its leases back and returns nil.
func (p *Poller) Run(ctx context.Context) error {
	wake := make(chan struct{}, 1)
	touch := func(string) { poke(wake) }
	settings := bus.NewView(p.tenants, ">", func(e bus.Entry[*tenantv1.Settings]) planned {
		return planned{settings: e.Value, terms: lease.For(e.Value, p.opts.Lease)}
	}, touch)
	leases := bus.NewView(p.leases, ">", func(e bus.Entry[*statusv1.PollLease]) *statusv1.PollLease { return e.Value }, touch)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return settings.Run(ctx, p.opts.Bus) })
	group.Go(func() error { return leases.Run(ctx, p.opts.Bus) })
	group.Go(func() error {
		for _, ready := range []<-chan struct{}{settings.Ready(), leases.Ready()} {
			select {
			case <-ctx.Done():
				return nil
			case <-ready:
			}
		}
		p.schedule(ctx, group, settings, leases, wake)
		return nil
	})
	return group.Wait()
}

func poke(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default: // a wake-up is already waiting
	}
}

// planned is a tenant with its terms, which are too dear to be worked out for all tenants at every look.
type planned struct {
	settings *tenantv1.Settings
	terms    lease.Terms
}

// schedule starts sweeps of the tenants whose turn it is and sleeps until there may be another.
func (p *Poller) schedule(ctx context.Context, group *errgroup.Group, settings *bus.View[*tenantv1.Settings, planned],
	leases *bus.View[*statusv1.PollLease, *statusv1.PollLease], wake chan struct{},
) {
	limits := turns.LimitsOf(p.opts.Concurrency)
	for ctx.Err() == nil {
		now := p.opts.Clock.Now()
		sweeping, since := p.sweeping()
		var waiting []turns.Tenant
		all := map[string]*tenantv1.Settings{}
		seen := newSurvey(now)
		settings.Each(func(key string, t planned) {
			all[key] = t.settings
			held, _ := leases.Get(key)
			seen.lease(held)
			if sweeping[key] {
				return
			}
			due := lease.Next(held, p.opts.ID, now, t.terms)
			seen.due(due)
			waiting = append(waiting, turns.Tenant{Key: key, Due: due})
		})
		start, again := turns.Next(waiting, since, now, limits)
		p.opts.Metrics.survey(seen, len(since)+len(start))
		for _, key := range start {
			p.began(key, now)
			group.Go(func() error {
				defer poke(wake)
				defer p.ended(key)
				p.sweepDue(ctx, all[key])
				return nil
			})
		}
		if most := now.Add(maxWait); again.IsZero() || again.After(most) {
			again = most
		}
		p.sleepUntil(ctx, again, wake)
	}
}

// sweeping returns which tenants are being swept, and since when each of the sweeps runs.
func (p *Poller) sweeping() (keys map[string]bool, since []time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys = make(map[string]bool, len(p.running))
	for key, t := range p.running {
		keys[key] = true
		since = append(since, t)
	}
	return keys, since
}

func (p *Poller) began(key string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[key] = now
}

func (p *Poller) ended(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, key)
}

// sleepUntil returns at a time on the clock, at a wake-up, or at the context's end.
func (p *Poller) sleepUntil(ctx context.Context, at time.Time, wake <-chan struct{}) {
	sleep, stop := context.WithCancel(ctx)
	var waking sync.WaitGroup
	defer waking.Wait()
	defer stop()
	waking.Go(func() {
		select {
		case <-wake:
			stop()
		case <-sleep.Done():
		}
	})
	_ = p.opts.Clock.SleepUntil(sleep, at) // woken or done, the caller looks again either way
}

// sweepDue sweeps a tenant if the lease can be had. A lease that cannot be read or written leaves the
// tenant due.
func (p *Poller) sweepDue(ctx context.Context, s *tenantv1.Settings) {
	if _, err := p.sweepOnce(ctx, s, false); err != nil && ctx.Err() == nil && !errors.Is(err, errNotMine) {
		p.log.Error("sweep could not be carried out", "tenant", s.GetId(), "class", errclass.Of(err).String(), "err", err)
		_ = p.opts.Clock.Sleep(ctx, retryPause) // ends early only with the context
	}
}

// retryPause keeps a tenant whose lease or cursor fails from being tried in a tight loop.
const retryPause = 5 * time.Second

// Once sweeps every tenant now, due or not, and returns the accounts of the sweeps by tenant. A tenant that
// another poller holds is an error.
func (p *Poller) Once(ctx context.Context) (map[string]*statusv1.SweepCompleted, error) {
	var all []*tenantv1.Settings
	err := p.tenants.Each(ctx, ">", func(e bus.Entry[*tenantv1.Settings]) error {
		all = append(all, e.Value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	accounts := make(map[string]*statusv1.SweepCompleted, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Concurrency)
	for _, s := range all {
		group.Go(func() error {
			done, err := p.sweepOnce(ctx, s, true)
			if err != nil {
				return fmt.Errorf("sweep %s: %w", s.GetId(), err)
			}
			mu.Lock()
			defer mu.Unlock()
			accounts[s.GetId()] = done
			return nil
		})
	}
	return accounts, group.Wait()
}
