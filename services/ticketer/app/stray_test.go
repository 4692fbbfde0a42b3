package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// pointers counts the notes of a ticket that name another as the present one.
func pointers(t cwfake.Ticket) int {
	n := 0
	for _, note := range t.Notes {
		if strings.Contains(note.Text, "This ticket was opened again, while Covewise follows the trouble of this device in ticket ") && note.Internal {
			n++
		}
	}
	return n
}

// renewed is a world in which a person closed the ticket of device 7, which got a successor.
func renewed(t *testing.T) (w *world, old, next int) {
	t.Helper()
	w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW })
	require.NoError(t, w.cw.Person("").Close(ticket.ID, ""))
	w.passes("new ticket", func() bool {
		l := w.ledger("7")
		return l.GetPhase() == open && l.GetTicketId() != 0 && l.GetTicketId() != int64(ticket.ID)
	})
	w.clock.Add(time.Minute)
	return w, ticket.ID, int(w.ledger("7").GetTicketId())
}

// looks lets time go on for so long, in steps longer than a look.
func (w *world) looks(d time.Duration) {
	w.t.Helper()
	end := w.clock.Now().Add(d)
	w.until("time", func() bool {
		w.pass(10 * time.Minute)
		return w.clock.Now().After(end)
	})
	w.drained()
}

func TestAReplacedTicketThatPeopleOpenAgainNamesThePresentOne(t *testing.T) {
	t.Parallel()
	t.Run("once, and neither is closed; the end closes ours and leaves theirs", func(t *testing.T) {
		t.Parallel()
		w, old, next := renewed(t)
		require.NoError(t, w.cw.Person("").Reopen(old, ""))
		w.sees("7", "People opened ticket")
		w.looks(3 * time.Hour)
		require.Equal(t, 1, pointers(w.ticket(old)))
		require.Zero(t, pointers(w.ticket(next)))
		require.Equal(t, []bool{false, false}, []bool{w.ticket(old).ClosedFlag, w.ticket(next).ClosedFlag})
		w.wasTold("7", "created", "observed", "created", "observed")
		require.Len(t, w.ledger("7").GetRemarks(), 1)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		require.Equal(t, []bool{false, true}, []bool{w.ticket(old).ClosedFlag, w.ticket(next).ClosedFlag})
	})
	t.Run("once although the answer is lost", func(t *testing.T) {
		t.Parallel()
		w, old, _ := renewed(t)
		w.fault(cwfake.Fault{Match: postNote, Times: 1, Kind: cwfake.FaultLostAnswer})
		require.NoError(t, w.cw.Person("").Reopen(old, ""))
		w.sees("7", "People opened ticket")
		w.looks(2 * time.Hour)
		require.Equal(t, 1, pointers(w.ticket(old)))
	})
	t.Run("is the incident's again when they close the present one", func(t *testing.T) {
		t.Parallel()
		w, old, next := renewed(t)
		require.NoError(t, w.cw.Person("").Reopen(old, ""))
		require.NoError(t, w.cw.Person("").Close(next, ""))
		w.passes("followed there", func() bool { return w.ledger("7").GetTicketId() == int64(old) && w.inPhase("7", open, 1)() })
		w.looks(26 * time.Hour)
		require.Len(t, w.cw.OpenTickets(), 1)
		require.Equal(t, 1, noted(w.ticket(old), "7")["r1 back 1"])
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		require.Empty(t, w.cw.OpenTickets())
		require.Len(t, w.cw.Tickets(), 2)
	})
	t.Run("is recorded and left to them when the device is well", func(t *testing.T) {
		t.Parallel()
		w, old, _ := renewed(t)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("").Reopen(old, ""))
		w.sees("7", "It is over, and the ticket is left to them.")
		w.looks(2 * time.Hour)
		require.Zero(t, pointers(w.ticket(old)))
		w.wasTold("7", "created", "observed", "created", "closed", "observed")
	})
}

