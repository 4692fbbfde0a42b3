package app_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// A ticketer that stands still between its decision and its request sends the request long after another has gone on with the
// incident, to its end. The ticket that it opens then is nobody's wish.
func TestATicketThatALateRequestOpensIsClosedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sentence string
		phase    ticketv1.Phase // how far the other one has come
		next     bool           // the device's next incident has the ticket
		people   bool           // what ended the incident's ticket was that people had closed it
		opened   bool           // people have opened it since, and that is on record
		lost     bool           // the answer to the late request is lost
		open     int
	}{
		{"after the end", closed, false, false, false, false, 0},
		{"in the middle of the end", closing, false, false, false, false, 0},
		{"after an end by what people did", closed, false, true, false, false, 0},
		{"when its answer is lost", closed, false, false, false, true, 0},
		{"not when people have opened it since", closed, false, false, true, false, 1},
		{"not when the device's next incident has it", closed, true, false, false, false, 1},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
			var armed atomic.Bool
			w.start(watching, func(o *app.Options) {
				o.OnStep = func(step string) {
					if step != "reopen ticket: begin" || !armed.CompareAndSwap(true, false) {
						return
					}
					if c.opened {
						require.NoError(w.t, w.cw.Person("mreyes").Reopen(w.onlyTicket("7").ID, "In Progress"))
					}
					if c.lost {
						w.fault(cwfake.Fault{Match: patchTicket, Times: 3, Kind: cwfake.FaultLostAnswer})
					}
					w.anotherEnds(c.phase, c.next, func(l *ticketv1.Ledger) {
						if c.people {
							l.OwnCloseBy, l.OwnCloseAt = "", nil
						}
						if c.opened {
							l.Observed.Closed, l.Observed.ClosedAt, l.Observed.ClosedBy, l.Observed.UpdatedBy = false, nil, "", "mreyes"
						}
					})
				}
			})
			w.comesLate(&armed)
			w.passes("over", func() bool { return w.ledger("7").GetPhase() == closed && len(w.cw.OpenTickets()) == c.open })
			w.looks(time.Hour)
			require.Len(t, w.cw.OpenTickets(), c.open)
			told := strings.Join(w.reasons("7", ticketv1.Action_ACTION_CLOSED), "; ")
			require.Equal(t, c.next, strings.Contains(told, "left open"), told)
		})
	}
}

// comesLate has a person close the ticket of device 7, and waits until the step that is armed for the answer was come to.
func (w *world) comesLate(armed *atomic.Bool) {
	w.t.Helper()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	id := w.onlyTicket("7").ID
	w.clock.Add(time.Minute)
	armed.Store(true)
	require.NoError(w.t, w.cw.Person("").Close(id, ""))
	w.passes("late", func() bool { return !armed.Load() })
}

// anotherEnds puts the records of device 7 down as another process leaves them that has ended its incident meanwhile.
func (w *world) anotherEnds(phase ticketv1.Phase, next bool, besides func(*ticketv1.Ledger)) {
	now := timestamppb.New(w.clock.Now())
	over, err := w.ledgers.Update(w.t.Context(), bus.Key("harbor", "7", "7-1"), func(l *ticketv1.Ledger) (*ticketv1.Ledger, error) {
		l = proto.CloneOf(l)
		l.Wanted = w.incident("7", 2, resolved)
		l.Shown, l.Phase, l.OwnCloseBy = l.Wanted, phase, cwfake.DefaultMember
		if phase == closed {
			l.ClosedAt, l.OwnCloseAt = now, now
		}
		besides(l)
		return l, nil
	})
	require.NoError(w.t, err)
	if !next {
		return
	}
	again := proto.CloneOf(over)
	again.IncidentId, again.Phase, again.ClosedAt, again.OwnCloseAt = "7-2", open, nil, nil
	again.Wanted = w.incident("7", 1, failed)
	again.Wanted.IncidentId = "7-2"
	again.Shown = again.Wanted
	again.Observed = proto.CloneOf(over.GetObserved())
	again.Observed.Closed = false
	_, err = w.ledgers.Put(w.t.Context(), bus.Key("harbor", "7", "7-2"), again, 0)
	require.NoError(w.t, err)
}

// Two tickets of others are for one device. A ticketer that stood still before it recorded that it took the one gives it back
// where another has taken the other meanwhile.
func TestATicketThatIsAdoptedLateIsGivenBack(t *testing.T) {
	t.Parallel()
	for sentence, reference := range map[string]string{"without a reference": "", "with that which people have given it since it was listed": "PO-4711"} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			adoptedLate(t, reference)
		})
	}
}

func adoptedLate(t *testing.T, reference string) {
	t.Helper()
	w := strange(t)
	other := w.person("COVE SVR SRV-7 #7 - Stale", "")
	taken := w.person("COVE SVR SRV-7 #7 - Failed", "")
	var armed atomic.Bool
	w.start(func(o *app.Options) {
		o.OnStep = func(step string) {
			if step != "record adoption: begin" || !armed.CompareAndSwap(true, false) {
				return
			}
			_, err := w.ledgers.Update(w.t.Context(), bus.Key("harbor", "7", "7-1"), func(l *ticketv1.Ledger) (*ticketv1.Ledger, error) {
				l = proto.CloneOf(l)
				l.Phase, l.TicketId, l.Shown, l.Park = open, int64(other), l.GetWanted(), nil
				l.Observed = &ticketv1.Observed{TicketId: int64(other), BoardId: serviceDesk}
				return l, nil
			})
			require.NoError(w.t, err)
		}
	})
	w.say("8", 1, failed)
	w.until("listed", w.inPhase("8", open, 1))
	w.clock.Add(time.Minute)
	if reference != "" {
		require.NoError(t, w.cw.Person("mreyes").Edit(taken, cwfake.Edit{ExternalXRef: reference}))
	}
	armed.Store(true)
	w.say("7", 1, failed)
	w.until("given back", func() bool { return !armed.Load() && w.ticket(taken).ExternalXRef == reference })
	w.drained()
	require.Equal(t, int64(other), w.ledger("7").GetTicketId())
	require.Equal(t, reference, w.ticket(taken).ExternalXRef)
	require.Len(t, w.cw.OpenTickets(), 3)
}

// The record of an incident may go with a backup that is restored under a running process.
func TestALateOpeningOfAnIncidentThatIsNotOnRecordAnyMoreHarmsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN })
	var armed atomic.Bool
	w.start(watching, func(o *app.Options) {
		o.OnStep = func(step string) {
			if step == "reopen ticket: begin" && armed.CompareAndSwap(true, false) {
				key := bus.Key("harbor", "7", "7-1")
				_, revision, err := w.ledgers.Get(w.t.Context(), key)
				require.NoError(w.t, err)
				require.NoError(w.t, w.ledgers.Delete(w.t.Context(), key, revision))
			}
		}
	})
	w.comesLate(&armed)
	w.looks(time.Hour)
	js, err := jetstream.New(w.nc)
	require.NoError(t, err)
	letters, err := js.Stream(t.Context(), "DLQ")
	require.NoError(t, err)
	require.Zero(t, letters.CachedInfo().State.LastSeq, "nothing is given up")
	require.Len(t, w.cw.Tickets(), 1)
}
