package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// watching lets a ticketer look at tickets every five minutes.
func watching(o *app.Options) { o.ObserveEvery = 5 * time.Minute }

// failing is a world with a ticketer that looks at tickets, and the open ticket of device 7.
func failing(t *testing.T, change func(*tenantv1.Tickets)) (*world, cwfake.Ticket) {
	t.Helper()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) { change(s.Tickets) })
	w.start(watching)
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.clock.Add(time.Minute)
	return w, w.onlyTicket("7")
}

func nothing(*tenantv1.Tickets) {}

// passes lets time go on in steps shorter than a look until ok holds.
func (w *world) passes(what string, ok func() bool) {
	w.t.Helper()
	w.until(what, func() bool {
		if ok() {
			return true
		}
		w.pass(30 * time.Second)
		return false
	})
}

// lastObserved is the reason of the last observation told of a device.
func (w *world) lastObserved(device string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	reason := ""
	for _, e := range w.events {
		if e.GetDeviceId() == device && e.GetAction() == ticketv1.Action_ACTION_OBSERVED {
			reason = e.GetReason()
		}
	}
	return reason
}

func (w *world) sees(device, part string) {
	w.t.Helper()
	w.passes("observed: "+part, func() bool { return strings.Contains(w.lastObserved(device), part) })
}

// ticket is one ticket of the server.
func (w *world) ticket(id int) cwfake.Ticket {
	w.t.Helper()
	got, there := w.cw.Ticket(id)
	require.True(w.t, there)
	return got
}

func TestATicketClosedWhileTheDeviceFails(t *testing.T) {
	t.Parallel()
	type tickets = tenantv1.Tickets
	t.Run("is opened again where the policy says so, with a note that says why", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, func(s *tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
		require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
		w.passes("reopened", func() bool { return !w.ticket(ticket.ID).ClosedFlag })
		w.until("noted", w.inPhase("7", open, 1))
		require.Equal(t, map[string]int{"r1": 2, "r1 back 1": 1}, noted(w.onlyTicket("7"), "7"))
		w.wasTold("7", "created", "observed", "reopened", "annotated")
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		require.True(t, w.onlyTicket("7").ClosedFlag)
	})
	t.Run("gets a successor where the policy says so", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, func(s *tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW })
		require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
		w.passes("new ticket", func() bool { return len(w.cw.OpenTickets()) == 1 && w.inPhase("7", open, 1)() })
		next := w.cw.OpenTickets()[0]
		require.Equal(t, ticket.ExternalXRef+":2", next.ExternalXRef)
		require.Equal(t, []int64{int64(ticket.ID)}, w.ledger("7").GetFormerTicketIds())
		require.Equal(t, map[string]int{"r1": 2}, noted(w.ticket(ticket.ID), "7"), "nothing was written to the closed one")
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		require.Empty(t, w.cw.OpenTickets())
		w.wasTold("7", "created", "observed", "created", "closed")
	})
	t.Run("is respected for a day by default, then replaced if nothing is ever opened again", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
		by := w.clock.Now()
		w.passes("handed over", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RESPECTED))
		w.say("7", 2, changed)
		w.drained()
		w.clock.Add(23 * time.Hour)
		w.drained()
		require.Equal(t, handedOver, w.ledger("7").GetPhase())
		require.Equal(t, map[string]int{"r1": 2}, noted(w.ticket(ticket.ID), "7"), "no note hides in a closed ticket")
		w.passes("new ticket", func() bool { return len(w.cw.OpenTickets()) == 1 && w.inPhase("7", open, 2)() })
		require.GreaterOrEqual(t, w.clock.Now().Sub(by), 24*time.Hour)
		require.NotEqual(t, ticket.ID, w.cw.OpenTickets()[0].ID)
	})
	t.Run("is respected, then opened again where tickets are opened again within that time", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, func(s *tickets) {
			s.RespectFor, s.ReopenWithin = durationpb.New(time.Hour), durationpb.New(24*time.Hour)
		})
		require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
		w.passes("handed over", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RESPECTED))
		w.passes("reopened", func() bool { return !w.ticket(ticket.ID).ClosedFlag && w.inPhase("7", open, 1)() })
		require.Len(t, w.cw.Tickets(), 1)
	})
	t.Run("stays closed where nobody will fix it, until the device has recovered", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, func(s *tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_WONT_FIX })
		require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
		w.passes("handed over", func() bool { return w.ledger("7").GetPhase() == handedOver })
		w.clock.Add(100 * 24 * time.Hour)
		w.say("7", 2, changed)
		w.drained()
		w.requests()
		w.say("7", 3, resolved)
		w.until("over", w.inPhase("7", closed, 1))
		require.Len(t, w.cw.Tickets(), 1)
		for _, route := range []string{postNote, patchTicket, postTicket} {
			require.Zero(t, w.requests()[route])
		}
	})
	t.Run("is left alone when the device recovers before it is answered", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
		w.passes("handed over", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RESPECTED))
		before := w.ticket(ticket.ID)
		w.say("7", 2, resolved)
		w.until("over", w.inPhase("7", closed, 1))
		require.Equal(t, before, w.ticket(ticket.ID))
		w.wasTold("7", "created", "observed", "parked", "closed")
	})
	t.Run("and opened again by a person is ours again", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
		w.passes("handed over", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RESPECTED))
		w.say("7", 2, changed)
		w.drained()
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("").Reopen(ticket.ID, ""))
		w.passes("resumed", w.inPhase("7", open, 2))
		require.Equal(t, map[string]int{"r1": 2, "r2": 1}, noted(w.onlyTicket("7"), "7"))
	})
}

