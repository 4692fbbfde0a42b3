package answer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/directory"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// list is all companies of a server, read once.
type list struct {
	*directory.Server
	index *match.Index
	asked *int // companies that were asked for by their id because the list lacks them
}

// mostLacking bounds the companies that are asked for one by one: a list that lacks more is no list.
const mostLacking = 200

// Find returns the companies that decide about a customer.
func (l list) Find(ctx context.Context, customer *statusv1.Customer) ([]match.Record, error) {
	if q := match.Ask(customer); q.ID != 0 {
		return l.ByID(ctx, q.ID)
	}
	return l.index.Find(customer), nil
}

// ByID returns the company with an id. One that the list lacks is asked for: a list can be short of a page, and only the
// company itself says that it is gone.
func (l list) ByID(ctx context.Context, id int64) ([]match.Record, error) {
	if r, ok := l.index.ByID(id); ok {
		return []match.Record{r}, nil
	}
	if id == 0 {
		return nil, nil
	}
	if *l.asked++; *l.asked > mostLacking {
		return nil, errclass.Newf(errclass.Transient, "compare companies", "the list of companies lacks more than %d that customers have; it is not believed", mostLacking)
	}
	return l.Server.ByID(ctx, id)
}

// Named returns the companies with an identifier that the settings name.
func (l list) Named(ctx context.Context, identifier string) ([]match.Record, error) {
	found := l.index.ByIdentifier(identifier)
	if len(found) == 0 {
		return l.Server.Named(ctx, identifier)
	}
	return found, nil
}

// WithIdentifiers returns the companies with one of the identifiers.
func (l list) WithIdentifiers(_ context.Context, identifiers ...string) ([]match.Record, error) {
	var found []match.Record
	for _, identifier := range identifiers {
		found = append(found, l.index.ByIdentifier(identifier)...)
	}
	return found, nil
}

// Pair is a customer with its link and what a comparison says of both. Revision is that of the stored link.
type Pair struct {
	Customer *statusv1.Customer
	Stored   *companyv1.Link // nil when nobody asked yet
	Revision uint64
	Link     *companyv1.Link // as it is or would be now
	Company  match.Record    // the linked company as it is now
	Renamed  string          // what is called otherwise than when the link was made; "" when nothing is
	Removed  bool            // the vendor's list no longer holds the customer
	// Suggested is the identifier that a company created for the customer would get; "" when there is a company, or may be.
	Suggested string
}

// Customers returns the customers of a partner tree, in order of name: partners of level EndCustomer, without the
// vendor's recycle bins.
func Customers(tree *statusv1.PartnerCursor) []*statusv1.Customer {
	var all []*statusv1.Customer
	for _, p := range tree.GetPartners() {
		if p.GetLevel() != "EndCustomer" || strings.HasSuffix(p.GetName(), "- Recycle Bin") {
			continue
		}
		all = append(all, customerOf(p))
	}
	slices.SortFunc(all, func(a, b *statusv1.Customer) int {
		return cmp.Or(cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetId(), b.GetId()))
	})
	return all
}

func customerOf(p *statusv1.Partner) *statusv1.Customer {
	return &statusv1.Customer{Id: p.GetId(), Name: p.GetName(), Level: p.GetLevel(), State: p.GetState(), Reference: p.GetReference()}
}

// Compare matches every customer of a tenant with every company and writes nothing. It costs one request for each
// thousand companies and two for what surrounds them. Customers that are gone from the tree come last.
func (h *Handler) Compare(ctx context.Context, settings *tenantv1.Settings, tree *statusv1.PartnerCursor) ([]Pair, error) {
	server, err := h.Directory.Server(settings)
	if err != nil {
		return nil, err
	}
	all, err := server.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list companies: %w", err)
	}
	from := list{server, match.NewIndex(all), new(int)}
	stored, err := h.stored(ctx, settings.GetId())
	if err != nil {
		return nil, err
	}
	customers := Customers(tree)
	others := newOthers(stored, customers, serverName(settings))
	listed := map[string]bool{}
	for _, c := range customers {
		listed[c.GetId()] = true
	}
	for _, p := range tree.GetPartners() {
		// Devices can belong to a partner above the customers, by mistake or on purpose; it then has a link like a customer.
		if _, asked := stored[p.GetId()]; asked && !listed[p.GetId()] {
			customers = append(customers, customerOf(p))
		}
	}
	var pairs []Pair
	for _, customer := range customers {
		entry := stored[customer.GetId()]
		delete(stored, customer.GetId())
		pair, err := h.pair(ctx, from, settings, others, tree.GetReadAt(), customer, entry)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, pair)
	}
	for _, id := range slices.Sorted(maps.Keys(stored)) {
		if id == OwnCustomer {
			continue
		}
		link := stored[id].Value
		pairs = append(pairs, Pair{Customer: link.GetCustomer(), Stored: link, Revision: stored[id].Revision, Link: link, Removed: true})
	}
	return pairs, nil
}

