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

// restored is a world whose ticketer begins anew with the record of device 7's incident as it was before people closed its
// ticket and it got another; that of the looks is not restored, so that only the hourly comparison shows both.
func restored(t *testing.T, policy func(*tenantv1.Tickets), meanwhile func(w *world, next int)) (w *world, old, next int) {
	t.Helper()
	w = newWorld(t)
	w.settings(func(s *tenantv1.Settings) { policy(s.Tickets) })
	stop := w.start(watching)
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.clock.Add(time.Minute)
	old = w.onlyTicket("7").ID
	backup := w.ledger("7")
	require.NoError(t, w.cw.Person("mreyes").Close(old, "Resolved"))
	w.looks(26 * time.Hour)
	w.passes("replaced", func() bool { return w.inPhase("7", open, 1)() && w.ledger("7").GetTicketId() != int64(old) })
	next = int(w.ledger("7").GetTicketId())
	w.clock.Add(10 * time.Minute)
	meanwhile(w, next)
	stop()
	w.rewind("7", backup)
	return w, old, next
}

// rewind puts a device's record back.
func (w *world) rewind(device string, l *ticketv1.Ledger) {
	w.t.Helper()
	_, err := w.ledgers.Update(w.t.Context(), bus.Key("harbor", device, device+"-1"), func(*ticketv1.Ledger) (*ticketv1.Ledger, error) { return l, nil })
	require.NoError(w.t, err)
}

// forgets deletes a device's record, as a backup that is older than the incident has none.
func (w *world) forgets(device string) {
	w.t.Helper()
	key := bus.Key("harbor", device, device+"-1")
	_, revision, err := w.ledgers.Get(w.t.Context(), key)
	require.NoError(w.t, err)
	require.NoError(w.t, w.ledgers.Delete(w.t.Context(), key, revision))
}

func replacing(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW }

func TestABackupFromBeforeATicketWasReplacedMakesNoThird(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]func(*tenantv1.Tickets){
		"after a closing that was respected": nothing,
		"where a closing brings another":     replacing,
		"where nobody will fix it":           func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_WONT_FIX },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, old, next := restored(t, nothing, func(*world, int) {})
			w.settings(func(s *tenantv1.Settings) { policy(s.Tickets) })
			w.start(watching)
			w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(next) && w.inPhase("7", open, 1)() })
			w.looks(3 * time.Hour)
			require.Equal(t, []int64{int64(old)}, w.ledger("7").GetFormerTicketIds())
			require.Len(t, w.cw.Tickets(), 2)
			require.Len(t, w.cw.OpenTickets(), 1)
			require.Empty(t, w.cw.Duplicates())
			require.Empty(t, w.orphans())
			w.say("7", 2, resolved)
			w.until("closed", w.inPhase("7", closed, 2))
			require.Empty(t, w.cw.OpenTickets())
		})
	}
	t.Run("also when people work in the one that replaced it", func(t *testing.T) {
		t.Parallel()
		w, _, next := restored(t, replacing, func(w *world, next int) {
			require.NoError(t, w.cw.Person("mreyes").Edit(next, cwfake.Edit{Owner: "mreyes"}))
		})
		w.start(watching)
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(next) && w.inPhase("7", open, 1)() })
		w.looks(3 * time.Hour)
		require.Len(t, w.cw.Tickets(), 2)
		require.Len(t, w.cw.OpenTickets(), 1)
	})
	t.Run("nor when the device has news before anybody looks", func(t *testing.T) {
		t.Parallel()
		w, old, next := restored(t, replacing, func(*world, int) {})
		// The closing comes to light before the open ticket does.
		require.NoError(t, w.cw.Person("mreyes").Edit(old, cwfake.Edit{Summary: "done"}))
		w.start()
		w.requests()
		w.say("7", 2, changed)
		w.until("followed", func() bool { return w.ledger("7").GetTicketId() == int64(next) && w.inPhase("7", open, 2)() })
		require.Zero(t, w.requests()[postTicket])
		require.Len(t, w.cw.Tickets(), 2)
		require.Equal(t, uint32(1), w.ledger("7").GetRenewals())
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("mreyes").Close(next, ""))
		w.say("7", 3, changed)
		w.until("replaced", func() bool { return len(w.cw.Tickets()) == 3 && w.inPhase("7", open, 3)() })
		require.Equal(t, w.reference("7-1:3"), w.cw.OpenTickets()[0].ExternalXRef)
		require.Empty(t, w.cw.Duplicates())
	})
}

