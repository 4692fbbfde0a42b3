package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// A ticketer that stands still between its decision and its request sends the request long after another has gone on. Opened
// under our own name, a ticket whose incident is over is nobody's wish.
func TestATicketThatALateRequestOfOursOpensAfterTheEndIsClosedAgain(t *testing.T) {
	t.Parallel()
	over := func(t *testing.T, change func(*tenantv1.Tickets)) (*world, int) {
		t.Helper()
		w, ticket := failing(t, change)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		w.clock.Add(time.Minute)
		return w, ticket.ID
	}
	closings := func(w *world) (again int) {
		for _, reason := range w.reasons("7", ticketv1.Action_ACTION_CLOSED) {
			if strings.Contains(reason, "a request of Covewise that came late") {
				again++
			}
		}
		return again
	}
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		w, id := over(t, nothing)
		require.NoError(t, w.cw.Person(cwfake.DefaultMember).Reopen(id, ""))
		w.passes("closed again", func() bool { return w.ticket(id).ClosedFlag && closings(w) == 1 })
		w.looks(time.Hour)
		require.Equal(t, 1, closings(w))
		require.Empty(t, w.cw.OpenTickets())
	})
	t.Run("not when people opened it", func(t *testing.T) {
		t.Parallel()
		w, id := over(t, nothing)
		require.NoError(t, w.cw.Person("").Reopen(id, ""))
		w.sees("7", "opened again")
		w.looks(time.Hour)
		require.Zero(t, closings(w))
		require.Len(t, w.cw.OpenTickets(), 1)
	})
	t.Run("not when the device's next incident has it", func(t *testing.T) {
		t.Parallel()
		w, id := over(t, func(s *tenantv1.Tickets) { s.ReopenWithin = durationpb.New(24 * time.Hour) })
		e := w.incident("7", 1, failed)
		e.IncidentId = "7-2"
		w.deliver(e, "")
		w.until("opened again", func() bool { return !w.ticket(id).ClosedFlag })
		w.looks(time.Hour)
		require.Zero(t, closings(w))
		require.Len(t, w.cw.OpenTickets(), 1)
	})
}
