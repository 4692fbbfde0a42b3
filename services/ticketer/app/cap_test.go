package app_test

import (
	"fmt"
	"strings"
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

// capped is a world whose tenant may make most tickets in an hour.
func capped(t *testing.T, most uint32) *world {
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) { s.Tickets.HourlyCap = most })
	return w
}

// rollups are the tickets that stand for devices beyond the cap.
func (w *world) rollups() []cwfake.Ticket {
	var all []cwfake.Ticket
	for _, ticket := range w.cw.Tickets() {
		if strings.Contains(ticket.Summary, "roll-up") {
			all = append(all, ticket)
		}
	}
	return all
}

func (w *world) waitsForTheCap() int {
	return w.ofTenant("harbor", func(l *ticketv1.Ledger) bool {
		return l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_CAPPED
	})
}

func TestTheRollUpComesAndFollowsWithinSeconds(t *testing.T) {
	w := capped(t, 2)
	w.own()
	w.start() // the next regular look is far away
	began := w.clock.Now()
	for i := range 6 {
		e := w.incident(fmt.Sprint(100+i), 1, failed)
		e.Severity = incidentv1.Severity_SEVERITY_WARNING
		if i == 5 {
			e.Severity = incidentv1.Severity_SEVERITY_CRITICAL
		}
		w.deliver(e, "")
		w.drained()
	}
	w.eventually("rolled up", func() bool { return len(w.rollups()) == 1 })
	require.Less(t, w.clock.Now().Sub(began), 30*time.Second)
	rollup := w.rollups()[0]
	require.Equal(t, []any{"HarborIT", "Priority 1 - Critical"}, []any{rollup.CompanyIdentifier, rollup.Priority})
	require.Contains(t, rollup.Notes[0].Text, "4 devices are in trouble")
	require.Contains(t, rollup.Notes[0].Text, "- SRV-105 (Acme): Failed: Files and Folders, critical, since 2026-11-20 16:00 (UTC-05:00), Cove device 105\n"+
		"- SRV-102 (Acme): Failed: Files and Folders, warning, since")

	for _, device := range []string{"102", "103"} { // half of them
		w.say(device, 2, resolved)
	}
	w.eventually("told", func() bool { return len(w.rollups()[0].Notes) == 3 })
	require.Contains(t, w.rollups()[0].Notes[2].Text, "2 devices are waiting for a separate ticket now; 4 before.")
	require.True(t, w.rollups()[0].Notes[2].Internal)
	for _, device := range []string{"104", "105"} {
		w.say(device, 2, resolved)
	}
	w.eventually("closed", func() bool { return w.rollups()[0].ClosedFlag })

	w.say("106", 1, failed)
	w.eventually("another one in the same hour", func() bool { return len(w.rollups()) == 2 })
	require.Less(t, w.clock.Now().Sub(began), 5*time.Minute)
	require.Contains(t, w.rollups()[1].Summary, "-2] Cove ALL roll-up - 1 more device in trouble")
	require.Len(t, w.cw.OpenTickets(), 3)
}

func TestWithoutACompanyOfItsOwnTheRollUpIsAtTheCustomersOfMostDevices(t *testing.T) {
	w := capped(t, 1)
	w.start()
	for i := range 3 {
		w.say(fmt.Sprint(100+i), 1, failed)
	}
	w.eventually("rolled up", func() bool { return len(w.rollups()) == 1 })
	require.Equal(t, 2, w.waitsForTheCap())
	require.Equal(t, "acme", w.rollups()[0].CompanyIdentifier)
	require.Contains(t, w.rollups()[0].Notes[1].Text, `THIS TICKET IS AT THE COMPANY OF "Acme"`)
}

func TestACapThatCannotUseTheNamedCompanyTakesAnother(t *testing.T) {
	w := capped(t, 1)
	w.settings(func(s *tenantv1.Settings) { s.Companies = &tenantv1.Companies{Own: "Nobody"} })
	w.start()
	for i := range 3 {
		w.say(fmt.Sprint(100+i), 1, failed)
	}
	rollup := func(l *ticketv1.Ledger) bool {
		return l.GetDeviceId() == "rollup" && l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_COMPANY
	}
	w.eventually("its company is asked for", func() bool { return w.ofTenant("harbor", rollup) == 1 })
	_, err := w.links.Put(t.Context(), bus.Key("harbor", "own"), &companyv1.Link{
		SchemaVersion: 1, Tenant: "harbor", Customer: &statusv1.Customer{Id: "own"}, State: companyv1.LinkState_LINK_STATE_MISSING,
		Reason: `no company "Nobody"`, CheckedAt: timestamppb.New(w.clock.Now()),
	}, 0)
	require.NoError(t, err)
	w.say("103", 1, failed)
	w.eventually("rolled up", func() bool { return len(w.rollups()) == 1 })
	require.Equal(t, "acme", w.rollups()[0].CompanyIdentifier)
}

func TestStartsUseUpNothingOfTheHourAndForgetNothing(t *testing.T) {
	w := capped(t, 10)
	w.own()
	for i := range 12 {
		stop := w.start()
		w.say(fmt.Sprint(100+i), 1, failed)
		w.drained()
		stop()
	}
	require.Len(t, w.cw.Tickets(), 10, "one of each start until the hour is full")
	require.Equal(t, 2, w.waitsForTheCap())
}

func TestACreateThatFailsUsesUpNothingOfTheHour(t *testing.T) {
	w := capped(t, 3)
	w.own()
	w.fault(cwfake.Fault{Match: postTicket, Kind: cwfake.FaultForbidden})
	w.start()
	w.say("7", 1, failed)
	w.until("refused", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_AUTH))
	w.say("7", 2, resolved)
	w.until("dropped", w.inPhase("7", dropped, 0))
	w.cw.ClearFaults()
	for i := range 4 {
		w.say(fmt.Sprint(100+i), 1, failed)
	}
	w.drained()
	require.Len(t, w.cw.Tickets(), 3)
	require.Equal(t, 1, w.waitsForTheCap())
}
