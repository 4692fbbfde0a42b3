package group

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

const (
	schemaVersion = 1
	mostMembers   = 1000 // devices that an event lists
	own           = tenant.OwnCustomer

	// Of two causes the more specific one is named unless the other explains a tenth more.
	nearly = 90
	// A cause that is only "Cove" must hold for more than half of the tenant, in percent.
	majority = 51
)

// Decide carries a tenant's groups through a complete sweep. It changes none of its arguments. A sweep that the state
// has decided, or a later one, leaves it as it is.
func Decide(p Policy, before *incidentv1.TenantState, f Fleet, sweep Sweep) *incidentv1.TenantState {
	if before.GetGroupedSweep() >= sweep.Number {
		return before
	}
	next := proto.CloneOf(before)
	next.GroupedSweep = sweep.Number
	next.Groups = nil
	d := decision{policy: p, fleet: f, sweep: sweep, next: next}
	taken := d.carry(before)
	if p.Join != Off {
		d.open(taken)
	}
	slices.SortFunc(next.Groups, func(a, b *incidentv1.GroupState) int { return cmp.Compare(keyOf(a), keyOf(b)) })
	d.hold()
	next.Awaited = d.await(before)
	return next
}

type decision struct {
	policy Policy
	fleet  Fleet
	sweep  Sweep
	next   *incidentv1.TenantState
}

