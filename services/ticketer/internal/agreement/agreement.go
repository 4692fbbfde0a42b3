// Package agreement decides which agreement of a company a ticket is given, by the tenant's conditions. It is pure;
// the conditions' grammar is that of package platform/tenant/agreement, and reading the agreements is the desk's.
package agreement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	conditions "github.com/covewise/covewise/platform/tenant/agreement"
	"github.com/covewise/covewise/platform/tenant/selector"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Candidate is an active agreement of the ticket's company.
type Candidate struct {
	ID   int
	Name string
	Type string // name of its type
}

// Condition is what the tenant asks of agreements for a customer.
type Condition struct {
	Where string // as the document has it; empty asks for none
	Key   string // path in the tenant's document, "tickets.agreement"
}

// For returns the condition for a customer: the last override that fits, else the tenant's.
func For(t *tenantv1.Tickets, customer *statusv1.Customer) Condition {
	of := selector.Subject{CustomerID: customer.GetId(), CustomerName: customer.GetName()}
	for i, o := range slices.Backward(t.GetAgreementOverrides()) {
		if selector.Fits(o.GetSelect(), of) {
			return Condition{Where: o.GetWhere(), Key: fmt.Sprintf("tickets.agreements[%d].where", i)}
		}
	}
	return Condition{Where: t.GetAgreement(), Key: "tickets.agreement"}
}

// mostNamed bounds the agreements that a text names.
const mostNamed = 10

// Choose returns the agreement that the condition chooses. Of several it is the one with the lowest id, which is the
// oldest, so that a ticket gets the same one whenever it is asked. remark is what a person should know: that there
// were several, or none, which is an error of the configuration; empty when all is well.
func Choose(c Condition, all []Candidate) (chosen Candidate, found bool, remark string) {
	if c.Where == "" {
		return Candidate{}, false, ""
	}
	where, err := conditions.Parse(c.Where)
	if err != nil { // settings are checked before they are stored; an older version may have checked less
		return Candidate{}, false, fmt.Sprintf("No agreement is set: %s %s.", c.Key, err)
	}
	var matching []Candidate
	for _, a := range all {
		if where.Matches(conditions.Agreement{Name: a.Name, Type: a.Type}) {
			matching = append(matching, a)
		}
	}
	slices.SortFunc(matching, func(a, b Candidate) int { return cmp.Compare(a.ID, b.ID) })
	switch len(matching) {
	case 0:
		return Candidate{}, false, none(c, where, all)
	case 1:
		return matching[0], true, ""
	default:
		return matching[0], true, fmt.Sprintf(
			"%d agreements of the company match %s (%s): %s. The oldest is set: %s. Make the condition narrower if another is meant.",
			len(matching), c.Key, c.Where, named(matching), describe(matching[0]),
		)
	}
}

func none(c Condition, where conditions.Condition, all []Candidate) string {
	text := fmt.Sprintf("No agreement is set: none of the company's active agreements matches %s (%s).", c.Key, c.Where)
	if len(all) == 0 {
		text += " The company has none."
	} else {
		text += " It has: " + named(all) + "."
	}
	if suspicious := where.LookAlikes(); len(suspicious) > 0 {
		text += " Look at the condition's letters: " + strings.Join(suspicious, "; ") + "."
	}
	return text
}

func named(all []Candidate) string {
	names := make([]string, 0, mostNamed+1)
	for _, a := range all[:min(len(all), mostNamed)] {
		names = append(names, describe(a))
	}
	if more := len(all) - mostNamed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func describe(a Candidate) string {
	if a.Type == "" {
		return fmt.Sprintf("%q", a.Name)
	}
	return fmt.Sprintf("%q of type %q", a.Name, a.Type)
}
