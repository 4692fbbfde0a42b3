package sweeps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// parallel is how many devices are written at once. Every write is synced to disk, so one alone is slow and
// several share a sync.
const parallel = 16

// sweep judges every device of a tenant at the end of a complete sweep. An incomplete one decides nothing:
// what was not seen is not gone, and what was not seen again may have recovered.
func (h *Handler) sweep(ctx context.Context, d bus.Delivery) error {
	completed := &statusv1.SweepCompleted{}
	if err := d.Decode(completed); err != nil {
		return err
	}
	tenant := completed.GetTenant()
	if tenant != d.Subject.Tenant {
		return errclass.Newf(errclass.Rejected, "judge sweep", "subject %s carries a sweep of tenant %q", d.Subject, tenant)
	}
	log := h.Logger.With("tenant", tenant, "sweep", completed.GetSweep())
	if !completed.GetComplete() {
		log.Warn("sweep incomplete, nothing judged", "class", completed.GetFailureClass(), "reason", completed.GetFailure())
		return nil
	}
	policy, err := h.Policies.Policy(ctx, tenant)
	if err != nil {
		return fmt.Errorf("judge sweep: %w", err)
	}
	if policy == nil {
		// The tenant was removed while its last sweep was under way. Without a policy nothing is right or
		// wrong, and no redelivery brings one: open incidents stay as they are.
		log.Warn("tenant has no settings, nothing judged")
	}

	began := h.Clock.Now()
	t := newTask(policy, completed)
	if err := t.scan(ctx, h.States); err != nil {
		return fmt.Errorf("judge sweep: %w", err)
	}
	if err := h.settleAll(ctx, t, log); err != nil {
		return fmt.Errorf("judge sweep: %w", err)
	}
	h.report(t, log, h.Clock.Now().Sub(began))
	return nil
}

// task is the judgement of one sweep.
type task struct {
	policy  *tenantv1.Policy // nil: the tenant has none, and only what was decided before can be told again
	sweep   judge.Sweep
	tenant  string
	listed  int             // devices that the vendor enumerated
	ids     map[string]bool // devices that the vendor listed; nil when the sweep does not tell
	gone    map[string]bool // devices told gone
	changes []string        // keys of devices whose state changes or whose event is to be told again

	outcomes map[judge.Outcome]int
	events   map[incidentv1.EventKind]int
}

func newTask(policy *tenantv1.Policy, completed *statusv1.SweepCompleted) *task {
	t := &task{
		policy:   policy,
		sweep:    judge.Sweep{Number: completed.GetSweep(), At: completed.GetObservedAt().AsTime()},
		tenant:   completed.GetTenant(),
		listed:   int(completed.GetDevices()),
		gone:     make(map[string]bool, len(completed.GetGoneDeviceIds())),
		outcomes: map[judge.Outcome]int{},
		events:   map[incidentv1.EventKind]int{},
	}
	for _, id := range completed.GetGoneDeviceIds() {
		t.gone[id] = true
	}
	if ids := completed.GetDeviceIds(); len(ids) > 0 || completed.GetDevices() == 0 {
		t.ids = make(map[string]bool, len(ids))
		for _, id := range ids {
			t.ids[id] = true
		}
	}
	return t
}

// decide is the decision on one device.
func (t *task) decide(state *incidentv1.DeviceState) judge.Decision {
	seen := decode.Observe(state.GetSnapshot(), t.sweep.At)
	id := state.GetDeviceId()
	switch {
	case t.policy == nil:
		return judge.Decision{State: state, Event: judge.Decided(state, t.sweep), Outcome: judge.Unknown}
	case t.gone[id] || t.ids != nil && !t.ids[id]:
		return judge.Remove(t.policy, state, seen, t.sweep)
	case state.GetGone() && t.ids[id]:
		return judge.Return(t.policy, state, seen, t.sweep)
	default:
		return judge.Decide(t.policy, state, seen, t.sweep)
	}
}

// scan decides on every device without acting, counts how they stand and notes which change. It keeps only
// their keys: a tenant may have thousands of devices, and each is read again when it is settled.
func (t *task) scan(ctx context.Context, states States) error {
	return states.Each(ctx, bus.Key(t.tenant)+".>", func(entry bus.Entry[*incidentv1.DeviceState]) error {
		d := t.decide(entry.Value)
		t.outcomes[d.Outcome]++
		if d.Changed || d.Event != nil {
			t.changes = append(t.changes, entry.Key)
		}
		return nil
	})
}

// settleAll acts on the devices that change. One whose decision can never be recorded does not hold up the
// others; its error is returned when they are done.
func (h *Handler) settleAll(ctx context.Context, t *task, log *slog.Logger) error {
	var mu sync.Mutex // guards t.events and hopeless
	var hopeless error
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, key := range t.changes {
		group.Go(func() error {
			d, err := h.settle(ctx, key, t.decide)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && errclass.ActionOf(errclass.Of(err)) == errclass.DeadLetter {
				hopeless = errors.Join(hopeless, fmt.Errorf("device %s: %w", key, err))
				return nil
			}
			if err != nil {
				return fmt.Errorf("device %s: %w", key, err)
			}
			if d.Event != nil {
				t.events[d.Event.GetKind()]++
				log.Info("incident", "verb", verb(d.Event.GetKind()), "device", d.Event.GetDeviceId(),
					"incident", d.Event.GetIncidentId(), "revision", d.Event.GetRevision())
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return hopeless
}

// report writes the sweep's account: one line, whose first four figures sum up to the devices enumerated.
func (h *Handler) report(t *task, log *slog.Logger, took time.Duration) {
	known := t.outcomes[judge.Healthy] + t.outcomes[judge.InTrouble] + t.outcomes[judge.Excluded] + t.outcomes[judge.Unknown]
	if known != t.listed {
		log.Warn("devices judged are not the devices enumerated", "judged", known, "enumerated", t.listed)
	}
	// A device that is enumerated but was never described is unknown, and never healthy.
	t.outcomes[judge.Unknown] += max(t.listed-known, 0)
	h.Metrics.observe(t, took)
	log.Info("sweep judged",
		"healthy", t.outcomes[judge.Healthy], "in_trouble", t.outcomes[judge.InTrouble],
		"excluded", t.outcomes[judge.Excluded], "unknown", t.outcomes[judge.Unknown],
		"opened", t.events[incidentv1.EventKind_EVENT_KIND_FAILED], "changed", t.events[incidentv1.EventKind_EVENT_KIND_CHANGED],
		"resolved", t.events[incidentv1.EventKind_EVENT_KIND_RESOLVED], "took", took)
}
