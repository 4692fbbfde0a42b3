// Package plan decides what happens next to the ticket of one incident. It is pure: a ledger and a few facts
// go in, one next step comes out; ledger.go has the changes of the ledger that the steps stand for.
//
// It does not talk to anything, does not know how a step is carried out, and does not judge devices.
//
// # Rules
//
// The next step by phase; the first line that holds wins. "Held" means that the ledger is parked until later
// for a reason that news do not change, and that this run was not woken for it. "Elsewhere" means that the create
// was begun at another ConnectWise server than the tenant's present one, where the ticket's id means another ticket.
//
//	phase      condition                                              step
//	NEW        wanted is resolved                                     Drop
//	           no tenant / tenant in shadow                           Park NO_TENANT / SHADOW, or Nothing when so parked
//	           held                                                   Nothing
//	           the device has no customer                             Park COMPANY
//	           the device's last ticket serves again                  TakeUp
//	           no answer for this server, or one about a reference    AskCompany
//	           that has changed since
//	           the customer has a company                             BeginCreate, or AskQuota and Park CAPPED under a cap
//	                                                                  first; Yield when enough of the tenant's wait
//	           the answer is not certain and stale                    AskCompany
//	           refused lately                                         Park COMPANY
//	           in place of these two: the board was not listed /      ListBoard / Adopt
//	           there is a ticket for it that no incident owns
//	           before a create that replaces a ticket: the device's   ListOwn / Adopt
//	           open ones were not listed / there is one that no
//	           incident owns
//	CREATING   no tenant / shadow                                     as above
//	           elsewhere                                              Park REJECTED, or Nothing when held
//	           this run began the create, not long ago                Create
//	           held                                                   Nothing
//	           this run has not looked for the reference              FindByReference
//	           no earlier look was in vain                            Miss
//	           one was, and patience is not over since                Park OUTCOME
//	           nothing found, wanted is resolved                      Drop
//	           nothing found                                          as NEW: BeginCreate, AskCompany, Park COMPANY
//	OPEN       a person merged, closed or deleted the ticket          see below
//	           made at the catch-all company, and there is another    MoveHome
//	           the ticket shows what is wanted                        Nothing, or Attach when it belongs to a group
//	           no tenant / shadow                                     as above
//	           elsewhere                                              as above
//	           this run began the note, not long ago                  Note
//	           held                                                   Nothing
//	           the wanted revision's note was begun, not looked for   FindNote
//	           looked for in vain                                     Miss, Park OUTCOME as CREATING
//	           requests wait for their turn at the server             Yield
//	           wanted is resolved                                     BeginClose
//	           otherwise                                              BeginNote
//	CLOSING    a person merged, closed or deleted the ticket          see below
//	           no tenant / shadow                                     as above
//	           elsewhere                                              as above
//	           this run began the note, not long ago                  Note
//	           held                                                   Nothing
//	           the note was begun, not looked for                     FindNote
//	           looked for in vain                                     Miss, Park OUTCOME as CREATING
//	           the note is not there                                  BeginNote
//	           not ours to close, or shared with a failing device     LeaveOpen
//	           otherwise                                              Close
//	REOPENING  deleted or merged                                      see below
//	           no tenant / shadow / elsewhere / held                  as above
//	           it is open: the request was executed, or people did it Resume
//	           wanted is resolved                                     End
//	           it is a person's                                       see below
//	           otherwise                                              Reopen
//	HANDED_OVER                                                       see below
//	CLOSED, DROPPED                                                   Nothing
//
// Before all that, a ticket that has changed in a way that is not known is looked at (Look) as soon as its server can be
// used; and where there is nothing to do, a wait whose time has come is ended (Unpark). Before a write to a ticket, and before
// it is given up, it is seen anew (Glance) unless that was done a moment ago: what people changed is never written over.
//
// What people did, as it was seen last, in OPEN, CLOSING and HANDED_OVER:
//
//	merged into another ticket                     Follow, whatever the policy: never a second ticket beside an open one
//	... that was closed already                    as closed by hand at the time of the merge, whoever had closed the other one
//	                                               and however long ago
//	closed or deleted, wanted is resolved          End: nothing is written to it
//	closed or deleted, and the ticket of an        TakeUp: they want the trouble to be followed there
//	earlier incident of the device was opened again
//	deleted, wanted is not resolved                onDeleted: HandOver (leave), Renew (new)
//	closed by us for another incident, not resolved BeginReopen, whatever the policy: nobody decided to leave it closed
//	that is not known yet                          Park OUTCOME
//	closed under our name, not on record, not resolved  BeginReopen, ever later when that repeats
//	closed, wanted is not resolved                 onHandClose: BeginReopen (reopen), Renew (new), HandOver (wontFix);
//	                                               respect: HandOver for respectFor, then BeginReopen or Renew by reopenWithin
//	... and something else has failed since        BeginReopen or Renew by reopenWithin: a closing silences what it was about
//	... and the ticket is a person's               Renew in place of BeginReopen: its owner is done with it
//	... again and again                            HandOver for a time that grows, in place of BeginReopen and Renew
//	made or opened again by us, and closed at once no closing by hand: REOPENING, Park REJECTED until the settings are mended
//	opened again after it was handed over          Resume
//	... and closed anew before that was seen       as closed by hand at the later time
//	anything else (board, status, fields, parent)  nothing: it is recorded and left alone
//
// A ticket that is none any more and that people opened again, one that the incident had before the present one, or that
// of a closed incident whose device has a later one:
//
//	people closed or deleted the present ticket    Retake: they want the trouble to be followed there
//	it was given up, and no other is being made    Retake, whatever the create waits for
//	... and people merged it into another          the same, and Follow then
//	a present ticket is open                       PointOut: a note in it names the present one, once; neither is closed
//	the incident is over, and there is no later    PointOut: it is recorded, once, and left to them
//
// Before a ticket is made in place of another, or one that people closed is opened again, the device's open ones are listed (ListOwn):
// Retake follows for one that the incident had before, and Adopt for one that no incident owns. A ticket that an incident gave up,
// and that is open (LookBack), serves the next one (TakeUp) where that incident ended without another.
//
// A create that replaces a ticket and has waited reads that one first (LookBack): it may have been opened again, or merged into
// another, since it was given up.
//
// A NEW incident of a device whose last ticket is still open, or was closed within reopenWithin, takes that ticket up
// (TakeUp) instead of creating one; on the first contact with a board, one that others made is taken over (Adopt).
//
// A create or a note that was begun by another run is never sent on its own strength: its request may be on
// the way, or have been executed. Looking for it must come first, and must come late enough: two runs must have looked in
// vain, with the patience between them by the server's clock. By ours, one that was set forward in the meantime would make
// a write that is on its way look old.
//
// A close is the resolution note first and the status second. A crash in between leaves a note that can be
// recognised, while the change of status may be repeated freely; people who are told of the closing find the
// explanation in the ticket; and nothing is ever written to a closed ticket.
package plan

