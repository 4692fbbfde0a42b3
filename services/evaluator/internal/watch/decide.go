// Package watch notices tenants that are not swept. It owns the decision that a tenant has had no complete sweep for
// too long, which is pure and made from messages alone, and the watch by the clock that tells of tenants from which
// no message comes at all.
//
// It does not sweep, does not judge devices and does not know why a poller is silent.
package watch

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// DeviceID stands for the tenant as a whole where events name a device.
const DeviceID = "tenant"

const schemaVersion = 1

// leastInterval is what a shorter interval counts as: a sweep may take longer than that, and nobody is to be called for
// half a minute.
const leastInterval = 2 * time.Minute

// Limits say when a tenant counts as not swept.
type Limits struct {
	After         uint32        // intervals without a complete sweep; 0: never
	Interval      time.Duration // the tenant's time between two sweeps; two minutes if it is less
	PolicyVersion string
}

// time returns the time of so many intervals.
func (l Limits) time(intervals uint32) time.Duration {
	return time.Duration(intervals) * max(l.Interval, leastInterval)
}

// Swept takes the end of a sweep into a tenant's state (nil for a tenant that was not heard of). It returns the state
// afterwards and whether it differs; a sweep that was taken into account before changes nothing.
//
// A complete sweep ends the tenant's incident. An incomplete one opens it when it is at least the After-th in a row and
// After-1 intervals have passed since the last complete one: a person who orders sweeps one after another must not make
// an incident within a minute, nor must a cron job whose first sweep in hours fails once.
func Swept(state *incidentv1.TenantState, s *statusv1.SweepCompleted, limits Limits) (*incidentv1.TenantState, bool) {
	if state != nil && s.GetSweep() <= state.GetSweep() {
		return state, false
	}
	next := begin(state, s.GetTenant(), s.GetObservedAt())
	next.Sweep = s.GetSweep()
	if s.GetComplete() {
		next.LastCompleteAt = s.GetObservedAt()
		next.IncompleteSweeps, next.FailureClass, next.Failure = 0, "", ""
		if open := next.GetOpen(); open != nil {
			next.Resolved = revise(open, incidentv1.EventKind_EVENT_KIND_RESOLVED, s.GetObservedAt())
			next.Resolved.Conditions = nil
			next.Resolved.Resolution = incidentv1.Resolution_RESOLUTION_RECOVERED
			next.Resolved.Sweep, next.Resolved.LastCompleteSweepAt = s.GetSweep(), s.GetObservedAt()
			next.Open = nil
		}
		return next, true
	}
	before := next.GetFailureClass()
	next.IncompleteSweeps++
	next.FailureClass, next.Failure = s.GetFailureClass(), s.GetFailure()
	late := s.GetObservedAt().AsTime().Sub(awaitedSince(next).AsTime())
	switch {
	case limits.After == 0:
	case next.GetOpen() == nil && next.GetIncompleteSweeps() >= limits.After && late >= limits.time(limits.After-1):
		open(next, s.GetObservedAt(), limits)
	case next.GetOpen() != nil && next.GetFailureClass() != before:
		change(next, s.GetObservedAt(), limits)
	}
	return next, true
}

// Overdue takes into a tenant's state that nothing was heard of it. It opens the tenant's incident unless one is open or
// a complete sweep came meanwhile.
func Overdue(state *incidentv1.TenantState, o *statusv1.SweepOverdue, limits Limits) (*incidentv1.TenantState, bool) {
	if state.GetOpen() != nil || limits.After == 0 || o.GetObservedAt().AsTime().Before(state.GetResolved().GetOccurredAt().AsTime()) {
		return state, false
	}
	since := awaitedSince(state)
	if since != nil && o.GetObservedAt().AsTime().Sub(since.AsTime()) < limits.time(limits.After-1) {
		return state, false
	}
	next := begin(state, o.GetTenant(), o.GetObservedAt())
	if next.GetFailure() == "" {
		next.FailureClass, next.Failure = o.GetFailureClass(), o.GetFailure()
	}
	open(next, o.GetObservedAt(), limits)
	return next, true
}

