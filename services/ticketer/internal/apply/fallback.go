package apply

import (
	"fmt"
	"slices"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// fellBack keeps for the ticket's remarks that the built-in words stand for a template. The log tells each template once;
// whoever looks at a ticket is to see why it does not read as the tenant wrote it.
func (r *run) fellBack(template string, err error) {
	remark := fmt.Sprintf("The template %s does not work, the built-in text stands for it: %v.", template, err)
	if !slices.Contains(r.fallen, remark) {
		r.fallen = append(r.fallen, remark)
	}
}

// withFallen adds the remarks on templates to those of a ledger.
func (r *run) withFallen(next *ticketv1.Ledger) *ticketv1.Ledger {
	for _, remark := range r.fallen {
		if !slices.Contains(next.GetRemarks(), remark) {
			next.Remarks = append(next.Remarks, remark)
		}
	}
	return next
}
