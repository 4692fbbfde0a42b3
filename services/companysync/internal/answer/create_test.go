package answer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock/clocktest"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/answer"
	"github.com/covewise/covewise/services/companysync/internal/directory"
)

const (
	linked    = companyv1.LinkState_LINK_STATE_LINKED
	missing   = companyv1.LinkState_LINK_STATE_MISSING
	creating  = companyv1.LinkState_LINK_STATE_CREATING
	proposed  = companyv1.LinkState_LINK_STATE_PROPOSED
	ambiguous = companyv1.LinkState_LINK_STATE_AMBIGUOUS
	excluded  = companyv1.LinkState_LINK_STATE_EXCLUDED

	byCreation = companyv1.LinkMethod_LINK_METHOD_CREATED
	byOrder    = companyv1.LinkMethod_LINK_METHOD_ORDERED
)

// effects counts what a process does to the world, and ends the process at one of them, before or after it.
type effects struct {
	mu    sync.Mutex
	done  int
	at    int // 0: never
	after bool
	ended bool
}

var errEnded = errclass.New(errclass.Transient, "", errors.New("the process ended"))

func (e *effects) do(effect func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return errEnded
	}
	e.done++
	if e.done == e.at && !e.after {
		e.ended = true
		return errEnded
	}
	err := effect()
	if e.done == e.at {
		e.ended = true
		return errEnded
	}
	return err
}

type endingStore struct {
	*bus.Store[*companyv1.Link]
	effects *effects
}

func (s endingStore) Put(ctx context.Context, key string, link *companyv1.Link, revision uint64) (next uint64, err error) {
	err = s.effects.do(func() error {
		next, err = s.Store.Put(ctx, key, link, revision)
		return err
	})
	return next, err
}

type endingPublisher struct {
	*bus.Bus
	effects *effects
}

func (p endingPublisher) Publish(ctx context.Context, m bus.Message) error {
	return p.effects.do(func() error { return p.Bus.Publish(ctx, m) })
}

// shop is a ConnectWise server, a bucket of links and tenants' settings.
type shop struct {
	t        *testing.T
	bus      *bus.Bus
	links    *bus.Store[*companyv1.Link]
	fake     *cwfake.Server
	settings *tenantv1.Settings
	clock    *clocktest.Clock
}

func newShop(t *testing.T) *shop {
	t.Helper()
	b := bustest.Open(t, bustest.Start(t))
	links, err := bus.OpenStore[*companyv1.Link](t.Context(), b, bus.CompanyMap)
	require.NoError(t, err)
	fake := cwfake.New(cwfake.Options{})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return &shop{
		t: t, bus: b, links: links, fake: fake, clock: clocktest.New(time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)),
		settings: &tenantv1.Settings{
			Id: "harbor", Mode: tenantv1.Mode_MODE_LIVE,
			Connectwise: &tenantv1.ConnectWise{
				Url: server.URL, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
				PublicKey: secret(t, cwfake.DefaultPublicKey), PrivateKey: secret(t, cwfake.DefaultPrivateKey),
			},
			Companies: &tenantv1.Companies{Create: tenantv1.CompanyCreation_COMPANY_CREATION_AUTO, Status: "Active", Country: "gb", Site: "Main"},
		},
	}
}

// process is one process of company-sync that ends as e says.
func (s *shop) process(e *effects) *answer.Handler {
	s.t.Helper()
	metrics, err := answer.NewMetrics(nil)
	require.NoError(s.t, err)
	companies := directory.New(s.clock, bustest.Logger(s.t), func(string) (string, bool) { return "", false })
	s.t.Cleanup(companies.Close)
	return &answer.Handler{
		Events: endingPublisher{s.bus, e}, Links: endingStore{s.links, e}, Clock: s.clock, Logger: bustest.Logger(s.t), Metrics: metrics, Directory: companies,
		Settings: func(context.Context, string) (*tenantv1.Settings, error) { return s.settings, nil },
	}
}