func TestTheOtherOfTwoTicketsIsFollowedWhenPeopleTakeThePresentOneAway(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(w *world, ticket int) error{
		"closed":  func(w *world, ticket int) error { return w.cw.Person("mreyes").Close(ticket, "") },
		"deleted": func(w *world, ticket int) error { return w.cw.Person("mreyes").Delete(ticket) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, twin := lagging(t)
			require.NoError(t, act(w, int(w.ledger("7").GetTicketId())))
			w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(twin) && w.inPhase("7", open, 1)() })
			w.looks(3 * time.Hour)
			require.False(t, w.ticket(twin).ClosedFlag)
			require.Len(t, w.cw.OpenTickets(), 1)
			require.Zero(t, closings(w.ticket(twin), "7"))
			require.Empty(t, w.orphans())
			w.say("7", 2, resolved)
			w.until("closed", w.inPhase("7", closed, 2))
			require.Empty(t, w.cw.OpenTickets())
		})
	}
	t.Run("and merged on, which is told as well", func(t *testing.T) {
		t.Parallel()
		w, twin := lagging(t)
		theirs, err := w.cw.Person("mreyes").CreateTicket(cwfake.NewTicket{Summary: "Disk of SRV-7", CompanyIdentifier: "acme"})
		require.NoError(t, err)
		require.NoError(t, w.cw.Person("mreyes").Close(int(w.ledger("7").GetTicketId()), ""))
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(twin) && w.inPhase("7", open, 1)() })
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("mreyes").Merge(twin, theirs, ""))
		w.passes("followed there", func() bool { return w.ledger("7").GetTicketId() == int64(theirs) })
		w.drained()
		all := w.reasons("7", ticketv1.Action_ACTION_ADOPTED)
		require.Len(t, all, 2)
		require.Equal(t, fmt.Sprintf("ticket %d was merged into it", twin), all[1])
	})
	t.Run("closed, where people who close a ticket get it back", func(t *testing.T) {
		t.Parallel()
		w, twin := lagging(t)
		w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
		present := int(w.ledger("7").GetTicketId())
		require.NoError(t, w.cw.Person("mreyes").Close(present, ""))
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(twin) && w.inPhase("7", open, 1)() })
		w.looks(3 * time.Hour)
		require.True(t, w.ticket(present).ClosedFlag, "they have chosen which of the two they want")
		require.Len(t, w.cw.OpenTickets(), 1)
		last := w.ticket(twin).Notes[len(w.ticket(twin).Notes)-1].Text
		require.Contains(t, last, fmt.Sprintf("It is followed in place of ticket %d.", present))
		require.NotContains(t, last, "mreyes", "customers may read it")
		told := w.reasons("7", ticketv1.Action_ACTION_ADOPTED)
		require.Contains(t, told[len(told)-1], fmt.Sprintf("It is followed in place of ticket %d, closed by mreyes: this one is open, and the device fails.", present))
	})
	t.Run("merged into it", func(t *testing.T) {
		t.Parallel()
		w, twin := lagging(t)
		require.NoError(t, w.cw.Person("mreyes").Merge(int(w.ledger("7").GetTicketId()), twin, ""))
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(twin) })
		w.looks(3 * time.Hour)
		require.False(t, w.ticket(twin).ClosedFlag)
		require.Empty(t, w.orphans())
	})
	t.Run("opened again after it was closed as a twin", func(t *testing.T) {
		t.Parallel()
		w, twin := lagging(t)
		w.passes("closed", func() bool { return w.ticket(twin).ClosedFlag })
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("mreyes").Reopen(twin, ""))
		require.NoError(t, w.cw.Person("mreyes").Close(int(w.ledger("7").GetTicketId()), ""))
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(twin) && w.inPhase("7", open, 1)() })
		require.Len(t, w.cw.OpenTickets(), 1)
	})
}

