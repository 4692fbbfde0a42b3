package text

import (
	"fmt"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Replaces is the paragraph, with the empty line after it, that a ticket begins with which stands in place of another; empty
// when it replaces none. The public one tells neither who put an end to the other one nor the setting that decides.
func (w *Writer) Replaces(r *ticketv1.Replaced, public bool) string {
	if r == nil {
		return ""
	}
	by, on := "", ""
	if r.GetBy() != "" && !public {
		by = " by " + oneLine(r.GetBy())
	}
	if r.GetAt() != nil {
		on = " on " + (&page{zone: w.zone}).stamp(r.GetAt().AsTime())
	}
	p := &page{zone: w.zone}
	switch {
	case r.GetDeleted():
		p.line(fmt.Sprintf("This ticket replaces ticket %d, which was deleted. The trouble that it was about is not over.", r.GetTicketId()))
	case r.GetMergedTicketId() != 0:
		p.line(fmt.Sprintf("This ticket replaces ticket %d, which was merged%s%s into ticket %d, closed already at the time. The trouble that it was about is not over.",
			r.GetMergedTicketId(), by, on, r.GetTicketId()))
	default:
		p.line(fmt.Sprintf("This ticket replaces ticket %d, which was closed%s%s. The trouble that it was about is not over.", r.GetTicketId(), by, on))
	}
	if !public {
		p.labelled("Why there is another", r.GetWhy())
	}
	return p.text() + "\n\n"
}
