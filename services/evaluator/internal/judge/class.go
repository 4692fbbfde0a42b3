package judge

import (
	"slices"
	"strings"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

const (
	documentsProduct = "Documents" // name of the vendor's product for workstations that back up documents only
	trialState       = "InTrial"   // state of a customer who does not pay yet
)

// Reasons for which devices are excluded besides those that policy gives.
const (
	ExcludedUnknownType = "unknown type"              // nobody knows what to judge
	ExcludedIgnored     = "every data source ignored" // and nothing else is wrong
)

// SubjectOf returns what a policy's selectors look at in a device, its class included. documentsProfiles are the ids
// of the profiles that mark a Documents workstation.
func SubjectOf(documentsProfiles []int64, seen Observation) policy.Subject {
	return policy.Subject{
		DeviceID:     seen.DeviceID,
		Name:         seen.Device.GetName(),
		ComputerName: seen.Device.GetComputerName(),
		Alias:        seen.Device.GetAlias(),
		CustomerID:   seen.Customer.GetId(),
		CustomerName: seen.Customer.GetName(),
		Site:         seen.Site,
		Trial:        seen.Customer.GetState() == trialState,
		Class:        classOf(documentsProfiles, seen),
		Profile:      seen.Device.GetProfile(),
		ProfileID:    seen.ProfileID.Value,
	}
}

// classOf returns the class of a device, or unspecified for a kind that is not judged.
func classOf(documentsProfiles []int64, seen Observation) incidentv1.DeviceClass {
	switch seen.Kind {
	case KindM365:
		return incidentv1.DeviceClass_DEVICE_CLASS_M365
	case KindComputer:
		switch {
		case seen.OS == OSServer, seen.OS == OSUnreported && strings.Contains(seen.Device.GetOs(), "Server"):
			return incidentv1.DeviceClass_DEVICE_CLASS_SERVER
		case seen.ProfileID.Known && slices.Contains(documentsProfiles, seen.ProfileID.Value),
			seen.Device.GetProduct() == documentsProduct:
			return incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS
		default:
			return incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION
		}
	default:
		return incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED
	}
}

// exclusion returns why the device is not judged, or "".
func exclusion(rules policy.Rules, seen Observation) string {
	switch {
	case rules.Excluded != "":
		return rules.Excluded
	case seen.Kind == KindOther:
		return ExcludedUnknownType
	default:
		return ""
	}
}