// Decided returns the event that the message observed at a time has decided, or nil: its publisher may have died.
func Decided(state *incidentv1.TenantState, at *timestamppb.Timestamp) *incidentv1.Event {
	for _, event := range []*incidentv1.Event{state.GetOpen(), state.GetResolved()} {
		if event != nil && event.GetOccurredAt().AsTime().Equal(at.AsTime()) {
			return event
		}
	}
	return nil
}

func begin(state *incidentv1.TenantState, tenantID string, at *timestamppb.Timestamp) *incidentv1.TenantState {
	if state == nil {
		return &incidentv1.TenantState{SchemaVersion: schemaVersion, Tenant: tenantID, KnownSince: at}
	}
	return proto.CloneOf(state)
}

// awaitedSince is the time from which a complete sweep is awaited: the last one or, when there was none, the first
// message of the tenant; nil when there was no message at all.
func awaitedSince(state *incidentv1.TenantState) *timestamppb.Timestamp {
	if at := state.GetLastCompleteAt(); at != nil {
		return at
	}
	return state.GetKnownSince()
}

func open(next *incidentv1.TenantState, at *timestamppb.Timestamp, limits Limits) {
	next.Incidents++
	next.Resolved = nil
	next.Open = &incidentv1.Event{
		SchemaVersion: schemaVersion,
		Tenant:        next.GetTenant(),
		DeviceId:      DeviceID,
		IncidentId:    fmt.Sprintf("%s-%d", DeviceID, next.GetIncidents()),
		Revision:      1,
		Kind:          incidentv1.EventKind_EVENT_KIND_FAILED,
		OccurredAt:    at,
		OpenedAt:      at,
		Customer:      &statusv1.Customer{Id: tenant.OwnCustomer},
		Scope:         incidentv1.Scope_SCOPE_TENANT,
		Severity:      incidentv1.Severity_SEVERITY_ALERT,
		Urgency:       incidentv1.Urgency_URGENCY_HIGH,
	}
	describe(next, limits)
}

func change(next *incidentv1.TenantState, at *timestamppb.Timestamp, limits Limits) {
	next.Open = revise(next.GetOpen(), incidentv1.EventKind_EVENT_KIND_CHANGED, at)
	describe(next, limits)
}

// describe gives the open event the picture of the state.
func describe(next *incidentv1.TenantState, limits Limits) {
	event := next.GetOpen()
	event.Sweep, event.PolicyVersion, event.LastCompleteSweepAt = next.GetSweep(), limits.PolicyVersion, next.GetLastCompleteAt()
	since := awaitedSince(next)
	finding := &incidentv1.Finding{
		SourceCode: "D09", Summary: "Not swept", LastSuccessAt: next.GetLastCompleteAt(), Since: since,
		ThresholdSeconds: int64(limits.time(limits.After).Seconds()),
		Rule:             fmt.Sprintf("notSweptAfter = %d intervals of %s", limits.After, limits.time(1)),
	}
	if next.GetFailure() != "" {
		finding.Errors = []*statusv1.SessionError{{Text: next.GetFailure(), Count: int64(max(next.GetIncompleteSweeps(), 1)), Code: next.GetFailureClass()}}
		finding.ErrorsTotal = finding.GetErrors()[0].GetCount()
	} else {
		finding.ErrorsUnavailable = "no sweep has ended, neither well nor badly: no poller seems to be at work"
	}
	event.Conditions = []*incidentv1.Condition{{
		Kind: incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT, Since: since, Findings: []*incidentv1.Finding{finding},
	}}
}

// revise returns the next revision of an event.
func revise(event *incidentv1.Event, kind incidentv1.EventKind, at *timestamppb.Timestamp) *incidentv1.Event {
	next := proto.CloneOf(event)
	next.Revision++
	next.Kind, next.OccurredAt = kind, at
	return next
}
