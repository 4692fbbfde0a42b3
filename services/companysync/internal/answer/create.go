package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	"github.com/covewise/covewise/services/companysync/internal/directory"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// policyAuthor approves companies that are created without a person.
const policyAuthor = "policy"

// identifierTries bounds how often another identifier is tried because one was taken meanwhile.
const identifierTries = 5

// begin records that a company is being created for a link that suggests one, and creates it. The record comes first:
// whatever is lost afterwards, its identifier tells whether the company is there. The company that is to be created was
// looked for under its identifier a moment ago.
func (h *Handler) begin(ctx context.Context, m *matter, server *directory.Server, link *companyv1.Link, author string) (*companyv1.Link, error) {
	// What would be refused whatever the company is told before anything is recorded.
	if _, err := server.Preset(ctx, m.settings.GetCompanies()); err != nil {
		return h.notCreated(ctx, m, server, link, err)
	}
	link.Creation = &companyv1.Creation{
		Identifier: link.GetCompany().GetIdentifier(), Name: link.GetCompany().GetName(), BegunAt: timestamppb.New(h.Clock.Now()), Author: author,
	}
	if link.GetWaitingSince() == nil && m.waits {
		link.WaitingSince = timestamppb.New(h.Clock.Now())
	}
	if err := h.record(ctx, m, link); err != nil {
		return nil, err
	}
	return h.create(ctx, m, server, false)
}

// record stores a link in state creating.
func (h *Handler) record(ctx context.Context, m *matter, link *companyv1.Link) error {
	link.State, link.Company, link.Candidates = companyv1.LinkState_LINK_STATE_CREATING, nil, nil
	link.Lost, link.Proposed = nil, nil
	link.Reason = fmt.Sprintf("company %q is being created", link.GetCreation().GetIdentifier())
	return h.put(ctx, m, link)
}

// resume goes on with a creation whose outcome is not known: first it looks for the company.
func (h *Handler) resume(ctx context.Context, m *matter, server *directory.Server) (*companyv1.Link, error) {
	return h.create(ctx, m, server, true)
}

// create brings the creation that m's stored link records to its end. sent says that it may have been sent before, so that
// the identifier is to be looked for first. ConnectWise keeps identifiers unique, so that a second request with the same
// one is refused even when a look-up did not find the company yet. A company is the customer's own when it has the
// identifier that was recorded for this customer alone, and the name that was sent.
func (h *Handler) create(ctx context.Context, m *matter, server *directory.Server, sent bool) (*companyv1.Link, error) {
	for range identifierTries {
		creation := m.stored.GetCreation()
		// After the record and not before: of two customers that record the same identifier at once, one at least sees it.
		all, err := h.othersNow(ctx, m)
		if err != nil {
			return nil, err
		}
		theirs := all.creates(m.customer, creation.GetIdentifier())
		if sent && !theirs {
			found, err := server.WithIdentifiers(ctx, creation.GetIdentifier())
			if err != nil {
				return nil, fmt.Errorf("look for created company: %w", err)
			}
			if i := slices.IndexFunc(found, func(r match.Record) bool { return strings.EqualFold(r.Identifier, creation.GetIdentifier()) }); i >= 0 {
				switch r := found[i]; {
				case all.owner(m.customer, r.ID) != nil:
					theirs = true
				case !r.Deleted && match.SameName(r.Name, creation.GetName()):
					return created(m, r), nil
				default:
					// It may be ours, renamed or deleted meanwhile: another one would be the second.
					link := proto.CloneOf(m.stored)
					match.DoubtCreation(link, r)
					return link, h.waitOrStandIn(ctx, server, m, link)
				}
			}
		}
		if theirs {
			if link, err := h.rename(ctx, m, server, all); link != nil || err != nil {
				return link, err
			}
			sent = false
			continue
		}
		if !live(m.settings) {
			return h.abandon(ctx, m, server)
		}
		record, taken, err := server.Create(ctx, m.settings.GetCompanies(), creation.GetIdentifier(), creation.GetName())
		switch {
		case taken && sent:
			// Ours, perhaps, which the look-up did not find yet.
		case taken:
			// It was not sent before, so that the company that has the identifier is not ours.
			if link, err := h.rename(ctx, m, server, all); link != nil || err != nil {
				return link, err
			}
		case err != nil && (passing(errclass.Of(err)) || errclass.Of(err) == errclass.RateLimited):
			return nil, fmt.Errorf("create company: %w", err)
		case err != nil:
			return h.notCreated(ctx, m, server, proto.CloneOf(m.stored), err)
		default:
			return created(m, record), nil
		}
	}
	return nil, errclass.Newf(errclass.Transient, "create company", "identifier %q is in use and its company cannot be found yet", m.stored.GetCreation().GetIdentifier())
}

// rename takes another identifier for a creation of which nothing was sent, because somebody else has the one that was
// recorded. What came up meanwhile is an answer of its own: a company of the customer's name, or, unless a person ordered
// the creation, one that may be meant.
func (h *Handler) rename(ctx context.Context, m *matter, server *directory.Server, all *others) (*companyv1.Link, error) {
	known, err := h.find(ctx, server, m)
	if err != nil {
		return nil, err
	}
	policy := m.stored.GetCreation().GetAuthor() == policyAuthor
	if state := known.GetState(); state == companyv1.LinkState_LINK_STATE_LINKED || policy && state != companyv1.LinkState_LINK_STATE_MISSING {
		inherit(known, m.stored)
		known.Creation = nil
		return known, h.waitOrStandIn(ctx, server, m, known)
	}
	suggested, err := suggest(ctx, server, m, all)
	if err != nil {
		return nil, err
	}
	link := proto.CloneOf(m.stored)
	link.Creation.Identifier = suggested.GetIdentifier()
	return nil, h.record(ctx, m, link)
}

func created(m *matter, r match.Record) *companyv1.Link {
	link := proto.CloneOf(m.stored)
	link.Customer = m.customer
	match.Created(link, r)
	link.WaitingSince, link.Deadline = nil, nil
	return link
}

// abandon decides anew for a creation that was begun before the tenant went back to shadow and did not happen.
func (h *Handler) abandon(ctx context.Context, m *matter, server *directory.Server) (*companyv1.Link, error) {
	link, _, err := h.decide(ctx, server, m)
	return link, err
}

// notCreated is the answer when ConnectWise, or the settings, do not let a company be created.
func (h *Handler) notCreated(ctx context.Context, m *matter, server *directory.Server, link *companyv1.Link, cause error) (*companyv1.Link, error) {
	class := errclass.Of(cause)
	if passing(class) || class == errclass.RateLimited || class == errclass.Bug {
		return nil, fmt.Errorf("create company: %w", cause)
	}
	h.Metrics.failed(class)
	h.Logger.ErrorContext(ctx, "a company cannot be created", "tenant", m.settings.GetId(), "customer", m.customer.GetId(),
		"class", class.String(), "err", cause)
	link.State, link.Company = companyv1.LinkState_LINK_STATE_MISSING, nil
	link.Reason = fmt.Sprintf("no company is called %q, and none can be created: %v", match.Plain(m.customer.GetName()), cause)
	return link, h.waitOrStandIn(ctx, server, m, link)
}
