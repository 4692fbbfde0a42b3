package plan

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// The functions of this file return the ledger after a step, as a copy.

// Receive takes an event into the ledger (nil when the incident is new). It returns false, and the ledger as it
// is, for an event that is no news: one whose revision is not newer, or one after the incident's end.
func Receive(l *ticketv1.Ledger, e *incidentv1.Event, now time.Time) (*ticketv1.Ledger, bool) {
	if l == nil {
		return &ticketv1.Ledger{
			SchemaVersion: 1, Tenant: e.GetTenant(), DeviceId: e.GetDeviceId(), IncidentId: e.GetIncidentId(),
			Phase: ticketv1.Phase_PHASE_NEW, Wanted: e, UpdatedAt: timestamppb.New(now),
		}, true
	}
	if e.GetRevision() <= l.GetWanted().GetRevision() || Resolved(l) {
		return l, false
	}
	l = change(l, now)
	l.Wanted = e
	// In shadow mode every revision's plan is recorded, and it is the park that tells that it was.
	if l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_SHADOW {
		l.Park = nil
	}
	return l, true
}

// Parked puts a wait on record. One for the same reason is renewed and keeps its beginning.
func Parked(l *ticketv1.Ledger, p Park, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	next := &ticketv1.Park{Reason: p.Reason, Detail: p.Detail, Until: timestamppb.New(p.Until), Since: timestamppb.New(now)}
	if old := l.GetPark(); old.GetReason() == p.Reason {
		next.Times = old.GetTimes() + 1
		// A beginning that is still to come was written before the clock was set back.
		if !old.GetSince().AsTime().After(now) {
			next.Since = old.GetSince()
		}
	}
	l.Park = next
	return l
}

// Missed records when the trace of an unsettled write was first looked for in vain, by the server's clock.
func Missed(l *ticketv1.Ledger, at, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.MissedAt = timestamppb.New(at)
	return l
}

// Unparked ends a wait.
func Unparked(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Park = nil
	return l
}

// CreateBegun puts on record that a create is about to be sent to a server, with the picture it carries, so that a
// ticket that is found later is known to show it. A wait for a company or for the outcome of an earlier create is
// over with it; any other park stays until the create has succeeded, because its count makes the waits grow.
func CreateBegun(l *ticketv1.Ledger, reference, server string, company int64, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Phase = ticketv1.Phase_PHASE_CREATING
	l.Reference = reference
	nowAt(l, server)
	l.CompanyId = company
	l.CreateAttempts++
	l.CreateBegunAt = timestamppb.New(now)
	l.Shown = l.GetWanted()
	l.MissedAt = nil
	if reason := l.GetPark().GetReason(); reason == ticketv1.ParkReason_PARK_REASON_OUTCOME || reason == ticketv1.ParkReason_PARK_REASON_COMPANY {
		l.Park = nil
	}
	return l
}

// CreateWithdrawn takes a create back that was provably not executed. before is the ledger before the create was
// begun: if an earlier one was unsettled then, it still is.
func CreateWithdrawn(l, before *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Phase = before.GetPhase()
	l.CreateBegunAt = before.GetCreateBegunAt()
	l.CreateAttempts = before.GetCreateAttempts()
	l.CompanyId = before.GetCompanyId()
	l.Server, l.Replaced = before.GetServer(), before.GetReplaced()
	l.FormerTicketIds, l.ForeignFormerIds = before.GetFormerTicketIds(), before.GetForeignFormerIds()
	l.Shown = before.GetShown()
	l.MissedAt = before.GetMissedAt()
	l.Park = before.GetPark()
	return l
}

// nowAt records the server that the incident's ticket is at. The former ones' ids are of the server before: at another one they
// are strangers' tickets.
func nowAt(l *ticketv1.Ledger, server string) {
	if differ(l.GetServer(), server) {
		l.FormerTicketIds, l.ForeignFormerIds, l.Replaced = nil, nil, nil
	}
	l.Server = server
}

// Created records the incident's ticket, made just now or found by its reference, as ConnectWise shows it.
func Created(l *ticketv1.Ledger, o *ticketv1.Observed, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Phase = ticketv1.Phase_PHASE_OPEN
	l.TicketId = o.GetTicketId()
	if at := o.GetCompanyId(); at != 0 {
		l.StandIn = l.GetStandIn() && at == l.GetCompanyId() // people may have moved one that was found later
		l.CompanyId = at
	}
	l.Observed = o
	l.CreatedAt = timestamppb.New(now)
	l.MissedAt, l.Park = nil, nil
	return l
}

// NoteBegun puts on record that the wanted revision's note is about to be sent. A wait for the outcome of an earlier
// note is over with it, so that the patience for this one begins anew.
func NoteBegun(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.NoteBegunRevision = l.GetWanted().GetRevision()
	l.MissedAt = nil
	if l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_OUTCOME {
		l.Park = nil
	}
	return l
}

// NoteWithdrawn takes a note back that was provably not stored.
func NoteWithdrawn(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.NoteBegunRevision = 0
	return l
}

// Noted records that the ticket shows the wanted revision.
func Noted(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.NoteBegunRevision = 0
	l.Shown = l.GetWanted()
	l.Preface, l.PrefaceDetail = ticketv1.Preface_PREFACE_UNSPECIFIED, ""
	l.MissedAt, l.Park = nil, nil
	return l
}

// CloseBegun puts on record that the ticket is being closed, beginning with the resolution note.
func CloseBegun(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = NoteBegun(l, now)
	l.Phase = ticketv1.Phase_PHASE_CLOSING
	l.Preface, l.PrefaceDetail = ticketv1.Preface_PREFACE_UNSPECIFIED, ""
	return l
}

// Closed records that the incident is over and its ticket closed, by us or by people, or left to people. o is the
// ticket as our closing has left it; nil, when we have closed nothing, keeps what was seen last.
func Closed(l *ticketv1.Ledger, o *ticketv1.Observed, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Phase = ticketv1.Phase_PHASE_CLOSED
	l.ClosedAt = timestamppb.New(now)
	if o != nil {
		if !closedBefore(l.GetObserved(), o) {
			l.OwnCloseAt, l.OwnCloseBy = o.GetClosedAt(), o.GetClosedBy()
		}
		written(l, o)
	}
	l.NoteBegunRevision = 0
	l.Preface, l.PrefaceDetail = ticketv1.Preface_PREFACE_UNSPECIFIED, ""
	l.HandedOverAt = nil
	l.Park = nil
	return l
}

// Dropped records that the incident ended without a ticket.
func Dropped(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Phase = ticketv1.Phase_PHASE_DROPPED
	l.Shown = nil
	l.Park = nil
	return l
}

// Unfinished reports whether there is something left to do for an incident.
func Unfinished(l *ticketv1.Ledger) bool {
	if l.GetLookDue() {
		return true
	}
	switch l.GetPhase() {
	case ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_HANDED_OVER, ticketv1.Phase_PHASE_DROPPED:
		return false
	case ticketv1.Phase_PHASE_OPEN:
		o := l.GetObserved()
		return noteDue(l) || o.GetClosed() || o.GetDeleted() || o.GetMergedInto() != 0
	default:
		return true
	}
}

func change(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = proto.CloneOf(l)
	l.UpdatedAt = timestamppb.New(now)
	return l
}
