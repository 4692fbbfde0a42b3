package judge

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// event makes the next revision of the device's incident, without a picture.
func (e evidence) event(kind incidentv1.EventKind, sweep Sweep) *incidentv1.Event {
	at := timestamppb.New(sweep.At)
	open := e.state.GetOpen()
	event := &incidentv1.Event{
		SchemaVersion: schemaVersion,
		Tenant:        e.state.GetTenant(),
		DeviceId:      e.state.GetDeviceId(),
		IncidentId:    fmt.Sprintf("%s-%d", e.state.GetDeviceId(), incidentNumber(e.state)),
		Revision:      open.GetRevision() + 1,
		Kind:          kind,
		OccurredAt:    at,
		Sweep:         sweep.Number,
		OpenedAt:      at,
		Device:        proto.CloneOf(e.seen.Device),
		Customer:      e.seen.Customer,
		Site:          e.seen.Site,
		PolicyVersion: e.rules.Version,
		Scope:         incidentv1.Scope_SCOPE_DEVICE,
		Severity:      open.GetSeverity(),
		Urgency:       e.rules.Urgency,
		Tags:          slices.Clone(e.rules.Tags),
	}
	if open != nil {
		event.OpenedAt = open.GetOpenedAt()
	}
	if event.Device != nil {
		event.Device.Class = e.rules.Class
		for _, source := range event.GetDevice().GetSources() {
			if e.judged(key{kind: stale, source: source.GetCode()}) {
				source.StaleAfterSeconds = int64(e.rules.StaleOf(source.GetCode()) / time.Second)
			}
		}
	}
	return event
}

// incidentNumber is the number of the open incident or, when none is open, of the next.
func incidentNumber(state *incidentv1.DeviceState) uint32 {
	if state.GetOpen() != nil {
		return state.GetIncidents()
	}
	return state.GetIncidents() + 1
}
