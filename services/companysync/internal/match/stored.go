package match

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

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

// ByID says whether a link was decided by a company id in the customer's own records: a person's word.
func ByID(link *companyv1.Link) bool {
	return link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_REFERENCE || link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_NAME_ID
}

// LostOf returns a stored link as one whose company is gone, or as it was recorded when it was first found gone.
func LostOf(stored *companyv1.Link) *companyv1.Lost {
	if stored.GetLost() != nil {
		return stored.GetLost()
	}
	return &companyv1.Lost{
		Company: stored.GetCompany(), Method: stored.GetMethod(), Evidence: stored.GetEvidence(),
		LinkedAs: stored.GetLinkedAs(), LinkedReference: stored.GetLinkedReference(),
	}
}

// Restored returns the link that was lost.
func Restored(customer *statusv1.Customer, lost *companyv1.Lost) *companyv1.Link {
	return &companyv1.Link{
		SchemaVersion: 1, Customer: customer, State: companyv1.LinkState_LINK_STATE_LINKED, Company: lost.GetCompany(), Method: lost.GetMethod(),
		Evidence: lost.GetEvidence(), LinkedAs: lost.GetLinkedAs(), LinkedReference: lost.GetLinkedReference(),
	}
}

// Gone completes the answer for a customer whose linked company turned out to be unusable; found is what a search
// for its id gave. The link is broken unless an id or a merge decided: what names lead to is a candidate only, because
// the company may have gone by mistake, or its customer to another name.
func Gone(link *companyv1.Link, lost *companyv1.Lost, found []Record) {
	linked := link.GetState() == companyv1.LinkState_LINK_STATE_LINKED
	if linked && (ByID(link) || link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_MERGED) {
		return
	}
	company := lost.GetCompany()
	what := "does not exist in ConnectWise any more"
	if i := slices.IndexFunc(found, func(r Record) bool { return r.ID == company.GetId() }); i >= 0 {
		what = "is " + condition(found[i])
	}
	rest := link.GetReason()
	if linked {
		rest = fmt.Sprintf("%s may be meant", title(Record{ID: link.GetCompany().GetId(), Name: link.GetCompany().GetName()}))
		link.Candidates = []*companyv1.Candidate{{Company: link.GetCompany(), Reason: link.GetEvidence()}}
	}
	link.State, link.Method, link.Company = companyv1.LinkState_LINK_STATE_BROKEN, companyv1.LinkMethod_LINK_METHOD_UNSPECIFIED, nil
	link.Evidence, link.LinkedAs, link.LinkedReference = "", "", ""
	link.Lost = lost
	link.Reason = fmt.Sprintf("the linked company %q (%d) %s: restore it, link another one, or name one by CWM:<id> in the customer's reference; %s",
		company.GetName(), company.GetId(), what, rest)
}

// leastTickets is how many tickets tell of a merge: one or two may have been moved by a person.
const leastTickets = 3

// Follow makes a link lead to the company into which a lost one was merged, if that is certain. filed is how many tickets
// we filed for the customer at the old company, and moved are the companies at which they are found now, one for each.
// It is certain when there are at least three, none is missing, and all of them are at one company that is active.
// Where tickets that prove less went is shown as a candidate.
func Follow(link *companyv1.Link, lost *companyv1.Lost, filed int, moved []Record) bool {
	if len(moved) == 0 || moved[0].ID == lost.GetCompany().GetId() || !moved[0].usable() ||
		slices.ContainsFunc(moved, func(r Record) bool { return r.ID != moved[0].ID }) {
		return false
	}
	if len(moved) < max(filed, leastTickets) {
		if !slices.ContainsFunc(link.GetCandidates(), func(c *companyv1.Candidate) bool { return c.GetCompany().GetId() == moved[0].ID }) {
			link.Candidates = append(link.Candidates, candidates(moved[:1], fmt.Sprintf("%d of the customer's %d tickets are here now", len(moved), filed))...)
		}
		return false
	}
	linked(link, companyv1.LinkMethod_LINK_METHOD_MERGED, moved[0], fmt.Sprintf(
		"company %q (%d) is gone, and all %d tickets filed there for the customer are here now", lost.GetCompany().GetName(), lost.GetCompany().GetId(), len(moved)))
	return true
}

// byNameAlone says whether a link rests on nothing but the customer's name.
func byNameAlone(link *companyv1.Link) bool {
	return link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_EXACT_NAME || link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_NORMALISED_NAME
}

// NeedsOthers says whether other customers may make a link doubtful.
func NeedsOthers(link *companyv1.Link) bool {
	return link.GetState() == companyv1.LinkState_LINK_STATE_LINKED && byNameAlone(link)
}

