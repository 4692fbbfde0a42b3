package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// observe hands over what a look at a ticket would have shown.
func (w *world) observe(device string, ticket cwfake.Ticket) {
	w.t.Helper()
	o := &ticketv1.Observed{
		TicketId: int64(ticket.ID), BoardId: serviceDesk, Status: ticket.Status, Closed: ticket.ClosedFlag, MergedInto: int64(ticket.MergedInto),
		CompanyId: int64(ticket.CompanyID), Summary: ticket.Summary, Reference: ticket.ExternalXRef,
		LastUpdated: timestamppb.New(ticket.UpdatedAt), UpdatedBy: ticket.UpdatedBy,
	}
	if ticket.ClosedFlag {
		o.ClosedAt = timestamppb.New(ticket.ClosedAt)
	}
	require.NoError(w.t, w.bus.Publish(w.t.Context(), bus.Message{
		Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbObserved, Tenant: "harbor", Key: device},
		ID:      fmt.Sprintf("observed:%s:%d:%d", device, ticket.ID, ticket.UpdatedAt.UnixNano()),
		Body:    &ticketv1.Observation{SchemaVersion: 1, Tenant: "harbor", DeviceId: device, IncidentId: device + "-1", Observed: o},
	}))
}

// Every step of an answer to people is a place where a process can die, too.
func TestACrashAtAnyStepOfAnAnswerLeavesOneOpenTicketAndEveryNoteOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		settings func(*tenantv1.Tickets)
		prepare  func(w *world, device string) // before the process that dies
		say      func(w *world, device string) // what it answers
		notes    func(device string) map[string]int
		open     int // tickets of the device that are open in the end
		minSteps int
	}{
		{
			name:     "reopen",
			settings: func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN },
			prepare: func(w *world, device string) {
				w.clock.Add(time.Minute)
				require.NoError(w.t, w.cw.Person("").Close(w.onlyTicket(device).ID, ""))
			},
			say:   func(w *world, device string) { w.observe(device, w.onlyTicket(device)) },
			notes: func(string) map[string]int { return map[string]int{"r1": 2, "r1 back 1": 1} },
			open:  1, minSteps: 14,
		},
		{
			name:     "a new ticket",
			settings: func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW },
			prepare: func(w *world, device string) {
				w.clock.Add(time.Minute)
				require.NoError(w.t, w.cw.Person("").Close(w.onlyTicket(device).ID, ""))
			},
			say:   func(w *world, device string) { w.observe(device, w.onlyTicket(device)) },
			notes: func(string) map[string]int { return map[string]int{"r1": 2} },
			open:  1, minSteps: 12,
		},
		{
			name:     "a merge, and news on top of it",
			settings: nothing,
			prepare: func(w *world, device string) {
				w.clock.Add(time.Minute)
				target, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "the target of " + device, CompanyIdentifier: "acme"})
				require.NoError(w.t, err)
				require.NoError(w.t, w.cw.Person("").Merge(w.onlyTicket(device).ID, target, ""))
			},
			say: func(w *world, device string) {
				w.observe(device, w.onlyTicket(device))
				w.say(device, 2, changed)
			},
			notes: func(string) map[string]int { return map[string]int{"r2": 1} },
			open:  1, minSteps: 14,
		},
		{
			name:     "taking the last ticket up again",
			settings: func(s *tenantv1.Tickets) { s.ReopenWithin = durationpb.New(24 * time.Hour) },
			prepare: func(w *world, device string) {
				stop := w.start()
				w.say(device, 2, resolved)
				w.until("closed", w.inPhase(device, closed, 2))
				w.drained()
				stop()
			},
			say: func(w *world, device string) {
				e := w.incident(device, 1, failed)
				e.IncidentId = device + "-2"
				w.deliver(e, "")
			},
			notes: func(string) map[string]int { return map[string]int{"r1": 2, "r2": 1, "2 back": 1} },
			open:  1, minSteps: 12,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newMortalWorld(t)
			w.settings(func(s *tenantv1.Settings) { c.settings(s.Tickets) })
			fail := func(devices ...string) {
				stop := w.start()
				for _, device := range devices {
					w.say(device, 1, failed)
				}
				for _, device := range devices {
					w.until("created", w.inPhase(device, open, 1))
				}
				w.drained()
				stop()
			}
			last := func(device string) *ticketv1.Ledger {
				var found *ticketv1.Ledger
				for _, incident := range []string{device + "-1", device + "-2"} {
					l, _, err := w.ledgers.Get(w.t.Context(), bus.Key("harbor", device, incident))
					require.NoError(w.t, err)
					if l != nil {
						found = l
					}
				}
				return found
			}
			calm := func(device string) func() bool {
				return func() bool {
					l := last(device)
					if theirs, there := w.cw.Ticket(int(l.GetTicketId())); !there || theirs.ClosedFlag {
						return false
					}
					return l.GetPhase() == open && l.GetShown().GetRevision() == l.GetWanted().GetRevision() && l.GetNoteBegunRevision() == 0 &&
						l.GetPreface() == ticketv1.Preface_PREFACE_UNSPECIFIED && l.GetPark() == nil && !l.GetObserved().GetClosed()
				}
			}
			check := func(device string, before int) {
				ticket := w.ticket(int(last(device).GetTicketId()))
				require.False(t, ticket.ClosedFlag)
				got := map[string]int{}
				for key, n := range noted(ticket, device) {
					if len(key) > 10 { // the second incident's marker
						key = "2 back"
					}
					got[key] += n
				}
				require.Equal(t, c.notes(device), got)
				require.Len(t, w.cw.OpenTickets(), before+c.open)
			}
			fail("100")
			c.prepare(w, "100")
			before := len(w.cw.OpenTickets())
			if before > 0 {
				before-- // a merge's target counts as the device's
			}
			steps := w.runInto(0, func() { c.say(w, "100") }, calm("100"))
			check("100", before)
			require.GreaterOrEqual(t, len(steps), c.minSteps, "%q", steps)
			var devices []string
			for n := range steps {
				devices = append(devices, fmt.Sprint(201+n))
			}
			fail(devices...)
			for n := 1; n <= len(steps); n++ {
				device := devices[n-1]
				open := len(w.cw.OpenTickets()) - 1
				c.prepare(w, device)
				w.runInto(n, func() { c.say(w, device) }, nil)
				stop := w.start()
				w.eventually(fmt.Sprintf("recovered from a crash at step %d, %s", n, steps[n-1]), calm(device))
				w.drained()
				w.eventually("calm", calm(device))
				check(device, open)
				stop()
			}
			require.Empty(t, w.cw.Duplicates())
		})
	}
}
