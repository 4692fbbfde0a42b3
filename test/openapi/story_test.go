package openapi

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// The services themselves, through the whole life of a ticket and with everything about it set that can be set, send
// nothing that the description does not know.
func TestWhatTheServicesSendIsAsDescribed(t *testing.T) {
	doc := described(t)
	if doc == nil {
		return
	}
	harness.Run(t, harness.Options{Modes: []harness.Mode{harness.Embedded}}, func(t *testing.T, h *harness.Harness) {
		var j *judge
		tn := h.AddTenant("lantern", harness.Fleet(1001, 1002), nil, func(s *tenantv1.Settings) {
			psa, err := url.Parse(s.GetConnectwise().GetUrl())
			require.NoError(t, err)
			j = newJudge(doc, httputil.NewSingleHostReverseProxy(psa), "/"+cwfake.DefaultCodeBase+"apis/3.0")
			web := httptest.NewServer(j)
			t.Cleanup(web.Close)
			s.Connectwise.Url = web.URL
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
		t.Logf("%d kinds of answers: %v", len(j.list(j.judged)), j.list(j.judged))
		require.Subset(t, undescribed(), j.list(j.undescribed))
		require.Empty(t, j.list(j.faults))
	})
}
