package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestWhoClosesThePresentTicketLongAfterOpeningTheOldOneIsFollowedThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy func(*tenantv1.Tickets)
		act    func(w *world, ticket int) error
	}{
		"closed, where a closing brings another": {replacing, func(w *world, ticket int) error { return w.cw.Person("mreyes").Close(ticket, "") }},
		"closed, where people get it back": {
			func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN },
			func(w *world, ticket int) error { return w.cw.Person("mreyes").Close(ticket, "") },
		},
		"deleted, where that brings another": {
			func(s *tenantv1.Tickets) { s.OnDeleted = tenantv1.Deleted_DELETED_NEW },
			func(w *world, ticket int) error { return w.cw.Person("mreyes").Delete(ticket) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, old, next := renewed(t)
			require.NoError(t, w.cw.Person("mreyes").Reopen(old, ""))
			w.sees("7", "People opened ticket")
			w.looks(3 * time.Hour)
			require.Equal(t, 1, pointers(w.ticket(old)))
			w.settings(func(s *tenantv1.Settings) { c.policy(s.Tickets) })
			require.NoError(t, c.act(w, next))
			w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(old) && w.inPhase("7", open, 1)() })
			w.looks(3 * time.Hour)
			require.Equal(t, int64(old), w.ledger("7").GetTicketId())
			require.Equal(t, []int64{int64(next)}, w.ledger("7").GetFormerTicketIds())
			require.Len(t, w.cw.OpenTickets(), 1)
			require.LessOrEqual(t, len(w.cw.Tickets()), 2, "no third")
			require.Equal(t, 1, pointers(w.ticket(old)))
			told := w.reasons("7", ticketv1.Action_ACTION_ADOPTED)
			require.Equal(t, []string{fmt.Sprintf("people opened it again, which the incident had before, and closed or deleted ticket %d", next)}, told)
			w.say("7", 2, resolved)
			w.until("closed", w.inPhase("7", closed, 2))
			require.Empty(t, w.cw.OpenTickets())
		})
	}
	t.Run("not where they closed the old one again before", func(t *testing.T) {
		t.Parallel()
		w, old, next := renewed(t)
		require.NoError(t, w.cw.Person("mreyes").Reopen(old, ""))
		w.sees("7", "People opened ticket")
		w.looks(time.Hour)
		require.NoError(t, w.cw.Person("mreyes").Close(old, ""))
		w.clock.Add(time.Second)
		require.NoError(t, w.cw.Person("mreyes").Close(next, ""))
		w.passes("replaced", func() bool { return len(w.cw.Tickets()) == 3 && w.inPhase("7", open, 1)() })
		w.looks(2 * time.Hour)
		require.Len(t, w.cw.OpenTickets(), 1)
		require.Len(t, w.cw.Tickets(), 3)
	})
}

// missingOnce is a world in which device 7 has a ticket and a twin, and in which the next request for one ticket is answered as if
// there were none.
func missingOnce(t *testing.T) (w *world, missing *atomic.Int64) {
	t.Helper()
	w, missing = newWorld(t), new(atomic.Int64)
	web := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		ticket := missing.Load()
		if ticket == 0 || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, fmt.Sprintf("/service/tickets/%d", ticket)) || !missing.CompareAndSwap(ticket, 0) {
			w.cw.ServeHTTP(answer, r)
			return
		}
		answer.Header().Set("Content-Type", "application/json")
		answer.WriteHeader(http.StatusNotFound)
		_, _ = answer.Write([]byte(`{"code":"NotFound","message":"Ticket was not found.","errors":null}`))
	}))
	t.Cleanup(web.Close)
	w.url = web.URL
	w.settings(func(s *tenantv1.Settings) { s.Connectwise.Url = w.url })
	w.contacted()
	require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.SearchLag = 3 * time.Minute }))
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.start(watching)
	w.say("7", 1, failed)
	w.eventually("open", w.inPhase("7", open, 1))
	require.Len(t, w.cw.OpenTickets(), 2)
	return w, missing
}

