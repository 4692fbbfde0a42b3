package group

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// hold notes which devices the open groups hold back: those whose own incidents were not told before. A group that can have
// no ticket hides nobody's.
func (d *decision) hold() {
	open := openGroups(d.next)
	for _, g := range d.next.GetGroups() {
		g.Held, g.Holds = nil, d.policy.Join == Hold && !(d.policy.Homeless && eventOf(g).GetCustomer().GetId() == own)
	}
	for _, device := range d.fleet.devices {
		if g := belongs(open, device); g != nil && g.GetHolds() && !device.Told {
			g.Held = append(g.Held, device.ID)
		}
	}
	for _, g := range open {
		slices.SortFunc(g.Held, compareIDs)
	}
}

// await returns the devices that wait for their causes to be read.
func (d *decision) await(before *incidentv1.TenantState) []*incidentv1.AwaitedCause {
	if d.policy.Join == Off {
		return nil
	}
	since := map[string]time.Time{}
	for _, w := range before.GetAwaited() {
		since[w.GetDeviceId()] = w.GetSince().AsTime()
	}
	var waiting, fresh []*incidentv1.AwaitedCause
	for _, device := range d.fleet.devices {
		if !device.Unread || device.Told || device.single { // one that shows a single known thing has its cause
			continue
		}
		began, waits := since[device.ID]
		switch w := (&incidentv1.AwaitedCause{DeviceId: device.ID, Since: timestamppb.New(began)}); {
		case !waits:
			w.Since = timestamppb.New(d.sweep.At)
			fresh = append(fresh, w)
		case d.sweep.At.Sub(began) < d.policy.Window:
			waiting = append(waiting, w)
		}
	}
	if len(fresh) >= int(max(d.policy.Devices, 2)) || len(openGroups(d.next)) > 0 {
		waiting = append(waiting, fresh...)
	}
	slices.SortFunc(waiting, func(a, b *incidentv1.AwaitedCause) int { return compareIDs(a.GetDeviceId(), b.GetDeviceId()) })
	return waiting
}

// compareIDs orders ids of devices, which are numbers.
func compareIDs(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }
