package plan

import (
	"cmp"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
)

// The functions of this file return the ledger after an answer to people, as a copy.

// HandedOver records that people took the ticket out of our hands. What was wanted stays on record for the policy
// that decides what follows.
func HandedOver(l *ticketv1.Ledger, step HandOver, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	if l.GetPhase() != ticketv1.Phase_PHASE_HANDED_OVER {
		l.HandedOverAt = timestamppb.New(now)
	}
	l.Phase = ticketv1.Phase_PHASE_HANDED_OVER
	l.NoteBegunRevision = 0
	l.Park = nil
	if !step.Until.IsZero() {
		l.Park = &ticketv1.Park{
			Reason: ticketv1.ParkReason_PARK_REASON_RESPECTED, Detail: step.Why, Until: timestamppb.New(step.Until), Since: timestamppb.New(now),
		}
	}
	return l
}

// Resumed records that people gave the ticket back, or that one which was to be opened again is open.
func Resumed(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	if l.GetPhase() == ticketv1.Phase_PHASE_REOPENING {
		// The request to open it may have been executed without an answer.
		how := openedByPeople
		if by := l.GetObserved().GetUpdatedBy(); by != "" && by == l.GetWrittenAs() {
			how = ""
			answered(l, now)
		}
		l = prefaced(l, ticketv1.Preface_PREFACE_REOPENED, how)
	}
	l.Phase = ticketv1.Phase_PHASE_OPEN
	l.HandedOverAt, l.PutAwayAt, l.PutAwayBy, l.Park = nil, nil, "", nil
	return l
}

// ReopenBegun puts on record that the ticket is being opened again.
func ReopenBegun(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Phase = ticketv1.Phase_PHASE_REOPENING
	l.NoteBegunRevision = 0
	if l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_RESPECTED {
		l.Park = nil
	}
	return l
}

// Reopened records that the ticket is open again, and that a note is to say why.
func Reopened(l *ticketv1.Ledger, o *ticketv1.Observed, now time.Time) *ticketv1.Ledger {
	l = prefaced(change(l, now), ticketv1.Preface_PREFACE_REOPENED, WhyOpened(l))
	l.Phase = ticketv1.Phase_PHASE_OPEN
	written(l, o)
	answered(l, now)
	l.HandedOverAt, l.ClosedAt, l.PutAwayAt, l.PutAwayBy, l.Park = nil, nil, nil, "", nil
	return l
}

// OpenedLate records that the ticket was opened again by a request of ours that came late: its process had stood still, and
// another one went on with the ledger. Where the incident ended with a closed ticket, it is closed once more, without another note;
// otherwise it is looked at, and so it is without o, when the request's answer was lost. It returns false where there is nothing to
// do, or people had opened it already.
func OpenedLate(l *ticketv1.Ledger, o *ticketv1.Observed, now time.Time) (next *ticketv1.Ledger, changed bool) {
	switch l.GetPhase() {
	case ticketv1.Phase_PHASE_DROPPED:
		return l, false
	case ticketv1.Phase_PHASE_CLOSED:
		switch {
		case l.GetForeign() || Open(l.GetObserved()):
			return l, false
		case o == nil:
			return LookNeeded(l, now), true
		}
		l = change(l, now)
		l.Phase, l.Observed, l.Shown, l.LookDue = ticketv1.Phase_PHASE_CLOSING, o, l.GetWanted(), false
		return l, true
	default:
		return LookNeeded(l, now), true
	}
}

// WhyOpened says why Covewise opens a ticket again that is not simply one that people closed; empty otherwise.
func WhyOpened(l *ticketv1.Ledger) string {
	formers := l.GetFormerTicketIds()
	if !putAway(l) || len(formers) == 0 {
		return ""
	}
	merged := formers[len(formers)-1]
	return fmt.Sprintf("%s merged ticket %d into this one, which was closed already. The trouble that ticket %d was about is not over, so that Covewise opened this one again.",
		cmp.Or(l.GetPutAwayBy(), "People"), merged, merged)
}

