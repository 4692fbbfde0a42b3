package app_test

import (
	"fmt"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// A company that was merged is followed when every ticket that was filed there for the customer says where to.
func TestAMergedCompanyIsFollowedWhenThatIsCertain(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("the old company answers 404: %t", gone), func(t *testing.T) {
			w := newWorld(t)
			fake := w.tenant("harbor", nil)
			require.NoError(t, fake.Configure(func(s *cwfake.Switches) { s.MergedCompanyGone = gone }))
			for id, name := range map[int]string{2001: "Orion", 2002: "Orion Industries Group", 2003: "Lyra"} {
				w.company(fake, cwfake.Company{ID: id, Identifier: fmt.Sprint("C", id), Name: name})
			}
			w.tree("harbor", partner("501", "Orion", "CWM:2001:C2001"), partner("503", "Lyra", ""))
			ledgers, err := bus.OpenStore[*ticketv1.Ledger](t.Context(), w.bus, bus.TicketLedger)
			require.NoError(t, err)
			for _, device := range []string{"1", "2", "3"} {
				ticket, err := fake.Person("").CreateTicket(cwfake.NewTicket{Summary: "x", CompanyIdentifier: "C2001"})
				require.NoError(t, err)
				_, err = ledgers.Put(t.Context(), bus.Key("harbor", device), &ticketv1.Ledger{
					Tenant: "harbor", TicketId: int64(ticket), CompanyId: 2001, Wanted: &incidentv1.Event{Customer: customer("501", "Orion", "")},
				}, 0)
				require.NoError(t, err)
			}
			w.run()
			w.round("harbor", time.Time{})
			require.EqualValues(t, 2001, w.link("harbor", "501").GetCompany().GetId())

			require.NoError(t, fake.Person("").MergeCompany(2001, 2002))
			require.NoError(t, fake.Person("").MergeCompany(2003, 2002))
			w.clock.Add(24 * time.Hour)
			w.round("harbor", w.clock.Now())
			followed := w.link("harbor", "501")
			require.Equal(t, byMerge, followed.GetMethod(), followed.GetReason())
			require.EqualValues(t, 2002, followed.GetCompany().GetId())
			require.Contains(t, followed.GetEvidence(), "all 3 tickets")
			require.Equal(t, broken, w.link("harbor", "503").GetState(), "without a ticket it is not certain")

			fake.ResetCounts()
			w.want("harbor", customer("501", "Orion", "CWM:2001:C2001"), 2)
			require.EqualValues(t, 2002, w.link("harbor", "501").GetCompany().GetId(), "the old reference does not undo it")
			require.Empty(t, fake.Counts())
		})
	}
}

