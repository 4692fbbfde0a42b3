// Package match decides which ConnectWise company stands for a customer. It owns the order of evidence and
// the reasons; it is pure and does not look anything up: Ask says what to look up, Decide says what follows.
//
// A customer is linked by evidence only: an id that its own records name, or a name that is unique. Whatever is
// doubtful is shown to a person with its candidates and never settled by "first". A ticket at the wrong company is
// worse than no ticket.
package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Record is a company as ConnectWise has it.
type Record struct {
	ID         int64
	Identifier string
	Name       string
	Deleted    bool // deleted companies stay readable
	Inactive   bool // by the company's status
}

func (r Record) usable() bool { return !r.Deleted && !r.Inactive }

// Question is what has to be looked up to decide about a customer. The zero Question is nothing. Answers may hold
// more than was asked for.
type Question struct {
	ID          int64    // the company with this id; 0: none
	Parts       []string // companies whose name contains one of these, in any case; letters and digits only
	Name        string   // companies of this name, when it has no such part; "": none
	Identifiers []string // companies with one of these identifiers
}

// ConnectWise cuts company names at 50 characters up to 2025.1 and takes 156 since 2026.11 (OpenAPI description).
const (
	cutAt       = 50
	longestName = 156
)

// Ask returns what has to be looked up for a customer without a link that stands.
func Ask(customer *statusv1.Customer) Question {
	if ids, _ := named(customer); len(ids) > 0 {
		id, ok := companyID(ids[0])
		if len(ids) > 1 || !ok {
			return Question{}
		}
		return Question{ID: id}
	}
	var q Question
	for _, text := range []string{customer.GetName(), referenceText(customer.GetReference())} {
		for _, part := range pieces(text) {
			if !slices.Contains(q.Parts, part) {
				q.Parts = append(q.Parts, part)
			}
		}
	}
	if len(pieces(customer.GetName())) == 0 {
		q.Name = strings.TrimSpace(customer.GetName())
	}
	for _, text := range []string{referenceText(customer.GetReference()), squashed(customer.GetName())} {
		if text != "" && len([]rune(text)) <= longestName && !slices.Contains(q.Identifiers, text) {
			q.Identifiers = append(q.Identifiers, text)
		}
	}
	return q
}

// Decide returns the link of a customer from what the question of Ask found: records in any order, of which
// those that do not concern the customer are ignored. It sets the link's customer, state, method, company, evidence,
// reason and candidates.
func Decide(customer *statusv1.Customer, found []Record) *companyv1.Link {
	link := &companyv1.Link{SchemaVersion: 1, Customer: customer}
	if ids, where := named(customer); len(ids) > 0 {
		byID(link, ids, where, found)
		return link
	}
	if strings.TrimSpace(customer.GetName()) == "" {
		link.State = companyv1.LinkState_LINK_STATE_MISSING
		link.Reason = "the customer has neither a name nor a reference with CWM:<id>"
		return link
	}
	found = slices.SortedFunc(slices.Values(found), func(a, b Record) int { return cmp.Compare(a.ID, b.ID) })
	found = slices.CompactFunc(found, func(a, b Record) bool { return a.ID == b.ID })
	if byName(link, found) || byReferenceText(link, found) {
		return link
	}
	if link.GetState() == companyv1.LinkState_LINK_STATE_UNSPECIFIED {
		nearby(link, found)
	}
	return link
}

// byID settles the matter for good or ill: an id that leads nowhere is shown, not bypassed by a guess from the name.
func byID(link *companyv1.Link, ids []string, where idPlace, found []Record) {
	if len(ids) > 1 {
		link.State = companyv1.LinkState_LINK_STATE_AMBIGUOUS
		link.Reason = fmt.Sprintf("%s names several companies: CWM:%s", where.title, strings.Join(ids, ", CWM:"))
		return
	}
	id, ok := companyID(ids[0])
	i := slices.IndexFunc(found, func(r Record) bool { return r.ID == id })
	link.State = companyv1.LinkState_LINK_STATE_BROKEN
	switch {
	case !ok:
		link.Reason = fmt.Sprintf("%s names CWM:%s, which is no company id", where.title, ids[0])
	case i < 0:
		link.Reason = fmt.Sprintf("%s names company %d, which does not exist in ConnectWise", where.title, id)
	case !found[i].usable():
		link.Reason = fmt.Sprintf("%s names company %s, which is %s", where.title, title(found[i]), condition(found[i]))
		link.Candidates = candidates([]Record{found[i]}, where.candidate)
	default:
		linked(link, where.method, found[i], fmt.Sprintf("%s names company %d", where.title, id))
	}
}

