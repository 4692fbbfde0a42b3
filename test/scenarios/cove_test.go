package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/test/harness"
)

// Whatever Cove answers instead of the fleet, nothing is concluded from it: no ticket is closed although the device
// recovered, none is opened, the page says why, and the next good sweep makes up for it.
func TestWhenCoveMisbehavesNothingIsConcluded(t *testing.T) {
	const list = "EnumerateAccountStatistics"
	cases := []struct {
		says  string
		fault covefake.Fault
		shows string
	}{
		{"an error", covefake.Fault{Match: list, Kind: covefake.FaultRPCError, Data: 13501, Message: "Operation failed because of security reasons"}, "security reasons"},
		{"half a page", covefake.Fault{Match: list, Kind: covefake.FaultTruncated}, "enumerate devices"},
		{"a page in HTML", covefake.Fault{Match: list, Kind: covefake.FaultHTML}, "text/html"},
		{"nothing", covefake.Fault{Match: list, Kind: covefake.FaultEmpty}, "enumerate devices"},
		{"a fleet without devices", covefake.Fault{Match: list, Kind: covefake.FaultNoDevices}, "no device was returned"},
		{"that the visa is worthless, again and again", covefake.Fault{Match: list, Kind: covefake.FaultExpiredVisa}, "isa"},
	}
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		const a, b = 1001, 1002
		tn := h.AddTenant("lantern", harness.Fleet(a, b, 1003), harness.Companies(), harness.TicketPerTrouble)
		h.WaitCalm()
		tn.Fail(a, harness.Denied)
		h.WaitCalm()
		failing, well := int64(a), int64(b)
		for made, c := range cases {
			_, err := tn.Cove.AddFault(c.fault)
			require.NoError(t, err)
			tn.Recover(failing)
			tn.Fail(well, harness.Denied)
			failing, well = well, failing
			tn.NextSweep() // the first may have begun before everything was set up
			done := tn.NextSweep()
			require.False(t, done.GetComplete(), "Cove answers %s", c.says)
			require.Contains(t, done.GetFailure(), c.shows)
			require.Empty(t, done.GetGoneDeviceIds())
			require.Len(t, tn.PSA.Tickets(), made+1, "Cove answers %s: no ticket is made", c.says)
			require.Len(t, tn.PSA.OpenTickets(), 1, "Cove answers %s: no ticket is closed", c.says)
			h.Settles("the page says why", func() string {
				var page struct {
					Items []struct {
						LastSweep struct {
							Complete bool
							Failure  string
						} `json:"last_sweep"`
					}
				}
				h.Page("/api/v1/tenants", &page)
				if len(page.Items) != 1 || page.Items[0].LastSweep.Complete || page.Items[0].LastSweep.Failure != tn.Lease().GetLast().GetFailure() {
					return "the page shows another sweep"
				}
				return ""
			})

			tn.Cove.ClearFaults()
			h.WaitCalm()
			require.Len(t, tn.PSA.OpenTickets(), 1, "after %s: one closed, one made", c.says)
			require.Len(t, tn.PSA.Tickets(), made+2)
			require.Equal(t, tn.PSA.OpenTickets()[0].ID, tn.TicketOfOpen(failing).ID)
		}
	})
}

// One visa runs out in the middle: that costs a login and nothing else.
func TestAnExpiredVisaCostsNothing(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001), harness.Companies(), nil)
		h.WaitCalm()
		before := tn.Lease().GetSweep()
		tn.Cove.ExpireVisas()
		for range 3 {
			require.True(t, tn.NextSweep().GetComplete())
		}
		require.Greater(t, tn.Lease().GetSweep(), before)
	})
}

// A device in trouble is deleted in Cove: its ticket is closed and says so, and the healthy ones stay.
func TestADeviceThatIsRemovedClosesItsTicketWithThatReason(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001, 1002), harness.Companies(), nil)
		h.WaitCalm()
		tn.Fail(1001, harness.Denied)
		h.WaitCalm()
		require.Len(t, tn.PSA.OpenTickets(), 1)

		require.True(t, tn.Cove.RemoveDevice(1001))
		h.WaitCalm()
		ticket := tn.Ticket()
		require.Equal(t, harness.ClosedStatus, ticket.Status)
		require.Contains(t, ticket.Notes[len(ticket.Notes)-1].Text, "no longer in Cove")
		require.Equal(t, incidentv1.Resolution_RESOLUTION_REMOVED, tn.Ledger(1001).GetWanted().GetResolution())
		require.True(t, tn.States()["1001"].GetGone())
	})
}

// A backup fails once and works again within the hour: one ticket, or none when the policy asks for two bad sweeps.
func TestOneBadRunIsATicketOnlyWithoutHysteresis(t *testing.T) {
	for openAfter, want := range map[string]int{"1": 1, "2": 0} {
		options := harness.Options{Modes: []harness.Mode{harness.Embedded}, Clock: handClock}
		harness.Run(t, options, func(t *testing.T, h *harness.Harness) {
			tn := h.AddTenant("lantern", harness.Fleet(1001), harness.Companies(), func(s *tenantv1.Settings) { s.Policy.Tenant = map[string]string{"openAfter": openAfter} })
			h.WaitCalm()
			tn.Fail(1001, harness.Denied)
			h.WaitCalm()
			tn.Recover(1001)
			h.WaitCalm()
			require.Len(t, tn.PSA.Tickets(), want, "openAfter %s", openAfter)
			require.Empty(t, tn.PSA.OpenTickets())
		})
	}
}
