package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// DefaultRespect is how long a closing by hand is respected where the settings do not say.
const DefaultRespect = 24 * time.Hour

// Handling is a tenant's policy on what people do with tickets.
type Handling struct {
	OnHandClose  tenantv1.HandClose
	RespectFor   time.Duration // with HAND_CLOSE_RESPECT
	ReopenWithin time.Duration // 0: closed tickets are never opened again
	ReopenAlways bool
	OnDeleted    tenantv1.Deleted
	Capped       bool // there is an hourly cap
}

// HandlingOf reads the policy from a tenant's settings. What they leave out is respect for 24 h, never, and leave.
func HandlingOf(t *tenantv1.Tickets) Handling {
	h := Handling{
		OnHandClose: t.GetOnHandClose(), RespectFor: t.GetRespectFor().AsDuration(), ReopenWithin: t.GetReopenWithin().AsDuration(),
		ReopenAlways: t.GetReopenAlways(), OnDeleted: t.GetOnDeleted(), Capped: t.GetHourlyCap() > 0,
	}
	if h.OnHandClose == tenantv1.HandClose_HAND_CLOSE_UNSPECIFIED {
		h.OnHandClose = tenantv1.HandClose_HAND_CLOSE_RESPECT
	}
	if h.RespectFor <= 0 {
		h.RespectFor = DefaultRespect
	}
	return h
}

// reopens reports whether a ticket closed then is opened again rather than replaced.
func (h Handling) reopens(closed, now time.Time) bool {
	return h.ReopenAlways || h.ReopenWithin > 0 && now.Before(closed.Add(h.ReopenWithin))
}

// taken returns the answer to what people did with the ticket, or nil when it is as we left it.
func taken(l *ticketv1.Ledger, f Facts) Step {
	o := l.GetObserved()
	given := l.GetPhase() == ticketv1.Phase_PHASE_HANDED_OVER
	switch {
	case o == nil && given:
		return Nothing{}
	case o == nil:
		return nil
	case o.GetDeleted() && Resolved(l):
		return End{Why: "the ticket was deleted before the device recovered"}
	case o.GetDeleted():
		return orElsewhereAgain(l, f, deleted(l, f))
	case o.GetMergedInto() != 0 && o.GetMergedInto() != o.GetTicketId():
		if !f.Known {
			return barred(l, f)
		}
		if stop := elsewhere(l, f); stop != nil {
			return stop
		}
		if held(l, f) {
			return Nothing{}
		}
		return Follow{Ticket: o.GetMergedInto()}
	case o.GetClosed() && Resolved(l):
		return End{Why: "the ticket was closed before the device recovered"}
	case o.GetClosed():
		return orElsewhereAgain(l, f, closedByHand(l, f))
	case given:
		return Resume{}
	default:
		return nil
	}
}

func deleted(l *ticketv1.Ledger, f Facts) Step {
	// A ticket that was another incident's before says nothing about this one.
	if f.Handling.OnDeleted == tenantv1.Deleted_DELETED_NEW || l.GetPhase() == ticketv1.Phase_PHASE_REOPENING && l.GetTakenUp() {
		return calmly(l, f, renew(l, f, "the ticket was deleted while the device fails"))
	}
	return handOver(l, "the ticket was deleted while the device fails; nothing follows until it has recovered and failed again (tickets.onDeleted: leave)", time.Time{})
}

// beingClosed is how long it is waited for what another incident does to the ticket.
const beingClosed = 5 * time.Second

// byUs reports whether the ticket was closed under the name that we write under.
func byUs(l *ticketv1.Ledger) bool {
	by := l.GetObserved().GetClosedBy()
	return by != "" && strings.EqualFold(by, l.GetWrittenAs())
}

// putAway reports whether people merged the incident's ticket into the present one when that was closed already: it was a
// closing by them, whoever had closed the other one, and however long ago.
func putAway(l *ticketv1.Ledger) bool {
	at, o := l.GetPutAwayAt(), l.GetObserved()
	return at != nil && o.GetClosed() && o.GetClosedAt().AsTime().Before(at.AsTime())
}

// closer says who closed the ticket for this incident.
func closer(l *ticketv1.Ledger, f Facts) Closer {
	if putAway(l) {
		return CloserPerson
	}
	return f.Closer
}

// shut says in words what people did.
func shut(l *ticketv1.Ledger) string {
	if !putAway(l) {
		return "the ticket was closed"
	}
	return fmt.Sprintf("the incident's ticket was merged into ticket %d, which was closed already,", l.GetTicketId())
}

