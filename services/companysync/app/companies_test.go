package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/app"
)

const (
	proposed = companyv1.LinkState_LINK_STATE_PROPOSED
	excluded = companyv1.LinkState_LINK_STATE_EXCLUDED

	byOrder    = companyv1.LinkMethod_LINK_METHOD_ORDERED
	byCreation = companyv1.LinkMethod_LINK_METHOD_CREATED
	byMerge    = companyv1.LinkMethod_LINK_METHOD_MERGED
	byOwn      = companyv1.LinkMethod_LINK_METHOD_OWN

	link    = companyv1.OrderKind_ORDER_KIND_LINK
	unlink  = companyv1.OrderKind_ORDER_KIND_UNLINK
	create  = companyv1.OrderKind_ORDER_KIND_CREATE
	approve = companyv1.OrderKind_ORDER_KIND_APPROVE
	ignore  = companyv1.OrderKind_ORDER_KIND_IGNORE
)

// tree stores a tenant's customers, as the poller does.
func (w *world) tree(tenant string, partners ...*statusv1.Partner) {
	w.t.Helper()
	trees, err := bus.OpenStore[*statusv1.PartnerCursor](w.t.Context(), w.bus, bus.PollCursor)
	require.NoError(w.t, err)
	_, err = trees.Update(w.t.Context(), bus.Key(tenant, "partners"), func(*statusv1.PartnerCursor) (*statusv1.PartnerCursor, error) {
		return &statusv1.PartnerCursor{SchemaVersion: 1, ReadAt: timestamppb.New(w.clock.Now()), RootId: "481200", Partners: partners}, nil
	})
	require.NoError(w.t, err)
}

func partner(id, name, reference string) *statusv1.Partner {
	return &statusv1.Partner{Id: id, ParentId: "481200", Name: name, Level: "EndCustomer", State: "InProduction", Reference: reference}
}

func (w *world) access() app.Access {
	return app.Access{Bus: w.bus, Logger: bustest.Logger(w.t), Clock: w.clock, LookupEnv: w.lookup}
}

func (w *world) compare(tenant string) app.Comparison {
	w.t.Helper()
	c, err := app.Compare(w.t.Context(), w.access(), tenant)
	require.NoError(w.t, err)
	return c
}

// order gives an order and waits until it is carried out.
func (w *world) order(kind companyv1.OrderKind, customer string, company int64) app.Outcome {
	w.t.Helper()
	w.clock.Add(time.Second)
	command := app.Command{Tenant: "harbor", Customer: customer, Kind: kind, CompanyID: company, Author: "maria", Reason: "checked"}
	placed, err := app.Order(w.t.Context(), w.access(), command)
	require.NoError(w.t, err)
	require.NotEmpty(w.t, placed.Order)
	w.eventually(func() bool {
		l := w.link("harbor", placed.Customer.GetId())
		placed.Link, placed.Refusal = l, l.GetLastOrder().GetRefusal()
		return l.GetLastOrder().GetId() == placed.Order && l.GetState() != companyv1.LinkState_LINK_STATE_CREATING
	})
	return placed
}

func (w *world) eventually(holds func() bool) {
	w.t.Helper()
	require.Eventually(w.t, holds, 20*time.Second, 5*time.Millisecond)
}

// round waits until a tenant's customers were compared after a time of the clock.
func (w *world) round(tenant string, since time.Time) *companyv1.Round {
	w.t.Helper()
	rounds, err := bus.OpenStore[*companyv1.Round](w.t.Context(), w.bus, bus.CompanyRound)
	require.NoError(w.t, err)
	var round *companyv1.Round
	w.eventually(func() bool {
		round, _, err = rounds.Get(w.t.Context(), bus.Key(tenant))
		require.NoError(w.t, err)
		return round.GetEndedAt() != nil && !round.GetEndedAt().AsTime().Before(since)
	})
	return round
}

func live(change func(*tenantv1.Companies)) func(*tenantv1.Settings) {
	return func(s *tenantv1.Settings) {
		s.Mode = tenantv1.Mode_MODE_LIVE
		s.Companies = &tenantv1.Companies{Country: "US"}
		if change != nil {
			change(s.Companies)
		}
	}
}

