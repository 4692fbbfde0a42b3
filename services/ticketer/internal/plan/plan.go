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
//	           no answer for this server, or one about a reference    AskCompany
//	           that has changed since
//	           the customer has a company                             BeginCreate
//	           the answer is not certain and stale                    AskCompany
//	           refused lately                                         Park COMPANY
//	CREATING   no tenant / shadow                                     as above
//	           elsewhere                                              Park REJECTED, or Nothing when held
//	           this run began the create, not long ago                Create
//	           held                                                   Nothing
//	           this run has not looked for the reference              FindByReference
//	           looked before patience was over                        Park OUTCOME
//	           no earlier run has looked in vain                      Park OUTCOME
//	           nothing found, wanted is resolved                      Drop
//	           nothing found                                          as NEW: BeginCreate, AskCompany, Park COMPANY
//	OPEN       the ticket shows what is wanted                        Nothing
//	           no tenant / shadow                                     as above
//	           elsewhere                                              as above
//	           this run began the note, not long ago                  Note
//	           held                                                   Nothing
//	           the wanted revision's note was begun, not looked for   FindNote
//	           looked before patience was over                        Park OUTCOME
//	           wanted is resolved                                     BeginClose
//	           otherwise                                              BeginNote
//	CLOSING    no tenant / shadow                                     as above
//	           elsewhere                                              as above
//	           this run began the note, not long ago                  Note
//	           held                                                   Nothing
//	           the note was begun, not looked for                     FindNote
//	           looked before patience was over                        Park OUTCOME
//	           the note is not there                                  BeginNote
//	           otherwise                                              Close
//	CLOSED, HANDED_OVER, DROPPED                                      Nothing
//
// A create or a note that was begun by another run is never sent on its own strength: its request may be on
// the way, or have been executed. Looking for it must come first, and must come late enough. For a create, two runs
// must have looked in vain, with the patience between them: a clock that was set forward in the meantime makes a
// create that is on its way look old.
//
// A close is the resolution note first and the status second. A crash in between leaves a note that can be
// recognised, while the change of status may be repeated freely; people who are told of the closing find the
// explanation in the ticket; and nothing is ever written to a closed ticket.
package plan