func closedByHand(l *ticketv1.Ledger, f Facts) Step {
	switch closer(l, f) {
	case CloserOurs:
		if !l.GetForeign() {
			return reopen(l, f)
		}
	case CloserUnsure:
		if held(l, f) {
			return Nothing{}
		}
		const reason = ticketv1.ParkReason_PARK_REASON_OUTCOME
		return Park{reason, "another incident that stood in the ticket is about to close it", f.Now.Add(growing(l, reason, beingClosed, StaleAnswer))}
	case CloserPerson:
		// The record of our own closing is lost with the process that made it, or with a lost answer; the server keeps the name.
		if !l.GetForeign() && !putAway(l) && byUs(l) {
			return calmly(l, f, reopen(l, f))
		}
	}
	closed := closedAt(l, f)
	switch f.Handling.OnHandClose {
	case tenantv1.HandClose_HAND_CLOSE_REOPEN:
		return openAgain(l, f, true, shut(l)+" while the device fails (tickets.onHandClose: reopen)")
	case tenantv1.HandClose_HAND_CLOSE_NEW:
		return openAgain(l, f, false, shut(l)+" while the device fails (tickets.onHandClose: new)")
	case tenantv1.HandClose_HAND_CLOSE_WONT_FIX, tenantv1.HandClose_HAND_CLOSE_RESPECT, tenantv1.HandClose_HAND_CLOSE_UNSPECIFIED:
	}
	if newOutage(l) {
		return openAgain(l, f, f.Handling.reopens(closed, f.Now), "something else has failed since the ticket was closed")
	}
	switch f.Handling.OnHandClose {
	case tenantv1.HandClose_HAND_CLOSE_WONT_FIX:
		return handOver(l, shut(l)+" while the device fails; nothing follows until it has recovered and failed again (tickets.onHandClose: wontFix)", time.Time{})
	case tenantv1.HandClose_HAND_CLOSE_RESPECT, tenantv1.HandClose_HAND_CLOSE_REOPEN, tenantv1.HandClose_HAND_CLOSE_NEW, tenantv1.HandClose_HAND_CLOSE_UNSPECIFIED:
	}
	until := closed.Add(f.Handling.RespectFor)
	switch {
	case f.Now.Before(until):
		return handOver(l, shut(l)+" while the device fails; that is respected for a while (tickets.respectFor)", until)
	default:
		// Who reopens within at least the time that is respected means the ticket to be opened when that time is over.
		again := f.Handling.reopens(closed, f.Now) || f.Handling.ReopenWithin >= f.Handling.RespectFor
		return openAgain(l, f, again, strings.TrimSuffix(shut(l), ",")+", and the device still fails after the time that this is respected")
	}
}

// openAgain opens the ticket that people closed, or replaces it. One that is not ours is never opened again: its owner is
// done with it, and the device gets a ticket of its own.
func openAgain(l *ticketv1.Ledger, f Facts, again bool, why string) Step {
	if again && !l.GetForeign() {
		return calmly(l, f, listedBefore(f, reopen(l, f)))
	}
	return calmly(l, f, renew(l, f, why))
}

// listedBefore returns ListOwn in place of an opening of what people closed: who closes one of two tickets wants the other, which is
// open. Retake follows when the incident had that before, and Adopt when no incident owns it. Before a create this is asked for
// anyway.
func listedBefore(f Facts, step Step) Step {
	switch _, opens := step.(BeginReopen); {
	case opens && f.Candidate != nil:
		return Adopt{Ticket: f.Candidate.GetTicketId()}
	case opens && !f.Listed:
		return ListOwn{}
	}
	return step
}

// renew gives the ticket up, once another can be made.
func renew(l *ticketv1.Ledger, f Facts, why string) Step {
	if stop := barred(l, f); stop != nil {
		return stop
	}
	return Renew{Why: why}
}

// closedAt is when a person closed the ticket: by the server's word, or when we saw it; never in the future.
func closedAt(l *ticketv1.Ledger, f Facts) time.Time {
	at := f.Now
	if t := l.GetHandedOverAt(); t != nil {
		at = t.AsTime()
	}
	t := l.GetObserved().GetClosedAt()
	if putAway(l) {
		t = l.GetPutAwayAt()
	}
	if t != nil && t.AsTime().Before(at) {
		at = t.AsTime()
	}
	return at
}

// handOver returns HandOver unless that is on record already.
func handOver(l *ticketv1.Ledger, why string, until time.Time) Step {
	if l.GetPhase() == ticketv1.Phase_PHASE_HANDED_OVER {
		p := l.GetPark()
		respected := p.GetReason() == ticketv1.ParkReason_PARK_REASON_RESPECTED
		if until.IsZero() && p == nil || respected && p.GetUntil().AsTime().Equal(until) {
			return Nothing{}
		}
	}
	return HandOver{Why: why, Until: until}
}

func reopen(l *ticketv1.Ledger, f Facts) Step {
	if stop := hindered(l, f); stop != nil {
		return stop
	}
	return BeginReopen{}
}

// reopening is the phase in which the open status is being set.
func reopening(l *ticketv1.Ledger, f Facts) Step {
	o := l.GetObserved()
	if o.GetDeleted() || o.GetMergedInto() != 0 {
		return taken(l, f)
	}
	if stop := hindered(l, f); stop != nil {
		return stop
	}
	// Whether it was opened is not known: the request may have been executed, and people may have opened it too.
	switch {
	case !f.Seen:
		return Glance{}
	case o != nil && !o.GetClosed():
		return Resume{}
	case Resolved(l):
		return End{Why: "the ticket was closed before the device recovered"}
	case l.GetForeign():
		return taken(l, f)
	default:
		return Reopen{}
	}
}

