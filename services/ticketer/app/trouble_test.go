package app_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

func TestRetryAfterIsHonouredForTheWholeTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultRateLimited, RetryAfter: "1"})
	w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RATE_LIMITED))
	require.Equal(t, phaseNew, w.ledger("7").GetPhase(), "a refused create was not executed")
	w.say("8", 1, failed)
	w.until("parked, too", w.parkedFor("8", ticketv1.ParkReason_PARK_REASON_RATE_LIMITED))
	require.Equal(t, map[string]int{postTicket: 1}, w.requests())
	w.clock.Add(time.Second)
	for _, d := range []string{"7", "8"} {
		w.until("created", w.inPhase(d, open, 1))
		w.onlyTicket(d)
	}
	require.Equal(t, map[string]int{postTicket: 2}, w.requests())
}

func TestWrongKeysParkTheTenantUntilTheyAreRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, os.WriteFile(w.key, []byte("wrong"), 0o600))
	w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_AUTH))
	require.Contains(t, w.ledger("7").GetPark().GetDetail(), "Check the keys")
	require.NotContains(t, w.ledger("7").GetPark().GetDetail(), "wrong")
	for _, device := range []string{"8", "9"} {
		w.say(device, 1, failed)
		w.until("parked, too", w.parkedFor(device, ticketv1.ParkReason_PARK_REASON_AUTH))
	}
	w.wasTold("tenant", "parked")
	require.Len(t, w.troubles(), 1)
	require.Equal(t, "keys", w.troubles()[0].GetAbout())
	require.Contains(t, w.troubles()[0].GetDetail(), "Check the keys")
	require.NoError(t, os.WriteFile(w.key, []byte(cwfake.DefaultPrivateKey), 0o600))
	w.clock.Add(5 * time.Minute)
	for _, device := range []string{"7", "8", "9"} {
		w.eventually("created", w.inPhase(device, open, 1))
		w.onlyTicket(device)
	}
	require.Empty(t, w.troubles())
	w.wasTold("tenant", "parked", "resumed")
}

func TestKeysThatStopWorkingAreToldOnceUntilTheyWorkAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	require.NoError(t, os.WriteFile(w.key, []byte("wrong"), 0o600))
	for _, device := range []string{"8", "9", "10"} {
		w.say(device, 1, failed)
		w.until("parked", w.parkedFor(device, ticketv1.ParkReason_PARK_REASON_AUTH))
		w.clock.Add(time.Minute) // longer than the server is left alone
	}
	w.drained()
	require.Len(t, w.troubles(), 1)
	w.wasTold("tenant", "parked")
	require.NoError(t, os.WriteFile(w.key, []byte(cwfake.DefaultPrivateKey), 0o600))
	for _, device := range []string{"8", "9", "10"} {
		w.eventually("created", w.inPhase(device, open, 1))
	}
	w.wasTold("tenant", "parked", "resumed")
}

// troubles are what people have to mend at the tenant's server.
func (w *world) troubles() []*ticketv1.Trouble {
	w.t.Helper()
	all, err := app.Troubles(w.t.Context(), w.bus, "harbor")
	require.NoError(w.t, err)
	return all
}

func TestAnswersForKeysThatAreNotKnownParkTheTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultNotFoundAuth})
	w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_AUTH))
	require.Equal(t, "keys", w.troubles()[0].GetAbout())
	w.eventually("created", w.inPhase("7", open, 1))
	require.Empty(t, w.troubles())
	w.onlyTicket("7")
}

func TestAMissingRightToCloseHoldsOnlyTheClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.fault(cwfake.Fault{Match: patchTicket, Times: 1, Kind: cwfake.FaultForbidden, Right: cwfake.RightCloseTickets})
	w.say("7", 2, resolved)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_AUTH))
	require.Contains(t, w.ledger("7").GetPark().GetDetail(), cwfake.RightCloseTickets)
	require.Equal(t, "close ticket", w.troubles()[0].GetAbout())
	require.Contains(t, w.troubles()[0].GetDetail(), `the right "Service Desk > Close Service Tickets"`)
	w.say("8", 1, failed)
	w.until("created", w.inPhase("8", open, 1))
	require.Len(t, w.troubles(), 1, "a ticket that can be made says nothing about closing")
	w.clock.Add(5 * time.Minute)
	w.until("closed", w.inPhase("7", closed, 2))
	require.Empty(t, w.troubles())
	w.wasTold("tenant", "parked", "resumed")
	require.Equal(t, map[string]int{"r1": 2, "r2": 1}, noted(w.onlyTicket("7"), "7"))
}

