// Package poll sweeps tenants when they are due: it claims a tenant's lease, sweeps, stores what the sweep
// saw on the bus and remembers what it stored. Several pollers may run; the lease gives each slot to one.
package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/internal/lease"
	"github.com/covewise/covewise/services/poller/internal/sweep"
)

// Client is a Cove client that counts its requests.
type Client interface {
	sweep.Client
	Requests() int64
}

// Options configure a Poller. All but Metrics are required.
type Options struct {
	ID           string // unique among pollers that run at the same time
	Bus          *bus.Bus
	Clock        clock.Clock
	Logger       *slog.Logger
	Metrics      *Metrics
	NewClient    func(*tenantv1.Cove) (Client, error)
	Lease        time.Duration // a dead poller's tenants are free after this time
	Concurrency  int64         // tenants swept at once
	ErrorsBudget time.Duration // real time a sweep spends on session errors at most
}

// Poller sweeps tenants.
type Poller struct {
	opts    Options
	log     *slog.Logger
	tenants *bus.Store[*tenantv1.Settings]
	leases  *bus.Store[*statusv1.PollLease]
	devices *bus.Store[*statusv1.DeviceCursor]
	trees   *bus.Store[*statusv1.PartnerCursor]

	mu      sync.Mutex
	clients map[string]client
	slots   *semaphore.Weighted
}

// client is a tenant's Cove client with the settings it was made from. It outlives a sweep, because the
// visa may still be good for the next one.
type client struct {
	settings *tenantv1.Cove
	Client
}

// New opens the buckets of a poller.
func New(ctx context.Context, opts Options) (*Poller, error) {
	p := &Poller{opts: opts, log: opts.Logger, clients: map[string]client{}, slots: semaphore.NewWeighted(opts.Concurrency)}
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
	return p, nil
}

// maxWait bounds how long the poller sleeps without looking at the leases again.
const maxWait = time.Minute

// Run sweeps whatever is due until the context ends; then it gives its leases back and returns nil.
func (p *Poller) Run(ctx context.Context) error {
	wake := make(chan struct{}, 1)
	touch := func(string) {
		select {
		case wake <- struct{}{}:
		default: // a wake-up is already waiting
		}
	}
	settings := bus.NewView(p.tenants, ">", func(e bus.Entry[*tenantv1.Settings]) *tenantv1.Settings { return e.Value }, touch)
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

// schedule starts a sweep for every tenant that is due and sleeps until the next one is.
func (p *Poller) schedule(ctx context.Context, group *errgroup.Group, settings *bus.View[*tenantv1.Settings, *tenantv1.Settings],
	leases *bus.View[*statusv1.PollLease, *statusv1.PollLease], wake chan struct{},
) {
	var running sync.Map // tenants being swept by this process
	for ctx.Err() == nil {
		now := p.opts.Clock.Now()
		next := now.Add(maxWait)
		settings.Each(func(key string, s *tenantv1.Settings) {
			if _, busy := running.Load(key); busy {
				return
			}
			held, _ := leases.Get(key)
			due := lease.Next(held, p.opts.ID, now, p.terms(s))
			if due.After(now) {
				if due.Before(next) {
					next = due
				}
				return
			}
			running.Store(key, true)
			group.Go(func() error {
				defer func() {
					running.Delete(key)
					select {
					case wake <- struct{}{}:
					default:
					}
				}()
				p.sweepDue(ctx, s)
				return nil
			})
		})
		p.sleepUntil(ctx, next, wake)
	}
}

// sleepUntil returns at a time on the clock, at a wake-up, or at the context's end.
func (p *Poller) sleepUntil(ctx context.Context, at time.Time, wake <-chan struct{}) {
	sleep, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-wake:
			stop()
		case <-sleep.Done():
		}
	}()
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

// errNotMine means that another poller was faster or holds the lease.
var errNotMine = errors.New("another poller holds the lease")

