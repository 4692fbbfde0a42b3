package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestScriptTicketsThatTechniciansHaveWrittenInAreAdopted(t *testing.T) {
	t.Parallel()
	w := strange(t)
	w.judged("22", well)
	adopted := map[string]int{
		"7":  w.person("URGENT: COVE SVR SRV-7 #7 - Failed", ""),
		"8":  w.person("[Bob] Cove: [Server] SRV-8 (ID: 8) - Critical - Failed", ""),
		"9":  w.person("COVE SVR SRV-9 #9 - Failed (parts #12 - see Bob)", ""),
		"10": w.person("COVE WKS PC-10 #10 - Stale", ""),
		"22": w.person("COVE SVR DB #1 - old #22 - Failed", ""),
	}
	left := []int{
		w.person("Ask Bob about COVE WKS PC-10 #10 - Stale", ""),
		w.person("RE: COVE SVR SRV-11 #11 - Failed", ""),
		w.person("Recover files, order #13 - urgent", ""),
		w.person("Cove training for branch #7", ""),
	}
	w.start()
	for _, d := range []string{"7", "8", "9", "10", "22", "11", "12", "13"} {
		w.say(d, 1, failed)
		w.until("open "+d, w.inPhase(d, open, 1))
		if ticket, there := adopted[d]; there {
			require.Equal(t, int64(ticket), w.ledger(d).GetTicketId(), d)
		} else {
			w.wasTold(d, "created")
		}
	}
	for _, ticket := range left {
		got := w.ticket(ticket)
		require.Equal(t, []any{0, ""}, []any{len(got.Notes), got.ExternalXRef}, got.Summary)
	}
	require.Equal(t, "URGENT: COVE SVR SRV-7 #7 - Failed", w.ticket(adopted["7"]).Summary)
}

// rmm is the reference of another integration.
const rmm = "RMM-4711"

// Another integration takes the reference of our ticket for itself.
func TestATicketWhoseReferenceOthersChangedIsSeenBeforeItIsWrittenTo(t *testing.T) {
	t.Parallel()
	for sentence, edit := range map[string]cwfake.Edit{
		"by its summary": {ExternalXRef: rmm},
		"by its id":      {ExternalXRef: rmm, Summary: "ask Bob"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			w.say("7", 1, failed)
			w.until("created", w.inPhase("7", open, 1))
			w.say("8", 1, failed)
			w.until("created", w.inPhase("8", open, 1))
			ticket, other := w.onlyTicket("7").ID, w.onlyTicket("8").ID
			w.clock.Add(time.Minute)
			require.NoError(t, w.cw.Person("rmm").Edit(ticket, edit))
			require.NoError(t, w.cw.Person("mreyes").Close(ticket, "Resolved"))
			before := w.ticket(ticket)
			w.clock.Add(10 * time.Minute)
			require.NoError(t, w.cw.Person("mreyes").Edit(other, cwfake.Edit{Summary: "[CW-8-1] ask Ann"}))
			w.say("8", 2, changed)
			w.until("a look for another", w.inPhase("8", open, 2))
			w.clock.Add(10 * time.Minute)
			w.requests()
			w.say("7", 2, resolved)
			w.until("over", w.inPhase("7", closed, 1))
			require.Equal(t, map[string]int{listTickets: 1}, w.requests(), "the look before the write, and no write")
			require.Equal(t, before, w.ticket(ticket))
			require.Contains(t, w.observed("7")[0], `closed with status "Resolved" by mreyes`)
			require.Contains(t, w.observed("7")[0], `external reference changed`)
		})
	}
	t.Run("in a storm, too, at no further request", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.start()
		devices := []string{"7", "8", "9", "10", "11", "12"}
		for _, device := range devices {
			w.say(device, 1, failed)
			w.until("created", w.inPhase(device, open, 1))
			ticket := w.onlyTicket(device).ID
			w.clock.Add(time.Minute)
			require.NoError(t, w.cw.Person("rmm").Edit(ticket, cwfake.Edit{ExternalXRef: rmm + device}))
			require.NoError(t, w.cw.Person("mreyes").Close(ticket, "Resolved"))
		}
		w.clock.Add(time.Minute)
		w.requests()
		for _, device := range devices {
			w.say(device, 2, resolved)
		}
		for _, device := range devices {
			w.until("over", w.inPhase(device, closed, 1))
		}
		require.Equal(t, map[string]int{listTickets: 1}, w.requests())
	})
	t.Run("and by the next look without any write", func(t *testing.T) {
		t.Parallel()
		w, ticket := failing(t, nothing)
		require.NoError(t, w.cw.Person("rmm").Edit(ticket.ID, cwfake.Edit{ExternalXRef: rmm}))
		by := w.clock.Now()
		w.sees("7", "external reference changed")
		require.Less(t, w.clock.Now().Sub(by), 20*time.Minute)
		require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, "Resolved"))
		by = w.clock.Now()
		w.sees("7", `closed with status "Resolved" by mreyes`)
		require.Less(t, w.clock.Now().Sub(by), 20*time.Minute)
	})
}

