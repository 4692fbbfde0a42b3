package desk

import (
	"cmp"
	"slices"

	"github.com/covewise/covewise/connectors/connectwise"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// priorities are those that the settings name for the classes of devices; a zero one leaves it to the server.
type priorities struct{ server, workstation, m365 connectwise.Priority }

// of returns the priority of an incident that no rule gives one.
//
// A device's is that of its class. Where the tenant's policy makes it more, or less, urgent than its class is by default, it
// is that of the class which is as urgent by default, if that is higher, or lower, by ConnectWise's order. A group's is the
// highest of the classes that it may hold: those that are at most as urgent as the group. What concerns the whole tenant
// has the highest of all. The roll-up has the highest of the devices that it lists.
func (p priorities) of(e *incidentv1.Event) connectwise.Priority {
	class := e.GetDevice().GetClass()
	own, usual := p.byClass(class), usually(class)
	switch urgency := e.GetUrgency(); {
	case e.GetScope() == incidentv1.Scope_SCOPE_TENANT && len(e.GetMembers()) > 0:
		return p.highest(e.GetMembers())
	case e.GetScope() == incidentv1.Scope_SCOPE_TENANT, e.GetScope() == incidentv1.Scope_SCOPE_GROUP && urgency == incidentv1.Urgency_URGENCY_UNSPECIFIED:
		return p.upTo(incidentv1.Urgency_URGENCY_CRITICAL)[0]
	case e.GetScope() == incidentv1.Scope_SCOPE_GROUP:
		return p.upTo(urgency)[0]
	case urgency == incidentv1.Urgency_URGENCY_UNSPECIFIED || urgency == usual || own.ID == 0:
		return own
	case urgency > usual:
		return slices.MinFunc(append(p.upTo(urgency), own), higher)
	default:
		return slices.MaxFunc([]connectwise.Priority{own, p.as(urgency)}, higher)
	}
}

// highest is the highest priority that one of the devices would have.
func (p priorities) highest(members []*incidentv1.Member) connectwise.Priority {
	all := make([]connectwise.Priority, 0, len(members))
	for _, m := range members {
		all = append(all, p.of(&incidentv1.Event{Device: &incidentv1.Device{Class: m.GetClass()}, Urgency: m.GetUrgency()}))
	}
	return slices.MinFunc(all, higher)
}

func (p priorities) byClass(c incidentv1.DeviceClass) connectwise.Priority {
	switch c {
	case incidentv1.DeviceClass_DEVICE_CLASS_SERVER:
		return p.server
	case incidentv1.DeviceClass_DEVICE_CLASS_M365:
		return p.m365
	case incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION, incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS, incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED:
	}
	return p.workstation
}

// usually is how urgent a class is by default (see docs/policy.md).
func usually(c incidentv1.DeviceClass) incidentv1.Urgency {
	switch c {
	case incidentv1.DeviceClass_DEVICE_CLASS_SERVER:
		return incidentv1.Urgency_URGENCY_CRITICAL
	case incidentv1.DeviceClass_DEVICE_CLASS_M365:
		return incidentv1.Urgency_URGENCY_MEDIUM
	case incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION, incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS, incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED:
	}
	return incidentv1.Urgency_URGENCY_HIGH
}

// upTo are the priorities of the classes that are at most so urgent, the highest first; there is always one.
func (p priorities) upTo(u incidentv1.Urgency) []connectwise.Priority {
	all := []connectwise.Priority{p.m365}
	if u >= incidentv1.Urgency_URGENCY_HIGH {
		all = append(all, p.workstation)
	}
	if u >= incidentv1.Urgency_URGENCY_CRITICAL {
		all = append(all, p.server)
	}
	slices.SortStableFunc(all, higher)
	return all
}

// as is the priority of the class that is so urgent by default; of what is less urgent than any, the lowest.
func (p priorities) as(u incidentv1.Urgency) connectwise.Priority {
	switch u {
	case incidentv1.Urgency_URGENCY_CRITICAL:
		return p.server
	case incidentv1.Urgency_URGENCY_HIGH:
		return p.workstation
	case incidentv1.Urgency_URGENCY_MEDIUM:
		return p.m365
	case incidentv1.Urgency_URGENCY_LOW, incidentv1.Urgency_URGENCY_UNSPECIFIED:
	}
	return slices.MaxFunc([]connectwise.Priority{p.server, p.workstation, p.m365}, higher)
}

// higher orders priorities as ConnectWise does, the highest first; what the server is to choose comes last.
func higher(a, b connectwise.Priority) int {
	return cmp.Or(cmp.Compare(unset(a), unset(b)), cmp.Compare(a.SortOrder, b.SortOrder))
}

func unset(p connectwise.Priority) int {
	if p.ID == 0 {
		return 1
	}
	return 0
}
