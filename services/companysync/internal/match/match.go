// Package match decides which ConnectWise company stands for a customer. It owns the order of evidence and
// the reasons; it is pure and does not look anything up: Ask says what to look up, Decide says what follows.
//
// A customer is linked by evidence only: the company id in its own reference, or a name that is equal to the
// letter and unique. Whatever is doubtful is shown to a person with its candidates and never settled by "first".
// A ticket at the wrong company is worse than no ticket.
package match

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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

// Question is what has to be looked up to decide about a customer. The zero Question is nothing.
type Question struct {
	ID   int64  // the company with this id; 0: none
	Name string // companies of this name; "": none
	// Cut is a shorter name to look for as well: people and programs cut names at 50 characters, and a
	// company that is equal only in its cut name is a candidate, never an answer.
	Cut string
}

// ConnectWise cuts company names at 50 characters up to 2025.1 and at 156 since 2026.11 (OpenAPI description).
const (
	cutAt       = 50
	longestName = 156
)

// tag is how a customer's reference names its company: "CWM:1445:AlphaIndustries", alone or among other
// texts that are separated by "|".
var tag = regexp.MustCompile(`(?i)CWM:(\d+):?([^|]*)`)

// Stands says whether a stored link still answers for the customer, so that nothing needs to be looked up. A
// link survives a changed name; it does not survive a reference that names another company, nor the move to another
// server ("<company>@<host>"), where its id means another company. A link without a server, of an older version,
// counts as of this one. A stand-in is no answer that lasts.
func Stands(customer *statusv1.Customer, stored *companyv1.Link, server string) bool {
	if !SameServer(stored, server) {
		return false
	}
	if stored.GetState() != companyv1.LinkState_LINK_STATE_LINKED || stored.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL {
		return false
	}
	named := references(customer.GetReference())
	return len(named) == 0 || slices.Equal(named, []string{strconv.FormatInt(stored.GetCompany().GetId(), 10)})
}

// SameServer says whether a stored link, if it says so, was made on this server.
func SameServer(stored *companyv1.Link, server string) bool {
	return stored.GetServer() == "" || strings.EqualFold(stored.GetServer(), server)
}

// Confirms says whether a stored link that is doubted holds nevertheless: its company is among those found, and active.
func Confirms(stored *companyv1.Link, found []Record) bool {
	return slices.ContainsFunc(found, func(r Record) bool {
		return r.ID == stored.GetCompany().GetId() && !r.Deleted && !r.Inactive
	})
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
	link.State = companyv1.LinkState_LINK_STATE_BROKEN
	link.Reason = fmt.Sprintf("the linked company %q (%d) %s: restore it, or name another one by CWM:<id> in the customer's reference; %s",
		company.GetName(), company.GetId(), what, link.GetReason())
}

// Ask returns what has to be looked up for a customer without a link that stands.
func Ask(customer *statusv1.Customer) Question {
	named := references(customer.GetReference())
	if len(named) > 0 {
		id, ok := companyID(named[0])
		if len(named) > 1 || !ok {
			return Question{}
		}
		return Question{ID: id}
	}
	q := Question{Name: customer.GetName()}
	if strings.TrimSpace(q.Name) == "" {
		return Question{}
	}
	if length := utf8.RuneCountInString(q.Name); length > cutAt {
		q.Cut = strings.TrimSpace(string([]rune(q.Name)[:cutAt]))
		if length > longestName {
			q.Name = q.Cut
		}
	}
	return q
}

// Decide returns the link of a customer from what the question of Ask found: records in any order, of which
// those that do not concern the customer are ignored. It sets the link's customer, state, method, company,
// reason and candidates.
func Decide(customer *statusv1.Customer, found []Record) *companyv1.Link {
	link := &companyv1.Link{SchemaVersion: 1, Customer: customer}
	if named := references(customer.GetReference()); len(named) > 0 {
		byReference(link, named, found)
		return link
	}
	byName(link, found)
	return link
}

// byReference settles the matter for good or ill: a reference that leads nowhere is shown, not bypassed by
// a guess from the name.
func byReference(link *companyv1.Link, named []string, found []Record) {
	if len(named) > 1 {
		link.State = companyv1.LinkState_LINK_STATE_AMBIGUOUS
		link.Reason = "the customer's reference names several companies: CWM:" + strings.Join(named, ", CWM:")
		return
	}
	id, ok := companyID(named[0])
	i := slices.IndexFunc(found, func(r Record) bool { return r.ID == id })
	link.State = companyv1.LinkState_LINK_STATE_BROKEN
	switch {
	case !ok:
		link.Reason = fmt.Sprintf("the customer's reference names CWM:%s, which is no company id", named[0])
	case i < 0:
		link.Reason = fmt.Sprintf("the customer's reference names company %d, which does not exist in ConnectWise", id)
	case found[i].Deleted || found[i].Inactive:
		link.Reason = fmt.Sprintf("the customer's reference names company %s, which is %s", title(found[i]), condition(found[i]))
		link.Candidates = candidates([]Record{found[i]}, "named by the reference")
	default:
		linked(link, companyv1.LinkMethod_LINK_METHOD_REFERENCE, found[i])
	}
}