// A record that was restored numbers incidents anew, so that an old ticket may bear the reference of a new one.
func TestALostAnswerIsNotTakenForAnOldTicketOfTheSameNumber(t *testing.T) {
	t.Parallel()
	numberedAnew := func(t *testing.T, later time.Duration, fault cwfake.Fault) (w *world, old int) {
		t.Helper()
		w = newWorld(t)
		stop := w.start(watching)
		w.say("7", 1, failed)
		w.until("open", w.inPhase("7", open, 1))
		old = w.onlyTicket("7").ID
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("mreyes").Close(old, ""))
		w.say("7", 2, resolved)
		w.until("over", func() bool { return w.ledger("7").GetPhase() == closed })
		stop()
		w.forgets("7")
		w.clock.Add(later)
		w.start(watching)
		w.fault(fault)
		w.deliver(w.incident("7", 1, failed), "again")
		w.eventually("has a ticket", func() bool { return w.inPhase("7", open, 1)() })
		w.looks(3 * time.Hour)
		require.Len(t, w.cw.Tickets(), 2)
		require.Len(t, w.cw.OpenTickets(), 1)
		require.Equal(t, int64(w.cw.OpenTickets()[0].ID), w.ledger("7").GetTicketId())
		require.Empty(t, w.ledger("7").GetFormerTicketIds(), "the old one never was this incident's")
		require.Empty(t, w.orphans())
		return w, old
	}
	for name, later := range map[string]time.Duration{"closed an hour ago": time.Hour, "closed long ago": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := numberedAnew(t, later, cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
			require.Contains(t, w.lastObserved("7"), "2 tickets have the incident's reference: ")
		})
	}
	t.Run("also when the create did not arrive", func(t *testing.T) {
		t.Parallel()
		numberedAnew(t, 48*time.Hour, cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultDrop})
	})
}

// A restored record numbers incidents anew. A ticket that bore the number before, and was closed when its device was well, says
// nothing about what fails since.
func TestAClosedTicketOfTheSameNumberHidesNothing(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		byHand bool
		policy tenantv1.HandClose
	}{
		"closed by Covewise": {false, tenantv1.HandClose_HAND_CLOSE_RESPECT},
		"closed by Covewise, where nothing that people close is followed": {false, tenantv1.HandClose_HAND_CLOSE_WONT_FIX},
		"closed by a person": {true, tenantv1.HandClose_HAND_CLOSE_RESPECT},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = c.policy })
			old := w.left("", "[CW-7-1] Cove SVR SRV-7 - Failed", w.reference("7-1"))
			w.start(watching)
			w.say("8", 1, failed)
			w.until("listed", w.inPhase("8", open, 1))
			w.clock.Add(time.Minute)
			if c.byHand {
				require.NoError(t, w.cw.Person("mreyes").Close(old, ""))
			} else {
				w.judged("7", well)
			}
			w.passes("closed", func() bool { return w.ticket(old).ClosedFlag })
			w.looks(3 * time.Hour)
			w.say("7", 1, failed)
			w.until("open", w.inPhase("7", open, 1))
			require.NotEqual(t, int64(old), w.ledger("7").GetTicketId())
			require.True(t, w.ticket(old).ClosedFlag)
			require.Len(t, w.cw.OpenTickets(), 2)
		})
	}
}