func TestATicketThatPeopleDeletedIsMissedByTheCensus(t *testing.T) {
	t.Parallel()
	t.Run("and left so by default", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		require.NoError(t, w.cw.Person("").Delete(ticket.ID))
		w.passes("handed over", func() bool { return w.ledger("7").GetPhase() == handedOver })
		w.clock.Add(48 * time.Hour)
		w.drained()
		require.Empty(t, w.cw.Tickets())
	})
	t.Run("and replaced where the policy says so", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnDeleted = tenantv1.Deleted_DELETED_NEW })
		require.NoError(t, w.cw.Person("").Delete(ticket.ID))
		w.passes("new ticket", func() bool { return len(w.cw.OpenTickets()) == 1 && w.inPhase("7", open, 1)() })
	})
}

func TestWhatPeopleChangeIsToldAndLeftAlone(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, nothing)
	person := w.cw.Person("tokafor")
	require.NoError(t, person.Edit(ticket.ID, cwfake.Edit{Summary: "ask Bob first", Priority: "Priority 4 - Low", Owner: "tokafor", Company: "HarborIT"}))
	w.sees("7", fmt.Sprintf("summary changed from %q to %q by tokafor", ticket.Summary, "ask Bob first"))
	require.Contains(t, w.lastObserved("7"), `company changed from "Acme" to "Harbor IT" by tokafor; priority changed from "Priority 1 - Critical" to "Priority 4 - Low"`)
	require.Equal(t, int64(2), w.ledger("7").GetCompanyId())

	require.NoError(t, person.Move(ticket.ID, "NOC", "Working"))
	w.sees("7", `moved from board "Service Desk" to "NOC"`)
	require.NoError(t, person.AddNote(ticket.ID, "it is the disk", true))
	w.sees("7", "the customer wrote a note")
	parent, err := person.CreateTicket(cwfake.NewTicket{Summary: "all of it", CompanyIdentifier: "acme"})
	require.NoError(t, err)
	require.NoError(t, person.AttachChild(parent, ticket.ID))
	w.sees("7", "made a child of ticket")

	w.clock.Add(time.Minute)
	w.say("7", 2, changed)
	w.until("annotated", w.inPhase("7", open, 2))
	w.requests()
	w.say("7", 3, resolved)
	w.until("closed", w.inPhase("7", closed, 3))
	count := w.requests()
	require.Equal(t, map[string]int{postNote: 1, patchTicket: 1}, map[string]int{postNote: count[postNote], patchTicket: count[patchTicket]})
	after := w.onlyTicket("7")
	require.Equal(t, []string{"ask Bob first", "Priority 4 - Low", "tokafor", "HarborIT", "NOC", "Completed"},
		[]string{after.Summary, after.Priority, after.Owner, after.CompanyIdentifier, after.Board, after.Status}, "closed with its new board's status; nothing else is ours to change")
	require.Equal(t, parent, after.ParentID)
}

func TestATicketMovedAMomentAgoIsClosedOnItsNewBoard(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, nothing)
	require.NoError(t, w.cw.Person("").Move(ticket.ID, "NOC", ""))
	w.say("7", 2, resolved)
	w.until("closed", w.inPhase("7", closed, 2))
	require.Equal(t, []string{"NOC", "Completed"}, []string{w.onlyTicket("7").Board, w.onlyTicket("7").Status})
}

