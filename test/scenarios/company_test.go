package scenarios_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/clock/clocktest"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/test/harness"
)

// A customer has no company in ConnectWise: its ticket waits with the reason, and is made when the company is there.
func TestATicketWaitsForItsCompanyAndIsMadeWhenItArrives(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001, 1002), nil, nil)
		h.WaitCalm()
		tn.Fail(1001, harness.Denied)
		tn.Fail(1002, harness.Denied)
		h.WaitCalm()
		require.Empty(t, tn.PSA.Tickets())
		require.Equal(t, ticketv1.ParkReason_PARK_REASON_COMPANY, tn.Ledger(1001).GetPark().GetReason())
		link := tn.Links()["910010"]
		require.Equal(t, companyv1.LinkState_LINK_STATE_MISSING, link.GetState())
		require.Contains(t, link.GetReason(), harness.CustomerName)

		_, err := tn.PSA.AddCompany(harness.Companies()[0])
		require.NoError(t, err)
		tn.AskAgain("910010")
		h.Eventually("both tickets are made", func() bool { return len(tn.PSA.Tickets()) == 2 })
		h.WaitCalm()
		for _, ticket := range tn.PSA.Tickets() {
			require.Equal(t, harness.CompanyID, ticket.CompanyID)
		}
	})
}

// The same without anybody's help: after a while the question is asked again by itself.
func TestARefusalIsAskedAboutAgainAfterAWhile(t *testing.T) {
	options := harness.Options{Modes: []harness.Mode{harness.Embedded}, Clock: handClock}
	harness.Run(t, options, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001), nil, nil)
		h.WaitCalm()
		tn.Fail(1001, harness.Denied)
		h.WaitCalm()
		require.Empty(t, tn.PSA.Tickets())
		_, err := tn.PSA.AddCompany(harness.Companies()[0])
		require.NoError(t, err)
		clock := h.Clock.(*clocktest.Clock)
		h.Eventually("time passes until the ticket is made", func() bool {
			if len(tn.PSA.Tickets()) == 1 {
				return true
			}
			clock.Add(30 * time.Second)
			return false
		})
		h.WaitCalm()
		require.False(t, tn.Ticket().ClosedFlag)
	})
}

func handClock() clock.Clock {
	return clocktest.New(time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC))
}

// Two MSPs have a customer of the same id and name. Only one of them has the company: the other's ticket waits and
// never lands at a company that is not its own.
func TestTenantsDoNotSeeEachOthersCompanies(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		lantern := h.AddTenant("lantern", harness.Fleet(1001), harness.Companies(), nil)
		pier := h.AddTenant("pier", harness.Fleet(1001), nil, nil)
		h.WaitCalm()
		lantern.Fail(1001, harness.Denied)
		h.WaitCalm()
		require.Len(t, lantern.PSA.Tickets(), 1)
		require.Empty(t, pier.Ledgers(), "the neighbour's device of the same id is well")

		pier.Fail(1001, harness.Denied)
		h.WaitCalm()
		require.Empty(t, pier.PSA.Tickets())
		require.Equal(t, companyv1.LinkState_LINK_STATE_MISSING, pier.Links()["910010"].GetState())
		require.Equal(t, companyv1.LinkState_LINK_STATE_LINKED, lantern.Links()["910010"].GetState())
		require.Len(t, lantern.PSA.Tickets(), 1)
	})
}

// One MSP's ConnectWise hangs and its Cove answers nonsense. The other's twenty tickets are made all the same.
func TestABrokenTenantDoesNotHoldTheOthers(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		var ids []int64
		for id := int64(1001); id <= 1020; id++ {
			ids = append(ids, id)
		}
		broken := h.AddTenant("broken", harness.Fleet(ids...), harness.Companies(), harness.TicketPerDevice)
		well := h.AddTenant("well", harness.Fleet(ids...), harness.Companies(), harness.TicketPerDevice)
		h.WaitCalm()
		release := make(chan struct{})
		require.NoError(t, broken.PSA.AddFaults(cwfake.Fault{Kind: cwfake.FaultSlow, Release: release, BeforeWrite: true}))
		for _, id := range ids {
			broken.Fail(id, harness.Denied)
		}
		broken.CompleteSweep()
		h.Eventually("requests hang", func() bool { return len(broken.PSA.Requests()) > 0 })
		for _, id := range ids {
			well.Fail(id, harness.Denied)
		}
		h.Eventually("the healthy tenant has all its tickets", func() bool { return len(well.PSA.OpenTickets()) == len(ids) })
		require.Empty(t, broken.PSA.Tickets())

		broken.PSA.ClearFaults()
		close(release)
		h.WaitCalm()
		require.Len(t, broken.PSA.OpenTickets(), len(ids), "and the broken one catches up")
	})
}

// The private key for ConnectWise is wrong from the first day. Once the tenant's document names the right one, what waited
// is done.
func TestAWrongKeyHoldsTicketsUntilItIsMended(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		wrong, right := filepath.Join(t.TempDir(), "wrong.key"), ""
		require.NoError(t, os.WriteFile(wrong, []byte("not-the-key"), 0o600))
		tn := h.AddTenant("lantern", harness.Fleet(1001, 1002), harness.Companies(), func(s *tenantv1.Settings) {
			right, s.Connectwise.PrivateKey.File = s.GetConnectwise().GetPrivateKey().GetFile(), wrong
		})
		h.WaitCalm()
		tn.Fail(1001, harness.Denied)
		tn.CompleteSweep()
		h.Eventually("ConnectWise refused a request", func() bool {
			return len(tn.Ledgers()) == 1 && tn.Ledger(1001).GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_AUTH
		})
		require.Contains(t, tn.Ledger(1001).GetPark().GetDetail(), "401")
		require.Empty(t, tn.PSA.Tickets())

		tn.Change(func(s *tenantv1.Settings) { s.Connectwise.PrivateKey.File = right })
		h.Eventually("the ticket is made", func() bool { return len(tn.PSA.Tickets()) == 1 })
		h.WaitCalm()
	})
}

// A new tenant is in shadow: what would be done is recorded, nothing is written. Going live does it.
func TestAShadowTenantWritesNothingUntilItGoesLive(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001, 1002), harness.Companies(), func(s *tenantv1.Settings) { s.Mode = tenantv1.Mode_MODE_SHADOW })
		h.WaitCalm()
		tn.Fail(1001, harness.Denied)
		h.WaitCalm()
		tn.Fail(1001, harness.NoShadow)
		tn.Fail(1002, harness.Denied)
		h.WaitCalm()
		require.Equal(t, ticketv1.ParkReason_PARK_REASON_SHADOW, tn.Ledger(1001).GetPark().GetReason())
		require.Zero(t, tn.PSA.Writes())

		tn.Recover(1002)
		h.WaitCalm()
		require.Zero(t, tn.PSA.Writes())

		tn.Change(func(s *tenantv1.Settings) { s.Mode = tenantv1.Mode_MODE_LIVE })
		h.Eventually("the device that is still in trouble gets its ticket", func() bool { return len(tn.PSA.Tickets()) == 1 })
		h.WaitCalm()
		ticket := tn.TicketOf(1001)
		require.Contains(t, ticket.Summary, "System State", "the ticket tells how it is now")
		require.Len(t, tn.PSA.Tickets(), 1)
	})
}
