package text

import (
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// mostListed is how many devices of a group a text names. It bounds the time that a template takes, too.
const mostListed = 100

// scoped reports whether an incident is about something else than one device.
func scoped(e *incidentv1.Event) bool {
	return e.GetScope() == incidentv1.Scope_SCOPE_TENANT || e.GetScope() == incidentv1.Scope_SCOPE_GROUP
}

// subject names what an incident is about: a device, all devices of a tenant, or those of a group.
func subject(e *incidentv1.Event) string {
	switch e.GetScope() {
	case incidentv1.Scope_SCOPE_TENANT:
		return "All devices"
	case incidentv1.Scope_SCOPE_GROUP:
		if customer := oneLine(e.GetCustomer().GetName()); customer != "" {
			return customer
		}
		return "Several customers"
	case incidentv1.Scope_SCOPE_UNSPECIFIED, incidentv1.Scope_SCOPE_DEVICE:
	}
	return Name(e.GetDevice())
}

// mark is the short word for what an incident is about in its summary.
func mark(e *incidentv1.Event) string {
	switch e.GetScope() {
	case incidentv1.Scope_SCOPE_TENANT:
		return "ALL"
	case incidentv1.Scope_SCOPE_GROUP:
		return "GRP"
	case incidentv1.Scope_SCOPE_UNSPECIFIED, incidentv1.Scope_SCOPE_DEVICE:
	}
	return label(e.GetDevice().GetClass())
}

// notSwept says for how long a tenant has not been seen completely.
func notSwept(f *incidentv1.Finding, now time.Time) string {
	if f.GetLastSuccessAt() == nil {
		return "Never checked completely"
	}
	return "Not checked for " + roughly(now.Sub(f.GetLastSuccessAt().AsTime()))
}

// whole writes what is wrong with more than one device, and what to do about it.
func (p *page) whole(e *incidentv1.Event) {
	p.heading("WHAT IS WRONG")
	var f *incidentv1.Finding
	if c := e.GetConditions(); len(c) > 0 && len(c[0].GetFindings()) > 0 {
		f = c[0].GetFindings()[0]
	}
	if e.GetScope() == incidentv1.Scope_SCOPE_TENANT {
		p.line("Covewise could not look at all devices in Cove. Until it can, failing backups go unnoticed and open tickets are not updated.")
		if at := e.GetLastCompleteSweepAt(); at != nil {
			p.line("  Last complete check: " + p.when(at.AsTime()))
		} else {
			p.line("  Last complete check: never; awaited since " + p.when(f.GetSince().AsTime()))
		}
		p.quote(f)
		p.heading("WHAT TO DO")
		p.line(remedy(f))
		return
	}
	p.line(counted(int64(e.GetMembersTotal()), "device shows", "devices show") + " the same trouble: " + causeWords(e.GetCause()))
	if f != nil {
		p.line("  Seen since: " + p.when(f.GetSince().AsTime()))
		p.quote(f)
	}
	p.heading("WHAT TO DO")
	p.line("Look for the common cause first. When it is gone, the devices that still fail get tickets of their own.")
	p.members(e)
}

// remedy is what to do about a tenant that is not swept, by the class of the last failure.
func remedy(f *incidentv1.Finding) string {
	class := ""
	if errors := f.GetErrors(); len(errors) > 0 {
		class = errors[0].GetCode()
	}
	switch class {
	case "":
		return "See whether Covewise itself runs: no check has ended at all, neither well nor badly."
	case "auth_tenant":
		return "Check the Cove user that Covewise signs in with: its password or token, and whether it is locked."
	case "rate_limited":
		return "Cove refuses because of too many requests. See what else uses the same Cove user, or lengthen poll.interval."
	case "transient":
		return "See whether Cove and the way to it work: the status page of N-able first, then network, proxy and DNS of the machine that Covewise runs on."
	default:
		return "Read the cause above; the log of the poller has more."
	}
}

func causeWords(c *incidentv1.Cause) string {
	value := oneLine(c.GetValue())
	switch c.GetKind() {
	case "storage_node":
		return "storage node " + value
	case "credential":
		return "their credentials are refused"
	case "site":
		return "all at " + value
	case "location":
		return "all stored in " + value
	case "client_version":
		return "all with backup client " + value
	default:
		return "in most of the tenant; Cove itself may be at fault"
	}
}

// members lists the devices of a group.
func (p *page) members(e *incidentv1.Event) {
	if len(e.GetMembers()) == 0 {
		return
	}
	p.heading("DEVICES")
	listed := e.GetMembers()[:min(len(e.GetMembers()), mostListed)]
	for _, m := range listed {
		line := oneLine(m.GetDeviceName())
		if line == "" {
			line = "unnamed device"
		}
		line += " (Cove device " + m.GetDeviceId() + ")"
		if customer := oneLine(m.GetCustomerName()); customer != "" && customer != oneLine(e.GetCustomer().GetName()) {
			line += ", " + customer
		}
		p.line(line)
	}
	if more := int64(e.GetMembersTotal()) - int64(len(listed)); more > 0 {
		p.line("and " + counted(more, "more device", "more devices"))
	}
}

// wholeResolved begins the note that ends an incident of more than one device.
func (p *page) wholeResolved(e *incidentv1.Event) {
	switch {
	case e.GetScope() == incidentv1.Scope_SCOPE_TENANT:
		p.line("Resolved: Covewise has looked at all devices again.")
	case e.GetResolution() == incidentv1.Resolution_RESOLUTION_EXCLUDED:
		p.line("Resolved: the policy does not group incidents any more. Nothing was repaired; each device that fails gets its own ticket.")
	case e.GetMembersTotal() == 0:
		p.line("Resolved: no device shows this trouble any more.")
	default:
		p.line("Resolved: the common trouble is over. Still in trouble, and told separately: " +
			counted(int64(e.GetMembersTotal()), "device.", "devices."))
	}
}
