package poll

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/internal/lease"
)

// errNotMine means that another poller was faster or holds the lease.
var errNotMine = errors.New("another poller holds the lease")

const releaseTimeout = 3 * time.Second

// claim is a tenant held by this poller for one sweep.
type claim struct {
	poller   *Poller
	settings *tenantv1.Settings
	terms    lease.Terms
	lease    *statusv1.PollLease // as it was claimed
	began    time.Time
	telling  bool // the sweep is being stored: until that has succeeded, nobody knows whether it was told
}

// sweepOnce claims the tenant, sweeps and releases. The account returned is that of the sweep, complete or
// not; an error means that the bus failed or the lease was lost, and then nothing was remembered.
func (p *Poller) sweepOnce(ctx context.Context, s *tenantv1.Settings, force bool) (*statusv1.SweepCompleted, error) {
	c, err := p.claim(ctx, s, force)
	if err != nil {
		return nil, err
	}
	o := lease.Outcome{Began: c.began}
	err = c.holding(ctx, func(ctx context.Context) error {
		var err error
		o, err = p.sweep(ctx, c)
		return err
	})
	if err != nil && c.telling {
		// The lease is left to be found orphaned: whoever takes it up looks whether the sweep was told.
		return nil, err
	}
	// The lease is given back although the service is being stopped, so that nobody waits for it to run out.
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	next, releaseErr := p.leases.Update(release, bus.Key(s.GetId()), func(l *statusv1.PollLease) (*statusv1.PollLease, error) {
		free, ok := lease.Release(l, c.lease, o, c.terms)
		if !ok {
			return nil, bus.ErrKeep
		}
		return free, nil
	})
	if o.Done != nil {
		p.say(o, next)
	}
	return o.Done, errors.Join(err, releaseErr)
}

// claim takes the tenant's lease.
func (p *Poller) claim(ctx context.Context, s *tenantv1.Settings, force bool) (*claim, error) {
	key := bus.Key(s.GetId())
	c := &claim{poller: p, settings: s, terms: lease.For(s, p.opts.Lease), began: p.opts.Clock.Now()}
	held, revision, err := p.leases.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if lease.Orphaned(held, p.opts.ID, c.began, c.terms) {
		if held, revision, err = p.adopt(ctx, c, held, revision); err != nil {
			return nil, err
		}
	}
	var ok bool
	if c.lease, ok = lease.Claim(held, p.opts.ID, c.began, c.terms, force); !ok {
		return nil, errNotMine
	}
	if _, err := p.leases.Put(ctx, key, c.lease, revision); err != nil {
		return nil, lostRace(err)
	}
	return c, nil
}

// adopt gives the lease of a poller that died back in its name when the sweep that it had begun was told: the slot has
// had its sweep, and is not swept again.
func (p *Poller) adopt(ctx context.Context, c *claim, held *statusv1.PollLease, revision uint64) (*statusv1.PollLease, uint64, error) {
	told, err := p.opts.Told(ctx, c.settings.GetId(), held.GetSweep())
	if err != nil || told == nil {
		return held, revision, err
	}
	settled := lease.Settle(held, lease.Outcome{Began: told.GetObservedAt().AsTime(), Ended: told.GetFinishedAt().AsTime(), Done: told}, c.terms)
	if revision, err = p.leases.Put(ctx, bus.Key(c.settings.GetId()), settled, revision); err != nil {
		return nil, 0, lostRace(err)
	}
	p.log.Info("the sweep of a poller that is gone was told already", "tenant", told.GetTenant(), "sweep", told.GetSweep())
	return settled, revision, nil
}

func lostRace(err error) error {
	if errclass.Of(err) == errclass.Conflict {
		return errNotMine
	}
	return err
}

// keep makes the lease last for its whole time again. It returns errNotMine when it is no longer held.
func (c *claim) keep(ctx context.Context) error {
	p := c.poller
	_, err := p.leases.Update(ctx, bus.Key(c.settings.GetId()), func(l *statusv1.PollLease) (*statusv1.PollLease, error) {
		kept, ok := lease.Renew(l, p.opts.ID, c.lease.GetSweep(), p.opts.Clock.Now(), c.terms)
		if !ok {
			return nil, errNotMine
		}
		return kept, nil
	})
	return err
}

// holding keeps the lease while work runs and ends the work when the lease is lost.
func (c *claim) holding(ctx context.Context, work func(context.Context) error) error {
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	var renewals sync.WaitGroup
	defer renewals.Wait()
	renewing, stop := context.WithCancel(ctx)
	defer stop()
	renewals.Go(func() {
		for c.poller.opts.Clock.Sleep(renewing, c.terms.Lease/3) == nil {
			if err := c.keep(renewing); errors.Is(err, errNotMine) {
				lost(errNotMine)
				return
			}
		}
	})
	return work(ctx)
}
