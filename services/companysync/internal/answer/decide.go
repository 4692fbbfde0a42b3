package answer

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/directory"
	"github.com/covewise/covewise/services/companysync/internal/identifier"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// OwnCustomer is the id of the customer that incidents have which concern no single customer.
const OwnCustomer = "own"

// companies is where customers' companies are looked for: a *directory.Server, or the list of all of them.
type companies interface {
	Find(ctx context.Context, customer *statusv1.Customer) ([]match.Record, error)
	ByID(ctx context.Context, id int64) ([]match.Record, error)
	Named(ctx context.Context, identifier string) ([]match.Record, error)
	WithIdentifiers(ctx context.Context, identifiers ...string) ([]match.Record, error)
	WhereTickets(ctx context.Context, tickets []int64) ([]match.Record, error)
}

// version names the settings that answers depend on.
func version(settings *tenantv1.Settings) string {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(settings.GetCompanies())
	if err != nil {
		return "" // a message of plain values always has a wire form
	}
	sum := fnv.New64a()
	_, _ = sum.Write(raw) // never fails
	return settings.GetMode().String() + ":" + strconv.FormatUint(sum.Sum64(), 36)
}

func live(settings *tenantv1.Settings) bool { return settings.GetMode() == tenantv1.Mode_MODE_LIVE }

// decide returns the answer for a customer, and whether a company is to be created for it now. It reads only.
func (h *Handler) decide(ctx context.Context, from companies, m *matter) (link *companyv1.Link, create bool, err error) {
	if m.customer.GetId() == OwnCustomer {
		link, err = own(ctx, from, m)
		return link, false, err
	}
	link, err = h.find(ctx, from, m)
	if err != nil {
		return nil, false, err
	}
	inherit(link, m.stored)
	if s := link.GetState(); s == companyv1.LinkState_LINK_STATE_MISSING || s == companyv1.LinkState_LINK_STATE_PROPOSED {
		if err := h.doubtedCreation(ctx, from, link); err != nil {
			return nil, false, err
		}
	}
	if link.GetState() == companyv1.LinkState_LINK_STATE_MISSING {
		if create, err = h.propose(ctx, from, m, link); err != nil {
			return nil, false, err
		}
	}
	if create {
		return link, true, nil
	}
	return link, false, h.waitOrStandIn(ctx, from, m, link)
}

// own answers for incidents that concern no single customer.
func own(ctx context.Context, from companies, m *matter) (*companyv1.Link, error) {
	link := &companyv1.Link{SchemaVersion: 1, Customer: m.customer}
	name := cmp.Or(m.settings.GetCompanies().GetOwn(), m.settings.GetCompanies().GetCatchAll())
	var found []match.Record
	if name != "" {
		var err error
		if found, err = from.Named(ctx, name); err != nil {
			return nil, fmt.Errorf("find own company: %w", err)
		}
	}
	match.Own(link, name, found)
	return link, nil
}

// find is the matching itself: a doubted or lost link whose company is there, what the customer's records and names lead
// to, and the company that a vanished one was merged into. Once a link's company was gone, names decide nothing more.
func (h *Handler) find(ctx context.Context, from companies, m *matter) (*companyv1.Link, error) {
	standIn := m.stored.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL
	doubtful := m.doubtful && !standIn
	sticky := doubtful || m.stored.GetLost() != nil && match.SameServer(m.stored, m.server)
	var lost *companyv1.Lost
	var refused []match.Record
	if sticky {
		lost = match.LostOf(m.stored)
		var err error
		if refused, err = from.ByID(ctx, lost.GetCompany().GetId()); err != nil {
			return nil, fmt.Errorf("find linked company: %w", err)
		}
		was := match.Restored(m.customer, lost)
		if match.Confirms(was, refused) {
			if match.Stands(m.customer, was, m.server, m.version) {
				if doubtful {
					was = proto.CloneOf(m.stored)
				}
				return was, nil
			}
			sticky = false
		}
	}
	found, err := from.Find(ctx, m.customer)
	if err != nil {
		return nil, fmt.Errorf("find company: %w", err)
	}
	link := match.Decide(m.customer, found)
	match.Unlinked(link, m.stored)
	if match.NeedsOthers(link) {
		all, err := h.othersOf(ctx, m)
		if err != nil {
			return nil, err
		}
		match.Shared(link, all.namesake(m.customer), all.holder(m.customer, link.GetCompany().GetId()))
	}
	if !sticky {
		return link, nil
	}
	gone := len(refused) == 0 || refused[0].Deleted
	if gone && h.Tickets != nil && !(link.GetState() == companyv1.LinkState_LINK_STATE_LINKED && match.ByID(link)) {
		tickets, err := h.Tickets(ctx, m.settings.GetId(), m.customer.GetId(), lost.GetCompany().GetId())
		if err != nil {
			return nil, fmt.Errorf("find tickets of vanished company: %w", err)
		}
		tickets = tickets[:min(len(tickets), directory.MostTickets)]
		moved, err := from.WhereTickets(ctx, tickets)
		if err != nil {
			return nil, fmt.Errorf("find where the tickets of a vanished company are: %w", err)
		}
		match.Follow(link, lost, len(tickets), moved)
	}
	match.Gone(link, lost, refused)
	return link, nil
}