// earlier returns TakeUp when the device's last ticket is to serve again, or nil.
func earlier(l *ticketv1.Ledger, f Facts) Step {
	if l.GetRenewals() > 0 {
		return nil
	}
	if again := orGivenUp(f, create(l, f)); again != nil {
		return again
	}
	e := f.Earlier
	if !servesAgain(e, f) {
		return nil
	}
	// A person opened it again, or nobody closed it: there must not be two.
	openStill := e.GetObserved() != nil && !e.GetObserved().GetClosed()
	if !openStill && !f.Handling.reopens(e.GetClosedAt().AsTime(), f.Now) {
		return nil
	}
	return TakeUp{Ticket: e.GetTicketId()}
}

// orGivenUp returns what leads to the ticket that an earlier incident of the device gave up before it ended without another, where
// people may have opened it again; nil otherwise. It is looked at when the answer would be written, not at every wake of what waits.
func orGivenUp(f Facts, answer Step) Step {
	last := gaveUp(f)
	if last == 0 {
		return nil
	}
	if f.Former.GetTicketId() == last {
		if Open(f.Former) {
			return TakeUp{Ticket: last}
		}
		return nil
	}
	switch answer.(type) {
	case BeginCreate, AskQuota, BeginReopen, ListOwn, Renew, HandOver:
		return LookBack{Ticket: last}
	default:
		return nil
	}
}

// gaveUp is the ticket that an earlier incident of the device gave up last before it ended without another; 0 for none. Nobody has
// looked at it since, unless people opened it again.
func gaveUp(f Facts) int64 {
	formers := f.GaveUp.GetFormerTicketIds()
	if len(formers) == 0 || differ(f.GaveUp.GetServer(), f.Server) {
		return 0
	}
	last := formers[len(formers)-1]
	if slices.Contains(f.GaveUp.GetForeignFormerIds(), last) {
		return 0
	}
	return last
}

// Had is an incident that ended without a ticket, as if it had ended with the one that it had given up.
func Had(l *ticketv1.Ledger, o *ticketv1.Observed) *ticketv1.Ledger {
	l = proto.CloneOf(l)
	l.TicketId, l.CompanyId, l.Observed, l.Reference, l.Summary = o.GetTicketId(), o.GetCompanyId(), o, o.GetReference(), o.GetSummary()
	return l
}

// servesAgain reports whether the ticket of an earlier incident is there to be taken up.
func servesAgain(e *ticketv1.Ledger, f Facts) bool {
	o := e.GetObserved()
	return e.GetTicketId() != 0 && !e.GetForeign() && !differ(e.GetServer(), f.Server) && !o.GetDeleted() && o.GetMergedInto() == 0 &&
		e.GetPhase() == ticketv1.Phase_PHASE_CLOSED
}

// home returns the move to the customer's own company, or nil. A ticket that people gave to another company stays there.
func home(l *ticketv1.Ledger, f Facts) Step {
	link := f.Link
	if !f.MoveHome || !l.GetStandIn() || l.GetForeign() || Resolved(l) || differ(link.GetServer(), f.Server) ||
		link.GetState() != companyv1.LinkState_LINK_STATE_LINKED || link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL ||
		link.GetCompany().GetId() == 0 || hindered(l, f) != nil {
		return nil
	}
	return MoveHome{Company: link.GetCompany().GetId()}
}

// attach returns the step towards the group's ticket, or Nothing.
func attach(l *ticketv1.Ledger, f Facts) Step {
	const reason = ticketv1.ParkReason_PARK_REASON_GROUP
	alone := l.GetWanted().GetGroupIncidentId() == "" || l.GetAttachOver() || l.GetObserved().GetParentId() != 0 || l.GetForeign() || f.Group.Over
	switch {
	case alone && l.GetPark().GetReason() == reason:
		return StandAlone{}
	case alone || l.GetAttachedTo() != 0 || Resolved(l):
		return Nothing{}
	case l.GetPark().GetReason() == reason && f.Group.Ticket == 0 && !Due(l.GetPark(), f.Patience, f.Now):
		return Nothing{}
	case f.Group.Ticket == 0:
		return Park{reason, "the ticket of the group is not there yet", f.Now.Add(growing(l, reason, time.Minute, StaleAnswer))}
	}
	if stop := hindered(l, f); stop != nil {
		return stop
	}
	return Attach{Parent: f.Group.Ticket}
}

// OfDevice reports whether the incident is one device's.
func OfDevice(l *ticketv1.Ledger) bool {
	switch l.GetWanted().GetScope() {
	case incidentv1.Scope_SCOPE_UNSPECIFIED, incidentv1.Scope_SCOPE_DEVICE:
		return true
	default:
		return false
	}
}