// retire puts the present ticket among those that the incident had before.
func retire(l *ticketv1.Ledger) {
	if l.GetTicketId() == 0 {
		return
	}
	l.FormerTicketIds = append(l.GetFormerTicketIds(), l.GetTicketId())
	if l.GetForeign() {
		l.ForeignFormerIds = append(l.GetForeignFormerIds(), l.GetTicketId())
	}
}

// TakenUp makes the ticket of the device's earlier incident this one's. One that is closed is opened again next.
func TakenUp(l, earlier *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	if l.GetTicketId() != 0 { // people took it away
		retire(l)
		l.NoteBegunRevision, l.Foreign, l.AttachedTo, l.AttachOver = 0, false, 0, false
		l.HandedOverAt, l.MissedAt, l.Remarks = nil, nil, nil
		l.PutAwayAt, l.PutAwayBy, l.Replaced = nil, "", nil
	}
	nowAt(l, earlier.GetServer())
	l.TicketId, l.CompanyId = earlier.GetTicketId(), earlier.GetCompanyId()
	l.Reference, l.Summary, l.StandIn = earlier.GetReference(), earlier.GetSummary(), earlier.GetStandIn()
	l.WrittenAs = cmp.Or(l.GetWrittenAs(), earlier.GetWrittenAs())
	l.Observed, l.Shown = earlier.GetObserved(), earlier.GetShown()
	l.TakenUp, l.Park = true, nil
	l.CreatedAt = timestamppb.New(now)
	l.Phase = ticketv1.Phase_PHASE_REOPENING
	if o := earlier.GetObserved(); o != nil && !o.GetClosed() {
		how := openedByPeople
		if earlier.GetOwnCloseAt() == nil {
			how = stillOpen
		}
		l = prefaced(l, ticketv1.Preface_PREFACE_REOPENED, how)
		l.Phase = ticketv1.Phase_PHASE_OPEN
	}
	// The earlier incident's revisions are not this one's.
	l.Shown = forgotten(l.GetShown())
	return l
}

// Adopted records a ticket of others that was taken over; rest are further ones for the same device.
func Adopted(l *ticketv1.Ledger, o *ticketv1.Observed, server, rest string, now time.Time) *ticketv1.Ledger {
	l = prefaced(Created(l, o, now), ticketv1.Preface_PREFACE_ADOPTED, rest)
	nowAt(l, server)
	l.Reference, l.Summary = o.GetReference(), o.GetSummary()
	l.TakenUp = true
	if _, incident, _ := adopt.Incident(l.GetReference(), l.GetTenant()); incident == l.GetIncidentId() {
		// A reference that was used is not given again.
		l.Renewals = max(l.GetRenewals(), adopt.Number(l.GetReference())-1)
	}
	return l
}

// Followed records that the ticket was merged into another, which is the incident's from now on. foreign says that
// the other one was not made by us. One that was closed when that was done is closed for this incident from then on.
func Followed(l *ticketv1.Ledger, o *ticketv1.Observed, foreign bool, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	retire(l)
	at, by := mergedAt(l, now)
	l.TicketId, l.CompanyId, l.Observed, l.Foreign = o.GetTicketId(), o.GetCompanyId(), o, foreign
	if l.PutAwayAt, l.PutAwayBy = timestamppb.New(at), by; !putAway(l) {
		l.PutAwayAt, l.PutAwayBy = nil, ""
	}
	l.NoteBegunRevision, l.LookDue, l.Replaced = 0, false, nil
	l.StandIn = false // at which company the other ticket stands is not this incident's to say
	switch l.GetPhase() {
	case ticketv1.Phase_PHASE_HANDED_OVER, ticketv1.Phase_PHASE_REOPENING:
		l.Phase = ticketv1.Phase_PHASE_OPEN
	default:
	}
	l.HandedOverAt, l.Park = nil, nil
	return l
}

// mergedAt is when people merged the incident's ticket into another, and who did, as far as the ticket tells: nothing else is
// done to a merged ticket, so that its last change was that. Where that other one was merged itself, the later time counts.
func mergedAt(l *ticketv1.Ledger, now time.Time) (at time.Time, by string) {
	o := notOurs(l, l.GetObserved())
	at, by = o.GetLastUpdated().AsTime(), cmp.Or(o.GetUpdatedBy(), o.GetClosedBy())
	switch before := l.GetPutAwayAt(); {
	case before != nil && !before.AsTime().Before(at):
		return before.AsTime(), l.GetPutAwayBy()
	case o.GetLastUpdated() == nil:
		return now, by
	}
	return at, by
}

