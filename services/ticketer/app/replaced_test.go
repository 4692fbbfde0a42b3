package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// reasons are why things were done with a device's tickets, of one kind.
func (w *world) reasons(device string, action ticketv1.Action) []string {
	w.t.Helper()
	var all []string
	for _, e := range w.ticketEvents() {
		if e.GetDeviceId() == device && e.GetAction() == action {
			all = append(all, e.GetReason())
		}
	}
	return all
}

// says reports whether a note of a ticket, internal or not, has that text in it.
func says(t cwfake.Ticket, internal bool, part string) bool {
	for _, n := range t.Notes {
		if n.Internal == internal && strings.Contains(n.Text, part) {
			return true
		}
	}
	return false
}

// lookedAt reports whether the tenant's tickets were looked at since one of them changed then.
func (w *world) lookedAt(changed time.Time) func() bool {
	w.t.Helper()
	desks, err := bus.OpenStore[*ticketv1.Desk](w.t.Context(), w.bus, bus.TicketDesk)
	require.NoError(w.t, err)
	return func() bool {
		d, _, err := desks.Get(w.t.Context(), bus.Key("harbor"))
		require.NoError(w.t, err)
		return d.GetCursor().GetSeconds() >= changed.Unix()
	}
}

// longClosed is a ticket of people's that mreyes closed a month before now.
func longClosed(t *testing.T, w *world) int {
	t.Helper()
	id, err := w.cw.Person("mreyes").CreateTicket(cwfake.NewTicket{Summary: "Server replaced", CompanyIdentifier: "acme"})
	require.NoError(t, err)
	require.NoError(t, w.cw.Person("mreyes").Close(id, ""))
	w.clock.Add(30 * 24 * time.Hour)
	return id
}

func TestWhoMergesOurTicketIntoAClosedOneHasClosedIt(t *testing.T) {
	t.Parallel()
	t.Run("a person's: that is respected from then on, and the replacement says why it is there", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		theirs := longClosed(t, w)
		w.start(watching)
		w.say("7", 1, failed)
		w.until("created", w.inPhase("7", open, 1))
		w.clock.Add(time.Minute)
		mine := w.onlyTicket("7").ID
		at := w.clock.Now()
		require.NoError(t, w.cw.Person("tokafor").Merge(mine, theirs, ""))
		w.passes("handed over", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RESPECTED))
		require.Equal(t, at.Add(24*time.Hour), w.ledger("7").GetPark().GetUntil().AsTime())
		require.Contains(t, w.reasons("7", ticketv1.Action_ACTION_ADOPTED)[0], "which was closed already; that counts as closing it")
		require.Contains(t, w.reasons("7", ticketv1.Action_ACTION_PARKED)[0], "respected: the incident's ticket was merged into ticket")
		w.looks(23 * time.Hour)
		require.Empty(t, w.cw.OpenTickets())
		w.passes("new ticket", func() bool { return len(w.cw.OpenTickets()) == 1 && w.inPhase("7", open, 1)() })
		require.GreaterOrEqual(t, w.clock.Now().Sub(at), 24*time.Hour)
		next := w.cw.OpenTickets()[0]
		require.True(t, says(next, true, "which was merged by tokafor on "))
		require.False(t, says(next, false, "tokafor"))
		require.True(t, w.ticket(theirs).ClosedFlag)
	})
	t.Run("one that we had closed for an earlier incident stays closed for that time, too", func(t *testing.T) {
		t.Parallel()
		w, old := failing(t, nothing)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		w.clock.Add(48 * time.Hour)
		e := w.incident("7", 1, failed)
		e.IncidentId = "7-2"
		w.deliver(e, "")
		w.passes("created", func() bool { return len(w.cw.OpenTickets()) == 1 })
		w.drained()
		require.NoError(t, w.cw.Person("mreyes").Merge(w.cw.OpenTickets()[0].ID, old.ID, ""))
		w.looks(23 * time.Hour)
		require.Empty(t, w.cw.OpenTickets())
		w.looks(2 * time.Hour)
		require.Len(t, w.cw.OpenTickets(), 1)
		require.Len(t, w.cw.Tickets(), 3)
	})
	t.Run("and is opened again where the policy says so, with a note that names the merge", func(t *testing.T) {
		t.Parallel()
		w, old := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		w.clock.Add(48 * time.Hour)
		e := w.incident("7", 1, failed)
		e.IncidentId = "7-2"
		w.deliver(e, "")
		w.passes("created", func() bool { return len(w.cw.OpenTickets()) == 1 })
		w.drained()
		require.NoError(t, w.cw.Person("mreyes").Merge(w.cw.OpenTickets()[0].ID, old.ID, ""))
		w.passes("opened again", func() bool { return !w.ticket(old.ID).ClosedFlag && len(w.ticket(old.ID).Notes) > 3 })
		last := w.ticket(old.ID).Notes[len(w.ticket(old.ID).Notes)-1].Text
		require.Contains(t, last, "mreyes merged ticket ")
		require.Contains(t, last, "into this one, which was closed already.")
		require.Contains(t, w.reasons("7", ticketv1.Action_ACTION_REOPENED)[0], "mreyes merged ticket ")
	})
}