// byName decides by the customer's name. It reports whether that is final; a name that only deleted or inactive
// companies have leaves a broken link that better evidence may still replace.
func byName(link *companyv1.Link, found []Record) (final bool) {
	name := link.GetCustomer().GetName()
	exact := filter(found, func(r Record) bool { return r.Name == name && !r.Deleted })
	// A deleted twin is how a duplicate was cleaned up; it does not make the one that was kept doubtful.
	if len(exact) == 1 && exact[0].usable() {
		linked(link, companyv1.LinkMethod_LINK_METHOD_EXACT_NAME, exact[0], fmt.Sprintf("the only company called %q", clip(name)))
		return true
	}
	return byUnique(link, filter(found, func(r Record) bool { return SameName(r.Name, name) }), unique{
		method:   companyv1.LinkMethod_LINK_METHOD_NORMALISED_NAME,
		evidence: "the only company of this name, but for case, white space, spelling of the legal form or e-mail address",
		several:  fmt.Sprintf("companies are called %q", clip(name)), only: "the only company of this name", same: "same name",
	})
}

// byReferenceText decides by a reference that names no id: as a company's identifier, then as a company's name.
func byReferenceText(link *companyv1.Link, found []Record) (final bool) {
	text := referenceText(link.GetCustomer().GetReference())
	if text == "" {
		return false
	}
	byIdentifier := filter(found, func(r Record) bool { return sameIdentifier(r.Identifier, text) })
	if byUnique(link, byIdentifier, unique{
		method:   companyv1.LinkMethod_LINK_METHOD_IDENTIFIER,
		evidence: fmt.Sprintf("the customer's reference is this company's identifier %q", clip(text)),
		several:  fmt.Sprintf("companies have the identifier %q of the customer's reference", clip(text)),
		only:     "the company whose identifier is the customer's reference", same: "identifier named by the reference",
	}) {
		return true
	}
	return byUnique(link, filter(found, func(r Record) bool { return SameName(r.Name, text) }), unique{
		method:   companyv1.LinkMethod_LINK_METHOD_REFERENCE_NAME,
		evidence: fmt.Sprintf("the customer's reference %q is the name of this company alone", clip(text)),
		several:  fmt.Sprintf("companies are called %q, as the customer's reference says", clip(text)),
		only:     "the only company that the customer's reference names", same: "name named by the reference",
	})
}

// unique is what to say of companies that some evidence points to.
type unique struct {
	method                        companyv1.LinkMethod
	evidence, several, only, same string
}

// byUnique links to the only company of several, and tells why when that is not possible. It reports whether that is
// final.
func byUnique(link *companyv1.Link, equal []Record, say unique) (final bool) {
	present := filter(equal, func(r Record) bool { return !r.Deleted })
	switch {
	case len(equal) == 0:
		return false
	case len(present) == 1 && present[0].usable():
		linked(link, say.method, present[0], say.evidence)
		return true
	case len(present) > 1:
		link.State = companyv1.LinkState_LINK_STATE_AMBIGUOUS
		link.Reason = fmt.Sprintf("%d %s", len(present), say.several)
		link.Candidates = candidates(equal, say.same)
		return true
	case link.GetState() == companyv1.LinkState_LINK_STATE_UNSPECIFIED:
		only := equal[0]
		if len(present) > 0 {
			only = present[0]
		}
		link.State = companyv1.LinkState_LINK_STATE_BROKEN
		link.Reason = fmt.Sprintf("%s, %s, is %s", say.only, title(only), condition(only))
		link.Candidates = candidates(equal, say.same)
	}
	return false
}

