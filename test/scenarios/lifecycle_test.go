package scenarios_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/test/harness"
)

// A server's file backup fails, then its system state fails too, then both work again: one ticket at the right company,
// exactly one note about what got worse, and a closed ticket that says why.
func TestATroubleIsOneTicketFromItsBeginningToItsEnd(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001, 1002), harness.Companies(), nil)
		h.WaitCalm()
		require.Empty(t, tn.PSA.Tickets(), "a healthy fleet needs no ticket")
		require.Zero(t, tn.PSA.Writes())

		tn.Fail(1001, harness.Denied)
		h.WaitCalm()
		ticket := tn.Ticket()
		require.Equal(t, []string{harness.Board, harness.NewStatus, harness.PriorityServer, "NorthgateDental"},
			[]string{ticket.Board, ticket.Status, ticket.Priority, ticket.CompanyIdentifier})
		require.Equal(t, "[CW-1001-1] Cove SVR SRV-1001 - Failed: Files and Folders", ticket.Summary)
		require.Len(t, ticket.Notes, 2, "the description and the internal analysis")
		description := noteWith(t, ticket, func(n cwfake.Note) bool { return n.Discussion })
		for _, says := range []string{"SRV-1001", "Files and Folders", "Access denied", `E:\Shares\Payroll\2026.xlsx`, harness.CustomerName} {
			require.Contains(t, description.Text, says)
		}
		require.NotContains(t, description.Text, "backup.management", "the customer may read it and must not get the console's address")

		tn.Fail(1001, harness.NoShadow)
		h.WaitCalm()
		tn.CompleteSweep() // a sweep in which nothing is new says nothing
		h.WaitCalm()
		worse := tn.Ticket()
		require.Equal(t, ticket.ID, worse.ID)
		require.Len(t, worse.Notes, 3, "exactly one note about the change")
		added := worse.Notes[2]
		require.True(t, added.Internal)
		require.False(t, added.Discussion)
		require.Contains(t, added.Text, "System State")
		require.Contains(t, added.Text, "The shadow copy provider had an error")
		require.False(t, worse.ClosedFlag)

		tn.Recover(1001)
		h.WaitCalm()
		tn.CompleteSweep()
		h.WaitCalm()
		closed := tn.Ticket()
		require.Equal(t, ticket.ID, closed.ID)
		require.Equal(t, harness.ClosedStatus, closed.Status)
		require.Len(t, closed.Notes, 4, "one note that says why it is closed")
		require.Contains(t, closed.Notes[3].Text, "works again")
		require.Equal(t, map[string]int{"POST /service/tickets": 1, "POST /service/tickets/{parentId}/notes": 2, "PATCH /service/tickets/{id}": 1}, writes(tn))

		tn.Fail(1001, harness.Denied)
		h.WaitCalm()
		again := tn.Ticket()
		require.Equal(t, ticket.ID, again.ID, "who fails again within a day gets the last ticket back")
		require.False(t, again.ClosedFlag)
		require.Contains(t, again.Notes[4].Text, "opened this ticket again")

		tn.Change(harness.TicketPerTrouble)
		tn.Recover(1001)
		h.WaitCalm()
		tn.Fail(1001, harness.Denied)
		h.WaitCalm()
		require.Len(t, tn.PSA.Tickets(), 2, "where that is switched off, another trouble is another ticket")
		require.Len(t, tn.PSA.OpenTickets(), 1)
	})
}

func noteWith(t *testing.T, ticket cwfake.Ticket, wanted func(cwfake.Note) bool) cwfake.Note {
	t.Helper()
	for _, n := range ticket.Notes {
		if wanted(n) {
			return n
		}
	}
	t.Fatalf("ticket %d has no such note", ticket.ID)
	return cwfake.Note{}
}

// writes are the counts of the requests that change something.
func writes(tn *harness.Tenant) map[string]int {
	counts := map[string]int{}
	for request, n := range tn.PSA.Counts() {
		if !strings.HasPrefix(request, "GET ") {
			counts[request] = n
		}
	}
	return counts
}
