package plan

import (
	"slices"
	"strings"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Health says what the last complete sweep has found of a device, a group or the tenant. What it has not told is unknown, and
// unknown is never well.
type Health uint8

// What can be known.
const (
	HealthUnknown  Health = iota // nothing, or too little
	HealthWell                   // nothing is wrong
	HealthTrouble                // something is wrong
	HealthGone                   // Cove has stopped listing the device
	HealthAbsent                 // Cove does not list the device, and it is not known that it ever did
	HealthExcluded               // the policy does not watch the device
)

// Device ids of what is no device.
const (
	wholeTenant = "tenant"
	groupPrefix = "group-"
)

// HealthOf reads the health of a device id from what the evaluator remembers of it (nil: nothing) and of its tenant.
func HealthOf(id string, s *incidentv1.DeviceState, whole *incidentv1.TenantState) Health {
	found := func(trouble bool) Health {
		if trouble {
			return HealthTrouble
		}
		return HealthWell
	}
	switch {
	case s.GetGone():
		return HealthGone
	case s.GetExcluded() != "":
		return HealthExcluded
	case s.GetOpen() != nil || len(s.GetTracks()) > 0:
		return HealthTrouble
	case whole.GetLastCompleteAt() == nil, len(whole.GetColumnsRefused()) > 0, len(whole.GetColumnsUnanswered()) > 0:
		return HealthUnknown
	case id == wholeTenant:
		return found(whole.GetOpen() != nil)
	case strings.HasPrefix(id, groupPrefix):
		return found(slices.ContainsFunc(whole.GetGroups(), func(g *incidentv1.GroupState) bool { return g.GetOpen().GetDeviceId() == id }))
	case s == nil: // a complete sweep lists every device there is
		return HealthAbsent
	// Without a good backup ever it is unknown rather than well.
	case !slices.ContainsFunc(s.GetSourcesSeen(), func(seen *incidentv1.SourceSeen) bool { return seen.GetErrorFreeAt() != nil }):
		return HealthUnknown
	default:
		return HealthWell
	}
}
