package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/app"
)

func TestAComparisonShowsEveryCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	for _, c := range []cwfake.Company{
		{ID: 1844, Identifier: "BluefinDental", Name: "Bluefin Dental Group"},
		{ID: 1450, Identifier: "Acme", Name: "ACME Technologies"},
		{ID: 1451, Identifier: "AcmeHoldings", Name: "Acme Technologies Holdings"},
		{ID: 1470, Identifier: "TechServ", Name: "TechServ MSP", Status: "Inactive"},
		{ID: 1471, Identifier: "TechServ2", Name: "TechServ MSP"},
		{ID: 1490, Identifier: "GammaServices", Name: "Gamma Services", Deleted: true},
	} {
		w.company(fake, c)
	}
	site := &statusv1.Partner{Id: "481290", ParentId: "481233", Name: "Bluefin - Portland", Level: "Site"}
	bluefin := partner("481233", "Bluefin Dental Group", "CWM:1844:BluefinDental")
	w.tree("harbor", bluefin, site, partner("481301", "Acme Technologies", ""), partner("481304", "TechServ MSP", "PSA-1"),
		partner("481307", "Gamma Services", ""), partner("481309", "Клиника Северная", ""), partner("9", "001abcdefghijklmno- Recycle Bin", ""))
	states, err := bus.OpenStore[*incidentv1.DeviceState](t.Context(), w.bus, bus.DeviceState)
	require.NoError(t, err)
	for _, device := range []string{"1", "2"} {
		_, err := states.Put(t.Context(), bus.Key("harbor", device), &incidentv1.DeviceState{Snapshot: &statusv1.Snapshot{Customer: customer("481301", "x", "")}}, 0)
		require.NoError(t, err)
	}
	w.run()
	w.round("harbor", time.Time{})
	require.NoError(t, fake.Person("").RenameCompany(1844, "Bluefin Group"))
	_, err = w.links.Put(t.Context(), bus.Key("harbor", "400"), &companyv1.Link{Tenant: "harbor", Customer: customer("400", "Left us", ""), State: missing}, 0)
	require.NoError(t, err)

	c := w.compare("harbor")
	require.Equal(t, []app.Row{
		{Partner: "481301", Customer: "Acme Technologies", Level: "EndCustomer", Devices: 2, Status: "Linked", Method: "normalised name", Company: "ACME Technologies", CompanyID: 1450, Identifier: "Acme", Note: "the only company of this name, but for case, white space, spelling of the legal form or e-mail address"},
		{Partner: "481233", Customer: "Bluefin Dental Group", Reference: "CWM:1844:BluefinDental", Level: "EndCustomer", Sites: []string{"Bluefin - Portland"}, Status: "Renamed", Method: "CWM id in the reference", Company: "Bluefin Group", CompanyID: 1844, Identifier: "BluefinDental", Note: `the company was called "Bluefin Dental Group"`},
		{Partner: "481307", Customer: "Gamma Services", Level: "EndCustomer", Status: "Broken", Suggestion: "1490 Gamma Services (same name, deleted)", Note: `the only company of this name, "Gamma Services" (1490), is deleted`},
		{Partner: "481304", Customer: "TechServ MSP", Reference: "PSA-1", Level: "EndCustomer", Status: "Ambiguous", Suggestion: "1470 TechServ MSP (same name, inactive); 1471 TechServ MSP (same name)", Note: `2 companies are called "TechServ MSP"`},
		{Partner: "481309", Customer: "Клиника Северная", Level: "EndCustomer", Status: "Missing", Suggestion: "KlinikaSevernaia", Note: `no company is called "Клиника Северная"`},
		{Partner: "400", Customer: "Left us", Level: "EndCustomer", Status: "Removed"},
	}, c.Rows)
	require.Equal(t, "5 customers, 2 with a company of their own (40.0 %); linked 1 (20.0 %); renamed 1 (20.0 %); ambiguous 1 (20.0 %); missing 1 (20.0 %); broken 1 (20.0 %); removed 1", c.Summary.String())
	changes, unknown := app.Changes([]app.Row{{Partner: "481304", CompanyID: 1471}}, c.Rows)
	require.Equal(t, []app.Change{{Partner: "481304", Customer: "TechServ MSP", CompanyID: 1471}}, changes)
	require.Empty(t, unknown)
}

