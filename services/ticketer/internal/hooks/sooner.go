package hooks

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// settle is how long a hint waits for others, and how often a tenant's tickets are looked at for hints at most. The
// server's search lags a little as well.
const settle = 5 * time.Second

// Sooner brings the next look at a tenant's tickets forward when one of ours may have changed.
type Sooner struct {
	bus     *bus.Bus
	clock   clock.Clock
	desks   *bus.Store[*ticketv1.Desk]
	ledgers *bus.View[*ticketv1.Ledger, owned]
}

// owned names a ticket of ours.
type owned struct {
	tenant string
	ticket int64
}

// NewSooner opens what a Sooner needs. The clock is the one by which tickets are looked at.
func NewSooner(ctx context.Context, b *bus.Bus, c clock.Clock) (*Sooner, error) {
	desks, err := bus.OpenStore[*ticketv1.Desk](ctx, b, bus.TicketDesk)
	if err != nil {
		return nil, err
	}
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
	if err != nil {
		return nil, err
	}
	return &Sooner{bus: b, clock: c, desks: desks, ledgers: bus.NewView(ledgers, ">", func(e bus.Entry[*ticketv1.Ledger]) owned {
		return owned{e.Value.GetTenant(), e.Value.GetTicketId()}
	}, nil)}, nil
}

// Run keeps the list of our tickets until the context ends, and then returns nil.
func (s *Sooner) Run(ctx context.Context) error { return s.ledgers.Run(ctx, s.bus) }

// Changed takes the hint that a ticket may have changed: if it is ours, the tenant's tickets are looked at within a few
// seconds. Hints in between cost nothing.
func (s *Sooner) Changed(ctx context.Context, tenant string, ticket int64) error {
	if !s.ours(tenant, ticket) {
		return nil
	}
	soon := s.clock.Now().Add(settle)
	_, err := s.desks.Update(ctx, bus.Key(tenant), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
		// A tenant without a first turn gets it at once anyway.
		if d.GetNextPollAt() == nil || !d.GetNextPollAt().AsTime().After(soon) {
			return nil, bus.ErrKeep
		}
		d.NextPollAt = timestamppb.New(soon)
		return d, nil
	})
	return err
}

// ours is true also while the list is not complete yet.
func (s *Sooner) ours(tenant string, ticket int64) bool {
	select {
	case <-s.ledgers.Ready():
	default:
		return true
	}
	found := false
	s.ledgers.Each(func(_ string, o owned) { found = found || o.ticket == ticket && o.tenant == tenant })
	return found
}
