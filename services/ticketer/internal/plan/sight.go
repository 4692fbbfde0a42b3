package plan

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// sighted returns Glance in place of a step that writes to the ticket, or gives it up, by an old picture of it: people may
// have closed, moved or changed it since. Their changes are never written over.
func sighted(l *ticketv1.Ledger, f Facts, step Step) Step {
	if f.Seen || !f.Known || differ(l.GetServer(), f.Server) {
		return step
	}
	switch step.(type) {
	case BeginNote, BeginClose, Close, Reopen, MoveHome, Attach, Renew:
	case Adopt:
		if l.GetTicketId() == 0 {
			return step
		}
	default:
		return step
	}
	if held(l, f) {
		return Nothing{}
	}
	return Glance{}
}

// Field is what one of our writes changes.
type Field uint8

// What our writes change.
const (
	FieldStatus Field = iota
	FieldCompany
)

// Besides lists what the answer to one of our own writes shows to have changed beside what was written: people did that
// between our last sight of the ticket and the write. Who it was the answer does not tell, other than for a closing: its
// writer is the last one, us.
func Besides(l *ticketv1.Ledger, answer *ticketv1.Observed, own Field) []string {
	old := l.GetObserved()
	if old == nil {
		return nil
	}
	now := proto.CloneOf(answer)
	now.UpdatedBy = ""
	before := ""
	switch own {
	case FieldStatus:
		if closedBefore(old, answer) {
			before = "closed by " + answer.GetClosedBy() + ", before Covewise did"
		}
		now.StatusId, now.Status, now.Closed = old.GetStatusId(), old.GetStatus(), old.GetClosed()
	case FieldCompany:
		now.CompanyId, now.Company = old.GetCompanyId(), old.GetCompany()
	}
	changes := Changes(old, now)
	if before != "" {
		changes = slices.Insert(changes, 0, before)
	}
	return changes
}

// closedBefore reports whether the answer to our closing shows that somebody else had closed the ticket already: the server
// keeps who closed it first.
func closedBefore(old, answer *ticketv1.Observed) bool {
	return answer.GetClosed() && !old.GetClosed() && answer.GetClosedBy() != "" && answer.GetUpdatedBy() != "" &&
		!strings.EqualFold(answer.GetClosedBy(), answer.GetUpdatedBy())
}

// written keeps what the answer to one of our own writes tells: as whom we write, and the company, which people may have
// changed.
func written(l *ticketv1.Ledger, answer *ticketv1.Observed) {
	l.Observed = answer
	if answer.GetUpdatedBy() != "" {
		l.WrittenAs = answer.GetUpdatedBy()
	}
	if company := answer.GetCompanyId(); company != 0 && company != l.GetCompanyId() {
		l.CompanyId, l.StandIn = company, false
	}
}
