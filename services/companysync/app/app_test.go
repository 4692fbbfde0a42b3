package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

const (
	linked    = companyv1.LinkState_LINK_STATE_LINKED
	ambiguous = companyv1.LinkState_LINK_STATE_AMBIGUOUS
	missing   = companyv1.LinkState_LINK_STATE_MISSING
	broken    = companyv1.LinkState_LINK_STATE_BROKEN

	byReference = companyv1.LinkMethod_LINK_METHOD_REFERENCE
	byName      = companyv1.LinkMethod_LINK_METHOD_EXACT_NAME
	byNormal    = companyv1.LinkMethod_LINK_METHOD_NORMALISED_NAME
	byCatchAll  = companyv1.LinkMethod_LINK_METHOD_CATCH_ALL
)

const (
	listCompanies = "GET /company/companies"
	listStatuses  = "GET /company/companies/statuses"
)

// questions is what was asked of a server, without the look-up of its address.
func questions(fake *cwfake.Server) map[string]int {
	counts := fake.Counts()
	for route := range counts {
		if strings.Contains(route, "companyinfo") {
			delete(counts, route)
		}
	}
	return counts
}

func TestManyQuestionsAboutOneCustomerAreOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion Industries"})
	told := w.events()
	w.run()

	orion := customer("501", "Orion Industries", "")
	w.want("harbor", orion, 50)
	require.Equal(t, map[string]int{listCompanies: 1, listStatuses: 1}, questions(fake))
	link := w.link("harbor", "501")
	require.Equal(t, linked, link.GetState())
	require.Equal(t, byName, link.GetMethod())
	require.EqualValues(t, 2001, link.GetCompany().GetId())
	told("linked company:harbor:501:1")

	fake.ResetCounts()
	w.clock.Add(1000 * time.Hour)
	w.want("harbor", orion, 10)
	require.Empty(t, fake.Counts(), "a linked customer costs no request, however long ago it was linked")

	renamed := customer("501", "Orion Industries International", "")
	w.want("harbor", renamed, 1)
	require.Empty(t, fake.Counts(), "a renamed customer keeps its link")
	require.Equal(t, renamed.GetName(), w.link("harbor", "501").GetCustomer().GetName())
	require.EqualValues(t, 2001, w.link("harbor", "501").GetCompany().GetId())
	require.Zero(t, fake.Writes())
}

