package sweeps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/group"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// parallel is how many devices are written at once. Every write is synced to disk, so one alone is slow and
// several share a sync.
const parallel = 16

// sweep judges every device of a tenant at the end of a complete sweep. An incomplete one decides about no device:
// what was not seen is not gone, and what was not seen again may have recovered.
func (h *Handler) sweep(ctx context.Context, d bus.Delivery) error {
	completed := &statusv1.SweepCompleted{}
	if err := d.Decode(completed); err != nil {
		return err
	}
	id := completed.GetTenant()
	if id != d.Subject.Tenant {
		return errclass.Newf(errclass.Rejected, "judge sweep", "subject %s carries a sweep of tenant %q", d.Subject, id)
	}
	log := h.Logger.With("tenant", id, "sweep", completed.GetSweep())
	tenant, err := h.Policies.Tenant(ctx, id)
	if err != nil {
		return fmt.Errorf("judge sweep: %w", err)
	}
	if !completed.GetComplete() {
		return h.incomplete(ctx, tenant, completed, log)
	}
	if tenant == nil {
		// The tenant was removed while its last sweep was under way. Without a policy nothing is right or
		// wrong, and no redelivery brings one: open incidents stay as they are.
		log.Warn("tenant has no settings, nothing judged")
	}
	if err := h.judge(ctx, newTask(tenant, completed), log); err != nil {
		return fmt.Errorf("judge sweep: %w", err)
	}
	return nil
}

// judge decides about the tenant and its devices, in this order: what is decided about groups is written before the
// devices that it holds back are, and a group is told before the devices that belong to it and ends after them.
func (h *Handler) judge(ctx context.Context, t *task, log *slog.Logger) error {
	began := h.Clock.Now()
	if err := t.scan(ctx, h.States); err != nil {
		return err
	}
	if t.tenant == nil {
		hopeless, err := h.settleAll(ctx, t, log)
		return errors.Join(err, hopeless)
	}
	state, err := h.decideTenant(ctx, t)
	if err != nil {
		return fmt.Errorf("decide about tenant: %w", err)
	}
	if err := h.tellTenant(ctx, state, t.completed.GetObservedAt(), log); err != nil {
		return err
	}
	begins, ends := group.Decided(state, t.sweep.Number)
	if err := h.tellGroups(ctx, begins, log); err != nil {
		return err
	}
	t.join(state)
	// A device whose decision can never be recorded must not take the sweep's end with it: a group's end, which the state
	// has forgotten by the next sweep, the account, the heartbeat.
	hopeless, err := h.settleAll(ctx, t, log)
	if err != nil {
		return err
	}
	if err := h.tellGroups(ctx, ends, log); err != nil {
		return err
	}
	h.report(t, log, h.Clock.Now().Sub(began))
	if err := h.publishAccount(ctx, t); err != nil {
		return err
	}
	if h.Heart != nil {
		h.Heart.Beat(t.tenant.Settings)
	}
	return hopeless
}

// task is the judgement of one sweep.
type task struct {
	tenant        *Tenant // nil: it has no settings, and only what was decided before can be told again
	completed     *statusv1.SweepCompleted
	sweep         judge.Sweep
	lacking       decode.Lacking // columns that the sweep learnt of no device
	id            string
	ids           map[string]bool // devices that the vendor listed; nil when the sweep does not tell
	gone          map[string]bool // devices told gone
	causesMissing map[string]bool // devices whose causes the poller has yet to read, as far as the sweep names them
	changes       []string        // keys of devices whose state changes or whose event is to be told again

	account *account
	fleet   group.Fleet
	members map[string]group.Membership // by device id
	held    map[string]*policy.Mute     // of devices that a group holds back, by device id
	events  map[incidentv1.EventKind]int
}

func newTask(tenant *Tenant, completed *statusv1.SweepCompleted) *task {
	t := &task{
		tenant:        tenant,
		completed:     completed,
		sweep:         judge.Sweep{Number: completed.GetSweep(), At: completed.GetObservedAt().AsTime()},
		lacking:       decode.NewLacking(completed.GetColumnsRefused(), completed.GetColumnsUnanswered()),
		id:            completed.GetTenant(),
		gone:          make(map[string]bool, len(completed.GetGoneDeviceIds())),
		causesMissing: make(map[string]bool, len(completed.GetCausesMissingDeviceIds())),
		account:       newAccount(),
		fleet:         group.Fleet{Size: group.NewCensus()},
		held:          map[string]*policy.Mute{},
		events:        map[incidentv1.EventKind]int{},
	}
	for _, id := range completed.GetGoneDeviceIds() {
		t.gone[id] = true
	}
	for _, id := range completed.GetCausesMissingDeviceIds() {
		t.causesMissing[id] = true
	}
	if ids := completed.GetDeviceIds(); len(ids) > 0 || completed.GetDevices() == 0 {
		t.ids = make(map[string]bool, len(ids))
		for _, id := range ids {
			t.ids[id] = true
		}
	}
	return t
}