// sweepOnce claims the tenant, sweeps and releases. The account returned is that of the sweep, complete or
// not; an error means that the bus failed or the lease was lost, and then nothing was remembered.
func (p *Poller) sweepOnce(ctx context.Context, s *tenantv1.Settings, force bool) (*statusv1.SweepCompleted, error) {
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("wait for a slot: %w", err)
	}
	defer p.slots.Release(1)
	key := bus.Key(s.GetId())
	began := p.opts.Clock.Now()
	held, revision, err := p.leases.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	claimed, ok := lease.Claim(held, p.opts.ID, began, p.terms(s), force)
	if !ok {
		return nil, errNotMine
	}
	if _, err := p.leases.Put(ctx, key, claimed, revision); err != nil {
		if errclass.Of(err) == errclass.Conflict {
			return nil, errNotMine
		}
		return nil, err
	}
	done, err := p.holding(ctx, s, claimed.GetSweep(), func(ctx context.Context) (*statusv1.SweepCompleted, error) {
		return p.sweep(ctx, s, claimed.GetSweep())
	})
	// The lease is given back although the service is being stopped, so that nobody waits for it to run out.
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	_, releaseErr := p.leases.Update(release, key, func(l *statusv1.PollLease) (*statusv1.PollLease, error) {
		free, ok := lease.Release(l, p.opts.ID, began, s.GetPollInterval().AsDuration(), done)
		if !ok {
			return nil, bus.ErrKeep
		}
		return free, nil
	})
	return done, errors.Join(err, releaseErr)
}

func (p *Poller) terms(s *tenantv1.Settings) lease.Terms {
	return lease.Terms{Interval: s.GetPollInterval().AsDuration(), Lease: p.opts.Lease}
}

const releaseTimeout = 3 * time.Second

// holding renews the lease while work runs and ends the work when the lease is lost.
func (p *Poller) holding(ctx context.Context, s *tenantv1.Settings, number uint64, work func(context.Context) (*statusv1.SweepCompleted, error)) (*statusv1.SweepCompleted, error) {
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	var renewals sync.WaitGroup
	defer renewals.Wait()
	renewing, stop := context.WithCancel(ctx)
	defer stop()
	renewals.Go(func() {
		for p.opts.Clock.Sleep(renewing, p.opts.Lease/3) == nil {
			_, err := p.leases.Update(renewing, bus.Key(s.GetId()), func(l *statusv1.PollLease) (*statusv1.PollLease, error) {
				kept, ok := lease.Renew(l, p.opts.ID, number, p.opts.Clock.Now(), p.terms(s))
				if !ok {
					return nil, errNotMine
				}
				return kept, nil
			})
			if errors.Is(err, errNotMine) {
				lost(errNotMine)
				return
			}
		}
	})
	return work(ctx)
}

