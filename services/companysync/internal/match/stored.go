package match

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Stands says whether a stored link still answers for the customer, so that nothing needs to be looked up. A
// link survives a changed name; it does not survive a reference that names another company than it did when the link was
// made, nor the move to another server ("<company>@<host>"), where its id means another company. A link without a
// server, of an older version, counts as of this one. A stand-in is no answer that lasts, and the MSP's own company
// stands as long as the settings are the same.
func Stands(customer *statusv1.Customer, stored *companyv1.Link, server, settings string) bool {
	if stored.GetState() != companyv1.LinkState_LINK_STATE_LINKED || !SameServer(stored, server) {
		return false
	}
	switch stored.GetMethod() {
	case companyv1.LinkMethod_LINK_METHOD_CATCH_ALL:
		return false
	case companyv1.LinkMethod_LINK_METHOD_OWN:
		return stored.GetSettings() == settings
	case companyv1.LinkMethod_LINK_METHOD_ORDERED, companyv1.LinkMethod_LINK_METHOD_MERGED:
		if customer.GetReference() == stored.GetLinkedReference() {
			return true
		}
	default:
	}
	ids := references(customer.GetReference())
	return len(ids) == 0 || slices.Equal(ids, []string{strconv.FormatInt(stored.GetCompany().GetId(), 10)})
}

// SameServer says whether a stored link, if it says so, was made on this server.
func SameServer(stored *companyv1.Link, server string) bool {
	return stored.GetServer() == "" || strings.EqualFold(stored.GetServer(), server)
}

// Confirms says whether a stored link that is doubted holds nevertheless: its company is among those found, and active.
func Confirms(stored *companyv1.Link, found []Record) bool {
	return slices.ContainsFunc(found, func(r Record) bool {
		return r.ID == stored.GetCompany().GetId() && r.usable()
	})
}

// Renamed says what is called otherwise than when the link was made, or "". companyName is the company's name today; ""
// when it is not known.
func Renamed(customer *statusv1.Customer, stored *companyv1.Link, companyName string) string {
	var changes []string
	if was := stored.GetLinkedAs(); was != "" && was != customer.GetName() {
		changes = append(changes, fmt.Sprintf("the customer was called %q", clip(was)))
	}
	if was := stored.GetCompany().GetName(); companyName != "" && was != companyName {
		changes = append(changes, fmt.Sprintf("the company was called %q", clip(was)))
	}
	return strings.Join(changes, "; ")
}

// Gone completes the answer for a customer whose linked company turned out to be unusable; found is what a search
// for its id gave. If nothing else was found for the customer, the link is broken.
func Gone(link, stored *companyv1.Link, found []Record) {
	if link.GetState() == companyv1.LinkState_LINK_STATE_LINKED {
		return
	}
	what := "does not exist in ConnectWise any more"
	if i := slices.IndexFunc(found, func(r Record) bool { return r.ID == stored.GetCompany().GetId() }); i >= 0 {
		what = "is " + condition(found[i])
	}
	company := stored.GetCompany()
	link.State, link.Company = companyv1.LinkState_LINK_STATE_BROKEN, nil
	link.Reason = fmt.Sprintf("the linked company %q (%d) %s: restore it, link another one, or name one by CWM:<id> in the customer's reference; %s",
		company.GetName(), company.GetId(), what, link.GetReason())
}

// Follow makes a link lead to the company into which its own was merged, if that is certain. moved are the companies at
// which the tickets are found that we filed for the customer at the old one, one for each ticket; it is certain
// when there is a ticket, and all of them are at one company that is active.
func Follow(link, stored *companyv1.Link, moved []Record) bool {
	if len(moved) == 0 || moved[0].ID == stored.GetCompany().GetId() || !moved[0].usable() {
		return false
	}
	if slices.ContainsFunc(moved, func(r Record) bool { return r.ID != moved[0].ID }) {
		return false
	}
	linked(link, companyv1.LinkMethod_LINK_METHOD_MERGED, moved[0], fmt.Sprintf(
		"company %q (%d) is gone, and all %d tickets filed there for the customer are here now", stored.GetCompany().GetName(), stored.GetCompany().GetId(), len(moved)))
	return true
}