// Renewed gives the ticket up, so that the incident gets a new one, which can say what it replaces.
func Renewed(l *ticketv1.Ledger, step Renew, now time.Time) *ticketv1.Ledger {
	replaced := replacing(l, step.Why)
	l = GivenUp(l, now)
	l.Replaced = replaced
	answered(l, now)
	return l
}

// replacing is what is known of a ticket that is given up.
func replacing(l *ticketv1.Ledger, why string) *ticketv1.Replaced {
	o, formers := l.GetObserved(), l.GetFormerTicketIds()
	replaced := &ticketv1.Replaced{TicketId: l.GetTicketId(), Deleted: o.GetDeleted(), Why: why}
	switch {
	case o.GetDeleted():
	case putAway(l) && len(formers) > 0:
		replaced.At, replaced.By, replaced.MergedTicketId = l.GetPutAwayAt(), l.GetPutAwayBy(), formers[len(formers)-1]
	default:
		replaced.At, replaced.By = o.GetClosedAt(), o.GetClosedBy()
	}
	return replaced
}

// InPlaceOf says which ticket another is made in place of, who put an end to it, and why the incident gets another.
func InPlaceOf(r *ticketv1.Replaced) string {
	by := ""
	if r.GetBy() != "" {
		by = " by " + r.GetBy()
	}
	what := "closed" + by
	switch {
	case r.GetDeleted():
		what = "deleted"
	case r.GetMergedTicketId() != 0:
		what = fmt.Sprintf("closed already when ticket %d was merged into it%s", r.GetMergedTicketId(), by)
	}
	return fmt.Sprintf("in place of ticket %d, %s: %s", r.GetTicketId(), what, r.GetWhy())
}

// GivenUp is an incident without the ticket that it had, as it is before it gets another one. The server stays on record: it is
// the one that the former tickets' ids belong to.
func GivenUp(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	retire(l)
	l.Renewals++
	l.Phase = ticketv1.Phase_PHASE_NEW
	l.TicketId, l.CompanyId, l.Observed, l.Shown = 0, 0, nil, nil
	l.Reference, l.Summary, l.Replaced = "", "", nil
	l.CreateAttempts, l.CreateBegunAt, l.NoteBegunRevision = 0, nil, 0
	l.Preface, l.PrefaceDetail = ticketv1.Preface_PREFACE_UNSPECIFIED, ""
	l.Foreign, l.TakenUp, l.StandIn, l.LookDue = false, false, false, false
	l.AttachedTo, l.AttachOver = 0, false
	l.HandedOverAt, l.ClosedAt, l.PutAwayAt, l.PutAwayBy, l.Park = nil, nil, nil, "", nil
	return l
}

// Moved records that the ticket is at the customer's own company, or, without o, that it is to stay where it is.
func Moved(l *ticketv1.Ledger, o *ticketv1.Observed, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	if o != nil {
		written(l, o)
	}
	l.StandIn = false
	return l
}

// Attached records that the ticket is a child of the group's. Zero: that it is not to be.
func Attached(l *ticketv1.Ledger, parent int64, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.AttachedTo, l.AttachOver = parent, parent == 0
	if parent != 0 && l.GetObserved() != nil {
		l.Observed.ParentId = parent
	}
	l.Park = nil
	return l
}

// prefaced lets the next note say how the ticket came to us.
func prefaced(l *ticketv1.Ledger, p ticketv1.Preface, detail string) *ticketv1.Ledger {
	l.Preface, l.PrefaceDetail = p, detail
	l.Prefaces++
	return l
}

// forgotten is a picture without its revision: it is older than any.
func forgotten(e *incidentv1.Event) *incidentv1.Event {
	if e == nil {
		return nil
	}
	e = proto.CloneOf(e)
	e.Revision = 0
	return e
}
