package app

import (
	"context"
	"fmt"
	"time"

	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/roster"
)

// DeviceStanding is how one device stands.
type DeviceStanding = roster.Device

// DeviceState is the word for how a device stands.
type DeviceState = roster.State

// The states of a DeviceStanding.
const (
	DeviceInTrouble = roster.InTrouble
	DeviceUnknown   = roster.Unknown
	DeviceHealthy   = roster.Healthy
	DeviceExcluded  = roster.Excluded
	DeviceGone      = roster.Gone
)

// Roster is how the devices of a tenant stand.
type Roster struct {
	At      time.Time        // observed time of the last complete sweep that was judged; zero when there was none
	Devices []DeviceStanding // in order of state (trouble first), customer and name
}

// Devices tells how every device of a tenant stands, those that the vendor no longer lists included, by what the
// evaluator remembers of them, by the policy in use, and as of the last complete sweep. A device that the vendor listed
// and that was not described to the evaluator is unknown. It writes nothing.
func Devices(ctx context.Context, b *bus.Bus, settings *tenantv1.Settings) (Roster, error) {
	at, lacking, err := lastJudged(ctx, b, settings.GetId())
	if err != nil {
		return Roster{}, fmt.Errorf("read devices: %w", err)
	}
	states, err := bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState)
	if err != nil {
		return Roster{}, fmt.Errorf("read devices: %w", err)
	}
	judge, err := roster.NewJudge(settings.GetPolicy(), at, lacking)
	if err != nil {
		return Roster{}, fmt.Errorf("read policy: %w", err)
	}
	listed, err := enumerated(ctx, b, settings.GetId())
	if err != nil {
		return Roster{}, fmt.Errorf("read devices: %w", err)
	}
	r := Roster{At: at}
	err = states.Each(ctx, bus.Key(settings.GetId())+".>", func(e bus.Entry[*incidentv1.DeviceState]) error {
		r.Devices = append(r.Devices, judge.Look(e.Value))
		delete(listed, e.Value.GetDeviceId())
		return nil
	})
	if err != nil {
		return Roster{}, fmt.Errorf("read devices: %w", err)
	}
	for id := range listed {
		r.Devices = append(r.Devices, roster.Missing(id))
	}
	roster.Sort(r.Devices)
	return r, nil
}

// lastJudged returns the observed time of the last complete sweep that was judged, zero when there was none, and the
// columns that it lacked.
func lastJudged(ctx context.Context, b *bus.Bus, tenant string) (time.Time, decode.Lacking, error) {
	tenants, err := bus.OpenStore[*incidentv1.TenantState](ctx, b, bus.TenantState)
	if err != nil {
		return time.Time{}, nil, err
	}
	state, _, err := tenants.Get(ctx, bus.Key(tenant))
	if err != nil || state.GetLastCompleteAt() == nil {
		return time.Time{}, nil, err
	}
	return state.GetLastCompleteAt().AsTime(), decode.NewLacking(state.GetColumnsRefused(), state.GetColumnsUnanswered()), nil
}

// enumerated returns the ids of the devices that the last complete sweep listed, by what the poller remembers.
func enumerated(ctx context.Context, b *bus.Bus, tenant string) (map[string]bool, error) {
	cursors, err := bus.OpenStore[*statusv1.DeviceCursor](ctx, b, bus.PollCursor)
	if err != nil {
		return nil, err
	}
	cursor, _, err := cursors.Get(ctx, bus.Key(tenant, "devices"))
	if err != nil {
		return nil, err
	}
	ids := make(map[string]bool, len(cursor.GetDevices()))
	for _, d := range cursor.GetDevices() {
		ids[d.GetId()] = true
	}
	return ids, nil
}
