package plan

import (
	"fmt"
	"slices"
	"time"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// stray answers a ticket that people opened again although it stands for nothing any more, or returns nil. What cannot be
// done now is left out: the next comparison of tickets with ledgers brings it again.
func stray(l *ticketv1.Ledger, f Facts) Step {
	ticket := f.Stray.GetTicketId()
	again := l.GetPhase() == ticketv1.Phase_PHASE_CLOSED && f.Current != 0 && Open(l.GetObserved())
	if ticket != 0 && Waits(l) {
		// What its replacement waits for is of no matter any more.
		if !f.Known || !f.Live || differ(l.GetServer(), f.Server) {
			return nil
		}
		return Retake{Ticket: ticket}
	}
	if ticket == 0 && !again || ticket != 0 && !Open(f.Stray) || hindered(l, f) != nil {
		return nil
	}
	if ticket != 0 && lost(l) {
		return Retake{Ticket: ticket}
	}
	if ticket == 0 {
		ticket = l.GetTicketId()
	}
	step := PointOut{Ticket: ticket, Current: f.Current}
	switch l.GetPhase() {
	case ticketv1.Phase_PHASE_OPEN:
		if o := l.GetObserved(); o != nil && !Open(o) {
			return nil
		}
		step.Current = l.GetTicketId()
	case ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_DROPPED:
	default:
		return nil // it is not settled which ticket is the present one
	}
	if Told(l.GetRemarks(), step) {
		return nil
	}
	return step
}

// orElsewhereAgain returns TakeUp when people who closed or deleted the ticket opened that of an earlier incident of the device
// again, and the answer otherwise.
func orElsewhereAgain(l *ticketv1.Ledger, f Facts, answer Step) Step {
	if closer(l, f) != CloserPerson || hindered(l, f) != nil {
		return answer
	}
	if last := gaveUp(f); last != l.GetTicketId() {
		if again := orGivenUp(f, answer); again != nil {
			return again
		}
	}
	e := f.Earlier
	if !servesAgain(e, f) || !Open(e.GetObserved()) || e.GetTicketId() == l.GetTicketId() {
		return answer
	}
	return TakeUp{Ticket: e.GetTicketId()}
}

// lost reports whether people took the present ticket away while the device fails.
func lost(l *ticketv1.Ledger) bool {
	o := l.GetObserved()
	return !Resolved(l) && (o.GetClosed() || o.GetDeleted()) && o.GetMergedInto() == 0 &&
		(l.GetPhase() == ticketv1.Phase_PHASE_OPEN || l.GetPhase() == ticketv1.Phase_PHASE_HANDED_OVER)
}

// Waits reports whether the incident has given its ticket up while the device fails, and the next is not being made yet.
func Waits(l *ticketv1.Ledger) bool {
	return l.GetPhase() == ticketv1.Phase_PHASE_NEW && l.GetRenewals() > 0 && l.GetTicketId() == 0 && !Resolved(l)
}

// lookedBack returns LookBack in place of a create that replaces a ticket: people may have opened that one again, or merged it
// into another, while the create had to wait. Retake follows when they have.
func lookedBack(l *ticketv1.Ledger, f Facts, step Step) Step {
	formers := l.GetFormerTicketIds()
	switch step.(type) {
	case BeginCreate, ListOwn:
	default:
		return step
	}
	if l.GetTicketId() != 0 || l.GetRenewals() == 0 || len(formers) == 0 || differ(l.GetServer(), f.Server) {
		return step
	}
	last := formers[len(formers)-1]
	switch o := f.Former; {
	case o.GetTicketId() != last:
		return LookBack{Ticket: last}
	case Open(o), Merged(o):
		return Retake{Ticket: last}
	default:
		return step
	}
}

// Serves reports whether a ledger's ticket is open and shows trouble that is not over.
func Serves(l *ticketv1.Ledger) bool {
	return l.GetPhase() == ticketv1.Phase_PHASE_OPEN && !Resolved(l) && Open(l.GetObserved())
}

// Open reports whether a ticket can be worked in, as it was seen last.
func Open(o *ticketv1.Observed) bool {
	return o != nil && !o.GetClosed() && !o.GetDeleted() && o.GetMergedInto() == 0
}

// Merged reports whether people merged a ticket into another, which is to be followed.
func Merged(o *ticketv1.Observed) bool {
	return !o.GetDeleted() && o.GetMergedInto() != 0 && o.GetMergedInto() != o.GetTicketId()
}

// GivenUpLast is the ticket that a ledger's next one is to replace; 0 while none is awaited.
func GivenUpLast(l *ticketv1.Ledger) int64 {
	formers := l.GetFormerTicketIds()
	if !Waits(l) || len(formers) == 0 {
		return 0
	}
	return formers[len(formers)-1]
}

// Words tell a person what was seen and done.
func (s PointOut) Words() string {
	if s.Current == 0 {
		return fmt.Sprintf("People opened ticket %d again, which this incident had before. It is over, and the ticket is left to them.", s.Ticket)
	}
	return fmt.Sprintf("People opened ticket %d again. The trouble is followed in ticket %d; a note in ticket %d says so.", s.Ticket, s.Current, s.Ticket)
}

// Told reports whether a ledger's remarks say that a ticket names the present one.
func Told(remarks []string, s PointOut) bool { return slices.Contains(remarks, s.Words()) }

// PointedOut records that a ticket names the present one.
func PointedOut(l *ticketv1.Ledger, s PointOut, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Remarks = append(l.Remarks, s.Words())
	return l
}

// NotPointedOut takes the record back, to what the remarks were before.
func NotPointedOut(l *ticketv1.Ledger, remarks []string, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Remarks = remarks
	return l
}

// Retaken makes a ticket that the incident had before its ticket again, because people opened it again, or merged it into
// another, and there is no other one: they took the present one away, or it was not made yet.
func Retaken(l *ticketv1.Ledger, o *ticketv1.Observed, now time.Time) *ticketv1.Ledger {
	how := openedByPeople
	if Merged(o) {
		how = fmt.Sprintf("People merged ticket %d into this one, and the device is in trouble: Covewise follows it here.", o.GetTicketId())
	}
	l = prefaced(change(l, now), ticketv1.Preface_PREFACE_REOPENED, how)
	foreign := slices.Contains(l.GetForeignFormerIds(), o.GetTicketId())
	again := func(id int64) bool { return id == o.GetTicketId() }
	l.FormerTicketIds, l.ForeignFormerIds = slices.DeleteFunc(l.GetFormerTicketIds(), again), slices.DeleteFunc(l.GetForeignFormerIds(), again)
	retire(l)
	l.TicketId, l.CompanyId, l.Observed, l.Reference, l.Summary = o.GetTicketId(), o.GetCompanyId(), o, o.GetReference(), o.GetSummary()
	l.Phase = ticketv1.Phase_PHASE_OPEN
	l.Foreign, l.StandIn, l.AttachedTo, l.AttachOver = foreign, false, 0, false
	l.NoteBegunRevision, l.Remarks, l.CreateAttempts, l.CreateBegunAt = 0, nil, 0, nil
	l.PutAwayAt, l.PutAwayBy, l.Replaced = nil, "", nil
	l.HandedOverAt, l.MissedAt, l.Park = nil, nil, nil
	return l
}

// stillOpen is the preface of a ticket that Covewise did not close when the device had recovered.
const stillOpen = "This ticket is open, and the device is in trouble again: Covewise follows it here."

// openedByPeople is the preface of a ticket that we did not open again ourselves.
const openedByPeople = "People opened this ticket again, and the device is in trouble: Covewise follows it here."
