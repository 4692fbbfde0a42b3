package plan

import (
	"strings"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// OpenedByUs reports whether the ticket that we closed with its incident was opened again under the name that we write under. A
// request to open it came late: its process stood still for so long that another one went on, and closed the ticket. People open
// tickets under their own names.
func OpenedByUs(l *ticketv1.Ledger) bool {
	o := l.GetObserved()
	return l.GetPhase() == ticketv1.Phase_PHASE_CLOSED && l.GetOwnCloseAt() != nil && !l.GetForeign() && Open(o) &&
		o.GetUpdatedBy() != "" && strings.EqualFold(o.GetUpdatedBy(), l.GetWrittenAs())
}

// over is what there is to do for an incident that is over with its ticket.
func over(l *ticketv1.Ledger, f Facts) Step {
	if !OpenedByUs(l) || f.Shared {
		return Nothing{}
	}
	if stop := hindered(l, f); stop != nil {
		return stop
	}
	return CloseAgain{}
}