// Unlinked keeps a link that a person undid from coming back by itself: a company that names alone lead to is proposed
// again at most. An id in the customer's own records is as much a person's word as the order was.
func Unlinked(link, stored *companyv1.Link) {
	order := stored.GetLastOrder()
	if order.GetKind() != companyv1.OrderKind_ORDER_KIND_UNLINK || order.GetRefusal() != "" ||
		link.GetState() != companyv1.LinkState_LINK_STATE_LINKED || link.GetCompany().GetId() != order.GetCompanyId() ||
		link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_REFERENCE || link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_NAME_ID {
		return
	}
	link.State, link.Method = companyv1.LinkState_LINK_STATE_PROPOSED, companyv1.LinkMethod_LINK_METHOD_UNSPECIFIED
	link.Reason = fmt.Sprintf("%s is %s, but was unlinked by %s: approve it to link it again, or link another",
		title(Record{ID: link.GetCompany().GetId(), Name: link.GetCompany().GetName()}), link.GetEvidence(), order.GetAuthor())
	link.Evidence, link.LinkedAs, link.LinkedReference = "", "", ""
}

// Ordered makes a link lead to the company that a person named.
func Ordered(link *companyv1.Link, r Record, order *companyv1.Order) {
	evidence := "linked by " + order.GetAuthor()
	if order.GetReason() != "" {
		evidence += ": " + order.GetReason()
	}
	linked(link, companyv1.LinkMethod_LINK_METHOD_ORDERED, r, evidence)
}

// Created makes a link lead to the company that was created for it.
func Created(link *companyv1.Link, r Record) {
	linked(link, companyv1.LinkMethod_LINK_METHOD_CREATED, r, "created by Covewise, approved by "+link.GetCreation().GetAuthor())
}

// StandIn lets the tenant's catch-all company stand in for a customer that is not linked. found is what a
// search for the company's identifier gave. Reason and candidates of the link are kept, so that the customer
// remains recognisable as one without a company of its own; if the catch-all company cannot be used, the link
// stays as it is with a longer reason.
func StandIn(link *companyv1.Link, identifier string, found []Record) {
	reason, others := link.GetReason(), link.GetCandidates()
	byIdentifier(link, companyv1.LinkMethod_LINK_METHOD_CATCH_ALL, "the catch-all company", identifier, found)
	if link.GetState() == companyv1.LinkState_LINK_STATE_LINKED {
		link.Reason, link.Candidates, link.LinkedAs = reason, others, ""
	}
}

// Own answers for incidents that concern no single customer: with the MSP's own company.
func Own(link *companyv1.Link, identifier string, found []Record) {
	link.State = companyv1.LinkState_LINK_STATE_MISSING
	if identifier == "" {
		link.Reason = "incidents that concern no single customer have no company: set companies.own, or companies.catchAll, to the identifier of your own company"
		return
	}
	link.Reason = "incidents that concern no single customer have no company"
	byIdentifier(link, companyv1.LinkMethod_LINK_METHOD_OWN, "your own company", identifier, found)
}

// byIdentifier links to a company that the settings name.
func byIdentifier(link *companyv1.Link, method companyv1.LinkMethod, what, identifier string, found []Record) {
	found = filter(found, func(r Record) bool { return sameIdentifier(r.Identifier, identifier) && !r.Deleted })
	switch {
	case len(found) == 0:
		link.Reason += fmt.Sprintf("; %s %q does not exist", what, identifier)
	case len(found) > 1:
		link.Reason += fmt.Sprintf("; %d companies have the identifier %q of %s", len(found), identifier, what)
	case found[0].Inactive:
		link.Reason += fmt.Sprintf("; %s %s is inactive", what, title(found[0]))
	default:
		linked(link, method, found[0], fmt.Sprintf("%s of the settings, %q", what, identifier))
	}
}
