package app_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock/clocktest"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

const readTicket = "GET /service/tickets/{id}"

// Our clock may be set forward while the search lags: only the server's tells how long its index has had time.
func TestAClockSetForwardDuringTheSearchsLagMakesNoSecondTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ours := clocktest.New(w.clock.Now())
	require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.SearchLag = 20 * time.Second }))
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.start(func(o *app.Options) { o.Clock = ours })
	w.say("7", 1, failed)
	w.until("the search found nothing", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_OUTCOME))
	ours.Add(2 * time.Hour)
	w.until("looked again", func() bool { return w.ledger("7").GetPark().GetTimes() == 1 })
	w.until("created", func() bool {
		w.clock.Add(time.Second)
		ours.Add(time.Second)
		return w.inPhase("7", open, 1)()
	})
	w.onlyTicket("7")
	require.Equal(t, uint32(1), w.ledger("7").GetCreateAttempts())
	require.Equal(t, 1, w.requests()[postTicket])
}

// merging is a world in which devices 7 and 8 fail, and a person has merged 7's ticket into 8's, which nobody has seen yet.
func merging(t *testing.T, change func(*tenantv1.Tickets)) (w *world, own, target int) {
	t.Helper()
	w, ticket := failing(t, change)
	w.say("8", 1, failed)
	w.until("created", w.inPhase("8", open, 1))
	target = w.onlyTicket("8").ID
	w.clock.Add(time.Second)
	require.NoError(t, w.cw.Person("").Merge(ticket.ID, target, ""))
	return w, ticket.ID, target
}

func wontFix(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_WONT_FIX }

func TestATicketThatWeClosedForOneDeviceIsOpenedAgainForAnotherThatStandsInIt(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]func(*tenantv1.Tickets){
		"whatever is done about closings by hand": wontFix,
		"at once, although those are respected":   nothing,
	} {
		t.Run(name, func(t *testing.T) {
			w, _, target := merging(t, policy)
			w.say("8", 2, resolved)
			w.until("closed before the merge was seen", w.inPhase("8", closed, 2))
			require.True(t, w.ticket(target).ClosedFlag)
			by := w.clock.Now()
			w.passes("opened again", func() bool { return !w.ticket(target).ClosedFlag && w.inPhase("7", open, 1)() })
			require.Less(t, w.clock.Now().Sub(by), time.Hour)
			require.Equal(t, int64(target), w.ledger("7").GetTicketId())
			w.say("7", 2, resolved)
			w.until("over", w.inPhase("7", closed, 2))
			require.True(t, w.ticket(target).ClosedFlag)
			require.Len(t, w.cw.Tickets(), 2)
		})
	}
	t.Run("not when a person closed it after us", func(t *testing.T) {
		w, _, target := merging(t, wontFix)
		w.say("8", 2, resolved)
		w.until("closed", w.inPhase("8", closed, 2))
		w.clock.Add(time.Second)
		require.NoError(t, w.cw.Person("").Reopen(target, ""))
		require.NoError(t, w.cw.Person("").Close(target, ""))
		w.passes("handed over", func() bool { return w.ledger("7").GetPhase() == handedOver })
		require.True(t, w.ticket(target).ClosedFlag)
	})
}

func TestATicketFollowedInTheMiddleOfACloseStaysOpenForWhoStandsInIt(t *testing.T) {
	t.Parallel()
	w, _, target := merging(t, wontFix)
	w.say("7", 2, resolved)
	w.until("over", w.inPhase("7", closed, 2))
	require.Equal(t, int64(target), w.ledger("7").GetTicketId())
	require.False(t, w.ticket(target).ClosedFlag, "device 8 still fails")
	w.say("8", 2, resolved)
	w.until("over", w.inPhase("8", closed, 2))
	require.True(t, w.ticket(target).ClosedFlag)
}

func TestALookThatCannotBeTakenIsTakenLater(t *testing.T) {
	t.Parallel()
	// unreadable is a world in which a picture of the ticket came that bears the second of our own write, while no ticket
	// can be read.
	unreadable := func(t *testing.T, act func(w *world, ticket cwfake.Ticket)) (*world, cwfake.Ticket) {
		w := newWorld(t)
		w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
		w.start()
		w.say("7", 1, failed)
		w.until("created", w.inPhase("7", open, 1))
		ticket := w.onlyTicket("7")
		act(w, ticket)
		w.fault(cwfake.Fault{Match: readTicket, Times: 3, Kind: cwfake.FaultErrorBefore, Status: 503})
		w.observe("7", w.onlyTicket("7"))
		w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_UNAVAILABLE))
		return w, ticket
	}
	t.Run("and what was seen is answered", func(t *testing.T) {
		w, ticket := unreadable(t, func(w *world, ticket cwfake.Ticket) {
			require.NoError(w.t, w.cw.Person("").Close(ticket.ID, ""))
		})
		w.passes("reopened", func() bool { return !w.ticket(ticket.ID).ClosedFlag && w.inPhase("7", open, 1)() })
	})
	t.Run("and the wait for it ends with it", func(t *testing.T) {
		w, _ := unreadable(t, func(*world, cwfake.Ticket) {})
		w.passes("nothing is waited for", w.inPhase("7", open, 1))
		require.False(t, w.ledger("7").GetLookDue())
	})
}

// A message that became a dead letter, or was lost in any other way, must not leave a closing by hand unanswered.
func TestAnObservationThatIsLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	for sentence, step := range map[string]string{
		"before it was recorded": "record observation: begin",
		"before it was answered": "record observation: end",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
			var armed atomic.Bool
			w.start(watching, func(o *app.Options) {
				o.OnStep = func(s string) {
					if s == step && armed.CompareAndSwap(true, false) {
						panic("a defect, once")
					}
				}
			})
			w.say("7", 1, failed)
			w.until("created", w.inPhase("7", open, 1))
			ticket := w.onlyTicket("7")
			w.clock.Add(time.Minute)
			armed.Store(true)
			require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
			by := w.clock.Now()
			w.passes("lost", func() bool { return !armed.Load() })
			w.passes("reopened", func() bool { return !w.ticket(ticket.ID).ClosedFlag && w.inPhase("7", open, 1)() })
			require.Less(t, w.clock.Now().Sub(by), time.Hour)
		})
	}
}
