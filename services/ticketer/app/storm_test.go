package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// own answers for the MSP's own company.
func (w *world) own() {
	w.t.Helper()
	_, err := w.links.Put(w.t.Context(), bus.Key("harbor", "own"), &companyv1.Link{
		SchemaVersion: 1, Tenant: "harbor", Customer: &statusv1.Customer{Id: "own"}, State: companyv1.LinkState_LINK_STATE_LINKED,
		Company: &companyv1.Company{Id: 2, Identifier: "HarborIT", Name: "Harbor IT"}, CheckedAt: timestamppb.New(w.clock.Now()),
	}, 0)
	require.NoError(w.t, err)
}

func TestTicketsBeyondTheHourlyCapAreRolledUpAndFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.own()
	w.settings(func(s *tenantv1.Settings) { s.Tickets.HourlyCap = 10 })
	w.start(watching)
	var devices []string
	for i := range 15 {
		devices = append(devices, fmt.Sprint(100+i))
		w.say(devices[i], 1, failed)
	}
	w.drained()
	count := func(phase ticketv1.Phase) int {
		n := 0
		for _, d := range devices {
			if w.ledger(d).GetPhase() == phase {
				n++
			}
		}
		return n
	}
	require.Equal(t, []int{10, 5}, []int{count(open), count(phaseNew)})
	require.Len(t, w.cw.Tickets(), 10)

	rollups := func() []cwfake.Ticket {
		var all []cwfake.Ticket
		for _, ticket := range w.cw.Tickets() {
			if ticket.CompanyIdentifier == "HarborIT" {
				all = append(all, ticket)
			}
		}
		return all
	}
	w.passes("rolled up", func() bool { return len(rollups()) == 1 })
	require.Regexp(t, `^\[CW-rollup-\d+\] Cove ALL roll-up - 5 more devices in trouble than tickets for an hour$`, rollups()[0].Summary)
	var waiting string
	for _, d := range devices {
		if w.ledger(d).GetPhase() == phaseNew {
			waiting = d
			require.Contains(t, rollups()[0].Notes[0].Text, "device "+d)
		}
	}
	w.say(waiting, 2, resolved)
	w.until("dropped", w.inPhase(waiting, dropped, 0))

	w.passes("everybody else has a ticket", func() bool { return count(open) == 14 })
	w.passes("the roll-up is closed", func() bool { return rollups()[0].ClosedFlag })
	require.Len(t, w.cw.OpenTickets(), 14)
	require.Len(t, w.cw.Tickets(), 15)
	require.Empty(t, w.cw.Duplicates())
}

func TestTicketsOfAGroupBecomeChildrenOfItsTicket(t *testing.T) {
	t.Parallel()
	const attach = "POST /service/tickets/{parentId}/attachChildren"
	group := func(w *world, revision uint32, kind incidentv1.EventKind) {
		e := w.incident("group-9f", revision, kind)
		e.Scope, e.Customer = incidentv1.Scope_SCOPE_GROUP, &statusv1.Customer{Id: "own", Name: "Harbor IT"}
		w.deliver(e, "")
	}
	member := func(w *world, device string) {
		e := w.incident(device, 1, failed)
		e.GroupIncidentId = "group-9f-1"
		w.deliver(e, "")
	}
	attached := func(w *world, device string) func() bool {
		return func() bool { return w.ledger(device).GetAttachedTo() != 0 && w.ledger(device).GetPark() == nil }
	}
	t.Run("whichever comes first, and though an answer is lost", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.own()
		w.fault(cwfake.Fault{Match: attach, Times: 1, Kind: cwfake.FaultLostAnswer})
		w.start()
		member(w, "7")
		w.until("waits for the group", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_GROUP))
		group(w, 1, failed)
		w.until("created", func() bool { return w.ledger("group-9f").GetPhase() == open })
		member(w, "8")
		w.until("attached", attached(w, "8"))
		w.eventually("attached", attached(w, "7"))
		parent := int(w.ledger("group-9f").GetTicketId())
		require.Equal(t, []int{parent, parent}, []int{w.onlyTicket("7").ParentID, w.onlyTicket("8").ParentID})
		require.Equal(t, 2, w.requests()[attach])
		w.say("7", 2, resolved)
		w.until("closed", w.inPhase("7", closed, 2))
	})
	t.Run("unless ConnectWise refuses, which is told once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.own()
		w.start()
		group(w, 1, failed)
		w.until("created", func() bool { return w.ledger("group-9f").GetPhase() == open })
		above, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "above", CompanyIdentifier: "acme"})
		require.NoError(t, err)
		require.NoError(t, w.cw.Person("").AttachChild(above, int(w.ledger("group-9f").GetTicketId())))
		member(w, "7")
		w.until("given up", func() bool { return w.ledger("7").GetAttachOver() })
		w.wasTold("7", "created", "observed")
		w.say("7", 2, changed)
		w.until("annotated", w.inPhase("7", open, 2))
		require.Equal(t, 1, w.requests()[attach])
	})
	t.Run("unless the group is over before it has a ticket", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.start()
		member(w, "7")
		w.until("waits for the group", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_GROUP))
		group(w, 1, failed)
		group(w, 2, resolved)
		w.drained()
		w.eventually("stands alone", func() bool { return w.ledger("7").GetAttachOver() && w.ledger("7").GetPark() == nil })
		require.Zero(t, w.requests()[attach])
	})
}

func TestOldLedgersAreForgotten(t *testing.T) {
	t.Parallel()
	w, _ := failing(t, nothing)
	w.say("8", 1, failed)
	w.until("created", w.inPhase("8", open, 1))
	w.say("7", 2, resolved)
	w.until("closed", w.inPhase("7", closed, 2))
	w.clock.Add(399 * 24 * time.Hour)
	w.passes("a look", func() bool { return w.cw.Counts()[listTickets] > 1 })
	require.NotNil(t, w.ledger("7"))
	w.clock.Add(2 * 24 * time.Hour)
	w.passes("forgotten", func() bool { return w.ledger("7") == nil })
	require.NotNil(t, w.ledger("8"), "its incident is not over")
}