func TestOneAnswerThatTheTicketBesideATwinIsMissingIsNotBelieved(t *testing.T) {
	t.Parallel()
	w, missing := missingOnce(t)
	present := w.ledger("7").GetTicketId()
	missing.Store(present)
	w.looks(4 * time.Hour)
	require.Zero(t, missing.Load(), "it was answered")
	require.Equal(t, present, w.ledger("7").GetTicketId())
	require.Empty(t, w.ledger("7").GetFormerTicketIds())
	require.Len(t, w.cw.OpenTickets(), 1)
	for _, reason := range w.reasons("7", ticketv1.Action_ACTION_OBSERVED) {
		require.NotContains(t, reason, "deleted")
	}
}

func TestTheTicketThatADroppedIncidentGaveUpServesTheNextOneWhenPeopleOpenedIt(t *testing.T) {
	t.Parallel()
	fails := func(w *world) *ticketv1.Ledger {
		w.nextHasATicket()
		w.looks(3 * time.Hour)
		return w.second()
	}
	t.Run("seen at a look", func(t *testing.T) {
		t.Parallel()
		w, old := dropsReplaced(t)
		require.NoError(t, w.cw.Person("mreyes").Reopen(old, ""))
		w.sees("7", "It is over, and the ticket is left to them.")
		require.Equal(t, int64(old), fails(w).GetTicketId())
		require.Len(t, w.cw.Tickets(), 1)
		require.Zero(t, pointers(w.ticket(old)))
		require.Equal(t, []string{"the device failed again; its last ticket, of incident 7-1, serves again"}, w.reasons("7", ticketv1.Action_ACTION_ADOPTED))
		w.deliver(w.next(2, resolved), "")
		w.until("closed", func() bool { return w.ticket(old).ClosedFlag })
	})
	t.Run("or not yet", func(t *testing.T) {
		t.Parallel()
		w, old := dropsReplaced(t)
		require.NoError(t, w.cw.Person("mreyes").Reopen(old, ""))
		require.Equal(t, int64(old), fails(w).GetTicketId())
		require.Len(t, w.cw.Tickets(), 1)
	})
	t.Run("not while it is closed", func(t *testing.T) {
		t.Parallel()
		w, old := dropsReplaced(t)
		require.NotEqual(t, int64(old), fails(w).GetTicketId())
		require.Len(t, w.cw.OpenTickets(), 1)
	})
}

func TestATicketThatMayNotBeReadAnyMoreIsReplacedAllTheSame(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, replacing)
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultErrorBefore, Status: 503})
	require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
	w.passes("renewed", func() bool { l := w.ledger("7"); return l.GetRenewals() == 1 && l.GetPark() != nil })
	w.clock.Add(time.Minute)
	w.fault(cwfake.Fault{Match: readTicket, Kind: cwfake.FaultErrorBefore, Status: 403})
	w.passes("replaced", func() bool { return len(w.cw.OpenTickets()) == 1 && w.inPhase("7", open, 1)() })
	require.Len(t, w.cw.Tickets(), 2)
}

// An incident gave its ticket up and ended without another. People open that ticket again, and close the one of the device's next
// incident, as our note asks.
func TestTheTicketOfADroppedIncidentIsChosen(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]tenantv1.HandClose{
		"reopen": tenantv1.HandClose_HAND_CLOSE_REOPEN, "respect": tenantv1.HandClose_HAND_CLOSE_RESPECT, "new": tenantv1.HandClose_HAND_CLOSE_NEW,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, old := dropsReplaced(t)
			w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = policy })
			w.nextHasATicket()
			next := int(w.second().GetTicketId())
			require.NotEqual(t, old, next)
			w.clock.Add(time.Minute)
			require.NoError(t, w.cw.Person("mreyes").Reopen(old, ""))
			w.passes("pointed out", func() bool { return pointers(w.ticket(old)) == 1 })
			require.NoError(t, w.cw.Person("mreyes").Close(next, ""))
			w.passes("followed", func() bool { return w.second().GetTicketId() == int64(old) && w.second().GetPhase() == open })
			w.looks(3 * time.Hour)
			require.True(t, w.ticket(next).ClosedFlag)
			require.Equal(t, int64(old), w.second().GetTicketId())
			require.Len(t, w.cw.OpenTickets(), 1)
		})
	}
}

func TestTheTicketOfADroppedIncidentIsNotReadAtEveryWake(t *testing.T) {
	t.Parallel()
	w, _ := dropsReplaced(t)
	w.deliver(w.next(1, failed), "")
	w.drained()
	w.requests()
	w.looks(6 * time.Hour)
	require.Equal(t, ticketv1.ParkReason_PARK_REASON_COMPANY, w.second().GetPark().GetReason())
	require.Zero(t, w.requests()[readTicket])
}