func (h *Handler) pair(
	ctx context.Context, from list, settings *tenantv1.Settings, all *others, readAt *timestamppb.Timestamp, customer *statusv1.Customer, entry bus.Entry[*companyv1.Link],
) (Pair, error) {
	m := &matter{
		key: bus.Key(settings.GetId(), customer.GetId()), settings: settings, version: version(settings), server: serverName(settings),
		stored: entry.Value, revision: entry.Revision, others: all,
	}
	m.customer, m.observed = newest(customer, readAt, entry.Value)
	p := Pair{Customer: m.customer, Stored: entry.Value, Revision: entry.Revision}
	state := m.stored.GetState()
	stands := match.Stands(m.customer, m.stored, m.server, m.version)
	company, there := from.index.ByID(m.stored.GetCompany().GetId())
	switch {
	case state == companyv1.LinkState_LINK_STATE_EXCLUDED, state == companyv1.LinkState_LINK_STATE_CREATING && match.SameServer(m.stored, m.server),
		stands && there && !company.Deleted && !company.Inactive:
		p.Link = proto.CloneOf(m.stored)
	default:
		m.doubtful = stands
		link, _, err := h.decide(ctx, from, m)
		if err != nil {
			return Pair{}, err
		}
		p.Link = link
	}
	p.Link.Customer, p.Link.RemovedAt = m.customer, nil
	switch p.Link.GetState() {
	case companyv1.LinkState_LINK_STATE_MISSING, companyv1.LinkState_LINK_STATE_BROKEN:
		company, err := suggest(ctx, from, m, all)
		if err != nil {
			return Pair{}, err
		}
		p.Suggested = company.GetIdentifier()
	case companyv1.LinkState_LINK_STATE_PROPOSED:
		p.Suggested = p.Link.GetCompany().GetIdentifier()
	default:
	}
	if p.Link.GetState() == companyv1.LinkState_LINK_STATE_LINKED {
		p.Company, _ = from.index.ByID(p.Link.GetCompany().GetId())
		p.Renamed = match.Renamed(m.customer, p.Link, p.Company.Name)
	}
	return p, nil
}

// Round compares all customers of a tenant with all companies, and stores and tells what changed: links whose company
// is gone, customers that nobody asked about yet, customers that were removed. Links that somebody changed meanwhile
// are left to the next round.
func (h *Handler) Round(ctx context.Context, settings *tenantv1.Settings, tree *statusv1.PartnerCursor) ([]Pair, error) {
	server, err := h.Directory.Server(settings)
	if err != nil {
		return nil, err
	}
	if err := server.Quiet(); err != nil {
		return nil, err
	}
	pairs, err := h.Compare(ctx, settings, tree)
	if err != nil {
		return nil, err
	}
	vanished := len(pairs) > 0 && !pairs[0].Removed // a tree without customers says nothing about those there were
	for _, p := range pairs {
		link := proto.CloneOf(p.Link)
		m := &matter{
			key: bus.Key(settings.GetId(), p.Customer.GetId()), settings: settings, version: version(settings), server: serverName(settings),
			customer: p.Customer, stored: p.Stored, revision: p.Revision,
		}
		_, m.observed = newest(p.Customer, tree.GetReadAt(), p.Stored)
		m.waits = link.GetWaitingSince() != nil
		switch {
		case p.Removed && (!vanished || p.Stored.GetRemovedAt() != nil):
			continue
		case p.Removed:
			link.RemovedAt = timestamppb.New(h.Clock.Now())
			m.observed = p.Stored.GetObservedAt()
		}
		if same(p.Stored, link) {
			continue
		}
		err := h.put(ctx, m, link)
		if err == nil {
			err = h.publish(ctx, link, m.revision)
		}
		if err != nil && errclass.Of(err) != errclass.Conflict {
			return nil, err
		}
	}
	return pairs, nil
}

// same reports whether two links say the same; when they were decided does not matter.
func same(a, b *companyv1.Link) bool {
	if a == nil {
		return false
	}
	a, b = proto.CloneOf(a), proto.CloneOf(b)
	for _, link := range []*companyv1.Link{a, b} {
		link.CheckedAt, link.ObservedAt, link.Settings, link.Server, link.Tenant, link.SchemaVersion = nil, nil, "", "", "", 0
	}
	return proto.Equal(a, b)
}