// carry takes the open groups one sweep further and returns the ids of the devices that belong to one.
func (d *decision) carry(before *incidentv1.TenantState) map[string]bool {
	open := openGroups(before)
	taken := map[string]bool{}
	members := map[string][]Device{}
	for _, device := range d.fleet.devices {
		if g := belongs(open, device); g != nil {
			members[keyOf(g)] = append(members[keyOf(g)], device)
			taken[device.ID] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(open)) {
		d.next.Groups = append(d.next.Groups, d.advance(open[id], members[id]))
	}
	// Devices of a group that ends now are among them: they must not begin it anew in the same sweep.
	return taken
}

// advance takes one group further with the devices that belong to it now.
func (d *decision) advance(before *incidentv1.GroupState, members []Device) *incidentv1.GroupState {
	g := proto.CloneOf(before)
	told := int(g.GetOpen().GetMembersTotal())
	n := len(members)
	if n > 0 {
		g.GoodSweeps = 0
	}
	switch {
	case d.policy.Join == Off:
		d.end(g, members, incidentv1.Resolution_RESOLUTION_EXCLUDED)
	case n == 0:
		if g.GoodSweeps++; g.GetGoodSweeps() >= max(d.policy.CloseAfter, 1) {
			d.end(g, members, incidentv1.Resolution_RESOLUTION_RECOVERED)
		}
	case grown(told, n) || severity(members) > g.GetOpen().GetSeverity():
		e := d.revise(g.GetOpen(), incidentv1.EventKind_EVENT_KIND_CHANGED, members)
		d.describe(e, g.GetCause(), members)
		g.Open = e
	}
	return g
}

// grown reports whether a membership differs materially from the one that was told: it doubled, halved, or moved by 50
// devices, and by a fifth where that is more.
func grown(told, n int) bool {
	step := max(min(told, 50), told/5)
	if n < told {
		step = max(min((told+1)/2, 50), told/5)
	}
	return max(n-told, told-n) >= step
}

func (d *decision) end(g *incidentv1.GroupState, members []Device, why incidentv1.Resolution) {
	e := d.revise(g.GetOpen(), incidentv1.EventKind_EVENT_KIND_RESOLVED, members)
	e.Conditions, e.Resolution = nil, why
	g.Open, g.Resolved = nil, e
}

func (d *decision) revise(open *incidentv1.Event, kind incidentv1.EventKind, members []Device) *incidentv1.Event {
	e := proto.CloneOf(open)
	e.Revision++
	e.Kind, e.OccurredAt, e.Sweep, e.PolicyVersion = kind, timestamppb.New(d.sweep.At), d.sweep.Number, d.policy.Version
	e.Members, e.MembersTotal = d.list(members), uint32(len(members))
	return e
}

// candidate is a cause that may begin a group.
type candidate struct {
	key     key
	members []Device
	fell    int // of them, those that fell within the window
	text    string
}

// open begins groups among the devices that belong to none, the one that explains most devices first.
func (d *decision) open(taken map[string]bool) {
	free := slices.DeleteFunc(slices.Clone(d.fleet.devices), func(x Device) bool { return taken[x.ID] })
	for {
		c := d.best(free)
		if c == nil {
			return
		}
		d.next.Groups = append(d.next.Groups, d.begin(c))
		joined := map[string]bool{}
		for _, m := range c.members {
			joined[m.ID] = true
		}
		free = slices.DeleteFunc(free, func(x Device) bool { return joined[x.ID] })
	}
}

// best returns the cause that explains most devices, or nil when none is enough for a group.
func (d *decision) best(free []Device) *candidate {
	found := map[key]*candidate{}
	for _, device := range free {
		fell := d.sweep.At.Sub(fellAt(device)) <= d.policy.Window
		for _, k := range keys(device) {
			c := found[k]
			if c == nil {
				c = &candidate{key: k}
				found[k] = c
			}
			// Devices of one node may say the same in different words: the least of them does not depend on their order.
			if text := device.symptom.text; c.text == "" || text != "" && text < c.text {
				c.text = text
			}
			c.members = append(c.members, device)
			if fell {
				c.fell++
			}
		}
	}
	var best *candidate
	for _, kind := range specific {
		var ofKind *candidate
		for k, c := range found {
			if k.kind != kind || !d.enough(c) {
				continue
			}
			if ofKind == nil || c.fell > ofKind.fell || c.fell == ofKind.fell && k.deviceID() < ofKind.key.deviceID() {
				ofKind = c
			}
		}
		if ofKind != nil && (best == nil || ofKind.fell*nearly > best.fell*100) {
			best = ofKind
		}
	}
	return best
}

func (d *decision) enough(c *candidate) bool {
	if c.fell < int(max(d.policy.Devices, 2)) {
		return false
	}
	share := int(d.policy.Share)
	if c.key.kind == Vendor {
		share = max(share, majority)
	}
	return c.fell*100 >= share*d.fleet.Size.of(c.key)
}

// begin opens a group.
func (d *decision) begin(c *candidate) *incidentv1.GroupState {
	customer := &statusv1.Customer{Id: own}
	if only := c.members[0].Customer; only.GetId() != "" && !slices.ContainsFunc(c.members, func(m Device) bool { return m.Customer.GetId() != only.GetId() }) {
		customer = only
		c.key = c.key.within(only.GetId())
	}
	d.next.GroupIncidents++
	id := c.key.deviceID()
	cause := &incidentv1.Cause{Kind: c.key.kind, Value: c.key.value, Text: c.text}
	at := timestamppb.New(d.sweep.At)
	e := &incidentv1.Event{
		SchemaVersion: schemaVersion,
		Tenant:        d.next.GetTenant(),
		DeviceId:      id,
		IncidentId:    fmt.Sprintf("%s-%d", id, d.next.GetGroupIncidents()),
		Revision:      1,
		Kind:          incidentv1.EventKind_EVENT_KIND_FAILED,
		OccurredAt:    at,
		Sweep:         d.sweep.Number,
		OpenedAt:      at,
		Customer:      customer,
		PolicyVersion: d.policy.Version,
		Scope:         incidentv1.Scope_SCOPE_GROUP,
		Cause:         cause,
		Members:       d.list(c.members),
		MembersTotal:  uint32(len(c.members)),
	}
	if c.key.kind == Site {
		e.Site = c.members[0].Site
	}
	d.describe(e, cause, c.members)
	return &incidentv1.GroupState{Cause: cause, Open: e}
}

// describe gives an event the picture of its members.
func (d *decision) describe(e *incidentv1.Event, cause *incidentv1.Cause, members []Device) {
	since := d.sweep.At
	for _, m := range members {
		if at := shownSince(m); at.Before(since) {
			since = at
		}
	}
	if before := e.GetConditions(); len(before) > 0 { // it does not begin later because the first have recovered
		since = before[0].GetSince().AsTime()
	}
	f := &incidentv1.Finding{
		SourceCode: "D09", Summary: fmt.Sprintf("%d devices: %s", len(members), words(cause)), Since: timestamppb.New(since),
		Rule: fmt.Sprintf("group: at least %d devices and %d %% within %s", d.policy.Devices, d.policy.Share, d.policy.Window),
	}
	if cause.GetText() != "" {
		f.Errors = []*statusv1.SessionError{{Text: cause.GetText(), Count: int64(len(members))}}
		f.ErrorsTotal = int64(len(members))
	}
	e.Conditions = []*incidentv1.Condition{{
		Kind: incidentv1.ConditionKind_CONDITION_KIND_CORRELATED, Since: timestamppb.New(since), Findings: []*incidentv1.Finding{f},
	}}
	e.Severity = max(e.GetSeverity(), severity(members))
	for _, m := range members {
		e.Urgency = max(e.GetUrgency(), m.Urgency)
	}
}

func severity(members []Device) incidentv1.Severity {
	var most incidentv1.Severity
	for _, m := range members {
		most = max(most, m.Severity)
	}
	return most
}

// list names members for an event, in order of id.
func (d *decision) list(members []Device) []*incidentv1.Member {
	sorted := slices.SortedFunc(slices.Values(members), func(a, b Device) int { return compareIDs(a.ID, b.ID) })
	all := make([]*incidentv1.Member, min(len(sorted), mostMembers))
	for i := range all {
		m := sorted[i]
		all[i] = &incidentv1.Member{DeviceId: m.ID, DeviceName: cmp.Or(m.ComputerName, m.Name), CustomerName: m.Customer.GetName()}
		if m.Told || d.policy.Join != Hold {
			all[i].IncidentId = m.IncidentID
		}
	}
	return all
}

// fellAt is when a device began to count: when its incident opened, or when what is wrong began if that was later. An
// incident that hysteresis, a window or another group has kept back opens now.
func fellAt(d Device) time.Time {
	if at := shownSince(d); at.After(d.OpenedAt) {
		return at
	}
	return d.OpenedAt
}

// shownSince is when the last thing that is wrong with a device began.
func shownSince(d Device) time.Time {
	var at time.Time
	for _, c := range d.Conditions {
		for _, f := range c.GetFindings() {
			since := f.GetSince()
			if since == nil {
				since = c.GetSince()
			}
			if since.AsTime().After(at) {
				at = since.AsTime()
			}
		}
	}
	return at
}

// eventOf is the last event of a group.
func eventOf(g *incidentv1.GroupState) *incidentv1.Event {
	if g.GetOpen() != nil {
		return g.GetOpen()
	}
	return g.GetResolved()
}
