package answer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func (s *shop) ordered(order *companyv1.Order, attempt uint64) bus.Delivery {
	s.t.Helper()
	body, err := proto.Marshal(&companyv1.Ordered{Tenant: "harbor", Customer: &statusv1.Customer{Id: "481310", Name: "Night Owl", Level: "EndCustomer"}, Order: order})
	require.NoError(s.t, err)
	return bus.Delivery{Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbOrdered, Tenant: "harbor", Key: "481310"}, Data: body, Attempt: attempt}
}

// An order that a person gives once is carried out once, wherever the process ends and whatever answer is lost.
func TestAnOrderIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	for at := range 5 {
		for _, after := range []bool{false, true} {
			s := newShop(t)
			s.settings.Companies.Create = tenantv1.CompanyCreation_COMPANY_CREATION_OFF
			require.NoError(t, s.fake.AddFaults(cwfake.Fault{Match: "POST /company/companies", Times: 1, Kind: cwfake.FaultLostAnswer, Drop: true}))
			order := &companyv1.Order{Id: "o1", Kind: companyv1.OrderKind_ORDER_KIND_CREATE, Author: "maria"}
			_ = s.process(&effects{at: at, after: after}).HandleOrder(t.Context(), s.ordered(order, 1)) // its error is what a crash is
			_ = s.process(&effects{}).HandleOrder(t.Context(), s.ordered(order, 2))                     // the answer may be lost only now
			for attempt := uint64(3); attempt < 5; attempt++ {
				require.NoError(t, s.process(&effects{}).HandleOrder(t.Context(), s.ordered(order, attempt)), "at %d after %t", at, after)
			}
			link := s.link("481310")
			require.Equal(t, byCreation, link.GetMethod(), "at %d after %t: %s", at, after, link.GetReason())
			require.Empty(t, link.GetLastOrder().GetRefusal())
			require.Equal(t, "o1", link.GetLastOrder().GetId())
			require.Len(t, s.named("Night Owl"), 1)
		}
	}
}

// What was proposed can be approved although the catch-all company stands in by now.
func TestAProposalIsApprovedAfterTheCatchAllCompanyTookOver(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.settings.Companies.Create = tenantv1.CompanyCreation_COMPANY_CREATION_APPROVE
	s.settings.Companies.CatchAll = "HarborIT"
	p := s.process(&effects{})
	owl := &statusv1.Customer{Id: "481310", Name: "Night Owl", Level: "EndCustomer"}
	require.NoError(t, p.Handle(t.Context(), s.wanted(owl, 1)))
	require.Equal(t, companyv1.LinkMethod_LINK_METHOD_CATCH_ALL, s.link("481310").GetMethod())
	require.NoError(t, p.HandleOrder(t.Context(), s.ordered(&companyv1.Order{Id: "o1", Kind: companyv1.OrderKind_ORDER_KIND_APPROVE, Author: "maria"}, 1)))
	require.Equal(t, byCreation, s.link("481310").GetMethod(), s.link("481310").GetLastOrder().GetRefusal())
	require.Nil(t, s.link("481310").GetProposed())
	require.Len(t, s.named("Night Owl"), 1)
}

// A second company beside those that may be meant is a person's decision, with a reason.
func TestACompanyBesideOthersThatMayBeMeantNeedsAReason(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for i, identifier := range []string{"OwlA", "OwlB"} {
		_, err := s.fake.AddCompany(cwfake.Company{ID: 900 + i, Identifier: identifier, Name: "Night Owl"})
		require.NoError(t, err)
	}
	h := s.process(&effects{})
	order := &companyv1.Order{Id: "o1", Kind: companyv1.OrderKind_ORDER_KIND_CREATE, Author: "maria"}
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(order, 1)))
	refusal := s.link("481310").GetLastOrder().GetRefusal()
	require.Contains(t, refusal, `900 "Night Owl" (same name); 901 "Night Owl" (same name); link one of them, or order it with a reason`)
	require.Zero(t, s.fake.Writes())
	order.Id, order.Reason = "o2", "a third one"
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(order, 1)))
	require.Equal(t, byCreation, s.link("481310").GetMethod(), s.link("481310").GetLastOrder().GetRefusal())
}

