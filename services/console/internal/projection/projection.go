// Package projection keeps what the console shows in memory, from the buckets of the other services. It writes
// nothing and can be rebuilt at any time; it may lag behind the bus by moments.
package projection

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/console/internal/picture"
)

// Projection reads five buckets.
type Projection struct {
	bus     *bus.Bus
	states  *bus.Store[*incidentv1.DeviceState]
	tenants *bus.View[*tenantv1.Settings, *picture.TenantRow]
	sweeps  *bus.View[*statusv1.PollLease, *picture.SweepRow]
	devices *bus.View[*incidentv1.DeviceState, *picture.DeviceRow]
	links   *bus.View[*companyv1.Link, *picture.LinkRow]
	tickets *bus.View[*ticketv1.Ledger, *picture.TicketRow]
}

// Open looks the buckets up. Nothing is read before Run.
func Open(ctx context.Context, b *bus.Bus) (*Projection, error) {
	p := &Projection{bus: b}
	var err error
	if p.states, err = bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState); err != nil {
		return nil, err
	}
	p.devices = bus.NewView(p.states, ">", func(e bus.Entry[*incidentv1.DeviceState]) *picture.DeviceRow { return picture.FromState(e.Value) }, nil)
	if p.tenants, err = view(ctx, b, bus.Tenants, func(e bus.Entry[*tenantv1.Settings]) *picture.TenantRow { return picture.FromSettings(e.Value) }); err != nil {
		return nil, err
	}
	if p.sweeps, err = view(ctx, b, bus.PollLease, lease); err != nil {
		return nil, err
	}
	if p.links, err = view(ctx, b, bus.CompanyMap, func(e bus.Entry[*companyv1.Link]) *picture.LinkRow { return picture.FromLink(e.Value) }); err != nil {
		return nil, err
	}
	p.tickets, err = view(ctx, b, bus.TicketLedger, func(e bus.Entry[*ticketv1.Ledger]) *picture.TicketRow { return picture.FromLedger(e.Value) })
	return p, err
}

// Run keeps the projection until the context ends.
func (p *Projection) Run(ctx context.Context) error {
	views, ctx := errgroup.WithContext(ctx)
	views.Go(func() error { return p.tenants.Run(ctx, p.bus) })
	views.Go(func() error { return p.sweeps.Run(ctx, p.bus) })
	views.Go(func() error { return p.devices.Run(ctx, p.bus) })
	views.Go(func() error { return p.links.Run(ctx, p.bus) })
	views.Go(func() error { return p.tickets.Run(ctx, p.bus) })
	return views.Wait()
}

// Ready reports whether everything has been read once. Until then the rows are less than the truth.
func (p *Projection) Ready() bool {
	for _, ready := range []<-chan struct{}{p.tenants.Ready(), p.sweeps.Ready(), p.devices.Ready(), p.links.Ready(), p.tickets.Ready()} {
		select {
		case <-ready:
		default:
			return false
		}
	}
	return true
}

// Rows returns everything as it is now.
func (p *Projection) Rows() picture.Rows {
	return picture.Rows{
		TenantRows: rows(p.tenants), Sweeps: rows(p.sweeps), DeviceRows: rows(p.devices), Links: rows(p.links), TicketRows: rows(p.tickets),
	}
}

// State reads a device's whole state from the bus; nil when there is none.
func (p *Projection) State(ctx context.Context, tenant, device string) (*incidentv1.DeviceState, error) {
	state, _, err := p.states.Get(ctx, bus.Key(tenant, device))
	if err != nil {
		return nil, fmt.Errorf("read device: %w", err)
	}
	return state, nil
}

// lease takes the tenant from the key: a lease names none, and the alphabet of tenant ids stands in keys as it is.
func lease(e bus.Entry[*statusv1.PollLease]) *picture.SweepRow {
	return picture.FromLease(e.Key, e.Value)
}

func view[T proto.Message, P any](ctx context.Context, b *bus.Bus, bucket bus.Bucket, project func(bus.Entry[T]) P) (*bus.View[T, P], error) {
	store, err := bus.OpenStore[T](ctx, b, bucket)
	if err != nil {
		return nil, err
	}
	return bus.NewView(store, ">", project, nil), nil
}

func rows[T proto.Message, P any](v *bus.View[T, P]) []P {
	var all []P
	v.Each(func(_ string, row P) { all = append(all, row) })
	return all
}
