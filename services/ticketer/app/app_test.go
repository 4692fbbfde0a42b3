package app_test

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

const (
	phaseNew, creating    = ticketv1.Phase_PHASE_NEW, ticketv1.Phase_PHASE_CREATING
	open, closing, closed = ticketv1.Phase_PHASE_OPEN, ticketv1.Phase_PHASE_CLOSING, ticketv1.Phase_PHASE_CLOSED
	handedOver, dropped   = ticketv1.Phase_PHASE_HANDED_OVER, ticketv1.Phase_PHASE_DROPPED
)

const (
	postTicket  = "POST /service/tickets"
	listTickets = "GET /service/tickets"
	postNote    = "POST /service/tickets/{parentId}/notes"
	listNotes   = "GET /service/tickets/{parentId}/notes"
	patchTicket = "PATCH /service/tickets/{id}"
)

func TestAnIncidentIsCreatedAnnotatedAndClosedWithAsFewRequestsAsPromised(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	registry := prometheus.NewPedanticRegistry()
	w.start(func(o *app.Options) { o.Registerer = registry })

	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	require.Equal(t, map[string]int{postTicket: 1}, w.requests())
	lookUps := w.ledger("7").GetRequests() - 1 // names that the settings use, once for all tickets
	ticket := w.onlyTicket("7")
	require.Contains(t, ticket.Summary, "SRV-7")
	require.Equal(t, []any{"Service Desk", "New", "Priority 1 - Critical", 250, "covewise:" + w.bus.Installation() + ":harbor:7-1"},
		[]any{ticket.Board, ticket.Status, ticket.Priority, ticket.CompanyID, ticket.ExternalXRef})
	require.Len(t, ticket.Notes, 2)
	for _, n := range ticket.Notes {
		require.NotEqual(t, n.Discussion, n.Internal)
		if n.Discussion {
			require.NotContains(t, n.Text, "http")
			require.Contains(t, n.Text, "UTC-05:00")
		} else {
			require.Contains(t, n.Text, "https://backup.management/#/device/7")
			require.Contains(t, n.Text, ticket.ExternalXRef)
		}
	}

	w.clock.Add(time.Hour)
	w.say("7", 2, changed)
	w.until("annotated", w.inPhase("7", open, 2))
	require.Equal(t, map[string]int{listTickets: 1, postNote: 1}, w.requests(), "beside the look that serves all of the tenant's tickets")
	ticket = w.onlyTicket("7")
	note := ticket.Notes[len(ticket.Notes)-1]
	require.True(t, note.Internal && !note.Discussion)
	require.Contains(t, note.Text, `Other cause: Files and Folders: Failed: "Access denied"`)

	w.clock.Add(time.Hour)
	w.say("7", 3, resolved)
	w.until("closed", w.inPhase("7", closed, 3))
	require.Equal(t, map[string]int{listTickets: 1, postNote: 1, patchTicket: 1}, w.requests())
	require.Equal(t, uint32(1+1+2), w.ledger("7").GetRequests()-lookUps, "what is the incident's own")
	ticket = w.onlyTicket("7")
	require.Equal(t, "Closed", ticket.Status)
	require.Equal(t, map[string]int{"r1": 2, "r2": 1, "r3": 1}, noted(ticket, "7"))
	w.wasTold("7", "created", "annotated", "closed")

	expected := map[string]float64{"created": 1, "annotated": 1, "closed": 1}
	families, err := registry.Gather()
	require.NoError(t, err)
	seen := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "covewise_ticketer_actions_total" && m.GetCounter().GetValue() > 0 {
				seen[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	require.Equal(t, expected, seen)
	count, err := testutil.GatherAndCount(registry, "covewise_ticketer_actions_total", "covewise_ticketer_parked", "covewise_ticketer_failures_total")
	require.NoError(t, err)
	require.Equal(t, 13+12+8, count)
}

func TestRepeatedAndReorderedEventsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	first, second, third := w.incident("7", 1, failed), w.incident("7", 2, changed), w.incident("7", 3, resolved)
	w.deliver(second, "")
	w.deliver(first, "late")
	w.deliver(second, "again")
	w.drained()
	require.True(t, w.inPhase("7", open, 2)())
	require.Equal(t, map[string]int{"r2": 2}, noted(w.onlyTicket("7"), "7"))
	w.deliver(third, "")
	w.deliver(first, "later")
	w.deliver(third, "again")
	w.deliver(second, "last")
	w.drained()
	require.True(t, w.inPhase("7", closed, 3)())
	require.Equal(t, map[string]int{"r2": 2, "r3": 1}, noted(w.onlyTicket("7"), "7"))
	require.Equal(t, map[string]int{postTicket: 1, postNote: 1, patchTicket: 1}, w.requests())
}

func TestACreateWhoseAnswerIsLostGivesOneTicket(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]cwfake.Fault{
		"as an error":          {Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer},
		"with the connection":  {Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer, Drop: true},
		"in the middle":        {Match: postTicket, Times: 1, Kind: cwfake.FaultTruncated},
		"but for its status":   {Match: postTicket, Times: 1, Kind: cwfake.FaultEmpty},
		"behind a log-in page": {Match: postTicket, Times: 1, Kind: cwfake.FaultHTML200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fault(f)
			w.start()
			w.say("7", 1, failed)
			w.eventually("created", w.inPhase("7", open, 1))
			require.Equal(t, int64(w.onlyTicket("7").ID), w.ledger("7").GetTicketId())
			w.until("told", func() bool { return slices.Contains(w.told("7"), "created") })
		})
	}
}

func TestALaggingSearchIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.SearchLag = 45 * time.Second }))
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.start()
	w.say("7", 1, failed)
	w.until("the search found nothing", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_OUTCOME))
	w.eventually("created", w.inPhase("7", open, 1))
	w.onlyTicket("7")
	require.Equal(t, map[string]int{postTicket: 1, listTickets: 2}, w.requests())
}

func TestACreateThatFailedBeforeItWasCommittedIsRepeatedAfterPatience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultErrorBefore})
	w.start()
	w.say("7", 1, failed)
	w.until("waiting", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_OUTCOME))
	begun := w.clock.Now()
	require.Empty(t, w.tickets("7"))
	w.eventually("created", w.inPhase("7", open, 1))
	w.onlyTicket("7")
	require.GreaterOrEqual(t, w.clock.Now().Sub(begun), time.Minute)
	require.Equal(t, map[string]int{postTicket: 2, listTickets: 2}, w.requests())
	require.Equal(t, uint32(2), w.ledger("7").GetCreateAttempts())
}

func TestANoteWhoseAnswerIsLostStandsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.requests()
	w.fault(cwfake.Fault{Match: postNote, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.say("7", 2, changed)
	w.until("annotated", w.inPhase("7", open, 2))
	require.Equal(t, map[string]int{postNote: 1, listNotes: 1}, w.requests())
	w.fault(cwfake.Fault{Match: postNote, Times: 1, Kind: cwfake.FaultErrorBefore})
	w.say("7", 3, changed)
	w.eventually("annotated", w.inPhase("7", open, 3))
	require.Equal(t, map[string]int{"r1": 2, "r2": 1, "r3": 1}, noted(w.onlyTicket("7"), "7"))
}

func TestANoteWhoseOutcomeStaysUnknownIsSentOnceInEachPatience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.fault(cwfake.Fault{Match: postNote, Kind: cwfake.FaultErrorBefore})
	w.requests()
	w.say("7", 2, changed)
	for range 3 {
		w.until("waiting", func() bool { return w.ledger("7").GetPark().GetUntil().AsTime().After(w.clock.Now()) })
		w.drained()
		require.Equal(t, 1, w.requests()[postNote])
		require.Equal(t, ticketv1.ParkReason_PARK_REASON_OUTCOME, w.ledger("7").GetPark().GetReason())
		w.clock.Add(time.Minute)
	}
	w.until("waiting", func() bool { return w.ledger("7").GetPark().GetUntil().AsTime().After(w.clock.Now()) })
	w.cw.ClearFaults()
	w.eventually("annotated", w.inPhase("7", open, 2))
	require.Equal(t, map[string]int{"r1": 2, "r2": 1}, noted(w.onlyTicket("7"), "7"))
}

func TestACloseWhoseAnswersAreLostHappensOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.fault(cwfake.Fault{Match: postNote, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.fault(cwfake.Fault{Match: patchTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.say("7", 2, resolved)
	w.eventually("closed", w.inPhase("7", closed, 2))
	require.Equal(t, map[string]int{"r1": 2, "r2": 1}, noted(w.onlyTicket("7"), "7"))
	require.Equal(t, "Closed", w.onlyTicket("7").Status)
}

func TestTwoTickertersOnOneBusDoTheWorkOfOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.start()
	devices := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}
	for _, d := range devices {
		w.say(d, 1, failed)
	}
	for _, d := range devices {
		w.say(d, 2, changed)
		w.say(d, 3, resolved)
	}
	for _, d := range devices {
		w.until("closed", w.inPhase(d, closed, 3))
		require.Equal(t, map[string]int{"r1": 2, "r2": 1, "r3": 1}, noted(w.onlyTicket(d), d))
	}
	require.Empty(t, w.cw.Duplicates())
	counts := w.requests()
	require.LessOrEqual(t, counts[listTickets], 2, "at most one look for each process")
	delete(counts, listTickets)
	require.Equal(t, map[string]int{postTicket: 12, postNote: 24, patchTicket: 12}, counts)
}

func TestAnEndBeforeTheTicketNeedsNone(t *testing.T) {
	t.Parallel()
	t.Run("while it waits for a company", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.link(companyv1.LinkState_LINK_STATE_MISSING)
		w.start()
		w.say("7", 1, failed)
		w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_COMPANY))
		require.Contains(t, w.ledger("7").GetPark().GetDetail(), "nothing has that name")
		w.say("7", 2, resolved)
		w.until("dropped", w.inPhase("7", dropped, 0))
		w.wasTold("7", "parked", "dropped")
		require.Empty(t, w.requests())
	})
	t.Run("in shadow mode", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.settings(shadow)
		w.start()
		w.say("7", 1, failed)
		w.say("7", 2, resolved)
		w.until("dropped", w.inPhase("7", dropped, 0))
		w.wasTold("7", "planned", "dropped")
		require.Empty(t, w.cw.Requests())
	})
	t.Run("while a create that was executed is looked for, the ticket is found and closed", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.SearchLag = 45 * time.Second }))
		w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
		w.start()
		w.say("7", 1, failed)
		w.until("waiting", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_OUTCOME))
		w.say("7", 2, resolved)
		w.drained()
		require.Equal(t, creating, w.ledger("7").GetPhase())
		w.eventually("closed", w.inPhase("7", closed, 2))
		require.Equal(t, map[string]int{"r1": 2, "r2": 1}, noted(w.onlyTicket("7"), "7"))
		w.wasTold("7", "parked", "created", "closed")
	})
	t.Run("while a create that was not executed is looked for, it is dropped", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultErrorBefore})
		w.start()
		w.say("7", 1, failed)
		w.until("waiting", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_OUTCOME))
		w.say("7", 2, resolved)
		w.eventually("dropped", w.inPhase("7", dropped, 0))
		require.Empty(t, w.tickets("7"))
		require.Equal(t, 1, w.requests()[postTicket])
	})
}

func TestACompanyThatArrivesLaterReleasesWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unlink()
	w.start()
	for _, d := range []string{"7", "8"} {
		w.say(d, 1, failed)
		w.until("asked", w.parkedFor(d, ticketv1.ParkReason_PARK_REASON_COMPANY))
	}
	w.until("asked", func() bool { return len(w.questions()) > 0 })
	require.Len(t, w.questions(), 1, "a customer is asked for once")
	require.Equal(t, "70", w.questions()[0].GetCustomer().GetId())
	w.link(companyv1.LinkState_LINK_STATE_LINKED)
	for _, d := range []string{"7", "8"} {
		w.until("created", w.inPhase(d, open, 1))
		w.onlyTicket(d)
	}
}

func TestARefusedCompanyIsAskedForAgainAfterTenMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(companyv1.LinkState_LINK_STATE_AMBIGUOUS)
	w.start()
	w.say("7", 1, failed)
	w.until("refused", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_COMPANY))
	require.Empty(t, w.questions())
	w.clock.Add(10 * time.Minute)
	w.until("asked", func() bool { return len(w.questions()) == 1 })
}

func TestShadowModeWritesNothingAndGoingLiveCatchesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(shadow)
	w.start()
	w.say("7", 1, failed)
	w.say("7", 2, changed)
	w.say("7", 3, changed)
	w.drained()
	w.wasTold("7", "planned", "planned", "planned")
	for i, e := range w.ticketEvents() {
		require.Equal(t, uint32(i+1), e.GetRevision())
		require.Contains(t, e.GetSummary(), "SRV-7")
		require.Contains(t, e.GetText(), "WHAT IS WRONG")
	}
	w.settings(func(s *tenantv1.Settings) { s.Policy = &tenantv1.Policy{Version: "2"} })
	require.Empty(t, w.cw.Requests())

	w.settings(live)
	w.until("created", w.inPhase("7", open, 3))
	w.settings(shadow)
	w.cw.ResetCounts()
	w.say("7", 4, changed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_SHADOW))
	w.say("7", 5, resolved)
	w.drained()
	require.Equal(t, open, w.ledger("7").GetPhase())
	require.Empty(t, w.requests())
	w.settings(live)
	w.until("closed", w.inPhase("7", closed, 5))
	require.Equal(t, map[string]int{"r3": 2, "r5": 1}, noted(w.onlyTicket("7"), "7"))
}

func TestATenantWithoutSettingsWaitsForThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, revision, err := w.tenants.Get(t.Context(), bus.Key("harbor"))
	require.NoError(t, err)
	require.NoError(t, w.tenants.Delete(t.Context(), bus.Key("harbor"), revision))
	w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_NO_TENANT))
	w.settings(live)
	w.until("created", w.inPhase("7", open, 1))
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	require.Error(t, app.Run(t.Context(), app.Options{}))
}