func TestATicketThatPeopleOpenAgainWhileItsReplacementWaitsIsTheIncidentsAgain(t *testing.T) {
	t.Parallel()
	replace := func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW }
	waits := func(w *world) {
		w.passes("renewed", func() bool { l := w.ledger("7"); return l.GetRenewals() == 1 && l.GetPark() != nil })
	}
	followed := func(t *testing.T, w *world, ticket int) {
		t.Helper()
		w.passes("followed again", func() bool { return w.ledger("7").GetTicketId() == int64(ticket) && w.inPhase("7", open, 1)() })
		require.Equal(t, 1, noted(w.ticket(ticket), "7")["r1 back 1"], "a note says so")
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		require.Empty(t, w.cw.OpenTickets())
		require.Len(t, w.cw.Tickets(), 1)
	}
	t.Run("while the customer has no company, as soon as that is seen", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, replace)
		w.unlink()
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
		waits(w)
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("mreyes").Reopen(ticket.ID, ""))
		followed(t, w, ticket.ID)
		require.Equal(t, []string{"people opened it again before a ticket was made in place of it"}, w.reasons("7", ticketv1.Action_ACTION_ADOPTED))
	})
	t.Run("while ConnectWise takes no creates", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, replace)
		w.fault(cwfake.Fault{Match: postTicket, Kind: cwfake.FaultErrorBefore, Status: 503})
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
		waits(w)
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("mreyes").Reopen(ticket.ID, ""))
		w.passes("followed again", func() bool { return w.ledger("7").GetTicketId() == int64(ticket.ID) && w.inPhase("7", open, 1)() })
		w.cw.ClearFaults()
		followed(t, w, ticket.ID)
	})
	t.Run("in the moments before it is tried again, which no look shows", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, replace)
		w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultErrorBefore, Status: 503})
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
		waits(w)
		require.NoError(t, w.cw.Person("mreyes").Reopen(ticket.ID, ""))
		followed(t, w, ticket.ID)
	})
	t.Run("or merge into another, which is followed", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, replace)
		theirs, err := w.cw.Person("mreyes").CreateTicket(cwfake.NewTicket{Summary: "Disk of SRV-7", CompanyIdentifier: "acme"})
		require.NoError(t, err)
		w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultErrorBefore, Status: 503})
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
		waits(w)
		require.NoError(t, w.cw.Person("mreyes").Merge(ticket.ID, theirs, ""))
		w.passes("followed there", func() bool { return w.ledger("7").GetTicketId() == int64(theirs) })
		w.looks(time.Hour)
		require.Len(t, w.cw.Tickets(), 2)
		require.True(t, says(w.ticket(theirs), true, fmt.Sprintf("People merged ticket %d into this one, and the device is in trouble: Covewise follows it here.", ticket.ID)))
		require.False(t, says(w.ticket(theirs), true, "opened this ticket again"), "it was never closed")
	})
	for name, missed := range map[string]bool{
		"or merge into another while the customer has no company, as soon as that is seen": false,
		"... by the comparison of all tickets, when it could not be read as it was seen":   true,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ticket := failing(t, replace)
			theirs, err := w.cw.Person("mreyes").CreateTicket(cwfake.NewTicket{Summary: "Disk of SRV-7", CompanyIdentifier: "acme"})
			require.NoError(t, err)
			w.unlink()
			require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
			waits(w)
			w.clock.Add(time.Minute)
			if missed {
				w.fault(cwfake.Fault{Match: readTicket, Kind: cwfake.FaultErrorBefore, Status: 403})
			}
			require.NoError(t, w.cw.Person("mreyes").Merge(ticket.ID, theirs, ""))
			if missed {
				w.passes("seen", w.lookedAt(w.clock.Now()))
				w.drained()
				w.clock.Add(5 * time.Minute)
				w.person("COVE SVR SRV-9 #9 - Failed", "")
				w.passes("looks begin behind it", w.lookedAt(w.clock.Now()))
				w.drained()
				w.cw.ClearFaults()
				require.Zero(t, w.ledger("7").GetTicketId())
			}
			w.passes("followed there", func() bool { return w.ledger("7").GetTicketId() == int64(theirs) && w.inPhase("7", open, 1)() })
			w.drained()
			require.Equal(t, []string{
				fmt.Sprintf("people merged it into ticket %d before a ticket was made in place of it", theirs), fmt.Sprintf("ticket %d was merged into it", ticket.ID),
			}, w.reasons("7", ticketv1.Action_ACTION_ADOPTED))
			require.True(t, says(w.ticket(theirs), true, fmt.Sprintf("People merged ticket %d into this one", ticket.ID)))
			w.say("7", 2, resolved)
			w.until("told the end", w.inPhase("7", closed, 2))
			require.Equal(t, 1, noted(w.ticket(theirs), "7")["r2"])
			require.False(t, w.ticket(theirs).ClosedFlag, "it is theirs")
		})
	}
	t.Run("is told when the device has recovered before", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, replace)
		w.unlink()
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
		waits(w)
		w.say("7", 2, resolved)
		w.until("dropped", func() bool { return w.ledger("7").GetPhase() == ticketv1.Phase_PHASE_DROPPED })
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("mreyes").Reopen(ticket.ID, ""))
		w.sees("7", "It is over, and the ticket is left to them.")
		require.False(t, w.ticket(ticket.ID).ClosedFlag)
	})
}