// verdict is a decision with what it was made from.
type verdict struct {
	judge.Decision
	seen judge.Observation
}

// decide is the decision on one device.
func (t *task) decide(state *incidentv1.DeviceState) verdict {
	v := verdict{seen: decode.ObserveLacking(state.GetSnapshot(), t.sweep.At, t.lacking)}
	if t.tenant == nil {
		v.Decision = judge.Decision{State: state, Event: judge.Decided(state, t.sweep), Outcome: judge.Unknown}
		return v
	}
	rules := t.tenant.compiled.For(judge.SubjectOf(t.tenant.policy().GetDocumentsProfiles(), v.seen), t.sweep.At)
	id := state.GetDeviceId()
	if rules.Mute == nil {
		rules.Mute = t.held[id]
	}
	switch {
	case t.gone[id] || t.ids != nil && !t.ids[id]:
		v.Decision = judge.Remove(rules, state, v.seen, t.sweep)
	case state.GetGone() && t.ids[id]:
		v.Decision = judge.Return(rules, state, v.seen, t.sweep)
	default:
		v.Decision = judge.Decide(rules, state, v.seen, t.sweep)
	}
	v.Decision = t.withGroup(state, v.Decision)
	return v
}

// scan decides on every device without acting and without regard to groups, counts how they stand and notes which
// change. Of a device it keeps the key only, unless it is in trouble: a tenant may have thousands of devices, and each
// is read again when it is settled.
func (t *task) scan(ctx context.Context, states States) error {
	undescribed := map[string]bool{}
	for id := range t.ids {
		undescribed[id] = true
	}
	err := states.Each(ctx, bus.Key(t.id)+".>", func(entry bus.Entry[*incidentv1.DeviceState]) error {
		v := t.decide(entry.Value)
		delete(undescribed, entry.Value.GetDeviceId())
		t.account.count(entry.Value.GetDeviceId(), v.Decision)
		if v.Changed || v.Event != nil {
			t.changes = append(t.changes, entry.Key)
		}
		if v.Outcome == judge.Gone || v.Outcome == judge.Excluded {
			return nil
		}
		device := t.describe(entry.Value, v.seen, v.Decision)
		t.fleet.Size.Add(device)
		if len(device.Conditions) > 0 {
			t.fleet.Add(device)
		}
		return nil
	})
	if err != nil {
		return err
	}
	missing := slices.Sorted(maps.Keys(undescribed))
	t.account.missing(max(int(t.completed.GetDevices())-t.account.judged(), len(missing)), missing)
	return nil
}

// settleAll acts on the devices that change. Those whose decisions can never be recorded do not hold up the
// others: hopeless says which they are. err is any other failure, after which the sweep is to be taken again.
func (h *Handler) settleAll(ctx context.Context, t *task, log *slog.Logger) (hopeless, err error) {
	var mu sync.Mutex // guards t.events and hopeless
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(parallel)
	for _, key := range t.changes {
		workers.Go(func() error {
			d, err := h.settle(ctx, key, func(state *incidentv1.DeviceState) judge.Decision { return t.decide(state).Decision })
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
	if err := workers.Wait(); err != nil {
		return nil, err
	}
	return hopeless, nil
}

// report says the sweep's account in one line, whose first four figures sum up to the devices enumerated.
func (h *Handler) report(t *task, log *slog.Logger, took time.Duration) {
	counted := t.account.outcomes
	if listed := int(t.completed.GetDevices()); t.account.judged() != listed {
		log.Warn("devices judged are not the devices enumerated", "judged", t.account.judged(), "enumerated", listed)
	}
	h.Metrics.observe(t, took)
	log.Info("sweep judged",
		"healthy", counted[judge.Healthy], "in_trouble", counted[judge.InTrouble],
		"excluded", counted[judge.Excluded], "unknown", counted[judge.Unknown],
		"opened", t.events[incidentv1.EventKind_EVENT_KIND_FAILED], "changed", t.events[incidentv1.EventKind_EVENT_KIND_CHANGED],
		"resolved", t.events[incidentv1.EventKind_EVENT_KIND_RESOLVED], "took", took)
}
