package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// minutes lets time go on a minute at a time, and everything be handled.
func (w *world) minutes(n int) {
	w.t.Helper()
	for range n {
		w.clock.Add(time.Minute)
		w.drained()
	}
}

// observed lists the reasons of the observations told of a device.
func (w *world) observed(device string) []string {
	var all []string
	for _, e := range w.ticketEvents() {
		if e.GetDeviceId() == device && e.GetAction() == ticketv1.Action_ACTION_OBSERVED {
			all = append(all, e.GetReason())
		}
	}
	return all
}

// People act in the minutes between two looks, and the device's news come in those minutes.
func TestWhatPeopleDidAMomentAgoIsSeenBeforeTheTicketIsWrittenTo(t *testing.T) {
	t.Parallel()
	t.Run("a ticket that they closed is not closed again when the device recovers", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, "Resolved"))
		before := w.ticket(ticket.ID)
		w.clock.Add(10 * time.Second)
		w.requests()
		w.say("7", 2, resolved)
		w.until("over", w.inPhase("7", closed, 1))
		require.Equal(t, map[string]int{listTickets: 1}, w.requests(), "the look before the write, and no write")
		w.minutes(20)
		require.Equal(t, before, w.ticket(ticket.ID))
		require.Equal(t, []string{`closed with status "Resolved" by mreyes`}, w.observed("7"))
		w.wasTold("7", "created", "observed", "closed")
		require.Nil(t, w.ledger("7").GetOwnCloseAt())
	})
	t.Run("no note hides in a ticket that they closed", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, "Resolved"))
		before := w.ticket(ticket.ID)
		w.clock.Add(10 * time.Second)
		w.say("7", 2, changed)
		w.until("left to people", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_RESPECTED))
		require.Equal(t, before, w.ticket(ticket.ID))
		require.Equal(t, []string{`closed with status "Resolved" by mreyes`}, w.observed("7"))
	})
	t.Run("a company that they chose stays", func(t *testing.T) {
		t.Parallel()
		w, ticket := astray(t, true)
		_, err := w.cw.AddCompany(cwfake.Company{ID: 300, Identifier: "zeta", Name: "Zeta", Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
		require.NoError(t, err)
		require.NoError(t, w.cw.Person("mreyes").Edit(ticket.ID, cwfake.Edit{Company: "zeta"}))
		w.found()
		w.clock.Add(10 * time.Second)
		w.say("7", 2, changed)
		w.until("annotated", w.inPhase("7", open, 2))
		require.Equal(t, "zeta", w.onlyTicket("7").CompanyIdentifier)
		require.Equal(t, int64(300), w.ledger("7").GetCompanyId())
		require.NotContains(t, w.told("7"), "moved")
	})
	t.Run("and what they edited before a close is told", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		require.NoError(t, w.cw.Person("mreyes").Edit(ticket.ID, cwfake.Edit{Summary: "ask Bob", Priority: "Priority 4 - Low", Company: "HarborIT"}))
		w.clock.Add(10 * time.Second)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		w.sees("7", `summary changed`)
		require.Contains(t, w.lastObserved("7"), `company changed from "Acme" to "Harbor IT" by mreyes`)
		require.Equal(t, int64(2), w.ledger("7").GetCompanyId())
	})
	t.Run("a reopening that failed is not made up for when the device recovers: the closing stays theirs", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, "Resolved"))
		w.fault(cwfake.Fault{Match: patchTicket, Kind: cwfake.FaultErrorBefore, Status: 503, Times: 3})
		w.passes("reopening", func() bool { return w.ledger("7").GetPhase() == reopening })
		before := w.ticket(ticket.ID)
		w.say("7", 2, resolved)
		w.passes("over", func() bool { return w.ledger("7").GetPhase() == closed })
		require.Equal(t, before, w.ticket(ticket.ID))
	})
}

// A person is as quick as can be: between our look and our write. The server cannot make a write depend on what it finds.
func TestWhatPeopleDidBetweenTheLookAndTheWriteIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(watching, atStep("post note: end", func() {
		ticket := w.onlyTicket("7").ID
		require.NoError(t, w.cw.Person("mreyes").Edit(ticket, cwfake.Edit{Summary: "ask Bob"}))
		require.NoError(t, w.cw.Person("mreyes").Close(ticket, "Resolved"))
	}))
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.clock.Add(time.Minute)
	w.say("7", 2, resolved)
	w.until("closed", w.inPhase("7", closed, 2))
	w.sees("7", "closed by mreyes, before Covewise did")
	require.Contains(t, w.lastObserved("7"), `summary changed`)
	require.Nil(t, w.ledger("7").GetOwnCloseAt(), "the closing is theirs")
	w.wasTold("7", "created", "observed", "closed")
}