func TestAMergedTicketIsFollowed(t *testing.T) {
	t.Parallel()
	t.Run("into a person's ticket, which is told the end and left open", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		target, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "Site is down", CompanyIdentifier: "acme"})
		require.NoError(t, err)
		require.NoError(t, w.cw.Person("").Merge(ticket.ID, target, ""))
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(target) })
		w.say("7", 2, changed)
		w.until("annotated", w.inPhase("7", open, 2))
		w.say("7", 3, resolved)
		w.until("over", w.inPhase("7", closed, 3))
		require.False(t, w.ticket(target).ClosedFlag)
		require.Equal(t, 1, noted(w.ticket(target), "7")["r2"])
		require.Equal(t, 1, noted(w.ticket(target), "7")["r3"])
		w.wasTold("7", "created", "observed", "adopted", "annotated", "closed")
	})
	t.Run("also when a note to it is refused before anybody has seen the merge", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		target, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "Site is down", CompanyIdentifier: "acme"})
		require.NoError(t, err)
		require.NoError(t, w.cw.Person("").Merge(ticket.ID, target, ""))
		w.say("7", 2, changed)
		w.until("annotated there", w.inPhase("7", open, 2))
		require.Equal(t, 1, noted(w.ticket(target), "7")["r2"])
		require.Zero(t, noted(w.ticket(ticket.ID), "7")["r2"])
	})
	t.Run("and what is done to the target is seen there", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
		target, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "Site is down", CompanyIdentifier: "acme"})
		require.NoError(t, err)
		require.NoError(t, w.cw.Person("").Merge(ticket.ID, target, ""))
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(target) })
		require.NoError(t, w.cw.Person("").Close(target, ""))
		w.passes("a ticket of its own", func() bool { return w.ledger("7").GetTicketId() > int64(target) && w.inPhase("7", open, 1)() })
		require.True(t, w.ticket(target).ClosedFlag, "its owner is done with it")
	})
	t.Run("into another device's ticket, which closes when both have recovered", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		w.say("8", 1, failed)
		w.until("created", w.inPhase("8", open, 1))
		target := w.onlyTicket("8").ID
		require.NoError(t, w.cw.Person("").Merge(ticket.ID, target, ""))
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(target) })
		w.passes("the target is seen", func() bool { return w.ledger("8").GetObserved().GetHasMerged() })
		w.say("8", 2, resolved)
		w.until("over", w.inPhase("8", closed, 2))
		require.False(t, w.ticket(target).ClosedFlag, "device 7 still fails")
		w.say("7", 2, resolved)
		w.until("over", w.inPhase("7", closed, 2))
		require.True(t, w.ticket(target).ClosedFlag)
		require.Len(t, w.cw.Tickets(), 2)
	})
}

func TestAReopenedTicketOfAHealthyDeviceIsLeftToPeople(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, nothing)
	w.say("7", 2, resolved)
	w.until("closed", w.inPhase("7", closed, 2))
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("").Reopen(ticket.ID, ""))
	w.sees("7", "opened again")
	w.drained()
	require.False(t, w.ticket(ticket.ID).ClosedFlag)
}

func TestADeviceThatFailsAgainSoonGetsItsTicketBack(t *testing.T) {
	t.Parallel()
	again := func(w *world, revision uint32) {
		e := w.incident("7", revision, failed)
		e.IncidentId = "7-2"
		w.deliver(e, "")
	}
	second := func(w *world) *ticketv1.Ledger {
		l, _, err := w.ledgers.Get(w.t.Context(), "harbor.7.7-2")
		require.NoError(w.t, err)
		return l
	}
	within := func(s *tenantv1.Tickets) { s.ReopenWithin = durationpb.New(24 * time.Hour) }
	t.Run("within the time that the policy says", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, within)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		w.clock.Add(23 * time.Hour)
		again(w, 1)
		w.until("reopened", func() bool {
			return second(w).GetPhase() == open && second(w).GetShown().GetRevision() == 1 && second(w).GetPark() == nil
		})
		require.Equal(t, int64(ticket.ID), second(w).GetTicketId())
		require.Len(t, w.cw.OpenTickets(), 1)
		require.Len(t, w.cw.Tickets(), 1)
	})
	t.Run("a new one after that time", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, within)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		w.clock.Add(24 * time.Hour)
		again(w, 1)
		w.until("created", func() bool { return second(w).GetPhase() == open })
		require.NotEqual(t, int64(ticket.ID), second(w).GetTicketId())
	})
	t.Run("when a person has opened it again meanwhile, whatever the policy", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("").Reopen(ticket.ID, ""))
		w.sees("7", "opened again")
		again(w, 1)
		w.until("taken up", func() bool {
			return second(w).GetPhase() == open && second(w).GetShown().GetRevision() == 1 && second(w).GetPark() == nil
		})
		require.Equal(t, int64(ticket.ID), second(w).GetTicketId())
		require.Len(t, w.cw.Tickets(), 1)
	})
	t.Run("a new one where tickets are never opened again", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		again(w, 1)
		w.until("created", func() bool { return second(w).GetPhase() == open })
		require.NotEqual(t, int64(ticket.ID), second(w).GetTicketId())
	})
}