func TestEveryKindOfNameIsAskedForSafely(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	long := "Vault Consulting International Technology Services"
	for i, c := range []cwfake.Company{
		{Identifier: "BlueWave", Name: "Blue Wave Dental"},
		{Identifier: "Sued", Name: `Bäcker & Töchter "Süd" KG`},
		{Identifier: "Darcy", Name: `D'Arcy "The Firm" LLP`},
		{Identifier: "Volga", Name: "Аптека Волга"},
		{Identifier: "Pinnacle", Name: "PINNACLE Technologies"},
		{Identifier: "PinnacleHold", Name: "Pinnacle Technologies Holdings"},
		{Identifier: "Helpline", Name: "Helpline MSP", Status: "Inactive"},
		{Identifier: "Helpline2", Name: "Helpline MSP"},
		{Identifier: "Gone", Name: "Gone Services", Deleted: true},
		{Identifier: "Sleeping", Name: "Sleeping Partners", Status: "Inactive"},
		{Identifier: "VaultLong", Name: long},
		{Identifier: "Percent", Name: `100% [Pure] Water_Co`},
	} {
		c.ID = 2001 + i
		w.company(fake, c)
	}
	w.run()
	tests := []struct {
		name, customer, reference string
		state                     companyv1.LinkState
		method                    companyv1.LinkMethod
		company                   int64
		candidates                []int64
	}{
		{"by reference", "Whatever", "PSA | CWM:2001:BlueWave", linked, byReference, 2001, nil},
		{"by a reference to a deleted company", "Blue Wave Dental", "CWM:2009", broken, 0, 0, []int64{2009}},
		{"by a reference to an inactive company", "Blue Wave Dental", "CWM:2010", broken, 0, 0, []int64{2010}},
		{"by a reference to no company", "Blue Wave Dental", "CWM:77777", broken, 0, 0, nil},
		{"umlauts, ampersand and double quotes", `Bäcker & Töchter "Süd" KG`, "", linked, byName, 2002, nil},
		{"both kinds of quotes", `D'Arcy "The Firm" LLP`, "", linked, byName, 2003, nil},
		{"Cyrillic", "Аптека Волга", "", linked, byName, 2004, nil},
		{"wildcards", `100% [Pure] Water_Co`, "", linked, byName, 2012, nil},
		{"equal but for case", "Pinnacle Technologies", "", linked, byNormal, 2005, nil},
		{"twins", "Helpline MSP", "", ambiguous, 0, 0, []int64{2007, 2008}},
		{"deleted", "Gone Services", "", broken, 0, 0, []int64{2009}},
		{"inactive", "Sleeping Partners", "", broken, 0, 0, []int64{2010}},
		{"equal in the first 50 characters", long + " Group", "", ambiguous, 0, 0, []int64{2011}},
		{"a condition in the name", `x" or name contains "e`, "", missing, 0, 0, nil},
		{"a condition with both kinds of quotes", `x' or "1"="1`, "", missing, 0, 0, nil},
		{"a backslash", `Blue Wave Dental\" or id>0 or name="`, "", missing, 0, 0, nil},
		{"nothing that can be asked for", `"'%`, "", missing, 0, 0, nil},
		{"10,000 characters", strings.Repeat("ж", 10_000), "", missing, 0, 0, nil},
		{"Japanese", "京都工房株式会社", "", missing, 0, 0, nil},
		{"no name", "", "", missing, 0, 0, nil},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id := string(rune('a' + i))
			w.want("harbor", customer(id, test.customer, test.reference), 1)
			link := w.link("harbor", id)
			require.Equal(t, test.state, link.GetState(), link.GetReason())
			require.Equal(t, test.method, link.GetMethod())
			require.Equal(t, test.company, link.GetCompany().GetId())
			require.Equal(t, test.state != linked, link.GetReason() != "")
			var ids []int64
			for _, c := range link.GetCandidates() {
				ids = append(ids, c.GetCompany().GetId())
			}
			require.Equal(t, test.candidates, ids)
			require.Equal(t, w.clock.Now().Unix(), link.GetCheckedAt().GetSeconds())
		})
	}
	for _, r := range fake.Requests() {
		require.Equal(t, http.MethodGet, r.Method)
		require.NotEqual(t, http.StatusBadRequest, r.Status, r.Path)
	}
	require.Equal(t, 1, fake.Counts()[listStatuses], "the table of statuses is read once")
}

func TestARefusalIsRepeatedForTenMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	told := w.events()
	w.run()
	late := customer("501", "Late Ltd", "")
	w.want("harbor", late, 3)
	require.Equal(t, missing, w.link("harbor", "501").GetState())
	require.Equal(t, map[string]int{listCompanies: 1}, questions(fake))

	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Late", Name: "Late Ltd"})
	fake.ResetCounts()
	w.clock.Add(9 * time.Minute)
	w.want("harbor", late, 3)
	require.Empty(t, fake.Counts())
	require.Equal(t, missing, w.link("harbor", "501").GetState())

	w.clock.Add(time.Minute)
	w.want("harbor", late, 3)
	require.Equal(t, map[string]int{listCompanies: 1, listStatuses: 1}, questions(fake))
	require.Equal(t, linked, w.link("harbor", "501").GetState())
	told("refused company:harbor:501:1", "linked company:harbor:501:2")
}

func TestAChangedReferenceIsHeededAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "One", Name: "One"})
	w.company(fake, cwfake.Company{ID: 2002, Identifier: "Two", Name: "Two"})
	w.run()
	w.want("harbor", customer("501", "Nobody", ""), 1)
	require.Equal(t, missing, w.link("harbor", "501").GetState())
	for _, step := range []struct {
		reference string
		state     companyv1.LinkState
		company   int64
	}{
		{"CWM:2001", linked, 2001},
		{"CWM:2002:Two", linked, 2002},
		{"vip | CWM:2002:Two", linked, 2002},
		{"CWM:9999", broken, 0},
		{"CWM:2001", linked, 2001},
		{"", linked, 2001},
	} {
		w.clock.Add(time.Second)
		w.want("harbor", customer("501", "Nobody", step.reference), 1)
		require.Equal(t, step.state, w.link("harbor", "501").GetState(), step.reference)
		require.Equal(t, step.company, w.link("harbor", "501").GetCompany().GetId(), step.reference)
	}
}