// sweep looks at the fleet and stores what it saw. Whatever Cove does wrong ends as an incomplete sweep on
// the bus; only failures of the bus are errors.
func (p *Poller) sweep(ctx context.Context, s *tenantv1.Settings, number uint64) (*statusv1.SweepCompleted, error) {
	began := p.opts.Clock.Now()
	devicesKey, treeKey := bus.Key(s.GetId(), "devices"), bus.Key(s.GetId(), "partners")
	known, devicesRevision, err := p.devices.Get(ctx, devicesKey)
	if err != nil {
		return nil, err
	}
	tree, treeRevision, err := p.trees.Get(ctx, treeKey)
	if err != nil {
		return nil, err
	}
	result, requests, err := p.look(ctx, s, sweep.Request{
		Tenant: s.GetId(), Number: number, Root: s.GetCove().GetRoot(), Devices: known, Tree: tree,
		Clock: p.opts.Clock, ErrorsBudget: p.opts.ErrorsBudget,
	})
	if ctx.Err() != nil {
		return nil, fmt.Errorf("sweep %d broken off: %w", number, context.Cause(ctx))
	}
	done := result.Completed
	if err != nil {
		done = &statusv1.SweepCompleted{
			SchemaVersion: 1, Tenant: s.GetId(), Sweep: number, ObservedAt: timestamppb.New(began),
			FailureClass: errclass.Of(err).String(), Failure: err.Error(),
		}
	}
	done.Requests = uint32(requests)
	done.FinishedAt = timestamppb.New(p.opts.Clock.Now())
	if !done.GetComplete() {
		return done, p.finish(ctx, result.Snapshots, done, began)
	}
	// The tree first: a device's fingerprint holds its owner, so with an older tree the next sweep would go back.
	if result.Tree != nil {
		if _, err := p.trees.Put(ctx, treeKey, result.Tree, treeRevision); err != nil {
			return nil, err
		}
	}
	// What is about to be published is marked first. After a crash in between, what the readers know of these
	// devices is not certain, and they are published again even if they look as they did before. The write is
	// also the fence against a poller that lost its lease: of two, one gets past it.
	if len(result.Snapshots) > 0 {
		if devicesRevision, err = p.devices.Put(ctx, devicesKey, sweep.Unsettled(known, result), devicesRevision); err != nil {
			return nil, err
		}
	}
	if err := p.finish(ctx, result.Snapshots, done, began); err != nil {
		return nil, err
	}
	if len(result.Snapshots) > 0 || len(done.GetGoneDeviceIds()) > 0 || known == nil {
		if _, err := p.devices.Put(ctx, devicesKey, result.Devices, devicesRevision); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// finish publishes a sweep and says what came of it.
func (p *Poller) finish(ctx context.Context, snapshots []*statusv1.Snapshot, done *statusv1.SweepCompleted, began time.Time) error {
	if err := p.store(ctx, snapshots, done); err != nil {
		return err
	}
	p.say(done, p.opts.Clock.Now().Sub(began))
	return nil
}

// look runs the sweep and counts its requests.
func (p *Poller) look(ctx context.Context, s *tenantv1.Settings, req sweep.Request) (sweep.Result, int64, error) {
	client, err := p.client(s)
	if err != nil {
		return sweep.Result{}, 0, err
	}
	before := client.Requests()
	result, err := sweep.Run(ctx, client, req)
	return result, client.Requests() - before, err
}

func (p *Poller) client(s *tenantv1.Settings) (Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.clients[s.GetId()]; ok && proto.Equal(c.settings, s.GetCove()) {
		return c.Client, nil
	}
	made, err := p.opts.NewClient(s.GetCove())
	if err != nil {
		return nil, fmt.Errorf("connect to Cove: %w", err)
	}
	p.clients[s.GetId()] = client{settings: proto.CloneOf(s.GetCove()), Client: made}
	return made, nil
}

// store publishes a sweep: first its snapshots, then its end, which the readers take as "now decide".
func (p *Poller) store(ctx context.Context, snapshots []*statusv1.Snapshot, done *statusv1.SweepCompleted) error {
	messages := make([]bus.Message, len(snapshots))
	for i, s := range snapshots {
		messages[i] = bus.Message{
			Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: s.GetTenant(), Key: s.GetDeviceId()},
			ID:      fmt.Sprintf("snapshot:%s:%s:%d", s.GetTenant(), s.GetDeviceId(), s.GetSweep()),
			Body:    s,
		}
	}
	if err := p.opts.Bus.PublishAll(ctx, messages); err != nil {
		return err
	}
	return p.opts.Bus.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSweep, Tenant: done.GetTenant(), Key: strconv.FormatUint(done.GetSweep(), 10)},
		ID:      fmt.Sprintf("sweep:%s:%d", done.GetTenant(), done.GetSweep()),
		Body:    done,
	})
}

func (p *Poller) say(done *statusv1.SweepCompleted, took time.Duration) {
	p.opts.Metrics.observe(done, took)
	log := p.log.With("tenant", done.GetTenant(), "sweep", done.GetSweep(), "requests", done.GetRequests(), "took", took.Round(time.Millisecond))
	if !done.GetComplete() {
		log.Warn("sweep incomplete, nothing is concluded from it", "class", done.GetFailureClass(), "err", done.GetFailure())
		return
	}
	log.Info("sweep complete", "devices", done.GetDevices(), "published", done.GetPublished(),
		"new", len(done.GetNewDeviceIds()), "gone", len(done.GetGoneDeviceIds()))
}
