package app_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// lateIndex is a world whose lists show changes of tickets 20 s late, with the open ticket of device 7.
func lateIndex(t *testing.T, change func(*tenantv1.Tickets)) (*world, cwfake.Ticket) {
	t.Helper()
	w, ticket := failing(t, change)
	require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.ChangeLag = 20 * time.Second }))
	w.clock.Add(10 * time.Minute)
	w.drained()
	return w, ticket
}

// A close may cost two requests, so that the look before it is a list, and what the search index does not show yet is not seen.
// This is how long the window is, and what is lost in it.
func TestAClosingByHandThatTheSearchShowsLate(t *testing.T) {
	t.Parallel()
	t.Run("is met by our own in the time of the lag, which is told and not put on record as ours", func(t *testing.T) {
		t.Parallel()
		w, ticket := lateIndex(t, nothing)
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, "Resolved"))
		w.clock.Add(15 * time.Second)
		before := w.ledger("7").GetRequests()
		w.say("7", 2, resolved)
		w.until("over", w.inPhase("7", closed, 2))
		require.Equal(t, uint32(2), w.ledger("7").GetRequests()-before)
		require.Equal(t, []any{"Closed", "mreyes"}, []any{w.ticket(ticket.ID).Status, w.ticket(ticket.ID).ClosedBy})
		w.sees("7", "closed by mreyes, before Covewise did")
		require.Nil(t, w.ledger("7").GetOwnCloseAt(), "the closing is theirs")
	})
	t.Run("is left alone after it", func(t *testing.T) {
		t.Parallel()
		w, ticket := lateIndex(t, nothing)
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, "Resolved"))
		before := w.ticket(ticket.ID)
		w.clock.Add(20 * time.Second)
		w.say("7", 2, resolved)
		w.until("over", w.inPhase("7", closed, 1))
		require.Equal(t, before, w.ticket(ticket.ID))
	})
}

// Old pictures that come late must change nothing on record, and every incident end with its ticket.
func TestTicketsAreFollowedAlthoughTheSearchShowsChangesLate(t *testing.T) {
	t.Parallel()
	w, ticket := lateIndex(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
	require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
	w.passes("opened again", func() bool { return !w.ticket(ticket.ID).ClosedFlag && w.inPhase("7", open, 1)() })
	w.clock.Add(time.Second)
	w.say("7", 2, changed)
	w.until("annotated", w.inPhase("7", open, 2))
	w.clock.Add(time.Second)
	w.say("7", 3, resolved)
	w.until("closed", w.inPhase("7", closed, 3))
	w.looks(2 * time.Hour)
	require.True(t, w.ticket(ticket.ID).ClosedFlag)
	require.Len(t, w.cw.Tickets(), 1)
	require.Equal(t, map[string]int{"r1": 2, "r1 back 1": 1, "r2": 1, "r3": 1}, noted(w.onlyTicket("7"), "7"))
	w.wasTold("7", "created", "observed", "reopened", "annotated", "annotated", "closed")
}

// An opening is rare, so that the ticket itself is read before it: a status that a person gave it meanwhile stays.
func TestATicketIsReadBeforeItIsOpenedAgain(t *testing.T) {
	t.Parallel()
	reopens := func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN }
	t.Run("people have opened it, which the search does not show yet", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.settings(func(s *tenantv1.Settings) { reopens(s.Tickets) })
		var quick atomic.Bool
		w.start(watching, atStep("begin reopen: end", func() {
			quick.Store(true)
			require.NoError(t, w.cw.Person("mreyes").SetStatus(w.onlyTicket("7").ID, "In Progress"))
		}))
		w.say("7", 1, failed)
		w.until("created", w.inPhase("7", open, 1))
		require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.ChangeLag = 20 * time.Second }))
		w.clock.Add(time.Minute)
		ticket := w.onlyTicket("7").ID
		require.NoError(t, w.cw.Person("mreyes").Close(ticket, ""))
		w.passes("noted", func() bool { return quick.Load() && w.inPhase("7", open, 1)() })
		require.Equal(t, "In Progress", w.ticket(ticket).Status)
		require.NotContains(t, w.told("7"), "reopened")
	})
	t.Run("also where a list has just shown the closing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.settings(func(s *tenantv1.Settings) { reopens(s.Tickets) })
		w.start(atStep("begin reopen: end", func() {
			require.NoError(t, w.cw.Person("mreyes").SetStatus(w.onlyTicket("7").ID, "In Progress"))
		}))
		w.say("7", 1, failed)
		w.until("created", w.inPhase("7", open, 1))
		require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.ChangeLag = 20 * time.Second }))
		w.clock.Add(time.Minute)
		ticket := w.onlyTicket("7").ID
		require.NoError(t, w.cw.Person("mreyes").Close(ticket, ""))
		w.clock.Add(time.Minute)
		w.say("7", 2, changed)
		w.until("noted", w.inPhase("7", open, 2))
		require.Equal(t, "In Progress", w.ticket(ticket).Status)
	})
	t.Run("which costs two requests more", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, reopens)
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
		w.requests()
		before := w.ledger("7").GetRequests()
		w.passes("opened again", func() bool { return !w.ticket(ticket.ID).ClosedFlag && w.inPhase("7", open, 1)() })
		got := w.requests()
		delete(got, listTickets) // the tenant's looks, and the list of the device's own
		require.Equal(t, map[string]int{readTicket: 1, patchTicket: 1, postNote: 1}, got)
		require.Equal(t, uint32(4), w.ledger("7").GetRequests()-before)
	})
	t.Run("and one refusal to show it is no proof that it was deleted", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		var hidden atomic.Int32
		w.hiding(&hidden)
		w.settings(func(s *tenantv1.Settings) { reopens(s.Tickets) })
		w.start(watching, atStep("begin reopen: end", func() { hidden.Store(1) }))
		w.say("7", 1, failed)
		w.until("created", w.inPhase("7", open, 1))
		w.clock.Add(time.Minute)
		ticket := w.onlyTicket("7").ID
		require.NoError(t, w.cw.Person("mreyes").Close(ticket, ""))
		w.passes("opened again", func() bool { return !w.ticket(ticket).ClosedFlag && w.inPhase("7", open, 1)() })
		require.NotContains(t, w.observed("7"), "deleted")
	})
}
