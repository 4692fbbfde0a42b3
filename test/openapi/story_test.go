package openapi_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// The services themselves, through the whole life of a ticket and with everything about it set that can be set, send
// nothing that the description does not know. The harness has the fake judged, here and in every other story.
func TestWhatTheServicesSendIsAsDescribed(t *testing.T) {
	harness.Run(t, harness.Options{Modes: []harness.Mode{harness.Embedded}}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001, 1002), nil, func(s *tenantv1.Settings) {
			s.Companies.Create, s.Companies.Country = tenantv1.CompanyCreation_COMPANY_CREATION_AUTO, "DE"
			s.Tickets.ZeroBillTime, s.Tickets.AttachConfigurations, s.Tickets.Agreement = true, true, `name like "%"`
			s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{
				"source": "API", "impact": "Medium", "urgency": "High", "owner": "mreyes",
			}}}
			harness.TicketPerDevice(s)
		})
		h.WaitCalm()
		tn.Fail(1001, harness.Denied)
		h.WaitCalm()
		tn.Fail(1001, harness.NoShadow)
		h.WaitCalm()
		require.NotZero(t, tn.Ticket().ID)
		tn.Recover(1001)
		h.WaitCalm()
		tn.CompleteSweep()
		h.WaitCalm()
		require.True(t, tn.Ticket().ClosedFlag)
	})
}