func (s *shop) wanted(customer *statusv1.Customer, attempt uint64) bus.Delivery {
	s.t.Helper()
	body, err := proto.Marshal(&companyv1.Wanted{Tenant: "harbor", Customer: customer, IncidentId: "7-1"})
	require.NoError(s.t, err)
	return bus.Delivery{Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbWanted, Tenant: "harbor", Key: customer.GetId()}, Data: body, Attempt: attempt}
}

func (s *shop) link(customer string) *companyv1.Link {
	s.t.Helper()
	link, _, err := s.links.Get(s.t.Context(), bus.Key("harbor", customer))
	require.NoError(s.t, err)
	return link
}

// named returns the companies of a name.
func (s *shop) named(name string) []cwfake.Company {
	var all []cwfake.Company
	for _, c := range s.fake.Companies() {
		if c.Name == name {
			all = append(all, c)
		}
	}
	return all
}

// A company is created once, wherever the process ends, whether ConnectWise's answer was lost or not, and however
// often the question comes again.
func TestACompanyIsCreatedOnceWhateverIsLost(t *testing.T) {
	t.Parallel()
	losses := map[string]*cwfake.Fault{
		"every answer arrives":    nil,
		"the answer is dropped":   {Match: "POST /company/companies", Times: 1, Kind: cwfake.FaultLostAnswer, Drop: true},
		"the answer is an error":  {Match: "POST /company/companies", Times: 1, Kind: cwfake.FaultLostAnswer},
		"the answer is cut short": {Match: "POST /company/companies", Times: 1, Kind: cwfake.FaultTruncated},
		"the request is refused":  {Match: "POST /company/companies", Times: 1, Kind: cwfake.FaultErrorBefore, Status: 503},
	}
	owl := &statusv1.Customer{Id: "481310", Name: "Night Owl, LLP (kate@owl.example)", Level: "EndCustomer"}
	for name, loss := range losses {
		for at := range 5 {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, the process ends at effect %d, after it: %t", name, at, after), func(t *testing.T) {
					t.Parallel()
					s := newShop(t)
					if loss != nil {
						require.NoError(t, s.fake.AddFaults(*loss))
					}
					first := s.process(&effects{at: at, after: after})
					_ = first.Handle(t.Context(), s.wanted(owl, 1)) // its error is what a crash is
					for attempt := uint64(2); attempt < 5; attempt++ {
						s.clock.Add(2 * time.Minute)
						next := s.process(&effects{})
						if next.Handle(t.Context(), s.wanted(owl, attempt)) == nil && s.link("481310").GetState() == linked {
							break
						}
					}
					link := s.link("481310")
					require.Equal(t, linked, link.GetState(), link.GetReason())
					require.Equal(t, byCreation, link.GetMethod())
					companies := s.named("Night Owl, LLP")
					require.Len(t, companies, 1)
					require.Equal(t, "NightOwlLLP", companies[0].Identifier)
					require.EqualValues(t, companies[0].ID, link.GetCompany().GetId())
					require.Equal(t, []cwfake.Site{{ID: companies[0].Sites[0].ID, Name: "Main", Primary: true}}, companies[0].Sites)
				})
			}
		}
	}
}

// interposing has somebody do something just before the first POST: after the record was stored.
type interposing struct {
	*bus.Store[*companyv1.Link]
	then func()
}

func (s *interposing) Put(ctx context.Context, key string, link *companyv1.Link, revision uint64) (uint64, error) {
	next, err := s.Store.Put(ctx, key, link, revision)
	if then := s.then; then != nil && link.GetState() == creating {
		s.then = nil
		then()
	}
	return next, err
}

