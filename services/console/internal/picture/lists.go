package picture

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Tenants lists the tenants in order of id. Tenants that are gone but have left something are among them.
func (r Rows) Tenants(f Filter) Page[Tenant] {
	all := map[string]*Tenant{}
	get := func(id string) *Tenant {
		if all[id] == nil {
			all[id] = &Tenant{ID: id, Mode: "removed", Waiting: []WaitingGroup{}}
		}
		return all[id]
	}
	for _, row := range r.TenantRows {
		get(row.id).Mode = row.mode
	}
	for _, row := range r.Sweeps {
		t := get(row.tenant)
		t.LastSweep, t.LastCompleteAt, t.NextSweepAt = row.last, row.lastComplete, row.nextDue
	}
	judged := r.lastComplete()
	for _, row := range r.DeviceRows {
		state, _ := row.state(judged[row.tenant])
		get(row.tenant).Devices.count(state)
		if state == StateTrouble {
			get(row.tenant).OpenIncidents++
		}
	}
	for _, row := range r.TicketRows {
		t := get(row.tenant)
		if row.ticket.Phase == "open" || row.ticket.Phase == "closing" {
			t.OpenTickets++
		}
		if row.ticket.Waiting != nil {
			t.Waiting = addWaiting(t.Waiting, *row.ticket.Waiting)
		}
	}
	var list []Tenant
	for _, t := range all {
		if !matches(f.Text, t.ID, t.Mode) || f.Tenant != "" && f.Tenant != t.ID {
			continue
		}
		slices.SortFunc(t.Waiting, func(a, b WaitingGroup) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Reason, b.Reason)) })
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Tenant) int { return cmp.Compare(a.ID, b.ID) })
	return cut(list, f)
}

func (a *Account) count(state string) {
	switch state {
	case StateRemoved:
		return
	case StateTrouble:
		a.Trouble++
	case StatePending:
		a.Pending++
	case StateUnknown:
		a.Unknown++
	case StateExcluded:
		a.Excluded++
	default:
		a.Healthy++
	}
	a.Total++
}

func addWaiting(groups []WaitingGroup, w Waiting) []WaitingGroup {
	for i := range groups {
		if groups[i].Reason == w.Reason {
			groups[i].Count++
			return groups
		}
	}
	return append(groups, WaitingGroup{Reason: w.Reason, Label: w.Label, Remedy: w.Remedy, Count: 1})
}

// Totals sums up tenants.
func Totals(tenants []Tenant) Tenant {
	var sum Tenant
	for _, t := range tenants {
		sum.Devices.Total += t.Devices.Total
		sum.Devices.Trouble += t.Devices.Trouble
		sum.Devices.Pending += t.Devices.Pending
		sum.Devices.Unknown += t.Devices.Unknown
		sum.Devices.Excluded += t.Devices.Excluded
		sum.Devices.Healthy += t.Devices.Healthy
		sum.OpenIncidents += t.OpenIncidents
		sum.OpenTickets += t.OpenTickets
		for _, w := range t.Waiting {
			i := slices.IndexFunc(sum.Waiting, func(g WaitingGroup) bool { return g.Reason == w.Reason })
			if i < 0 {
				sum.Waiting = append(sum.Waiting, w)
				continue
			}
			sum.Waiting[i].Count += w.Count
		}
	}
	slices.SortFunc(sum.Waiting, func(a, b WaitingGroup) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Reason, b.Reason)) })
	return sum
}

// Devices lists devices, those in trouble first.
func (r Rows) Devices(f Filter) Page[Device] {
	judged, documents := r.lastComplete(), r.documents()
	var list []Device
	for _, row := range r.DeviceRows {
		if f.Tenant != "" && f.Tenant != row.tenant {
			continue
		}
		state, _ := row.state(judged[row.tenant])
		if f.State != "" && f.State != state || !row.matches(f.Text) {
			continue
		}
		list = append(list, row.device(judged[row.tenant], documents[row.tenant]))
	}
	rank := map[string]int{}
	for i, s := range States() {
		rank[s.Code] = i
	}
	sortBy(list, func(d Device) []string {
		return []string{string(rune('a' + rank[d.State])), d.Tenant, d.Customer, d.Name, d.ID}
	})
	return cut(list, f)
}

// Device returns one device's row.
func (r Rows) Device(tenant, id string) (Device, bool) {
	for _, row := range r.DeviceRows {
		if row.tenant == tenant && row.id == id {
			return row.device(r.lastComplete()[tenant], r.documents()[tenant]), true
		}
	}
	return Device{}, false
}

// Incidents lists the open incidents, the newest first.
func (r Rows) Incidents(f Filter) Page[Incident] {
	type key struct{ tenant, incident string }
	tickets := map[key]Ticket{}
	for _, row := range r.TicketRows {
		tickets[key{row.tenant, row.incident}] = row.ticket
	}
	judged, documents := r.lastComplete(), r.documents()
	var list []Incident
	for _, row := range r.DeviceRows {
		if row.open == nil || f.Tenant != "" && f.Tenant != row.tenant || !row.matches(f.Text) {
			continue
		}
		d := row.device(judged[row.tenant], documents[row.tenant])
		ticket := tickets[key{row.tenant, row.open.incident}]
		list = append(list, Incident{
			Tenant: d.Tenant, ID: d.IncidentID, DeviceID: d.ID, DeviceName: d.Name, Class: d.Class, ClassLabel: d.ClassLabel,
			CustomerID: d.CustomerID, Customer: d.Customer, Site: d.Site, Conditions: d.Conditions, OpenedAt: d.OpenedAt,
			Revision: row.open.revision, TicketID: ticket.TicketID, TicketPhase: ticket.Phase, PhaseLabel: ticket.PhaseLabel, Waiting: ticket.Waiting,
		})
	}
	sortBy(list, func(i Incident) []string {
		return []string{newestFirst(i.OpenedAt), i.Tenant, i.Customer, i.DeviceName, i.ID}
	})
	return cut(list, f)
}