import (
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Far is how long a wait lasts that only a change of settings ends.
const Far = 365 * 24 * time.Hour

// StaleAnswer is the age from which on a refusal to name a company is asked for again.
const StaleAnswer = 10 * time.Minute

// Next returns the next step of an incident. See the package's comment for the rules.
func Next(l *ticketv1.Ledger, f Facts) Step {
	if l.GetLookDue() && l.GetTicketId() != 0 {
		return look(l, f)
	}
	if answer := stray(l, f); answer != nil {
		return answer
	}
	step := lookedBack(l, f, sighted(l, f, next(l, f)))
	if _, idle := step.(Nothing); idle && pointless(l, f) {
		return Unpark{}
	}
	return step
}

// look reads the ticket as soon as that can be done. Reading is allowed in shadow mode.
func look(l *ticketv1.Ledger, f Facts) Step {
	if !f.Known {
		return barred(l, f)
	}
	if stop := elsewhere(l, f); stop != nil {
		return stop
	}
	if held(l, f) {
		return Nothing{}
	}
	return Look{}
}

// pointless reports whether a wait stands whose time has come, of an incident for which there is nothing to do: what it
// was for has been done by others, or is not wanted any more.
func pointless(l *ticketv1.Ledger, f Facts) bool {
	switch l.GetPark().GetReason() {
	case ticketv1.ParkReason_PARK_REASON_UNSPECIFIED, ticketv1.ParkReason_PARK_REASON_GROUP, ticketv1.ParkReason_PARK_REASON_RESPECTED:
		return false
	case ticketv1.ParkReason_PARK_REASON_NO_TENANT:
		return f.Known
	case ticketv1.ParkReason_PARK_REASON_SHADOW:
		return f.Live
	default:
		return !held(l, f)
	}
}

func next(l *ticketv1.Ledger, f Facts) Step {
	switch l.GetPhase() {
	case ticketv1.Phase_PHASE_UNSPECIFIED, ticketv1.Phase_PHASE_NEW:
		return fresh(l, f)
	case ticketv1.Phase_PHASE_CREATING:
		return creating(l, f)
	case ticketv1.Phase_PHASE_OPEN:
		return open(l, f)
	case ticketv1.Phase_PHASE_CLOSING:
		return closing(l, f)
	case ticketv1.Phase_PHASE_REOPENING:
		return reopening(l, f)
	case ticketv1.Phase_PHASE_HANDED_OVER:
		return taken(l, f)
	case ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_DROPPED:
		return Nothing{}
	default:
		return Nothing{}
	}
}

func fresh(l *ticketv1.Ledger, f Facts) Step {
	if Resolved(l) {
		return Drop{}
	}
	if stop := barred(l, f); stop != nil {
		return stop
	}
	if held(l, f) {
		return Nothing{}
	}
	if again := earlier(l, f); again != nil {
		return again
	}
	next := create(l, f)
	if l.GetRenewals() > 0 {
		return replacement(l, f, next)
	}
	if _, asks := next.(AskCompany); asks {
		return next
	}
	// A ticket that is there already needs no company of ours.
	switch {
	case !f.Listed:
		return ListBoard{}
	case f.Candidate != nil:
		return Adopt{Ticket: f.Candidate.GetTicketId()}
	}
	return next
}

// replacement takes an open ticket of ours for the device in place of the create that replaces a ticket, where no incident owns
// one: a record that was restored from a backup does not know that the ticket was replaced before. The tickets of others are
// left alone, as they were when the one that is replaced was made.
func replacement(l *ticketv1.Ledger, f Facts, next Step) Step {
	_, creates := next.(BeginCreate)
	switch {
	case f.Candidate != nil:
		return Adopt{Ticket: f.Candidate.GetTicketId()}
	case creates && !f.Listed && !differ(l.GetServer(), f.Server):
		return ListOwn{}
	}
	return next
}

func creating(l *ticketv1.Ledger, f Facts) Step {
	if stop := stopped(l, f); stop != nil {
		return stop
	}
	begun := l.GetCreateBegunAt().AsTime()
	if f.Begun == BegunCreate && timely(begun, f) {
		return Create{}
	}
	if held(l, f) {
		return Nothing{}
	}
	if f.LookedAt.IsZero() {
		return FindByReference{}
	}
	const detail = "it is not known whether ConnectWise created the ticket, and it cannot be found yet"
	if wait := missed(l, f, settling(l, f), detail); wait != nil {
		return wait
	}
	if Resolved(l) {
		return Drop{}
	}
	return create(l, f)
}

// missed is the wait that follows a look in vain for the trace of a write, or nil when it was the last. Two looks must be
// in vain with the patience between them by the server's clock, which tells how long its index has had time: ours may be
// set forward in the meantime. A first look that lies in the future is from before the server's clock was set back.
func missed(l *ticketv1.Ledger, f Facts, patience time.Duration, detail string) Step {
	first := l.GetMissedAt()
	if first == nil || first.AsTime().After(f.LookedAt) {
		return Miss{Park{ticketv1.ParkReason_PARK_REASON_OUTCOME, detail, f.Now.Add(patience)}, f.LookedAt}
	}
	if rest := patience - f.LookedAt.Sub(first.AsTime()); rest > 0 {
		return Park{ticketv1.ParkReason_PARK_REASON_OUTCOME, detail, f.Now.Add(rest)}
	}
	return nil
}

func open(l *ticketv1.Ledger, f Facts) Step {
	if answer := taken(l, f); answer != nil {
		return answer
	}
	if home := home(l, f); home != nil {
		return home
	}
	if !noteDue(l) {
		return attach(l, f)
	}
	if stop := stopped(l, f); stop != nil {
		return stop
	}
	if stop := unsettledNote(l, f); stop != nil {
		return stop
	}
	if stop := yield(l, f); stop != nil {
		return stop
	}
	if Resolved(l) {
		return BeginClose{}
	}
	return BeginNote{}
}

// noteDue reports whether the ticket does not show what is wanted, or does not say yet how it came back to us.
func noteDue(l *ticketv1.Ledger) bool {
	return l.GetShown().GetRevision() < l.GetWanted().GetRevision() || l.GetPreface() != ticketv1.Preface_PREFACE_UNSPECIFIED
}

// mostYields bounds how often a note or a create gives way.
const mostYields = 20

// wornOut reports whether an incident has given way often enough.
func wornOut(l *ticketv1.Ledger) bool {
	p := l.GetPark()
	return p.GetReason() == ticketv1.ParkReason_PARK_REASON_YIELDED && p.GetTimes() >= mostYields
}

// yield lets creates go first while the pace allows no more: who waits for a ticket waits for something to act on,
// and a note that waited in the partition would hold up the creates behind it.
func yield(l *ticketv1.Ledger, f Facts) Step {
	if !f.Busy || wornOut(l) {
		return nil
	}
	return Yield{}
}

func closing(l *ticketv1.Ledger, f Facts) Step {
	if answer := taken(l, f); answer != nil {
		return answer
	}
	if stop := stopped(l, f); stop != nil {
		return stop
	}
	if stop := unsettledNote(l, f); stop != nil {
		return stop
	}
	if l.GetShown().GetRevision() < l.GetWanted().GetRevision() {
		return BeginNote{}
	}
	switch {
	case l.GetForeign():
		return LeaveOpen{Why: "the ticket was not made by Covewise; people close it"}
	case f.Shared:
		return LeaveOpen{Why: "another device that still fails stands in the same ticket"}
	}
	return Close{}
}

// unsettledNote returns the step that a note begun before asks for, or nil when the way is free. A note begun for
// an older revision than the wanted one is let go: it will not be sent again, so it cannot be sent twice.
func unsettledNote(l *ticketv1.Ledger, f Facts) Step {
	outstanding := l.GetNoteBegunRevision() != 0 && l.GetNoteBegunRevision() == l.GetWanted().GetRevision()
	// The ledger changed last when this run began the note.
	if outstanding && f.Begun == BegunNote && timely(l.GetUpdatedAt().AsTime(), f) {
		return Note{}
	}
	switch {
	case held(l, f):
		return Nothing{}
	case !outstanding:
		return nil
	case f.LookedAt.IsZero():
		return FindNote{}
	}
	return missed(l, f, f.Patience, "it is not known whether ConnectWise stored the note, and it cannot be found yet")
}

// timely reports whether what was begun may still be sent. A process that was suspended in between must not send
// when another one may have waited out its patience. A request may take two thirds of the patience.
func timely(begun time.Time, f Facts) bool { return f.Now.Before(begun.Add(f.Patience / 4)) }

// settling is the patience for the last create. It doubles with every further attempt, eight times at most, for a
// server that fails creates after long thought.
func settling(l *ticketv1.Ledger, f Facts) time.Duration {
	return f.Patience << min(max(l.GetCreateAttempts(), 1)-1, mostDoublings)
}

const mostDoublings = 3

// Resolved reports whether the picture wanted is the end of the incident.
func Resolved(l *ticketv1.Ledger) bool {
	return l.GetWanted().GetKind() == incidentv1.EventKind_EVENT_KIND_RESOLVED
}