func TestAnIdentifierThatSomebodyTookMeanwhileIsLeftToThem(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	owl := &statusv1.Customer{Id: "481310", Name: "Night Owl", Level: "EndCustomer"}
	p := s.process(&effects{})
	p.Links = &interposing{s.links, func() {
		_, err := s.fake.AddCompany(cwfake.Company{ID: 900, Identifier: "nightowl", Name: "Nightly Owls Inc"})
		require.NoError(t, err)
	}}
	require.NoError(t, p.Handle(t.Context(), s.wanted(owl, 1)))
	link := s.link("481310")
	require.Equal(t, proposed, link.GetState(), "a company whose identifier is the customer's name may be meant")
	require.EqualValues(t, 900, link.GetCompany().GetId())
	require.Empty(t, s.named("Night Owl"))

	clinic := &statusv1.Customer{Id: "481309", Name: "Клиника Северная", Level: "EndCustomer"}
	p.Links = &interposing{s.links, func() {
		_, err := s.fake.AddCompany(cwfake.Company{ID: 901, Identifier: "KlinikaSevernaia", Name: "Another"})
		require.NoError(t, err)
	}}
	require.NoError(t, p.Handle(t.Context(), s.wanted(clinic, 1)))
	link = s.link("481309")
	require.Equal(t, linked, link.GetState(), link.GetReason())
	require.Equal(t, "Klinika", link.GetCompany().GetIdentifier())
	require.Len(t, s.named("Клиника Северная"), 1)
}

// Whether a company with the recorded identifier and another name is ours, renamed while the outcome was not known, or
// somebody else's, only a person can say: never a second one, and never a wrong one.
func TestACompanyOfAnotherNameAfterALostOutcomeIsAPersonsToJudge(t *testing.T) {
	t.Parallel()
	owl := &statusv1.Customer{Id: "481310", Name: "Night Owl", Level: "EndCustomer"}
	s := newShop(t)
	require.NoError(t, s.fake.AddFaults(cwfake.Fault{Match: "POST /company/companies", Times: 1, Kind: cwfake.FaultLostAnswer, Drop: true}))
	require.Error(t, s.process(&effects{}).Handle(t.Context(), s.wanted(owl, 1)))
	made := s.named("Night Owl")[0].ID
	require.NoError(t, s.fake.Person("").RenameCompany(made, "Owl Consulting"))
	before := len(s.fake.Companies())
	for attempt := range uint64(3) {
		s.clock.Add(12 * time.Minute)
		require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(owl, attempt+2)))
		link := s.link("481310")
		require.Equal(t, ambiguous, link.GetState())
		require.EqualValues(t, made, link.GetCandidates()[0].GetCompany().GetId())
		require.Contains(t, link.GetReason(), `"Owl Consulting"`)
	}
	require.Len(t, s.fake.Companies(), before)

	order := &companyv1.Order{Id: "o1", Kind: companyv1.OrderKind_ORDER_KIND_CREATE, Author: "maria", Reason: "not ours"}
	require.NoError(t, s.process(&effects{}).HandleOrder(t.Context(), s.ordered(order, 1)))
	require.Equal(t, byCreation, s.link("481310").GetMethod(), s.link("481310").GetReason())
	require.NotEqualValues(t, made, s.link("481310").GetCompany().GetId())
}

func dataSafe() (group, ltd *statusv1.Customer) {
	return &statusv1.Customer{Id: "481302", Name: "DataSafe Solutions International Technology Services Group", Level: "EndCustomer"},
		&statusv1.Customer{Id: "481303", Name: "DataSafe Solutions International Technology Services Ltd", Level: "EndCustomer"}
}

