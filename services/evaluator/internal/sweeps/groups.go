package sweeps

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/evaluator/internal/group"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
	"github.com/covewise/covewise/services/evaluator/internal/watch"
)

// muteLasts is how long a group's mute is said to last; it is decided anew in each sweep.
const muteLasts = 100 * 365 * 24 * time.Hour

// describe gives the package group what it needs of a device in trouble. before is the state that the decision was made
// from.
func describe(before *incidentv1.DeviceState, seen judge.Observation, d judge.Decision) group.Device {
	open := d.State.GetOpen()
	return group.Device{
		ID: before.GetDeviceId(), Name: seen.Device.GetName(), ComputerName: seen.Device.GetComputerName(),
		Customer: seen.Customer, Site: seen.Site,
		Location: seen.Device.GetStorageLocation(), ClientVersion: seen.Device.GetClientVersion(),
		Conditions: open.GetConditions(), IncidentID: open.GetIncidentId(), Told: before.GetOpen() != nil, OpenedAt: open.GetOpenedAt().AsTime(),
		Severity: open.GetSeverity(), Urgency: open.GetUrgency(),
	}
}

// decideTenant records the complete sweep, and the groups among the devices that it found in trouble.
func (h *Handler) decideTenant(ctx context.Context, t *task) (*incidentv1.TenantState, error) {
	rules := t.tenant.groups()
	return h.Tenants.Update(ctx, bus.Key(t.id), func(state *incidentv1.TenantState) (*incidentv1.TenantState, error) {
		next, swept := watch.Swept(state, t.completed, t.tenant.limits(t.completed.GetInterval().AsDuration()))
		if next.GetGroupedSweep() >= t.sweep.Number {
			if !swept {
				return state, bus.ErrKeep
			}
			return next, nil
		}
		return group.Decide(rules, next, t.fleet, group.Sweep{Number: t.sweep.Number, At: t.sweep.At}), nil
	})
}

// join notes what the groups mean for each device.
func (t *task) join(state *incidentv1.TenantState) {
	t.members = group.Members(state, t.fleet)
	for id, m := range t.members {
		if m.Held {
			reason := fmt.Sprintf("held back by group incident %s (%s)", m.Incident, m.Cause)
			t.held[id] = &policy.Mute{Reason: reason, Until: t.sweep.At.Add(muteLasts)}
			t.account.muted[reason]++ // such a device is one that would open: no window or snooze has muted it
		}
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