func TestATicketClosedAnewBetweenTwoLooksIsRespectedFromThenOn(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, nothing)
	require.NoError(t, w.cw.Person("tokafor").Close(ticket.ID, ""))
	w.passes("handed over", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RESPECTED))
	w.looks(20 * time.Hour)
	require.NoError(t, w.cw.Person("mreyes").Reopen(ticket.ID, ""))
	w.clock.Add(time.Second)
	at := w.clock.Now()
	require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, "Resolved"))
	w.sees("7", `opened again and closed again with status "Resolved" by mreyes`)
	w.drained()
	require.Equal(t, at.Add(24*time.Hour).Unix(), w.ledger("7").GetPark().GetUntil().GetSeconds())
	w.looks(6 * time.Hour)
	require.Empty(t, w.cw.OpenTickets())
}

func TestATicketThatReplacesAnotherSaysWhichAndWhy(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, func(s *tenantv1.Tickets) { s.RespectFor = durationpb.New(time.Hour) })
	require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
	w.passes("handed over", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RESPECTED))
	w.wasTold("7", "created", "observed", "parked")
	w.clock.Add(50 * time.Minute)
	w.drained()
	w.requests()
	w.passes("new ticket", func() bool { return len(w.cw.OpenTickets()) == 1 && w.inPhase("7", open, 1)() })
	require.LessOrEqual(t, w.requests()[readTicket], 1, "a look of the watcher at the same moment may cost one read; more is never needed")
	next := w.cw.OpenTickets()[0]
	require.True(t, says(next, false, "This ticket replaces ticket "))
	require.False(t, says(next, false, "mreyes"), "customers read it")
	require.True(t, says(next, true, "which was closed by mreyes on 2026-11-20 "))
	require.True(t, says(next, true, "Why there is another: the ticket was closed, and the device still fails after the time that this is respected"))
	require.Equal(t, map[string]int{"r1": 2}, noted(next, "7"))
	reasons := w.reasons("7", ticketv1.Action_ACTION_CREATED)
	require.Contains(t, reasons[1], "in place of ticket ")
	require.Contains(t, reasons[1], "closed by mreyes: the ticket was closed, and the device still fails")
}

func TestATicketIsFollowedWhereItWasMergedWhateverPeopleMadeOfItsReference(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, replacing)
	w.unlink()
	theirs, err := w.cw.Person("mreyes").CreateTicket(cwfake.NewTicket{Summary: "Disk of SRV-7", CompanyIdentifier: "acme"})
	require.NoError(t, err)
	require.NoError(t, w.cw.Person("mreyes").Edit(ticket.ID, cwfake.Edit{ExternalXRef: "PO-4711"}))
	require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
	w.passes("renewed", func() bool { l := w.ledger("7"); return l.GetRenewals() == 1 && l.GetPark() != nil })
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("mreyes").Merge(ticket.ID, theirs, ""))
	w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(theirs) })
}
