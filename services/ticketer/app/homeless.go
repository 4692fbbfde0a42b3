package app

import (
	"context"

	"github.com/covewise/covewise/platform/bus"
	tenantdoc "github.com/covewise/covewise/platform/tenant"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// homeless is the trouble of incidents that concern no single customer and have no ticket because the MSP's own company is
// not known: nobody else's ticket says that something is wrong. It returns nil where there is none. The trouble is not on
// the desk's record: the incidents that wait are it.
func homeless(ctx context.Context, b *bus.Bus, tenant string) (*ticketv1.Trouble, error) {
	links, err := bus.OpenStore[*companyv1.Link](ctx, b, bus.CompanyMap)
	if err != nil {
		return nil, err
	}
	link, _, err := links.Get(ctx, bus.Key(tenant, tenantdoc.OwnCustomer))
	if s := link.GetState(); err != nil || s == companyv1.LinkState_LINK_STATE_LINKED || s == companyv1.LinkState_LINK_STATE_UNSPECIFIED {
		return nil, err
	}
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
	if err != nil {
		return nil, err
	}
	var trouble *ticketv1.Trouble
	err = ledgers.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		park, customer := e.Value.GetPark(), e.Value.GetWanted().GetCustomer()
		if park.GetReason() != ticketv1.ParkReason_PARK_REASON_COMPANY || customer.GetId() != tenantdoc.OwnCustomer {
			return nil
		}
		if trouble == nil || park.GetSince().AsTime().Before(trouble.GetSince().AsTime()) {
			trouble = &ticketv1.Trouble{About: "companies.own", Reason: park.GetReason(), Detail: plan.Homeless(customer, link.GetReason()), Since: park.GetSince()}
		}
		return nil
	})
	return trouble, err
}