// Shared keeps a name from deciding when it is not the customer's alone: when another customer has the same one, or is
// linked to the company already. A person, or an id, says which is whose.
func Shared(link *companyv1.Link, namesake, holder *statusv1.Customer) {
	if !NeedsOthers(link) || namesake == nil && holder == nil {
		return
	}
	var why string
	switch {
	case holder != nil:
		why = fmt.Sprintf("customer %q (%s) is linked to it already", clip(holder.GetName()), holder.GetId())
	default:
		why = fmt.Sprintf("customer %q (%s) has the same name", clip(namesake.GetName()), namesake.GetId())
	}
	r := Record{ID: link.GetCompany().GetId(), Identifier: link.GetCompany().GetIdentifier(), Name: link.GetCompany().GetName()}
	link.Reason = fmt.Sprintf("%s is %s, but %s: link it, or another", title(r), link.GetEvidence(), why)
	link.Candidates = candidates([]Record{r}, why)
	link.State, link.Method, link.Company = companyv1.LinkState_LINK_STATE_AMBIGUOUS, companyv1.LinkMethod_LINK_METHOD_UNSPECIFIED, nil
	link.Evidence, link.LinkedAs, link.LinkedReference = "", "", ""
}

// Unlinked keeps a link that a person undid from coming back by itself: a company that names alone lead to is proposed
// again at most. An id in the customer's own records is as much a person's word as the order was, unless we wrote it.
func Unlinked(link, stored *companyv1.Link) {
	order := stored.GetLastOrder()
	if order.GetKind() != companyv1.OrderKind_ORDER_KIND_UNLINK || order.GetRefusal() != "" ||
		link.GetState() != companyv1.LinkState_LINK_STATE_LINKED || link.GetCompany().GetId() != order.GetCompanyId() {
		return
	}
	ours := link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_REFERENCE && Void(link.GetCustomer(), stored) != ""
	if ByID(link) && !ours {
		return
	}
	link.State, link.Method = companyv1.LinkState_LINK_STATE_PROPOSED, companyv1.LinkMethod_LINK_METHOD_UNSPECIFIED
	link.Reason = fmt.Sprintf("%s is %s, but was unlinked by %s: approve it to link it again, or link another",
		title(Record{ID: link.GetCompany().GetId(), Name: link.GetCompany().GetName()}), link.GetEvidence(), order.GetAuthor())
	link.Evidence, link.LinkedAs, link.LinkedReference = "", "", ""
}

// Void returns the tag in the customer's reference that we wrote for a company from which a person has unlinked the customer
// since, or "".
func Void(customer *statusv1.Customer, stored *companyv1.Link) string {
	order, written := stored.GetLastOrder(), stored.GetWriteBack().GetTag()
	if order.GetKind() != companyv1.OrderKind_ORDER_KIND_UNLINK || order.GetRefusal() != "" || !Names(written, order.GetCompanyId()) ||
		stored.GetState() == companyv1.LinkState_LINK_STATE_LINKED && stored.GetCompany().GetId() == order.GetCompanyId() {
		return ""
	}
	if _, there := Untagged(customer.GetReference(), written); !there {
		return ""
	}
	return written
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

// DoubtCreation leaves to a person whether a company that has the identifier of a creation, and another name, is the one
// that was created.
func DoubtCreation(link *companyv1.Link, r Record) {
	link.Creation = proto.CloneOf(link.GetCreation())
	link.Creation.Doubted = true
	link.State, link.Company = companyv1.LinkState_LINK_STATE_AMBIGUOUS, nil
	link.Reason = fmt.Sprintf("%s has the identifier %q under which a company was being created for the customer, and was renamed, deleted or made by somebody else since: link it, or order another one created",
		title(r), link.GetCreation().GetIdentifier())
	link.Candidates = candidates([]Record{r}, "identifier of the company being created")
}

// StandIn lets the tenant's catch-all company stand in for a customer that is not linked. found is what a
// search for the company's identifier gave. Reason and candidates of the link are kept, so that the customer
// remains recognisable as one without a company of its own, and what was proposed can still be approved; if the catch-all company cannot be used, the link
// stays as it is with a longer reason.
func StandIn(link *companyv1.Link, identifier string, found []Record) {
	reason, others, proposed := link.GetReason(), link.GetCandidates(), (*companyv1.Company)(nil)
	if link.GetState() == companyv1.LinkState_LINK_STATE_PROPOSED {
		proposed = link.GetCompany()
	}
	byIdentifier(link, companyv1.LinkMethod_LINK_METHOD_CATCH_ALL, "the catch-all company", identifier, found)
	if link.GetState() == companyv1.LinkState_LINK_STATE_LINKED {
		link.Reason, link.Candidates, link.LinkedAs, link.Proposed = reason, others, "", proposed
	}
}

// Own answers for incidents that concern no single customer: with the MSP's own company.
func Own(link *companyv1.Link, identifier string, found []Record) {
	link.State = companyv1.LinkState_LINK_STATE_MISSING
	if identifier == "" {
		link.Reason = "incidents that concern no single customer have no company, because companies.own is not set, nor is companies.catchAll"
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
