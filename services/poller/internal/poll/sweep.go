package poll

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/internal/lease"
	"github.com/covewise/covewise/services/poller/internal/sweep"
)

// defaultErrorsParallel is for tenants whose settings name no concurrency.
const defaultErrorsParallel = 4

// remembered is what the poller knows of a tenant from before a sweep, with the revisions it was read at.
type remembered struct {
	devices                             *statusv1.DeviceCursor
	tree                                *statusv1.PartnerCursor
	causes                              *statusv1.CauseCursor
	devicesKey, treeKey, causesKey      string
	devicesRevision, treeRev, causesRev uint64
}

func (p *Poller) recall(ctx context.Context, tenant string) (r remembered, err error) {
	r.devicesKey, r.treeKey, r.causesKey = bus.Key(tenant, "devices"), bus.Key(tenant, "partners"), bus.Key(tenant, "causes")
	if r.devices, r.devicesRevision, err = p.devices.Get(ctx, r.devicesKey); err != nil {
		return r, err
	}
	if r.tree, r.treeRev, err = p.trees.Get(ctx, r.treeKey); err != nil {
		return r, err
	}
	r.causes, r.causesRev, err = p.causes.Get(ctx, r.causesKey)
	return r, err
}

// errorsBudget is what a sweep of a tenant may spend on session errors. In a storm of hundreds of devices the causes
// are worth half the interval: told with them they are one incident, without them hundreds.
func (p *Poller) errorsBudget(s *tenantv1.Settings) time.Duration {
	return max(p.opts.ErrorsBudget, s.GetPollInterval().AsDuration()/2)
}

// sweep looks at the fleet and stores what it saw. Whatever Cove does wrong ends as an incomplete sweep on
// the bus; only failures of the bus and the loss of the lease are errors.
func (p *Poller) sweep(ctx context.Context, c *claim) (lease.Outcome, error) {
	o := lease.Outcome{Began: c.began}
	tenant, number := c.settings.GetId(), c.lease.GetSweep()
	before, err := p.recall(ctx, tenant)
	if err != nil {
		return o, err
	}
	parallel := int(c.settings.GetCove().GetConcurrency())
	if parallel == 0 {
		parallel = defaultErrorsParallel
	}
	result, requests, err := p.look(ctx, c.settings, sweep.Request{
		Tenant: tenant, Number: number, Root: c.settings.GetCove().GetRoot(), Devices: before.devices, Tree: before.tree, Causes: before.causes,
		Clock: p.opts.Clock, ErrorsBudget: p.errorsBudget(c.settings), MostErrors: p.opts.MostErrors, ErrorsParallel: parallel,
	})
	if ctx.Err() != nil {
		return o, fmt.Errorf("sweep %d broken off: %w", number, context.Cause(ctx))
	}
	o.RetryAfter = errclass.RetryAfter(err)
	done := result.Completed
	if done == nil { // it did not come to a look at all
		done = &statusv1.SweepCompleted{
			SchemaVersion: 1, Tenant: tenant, Sweep: number, ObservedAt: timestamppb.New(c.began.Truncate(time.Second)),
			FailureClass: errclass.Of(err).String(), Failure: err.Error(),
		}
	}
	done.Requests = uint32(requests)
	done.Interval = c.settings.GetPollInterval()
	// A poller that was away for longer than its lease must not tell a sweep beside that of its successor. With the
	// lease made whole again, it has all of its time to tell this one.
	if err := c.keep(ctx); err != nil {
		return o, err
	}
	c.telling = true
	if done.GetComplete() {
		err = p.storeComplete(ctx, before, result)
	} else {
		err = p.storeEnd(ctx, done)
	}
	if err != nil {
		return o, err
	}
	o.Done, o.Ended = done, p.opts.Clock.Now()
	return o, nil
}

// storeComplete stores what a complete sweep saw, and remembers it.
func (p *Poller) storeComplete(ctx context.Context, before remembered, result sweep.Result) error {
	began := p.opts.Clock.Now()
	// The tree first: a device's fingerprint holds its owner, so with an older tree the next sweep would go back.
	if result.Tree != nil {
		if _, err := p.trees.Put(ctx, before.treeKey, result.Tree, before.treeRev); err != nil {
			return err
		}
	}
	if len(result.Causes.GetDevices()) > 0 || len(before.causes.GetDevices()) > 0 {
		if !proto.Equal(before.causes, result.Causes) {
			if _, err := p.causes.Put(ctx, before.causesKey, result.Causes, before.causesRev); err != nil {
				return err
			}
		}
	}
	// What is about to be published is marked first. After a crash in between, what the readers know of these
	// devices is not certain, and they are published again even if they look as they did before. The write is
	// also the fence against a poller that lost its lease: of two, one gets past it.
	revision := before.devicesRevision
	if len(result.Snapshots) > 0 {
		var err error
		if revision, err = p.devices.Put(ctx, before.devicesKey, sweep.Unsettled(before.devices, result), revision); err != nil {
			return err
		}
	}
	if err := p.storeSnapshots(ctx, result.Snapshots); err != nil {
		return err
	}
	sweep.Added(result.Completed, "publish", p.opts.Clock.Now().Sub(began))
	if err := p.storeEnd(ctx, result.Completed); err != nil {
		return err
	}
	if len(result.Snapshots) > 0 || sweep.Differs(before.devices, result) {
		if _, err := p.devices.Put(ctx, before.devicesKey, result.Devices, revision); err != nil {
			// The sweep is told. What was not remembered of it is published again by the next.
			p.log.Warn("what was published could not be remembered", "tenant", result.Completed.GetTenant(), "err", err)
		}
	}
	return nil
}

// storeSnapshots publishes what a sweep saw.
func (p *Poller) storeSnapshots(ctx context.Context, snapshots []*statusv1.Snapshot) error {
	messages := make([]bus.Message, len(snapshots))
	for i, s := range snapshots {
		messages[i] = bus.Message{
			Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: s.GetTenant(), Key: s.GetDeviceId()},
			ID:      fmt.Sprintf("snapshot:%s:%s:%d", s.GetTenant(), s.GetDeviceId(), s.GetSweep()),
			Body:    s,
		}
	}
	return p.opts.Bus.PublishAll(ctx, messages)
}

// storeEnd publishes the end of a sweep, which the readers take as "now decide".
func (p *Poller) storeEnd(ctx context.Context, done *statusv1.SweepCompleted) error {
	done.FinishedAt = timestamppb.New(p.opts.Clock.Now())
	return p.opts.Bus.Publish(ctx, bus.Message{
		Subject: EndOf(done.GetTenant(), done.GetSweep()), ID: fmt.Sprintf("sweep:%s:%d", done.GetTenant(), done.GetSweep()), Body: done,
	})
}

// EndOf returns the subject of a sweep's end.
func EndOf(tenant string, number uint64) bus.Subject {
	return bus.Subject{Family: bus.Status, Verb: bus.VerbSweep, Tenant: tenant, Key: strconv.FormatUint(number, 10)}
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
