package fleet_test

import (
	"path/filepath"
	"testing"

	"github.com/covewise/covewise/test/harness"
)

var ownFleet = filepath.Join("..", "testdata", "fleet.json")

// ownPlaces are the devices of testdata/fleet.json.
func ownPlaces() []place {
	return []place{
		{device: 5210011, says: "errors that no data source shows", label: "365", judged: []string{"errors: All data sources"}, company: 330},
		{
			device: 5210012, says: "a customer's name cut at 50", label: "365", judged: []string{"errors: All data sources"},
			waits: ambiguous,
		},
		{device: 5210013, says: "a small tenant with errors", label: "365", judged: []string{"errors: All data sources"}, waits: ambiguous},
		{
			device: 3210021, says: "system state dead behind a fresh device", label: "WKS", company: 320,
			judged: []string{"failed: System State", "stale: Files and Folders, System State", "errors: Files and Folders"},
			quotes: []string{"System State", "Not enough free disk space for the backup cache", "The writer reported no data to back up"},
		},
		{
			device: 4210022, says: "a WebDAV failure", label: "WKS", company: 360, judged: []string{"failed: Files and Folders"},
			quotes: []string{"[WebDAV Protocol] Failed to move resource: (409)"},
		},
		{
			device: 3210023, says: "an iMac of five days ago", label: "WKS", judged: []string{"stale: Files and Folders"},
			waits: broken,
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
			company: 330, quotes: []string{"Hyper-V", "VSS error 0x8004230F"},
		},
		{device: 2210036, says: "SQL dead behind fresh files", label: "SVR", judged: []string{"stale: MS SQL (VSS)"}, company: 330, quotes: []string{"MS SQL"}},
		{device: 2210037, says: "aborted", label: "SVR", judged: []string{"failed: Files and Folders"}, waits: ambiguous},
		{device: 2210038, says: "over quota", label: "SVR", judged: []string{"failed: Files and Folders"}, waits: ambiguous},
		{device: 2210039, says: "nothing selected", label: "SVR", judged: []string{"failed: Files and Folders"}, waits: ambiguous},
		{device: 2210040, says: "never backed up", label: "SVR", judged: []string{"never: All data sources"}, company: 380, quotes: []string{`Bäckerei Groß & Töchter "Süd" GmbH`}},
		{
			device: 2210041, says: "silent for 51 days", label: "WKS", judged: []string{"stale: Files and Folders", "silent: All data sources"}, company: 380,
		},
		{device: 2210042, says: "Documents, 6 days old"},
		{
			device: 2210043, says: "a mailbox that is gone", label: "365", judged: []string{"errors: Microsoft 365 Exchange"}, quotes: []string{"a.petrova@rassvet.example"},
			waits: missing,
		},
		{device: 2210044, says: "recovered within the hour"},
		{device: 2210045, says: "healthy, a name without an ASCII letter"},
		{device: 2210046, says: "trial", excluded: "trial"},
	}
}

// ownCustomers are the customers of testdata/fleet.json.
func ownCustomers() map[string]match {
	return map[string]match{
		"910010": {linked, byReference, 310},
		"910020": {linked, byNormal, 330}, // never 331, whose name only begins alike
		"910030": {state: ambiguous},
		"910031": {state: ambiguous},
		"910040": {state: ambiguous},
		"910050": {linked, byReference, 320},
		"910060": {linked, byText, 360},
		"910070": {state: broken},
		"910080": {linked, byName, 380},
		"910090": {state: missing},
		"910100": {state: missing},
		"910110": {state: missing},
		"910120": {state: missing},
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
		checkCustomers(t, h, tn, ownCustomers())
	})
}