// failsAgain gives device 7 its second incident, and waits for the ticket.
func (w *world) failsAgain() *ticketv1.Ledger {
	w.t.Helper()
	e := w.incident("7", 1, failed)
	e.IncidentId = "7-2"
	w.deliver(e, "")
	var l *ticketv1.Ledger
	w.until("a ticket", func() bool {
		var err error
		l, _, err = w.ledgers.Get(w.t.Context(), bus.Key("harbor", "7", "7-2"))
		require.NoError(w.t, err)
		return l.GetPhase() == open && l.GetShown().GetRevision() == 1
	})
	return l
}

// A ticket that bears no reference of ours is followed when its incident is over, too.
func TestATicketWithAReferenceOfOthersThatPeopleOpenAgainServesAgain(t *testing.T) {
	t.Parallel()
	for sentence, begin := range map[string]func(t *testing.T) (*world, int){
		"one that was adopted": func(t *testing.T) (*world, int) {
			w := strange(t)
			id := w.person("COVE SVR SRV-7 #7 - Failed", rmm)
			w.start(watching)
			w.say("7", 1, failed)
			w.until("adopted", w.inPhase("7", open, 1))
			return w, id
		},
		"one of ours that others took": func(t *testing.T) (*world, int) {
			w, ticket := failing(t, nothing)
			require.NoError(t, w.cw.Person("rmm").Edit(ticket.ID, cwfake.Edit{ExternalXRef: rmm}))
			w.sees("7", "external reference changed")
			return w, ticket.ID
		},
		"one that a person has renamed besides": func(t *testing.T) (*world, int) {
			w, ticket := failing(t, nothing)
			require.NoError(t, w.cw.Person("mreyes").Edit(ticket.ID, cwfake.Edit{ExternalXRef: rmm, Summary: "ask Bob"}))
			w.sees("7", "external reference changed")
			return w, ticket.ID
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w, ticket := begin(t)
			w.clock.Add(time.Minute)
			w.say("7", 2, resolved)
			w.until("closed", w.inPhase("7", closed, 2))
			require.True(t, w.ticket(ticket).ClosedFlag)
			w.clock.Add(10 * 24 * time.Hour)
			w.drained()
			require.NoError(t, w.cw.Person("mreyes").Reopen(ticket, ""))
			w.sees("7", "opened again")
			require.Equal(t, int64(ticket), w.failsAgain().GetTicketId())
			w.looks(2 * time.Hour)
			require.Len(t, w.cw.OpenTickets(), 1)
		})
	}
}

func TestAReplacedTicketWithAReferenceOfOthersThatPeopleOpenAgainNamesThePresentOne(t *testing.T) {
	t.Parallel()
	w := strange(t)
	w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW })
	id := w.person("COVE SVR SRV-7 #7 - Failed", rmm)
	w.start(watching)
	w.say("7", 1, failed)
	w.until("adopted", w.inPhase("7", open, 1))
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("mreyes").Close(id, ""))
	w.passes("replaced", func() bool { l := w.ledger("7"); return l.GetPhase() == open && l.GetTicketId() != int64(id) })
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("mreyes").Reopen(id, ""))
	w.sees("7", fmt.Sprintf("People opened ticket %d again", id))
	w.looks(3 * time.Hour)
	require.Equal(t, 1, pointers(w.ticket(id)))
}

// A person's ticket that ours was merged into is theirs again when the trouble is over, whatever it speaks of.
func TestAPersonsTicketThatOursWasMergedIntoIsTheirsWhenTheTroubleIsOver(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, nothing)
	theirs := w.person("Server recovery", rmm)
	require.NoError(t, w.cw.Person("mreyes").Merge(ticket.ID, theirs, ""))
	w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(theirs) && w.ledger("7").GetPreface() == 0 })
	w.say("7", 2, resolved)
	w.until("over", func() bool { return w.ledger("7").GetPhase() == closed })
	require.NoError(t, w.cw.Person("mreyes").Close(theirs, ""))
	w.looks(time.Hour)
	next := w.failsAgain()
	require.NotEqual(t, int64(theirs), next.GetTicketId())
	w.clock.Add(time.Minute)
	notes := len(w.ticket(theirs).Notes)
	told := len(w.observed("7"))
	require.NoError(t, w.cw.Person("mreyes").Reopen(theirs, ""))
	w.looks(3 * time.Hour)
	require.Len(t, w.ticket(theirs).Notes, notes)
	require.Len(t, w.observed("7"), told)
}

func TestAPersonsTicketThatOursWasMergedIntoIsTheirsWhenItWasReplaced(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW })
	theirs := w.person("Server recovery", rmm)
	require.NoError(t, w.cw.Person("mreyes").Merge(ticket.ID, theirs, ""))
	w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(theirs) && w.ledger("7").GetPreface() == 0 })
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("mreyes").Close(theirs, ""))
	w.passes("replaced", func() bool { l := w.ledger("7"); return l.GetPhase() == open && l.GetTicketId() != int64(theirs) })
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("mreyes").Reopen(theirs, ""))
	w.looks(3 * time.Hour)
	require.Zero(t, pointers(w.ticket(theirs)))
	require.Empty(t, w.ledger("7").GetRemarks())
}
