// Package rollup keeps the one ticket that stands for the devices whose own tickets the hourly cap holds back. It is
// pure: it decides when that ticket is opened, told news and closed, and writes its texts.
//
// The roll-up is an incident of the ticketer's own, with a ledger but without events on the INCIDENT stream: it says
// nothing about devices that their own incidents do not say.
package rollup

import (
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
const mostListed = 300

// Is reports whether a ledger is a roll-up's.
func Is(l *ticketv1.Ledger) bool { return l.GetDeviceId() == Device }

// Next returns the picture that a tenant's roll-up is to show, given the devices that wait and the roll-up that is
// open (nil when none is), and false when nothing new is to be told: its number neither doubled nor halved.
func Next(tenant string, open *ticketv1.Ledger, waiting []*incidentv1.Member, now time.Time) (*incidentv1.Event, bool) {
	wanted := open.GetWanted()
	e := &incidentv1.Event{
		SchemaVersion: 1, Tenant: tenant, DeviceId: Device, IncidentId: wanted.GetIncidentId(), Revision: wanted.GetRevision() + 1,
		Scope: incidentv1.Scope_SCOPE_TENANT, Kind: incidentv1.EventKind_EVENT_KIND_CHANGED,
		Customer:   &statusv1.Customer{Id: tenantdoc.OwnCustomer}, // several customers' devices: the ticket is the MSP's own
		OccurredAt: timestamppb.New(now), OpenedAt: wanted.GetOpenedAt(), MembersTotal: uint32(len(waiting)),
	}
	slices.SortFunc(waiting, func(a, b *incidentv1.Member) int { return strings.Compare(a.GetDeviceId(), b.GetDeviceId()) })
	e.Members = waiting[:min(len(waiting), mostListed)]
	before := wanted.GetMembersTotal()
	switch {
	case len(waiting) == 0 && open == nil:
		return nil, false
	case open == nil:
		e.IncidentId = fmt.Sprintf("%s-%d", Device, now.Unix()/int64(time.Hour/time.Second))
		e.Kind, e.OpenedAt = incidentv1.EventKind_EVENT_KIND_FAILED, e.GetOccurredAt()
	case len(waiting) == 0:
		e.Kind, e.Resolution = incidentv1.EventKind_EVENT_KIND_RESOLVED, incidentv1.Resolution_RESOLUTION_RECOVERED
	case e.GetMembersTotal() < 2*before && 2*e.GetMembersTotal() > before:
		return nil, false
	}
	return e, true
}

// Summary is the ticket's title.
func Summary(e *incidentv1.Event) string {
	return fmt.Sprintf("COVE roll-up: more devices in trouble than tickets for an hour (first %d)", e.GetMembersTotal())
}

// Description is the ticket's first text.
func Description(e *incidentv1.Event) string {
	return fmt.Sprintf("%d devices are in trouble beyond the tickets that one hour may have (tickets.hourlyCap). Each gets its own ticket as soon "+
		"as the cap allows it, unless it recovers before. Many at once often have one cause: look there first.\n\n%s\n%s",
		e.GetMembersTotal(), list(e), text.Marker(e.GetIncidentId(), e.GetRevision()))
}

// Analysis is the internal text that goes with the description.
func Analysis(e *incidentv1.Event, reference string) string {
	return fmt.Sprintf("Reference: %s\n%s", reference, text.Marker(e.GetIncidentId(), e.GetRevision()))
}

// Change is the note about another number of devices.
func Change(e *incidentv1.Event) string {
	return fmt.Sprintf("%d devices wait for a ticket of their own now.\n\n%s\n%s", e.GetMembersTotal(), list(e), text.Marker(e.GetIncidentId(), e.GetRevision()))
}

// Resolution is the note that ends the roll-up.
func Resolution(e *incidentv1.Event) string {
	return "Every device that was listed here has a ticket of its own now, or has recovered.\n" + text.Marker(e.GetIncidentId(), e.GetRevision())
}

func list(e *incidentv1.Event) string {
	var b strings.Builder
	for _, m := range e.GetMembers() {
		fmt.Fprintf(&b, "- %s (%s), device %s\n", oneLine(m.GetDeviceName()), oneLine(m.GetCustomerName()), m.GetDeviceId())
	}
	if more := int(e.GetMembersTotal()) - len(e.GetMembers()); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	return b.String()
}

// oneLine keeps a name from looking like more than one, or like a long text.
func oneLine(name string) string {
	runes := []rune(strings.Join(strings.Fields(name), " "))
	return string(runes[:min(len(runes), 60)])
}