// nearby lists the companies that a person may have meant. The only one that there is, and only if it is not equal
// by a cut name, is proposed; several customers can share their first characters.
func nearby(link *companyv1.Link, found []Record) {
	name := link.GetCustomer().GetName()
	link.State = companyv1.LinkState_LINK_STATE_MISSING
	link.Reason = fmt.Sprintf("no company is called %q", clip(name))
	found = filter(found, func(r Record) bool { return !r.Deleted })
	cut := filter(found, func(r Record) bool { return cutAlike(name, r.Name) })
	bare, short := core(name), squashed(name)
	form := filter(found, func(r Record) bool { return bare != "" && core(r.Name) == bare && !cutAlike(name, r.Name) })
	code := filter(found, func(r Record) bool {
		return short != "" && sameIdentifier(r.Identifier, short) && core(r.Name) != bare && !cutAlike(name, r.Name)
	})
	link.Candidates = slices.Concat(
		candidates(cut, fmt.Sprintf("equal only when cut to %d characters", cutAt)),
		candidates(form, "differs in the legal form"),
		candidates(code, "the customer's name is its identifier"),
	)
	near := slices.Concat(cut, form, code)
	switch {
	case len(cut) > 0:
		link.State = companyv1.LinkState_LINK_STATE_AMBIGUOUS
		link.Reason += fmt.Sprintf("; only the first %d characters are equal to those of %s", cutAt, title(cut[0]))
	case len(near) > 1:
		link.State = companyv1.LinkState_LINK_STATE_AMBIGUOUS
		link.Reason += fmt.Sprintf("; %d companies are like it", len(near))
	case len(near) == 1 && near[0].usable():
		link.State = companyv1.LinkState_LINK_STATE_PROPOSED
		link.Company = company(near[0])
		link.Reason += fmt.Sprintf("; %s may be it (%s): approve it, or link another", title(near[0]), link.GetCandidates()[0].GetReason())
	}
}

// cutAlike reports whether one name is the other's when that is cut.
func cutAlike(customer, company string) bool {
	return slices.Contains(cuts(customer), folded(company)) || slices.Contains(cuts(company), folded(customer))
}

// identifierKey is what identifiers are compared by. ConnectWise compares them without regard to case, and so do people.
func identifierKey(identifier string) string { return strings.ToLower(identifier) }

func sameIdentifier(a, b string) bool { return identifierKey(a) == identifierKey(b) }

// squashed is a name as people make an identifier of it: its letters and digits.
func squashed(name string) string {
	stem, forms := splitStem(name)
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || isWordRune(r) {
			return r
		}
		return -1
	}, stem+forms), "-_")
}

func linked(link *companyv1.Link, method companyv1.LinkMethod, r Record, evidence string) {
	link.State, link.Method, link.Company = companyv1.LinkState_LINK_STATE_LINKED, method, company(r)
	link.Evidence = evidence
	link.LinkedAs, link.LinkedReference = link.GetCustomer().GetName(), link.GetCustomer().GetReference()
	link.Reason, link.Candidates = "", nil
}

func company(r Record) *companyv1.Company {
	return &companyv1.Company{Id: r.ID, Identifier: r.Identifier, Name: r.Name}
}

// mostCandidates bounds what is stored for a name that very many companies share.
const mostCandidates = 20

func candidates(records []Record, why string) []*companyv1.Candidate {
	var all []*companyv1.Candidate
	for _, r := range records[:min(len(records), mostCandidates)] {
		reason := why
		if !r.usable() {
			reason += ", " + condition(r)
		}
		all = append(all, &companyv1.Candidate{Company: company(r), Reason: reason})
	}
	return all
}

func condition(r Record) string {
	if r.Deleted {
		return "deleted"
	}
	return "inactive"
}

func title(r Record) string { return fmt.Sprintf("%q (%d)", r.Name, r.ID) }

// clip keeps a hostile name from filling a page.
func clip(name string) string {
	if runes := []rune(name); len(runes) > longestName {
		return string(runes[:longestName]) + "…"
	}
	return name
}

func filter(records []Record, keep func(Record) bool) []Record {
	var kept []Record
	for _, r := range records {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	return kept
}
