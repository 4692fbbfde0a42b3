package apply

import (
	"context"
	"sync"
	"time"

	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// quotaBlock is how many creates a process reserves at once, so that not each of them writes to the desk's record.
// What a process that ends has not used of it is lost for the hour.
const quotaBlock = 10

// quotas hold what this process may create of the tenants' hourly caps.
type quotas struct {
	mu       sync.Mutex
	byTenant map[string]*quota
}

type quota struct {
	mu   sync.Mutex
	hour int64
	left uint32
}

func (q *quotas) of(tenant string) *quota {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.byTenant[tenant] == nil {
		q.byTenant[tenant] = &quota{}
	}
	return q.byTenant[tenant]
}

// askQuota reserves one create of the hour's cap. A reservation is not given back when the create fails: the cap
// bounds what may have been made.
func (r *run) askQuota(ctx context.Context) error {
	tenant, most, now := r.ledger.GetTenant(), r.settings.GetTickets().GetHourlyCap(), r.clock.Now()
	hour := now.Unix() / int64(time.Hour/time.Second)
	r.facts.Quota = plan.Quota{Asked: true, Until: time.Unix((hour+1)*int64(time.Hour/time.Second), 0)}
	q := r.quotas.of(tenant)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.hour != hour {
		q.hour, q.left = hour, 0
	}
	if q.left == 0 {
		var got uint32
		_, err := r.desks.Update(ctx, bus.Key(tenant), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
			d = deskOf(d, tenant)
			if d.GetHour() != hour {
				d.Hour, d.Creates = hour, 0
			}
			if got = min(quotaBlock, most-min(most, d.GetCreates())); got == 0 {
				return nil, bus.ErrKeep
			}
			d.Creates += got
			return d, nil
		})
		if err != nil {
			return err
		}
		q.left = got
	}
	if q.left > 0 {
		q.left--
		r.facts.Quota.Granted = true
	}
	return nil
}

// deskOf returns a copy of a desk's record to be changed, a new one when there is none.
func deskOf(d *ticketv1.Desk, tenant string) *ticketv1.Desk {
	if d == nil {
		return &ticketv1.Desk{SchemaVersion: 1, Tenant: tenant}
	}
	return d
}
