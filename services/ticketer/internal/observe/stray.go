package observe

import (
	"slices"
	"strings"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// found is an open ticket that stands for nothing any more, or one that was merged on before another was made in place of it,
// with the ledger that it belongs to.
type found struct {
	key string
	row *ticketv1.Observed
}

// forDevice reports whether a ticket is for a device, by its reference or its summary. Others were people's before ours were merged
// into them, and are so again.
func forDevice(row *ticketv1.Observed, tenant, prefix string) bool {
	return strings.HasPrefix(row.GetReference(), prefix) || len(adopt.Match(tenant, []*ticketv1.Observed{row}, nil)) > 0
}

// strays returns the open tickets for devices that people opened again although their incident has another ticket, or is over while a
// later one of the device has, and of which the ledger does not say that this was answered. While the next ticket waits, the one
// that it is to replace is among them also when people merged it into another.
func strays(ledgers map[string]*tracked, byTicket map[int64][]string, rows []*ticketv1.Observed, tenant, prefix string) []found {
	formers := map[int64][]string{}
	current := map[string]int64{} // by device, the ticket that shows its present trouble
	for key, t := range ledgers {
		for _, ticket := range t.former {
			formers[ticket] = append(formers[ticket], key)
		}
		if t.serves {
			current[t.device] = t.ticket
		}
	}
	var all []found
	for _, row := range rows {
		ticket := row.GetTicketId()
		followed := slices.ContainsFunc(byTicket[ticket], func(key string) bool { return ledgers[key].over.IsZero() })
		if followed || !plan.Merged(row) && !(plan.Open(row) && forDevice(row, tenant, prefix)) {
			continue
		}
		for _, key := range append(slices.Clone(byTicket[ticket]), formers[ticket]...) {
			t := ledgers[key]
			if plan.Merged(row) {
				if t.givenUp == ticket {
					all = append(all, found{key, row})
				}
				continue
			}
			step := plan.PointOut{Ticket: ticket, Current: current[t.device]}
			if t.serves {
				step.Current = t.ticket
			}
			// A closed incident's own ticket that people opened again is theirs, as long as the device is well.
			theirs := t.ticket == ticket && step.Current == 0
			if !theirs && !plan.Told(t.remarks, step) {
				all = append(all, found{key, row})
			}
		}
	}
	return all
}