import (
	"fmt"
	"strings"
	"time"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Begun says what this run has put on record as begun and has not sent yet.
type Begun uint8

// What a run can have begun.
const (
	BegunNothing Begun = iota
	BegunCreate
	BegunNote
)

// Facts are what a plan is made from beside the ledger.
type Facts struct {
	Known    bool            // the tenant has settings
	Live     bool            // its mode is live; anything else is shadow
	Server   string          // the tenant's ConnectWise server, "<company>@<host>"; empty when its settings name none
	Link     *companyv1.Link // the stored answer for the customer; nil when there is none
	Now      time.Time
	Patience time.Duration // how long after a write of unknown outcome its trace may still be missing
	Woken    bool          // the run was asked to look again at what is parked
	Begun    Begun
	LookedAt time.Time // when this run began to look for the ticket or note in vain; zero: it has not looked
}

// Step is the one next thing to do: exactly one of the types below.
type Step interface{ step() }

// The steps. After Nothing, Park and AskCompany a run ends; after any other it plans anew.
type (
	// Nothing is to be done.
	Nothing struct{}
	// Park puts a wait on record.
	Park struct {
		Reason ticketv1.ParkReason
		Detail string // for a person
		Until  time.Time
	}
	// AskCompany asks for the customer's company and parks until the answer is due.
	AskCompany struct{ Until time.Time }
	// BeginCreate puts on record that a create at this company is about to be sent.
	BeginCreate struct{ Company int64 }
	// FindByReference looks for tickets with the incident's reference.
	FindByReference struct{}
	// Create sends the create that this run began.
	Create struct{}
	// BeginNote puts on record that the wanted revision's note is about to be sent.
	BeginNote struct{}
	// FindNote looks for the wanted revision's note.
	FindNote struct{}
	// Note sends the note that this run began.
	Note struct{}
	// BeginClose puts on record that the ticket is being closed and that the resolution note is about to be sent.
	BeginClose struct{}
	// Close sets the closed status.
	Close struct{}
	// Drop ends an incident that never got a ticket.
	Drop struct{}
)

func (Nothing) step()         {}
func (Park) step()            {}
func (AskCompany) step()      {}
func (BeginCreate) step()     {}
func (FindByReference) step() {}
func (Create) step()          {}
func (BeginNote) step()       {}
func (FindNote) step()        {}
func (Note) step()            {}
func (BeginClose) step()      {}
func (Close) step()           {}
func (Drop) step()            {}

// Far is how long a wait lasts that only a change of settings ends.
const Far = 365 * 24 * time.Hour

// StaleAnswer is the age from which on a refusal to name a company is asked for again.
const StaleAnswer = 10 * time.Minute

// Next returns the next step of an incident. See the package's comment for the rules.
func Next(l *ticketv1.Ledger, f Facts) Step {
	switch l.GetPhase() {
	case ticketv1.Phase_PHASE_UNSPECIFIED, ticketv1.Phase_PHASE_NEW:
		return fresh(l, f)
	case ticketv1.Phase_PHASE_CREATING:
		return creating(l, f)
	case ticketv1.Phase_PHASE_OPEN:
		return open(l, f)
	case ticketv1.Phase_PHASE_CLOSING:
		return closing(l, f)
	case ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_HANDED_OVER, ticketv1.Phase_PHASE_DROPPED:
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
	return create(l, f)
}

func creating(l *ticketv1.Ledger, f Facts) Step {
	if stop := barred(l, f); stop != nil {
		return stop
	}
	if stop := elsewhere(l, f); stop != nil {
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
	if begun.After(f.Now) { // the clock was set back: the patience counts from the first look since
		begun = waitingSince(l, f)
	}
	const detail = "it is not known whether ConnectWise created the ticket, and it cannot be found yet"
	if settled := begun.Add(settling(l, f)); f.LookedAt.Before(settled) {
		return Park{ticketv1.ParkReason_PARK_REASON_OUTCOME, detail, settled}
	}
	if !lookedBefore(l) {
		return Park{ticketv1.ParkReason_PARK_REASON_OUTCOME, detail, f.Now.Add(f.Patience)}
	}
	if Resolved(l) {
		return Drop{}
	}
	return create(l, f)
}

// lookedBefore reports whether an earlier run looked for the ticket of an unsettled create and did not find it: only
// then such a create waits for its outcome, or for the company that the next one needs.
func lookedBefore(l *ticketv1.Ledger) bool {
	reason := l.GetPark().GetReason()
	return reason == ticketv1.ParkReason_PARK_REASON_OUTCOME || reason == ticketv1.ParkReason_PARK_REASON_COMPANY
}

// waitingSince is when the wait for an outcome began; now when there is none, or when it lies in the future.
func waitingSince(l *ticketv1.Ledger, f Facts) time.Time {
	p := l.GetPark()
	if since := p.GetSince().AsTime(); p.GetReason() == ticketv1.ParkReason_PARK_REASON_OUTCOME && since.Before(f.Now) {
		return since
	}
	return f.Now
}

func open(l *ticketv1.Ledger, f Facts) Step {
	if l.GetShown().GetRevision() >= l.GetWanted().GetRevision() {
		return Nothing{}
	}
	if stop := barred(l, f); stop != nil {
		return stop
	}
	if stop := elsewhere(l, f); stop != nil {
		return stop
	}
	if stop := unsettledNote(l, f); stop != nil {
		return stop
	}
	if Resolved(l) {
		return BeginClose{}
	}
	return BeginNote{}
}

func closing(l *ticketv1.Ledger, f Facts) Step {
	if stop := barred(l, f); stop != nil {
		return stop
	}
	if stop := elsewhere(l, f); stop != nil {
		return stop
	}
	if stop := unsettledNote(l, f); stop != nil {
		return stop
	}
	if l.GetShown().GetRevision() < l.GetWanted().GetRevision() {
		return BeginNote{}
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
	if settled := waitingSince(l, f).Add(f.Patience); f.LookedAt.Before(settled) {
		return Park{ticketv1.ParkReason_PARK_REASON_OUTCOME, "it is not known whether ConnectWise stored the note, and it cannot be found yet", settled}
	}
	return nil
}

// create is the way to a create, which leads through the customer's company.
func create(l *ticketv1.Ledger, f Facts) Step {
	customer := l.GetWanted().GetCustomer()
	link := f.Link
	if differ(link.GetServer(), f.Server) {
		link = nil
	}
	stale := !f.Now.Before(link.GetCheckedAt().AsTime().Add(StaleAnswer))
	linked := link.GetState() == companyv1.LinkState_LINK_STATE_LINKED && link.GetCompany().GetId() > 0
	// The catch-all company stands in only as long as nothing better is found.
	standIn := link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL
	switch {
	case customer.GetId() == "":
		return Park{ticketv1.ParkReason_PARK_REASON_COMPANY, "the device belongs to no customer; assign it to one in Cove", f.Now.Add(StaleAnswer)}
	case linked && !(standIn && stale) && !outdated(link, l.GetWanted()):
		return BeginCreate{Company: link.GetCompany().GetId()}
	case link == nil || stale || outdated(link, l.GetWanted()):
		return AskCompany{Until: f.Now.Add(growing(l, ticketv1.ParkReason_PARK_REASON_COMPANY, time.Minute, StaleAnswer))}
	default:
		return Park{
			ticketv1.ParkReason_PARK_REASON_COMPANY,
			fmt.Sprintf("customer %q has no ConnectWise company: %s", customer.GetName(), orElse(link.GetReason(), "no reason was given")),
			link.GetCheckedAt().AsTime().Add(StaleAnswer),
		}
	}
}

// outdated reports whether the incident knows the customer by another reference than the link does, and knows it
// later. An incident with an older picture does not bring an older reference back.
func outdated(link *companyv1.Link, wanted *incidentv1.Event) bool {
	return link.GetCustomer().GetReference() != wanted.GetCustomer().GetReference() &&
		(link.GetObservedAt() == nil || wanted.GetOccurredAt().AsTime().After(link.GetObservedAt().AsTime())) &&
		wanted.GetOccurredAt() != nil
}

// elsewhere returns the step when the create was begun at another server, or nil.
func elsewhere(l *ticketv1.Ledger, f Facts) Step {
	switch {
	case !differ(l.GetServer(), f.Server):
		return nil
	case held(l, f):
		return Nothing{}
	}
	what := "a ticket that may have been created"
	if l.GetTicketId() != 0 {
		what = fmt.Sprintf("ticket %d", l.GetTicketId())
	}
	return Park{
		ticketv1.ParkReason_PARK_REASON_REJECTED,
		fmt.Sprintf("%s belongs to %s; the tenant's settings now name %s. Set connectwise.url and connectwise.company back to have "+
			"it finished, or let a person finish it there", what, l.GetServer(), f.Server),
		f.Now.Add(rejectedWait),
	}
}

// differ reports whether two servers are known and not the same. Records made before servers were recorded count as
// of the present one.
func differ(recorded, present string) bool {
	return recorded != "" && present != "" && !strings.EqualFold(recorded, present)
}

// barred returns the step when nothing may be written at all, or nil.
func barred(l *ticketv1.Ledger, f Facts) Step {
	var reason ticketv1.ParkReason
	var detail string
	switch {
	case !f.Known:
		reason, detail = ticketv1.ParkReason_PARK_REASON_NO_TENANT, "the tenant has no settings; apply its document"
	case !f.Live:
		reason, detail = ticketv1.ParkReason_PARK_REASON_SHADOW, "the tenant is in shadow mode; set mode: live to have this done"
	default:
		return nil
	}
	// A wait that stands already was recorded for the present picture: Receive ends it when news come.
	if l.GetPark().GetReason() == reason {
		return Nothing{}
	}
	return Park{reason, detail, f.Now.Add(Far)}
}

// held reports whether the ledger waits for a time that has not come. Waits for a company, for live mode and for
// settings are not among them: whether they are over is seen from the facts.
func held(l *ticketv1.Ledger, f Facts) bool {
	p := l.GetPark()
	switch p.GetReason() {
	case ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, ticketv1.ParkReason_PARK_REASON_RATE_LIMITED,
		ticketv1.ParkReason_PARK_REASON_AUTH, ticketv1.ParkReason_PARK_REASON_OUTCOME, ticketv1.ParkReason_PARK_REASON_REJECTED:
		return !f.Woken && !Due(p, f.Patience, f.Now)
	default:
		return false
	}
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

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