func TestPeopleLinkUnlinkCreateApproveAndIgnore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", live(func(c *tenantv1.Companies) { c.Create = tenantv1.CompanyCreation_COMPANY_CREATION_APPROVE }))
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.company(fake, cwfake.Company{ID: 2002, Identifier: "Orion2", Name: "Orion Industries"})
	w.company(fake, cwfake.Company{ID: 2003, Identifier: "Asleep", Name: "Asleep", Status: "Inactive"})
	w.tree("harbor", partner("501", "Orion", ""), partner("502", "Night Owl", ""), partner("503", "Orion Ltd", ""))
	w.run()
	w.round("harbor", time.Time{})
	require.EqualValues(t, 2001, w.link("harbor", "501").GetCompany().GetId(), "names lead there")

	done := w.order(unlink, "501", 0)
	require.Equal(t, proposed, done.Link.GetState(), "and are not believed any more")
	require.Contains(t, done.Link.GetReason(), "was unlinked by maria")
	done = w.order(link, "Orion", 2003)
	require.Equal(t, `company "Asleep" (2003) is inactive; change its status first, or link another`, done.Refusal)
	require.Equal(t, proposed, done.Link.GetState())
	done = w.order(link, "501", 2002)
	require.Empty(t, done.Refusal)
	require.Equal(t, byOrder, done.Link.GetMethod())
	require.Equal(t, "linked by maria: checked", done.Link.GetEvidence())
	w.want("harbor", customer("501", "Orion", ""), 3)
	require.EqualValues(t, 2002, w.link("harbor", "501").GetCompany().GetId(), "a person's word holds")

	require.Equal(t, "NightOwl", w.link("harbor", "502").GetCompany().GetIdentifier(), "what would be created")
	done = w.order(approve, "502", 0)
	require.Equal(t, byCreation, done.Link.GetMethod(), done.Refusal)
	require.Equal(t, "maria", done.Link.GetCreation().GetAuthor())
	require.Contains(t, w.order(create, "502", 0).Refusal, "unlink it first")
	require.Contains(t, w.order(approve, "502", 0).Refusal, "nothing is proposed")

	require.Equal(t, proposed, w.link("harbor", "503").GetState(), "another legal form is proposed")
	require.EqualValues(t, 2001, w.link("harbor", "503").GetCompany().GetId())
	require.Equal(t, byOrder, w.order(approve, "503", 0).Link.GetMethod())
	done = w.order(ignore, "503", 0)
	require.Equal(t, excluded, done.Link.GetState())
	fake.ResetCounts()
	w.want("harbor", customer("503", "Orion Ltd", ""), 2)
	require.Equal(t, excluded, w.link("harbor", "503").GetState())
	require.Empty(t, fake.Counts(), "an excluded customer costs no request")
	require.Empty(t, w.deadLetters())
}

func TestAPreviewWritesNothingAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", live(nil))
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.tree("harbor", partner("501", "Night Owl", ""), partner("502", "Orion", ""))
	told := w.events()
	preview := func(kind companyv1.OrderKind, customer string, company int64) app.Outcome {
		o, err := app.Order(t.Context(), w.access(), app.Command{Tenant: "harbor", Customer: customer, Kind: kind, CompanyID: company, Author: "maria", WhatIf: true})
		require.NoError(t, err)
		require.Empty(t, o.Order)
		return o
	}
	require.Equal(t, "NightOwl", preview(create, "501", 0).Link.GetCompany().GetIdentifier())
	require.EqualValues(t, 2001, preview(link, "501", 2001).Link.GetCompany().GetId())
	require.Equal(t, "company 7 does not exist in ConnectWise", preview(link, "501", 7).Refusal)
	require.Contains(t, preview(create, "502", 0).Refusal, "link it instead of creating another")
	require.Equal(t, excluded, preview(ignore, "501", 0).Link.GetState())
	require.Len(t, w.compare("harbor").Rows, 2)
	require.Zero(t, fake.Writes())
	require.Nil(t, w.link("harbor", "501"))
	told()

	_, err := app.Order(t.Context(), w.access(), app.Command{Tenant: "harbor", Customer: "nobody", Kind: ignore, Author: "maria"})
	require.ErrorContains(t, err, `there is no customer "nobody"; name one by its Cove partner id`)
	w.tree("harbor", partner("501", "Night Owl", ""), partner("503", "Night Owl", ""))
	_, err = app.Order(t.Context(), w.access(), app.Command{Tenant: "harbor", Customer: "Night Owl", Kind: ignore, Author: "maria"})
	require.ErrorContains(t, err, `2 customers are called "Night Owl"; name one by its Cove partner id: 501, 503`)
	_, err = app.Order(t.Context(), w.access(), app.Command{Tenant: "harbor", Customer: "501", Kind: link, Author: "maria"})
	require.ErrorContains(t, err, "needs the id of a company")
	_, err = app.Compare(t.Context(), w.access(), "pier")
	require.ErrorContains(t, err, `there is no tenant "pier"`)
}

// Orders of one tenant are carried out while another one's server lets one wait.
func TestATenantWhoseServerHangsHoldsNoOtherOnesOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hanging, release := w.tenant("down", nil), make(chan struct{})
	require.NoError(t, hanging.AddFaults(cwfake.Fault{Kind: cwfake.FaultSlow, Release: release, BeforeWrite: true}))
	t.Cleanup(func() { close(release) })
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "OD", Name: "OD Holding"})
	w.tree("down", partner("501", "Orion", ""))
	w.tree("harbor", partner("501", "Orion", ""))
	_, err := app.Order(t.Context(), w.access(), app.Command{Tenant: "down", Customer: "501", Kind: link, CompanyID: 2001, Author: "maria"})
	require.NoError(t, err)
	w.run()
	w.eventually(func() bool { return len(hanging.Requests()) > 0 })
	began := time.Now()
	require.Equal(t, byOrder, w.order(link, "501", 2001).Link.GetMethod())
	require.Nil(t, w.link("down", "501").GetLastOrder(), "it still hangs, %s later", time.Since(began))
}

