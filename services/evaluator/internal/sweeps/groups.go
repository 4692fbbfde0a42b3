package sweeps

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/group"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
	"github.com/covewise/covewise/services/evaluator/internal/watch"
)

// muteLasts is how long a group's mute is said to last; it is decided anew in each sweep.
const muteLasts = 100 * 365 * 24 * time.Hour

// describe gives the package group what it needs of a device in trouble. before is the state that the decision was made
// from.
func (t *task) describe(before *incidentv1.DeviceState, seen judge.Observation, d judge.Decision) group.Device {
	open := d.State.GetOpen()
	return group.Device{
		ID: before.GetDeviceId(), Name: seen.Device.GetName(), ComputerName: seen.Device.GetComputerName(),
		Customer: seen.Customer, Site: seen.Site,
		Location: seen.Device.GetStorageLocation(), ClientVersion: seen.Device.GetClientVersion(),
		Conditions: open.GetConditions(), IncidentID: open.GetIncidentId(), Told: before.GetOpen() != nil, OpenedAt: open.GetOpenedAt().AsTime(),
		Severity: open.GetSeverity(), Urgency: open.GetUrgency(),
		Unread: t.unread(before.GetDeviceId(), before.GetSnapshot()),
	}
}

// unread reports whether the poller has yet to read why the device is in trouble. It names a thousand such devices; of
// others it shows in the snapshot, which then has no session errors.
func (t *task) unread(id string, snapshot *statusv1.Snapshot) bool {
	if t.causesMissing[id] {
		return true
	}
	return int(t.completed.GetCausesMissing()) > len(t.causesMissing) && len(snapshot.GetSourceErrors()) == 0
}

// decideTenant records the complete sweep, and the groups among the devices that it found in trouble.
func (h *Handler) decideTenant(ctx context.Context, t *task) (*incidentv1.TenantState, error) {
	rules := t.tenant.groups()
	if rules.Join == group.Hold {
		link, _, err := h.Links.Get(ctx, bus.Key(t.id, tenant.OwnCustomer))
		if err != nil {
			return nil, fmt.Errorf("read the link of the MSP's own company: %w", err)
		}
		rules.Homeless = t.tenant.homeless(link)
	}
	return h.Tenants.Update(ctx, bus.Key(t.id), func(state *incidentv1.TenantState) (*incidentv1.TenantState, error) {
		next, swept := watch.Swept(state, t.completed, t.tenant.limits(t.completed.GetInterval().AsDuration()))
		if swept {
			next.ColumnsRefused, next.ColumnsUnanswered = t.completed.GetColumnsRefused(), t.completed.GetColumnsUnanswered()
		}
		if next.GetGroupedSweep() >= t.sweep.Number {
			if !swept {
				return state, bus.ErrKeep
			}
			return next, nil
		}
		return group.Decide(rules, next, t.fleet, group.Sweep{Number: t.sweep.Number, At: t.sweep.At}), nil
	})
}

// join notes what the groups mean for each device. Who is held back is told by the state, not by this look at the
// devices: after a crash those that were settled before are not looked at again.
func (t *task) join(state *incidentv1.TenantState) {
	t.members = group.Members(state, t.fleet)
	for id, reason := range group.Held(state) {
		t.held[id] = &policy.Mute{Reason: reason, Until: t.sweep.At.Add(muteLasts)}
		t.account.muted[reason]++ // such a device is one that would open: no window or snooze has muted it
	}
}

// withGroup names the group in the event of a device that belongs to one. What it was told to belong to, it keeps
// until its own incident ends.
func (t *task) withGroup(before *incidentv1.DeviceState, d judge.Decision) judge.Decision {
	if d.Event == nil || !d.Changed {
		return d
	}
	incident := before.GetOpen().GetGroupIncidentId()
	if m, belongs := t.members[before.GetDeviceId()]; belongs && incident == "" {
		incident = m.Incident
	}
	if incident == "" || d.Event.GetGroupIncidentId() == incident {
		return d
	}
	state, event := proto.CloneOf(d.State), proto.CloneOf(d.Event)
	event.GroupIncidentId = incident
	if state.GetOpen() != nil {
		state.Open = event
	} else {
		state.Resolved = event
	}
	d.State, d.Event = state, event
	return d
}

// tellGroups publishes group events.
func (h *Handler) tellGroups(ctx context.Context, events []*incidentv1.Event, log *slog.Logger) error {
	for _, e := range events {
		h.Metrics.groups.WithLabelValues(verb(e.GetKind())).Inc()
		log.Warn("group incident", "verb", verb(e.GetKind()), "incident", e.GetIncidentId(), "revision", e.GetRevision(),
			"cause", e.GetCause().GetKind(), "value", e.GetCause().GetValue(), "devices", e.GetMembersTotal())
		if err := h.tell(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
