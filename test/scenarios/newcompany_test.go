package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/test/harness"
)

// Fifty devices of a customer that ConnectWise does not know fail at once, and companies are created automatically. The
// answer to the create is lost, and company-sync is killed: one company, fifty tickets, all of them there.
func TestFiftyDevicesOfAnUnknownCustomerMakeOneCompany(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		const devices = 50
		var ids []int64
		for id := int64(1001); id <= 1000+devices; id++ {
			ids = append(ids, id)
		}
		tn := h.AddTenant("lantern", harness.Fleet(ids...), nil, func(s *tenantv1.Settings) {
			s.Companies.Create, s.Companies.Country = tenantv1.CompanyCreation_COMPANY_CREATION_AUTO, "DE"
			harness.TicketPerDevice(s)
		})
		h.WaitCalm()
		made := func() []cwfake.Company {
			var all []cwfake.Company
			for _, c := range tn.PSA.Companies() {
				if c.Name == harness.CustomerName {
					all = append(all, c)
				}
			}
			return all
		}
		require.Empty(t, made(), "no company comes into being before an incident needs it")
		require.NoError(t, tn.PSA.AddFaults(cwfake.Fault{Match: "POST /company/companies", Times: 1, Kind: cwfake.FaultLostAnswer, Drop: true}))
		for _, id := range ids {
			tn.Fail(id, harness.Denied)
		}
		tn.CompleteSweep()
		h.Eventually("the company is stored", func() bool { return len(made()) > 0 })
		h.Restart(harness.CompanySync)
		h.Eventually("every device has its ticket", func() bool { return len(tn.PSA.OpenTickets()) == devices })
		h.WaitCalm()
		companies := made()
		require.Len(t, companies, 1)
		require.Equal(t, "NorthgateDental", companies[0].Identifier)
		require.Equal(t, companyv1.LinkMethod_LINK_METHOD_CREATED, tn.Links()["910010"].GetMethod())
		for _, ticket := range tn.PSA.Tickets() {
			require.Equal(t, companies[0].ID, ticket.CompanyID)
		}
	})
}
