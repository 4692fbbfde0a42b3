package apply

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// verb is an action's word in subjects, metrics and logs.
func verb(a ticketv1.Action) string {
	return strings.ToLower(strings.TrimPrefix(a.String(), "ACTION_"))
}

// reasonName is a park reason's word in metrics, logs and events.
func reasonName(r ticketv1.ParkReason) string {
	return strings.ToLower(strings.TrimPrefix(r.String(), "PARK_REASON_"))
}

func resolutionName(e *incidentv1.Event) string {
	return strings.ToLower(strings.TrimPrefix(e.GetResolution().String(), "RESOLUTION_"))
}

// publish tells what was done. It comes before the ledger records it, so that no event is lost; a crash in between
// repeats it under the same id. n tells apart several events of one revision with the same verb.
func (r *run) publish(ctx context.Context, e *ticketv1.Event, n string) error {
	l := r.ledger
	e.SchemaVersion, e.Tenant, e.DeviceId, e.IncidentId = 1, l.GetTenant(), l.GetDeviceId(), l.GetIncidentId()
	e.OccurredAt = timestamppb.New(r.clock.Now())
	e.Requests = l.GetRequests() + uint32(r.sent.Load())
	if e.GetRevision() == 0 {
		e.Revision = l.GetWanted().GetRevision()
	}
	if e.GetCompanyId() == 0 {
		e.CompanyId = l.GetCompanyId()
	}
	id := fmt.Sprintf("ticket:%s:%s:%d:%s", e.GetTenant(), e.GetIncidentId(), e.GetRevision(), verb(e.GetAction()))
	if n != "" {
		id += ":" + n
	}
	name := "publish " + verb(e.GetAction())
	r.onStep(name + ": begin")
	err := r.bus.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Ticket, Verb: verb(e.GetAction()), Tenant: e.GetTenant(), Key: e.GetDeviceId()},
		ID:      id, Body: e,
	})
	if err != nil {
		return err
	}
	r.onStep(name + ": end")
	r.metrics.actions.WithLabelValues(verb(e.GetAction())).Inc()
	return nil
}

// observed tells of something that others did to a ticket.
func (r *run) observed(ctx context.Context, ticket int64, what string) error {
	r.log.WarnContext(ctx, "observed", r.about("seen", ticket, "reason", what)...)
	return r.publish(ctx, &ticketv1.Event{Action: ticketv1.Action_ACTION_OBSERVED, TicketId: ticket, Reason: what}, fmt.Sprint(r.revision))
}
