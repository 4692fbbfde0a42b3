package answer

import (
	"context"
	"fmt"
	"strings"

	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// others is what the other customers of a tenant have: names, companies, and identifiers of companies being created.
type others struct {
	names    map[string][]*statusv1.Customer // by normalised name
	holders  map[int64][]*statusv1.Customer  // by the id of the company they are linked to; without stand-ins and removed ones
	owners   map[int64][]*statusv1.Customer  // the same with removed ones
	creating map[string][]*statusv1.Customer // by the identifier, in lower case, of the company being created for them
}

// newOthers returns what the links of a tenant say, and who is called how: the customers, or when nobody knows them, those
// of the links.
func newOthers(links map[string]bus.Entry[*companyv1.Link], customers []*statusv1.Customer, server string) *others {
	o := &others{
		names: map[string][]*statusv1.Customer{}, holders: map[int64][]*statusv1.Customer{},
		owners: map[int64][]*statusv1.Customer{}, creating: map[string][]*statusv1.Customer{},
	}
	listed := customers != nil
	for _, entry := range links {
		link, customer := entry.Value, entry.Value.GetCustomer()
		if customer.GetId() == OwnCustomer {
			continue
		}
		if !listed && link.GetRemovedAt() == nil {
			customers = append(customers, customer)
		}
		if !match.SameServer(link, server) {
			continue
		}
		switch id := link.GetCompany().GetId(); {
		case link.GetState() == companyv1.LinkState_LINK_STATE_CREATING:
			key := strings.ToLower(link.GetCreation().GetIdentifier())
			o.creating[key] = append(o.creating[key], customer)
		case link.GetState() == companyv1.LinkState_LINK_STATE_LINKED && link.GetMethod() != companyv1.LinkMethod_LINK_METHOD_CATCH_ALL:
			o.owners[id] = append(o.owners[id], customer)
			if link.GetRemovedAt() == nil {
				o.holders[id] = append(o.holders[id], customer)
			}
		}
	}
	for _, customer := range customers {
		if name := match.Normal(customer.GetName()); name != "" {
			o.names[name] = append(o.names[name], customer)
		}
	}
	return o
}

// other returns the first customer that is not the given one, or nil.
func other(than *statusv1.Customer, all []*statusv1.Customer) *statusv1.Customer {
	var first *statusv1.Customer
	for _, c := range all {
		if c.GetId() != than.GetId() && (first == nil || c.GetId() < first.GetId()) {
			first = c
		}
	}
	return first
}

// namesake returns another customer with the same normalised name, or nil.
func (o *others) namesake(customer *statusv1.Customer) *statusv1.Customer {
	return other(customer, o.names[match.Normal(customer.GetName())])
}

// holder returns another customer that is linked to a company, or nil.
func (o *others) holder(customer *statusv1.Customer, company int64) *statusv1.Customer {
	return other(customer, o.holders[company])
}

// owner is holder with customers that were removed.
func (o *others) owner(customer *statusv1.Customer, company int64) *statusv1.Customer {
	return other(customer, o.owners[company])
}

// creates says whether a company with an identifier is being created for another customer.
func (o *others) creates(customer *statusv1.Customer, identifier string) bool {
	return other(customer, o.creating[strings.ToLower(identifier)]) != nil
}

// stored returns all links of a tenant by customer.
func (h *Handler) stored(ctx context.Context, tenant string) (map[string]bus.Entry[*companyv1.Link], error) {
	all := map[string]bus.Entry[*companyv1.Link]{}
	err := h.Links.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*companyv1.Link]) error {
		all[e.Value.GetCustomer().GetId()] = e
		return nil
	})
	return all, err
}

// othersOf reads, once for each matter, what the other customers have.
func (h *Handler) othersOf(ctx context.Context, m *matter) (*others, error) {
	if m.others != nil {
		return m.others, nil
	}
	return h.othersNow(ctx, m)
}

// othersNow reads it anew.
func (h *Handler) othersNow(ctx context.Context, m *matter) (*others, error) {
	links, err := h.stored(ctx, m.settings.GetId())
	if err != nil {
		return nil, fmt.Errorf("read links of other customers: %w", err)
	}
	var customers []*statusv1.Customer
	if h.Customers != nil {
		if customers, err = h.Customers(ctx, m.settings.GetId()); err != nil {
			return nil, fmt.Errorf("read customers: %w", err)
		}
	}
	m.others = newOthers(links, customers, m.server)
	return m.others, nil
}