func TestAnUnmappedCustomerWaitsForItsDeadlineAndComesHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", func(s *tenantv1.Settings) {
		s.Companies = &tenantv1.Companies{CatchAll: "HarborIT", CatchAllAfter: durationpb.New(time.Hour)}
	})
	w.run()
	w.want("harbor", customer("501", "Night Owl", ""), 2)
	waiting := w.link("harbor", "501")
	require.Equal(t, missing, waiting.GetState())
	require.Equal(t, w.clock.Now().Add(time.Hour).Unix(), waiting.GetDeadline().GetSeconds())
	require.Equal(t, `no company is called "Night Owl"; from 2026-11-20 23:10 UTC on the catch-all company "HarborIT" takes over`, waiting.GetReason())

	for range 60 {
		require.Equal(t, missing, w.link("harbor", "501").GetState())
		w.clock.Add(time.Minute)
	}
	w.eventually(func() bool { return w.link("harbor", "501").GetMethod() == byCatchAll })
	flagged := w.link("harbor", "501")
	require.Equal(t, "HarborIT", flagged.GetCompany().GetIdentifier())
	require.Equal(t, `no company is called "Night Owl"`, flagged.GetReason())

	w.company(fake, cwfake.Company{ID: 2001, Identifier: "NightOwl", Name: "Night Owl"})
	w.clock.Add(time.Hour)
	w.eventually(func() bool { return w.link("harbor", "501").GetMethod() == byName })
	home := w.link("harbor", "501")
	require.Nil(t, home.GetWaitingSince())
	require.Nil(t, home.GetDeadline())
}

func TestTheOwnCompanyAnswersForIncidentsOfNoCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("harbor", nil)
	w.run()
	own := customer("own", "", "")
	w.want("harbor", own, 1)
	require.Equal(t, missing, w.link("harbor", "own").GetState())
	require.Contains(t, w.link("harbor", "own").GetReason(), "companies.own is not set")
	for _, change := range []func(*tenantv1.Companies){
		func(c *tenantv1.Companies) { c.CatchAll = "harborit" },
		func(c *tenantv1.Companies) { c.CatchAll, c.Own = "nobody", "HARBORIT" },
	} {
		_, err := w.tenants.Update(t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
			s.Companies = &tenantv1.Companies{}
			change(s.Companies)
			return s, nil
		})
		require.NoError(t, err)
		w.want("harbor", own, 1)
		require.Equal(t, byOwn, w.link("harbor", "own").GetMethod(), w.link("harbor", "own").GetReason())
		require.EqualValues(t, 2, w.link("harbor", "own").GetCompany().GetId())
	}
}

func TestTwoTenantsNeverSeeEachOthersCompanies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fakes := map[string]*cwfake.Server{"harbor": w.tenant("harbor", nil), "pier": w.tenant("pier", nil)}
	w.company(fakes["harbor"], cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.company(fakes["pier"], cwfake.Company{ID: 2001, Identifier: "Lyra", Name: "Lyra"})
	for tenant := range fakes {
		w.tree(tenant, partner("501", "Orion", ""), partner("502", "Lyra", ""), partner("503", "Both", "CWM:2001"))
	}
	w.run()
	for tenant, want := range map[string]map[string]string{
		"harbor": {"501": "Orion", "503": "Orion"},
		"pier":   {"502": "Lyra", "503": "Lyra"},
	} {
		w.round(tenant, time.Time{})
		for _, id := range []string{"501", "502", "503"} {
			w.want(tenant, customer(id, map[string]string{"501": "Orion", "502": "Lyra", "503": "Both"}[id], map[string]string{"503": "CWM:2001"}[id]), 1)
			l := w.link(tenant, id)
			require.Equal(t, tenant, l.GetTenant())
			require.Equal(t, want[id], l.GetCompany().GetIdentifier(), "%s %s", tenant, id)
			for _, c := range l.GetCandidates() {
				require.Equal(t, want["503"], c.GetCompany().GetIdentifier())
			}
		}
		for _, row := range w.compare(tenant).Rows {
			require.Contains(t, []string{"", want["503"]}, row.Identifier)
		}
	}
	o, err := app.Order(t.Context(), w.access(), app.Command{Tenant: "pier", Customer: "501", Kind: link, CompanyID: 2, Author: "maria", WhatIf: true})
	require.NoError(t, err)
	require.Equal(t, "HarborIT", o.Link.GetCompany().GetIdentifier(), "each server has its own company 2")
	require.Zero(t, fakes["harbor"].Writes()+fakes["pier"].Writes())
}

func (w *world) lookup(name string) (string, bool) {
	value, set := w.env.Load(name)
	text, _ := value.(string)
	return text, set
}
