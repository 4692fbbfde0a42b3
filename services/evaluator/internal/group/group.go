// Package group finds what many devices that are in trouble at about the same time have in common, and makes one
// incident of it. It owns when such a group opens, changes and ends, who belongs to it, and whose own incidents are
// held back meanwhile. It is pure: no I/O, no clock, no bus; time is the observed time of a sweep.
//
// It does not judge devices: it is given the pictures of those in trouble.
//
// # Rules
//
// Devices belong together when what they show is equal (the text of their errors without what differs between
// devices, a storage node that gives no answer in whatever words, or silence) and they share an attribute: the storage
// node that the errors name, refused credentials, customer and site, storage location, version of the client, or no
// more than the vendor. Devices of which nobody knows why they failed have nothing in common, and that the errors could
// not be read is no cause unless it is the storage node that did not answer. A group opens when at least Devices
// devices, and at least Share of those that have the attribute, fell to it within Window, which is when their incidents
// open or begin to show it; for the vendor as a whole it takes more than half of the tenant's devices. It is then joined by every device that shows the same. A device that
// shows anything beside it, or something else from one sweep to the next, does not belong to it, and tells its own.
//
// A group that began with devices of one customer is joined by devices of that customer only: its ticket is at the
// customer's company. One of several customers has it at the MSP's own company; while that is not known, it holds nobody's
// own incident back. A group ends last: when none of its devices has been bad for as many sweeps as an incident takes to
// close.
//
// Reading causes takes time, so in a storm devices fall before it is known to what. When at least Devices of them fall
// in one sweep, or a group is open, those whose causes are still to be read wait, each for at most Window: then they
// belong to a group by what was read, or tell their own.
package group

import (
	"fmt"
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Join says what becomes of the devices' own incidents.
type Join uint8

// The ways to join.
const (
	Off    Join = iota // there are no groups
	Attach             // they are told, and name the group
	Hold               // they are held back while the group is open
)

// Policy says when incidents with one cause become one.
type Policy struct {
	Window     time.Duration // devices count together when they fell within this time
	Devices    uint32        // least number of devices; at least 2
	Share      uint32        // least share, in percent, of those that have the attribute in common
	Join       Join
	Homeless   bool   // the MSP's own company is not known, to which tickets go that concern several customers
	CloseAfter uint32 // sweeps in a row with too few devices before the group ends; at least 1
	Version    string
}

// Device is a device in trouble, as it is judged without regard to groups.
type Device struct {
	ID, Name, ComputerName  string
	Customer                *statusv1.Customer
	Site                    string
	Location, ClientVersion string
	Conditions              []*incidentv1.Condition
	IncidentID              string // its own incident
	Told                    bool   // that was told before this sweep
	OpenedAt                time.Time
	Unread                  bool // the causes of its trouble are still to be read

	symptom  symptom // as Fleet.Add has read it
	single   bool    // the symptom is all that the device shows
	Severity incidentv1.Severity
	Urgency  incidentv1.Urgency
}

// Fleet is a tenant at a sweep.
type Fleet struct {
	Size    Census // of all devices that are judged
	devices []Device
}

// Add takes a device in trouble. The order of devices decides nothing.
func (f *Fleet) Add(d Device) {
	d.symptom, d.single = symptomOf(d)
	f.devices = append(f.devices, d)
}

// Census counts devices by what they may have in common.
type Census struct {
	All                       int
	Sites, Locations, Clients map[string]int
}

// NewCensus returns an empty count.
func NewCensus() Census {
	return Census{Sites: map[string]int{}, Locations: map[string]int{}, Clients: map[string]int{}}
}

// Add counts a device; only customer, site, location and client version of it are used.
func (c *Census) Add(d Device) {
	c.All++
	c.Sites[d.Customer.GetId()+"\x00"+siteName(d)]++
	c.Locations[d.Location]++
	c.Clients[d.ClientVersion]++
}

// of returns how many devices have what a key names in common; 0 when that is not known of healthy devices.
func (c *Census) of(k key) int {
	switch k.kind {
	case Site:
		return c.Sites[k.customer+"\x00"+k.value]
	case Location:
		return c.Locations[k.value]
	case ClientVersion:
		return c.Clients[k.value]
	case Vendor:
		return c.All
	default:
		return 0
	}
}

// Sweep is the sweep that decides.
type Sweep struct {
	Number uint64
	At     time.Time
}

// Membership says which open group a device belongs to.
type Membership struct {
	Incident string // id of the group's incident
	Cause    string // for a person
}

// Members returns the memberships of a fleet's devices in groups as a state has them, by device id.
func Members(state *incidentv1.TenantState, f Fleet) map[string]Membership {
	all := map[string]Membership{}
	open := openGroups(state)
	for _, d := range f.devices {
		if g := belongs(open, d); g != nil {
			all[d.ID] = Membership{Incident: g.GetOpen().GetIncidentId(), Cause: words(g.GetCause())}
		}
	}
	return all
}

// Held returns why a state holds back devices' own incidents, for a person, by device id.
func Held(state *incidentv1.TenantState) map[string]string {
	all := map[string]string{}
	for _, g := range state.GetGroups() {
		for _, id := range g.GetHeld() {
			all[id] = fmt.Sprintf("held back by group incident %s (%s)", g.GetOpen().GetIncidentId(), words(g.GetCause()))
		}
	}
	for _, w := range state.GetAwaited() {
		all[w.GetDeviceId()] = "held back until its cause is read, because many fell together"
	}
	return all
}

// openGroups returns the open groups of a state by key.
func openGroups(state *incidentv1.TenantState) map[string]*incidentv1.GroupState {
	open := map[string]*incidentv1.GroupState{}
	for _, g := range state.GetGroups() {
		if g.GetOpen() != nil {
			open[keyOf(g)] = g
		}
	}
	return open
}

// belongs returns the open group that a device is part of, or nil.
func belongs(open map[string]*incidentv1.GroupState, d Device) *incidentv1.GroupState {
	for _, k := range keys(d) {
		for _, k := range []key{k, k.within(d.Customer.GetId())} {
			if g := open[k.deviceID()]; g != nil {
				return g
			}
		}
	}
	return nil
}

// Decided returns the events that a sweep has decided: those to tell before the devices' own, and the ends of groups,
// which come last.
func Decided(state *incidentv1.TenantState, sweep uint64) (begins, ends []*incidentv1.Event) {
	for _, g := range state.GetGroups() {
		if e := g.GetOpen(); e != nil && e.GetSweep() == sweep {
			begins = append(begins, e)
		}
		if e := g.GetResolved(); e != nil && e.GetSweep() == sweep {
			ends = append(ends, e)
		}
	}
	return begins, ends
}
