// Package compare shows a whole comparison of customers and companies: its rows, their summary, and both as CSV. It is
// pure; what the rows say was decided elsewhere.
package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
)

// Status is what a comparison says of a customer.
type Status string

// The statuses, in the order in which they are shown.
const (
	Linked    Status = "Linked"
	Renamed   Status = "Renamed" // linked, and one side is called otherwise than when it was linked
	CatchAll  Status = "CatchAll"
	Proposed  Status = "Proposed"
	Ambiguous Status = "Ambiguous"
	Missing   Status = "Missing"
	Broken    Status = "Broken"
	Creating  Status = "Creating"
	Excluded  Status = "Excluded"
	Removed   Status = "Removed" // the vendor's list no longer holds the customer
)

// Statuses returns every status, in order.
func Statuses() []Status {
	return []Status{Linked, Renamed, CatchAll, Proposed, Ambiguous, Missing, Broken, Creating, Excluded, Removed}
}

// Row is one customer in a comparison.
type Row struct {
	Partner    string // Cove partner id
	Customer   string // display name
	Reference  string // the customer's own
	Level      string
	Devices    int
	Sites      []string // names, in order
	Status     Status
	Method     string // how the company was found; "" when there is none
	Company    string // name
	CompanyID  int64  // 0: none
	Identifier string // of the company
	Suggestion string // what a person could do: an identifier for a new company, or companies that may be meant
	Note       string // evidence or reason, and what was renamed
}

// Matched says whether the customer has a company of its own.
func (r Row) Matched() bool { return r.Status == Linked || r.Status == Renamed }

// StatusOf returns the status of a link.
func StatusOf(link *companyv1.Link, renamed, removed bool) Status {
	switch {
	case removed:
		return Removed
	case link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL && link.GetState() == companyv1.LinkState_LINK_STATE_LINKED:
		return CatchAll
	case renamed:
		return Renamed
	}
	switch link.GetState() {
	case companyv1.LinkState_LINK_STATE_LINKED, companyv1.LinkState_LINK_STATE_RENAMED:
		return Linked
	case companyv1.LinkState_LINK_STATE_PROPOSED:
		return Proposed
	case companyv1.LinkState_LINK_STATE_AMBIGUOUS:
		return Ambiguous
	case companyv1.LinkState_LINK_STATE_BROKEN:
		return Broken
	case companyv1.LinkState_LINK_STATE_CREATING:
		return Creating
	case companyv1.LinkState_LINK_STATE_EXCLUDED:
		return Excluded
	default:
		return Missing
	}
}

// MethodOf names how a link's company was found, for people; "" when it was not.
func MethodOf(method companyv1.LinkMethod) string {
	switch method {
	case companyv1.LinkMethod_LINK_METHOD_REFERENCE:
		return "CWM id in the reference"
	case companyv1.LinkMethod_LINK_METHOD_NAME_ID:
		return "CWM id in the name"
	case companyv1.LinkMethod_LINK_METHOD_EXACT_NAME:
		return "name"
	case companyv1.LinkMethod_LINK_METHOD_NORMALISED_NAME:
		return "normalised name"
	case companyv1.LinkMethod_LINK_METHOD_IDENTIFIER:
		return "identifier in the reference"
	case companyv1.LinkMethod_LINK_METHOD_REFERENCE_NAME:
		return "name in the reference"
	case companyv1.LinkMethod_LINK_METHOD_ORDERED:
		return "linked by a person"
	case companyv1.LinkMethod_LINK_METHOD_CREATED:
		return "created"
	case companyv1.LinkMethod_LINK_METHOD_MERGED:
		return "followed a merge"
	case companyv1.LinkMethod_LINK_METHOD_CATCH_ALL:
		return "catch-all"
	case companyv1.LinkMethod_LINK_METHOD_OWN:
		return "own company"
	default:
		return ""
	}
}

// Candidates lists companies that may be meant, in one line.
func Candidates(all []*companyv1.Candidate) string {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = fmt.Sprintf("%d %s (%s)", c.GetCompany().GetId(), c.GetCompany().GetName(), c.GetReason())
	}
	return strings.Join(texts, "; ")
}

// Count is how many customers have a status.
type Count struct {
	Status    Status
	Customers int
	Percent   float64 // of all customers that are not removed; 0 when there are none
}

// Summary counts the rows. Removed customers are counted for themselves.
type Summary struct {
	Customers      int // without those removed
	Matched        int
	MatchedPercent float64
	Counts         []Count // of the statuses that occur, in their order
}

// Summarise counts rows.
func Summarise(rows []Row) Summary {
	var s Summary
	of := map[Status]int{}
	for _, r := range rows {
		of[r.Status]++
		if r.Status != Removed {
			s.Customers++
		}
		if r.Matched() {
			s.Matched++
		}
	}
	s.MatchedPercent = percent(s.Matched, s.Customers)
	for _, status := range Statuses() {
		if of[status] > 0 {
			s.Counts = append(s.Counts, Count{status, of[status], percent(of[status], s.Customers)})
		}
	}
	return s
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// String returns the summary in one line.
func (s Summary) String() string {
	if s.Customers == 0 && len(s.Counts) == 0 {
		return "no customers"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d customers, %d with a company of their own (%.1f %%)", s.Customers, s.Matched, s.MatchedPercent)
	for _, c := range s.Counts {
		fmt.Fprintf(&b, "; %s %d", strings.ToLower(string(c.Status)), c.Customers)
		if c.Status != Removed {
			fmt.Fprintf(&b, " (%.1f %%)", c.Percent)
		}
	}
	return b.String()
}

// Change is a link that a file asks for and that is not there.
type Change struct {
	Partner, Customer string
	CompanyID         int64
	Company           string
}

// Changes returns the links that rows of a file name and present rows do not have, in order of customer. Customers are
// told by their partner id, or by a name that one customer alone has. Rows without a company ask for nothing, nor do those
// of removed customers and those that say what the comparison says; rows of customers that are not there are returned
// apart.
func Changes(file, present []Row) (changes []Change, unknown []Row) {
	byPartner, byName := map[string]Row{}, map[string][]Row{}
	for _, r := range present {
		byPartner[r.Partner] = r
		byName[r.Customer] = append(byName[r.Customer], r)
	}
	for _, r := range file {
		if r.CompanyID == 0 || r.Status == Removed {
			continue
		}
		now, ok := byPartner[r.Partner]
		if same := byName[r.Customer]; !ok && r.Partner == "" && len(same) == 1 {
			now, ok = same[0], true
		}
		switch {
		case !ok:
			unknown = append(unknown, r)
		case now.Status == Removed, now.Status == CatchAll && now.CompanyID == r.CompanyID:
		case now.CompanyID != r.CompanyID || !now.Matched():
			changes = append(changes, Change{Partner: now.Partner, Customer: now.Customer, CompanyID: r.CompanyID, Company: r.Company})
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Customer, b.Customer) })
	return changes, unknown
}