func TestNewCustomersAreNoticedAndRemovedOnesShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", live(func(c *tenantv1.Companies) { c.Create = tenantv1.CompanyCreation_COMPANY_CREATION_AUTO }))
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.tree("harbor", partner("501", "Orion", ""))
	told := w.events()
	w.run()
	round := w.round("harbor", time.Time{})
	require.EqualValues(t, 1, round.GetCustomers())
	told("linked company:harbor:501:1")

	w.clock.Add(time.Minute)
	w.tree("harbor", partner("501", "Orion", ""), partner("502", "Night Owl", ""))
	w.round("harbor", w.clock.Now())
	require.Equal(t, proposed, w.link("harbor", "502").GetState())
	require.Contains(t, w.link("harbor", "502").GetReason(), `company "NightOwl" is created when an incident needs it`)
	require.Zero(t, fake.Writes(), "a comparison creates no company")
	told("linked company:harbor:501:1", "proposed company:harbor:502:2")

	w.clock.Add(time.Minute)
	w.tree("harbor", partner("502", "Night Owl", ""))
	w.round("harbor", w.clock.Now())
	require.Equal(t, w.clock.Now().Unix(), w.link("harbor", "501").GetRemovedAt().GetSeconds())
	w.clock.Add(time.Minute)
	reseller := partner("481200", "Harbor IT", "")
	reseller.Level = "Reseller"
	w.want("harbor", &statusv1.Customer{Id: "481200", Name: "Harbor IT", Level: "Reseller"}, 1)
	w.tree("harbor", reseller, partner("501", "Orion", ""), partner("502", "Night Owl", ""))
	w.round("harbor", w.clock.Now())
	require.Nil(t, w.link("harbor", "501").GetRemovedAt(), "a customer that is back is shown as such")
	require.Nil(t, w.link("harbor", "481200").GetRemovedAt(), "a partner that owns devices directly is no removed customer")
	w.clock.Add(time.Minute)
	w.tree("harbor")
	w.round("harbor", w.clock.Now())
	require.Nil(t, w.link("harbor", "502").GetRemovedAt(), "a list without customers says nothing about those there were")

	w.want("harbor", customer("502", "Night Owl", ""), 50)
	require.Equal(t, byCreation, w.link("harbor", "502").GetMethod())
	require.Equal(t, 1, fake.Writes())
}

func TestTheDailyComparisonFindsWhatBroke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.company(fake, cwfake.Company{ID: 2002, Identifier: "Lyra", Name: "Lyra"})
	w.tree("harbor", partner("501", "Orion", ""), partner("502", "Lyra", ""))
	w.run()
	w.round("harbor", time.Time{})
	require.NoError(t, fake.Person("").DeleteCompany(2001))
	require.NoError(t, fake.Person("").RenameCompany(2002, "Lyra International"))
	fake.ResetCounts()
	w.clock.Add(23 * time.Hour)
	require.Empty(t, fake.Counts())
	w.clock.Add(time.Hour)
	round := w.round("harbor", w.clock.Now())
	require.Equal(t, broken, w.link("harbor", "501").GetState())
	require.Contains(t, w.link("harbor", "501").GetReason(), `the linked company "Orion" (2001) is deleted`)
	require.EqualValues(t, 2002, w.link("harbor", "502").GetCompany().GetId(), "a rename keeps the link")
	require.Len(t, round.GetCounts(), 2)
	require.Equal(t, companyv1.LinkState_LINK_STATE_RENAMED, round.GetCounts()[1].GetState())
	require.Equal(t, map[string]int{listCompanies: 1, listStatuses: 1}, questions(fake))
}

