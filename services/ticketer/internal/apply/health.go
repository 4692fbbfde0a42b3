package apply

import (
	"context"
	"time"

	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
)

// health returns what is known of the run's device, if the last complete sweep was after a time.
func (r *run) health(ctx context.Context, after time.Time) (plan.Health, error) {
	tenant, device := r.ledger.GetTenant(), r.ledger.GetDeviceId()
	if device == rollup.Device {
		return r.rollUpHealth(ctx)
	}
	whole, _, err := r.wholes.Get(ctx, bus.Key(tenant))
	if err != nil || !whole.GetLastCompleteAt().AsTime().After(after) {
		return plan.HealthUnknown, err
	}
	s, _, err := r.devices.Get(ctx, bus.Key(tenant, device))
	return plan.HealthOf(device, s, whole), err
}

// rollUpHealth is well when no incident waits for the hourly cap.
func (r *run) rollUpHealth(ctx context.Context) (plan.Health, error) {
	health := plan.HealthWell
	err := r.ledgers.Each(ctx, bus.Key(r.ledger.GetTenant())+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		if e.Value.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_CAPPED {
			health = plan.HealthTrouble
		}
		return nil
	})
	return health, err
}