// Two customers whose names share what ConnectWise keeps of them never get one company.
func TestACompanyCreatedForOneCustomerIsNeverAnothers(t *testing.T) {
	t.Parallel()
	different := func(s *shop) {
		t.Helper()
		a, b := s.link("481302"), s.link("481303")
		if a.GetState() == linked && b.GetState() == linked {
			require.NotEqual(t, a.GetCompany().GetId(), b.GetCompany().GetId())
		}
		require.True(t, a.GetState() == linked || b.GetState() == linked, "%s, %s", a.GetReason(), b.GetReason())
	}
	t.Run("one is recorded, the other created, then the first goes on", func(t *testing.T) {
		s := newShop(t)
		group, ltd := dataSafe()
		require.Error(t, s.process(&effects{at: 1, after: true}).Handle(t.Context(), s.wanted(group, 1)))
		require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(ltd, 1)))
		s.clock.Add(2 * time.Minute)
		require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(group, 2)))
		different(s)
	})
	t.Run("the same identifier is recorded for both, as two processes at once may", func(t *testing.T) {
		s := newShop(t)
		group, ltd := dataSafe()
		p := s.process(&effects{})
		p.Links = &interposing{s.links, func() {
			require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(ltd, 1)))
		}}
		require.NoError(t, p.Handle(t.Context(), s.wanted(group, 1)))
		different(s)
	})
	t.Run("both at once", func(t *testing.T) {
		for range 5 {
			s := newShop(t)
			group, ltd := dataSafe()
			p := s.process(&effects{})
			done := make(chan error, 2)
			for _, d := range []bus.Delivery{s.wanted(group, 1), s.wanted(ltd, 1)} {
				go func() { done <- p.Handle(t.Context(), d) }()
			}
			require.NoError(t, errors.Join(<-done, <-done))
			different(s)
		}
	})
}

// Two customers of one name: neither is decided by the name, and none is created by itself.
func TestANameThatTwoCustomersHaveDecidesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := &statusv1.Customer{Id: "1", Name: "Smith Dental", Level: "EndCustomer"}
	b := &statusv1.Customer{Id: "2", Name: "SMITH  dental (ops@b.example)", Level: "EndCustomer"}
	p := s.process(&effects{})
	p.Customers = func(context.Context, string) ([]*statusv1.Customer, error) { return []*statusv1.Customer{a, b}, nil }
	for _, c := range []*statusv1.Customer{a, b} {
		require.NoError(t, p.Handle(t.Context(), s.wanted(c, 1)))
		require.Equal(t, proposed, s.link(c.GetId()).GetState(), "no company is created by itself")
		require.Contains(t, s.link(c.GetId()).GetReason(), "has the same name")
	}
	require.Empty(t, s.named("Smith Dental"))
	_, err := s.fake.AddCompany(cwfake.Company{ID: 900, Identifier: "Smith", Name: "Smith Dental"})
	require.NoError(t, err)
	s.clock.Add(15 * time.Minute)
	for _, c := range []*statusv1.Customer{a, b} {
		require.NoError(t, p.Handle(t.Context(), s.wanted(c, 2)))
		require.Equal(t, ambiguous, s.link(c.GetId()).GetState())
		require.Contains(t, s.link(c.GetId()).GetReason(), "has the same name: link it, or another")
		require.EqualValues(t, 900, s.link(c.GetId()).GetCandidates()[0].GetCompany().GetId())
	}
	a.Reference = "CWM:900"
	require.NoError(t, p.Handle(t.Context(), s.wanted(a, 3)))
	require.Equal(t, linked, s.link("1").GetState(), "an id says so")
	p.Customers = nil
	s.clock.Add(15 * time.Minute)
	require.NoError(t, p.Handle(t.Context(), s.wanted(b, 3)))
	require.Equal(t, ambiguous, s.link("2").GetState())
	require.Contains(t, s.link("2").GetReason(), `customer "Smith Dental" (1) is linked to it already`)
}

func TestASharpSMakesNoTwin(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, err := s.fake.AddCompany(cwfake.Company{ID: 900, Identifier: "Grossm", Name: "Großmann GmbH"})
	require.NoError(t, err)
	require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(&statusv1.Customer{Id: "1", Name: "GROSSMANN GmbH"}, 1)))
	require.EqualValues(t, 900, s.link("1").GetCompany().GetId())
	require.Zero(t, s.fake.Writes())
}

