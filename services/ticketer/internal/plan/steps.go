package plan

import (
	"time"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
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
	MoveHome bool            // tickets move from the catch-all company to the customer's own once there is one
	Handling Handling        // how the tenant answers to what people do with tickets
	Link     *companyv1.Link // the stored answer for the customer; nil when there is none
	Now      time.Time
	Patience time.Duration // how long after a write of unknown outcome its trace may still be missing
	Woken    bool          // the run was asked to look again at what is parked
	Begun    Begun
	LookedAt time.Time // when this run looked for the ticket or note in vain, by the server's clock; zero: it has not looked

	Listed    bool                // the board's open tickets of others are on record; for a ticket that replaces another: ours are listed
	Candidate *ticketv1.Candidate // the newest of them that stands for the device and can be taken over; nil when there is none
	Earlier   *ticketv1.Ledger    // the device's incident before this one; nil when there is none on record
	GaveUp    *ticketv1.Ledger    // the last incident since that one that gave its ticket up and ended without another; nil for none
	Quota     Quota               // whether this hour's cap allows another create
	Group     Group               // the group's ticket, for incidents that belong to a group
	Shared    bool                // another incident that is not over stands in the same ticket
	Closer    Closer              // what other incidents that stood in the same ticket did to it
	Former    *ticketv1.Observed  // the ticket that a create is to replace, as it was seen a few seconds ago; nil when it was not
	Stray     *ticketv1.Observed  // a ticket that the incident had before the present one, and that was just seen to be open
	Current   int64               // for an incident that is over: the ticket of the device's one that is not; 0 for none
	Busy      bool                // requests wait for their turn at the tenant's server
	Crowded   bool                // enough of the tenant's creates wait for their turn there already
	Seen      bool                // the ticket's picture on record is at most a few seconds old
}

// Closer says whether a closed ticket was closed by people or for another incident.
type Closer uint8

// Who can have closed a ticket.
const (
	CloserPerson Closer = iota
	CloserOurs          // we closed it, when another incident that stood in it was over
	CloserUnsure        // another incident is about to close it, or has: it is not on record yet
)

// Quota is the answer to whether the tenant's cap allows another create.
type Quota struct {
	Asked   bool
	Granted bool
	Until   time.Time // when it may be granted; set when it was refused
}

// Group is what an incident's group has in ConnectWise.
type Group struct {
	Ticket int64 // 0 while there is none
	Over   bool  // there will be none to attach to: the group's incident has ended, or its ticket is closed
}

// Step is the one next thing to do: exactly one of the types below.
type Step interface{ step() }

// The steps. After Nothing, Park, Miss, AskCompany and HandOver a run ends; after any other it plans anew.
type (
	// Nothing is to be done.
	Nothing struct{}
	// Park puts a wait on record.
	Park struct {
		Reason ticketv1.ParkReason
		Detail string // for a person
		Until  time.Time
	}
	// Miss parks like Park, and puts on record when a look for the trace of an unsettled write was in vain.
	Miss struct {
		Park
		At time.Time // by the server's clock
	}
	// Unpark ends a wait that has nothing left to wait for.
	Unpark struct{}
	// Look reads the ticket, which has changed in a way that is not known.
	Look struct{}
	// Glance brings the ticket's picture up to date before it is written to, with one look for all of the tenant's tickets, or,
	// before it is opened again, by a look at the ticket itself.
	Glance struct{}
	// AskCompany asks for the customer's company and parks until the answer is due.
	AskCompany struct{ Until time.Time }
	// ListBoard puts the open tickets on record that others made for devices.
	ListBoard struct{}
	// ListOwn lists the device's open tickets of ours, before one is made that replaces another.
	ListOwn struct{}
	// Adopt takes over a ticket for the device that others made, or that no record is left of.
	Adopt struct{ Ticket int64 }
	// TakeUp makes the ticket of the device's earlier incident this one's.
	TakeUp struct{ Ticket int64 }
	// AskQuota asks whether the tenant's cap allows another create.
	AskQuota struct{}
	// BeginCreate puts on record that a create at this company is about to be sent.
	BeginCreate struct{ Company int64 }
	// LookBack reads the ticket that is to be replaced before another is made.
	LookBack struct{ Ticket int64 }
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
	// LeaveOpen ends an incident whose ticket is not ours to close.
	LeaveOpen struct{ Why string }
	// End ends an incident whose ticket people have closed or deleted before: nothing is written to it.
	End struct{ Why string }
	// Drop ends an incident that never got a ticket.
	Drop struct{}
	// Follow makes the ticket that the present one was merged into the incident's.
	Follow struct{ Ticket int64 }
	// HandOver puts on record that a person took the ticket. Zero Until: nothing is done before they give it back.
	HandOver struct {
		Why   string
		Until time.Time
	}
	// Resume takes a ticket back that people gave back by opening it again.
	Resume struct{}
	// BeginReopen puts on record that the ticket is being opened again.
	BeginReopen struct{}
	// Retake makes a ticket that the incident had before its ticket again.
	Retake struct{ Ticket int64 }
	// PointOut says in a ticket that people opened again which ticket is the present one. Zero Current: there is none, and
	// that it was opened is only recorded.
	PointOut struct{ Ticket, Current int64 }
	// Reopen sets the open status.
	Reopen struct{}
	// Renew gives the ticket up, so that the incident gets a new one.
	Renew struct{ Why string }
	// Yield parks a note or a create until its turn, so that others go first.
	Yield struct{}
	// Attach makes the ticket a child of the group's ticket.
	Attach struct{ Parent int64 }
	// MoveHome gives the ticket to the customer's own company, which was not known when it was made.
	MoveHome struct{ Company int64 }
	// StandAlone ends the wait for a group's ticket to attach to.
	StandAlone struct{}
)

func (Nothing) step()         {}
func (Park) step()            {}
func (Unpark) step()          {}
func (Look) step()            {}
func (Glance) step()          {}
func (AskCompany) step()      {}
func (ListBoard) step()       {}
func (ListOwn) step()         {}
func (Adopt) step()           {}
func (TakeUp) step()          {}
func (AskQuota) step()        {}
func (BeginCreate) step()     {}
func (LookBack) step()        {}
func (FindByReference) step() {}
func (Create) step()          {}
func (BeginNote) step()       {}
func (FindNote) step()        {}
func (Note) step()            {}
func (BeginClose) step()      {}
func (Close) step()           {}
func (LeaveOpen) step()       {}
func (End) step()             {}
func (Drop) step()            {}
func (Follow) step()          {}
func (HandOver) step()        {}
func (Resume) step()          {}
func (BeginReopen) step()     {}
func (Retake) step()          {}
func (PointOut) step()        {}
func (Reopen) step()          {}
func (Renew) step()           {}
func (Yield) step()           {}
func (Attach) step()          {}
func (MoveHome) step()        {}
func (StandAlone) step()      {}