// dropsReplaced is a world in which incident 7-1 has given its ticket up, has waited for a company, and has ended without another.
func dropsReplaced(t *testing.T) (w *world, old int) {
	t.Helper()
	w, ticket := failing(t, replacing)
	w.unlink()
	require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
	w.passes("renewed", func() bool { l := w.ledger("7"); return l.GetRenewals() == 1 && l.GetPark() != nil })
	w.say("7", 2, resolved)
	w.until("dropped", func() bool { return w.ledger("7").GetPhase() == dropped })
	w.clock.Add(time.Minute)
	return w, ticket.ID
}

// next is an event of the next incident of device 7, whose ledger is second.
func (w *world) next(revision uint32, kind incidentv1.EventKind) *incidentv1.Event {
	e := w.incident("7", revision, kind)
	e.IncidentId = "7-2"
	return e
}

// nextHasATicket begins the next incident, which gets a ticket because the customer has a company by now.
func (w *world) nextHasATicket() {
	w.t.Helper()
	w.link(companyv1.LinkState_LINK_STATE_LINKED)
	w.deliver(w.next(1, failed), "")
	w.passes("has a ticket", func() bool {
		l := w.second()
		return l.GetPhase() == open && l.GetShown().GetRevision() == 1 && l.GetPreface() == ticketv1.Preface_PREFACE_UNSPECIFIED
	})
}

func (w *world) second() *ticketv1.Ledger {
	w.t.Helper()
	l, _, err := w.ledgers.Get(w.t.Context(), bus.Key("harbor", "7", "7-2"))
	require.NoError(w.t, err)
	return l
}

// Who closes the present one of two tickets wants the other, which nobody has opened and no incident owns. It cannot be marked at
// once.
func TestAChoiceIsKeptUntilItCanBeFollowed(t *testing.T) {
	t.Parallel()
	for sentence, f := range map[string]cwfake.Fault{
		"answers are lost":      {Match: patchTicket, Times: 3, Kind: cwfake.FaultLostAnswer},
		"the server is down":    {Match: patchTicket, Times: 3, Kind: cwfake.FaultErrorBefore, Status: http.StatusServiceUnavailable},
		"the server refuses it": {Match: patchTicket, Times: 1, Kind: cwfake.FaultErrorBefore, Status: http.StatusBadRequest},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
			w.start(watching)
			w.say("7", 1, failed)
			w.until("created", w.inPhase("7", open, 1))
			present := w.onlyTicket("7").ID
			w.looks(20 * time.Minute)
			twin := w.left("", "[CW-7-9] Cove SVR SRV-7 - Failed", w.reference("7-9"))
			require.NoError(t, w.cw.Person("mreyes").Close(present, ""))
			w.fault(f)
			w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(twin) && w.inPhase("7", open, 1)() })
			w.looks(3 * time.Hour)
			require.True(t, w.ticket(present).ClosedFlag)
			require.Len(t, w.cw.OpenTickets(), 1)
		})
	}
}

func TestATicketThatCannotBeFollowedForGoodDoesNotHoldUpTheIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var twin atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if id := twin.Load(); r.Method == http.MethodPatch && id != 0 && strings.HasSuffix(r.URL.Path, fmt.Sprintf("/service/tickets/%d", id)) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = rw.Write([]byte(`{"code":"InvalidObject","message":"ticket object is invalid","errors":null}`))
			return
		}
		w.cw.ServeHTTP(rw, r)
	}))
	t.Cleanup(web.Close)
	w.url = web.URL
	w.settings(func(s *tenantv1.Settings) {
		s.Connectwise.Url = w.url
		s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN
	})
	w.contacted()
	w.start(watching)
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	present := w.onlyTicket("7").ID
	w.looks(20 * time.Minute)
	twin.Store(int64(w.left("", "[CW-7-9] Cove SVR SRV-7 - Failed", w.reference("7-9"))))
	require.NoError(t, w.cw.Person("mreyes").Close(present, ""))
	w.looks(30 * time.Minute)
	w.say("7", 2, changed)
	w.passes("noted", w.inPhase("7", open, 2))
	require.Equal(t, int64(present), w.ledger("7").GetTicketId())
	require.False(t, w.ticket(present).ClosedFlag)
}
