package apply

import (
	"context"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/quota"
)

// Quota counts what the hours' caps have been used for.
type Quota interface {
	Ask(ctx context.Context, tenant, key string, hour int64, most uint32) (bool, error)
	Release(key string, revision uint64, l *ticketv1.Ledger)
}

// askQuota keeps a place for the incident's ticket in the present hour, if its cap leaves one.
func (r *run) askQuota(ctx context.Context) error {
	hour := quota.Hour(r.clock.Now())
	granted, err := r.quota.Ask(ctx, r.ledger.GetTenant(), r.key, hour, r.settings.GetTickets().GetHourlyCap())
	r.facts.Quota = plan.Quota{Asked: true, Granted: granted, Until: quota.End(hour)}
	return err
}

// announce keeps a place at the server for the create that a new incident may come to.
func (r *run) announce() {
	if r.place != nil || !r.facts.Live || r.site == nil || r.site.desk == nil || !plan.OfDevice(r.ledger) || plan.Resolved(r.ledger) {
		return
	}
	r.place = r.site.desk.Announce()
	r.facts.Crowded = r.place == nil
}

// leave gives back what the run has kept for a create that it has not sent.
func (r *run) leave() {
	r.place.Withdraw()
	if r.facts.Quota.Granted {
		r.quota.Release(r.key, r.revision, r.ledger)
	}
}

// deskOf returns a copy of a desk's record to be changed, a new one when there is none.
func deskOf(d *ticketv1.Desk, tenant string) *ticketv1.Desk {
	if d == nil {
		return &ticketv1.Desk{SchemaVersion: 1, Tenant: tenant}
	}
	return d
}