func TestWhatIsMissingForACompanyIsSaidAndNothingIsPutInItsPlace(t *testing.T) {
	t.Parallel()
	owl := &statusv1.Customer{Id: "481310", Name: "Night Owl", Level: "EndCustomer"}
	for name, test := range map[string]struct {
		change func(*tenantv1.Companies)
		reason string
	}{
		"a status that is absent":    {func(c *tenantv1.Companies) { c.Status = "Activ" }, `companies.new.status: ConnectWise has no company status "Activ"; write one of "Active"`},
		"a status that bars tickets": {func(c *tenantv1.Companies) { c.Status = "Inactive" }, `companies.new.status: the company status "Inactive" makes companies inactive`},
		"a type that is absent":      {func(c *tenantv1.Companies) { c.Type = "Customer" }, `companies.new.type: ConnectWise has no company type "Customer"`},
		"a territory that is absent": {func(c *tenantv1.Companies) { c.Territory = "North" }, `companies.new.territory: ConnectWise has no territory "North"; write one of "Main Office"`},
		"a country that is absent":   {func(c *tenantv1.Companies) { c.Country = "Atlantis" }, `companies.new.country: ConnectWise has no country "Atlantis"`},
		"no country":                 {func(c *tenantv1.Companies) { c.Country = "" }, `addressLine1`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			test.change(s.settings.GetCompanies())
			require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(owl, 1)))
			link := s.link("481310")
			require.Equal(t, missing, link.GetState())
			require.Contains(t, link.GetReason(), test.reason)
			require.Empty(t, s.named("Night Owl"))

			s.settings = proto.CloneOf(s.settings)
			s.settings.Companies = &tenantv1.Companies{Create: tenantv1.CompanyCreation_COMPANY_CREATION_AUTO, Country: "United Kingdom", Territory: "main office"}
			require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(owl, 1)))
			require.Equal(t, linked, s.link("481310").GetState(), "mended settings take effect at once")
		})
	}
}

func TestNamesOfAnyScriptAndLengthBecomeCompanies(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for id, test := range map[string]struct{ name, identifier, company string }{
		"481309": {"Клиника Северная", "KlinikaSevernaia", "Клиника Северная"},
		"481310": {"O'Brien Smith, LLP (kate@obriensmith.example)", "OBrienSmithLLP", "O'Brien Smith, LLP"},
		"481311": {"日本橋デザイン株式会社", "RiBenQiaodezainZhuShiHui", "日本橋デザイン株式会社"},
		"481302": {"🙂🙂", "Customer481302", "🙂🙂"},
		"481303": {"Vault 🙂 Consulting International Technology Services Group", "Vault", "Vault 🙂 Consulting International Technology Servi"},
	} {
		customer := &statusv1.Customer{Id: id, Name: test.name, Level: "EndCustomer"}
		require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(customer, 1)))
		link := s.link(id)
		require.Equal(t, linked, link.GetState(), link.GetReason())
		require.Equal(t, test.company, link.GetCompany().GetName())
		require.LessOrEqual(t, len(link.GetCompany().GetIdentifier()), 25)
		if id != "481303" {
			require.Equal(t, test.identifier, link.GetCompany().GetIdentifier())
		}
	}
}

func TestAShadowTenantCreatesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.settings.Mode = tenantv1.Mode_MODE_SHADOW
	owl := &statusv1.Customer{Id: "481310", Name: "Night Owl", Level: "EndCustomer"}
	require.NoError(t, s.process(&effects{}).Handle(t.Context(), s.wanted(owl, 1)))
	link := s.link("481310")
	require.Equal(t, proposed, link.GetState())
	require.Equal(t, "NightOwl", link.GetCompany().GetIdentifier())
	require.Contains(t, link.GetReason(), "if the tenant were live")
	require.Zero(t, s.fake.Writes())
}
