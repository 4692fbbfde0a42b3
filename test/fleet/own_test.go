package fleet_test

import (
	"path/filepath"
	"testing"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	"github.com/covewise/covewise/test/harness"
)

var ownFleet = filepath.Join("..", "testdata", "fleet.json")

// ownPlaces are the devices of testdata/fleet.json.
func ownPlaces() []place {
	byName := &waiting{issue: "E", why: `"ORCHARD Analytics" is equal by its normalised name only`, link: companyv1.LinkState_LINK_STATE_MISSING}
	twins := &waiting{issue: "E", why: "two companies of this name, one inactive: a person must choose", link: companyv1.LinkState_LINK_STATE_AMBIGUOUS}
	return []place{
		{device: 5210011, says: "errors that no data source shows", label: "365", judged: []string{"errors: All data sources"}, company: 330, waits: byName},
		{
			device: 5210012, says: "a customer's name cut at 50", label: "365", judged: []string{"errors: All data sources"}, company: anyCompany,
			waits: &waiting{issue: "E", why: "two customers share the company's 50 characters: a person must choose", link: companyv1.LinkState_LINK_STATE_AMBIGUOUS},
		},
		{device: 5210013, says: "a small tenant with errors", label: "365", judged: []string{"errors: All data sources"}, company: anyCompany, waits: twins},
		{
			device: 3210021, says: "system state dead behind a fresh device", label: "WKS", company: 320,
			judged: []string{"failed: System State", "stale: Files and Folders, System State", "errors: Files and Folders"},
			quotes: []string{"System State", "Not enough free disk space for the backup cache", "The writer reported no data to back up"},
		},
		{
			device: 4210022, says: "a WebDAV failure", label: "WKS", company: 360, judged: []string{"failed: Files and Folders", "stale: Files and Folders"},
			quotes: []string{"[WebDAV Protocol] Failed to move resource: (409)"},
			waits:  &waiting{issue: "E", why: "the company is named by the customer's reference as a text", link: companyv1.LinkState_LINK_STATE_MISSING},
		},
		{
			device: 3210023, says: "an iMac of five days ago", label: "WKS", judged: []string{"stale: Files and Folders"}, company: anyCompany,
			waits: &waiting{issue: "E", why: "the only company is deleted: a person must choose", link: companyv1.LinkState_LINK_STATE_BROKEN},
		},
		{
			device: 2210031, says: "access denied", label: "SVR", company: 310, judged: []string{"failed: Files and Folders", "stale: Files and Folders"},
			quotes: []string{"Access denied", `D:\Archive\2026\scan-0417.dcm`, "Northgate Dental"},
		},
		{device: 2210032, says: "healthy, in a site"},
		{device: 2210033, says: "running now"},
		{device: 2210034, says: "wedged for a week", label: "SVR", judged: []string{"stale: Files and Folders"}, company: 310},
		{
			device: 2210035, says: "Hyper-V failed behind Completed", label: "SVR", judged: []string{"failed: Hyper-V", "stale: Hyper-V"},
			company: 330, quotes: []string{"Hyper-V", "VSS error 0x8004230F"}, waits: byName,
		},
		{device: 2210036, says: "SQL dead behind fresh files", label: "SVR", judged: []string{"stale: MS SQL (VSS)"}, company: 330, quotes: []string{"MS SQL"}, waits: byName},
		{device: 2210037, says: "aborted", label: "SVR", judged: []string{"failed: Files and Folders", "stale: Files and Folders"}, company: anyCompany, waits: twins},
		{device: 2210038, says: "over quota", label: "SVR", judged: []string{"failed: Files and Folders"}, company: anyCompany, waits: twins},
		{device: 2210039, says: "nothing selected", label: "SVR", judged: []string{"failed: Files and Folders"}, company: anyCompany, waits: twins},
		{device: 2210040, says: "never backed up", label: "SVR", judged: []string{"never: All data sources"}, company: 380, quotes: []string{`Bäckerei Groß & Töchter "Süd" GmbH`}},
		{
			device: 2210041, says: "silent for 51 days", label: "WKS", judged: []string{"stale: Files and Folders"}, company: 380,
			waits: &waiting{issue: "C", why: "silent is no condition yet, and age is no step of gravity", more: []string{"silent: All data sources"}},
		},
		{device: 2210042, says: "Documents, 6 days old"},
		{
			device: 2210043, says: "a mailbox that is gone", label: "365", judged: []string{"errors: Microsoft 365 Exchange"}, company: anyCompany, quotes: []string{"a.petrova@rassvet.example"},
			waits: &waiting{issue: "E", why: "the customer has no company, and none is created", link: companyv1.LinkState_LINK_STATE_MISSING},
		},
		{device: 2210044, says: "recovered within the hour"},
		{device: 2210045, says: "healthy, a name without an ASCII letter"},
		{device: 2210046, says: "trial", excluded: "trial"},
	}
}

// An MSP's whole fleet: after two sweeps every device is where it belongs.
func TestEveryDeviceOfTheFleetIsWhereItBelongs(t *testing.T) {
	l := load(t, ownFleet)
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", l.fleet, l.companies, nil)
		h.WaitCalm()
		h.WaitCalm()
		check(t, h, tn, l, ownPlaces())
	})
}