func TestTheTicketOfAnEndedIncidentThatPeopleOpenAgainNamesTheOneOfTheNext(t *testing.T) {
	t.Parallel()
	two := func(t *testing.T) (w *world, old int, second func() *ticketv1.Ledger) {
		t.Helper()
		w, ticket := failing(t, nothing)
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
		e := w.incident("7", 1, failed)
		e.IncidentId = "7-2"
		w.deliver(e, "")
		second = func() *ticketv1.Ledger {
			l, _, err := w.ledgers.Get(w.t.Context(), bus.Key("harbor", "7", "7-2"))
			require.NoError(w.t, err)
			return l
		}
		w.until("created", func() bool { return second().GetPhase() == open })
		w.clock.Add(time.Minute)
		return w, ticket.ID, second
	}
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		w, old, second := two(t)
		require.NoError(t, w.cw.Person("").Reopen(old, ""))
		w.sees("7", "People opened ticket")
		w.looks(3 * time.Hour)
		require.Equal(t, 1, pointers(w.ticket(old)))
		require.NotEqual(t, int64(old), second().GetTicketId())
		require.Len(t, w.cw.OpenTickets(), 2)
	})
	t.Run("and is taken up when they close that one", func(t *testing.T) {
		t.Parallel()
		w, old, second := two(t)
		next := int(second().GetTicketId())
		require.NoError(t, w.cw.Person("").Reopen(old, ""))
		w.sees("7", "People opened ticket")
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("").Close(next, ""))
		w.passes("taken up", func() bool {
			return second().GetTicketId() == int64(old) && second().GetPhase() == open && second().GetPark() == nil
		})
		w.looks(26 * time.Hour)
		require.Len(t, w.cw.OpenTickets(), 1)
	})
}

// Two devices' tickets were merged into a person's, who closes it, and opens it again for work of their own. The one device has
// another ticket by then; the other's waits.
func TestAPersonsTicketIsNotToldOfAnother(t *testing.T) {
	t.Parallel()
	w, seven := failing(t, replacing)
	key := bus.Key("harbor", "71")
	link, _, err := w.links.Get(t.Context(), bus.Key("harbor", "70"))
	require.NoError(t, err)
	link.Customer = &statusv1.Customer{Id: "71", Name: "Acme"}
	_, err = w.links.Update(t.Context(), key, func(*companyv1.Link) (*companyv1.Link, error) { return link, nil })
	require.NoError(t, err)
	e := w.incident("8", 1, failed)
	e.Customer.Id = "71"
	w.deliver(e, "")
	w.until("created", w.inPhase("8", open, 1))
	theirs, err := w.cw.Person("mreyes").CreateTicket(cwfake.NewTicket{Summary: "Storage is full", CompanyIdentifier: "acme"})
	require.NoError(t, err)
	w.clock.Add(time.Minute)
	for device, ticket := range map[string]int{"7": seven.ID, "8": w.onlyTicket("8").ID} {
		require.NoError(t, w.cw.Person("mreyes").Merge(ticket, theirs, ""))
		w.passes("followed", func() bool { return w.ledger(device).GetTicketId() == int64(theirs) })
	}
	w.looks(20 * time.Minute)
	_, revision, err := w.links.Get(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, w.links.Delete(t.Context(), key, revision))
	require.NoError(t, w.cw.Person("mreyes").Close(theirs, ""))
	w.passes("renewed", func() bool {
		return w.ledger("7").GetTicketId() > int64(theirs) && w.ledger("8").GetPark() != nil && w.ledger("8").GetTicketId() == 0
	})
	w.looks(20 * time.Minute)
	require.NoError(t, w.cw.Person("mreyes").Reopen(theirs, ""))
	before := len(w.ticket(theirs).Notes)
	w.looks(3 * time.Hour)
	require.Len(t, w.ticket(theirs).Notes, before)
}
