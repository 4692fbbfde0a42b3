package plan

import (
	"slices"
	"time"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// clocksDiffer is by how much the server's clock may differ from ours as it was when the create was begun: ours may have been
// set since. A ticket that is taken for another incident's would be made twice, which is worse than one that is taken wrongly.
const clocksDiffer = 25 * time.Hour

// Made is a ticket with the reference of a create whose outcome is not known.
type Made struct {
	Ticket  *ticketv1.Observed
	Entered time.Time // when it was made, by the server's clock; zero when that is not known
}

// OfCreate returns the place of the ticket that the create on record has made among those with its reference, by ascending id,
// or -1 when none is. An open one is taken whenever it was made, the oldest of several, so that everybody who looks takes the
// same. One that is closed or merged does not count when it was made long before the create was begun, and the newest of several
// does: incidents are numbered anew after a restored backup, and the ticket that one of the same number had before says nothing
// about this one.
func OfCreate(l *ticketv1.Ledger, all []Made) int {
	if i := slices.IndexFunc(all, func(m Made) bool { return Open(m.Ticket) }); i >= 0 {
		return i
	}
	since := l.GetCreateBegunAt().AsTime().Add(-clocksDiffer)
	for i, m := range slices.Backward(all) {
		if m.Entered.IsZero() || m.Entered.After(since) {
			return i
		}
	}
	return -1
}

// ClosedBefore reports whether a ticket was closed before the incident began, so that it says nothing about it.
func ClosedBefore(l *ticketv1.Ledger, o *ticketv1.Observed) bool {
	at := o.GetClosedAt()
	if at == nil {
		at = o.GetLastUpdated()
	}
	return at != nil && at.AsTime().Before(l.GetWanted().GetOpenedAt().AsTime())
}
