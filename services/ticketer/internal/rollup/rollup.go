// Package rollup keeps the one ticket that stands for the devices whose own tickets the hourly cap holds back. It is
// pure: it decides whose ticket that is, and when it is opened, told news and closed; texts.go has its texts.
//
// The roll-up is an incident of the ticketer's own, with a ledger but without events on the INCIDENT stream: it says
// nothing about devices that their own incidents do not say.
package rollup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	tenantdoc "github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// Device is the device id of roll-ups.
const Device = "rollup"

// mostListed bounds the devices that a ticket lists; the number of all is told beside them.
const mostListed = 200

// Is reports whether a ledger is a roll-up's.
func Is(l *ticketv1.Ledger) bool { return l.GetDeviceId() == Device }

// Waiting is a device that waits for its own ticket.
type Waiting struct {
	Member   *incidentv1.Member
	Customer *statusv1.Customer
}

// Of is what a roll-up tells of an incident.
func Of(wanted *incidentv1.Event) Waiting {
	since := wanted.GetOpenedAt()
	if c := wanted.GetConditions(); len(c) > 0 && c[0].GetSince() != nil {
		since = c[0].GetSince()
	}
	return Waiting{Customer: wanted.GetCustomer(), Member: &incidentv1.Member{
		DeviceId: wanted.GetDeviceId(), DeviceName: text.Name(wanted.GetDevice()), CustomerName: wanted.GetCustomer().GetName(),
		CustomerId: wanted.GetCustomer().GetId(), IncidentId: wanted.GetIncidentId(), Trouble: text.Trouble(wanted), Severity: wanted.GetSeverity(),
		Since: since, Class: wanted.GetDevice().GetClass(), Urgency: wanted.GetUrgency(),
	}}
}

// gravest orders devices by severity, urgency and age of the trouble, the gravest first.
func gravest(a, b Waiting) int {
	return cmp.Or(
		cmp.Compare(b.Member.GetSeverity(), a.Member.GetSeverity()), cmp.Compare(b.Member.GetUrgency(), a.Member.GetUrgency()),
		a.Member.GetSince().AsTime().Compare(b.Member.GetSince().AsTime()), strings.Compare(a.Member.GetDeviceId(), b.Member.GetDeviceId()),
	)
}

// Own is the customer of roll-ups that are at the MSP's own company.
func Own() *statusv1.Customer { return &statusv1.Customer{Id: tenantdoc.OwnCustomer} }

// Most is the customer whom most of the devices belong to; of several, the one with the lowest id. The ticket goes to its
// company where the MSP's own is not known. All of them have one: a customer without waits for that and not for the cap.
func Most(waiting []Waiting) *statusv1.Customer {
	count := map[string]int{}
	var most *statusv1.Customer
	for _, w := range waiting {
		id := w.Customer.GetId()
		count[id]++
		ahead := count[id] - count[most.GetId()]
		if most == nil || ahead > 0 || ahead == 0 && id < most.GetId() {
			most = w.Customer
		}
	}
	return most
}

// Picture is what there is to tell.
type Picture struct {
	Tenant   string
	Open     *ticketv1.Ledger   // the roll-up that is open; nil when none is
	Before   int                // roll-ups of the present hour that are over
	Waiting  []Waiting          // the devices that wait
	Customer *statusv1.Customer // at whose company a ticket would be made now
	Now      time.Time
	Due      bool // every change is to be told; otherwise only a large one
}

// Next returns the picture that the roll-up is to show, and false when nothing new is to be told. Its beginning, its end
// and a number that has doubled or halved are told at once, any other change when one is due.
func Next(p Picture) (*incidentv1.Event, bool) {
	wanted := p.Open.GetWanted()
	unmade := p.Open.GetPhase() <= ticketv1.Phase_PHASE_NEW
	e := &incidentv1.Event{
		SchemaVersion: 1, Tenant: p.Tenant, DeviceId: Device, IncidentId: wanted.GetIncidentId(), Revision: wanted.GetRevision() + 1,
		Scope: incidentv1.Scope_SCOPE_TENANT, Kind: incidentv1.EventKind_EVENT_KIND_CHANGED, Customer: wanted.GetCustomer(),
		OccurredAt: timestamppb.New(p.Now), OpenedAt: wanted.GetOpenedAt(), MembersTotal: uint32(len(p.Waiting)),
	}
	slices.SortFunc(p.Waiting, gravest)
	for _, w := range p.Waiting[:min(len(p.Waiting), mostListed)] {
		e.Members = append(e.Members, w.Member)
	}
	if len(p.Waiting) > 0 {
		e.Severity = p.Waiting[0].Member.GetSeverity()
		e.Urgency = slices.MaxFunc(p.Waiting, func(a, b Waiting) int { return cmp.Compare(a.Member.GetUrgency(), b.Member.GetUrgency()) }).Member.GetUrgency()
	}
	if unmade {
		e.Customer = p.Customer
	}
	before := wanted.GetMembersTotal()
	switch {
	case len(p.Waiting) == 0 && p.Open == nil:
		return nil, false
	case p.Open == nil:
		e.IncidentId = fmt.Sprintf("%s-%d", Device, p.Now.Unix()/int64(time.Hour/time.Second))
		if p.Before > 0 {
			e.IncidentId += fmt.Sprintf("-%d", p.Before+1)
		}
		e.Kind, e.OpenedAt = incidentv1.EventKind_EVENT_KIND_FAILED, e.GetOccurredAt()
		return e, true
	case len(p.Waiting) == 0:
		e.Kind, e.Resolution = incidentv1.EventKind_EVENT_KIND_RESOLVED, incidentv1.Resolution_RESOLUTION_RECOVERED
		return e, true
	case e.GetMembersTotal() >= 2*before || 2*e.GetMembersTotal() <= before:
		return e, true
	case unmade && e.GetCustomer().GetId() != wanted.GetCustomer().GetId():
		return e, true
	default:
		return e, (p.Due || unmade) && !sameDevices(wanted, e)
	}
}

// InHour reports whether a roll-up was opened in the hour of a time.
func InHour(incident string, now time.Time) bool {
	first := fmt.Sprintf("%s-%d", Device, now.Unix()/int64(time.Hour/time.Second))
	return incident == first || strings.HasPrefix(incident, first+"-")
}

func sameDevices(a, b *incidentv1.Event) bool {
	ids := func(e *incidentv1.Event) []string {
		var all []string
		for _, m := range e.GetMembers() {
			all = append(all, m.GetDeviceId())
		}
		slices.Sort(all)
		return all
	}
	return a.GetMembersTotal() == b.GetMembersTotal() && slices.Equal(ids(a), ids(b))
}
