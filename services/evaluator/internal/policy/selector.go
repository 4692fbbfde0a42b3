package policy

import (
	"strconv"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/selector"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func lookAt(s Subject) *selector.Look {
	of := selector.Subject{
		CustomerID: s.CustomerID, CustomerName: s.CustomerName, Site: s.Site, DeviceID: s.DeviceID,
		DeviceNames: []string{s.Name, s.ComputerName, s.Alias}, Profile: s.Profile, Tags: s.Tags, Class: classWords[s.Class],
	}
	if s.ProfileID != 0 {
		of.ProfileID = strconv.FormatInt(s.ProfileID, 10)
	}
	return selector.LookAt(of)
}

// Fits reports whether a selector of a document chooses a device.
func Fits(s tenant.Selector, device Subject) bool {
	compiled := selector.Compile(&tenantv1.Selector{
		Customers: s.Customers, Sites: s.Sites, Classes: s.Classes, Devices: s.Devices, Profiles: s.Profiles, Tags: s.Tags,
	})
	return compiled.Fits(lookAt(device))
}