// Tickets lists the ledgers, the last changed first.
func (r Rows) Tickets(f Filter) Page[Ticket] {
	var list []Ticket
	for _, row := range r.TicketRows {
		t := row.ticket
		if f.Tenant != "" && f.Tenant != t.Tenant || f.Phase != "" && f.Phase != t.Phase || f.Waiting && t.Waiting == nil {
			continue
		}
		if matches(f.Text, t.DeviceName, t.DeviceID, t.Customer, t.Site, t.IncidentID, t.Summary, number(t.TicketID)) {
			list = append(list, t)
		}
	}
	sortBy(list, func(t Ticket) []string {
		return []string{newestFirst(t.UpdatedAt), t.Tenant, t.DeviceName, t.IncidentID}
	})
	return cut(list, f)
}

// TicketsOf lists the ledgers of one device, the last changed first.
func (r Rows) TicketsOf(tenant, device string) []Ticket {
	var list []Ticket
	for _, row := range r.TicketRows {
		if row.tenant == tenant && row.device == device {
			list = append(list, row.ticket)
		}
	}
	sortBy(list, func(t Ticket) []string { return []string{newestFirst(t.UpdatedAt), t.IncidentID} })
	return list
}

// LinkOf returns what is known of a customer's company; nil when nobody has asked yet.
func (r Rows) LinkOf(tenant, customer string) *Link {
	for _, row := range r.Links {
		if row.tenant == tenant && row.customer == customer {
			return &row.link
		}
	}
	return nil
}

// state says in which state a device is, and why, where that needs a word. A device whose last change no
// complete sweep has covered yet is unknown: unknown is never healthy.
func (d *DeviceRow) state(judged *time.Time) (code, reason string) {
	switch {
	case d.gone:
		return StateRemoved, "no longer listed by Cove"
	case d.open != nil:
		return StateTrouble, ""
	case d.excluded != "":
		return StateExcluded, d.excluded
	case judged == nil || d.observed == nil || d.observed.After(*judged):
		return StateUnknown, "not judged by a complete sweep yet"
	case d.tracked:
		return StatePending, "a condition was seen and must hold for more sweeps"
	default:
		return StateHealthy, ""
	}
}

func (d *DeviceRow) device(judged *time.Time, documents map[int64]bool) Device {
	class := d.class
	if class == incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION && documents[d.profile] {
		class = incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS
	}
	state, reason := d.state(judged)
	row := Device{
		Tenant: d.tenant, ID: d.id, Name: firstOf(d.computer, d.name, d.alias, d.id), DeviceName: d.name,
		Class: classes[class].code, ClassLabel: classes[class].label,
		CustomerID: d.customerID, Customer: d.customer, Site: d.site,
		State: state, StateLabel: label(States(), state), StateReason: reason, Conditions: []string{},
		LastSuccessAt: d.lastSuccess, ObservedAt: d.observed,
	}
	if d.open != nil {
		row.IncidentID, row.OpenedAt = d.open.incident, d.open.openedAt
		row.Conditions = append(row.Conditions, d.open.conditions...)
	}
	return row
}

func (d *DeviceRow) matches(text string) bool {
	if text == "" || matches(text, d.id, d.name, d.computer, d.alias, d.customer, d.site) {
		return true
	}
	return d.open != nil && (matches(text, d.open.incident) || matches(text, d.open.conditions...))
}

func (r Rows) lastComplete() map[string]*time.Time {
	times := make(map[string]*time.Time, len(r.Sweeps))
	for _, row := range r.Sweeps {
		times[row.tenant] = row.lastComplete
	}
	return times
}

func (r Rows) documents() map[string]map[int64]bool {
	profiles := make(map[string]map[int64]bool, len(r.TenantRows))
	for _, row := range r.TenantRows {
		profiles[row.id] = map[int64]bool{}
		for _, id := range row.documents {
			profiles[row.id][id] = true
		}
	}
	return profiles
}

func matches(text string, fields ...string) bool {
	text = strings.ToLower(text)
	return text == "" || slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(strings.ToLower(f), text) })
}

// sortBy sorts by keys that are made once for each row. The last key must be unique, so that pages do not
// overlap.
func sortBy[T any](list []T, keys func(T) []string) {
	type keyed struct {
		row  T
		keys []string
	}
	all := make([]keyed, len(list))
	for i, row := range list {
		all[i] = keyed{row, keys(row)}
		for k := range all[i].keys {
			all[i].keys[k] = strings.ToLower(all[i].keys[k])
		}
	}
	slices.SortFunc(all, func(a, b keyed) int { return slices.Compare(a.keys, b.keys) })
	for i := range all {
		list[i] = all[i].row
	}
}

// newestFirst is a sort key that puts later times first and absent ones last.
func newestFirst(t *time.Time) string {
	if t == nil {
		return "~"
	}
	return fmt.Sprintf("%020d", math.MaxInt64-t.Unix())
}

func number(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// TenantIDs returns the ids of the tenants that have settings, sorted.
func (r Rows) TenantIDs() []string {
	ids := make([]string, len(r.TenantRows))
	for i, row := range r.TenantRows {
		ids[i] = row.id
	}
	slices.Sort(ids)
	return ids
}
