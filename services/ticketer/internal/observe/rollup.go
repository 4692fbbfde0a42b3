package observe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
)

// gather is how long the first device beyond the cap waits for others, so that a storm begins with one list of all.
const gather = 2 * time.Second

// hold is what keeps an incident from its ticket.
type hold uint8

const (
	nothingHolds hold = iota
	capHolds          // the hour's cap; it lasts until the ticket is made
	turnHolds         // its turn at the pace of requests, which comes soon
)

func heldBack(l *ticketv1.Ledger) hold {
	switch reason := l.GetPark().GetReason(); {
	case reason == ticketv1.ParkReason_PARK_REASON_CAPPED:
		return capHolds
	case reason == ticketv1.ParkReason_PARK_REASON_YIELDED && l.GetPhase() == ticketv1.Phase_PHASE_NEW:
		return turnHolds
	}
	return nothingHolds
}

// holding is what holds an incident back; nothing when it is not known.
func (t *tracked) holding() hold {
	if t == nil {
		return nothingHolds
	}
	return t.held
}

// rolls are tenants whose roll-up may have news.
type rolls struct {
	stir chan struct{} // there is one; holds one

	mu   sync.Mutex
	some map[string]bool
}

func newRolls() rolls { return rolls{stir: make(chan struct{}, 1), some: map[string]bool{}} }

func (r *rolls) add(tenant string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.some[tenant] = true
	select {
	case r.stir <- struct{}{}:
	default:
	}
}

func (r *rolls) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Sorted(maps.Keys(r.some))
	clear(r.some)
	return all
}

// keepRollUps brings roll-ups up to date soon after the devices that wait have changed.
func (w *Watcher) keepRollUps(ctx context.Context) {
	for {
		select {
		case <-w.rolls.stir:
		case <-ctx.Done():
			return
		}
		if w.clock.Sleep(ctx, gather) != nil {
			return
		}
		for _, tenant := range w.rolls.take() {
			w.mu.Lock()
			ledgers := maps.Clone(w.byTenant[tenant])
			w.mu.Unlock()
			if err := w.rollUp(ctx, tenant, ledgers, false); err != nil && ctx.Err() == nil {
				w.log.WarnContext(ctx, "the roll-up is not up to date, trying again", "tenant", tenant, "err", err)
				w.rolls.add(tenant)
			}
		}
	}
}

// rollUp brings the picture of the tenant's roll-up up to date and wakes it. due says that every change is to be told.
func (w *Watcher) rollUp(ctx context.Context, tenant string, ledgers map[string]*tracked, due bool) error {
	p := rollup.Picture{Tenant: tenant, Now: w.clock.Now(), Due: due}
	var turns []rollup.Waiting
	for key, t := range ledgers {
		switch {
		case t.held == capHolds:
			p.Waiting = append(p.Waiting, t.waiting)
		case t.held == turnHolds:
			turns = append(turns, t.waiting)
		case t.device != rollup.Device:
		case !t.over.IsZero():
			if rollup.InHour(t.incident, p.Now) {
				p.Before++
			}
		default:
			l, _, err := w.store.Get(ctx, key)
			if err != nil {
				return err
			}
			if l != nil && !plan.Resolved(l) {
				p.Open = l
			}
		}
	}
	// Who is listed stays so until it has its ticket, although it is not the cap that it waits for in the last moments.
	for _, t := range turns {
		if slices.ContainsFunc(p.Open.GetWanted().GetMembers(), func(m *incidentv1.Member) bool { return m.GetIncidentId() == t.Member.GetIncidentId() }) {
			p.Waiting = append(p.Waiting, t)
		}
	}
	if len(p.Waiting) > 0 {
		var err error
		if p.Customer, err = w.whose(ctx, tenant, p.Waiting); err != nil {
			return err
		}
	}
	e, news := rollup.Next(p)
	if !news {
		return nil
	}
	_, err := w.store.Update(ctx, bus.Key(tenant, rollup.Device, e.GetIncidentId()), func(l *ticketv1.Ledger) (*ticketv1.Ledger, error) {
		next, received := plan.Receive(l, e, p.Now)
		if !received {
			return nil, bus.ErrKeep
		}
		return next, nil
	})
	if err != nil {
		return err
	}
	return w.bus.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbRedrive, Tenant: tenant, Key: rollup.Device},
		ID:      fmt.Sprintf("redrive:%s:%s:%d", tenant, e.GetIncidentId(), e.GetRevision()), TTL: time.Hour,
		Body: &incidentv1.Event{SchemaVersion: 1, Tenant: tenant, DeviceId: rollup.Device, IncidentId: e.GetIncidentId()},
	})
}

// whose is the customer at whose company a roll-up would be made now: the MSP itself, as long as its company is known or
// may be found; else who has most of the devices.
func (w *Watcher) whose(ctx context.Context, tenant string, waiting []rollup.Waiting) (*statusv1.Customer, error) {
	own := rollup.Own()
	link, _, err := w.links.Get(ctx, bus.Key(tenant, own.GetId()))
	if err != nil {
		return nil, err
	}
	settings, _, err := w.settings.Get(ctx, bus.Key(tenant))
	if err != nil {
		return nil, err
	}
	named := settings.GetCompanies().GetOwn() != "" || settings.GetCompanies().GetCatchAll() != ""
	if link.GetState() == companyv1.LinkState_LINK_STATE_LINKED || named && link.GetState() == companyv1.LinkState_LINK_STATE_UNSPECIFIED {
		return own, nil
	}
	return rollup.Most(waiting), nil
}