func byName(link *companyv1.Link, found []Record) {
	name := link.GetCustomer().GetName()
	if strings.TrimSpace(name) == "" {
		link.State = companyv1.LinkState_LINK_STATE_MISSING
		link.Reason = "the customer has neither a name nor a reference with CWM:<id>"
		return
	}
	found = slices.SortedFunc(slices.Values(found), func(a, b Record) int { return cmp.Compare(a.ID, b.ID) })
	equal := filter(found, func(r Record) bool { return r.Name == name })
	// A deleted twin is how a duplicate was cleaned up; it does not make the one that was kept doubtful.
	present := filter(equal, func(r Record) bool { return !r.Deleted })
	switch {
	case len(present) == 1 && !present[0].Inactive:
		linked(link, companyv1.LinkMethod_LINK_METHOD_EXACT_NAME, present[0])
	case len(present) > 1:
		link.State = companyv1.LinkState_LINK_STATE_AMBIGUOUS
		link.Reason = fmt.Sprintf("%d companies are called %q", len(present), name)
		link.Candidates = candidates(equal, "same name")
	case len(equal) > 0:
		only := equal[0]
		if len(present) > 0 {
			only = present[0]
		}
		link.State = companyv1.LinkState_LINK_STATE_BROKEN
		link.Reason = fmt.Sprintf("the only company of this name, %s, is %s", title(only), condition(only))
		link.Candidates = candidates(equal, "same name")
	default:
		nearName(link, found)
	}
}

// nearName lists the companies that a person may have meant.
func nearName(link *companyv1.Link, found []Record) {
	name := link.GetCustomer().GetName()
	link.State = companyv1.LinkState_LINK_STATE_MISSING
	link.Reason = fmt.Sprintf("no company is called %q", clip(name))
	folded := filter(found, func(r Record) bool { return strings.EqualFold(strings.TrimSpace(r.Name), strings.TrimSpace(name)) })
	link.Candidates = candidates(folded, "differs in case or blanks")
	if cut := Ask(link.GetCustomer()).Cut; cut != "" {
		shorter := filter(found, func(r Record) bool { return strings.EqualFold(strings.TrimSpace(r.Name), cut) })
		if len(shorter) > 0 {
			// Several customers can share their first characters, so even a single company is not certain.
			link.State = companyv1.LinkState_LINK_STATE_AMBIGUOUS
			link.Reason += fmt.Sprintf("; only the first %d characters are equal to those of %s", cutAt, title(shorter[0]))
			link.Candidates = append(link.Candidates, candidates(shorter, fmt.Sprintf("equal only when cut to %d characters", cutAt))...)
		}
	}
}

// StandIn lets the tenant's catch-all company stand in for a customer that is not linked. found is what a
// search for the company's identifier gave. Reason and candidates of the link are kept, so that the customer
// remains recognisable as one without a company of its own; if the catch-all company cannot be used, the link
// stays as it is with a longer reason.
func StandIn(link *companyv1.Link, identifier string, found []Record) {
	// ConnectWise compares identifiers without regard to case, and so do people.
	found = filter(found, func(r Record) bool { return strings.EqualFold(r.Identifier, identifier) && !r.Deleted })
	switch {
	case len(found) == 0:
		link.Reason += fmt.Sprintf("; the catch-all company %q does not exist", identifier)
	case len(found) > 1:
		link.Reason += fmt.Sprintf("; %d companies have the identifier %q of the catch-all company", len(found), identifier)
	case found[0].Inactive:
		link.Reason += fmt.Sprintf("; the catch-all company %s is inactive", title(found[0]))
	default:
		reason, others := link.GetReason(), link.GetCandidates()
		linked(link, companyv1.LinkMethod_LINK_METHOD_CATCH_ALL, found[0])
		link.Reason, link.Candidates = reason, others
	}
}

// references returns the distinct company ids that a reference names, as written but without leading zeros.
func references(reference string) []string {
	var ids []string
	for _, found := range tag.FindAllStringSubmatch(reference, -1) {
		id := strings.TrimLeft(found[1], "0")
		if id == "" {
			id = "0"
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func companyID(text string) (int64, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil && id > 0 && id <= math.MaxInt32
}

func linked(link *companyv1.Link, method companyv1.LinkMethod, r Record) {
	link.State, link.Method, link.Company = companyv1.LinkState_LINK_STATE_LINKED, method, company(r)
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
		if r.Deleted || r.Inactive {
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