// inherit takes over from the last link what an answer does not decide.
func inherit(link, stored *companyv1.Link) {
	link.LastOrder, link.WriteBack, link.Creation = stored.GetLastOrder(), stored.GetWriteBack(), stored.GetCreation()
	link.WaitingSince, link.RemovedAt = stored.GetWaitingSince(), stored.GetRemovedAt()
	link.Deadline = nil
}

// doubtedCreation keeps a company from being created again as long as one may be there already under another name.
func (h *Handler) doubtedCreation(ctx context.Context, from companies, link *companyv1.Link) error {
	if !link.GetCreation().GetDoubted() {
		return nil
	}
	found, err := from.WithIdentifiers(ctx, link.GetCreation().GetIdentifier())
	if err != nil {
		return fmt.Errorf("look for doubted company: %w", err)
	}
	if i := slices.IndexFunc(found, func(r match.Record) bool { return strings.EqualFold(r.Identifier, link.GetCreation().GetIdentifier()) }); i >= 0 {
		match.DoubtCreation(link, found[i])
		return nil
	}
	link.Creation = nil
	return nil
}

// propose says what is done about a customer for which there is no company: nothing, a proposal to create one, or its
// creation. Only an incident that waits makes a company come into being by itself; a comparison never does, nor does a name
// that another customer has too.
func (h *Handler) propose(ctx context.Context, from companies, m *matter, link *companyv1.Link) (create bool, err error) {
	policy := m.settings.GetCompanies().GetCreate()
	auto := policy == tenantv1.CompanyCreation_COMPANY_CREATION_AUTO
	if !auto && policy != tenantv1.CompanyCreation_COMPANY_CREATION_APPROVE || match.Plain(m.customer.GetName()) == "" {
		return false, nil
	}
	all, err := h.othersOf(ctx, m)
	if err != nil {
		return false, err
	}
	suggested, err := suggest(ctx, from, m, all)
	if err != nil {
		return false, err
	}
	link.Company = suggested
	namesake := all.namesake(m.customer)
	if auto && live(m.settings) && m.waits && namesake == nil {
		return true, nil
	}
	link.State = companyv1.LinkState_LINK_STATE_PROPOSED
	switch {
	case auto && namesake != nil:
		link.Reason += fmt.Sprintf("; customer %q (%s) has the same name: approve it to create company %q nevertheless, or link another",
			namesake.GetName(), namesake.GetId(), suggested.GetIdentifier())
	case auto && !live(m.settings):
		link.Reason += fmt.Sprintf("; company %q would be created if the tenant were live", suggested.GetIdentifier())
	case auto:
		link.Reason += fmt.Sprintf("; company %q is created when an incident needs it", suggested.GetIdentifier())
	default:
		link.Reason += fmt.Sprintf("; approve it to create company %q, or link another", suggested.GetIdentifier())
	}
	return false, nil
}

// suggest returns the company that would be created for a customer: name, and an identifier that is free and that no other
// customer's creation has taken.
func suggest(ctx context.Context, from companies, m *matter, all *others) (*companyv1.Company, error) {
	name := match.Plain(m.customer.GetName())
	used, err := from.WithIdentifiers(ctx, identifier.Candidates(name, m.customer.GetId())...)
	if err != nil {
		return nil, fmt.Errorf("look for a free identifier: %w", err)
	}
	free := identifier.Suggest(name, m.customer.GetId(), func(candidate string) bool {
		if all.creates(m.customer, candidate) {
			return true
		}
		for _, r := range used {
			if strings.EqualFold(r.Identifier, candidate) {
				return true
			}
		}
		return false
	})
	return &companyv1.Company{Identifier: free, Name: cutName(name, int(m.settings.GetCompanies().GetNameLimit()))}, nil
}

// defaultNameLimit is what every version of ConnectWise takes for a company's name.
const defaultNameLimit = 50

// cutName cuts a name at a character, so that it has at most limit UTF-16 units, which is how ConnectWise is assumed to
// count.
func cutName(name string, limit int) string {
	limit = cmp.Or(limit, defaultNameLimit)
	units := 0
	for i, r := range name {
		if units += max(utf16.RuneLen(r), 1); units > limit {
			return strings.TrimSpace(name[:i])
		}
	}
	return strings.TrimSpace(name)
}

// waitOrStandIn takes down since when a customer without a company is waited for, and lets the catch-all company stand in
// once the wait is over.
func (h *Handler) waitOrStandIn(ctx context.Context, from companies, m *matter, link *companyv1.Link) error {
	if link.GetState() == companyv1.LinkState_LINK_STATE_LINKED {
		link.WaitingSince = nil
		return nil
	}
	now := h.Clock.Now()
	if link.GetWaitingSince() == nil && m.waits {
		link.WaitingSince = timestamppb.New(now)
	}
	name := m.settings.GetCompanies().GetCatchAll()
	if link.GetWaitingSince() == nil || name == "" {
		return nil
	}
	deadline := link.GetWaitingSince().AsTime().Add(m.settings.GetCompanies().GetCatchAllAfter().AsDuration())
	link.Deadline = timestamppb.New(deadline)
	if now.Before(deadline) {
		link.Reason += fmt.Sprintf("; from %s on the catch-all company %q takes over", deadline.UTC().Format("2006-01-02 15:04 UTC"), name)
		return nil
	}
	found, err := from.Named(ctx, name)
	if err != nil {
		return fmt.Errorf("find catch-all company: %w", err)
	}
	match.StandIn(link, name, found)
	return nil
}
