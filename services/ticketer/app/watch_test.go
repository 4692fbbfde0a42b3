package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestLookingCostsOneRequestAndAnUnchangedIncidentNone(t *testing.T) {
	t.Parallel()
	w, _ := failing(t, nothing)
	w.requests()
	for range 12 {
		w.clock.Add(30 * time.Second)
		w.drained()
	}
	w.passes("one look", func() bool { return w.cw.Counts()[listTickets] >= 1 })
	count := w.requests()
	require.Equal(t, map[string]int{listTickets: count[listTickets]}, count)
	require.LessOrEqual(t, count[listTickets], 2)
	w.wasTold("7", "created")
}

func TestTwoTicketersLookLikeOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
	w.start(watching)
	w.start(watching)
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	began := w.clock.Now()
	w.requests()
	for range 60 {
		w.clock.Add(30 * time.Second)
		w.drained()
	}
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("").Close(w.onlyTicket("7").ID, ""))
	w.passes("reopened", func() bool { return !w.onlyTicket("7").ClosedFlag && w.inPhase("7", open, 1)() })
	require.Equal(t, map[string]int{"r1": 2, "r1 back 1": 1}, noted(w.onlyTicket("7"), "7"))
	looks := int(w.clock.Now().Sub(began)/(5*time.Minute)) + 1
	count := w.requests()
	require.LessOrEqual(t, count[listTickets], looks+looks/12+1, "one look in five minutes, and one comparison in twelve looks")
	require.Equal(t, 1, count[patchTicket])
}

func TestALookThatFailsIsMadeUpFor(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
	w.fault(cwfake.Fault{Match: listTickets, Times: 9, Kind: cwfake.FaultErrorBefore, Status: 503})
	require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
	w.passes("reopened", func() bool { return !w.ticket(ticket.ID).ClosedFlag && w.inPhase("7", open, 1)() })
}

func TestNothingIsDoneAboutPeopleInShadowMode(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
	w.settings(shadow)
	require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
	w.sees("7", "closed with status")
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_SHADOW))
	require.True(t, w.ticket(ticket.ID).ClosedFlag)
	w.settings(live)
	w.until("reopened", func() bool { return !w.ticket(ticket.ID).ClosedFlag && w.inPhase("7", open, 1)() })
}
