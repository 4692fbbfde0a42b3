package answer_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

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

func TestAnOrderThatCannotBeCarriedOutIsRecorded(t *testing.T) {
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