// A storm of writes costs a look every few seconds and not one for each.
func TestOneLookServesAllWritesOfAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	devices := []string{"7", "8", "9", "10", "11", "12"}
	for _, device := range devices {
		w.say(device, 1, failed)
	}
	for _, device := range devices {
		w.until("created", w.inPhase(device, open, 1))
	}
	w.clock.Add(time.Hour)
	w.requests()
	for _, device := range devices {
		w.say(device, 2, resolved)
	}
	for _, device := range devices {
		w.until("closed", w.inPhase(device, closed, 2))
	}
	require.Equal(t, map[string]int{listTickets: 1, postNote: 6, patchTicket: 6}, w.requests())
}

// hiding is a server at which single tickets are not found while hidden says so, as with a role that lacks the board.
func (w *world) hiding(hidden *atomic.Int32) {
	w.t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/service/tickets/") || hidden.Load() <= 0 {
			w.cw.ServeHTTP(rw, r)
			return
		}
		hidden.Add(-1)
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte(`{"code":"NotFound","message":"Ticket was not found.","errors":null}`))
	}))
	w.t.Cleanup(web.Close)
	w.url = web.URL
	w.settings(func(s *tenantv1.Settings) { s.Connectwise.Url = w.url })
	w.contacted()
}

func TestATicketThatCannotBeFoundForATimeComesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sentence string
		missing  int32 // requests that are answered "not found"
		deleted  bool
	}{
		{"one refusal is no proof that it was deleted", 1, false},
		{"one that was taken for deleted is ours again when it is seen", 2, true},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var hidden atomic.Int32
			w.hiding(&hidden)
			w.start(watching)
			w.say("7", 1, failed)
			w.until("created", w.inPhase("7", open, 1))
			w.clock.Add(time.Minute)
			hidden.Store(c.missing)
			w.say("7", 2, changed)
			if c.deleted {
				w.until("left to people", func() bool { return w.ledger("7").GetPhase() == handedOver })
			} else {
				w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
			}
			require.Equal(t, c.deleted, w.ledger("7").GetObserved().GetDeleted())
			w.passes("annotated", w.inPhase("7", open, 2))
			require.Equal(t, 1, noted(w.onlyTicket("7"), "7")["r2"])
			if c.deleted {
				require.Equal(t, []string{"deleted", "there again after it could not be found"}, w.observed("7"))
			}
		})
	}
}

const reopening = ticketv1.Phase_PHASE_REOPENING

// atStep does something at the first time that a ticketer comes to a step.
func atStep(step string, do func()) func(*app.Options) {
	var once sync.Once
	return func(o *app.Options) {
		o.OnStep = func(s string) {
			if s == step {
				once.Do(do)
			}
		}
	}
}

// Whoever could not see it for a time is told the end before it is closed, although Covewise has written in it last.
func TestATicketThatComesToLightAfterTheEndIsToldIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
	var hidden atomic.Int32
	w.hiding(&hidden)
	w.start(watching)
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	id := w.onlyTicket("7").ID
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("mreyes").Close(id, ""))
	w.passes("opened again", func() bool { return !w.ticket(id).ClosedFlag && w.inPhase("7", open, 1)() })
	w.clock.Add(time.Hour)
	w.drained()
	hidden.Store(2)
	w.say("7", 2, changed)
	w.until("left to people", func() bool { return w.ledger("7").GetPhase() == handedOver })
	w.say("7", 3, resolved)
	w.until("over", func() bool { return w.ledger("7").GetPhase() == closed })
	require.False(t, w.ticket(id).ClosedFlag)
	w.fault(cwfake.Fault{Match: readTicket, Times: 6, Kind: cwfake.FaultErrorBefore, Status: http.StatusServiceUnavailable})
	w.passes("closed", func() bool { return w.ticket(id).ClosedFlag })
	require.Equal(t, 1, noted(w.ticket(id), "7")["r3"])
}