func TestTheCatchAllCompanyStandsInAndIsFlagged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", func(s *tenantv1.Settings) {
		s.Companies = &tenantv1.Companies{CatchAll: "harborit", Create: tenantv1.CompanyCreation_COMPANY_CREATION_AUTO}
	})
	w.run()
	w.want("harbor", customer("501", "Unknown One", ""), 2)
	w.want("harbor", customer("502", "Unknown Two", ""), 2)
	link := w.link("harbor", "501")
	require.Equal(t, linked, link.GetState())
	require.Equal(t, byCatchAll, link.GetMethod())
	require.Equal(t, "HarborIT", link.GetCompany().GetIdentifier())
	require.Contains(t, link.GetReason(), `no company is called "Unknown One"; company "UnknownOne" would be created if the tenant were live`)
	require.Equal(t, map[string]int{listCompanies: 5, listStatuses: 1}, questions(fake), "two for each customer, and the catch-all company is looked up once")

	w.company(fake, cwfake.Company{ID: 2001, Identifier: "One", Name: "Unknown One"})
	w.clock.Add(10 * time.Minute)
	w.want("harbor", customer("501", "Unknown One", ""), 1)
	require.Equal(t, byName, w.link("harbor", "501").GetMethod(), "the customer moves home when its company appears")

	require.NoError(t, fake.Person("").SetCompanyStatus(2, "Inactive"))
	w.clock.Add(10 * time.Minute)
	w.want("harbor", customer("502", "Unknown Two", ""), 1)
	require.Equal(t, companyv1.LinkState_LINK_STATE_PROPOSED, w.link("harbor", "502").GetState())
	require.Contains(t, w.link("harbor", "502").GetReason(), `the catch-all company "Harbor IT" (2) is inactive`)
}

func TestAPassingFailureOnlyDelays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	// Three tries are one question; the second delivery is answered.
	require.NoError(t, fake.AddFaults(cwfake.Fault{Match: "GET /company/companies", Times: 3, Kind: cwfake.FaultErrorBefore, Status: 503}))
	w.run()
	w.want("harbor", customer("501", "Orion", ""), 1)
	require.Equal(t, linked, w.link("harbor", "501").GetState())
}

func TestAnOutageOfOneTenantHoldsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	down := w.tenant("down", nil)
	up := w.tenant("up", nil)
	w.company(down, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.company(up, cwfake.Company{ID: 3001, Identifier: "Orion", Name: "Orion"})
	require.NoError(t, down.AddFaults(cwfake.Fault{Kind: cwfake.FaultErrorBefore, Status: 503}))
	w.run()
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		w.want("down", customer(id, map[bool]string{true: "Orion", false: "Lyra " + id}[id == "8"], ""), 1)
	}
	w.want("up", customer("1", "Orion", ""), 1)
	require.EqualValues(t, 3001, w.link("up", "1").GetCompany().GetId(), "each tenant has its own companies")

	link := w.link("down", "8")
	require.Equal(t, companyv1.LinkState_LINK_STATE_UNSPECIFIED, link.GetState())
	require.Nil(t, link.GetCheckedAt())
	require.Contains(t, link.GetReason(), "ConnectWise could not be asked: find company: ")

	down.ClearFaults()
	down.ResetCounts()
	w.want("down", customer("8", "Orion", ""), 1)
	require.Empty(t, down.Counts(), "a server that failed is left alone for a minute")
	w.clock.Add(time.Minute)
	w.want("down", customer("8", "Orion", ""), 1)
	require.EqualValues(t, 2001, w.link("down", "8").GetCompany().GetId())
}

func TestWrongKeysAreShownAndMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.env.Store("CW_PRIVATE", "not-the-private-key")
	reg := w.run()
	w.want("harbor", customer("501", "Orion", ""), 4)
	link := w.link("harbor", "501")
	require.Equal(t, companyv1.LinkState_LINK_STATE_UNSPECIFIED, link.GetState())
	require.Contains(t, link.GetReason(), "401")
	require.NotContains(t, link.GetReason(), "not-the-private-key")
	require.LessOrEqual(t, fake.Counts()[listCompanies], 1)
	require.InDelta(t, 1, counter(t, reg, "covewise_companysync_failures_total", "auth_tenant"), 0)

	w.env.Delete("CW_PUBLIC")
	w.clock.Add(time.Minute)
	w.want("harbor", customer("501", "Orion", ""), 1)
	require.Contains(t, w.link("harbor", "501").GetReason(), "environment variable CW_PUBLIC is not set")

	w.env.Store("CW_PUBLIC", cwfake.DefaultPublicKey)
	w.env.Store("CW_PRIVATE", cwfake.DefaultPrivateKey)
	w.clock.Add(time.Minute)
	w.want("harbor", customer("501", "Orion", ""), 1)
	require.Equal(t, linked, w.link("harbor", "501").GetState())
	require.InDelta(t, 1, counter(t, reg, "covewise_companysync_answers_total", "matched"), 0)
}

func TestAFailureDoesNotHideAnEarlierAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.run()
	w.want("harbor", customer("501", "Orion", ""), 1)
	before := w.link("harbor", "501")
	require.NoError(t, fake.AddFaults(cwfake.Fault{Kind: cwfake.FaultUnauthorized}))
	w.clock.Add(time.Hour)
	w.want("harbor", customer("501", "Orion", ""), 1)
	require.Equal(t, before.String(), w.link("harbor", "501").String())
}

func TestChangedSettingsTakeEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("harbor", func(s *tenantv1.Settings) { s.Connectwise.ClientId = "" })
	other := w.tenant("other", nil)
	w.company(other, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.run()
	w.want("harbor", customer("501", "Orion", ""), 1)
	require.Contains(t, w.link("harbor", "501").GetReason(), "clientId")

	good, _, err := w.tenants.Get(t.Context(), bus.Key("other"))
	require.NoError(t, err)
	_, err = w.tenants.Update(t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		s.Connectwise = good.GetConnectwise()
		return s, nil
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		w.want("harbor", customer("501", "Orion", ""), 1)
		return w.link("harbor", "501").GetState() == linked
	}, 10*time.Second, 5*time.Millisecond)
}

func TestWithoutSettingsNothingIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.want("nobody", customer("501", "Orion", ""), 1)
	require.Nil(t, w.link("nobody", "501"))
	require.Empty(t, w.deadLetters())
}

func TestAMessageAboutSomebodyElseIsADeadLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("harbor", nil)
	w.run()
	require.NoError(t, w.bus.Publish(t.Context(), bus.Message{
		Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbWanted, Tenant: "harbor", Key: "501"}, ID: "x",
		Body: &companyv1.Wanted{SchemaVersion: 1, Tenant: "other", Customer: &statusv1.Customer{Id: "501", Name: "Orion"}},
	}))
	w.asked++
	w.settle()
	require.Equal(t, []string{`read company.v1.wanted.harbor.501: the message is about tenant "other", customer "501"`}, w.deadLetters())
}

func TestTwoInstancesAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	told := w.events()
	w.run()
	w.run()
	w.want("harbor", customer("501", "Orion", ""), 40)
	require.EqualValues(t, 2001, w.link("harbor", "501").GetCompany().GetId())
	require.LessOrEqual(t, fake.Counts()[listCompanies], 2)
	told("linked company:harbor:501:1")
}

func (w *world) deadLetters() []string {
	w.t.Helper()
	js, err := jetstream.New(w.nc)
	require.NoError(w.t, err)
	stream, err := js.Stream(w.t.Context(), "DLQ")
	require.NoError(w.t, err)
	info, err := stream.Info(w.t.Context())
	require.NoError(w.t, err)
	var reasons []string
	for seq := info.State.FirstSeq; seq > 0 && seq <= info.State.LastSeq; seq++ {
		msg, err := stream.GetMsg(w.t.Context(), seq)
		require.NoError(w.t, err)
		reasons = append(reasons, msg.Header.Get(bus.HeaderReason))
	}
	return reasons
}