// A link whose company is gone stays broken, with its reason, until a person or an id decides: no company is created, and
// none found by its name.
func TestABrokenLinkStaysBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", live(func(c *tenantv1.Companies) { c.Create = tenantv1.CompanyCreation_COMPANY_CREATION_AUTO }))
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "OD", Name: "OD Holding"})
	w.tree("harbor", partner("501", "Orion", ""))
	w.run()
	w.round("harbor", time.Time{})
	w.order(link, "501", 2001)
	require.NoError(t, fake.Person("").DeleteCompany(2001))
	before := fake.Writes()
	stays := func(what string) {
		l := w.link("harbor", "501")
		require.Equal(t, broken, l.GetState(), what)
		require.Contains(t, l.GetReason(), `the linked company "OD Holding" (2001) is deleted`, what)
	}
	for range 2 {
		w.clock.Add(25 * time.Hour)
		w.round("harbor", w.clock.Now().Add(-time.Minute))
		stays("a comparison")
		w.want("harbor", customer("501", "Orion", ""), 1)
		stays("an incident asks")
	}
	w.company(fake, cwfake.Company{ID: 2002, Identifier: "Orion", Name: "Orion"})
	w.clock.Add(25 * time.Hour)
	w.round("harbor", w.clock.Now().Add(-time.Minute))
	stays("a company of the name")
	w.want("harbor", customer("501", "Orion", ""), 1)
	stays("a company of the name, asked")
	require.Equal(t, before, fake.Writes())
	require.Equal(t, linked, w.order(link, "501", 2002).Link.GetState())
	require.Nil(t, w.link("harbor", "501").GetLost())
}

// A list of companies that lacks a page breaks no link: the company itself is asked.
func TestAShortListBreaksNoLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", live(func(c *tenantv1.Companies) { c.Create = tenantv1.CompanyCreation_COMPANY_CREATION_AUTO }))
	for i := range 1200 {
		w.company(fake, cwfake.Company{ID: 3000 + i, Identifier: fmt.Sprint("X", i), Name: fmt.Sprint("Firm ", i)})
	}
	w.company(fake, cwfake.Company{ID: 5000, Identifier: "OD", Name: "OD Holding"})
	w.company(fake, cwfake.Company{ID: 5001, Identifier: "Lyra", Name: "Lyra Holding"})
	short := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		fake.ServeHTTP(answer, r)
		maps.Copy(rw.Header(), answer.Header())
		rw.Header().Del("Link")
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes())
	}))
	t.Cleanup(short.Close)
	_, err := w.tenants.Update(t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		s.Connectwise.Url = short.URL
		return s, nil
	})
	require.NoError(t, err)
	w.tree("harbor", partner("501", "Orion", ""), partner("502", "Lyra", "CWM:5001"))
	w.run()
	w.round("harbor", time.Time{})
	require.EqualValues(t, 5001, w.link("harbor", "502").GetCompany().GetId(), "an id is asked for")
	w.order(link, "501", 5000)
	w.clock.Add(25 * time.Hour)
	w.round("harbor", w.clock.Now().Add(-time.Minute))
	require.EqualValues(t, 5000, w.link("harbor", "501").GetCompany().GetId(), w.link("harbor", "501").GetReason())
}

func TestSeveralProcessesCompareOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	told := w.events()
	for range 3 {
		w.run()
	}
	w.tree("harbor", partner("501", "Orion", ""))
	w.round("harbor", time.Time{})
	told("linked company:harbor:501:1")
	require.Equal(t, map[string]int{listCompanies: 1, listStatuses: 1}, questions(fake))
}

func TestATenantWhoseServerHangsHoldsNoOtherOnesComparison(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hanging := w.tenant("down", nil)
	release := make(chan struct{})
	require.NoError(t, hanging.AddFaults(cwfake.Fault{Kind: cwfake.FaultSlow, Release: release, BeforeWrite: true}))
	up := w.tenant("up", nil)
	w.company(up, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.tree("down", partner("501", "Orion", ""))
	w.run()
	w.eventually(func() bool { return len(hanging.Requests()) > 0 })
	w.tree("up", partner("501", "Orion", ""))
	w.round("up", time.Time{})
	w.clock.Add(time.Minute)
	w.tree("up", partner("501", "Orion", ""), partner("502", "Lyra", ""))
	w.round("up", w.clock.Now())
	require.Equal(t, missing, w.link("up", "502").GetState())
	hanging.ClearFaults()
	close(release)
	w.round("down", time.Time{})
}
