package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// alerts lists what was told of the tenant's server as a whole.
func (w *world) alerts() []string {
	var all []string
	for _, e := range w.ticketEvents() {
		if e.GetDeviceId() == "tenant" {
			all = append(all, e.GetReason())
		}
	}
	return all
}

// An administrator, or a rule of the board, closes what we open. Nobody has decided to leave it closed.
func TestATicketThatComesBackClosedIsTroubleOfTheSettings(t *testing.T) {
	t.Parallel()
	for sentence, policy := range map[string]tenantv1.HandClose{
		"with onHandClose: new":    tenantv1.HandClose_HAND_CLOSE_NEW,
		"with onHandClose: reopen": tenantv1.HandClose_HAND_CLOSE_REOPEN,
		"and by default":           tenantv1.HandClose_HAND_CLOSE_UNSPECIFIED,
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = policy })
			w.start(watching)
			w.say("8", 1, failed)
			w.until("open", w.inPhase("8", open, 1))
			require.NoError(t, w.cw.Person("").SetStatusCloses("Service Desk", "New", true))
			w.requests()
			w.say("7", 1, failed)
			w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
			require.Contains(t, w.ledger("7").GetPark().GetDetail(), "hoose another status for tickets.newStatus")
			w.minutes(60)
			require.Len(t, w.tickets("7"), 1)
			count := w.requests()
			require.LessOrEqual(t, count[patchTicket], 1, "the names are looked up anew before anything is sent")
			require.Zero(t, count[postNote])
			require.NotContains(t, w.told("7"), "reopened")
			require.Len(t, w.alerts(), 1)

			require.NoError(t, w.cw.Person("").SetStatusCloses("Service Desk", "New", false))
			w.passes("opened", w.inPhase("7", open, 1))
			require.Equal(t, "New", w.onlyTicket("7").Status)
			require.False(t, w.onlyTicket("7").ClosedFlag)
			w.until("told", func() bool { return len(w.alerts()) == 2 })
		})
	}
	t.Run("also one that is to be opened again", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
		require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
		require.NoError(t, w.cw.Person("").SetStatusCloses("Service Desk", "New", true))
		w.requests()
		w.passes("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
		w.minutes(60)
		require.LessOrEqual(t, w.requests()[patchTicket], 1)
		require.NotContains(t, w.told("7"), "reopened")
		require.Len(t, w.alerts(), 1)
		require.NoError(t, w.cw.Person("").SetStatusCloses("Service Desk", "New", false))
		w.passes("opened", w.inPhase("7", open, 1))
		require.Contains(t, w.told("7"), "reopened")
	})
	t.Run("and needs nothing more when the device is well", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.start(watching)
		w.say("8", 1, failed)
		w.until("open", w.inPhase("8", open, 1))
		require.NoError(t, w.cw.Person("").SetStatusCloses("Service Desk", "New", true))
		w.say("7", 1, failed)
		w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
		w.say("7", 2, resolved)
		w.passes("over", func() bool { return w.ledger("7").GetPhase() == closed })
		require.Len(t, w.tickets("7"), 1)
	})
}

func TestAPersonsTicketThatItsOwnerClosesIsNotOpenedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sentence string
		change   func(*tenantv1.Tickets)
	}{
		{"the device gets one of its own at once", func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN }},
		{"the device gets one of its own when the closing was respected", func(s *tenantv1.Tickets) { s.ReopenWithin = durationpb.New(24 * time.Hour) }},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			t.Parallel()
			w, ticket := failing(t, c.change)
			target, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "Office move", CompanyIdentifier: "acme"})
			require.NoError(t, err)
			require.NoError(t, w.cw.Person("").Merge(ticket.ID, target, ""))
			w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(target) })
			require.NoError(t, w.cw.Person("").Close(target, ""))
			w.clock.Add(time.Hour)
			w.drained()
			w.clock.Add(24 * time.Hour)
			w.passes("its own ticket", func() bool { return w.ledger("7").GetTicketId() > int64(target) && w.inPhase("7", open, 1)() })
			require.True(t, w.ticket(target).ClosedFlag)
			require.Len(t, w.cw.OpenTickets(), 1)
		})
	}
}

func TestANewOutageIsNotSilencedByTheClosingOfAnother(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_WONT_FIX })
	require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
	w.passes("left to people", func() bool { return w.ledger("7").GetPhase() == handedOver })
	w.say("7", 2, changed)
	w.drained()
	require.Equal(t, handedOver, w.ledger("7").GetPhase(), "the same source has another error")
	e := w.incident("7", 3, changed)
	e.Conditions[0].Findings[0].SourceCode, e.Conditions[0].Findings[0].SourceName = "D02", "System State"
	w.deliver(e, "")
	w.until("a ticket for it", func() bool { return len(w.cw.OpenTickets()) == 1 && w.inPhase("7", open, 3)() })
	require.True(t, w.ticket(ticket.ID).ClosedFlag)
}

// Ours was merged into a failing device's, and stays open until that one has recovered, too.
func TestATicketThatWasOpenAllTheTimeIsNotSaidToHaveBeenOpenedAgain(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, func(s *tenantv1.Tickets) { s.ReopenWithin = durationpb.New(24 * time.Hour) })
	w.say("8", 1, failed)
	w.until("created", w.inPhase("8", open, 1))
	target := w.onlyTicket("8").ID
	require.NoError(t, w.cw.Person("").Merge(ticket.ID, target, ""))
	w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(target) })
	w.say("7", 2, resolved)
	w.until("over", w.inPhase("7", closed, 2))
	e := w.incident("7", 1, failed)
	e.IncidentId = "7-2"
	w.deliver(e, "")
	w.until("taken up", func() bool {
		notes := w.ticket(target).Notes
		return len(notes) > 0 && containsNote(notes, "This ticket is open, and the device is in trouble again")
	})
	require.False(t, containsNote(w.ticket(target).Notes, "opened this ticket again"))
}

func containsNote(notes []cwfake.Note, part string) bool {
	return slices.ContainsFunc(notes, func(n cwfake.Note) bool { return strings.Contains(n.Text, part) })
}
