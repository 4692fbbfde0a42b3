package judge

import (
	"slices"
	"strings"
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

const (
	documentsProduct = "Documents" // name of the vendor's product for workstations that back up documents only
	trialState       = "InTrial"   // state of a customer who does not pay yet
)

// Reasons for which a device is excluded. They are stored in DeviceState.excluded.
const (
	ExcludedTrial       = "trial"
	ExcludedUnknownType = "unknown type"
)

// classOf returns the class of a device, or unspecified for a kind that is not judged.
func classOf(policy *tenantv1.Policy, seen Observation) incidentv1.DeviceClass {
	switch seen.Kind {
	case KindM365:
		return incidentv1.DeviceClass_DEVICE_CLASS_M365
	case KindComputer:
		switch {
		case seen.OS == OSServer, seen.OS == OSUnreported && strings.Contains(seen.Device.GetOs(), "Server"):
			return incidentv1.DeviceClass_DEVICE_CLASS_SERVER
		case seen.ProfileID.Known && slices.Contains(policy.GetDocumentsProfiles(), seen.ProfileID.Value),
			seen.Device.GetProduct() == documentsProduct:
			return incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS
		default:
			return incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION
		}
	default:
		return incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED
	}
}

// staleAfter returns the age at which the last good backup of a device is too old; 0 when age is not judged.
func staleAfter(policy *tenantv1.Policy, class incidentv1.DeviceClass) time.Duration {
	switch class {
	case incidentv1.DeviceClass_DEVICE_CLASS_SERVER:
		return policy.GetStaleServer().AsDuration()
	case incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION:
		return policy.GetStaleWorkstation().AsDuration()
	case incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:
		return policy.GetStaleDocuments().AsDuration()
	case incidentv1.DeviceClass_DEVICE_CLASS_M365:
		return policy.GetStaleM365().AsDuration()
	default:
		return 0
	}
}

// exclusion returns why policy does not judge the device, or "".
func exclusion(policy *tenantv1.Policy, seen Observation) string {
	switch {
	case policy.GetExcludeTrial() && seen.Customer.GetState() == trialState:
		return ExcludedTrial
	case seen.Kind == KindOther:
		return ExcludedUnknownType
	default:
		return ""
	}
}
