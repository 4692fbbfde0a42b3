package app

import (
	"context"

	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Orphans returns the open tickets with a reference of ours that no incident owns, and that were neither taken up nor closed
// so far, in the order in which they were seen first.
func Orphans(ctx context.Context, b *bus.Bus, tenant string) ([]*ticketv1.Orphan, error) {
	desks, err := bus.OpenStore[*ticketv1.Desk](ctx, b, bus.TicketDesk)
	if err != nil {
		return nil, err
	}
	d, _, err := desks.Get(ctx, bus.Key(tenant))
	return d.GetOrphans(), err
}
