package plan

import (
	"fmt"
	"slices"
	"time"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
)

// Orphan is an open ticket with a reference of ours that no ledger owns, and what answering it depends on. There are
// such after a state that was lost or restored from a backup, after a search index that lagged longer than the patience,
// and after a ticket was marked whose incident ended before that was recorded.
type Orphan struct {
	Ticket   int64
	Settling bool   // an incident's create, opening or merge is under way, and settles which ticket is its own
	Waiting  string // the device's incident that has no ticket; empty for none
	Holder   string // the device's incident that is not over and has a ticket; empty for none
	Present  int64  // that ticket; 0 for none
	Lost     bool   // people have closed or deleted that ticket while the device fails
	Server   string // the ConnectWise server of that ticket when it is not the tenant's present one; empty otherwise
	Health   Health
	Marked   bool // it bears the reference of an incident that ended without a ticket, so that Covewise has marked it
	Ours     bool // Covewise has made it, or has written in it
	Touched  bool // people have changed it or written in it, or it is not known that none has
	Noted    bool // the note that ends it is there: it was closed before, or that failed
}

// OrphanAnswer is the one thing to do with an orphan: one of the types below, or Nothing.
type OrphanAnswer interface{ orphan() }

type (
	// TakeIn makes it the ticket of the device's incident that has none.
	TakeIn struct{ Incident string }
	// TakeOver makes it the ticket of the device's incident in place of one that people have closed or deleted.
	TakeOver struct{ Incident string }
	// EndTwin closes it, with a note that names the ticket that counts.
	EndTwin struct{ Present int64 }
	// EndWell closes it, with a note that the device is well.
	EndWell struct{}
	// EndGone closes it, with a note that the device is no longer in Cove, as an incident closes its own.
	EndGone struct{}
	// LeaveOrphan tells a person of it.
	LeaveOrphan struct{ Why string }
)

func (Nothing) orphan()     {}
func (TakeIn) orphan()      {}
func (TakeOver) orphan()    {}
func (EndTwin) orphan()     {}
func (EndWell) orphan()     {}
func (EndGone) orphan()     {}
func (LeaveOrphan) orphan() {}

// Answer returns what to do with an orphan; the first line that holds wins.
//
//	it is not settled which ticket counts      Nothing
//	an incident of its device has no ticket    TakeIn
//	people closed or deleted the incident's    TakeOver: this one is open, and the device fails
//	the incident's is at another server        LeaveOrphan
//	people touched it after our closing note   LeaveOrphan
//	the device's incident has an open one      EndTwin, or LeaveOrphan when people have touched it
//	the device is well                         EndWell, or LeaveOrphan when it is not of our making
//	Cove has stopped listing the device        EndGone, or LeaveOrphan when it is not of our making
//	anything else                              LeaveOrphan
//
// Whether the incident's ticket is open must be known as of now: what is on record may be minutes old, and who sees two alike
// closes one of them. To close the other as well would leave the trouble without any.
func (o Orphan) Answer() OrphanAnswer {
	switch {
	case o.Settling:
		return Nothing{}
	case o.Waiting != "":
		return TakeIn{o.Waiting}
	case o.Lost:
		return TakeOver{o.Holder}
	case o.Server != "":
		return LeaveOrphan{fmt.Sprintf("the trouble is followed in ticket %d of %s, which the tenant's settings do not name any more: set connectwise.url and "+
			"connectwise.company back and close this one, or close ticket %d there", o.Present, o.Server, o.Present)}
	case o.Noted && o.Touched:
		return LeaveOrphan{"people opened it again after Covewise had closed it; it is left to them"}
	case o.Present != 0 && o.Touched:
		return LeaveOrphan{fmt.Sprintf("the trouble is followed in ticket %d; people have worked in this one, so that it is left to them: merge the two, or close one", o.Present)}
	case o.Present != 0:
		return EndTwin{o.Present}
	}
	switch o.Health {
	case HealthWell:
		if o.Ours || o.Marked {
			return EndWell{}
		}
		return LeaveOrphan{"its device is well; it was not made by Covewise, although it bears its reference, so that it is left to people: close it by hand"}
	case HealthGone:
		if o.Ours || o.Marked {
			return EndGone{}
		}
		return LeaveOrphan{"its device is not in Cove any more; it was not made by Covewise, although it bears its reference, so that it is left to people: close it by hand"}
	case HealthAbsent:
		return LeaveOrphan{"Cove does not list its device, and no record says that it ever did; close it by hand"}
	case HealthExcluded:
		return LeaveOrphan{"the policy does not watch its device; close it by hand, or it is taken up when the device fails"}
	case HealthTrouble:
		return LeaveOrphan{"its device is in trouble, and no incident is open yet; it is taken up when one opens, and closed when the device is well"}
	case HealthUnknown:
	}
	return LeaveOrphan{"no complete sweep has judged its device since it changed; it is taken up when the device fails, and closed when it is well"}
}

// Placed says where an incident of the orphan's device stands, with what is known of the others. server is the tenant's
// present one.
func (o *Orphan) Placed(l *ticketv1.Ledger, reference, server string) {
	if _, ended, _ := adopt.Incident(reference, l.GetTenant()); ended == l.GetIncidentId() && l.GetPhase() == ticketv1.Phase_PHASE_DROPPED && l.GetTicketId() == 0 {
		o.Marked = true
	}
	switch {
	case Resolved(l) || l.GetPhase() == ticketv1.Phase_PHASE_CLOSED || l.GetPhase() == ticketv1.Phase_PHASE_DROPPED:
		// One that is over while its create is unsettled finds the ticket and closes it.
		o.Settling = o.Settling || l.GetPhase() == ticketv1.Phase_PHASE_CREATING && l.GetReference() == reference
	case l.GetPhase() == ticketv1.Phase_PHASE_CREATING:
		o.Settling = true
	case l.GetTicketId() == 0:
		o.Waiting = l.GetIncidentId()
	default:
		o.Holder, o.Present = l.GetIncidentId(), l.GetTicketId()
		switch seen := l.GetObserved(); {
		case differ(l.GetServer(), server):
			o.Server = l.GetServer()
		case lost(l):
			o.Lost = true
		case seen != nil && !Open(seen):
			o.Settling = true // it is followed to another by a merge, which may be this one, or is being opened again
		}
	}
}

// Without is an incident as it is when it follows an orphan in place of its ticket, before it has it.
func Without(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	replaced := replacing(l, "this one is open, and the device fails")
	l = GivenUp(l, now)
	l.Replaced = replaced
	return l
}

// Owns reports whether a ticket is the incident's, or was.
func Owns(l *ticketv1.Ledger, ticket int64) bool {
	return ticket != 0 && (l.GetTicketId() == ticket || slices.Contains(l.GetFormerTicketIds(), ticket))
}
