package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/clock/clocktest"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/test/harness"
)

// A customer without a company gets one while its ticket is at the catch-all company: the ticket moves there, nobody
// has to order anything, and there is no second one.
func TestATicketMovesFromTheCatchAllCompanyToTheCustomersOwn(t *testing.T) {
	const pharmacy = 2210043 // a device of the customer 910090
	options := harness.Options{
		Modes: []harness.Mode{harness.Embedded},
		Clock: func() clock.Clock { return clocktest.New(time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC)) },
	}
	l := load(t, ownFleet)
	harness.Run(t, options, func(t *testing.T, h *harness.Harness) {
		l.companies = append(l.companies, cwfake.Company{ID: 399, Identifier: "LanternBay", Name: "Lantern Bay IT", Status: "Active"})
		tn := h.AddTenant("lantern", l.fleet, l.companies, func(s *tenantv1.Settings) {
			s.Companies.CatchAll, s.Companies.CatchAllAfter = "LanternBay", durationpb.New(0)
		})
		h.WaitCalm()
		h.Settles("every incident has its ticket", func() string { return withoutTicket(h, tn) })
		before := len(tn.PSA.Tickets())
		require.Equal(t, 399, tn.TicketOf(pharmacy).CompanyID)
		require.True(t, tn.Ledger(pharmacy).GetStandIn())

		_, err := tn.PSA.AddCompany(cwfake.Company{ID: 390, Identifier: "AptekaRassvet", Name: "Аптека Рассвет", Status: "Active"})
		require.NoError(t, err)
		h.Settles("the ticket is at the customer's company", func() string {
			if at := tn.TicketOf(pharmacy).CompanyID; at != 390 {
				h.Clock.(*clocktest.Clock).Add(30 * time.Second)
				return fmt.Sprintf("it is at company %d", at)
			}
			return ""
		})
		h.WaitCalm()
		require.Len(t, tn.PSA.Tickets(), before, "there is no second ticket")
		require.False(t, tn.Ledger(pharmacy).GetStandIn())
	})
}
