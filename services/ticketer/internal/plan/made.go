package plan

import (
	"slices"
	"time"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// clocksDiffer is how far the times of a create and of its ticket may be apart beyond what the clocks were seen to differ by.
const clocksDiffer = 10 * time.Minute

// Made is a ticket with the reference of a create whose outcome is not known.
type Made struct {
	Ticket  *ticketv1.Observed
	Entered time.Time // when it was made, by the server's clock; zero when that is not known
}

// OfCreate returns the place of the ticket that the create on record has made among those with its reference, by ascending id,
// or -1 when none is. An open one is taken whenever it was made, the oldest of several, so that everybody who looks takes the
// same. One that is closed or merged counts only when it was made since the create was begun, the newest of several: incidents
// are numbered anew after a restored backup, and the ticket that one of the same number had before says nothing about this one.
// ahead is by how much the server's clock is ahead of ours.
func OfCreate(l *ticketv1.Ledger, all []Made, ahead time.Duration) int {
	if i := slices.IndexFunc(all, func(m Made) bool { return Open(m.Ticket) }); i >= 0 {
		return i
	}
	since := l.GetCreateBegunAt().AsTime().Add(ahead - clocksDiffer)
	for i, m := range slices.Backward(all) {
		if m.Entered.After(since) {
			return i
		}
	}
	return -1
}
