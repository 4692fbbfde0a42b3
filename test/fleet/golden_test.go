package fleet_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/clock/clocktest"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/test/harness"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Every text that Covewise writes about the fleet, for people to read: run with -update after a change, and look at
// what changed. Incidents of customers without a company go to a catch-all one after an hour, so that every incident has
// its ticket.
func TestTheTextsOfTheFleetsTickets(t *testing.T) {
	began := time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC)
	options := harness.Options{
		Modes: []harness.Mode{harness.Embedded},
		Clock: func() clock.Clock { return clocktest.New(began) },
	}
	l := load(t, ownFleet)
	harness.Run(t, options, func(t *testing.T, h *harness.Harness) {
		l.companies = append(l.companies, cwfake.Company{ID: 399, Identifier: "LanternBay", Name: "Lantern Bay IT", Status: "Active"})
		tn := h.AddTenant("lantern", l.fleet, l.companies, func(s *tenantv1.Settings) {
			s.Companies.CatchAll = "LanternBay"
			s.Tickets.TimeZone = "Europe/Berlin"
		})
		h.WaitFirstCalm()
		for _, p := range ownPlaces() {
			if p.waits != companyv1.LinkState_LINK_STATE_UNSPECIFIED {
				require.Zero(t, tn.Ledger(p.device).GetTicketId(), "device %d waits for its company before the catch-all one takes it", p.device)
			}
		}
		h.Later(time.Hour)
		h.Settles("every incident has its ticket", func() string { return withoutTicket(h, tn) })
		// One gets worse, one works again, one is removed; the notes about it are in the file too.
		tn.Fail(2210031, harness.NoShadow)
		require.NoError(t, tn.Cove.UpdateDevice(5210011, func(d *covefake.Device) { d.Set("T7", "0") }))
		require.True(t, tn.Cove.RemoveDevice(2210039))
		h.WaitCalm()
		h.WaitCalm()

		var out strings.Builder
		tickets := tn.PSA.Tickets()
		slices.SortFunc(tickets, func(a, b cwfake.Ticket) int { return cmp.Compare(a.ExternalXRef, b.ExternalXRef) })
		for _, ticket := range tickets {
			write(&out, ticket)
		}
		golden := filepath.Join("..", "testdata", "tickets.golden.txt")
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), out.String(), "the texts changed; run with -update and read what changed")
	})
}

// withoutTicket names a device in trouble that has no ticket yet. What is due by the clock comes about as it moves on.
func withoutTicket(h *harness.Harness, tn *harness.Tenant) string {
	for _, p := range ownPlaces() {
		if p.judged != nil && tn.Ledger(p.device).GetTicketId() == 0 {
			h.Clock.(*clocktest.Clock).Add(time.Second)
			return fmt.Sprintf("device %d waits: %s", p.device, tn.Ledger(p.device).GetPark())
		}
	}
	return ""
}

// write puts a ticket down without the id of this run's installation.
func write(out *strings.Builder, ticket cwfake.Ticket) {
	parts := strings.Split(ticket.ExternalXRef, ":")
	installation := parts[1]
	fmt.Fprintf(out, "%s\n%s\n%s | %s | %s | %s\n", strings.Repeat("=", 100), ticket.Summary, ticket.Board, ticket.Status, ticket.Priority, ticket.Company)
	for _, n := range ticket.Notes {
		kind := "Discussion"
		switch {
		case n.Internal:
			kind = "Internal"
		case n.Resolution:
			kind = "Resolution"
		}
		fmt.Fprintf(out, "\n--- %s\n%s\n", kind, strings.ReplaceAll(n.Text, installation, "INSTALLATION"))
	}
	out.WriteString("\n")
}