// The company's id is written into the customer's own reference, once, beside what stands there; a site's, and what a
// person changed meanwhile, are left alone.
func TestTheCompanyIsWrittenIntoTheCustomersReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cove := covefake.New(covefake.Options{Clock: w.clock, Username: "sync", Password: "token"})
	p := func(id, parent int64, name, level, reference string) covefake.Partner {
		return covefake.Partner{ID: id, ParentID: parent, Name: name, Level: level, State: "InProduction", ExternalCode: reference}
	}
	require.NoError(t, cove.SetFleet(covefake.Fleet{Root: 481200, Partners: []covefake.Partner{
		p(481200, 0, "Harbor IT", "Reseller", ""), p(501, 481200, "Orion", "EndCustomer", "PSA-1"), p(502, 481200, "Lyra", "EndCustomer", "vip"),
		p(503, 481200, "Vega", "EndCustomer", "CWM:2003:Vega"), p(504, 501, "Orion - North", "Site", "site text"), p(505, 481200, "Draco", "EndCustomer", "CWM:7"),
	}}))
	server := httptest.NewServer(cove)
	t.Cleanup(server.Close)
	w.env.Store("COVE", "token")
	fake := w.tenant("harbor", live(func(c *tenantv1.Companies) { c.WriteBack = true }))
	_, err := w.tenants.Update(t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		s.Cove = &tenantv1.Cove{Url: server.URL + "/jsonapi", Username: "sync", Password: &tenantv1.SecretRef{Env: "COVE"}}
		return s, nil
	})
	require.NoError(t, err)
	for id, name := range map[int]string{2001: "Orion", 2002: "Lyra", 2003: "Vega", 2005: "Draco"} {
		w.company(fake, cwfake.Company{ID: id, Identifier: name, Name: name})
	}
	// What the poller knows of Lyra's and Draco's reference is old.
	w.tree("harbor", partner("501", "Orion", "PSA-1"), partner("502", "Lyra", ""), partner("503", "Vega", "CWM:2003:Vega"), partner("505", "Draco", ""))
	w.run()
	w.eventually(func() bool {
		return w.link("harbor", "501").GetWriteBack() != nil && w.link("harbor", "502").GetWriteBack() != nil && w.link("harbor", "505").GetWriteBack() != nil
	})
	references := map[int64]string{}
	for _, partner := range cove.Fleet().Partners {
		references[partner.ID] = partner.ExternalCode
	}
	require.Equal(t, map[int64]string{
		481200: "", 501: "PSA-1 | CWM:2001:Orion", 502: "vip | CWM:2002:Lyra", 503: "CWM:2003:Vega", 504: "site text", 505: "CWM:7",
	}, references)
	require.Equal(t, `write reference: the reference is "CWM:7" now, which names another company`, w.link("harbor", "505").GetWriteBack().GetFailure())
	writes := 0
	for _, r := range cove.Requests() {
		if r.Method == "ModifyPartner" {
			writes++
		}
	}
	require.Equal(t, 2, writes)
	w.want("harbor", customer("501", "Orion", "PSA-1 | CWM:2001:Orion"), 1)
	require.EqualValues(t, 2001, w.link("harbor", "501").GetCompany().GetId())

	// An unlinking holds: what we wrote is no person's word, and is taken out again.
	reference := func(id int64) string {
		for _, partner := range cove.Fleet().Partners {
			if partner.ID == id {
				return partner.ExternalCode
			}
		}
		return ""
	}
	w.clock.Add(time.Minute)
	w.tree("harbor", partner("501", "Orion", "PSA-1 | CWM:2001:Orion"), partner("502", "Lyra", "vip | CWM:2002:Lyra"))
	w.round("harbor", w.clock.Now())
	done := w.order(unlink, "501", 0)
	require.Equal(t, proposed, done.Link.GetState(), done.Link.GetReason())
	w.eventually(func() bool { return reference(501) == "PSA-1" && w.link("harbor", "501").GetWriteBack().GetTag() == "" })
	w.clock.Add(time.Minute)
	w.tree("harbor", partner("501", "Orion", "PSA-1"), partner("502", "Lyra", "vip | CWM:2002:Lyra"))
	w.round("harbor", w.clock.Now())
	require.Equal(t, proposed, w.link("harbor", "501").GetState(), "the sweep does not undo it")
	require.Equal(t, "vip | CWM:2002:Lyra", reference(502))
	w.clock.Add(time.Minute)
	w.tree("harbor", partner("501", "Orion", "PSA-1 | CWM:2001:Orion"), partner("502", "Lyra", "vip | CWM:2002:Lyra"))
	w.round("harbor", w.clock.Now())
	require.Equal(t, linked, w.link("harbor", "501").GetState(), "what stands there from then on is a person's word")
}

// 3,000 customers beside 10,000 companies (a tenth of it under the race detector): how many requests a comparison costs,
// and how much of the processor. Not in parallel, because the others' share would be counted too.
func TestAComparisonOfAWholeServerIsCheap(t *testing.T) {
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	words := []string{"Orion", "Lyra", "Vega", "Draco", "Cygnus", "Aquila", "Corvus", "Carina", "Pavo", "Norma"}
	name := func(i int) string {
		return fmt.Sprintf("%s %s %s %d Ltd", words[i%10], words[i/10%10], words[i/100%10], i)
	}
	const customers, companies = customersOfAServer, customersOfAServer * 10 / 3
	for i := range companies - 1 { // one is there already
		w.company(fake, cwfake.Company{ID: 10_000 + i, Identifier: fmt.Sprint("C", i), Name: name(i)})
	}
	partners := make([]*statusv1.Partner, customers)
	for i := range partners {
		text, reference := name(3*i), ""
		switch i % 4 {
		case 0:
			text = fmt.Sprintf("%s %s %s %d Limited (a@b.example)", words[3*i%10], words[3*i/10%10], words[3*i/100%10], 3*i)
		case 1:
			reference = fmt.Sprintf("CWM:%d", 10_000+i)
		case 2:
			text = fmt.Sprintf("Nobody %d", i)
		}
		partners[i] = partner(fmt.Sprint(500_000+i), text, reference)
	}
	w.tree("harbor", partners...)
	before := processor(t)
	c := w.compare("harbor")
	used := processor(t) - before
	requests := 0
	for _, n := range fake.Counts() {
		requests += n
	}
	t.Logf("%d requests, %s of processor time with the fake server's share: %s", requests, used, c.Summary)
	require.Len(t, c.Rows, customers)
	require.Equal(t, customers*3/4, c.Summary.Matched)
	require.LessOrEqual(t, requests, companies/1000+2, "pages of a thousand")
}

func processor(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