func TestANameThatConnectWiseDoesNotHaveIsShownWithThoseItHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.NewStatus, s.Tickets.ClosedStatus, s.Tickets.PriorityServer = "Neu", "In Progress", "P1"
	})
	w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
	require.Equal(t, `tickets.newStatus: ConnectWise has no active status of board "Service Desk" "Neu"; there are "New", "In Progress", "Waiting", "Resolved", "Closed"; `+
		`tickets.closedStatus: status "In Progress" of board "Service Desk" does not close tickets; `+
		`tickets.priorities.server: ConnectWise has no active priority "P1"; there are "Priority 1 - Critical", "Priority 2 - Quick Response", "Priority 3 - Normal", "Priority 4 - Low". `+
		`Correct the tenant's settings or the record in ConnectWise`, w.ledger("7").GetPark().GetDetail())
	w.settings(func(s *tenantv1.Settings) { s.Tickets.Board = "Desk" })
	w.until("parked for the board", func() bool {
		return w.ledger("7").GetPark().GetDetail() == `tickets.board: ConnectWise has no active service board "Desk"; there are "Service Desk", "NOC". Correct the tenant's settings or the record in ConnectWise`
	})
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.Board, s.Tickets.NewStatus, s.Tickets.ClosedStatus, s.Tickets.PriorityServer = "service desk", "New", "Closed", "Priority 4 - Low"
	})
	w.until("created", w.inPhase("7", open, 1))
	require.Equal(t, "Priority 4 - Low", w.onlyTicket("7").Priority)
	w.wasTold("tenant", "parked", "parked", "resumed") // the statuses and the priority, and later the board
	require.Empty(t, w.troubles())
}

func TestAStatusRenamedMeanwhileIsLookedUpAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	require.NoError(t, w.cw.Person("").SetStatusInactive("Service Desk", "Closed", true))
	w.say("7", 2, resolved)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
	w.settings(func(s *tenantv1.Settings) { s.Tickets.ClosedStatus = "Resolved" })
	w.until("closed", w.inPhase("7", closed, 2))
	require.Equal(t, "Resolved", w.onlyTicket("7").Status)
	require.Equal(t, map[string]int{"r1": 2, "r2": 1}, noted(w.onlyTicket("7"), "7"))
}

func TestATicketThatWasDeletedIsHandedOver(t *testing.T) {
	t.Parallel()
	for kind, revisions := range map[string][]uint32{"by a note": {2}, "by a close": {2}} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			w.say("7", 1, failed)
			w.until("created", w.inPhase("7", open, 1))
			require.NoError(t, w.cw.Person("").Delete(w.onlyTicket("7").ID))
			if kind == "by a note" {
				w.say("7", revisions[0], changed)
			} else {
				w.say("7", revisions[0], resolved)
			}
			if kind == "by a note" {
				w.until("handed over", w.inPhase("7", handedOver, 1))
			}
			w.say("7", 3, resolved)
			w.until("over", w.inPhase("7", closed, 1))
			told := map[string][]string{"by a note": {"created", "observed", "parked", "dropped"}, "by a close": {"created", "observed", "dropped"}}
			w.wasTold("7", told[kind]...)
			require.Empty(t, w.tickets("7"))
		})
	}
}

func TestTwoTicketsWithOneReferenceAreToldAndTheOlderIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("8", 1, failed)
	w.until("our own tickets were listed", w.inPhase("8", open, 1))
	older := w.left("", "copy", w.reference("7-1"))
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.say("7", 1, failed)
	w.until("found", w.inPhase("7", open, 1))
	require.Equal(t, int64(older), w.ledger("7").GetTicketId())
	w.wasTold("7", "observed", "created", "remarked")
}

func TestAnOutageCostsFewRequestsAndNothingIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(cwfake.Fault{Kind: cwfake.FaultErrorBefore, Match: "GET /service/priorities"})
	w.start()
	devices := []string{"1", "2", "3", "4", "5", "6"}
	for _, d := range devices {
		w.say(d, 1, failed)
	}
	for _, d := range devices {
		w.until("parked", w.parkedFor(d, ticketv1.ParkReason_PARK_REASON_UNAVAILABLE))
		require.Equal(t, phaseNew, w.ledger(d).GetPhase())
	}
	// Each of the four partitions may have met the outage by itself; the other incidents were held back.
	require.LessOrEqual(t, w.cw.Counts()["GET /service/priorities"], 4*3)
	w.cw.ClearFaults()
	for _, d := range devices {
		w.eventually("created", w.inPhase(d, open, 1))
		w.onlyTicket(d)
	}
	require.Equal(t, 6, w.requests()[postTicket])
}