// A server that did not answer a moment ago is not waited for again: the order is refused at once.
func TestAnOrderToAServerThatIsLeftAloneIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	h := s.process(&effects{})
	server, err := h.Directory.Server(s.settings)
	require.NoError(t, err)
	server.LeaveAlone(errclass.New(errclass.Transient, "", errors.New("it hangs")))
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(&companyv1.Order{Id: "o1", Kind: companyv1.OrderKind_ORDER_KIND_LINK, CompanyId: 2, Author: "maria"}, 1)))
	require.Contains(t, s.link("481310").GetLastOrder().GetRefusal(), "it hangs; order it again")
	require.Empty(t, s.fake.Counts())
}

func TestAnOrderThatALaterOneOvertookIsVoid(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	h := s.process(&effects{})
	at := func(n int) *timestamppb.Timestamp {
		return timestamppb.New(s.clock.Now().Add(time.Duration(n) * time.Second))
	}
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(&companyv1.Order{Id: "o2", Kind: companyv1.OrderKind_ORDER_KIND_IGNORE, Author: "maria", OrderedAt: at(2)}, 1)))
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(&companyv1.Order{Id: "o1", Kind: companyv1.OrderKind_ORDER_KIND_LINK, CompanyId: 2, Author: "maria", OrderedAt: at(1)}, 1)))
	require.Equal(t, excluded, s.link("481310").GetState())
	require.Equal(t, "o2", s.link("481310").GetLastOrder().GetId())
}

func TestAnOrderThatCannotBeCarriedOutIsRecorded(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	h := s.process(&effects{})
	link := &companyv1.Order{Id: "o1", Kind: companyv1.OrderKind_ORDER_KIND_LINK, CompanyId: 2, Author: "maria"}
	require.NoError(t, s.fake.AddFaults(cwfake.Fault{Kind: cwfake.FaultUnauthorized}))
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(link, 1)))
	require.Contains(t, s.link("481310").GetLastOrder().GetRefusal(), "ConnectWise could not be asked")
	require.Contains(t, s.link("481310").GetLastOrder().GetRefusal(), "order it again")
	s.fake.ClearFaults()

	link.Id = "o2"
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(link, 1)))
	require.Equal(t, byOrder, s.link("481310").GetMethod())

	s.settings.Mode = tenantv1.Mode_MODE_SHADOW
	unlink := &companyv1.Order{Id: "o3", Kind: companyv1.OrderKind_ORDER_KIND_UNLINK, Author: "maria"}
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(unlink, 1)))
	require.NotEqual(t, linked, s.link("481310").GetState())
	create := &companyv1.Order{Id: "o4", Kind: companyv1.OrderKind_ORDER_KIND_CREATE, Author: "maria"}
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(create, 1)))
	require.Contains(t, s.link("481310").GetLastOrder().GetRefusal(), "the tenant is in shadow mode")
	require.Zero(t, s.fake.Writes())

	ignore := &companyv1.Order{Id: "o5", Kind: companyv1.OrderKind_ORDER_KIND_IGNORE, Author: "maria", Reason: "internal"}
	require.NoError(t, h.HandleOrder(t.Context(), s.ordered(ignore, 1)))
	require.Equal(t, excluded, s.link("481310").GetState())
	require.Equal(t, "excluded by maria: internal", s.link("481310").GetReason())

	for name, order := range map[string]*companyv1.Order{
		"no author": {Id: "x", Kind: companyv1.OrderKind_ORDER_KIND_IGNORE}, "no kind": {Id: "x", Author: "maria"},
		"no company": {Id: "x", Author: "maria", Kind: companyv1.OrderKind_ORDER_KIND_LINK},
	} {
		require.Equal(t, errclass.Rejected, errclass.Of(h.HandleOrder(t.Context(), s.ordered(order, 1))), name)
	}
}
