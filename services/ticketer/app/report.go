package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/apply"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
)

// TicketStory is everything on record about one incident's ticket. The ledger counts the requests made for it, and
// each event those made up to it.
type TicketStory struct {
	Ledger *ticketv1.Ledger
	Events []*ticketv1.Event // oldest first
	Unread Unread            // events of the device that are not among them
}

// Ticket returns the story of a tenant's incident. An incident without a ledger is NotFound.
func Ticket(ctx context.Context, b *bus.Bus, tenant, incident string) (TicketStory, error) {
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
	if err != nil {
		return TicketStory{}, err
	}
	// The id of an incident is that of its device and a number.
	i := strings.LastIndex(incident, "-")
	if i <= 0 {
		return TicketStory{}, errclass.Newf(errclass.Rejected, "incident", "%q is not an incident id; write DEVICE-NUMBER, such as 1234567-1", incident)
	}
	l, _, err := ledgers.Get(ctx, bus.Key(tenant, incident[:i], incident))
	if err != nil {
		return TicketStory{}, err
	}
	if l == nil {
		return TicketStory{}, errclass.Newf(errclass.NotFound, "incident", "tenant %q has no record of incident %q; `covewise tickets --tenant %s` lists those that it has", tenant, incident, tenant)
	}
	story := TicketStory{Ledger: l}
	err = b.History(ctx, bus.Ticket, "*", tenant, func(d bus.Delivery) error {
		e := &ticketv1.Event{}
		if d.Subject.Key == l.GetDeviceId() && story.Unread.Decode(d, e) && e.GetIncidentId() == incident {
			story.Events = append(story.Events, e)
		}
		return nil
	})
	return story, err
}

// Troubles returns what a person has to mend before everything can be done again at a tenant's ConnectWise server.
func Troubles(ctx context.Context, b *bus.Bus, tenant string) ([]*ticketv1.Trouble, error) {
	desks, err := bus.OpenStore[*ticketv1.Desk](ctx, b, bus.TicketDesk)
	if err != nil {
		return nil, err
	}
	d, _, err := desks.Get(ctx, bus.Key(tenant))
	if err != nil {
		return nil, err
	}
	ours, err := homeless(ctx, b, tenant)
	if ours == nil {
		return d.GetTroubles(), err
	}
	return append(d.GetTroubles(), ours), err
}

// AdoptionRow is an open ticket of the tenant's board that stands for a device.
type AdoptionRow struct {
	Device  string // id
	Ticket  int64
	Summary string
	By      string // how it is known: "script", "legacy script", "badge" or "reference"
	// What would be done: "adopt" for the newest of a device, "leave" for its others, "ours" for the ticket of an
	// incident that is on record, ClosedAsWell or ClosedAsGone; else why it is left alone: WellMeanwhile, GoneMeanwhile, ExcludedMeanwhile
	// or Strangers.
	Would string
}

// Why a ticket on the board is left alone although it is the newest of its device. One of a device that is well is not
// closed, other than the script would: a person decides about tickets that Covewise knows by their title only. It is taken
// over when the device fails, as that of a device which is watched again.
const (
	ClosedAsWell      = "device is well: closed with a note"              // one with a reference of ours
	ClosedAsGone      = "device is no longer in Cove: closed with a note" // one with a reference of ours
	WellMeanwhile     = "device is well: left alone; close it by hand"
	GoneMeanwhile     = "left alone: the device is no longer in Cove"
	ExcludedMeanwhile = "left alone while the policy does not watch the device"
	Strangers         = "left alone: another installation of Covewise made it"
)

// AdoptionOptions are what a preview needs beside the bus. LookupEnv and Logger are required.
type AdoptionOptions struct {
	Logger    *slog.Logger
	Clock     clock.Clock                                // nil: the system's
	LookupEnv func(name string) (value string, set bool) // where secrets named by environment variables are
	Limits    *connectwise.Limits                        // shared with what else in this process talks to the servers; nil: own ones
}

// AdoptionPreview lists the open tickets on a tenant's board and says which would be taken over when their devices
// fail. It writes nothing, neither in ConnectWise nor on the bus. Only the first contact with a board adopts; what is
// shown later is what it would find today.
func AdoptionPreview(ctx context.Context, b *bus.Bus, tenant string, o AdoptionOptions) ([]AdoptionRow, error) {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return nil, err
	}
	settings, _, err := tenants.Get(ctx, bus.Key(tenant))
	if err != nil {
		return nil, err
	}
	if settings == nil {
		return nil, errclass.Newf(errclass.NotFound, "tenant", "there is no tenant %q; apply its document", tenant)
	}
	d, err := desk.Open(settings, desk.Options{LookupEnv: o.LookupEnv, Clock: o.Clock, Logger: o.Logger, Limits: o.Limits})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	states, err := bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState)
	if err != nil {
		return nil, err
	}
	found, err := apply.List(ctx, d, tenant, states)
	if err != nil {
		return nil, fmt.Errorf("list the board: %w", err)
	}
	known := map[int64]bool{}
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
	if err != nil {
		return nil, err
	}
	err = ledgers.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		for _, ticket := range append(e.Value.GetFormerTicketIds(), e.Value.GetTicketId()) {
			known[ticket] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	lost, err := apply.Lost(ctx, ledgers, tenant)
	if err != nil {
		return nil, err
	}
	wholes, err := bus.OpenStore[*incidentv1.TenantState](ctx, b, bus.TenantState)
	if err != nil {
		return nil, err
	}
	whole, _, err := wholes.Get(ctx, bus.Key(tenant))
	if err != nil {
		return nil, err
	}
	var rows []AdoptionRow
	chosen := map[string]bool{}
	for _, c := range found.GetCandidates() {
		would := "leave"
		switch {
		case known[c.GetTicketId()]:
			would = "ours"
		case !lost && adopt.Stranger(c.GetReference(), b.Installation(), tenant) != "":
			would = Strangers
		default:
			state, _, err := states.Get(ctx, bus.Key(tenant, c.GetDeviceId()))
			if err != nil {
				return nil, err
			}
			health := plan.HealthOf(c.GetDeviceId(), state, whole)
			if c.GetDeviceId() == rollup.Device {
				health = plan.HealthUnknown // it follows from the incidents that wait, not from a sweep
			}
			now := whenListed(health)
			switch {
			case now == WellMeanwhile && c.GetBy() == adopt.ByReference:
				would = ClosedAsWell
			case health == plan.HealthGone && c.GetBy() == adopt.ByReference:
				would = ClosedAsGone
			case !chosen[c.GetDeviceId()]:
				would = now
				chosen[c.GetDeviceId()] = true
			}
		}
		rows = append(rows, AdoptionRow{Device: c.GetDeviceId(), Ticket: c.GetTicketId(), Summary: c.GetSummary(), By: c.GetBy(), Would: would})
	}
	return rows, nil
}

// whenListed says what would be done with the newest ticket of a device of that health.
func whenListed(h plan.Health) string {
	switch h {
	case plan.HealthGone, plan.HealthAbsent:
		return GoneMeanwhile
	case plan.HealthExcluded:
		return ExcludedMeanwhile
	case plan.HealthWell:
		return WellMeanwhile
	case plan.HealthUnknown, plan.HealthTrouble:
	}
	return "adopt"
}
