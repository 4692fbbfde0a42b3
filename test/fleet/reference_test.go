package fleet_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/covewise/covewise/test/harness"
)

// referencePlaces are the devices of the reference fleet, whose first seven carry figures from real tickets.
func referencePlaces() []place {
	return []place{
		{device: 5131534, says: "Acme, 62 errors that no data source shows", label: "365", judged: []string{"errors: All data sources"}, company: 1450},
		{
			device: 5133022, says: "DataSafe, a name cut at 50", label: "365", judged: []string{"errors: All data sources"},
			waits: ambiguous,
		},
		{device: 5181312, says: "TechServ, 37 errors", label: "365", judged: []string{"errors: All data sources"}, waits: ambiguous},
		{
			device: 3148735, says: "Alpha, system state dead for 12 days", label: "WKS", company: 1445,
			judged: []string{"failed: System State", "stale: Files and Folders, System State", "errors: Files and Folders"},
			quotes: []string{"System State", "Insufficient disk space for backup", "There is no data available for the backup"},
		},
		{
			device: 4858892, says: "Beta, a WebDAV failure", label: "WKS", company: 1480, judged: []string{"failed: Files and Folders"},
			quotes: []string{"[WebDAV Protocol] Failed to rename resource"},
		},
		{
			device: 3266350, says: "Gamma, last run 137.9 h ago", label: "WKS", judged: []string{"stale: Files and Folders"},
			waits: broken,
		},
		{
			device: 2345678, says: "Bluefin, access denied", label: "SVR", company: 1844, judged: []string{"failed: Files and Folders", "stale: Files and Folders"},
			quotes: []string{"Access denied", `D:\Shares\Accounting\file.xlsx`, "Bluefin Dental Group"},
		},
		{device: 2345679, says: "Bluefin, healthy in a site"},
		{device: 2345680, says: "Bluefin, running now"},
		{device: 2345681, says: "Bluefin, wedged for 9 days", label: "SVR", judged: []string{"stale: Files and Folders"}, company: 1844},
		{
			device: 2345682, says: "Acme, Hyper-V failed behind Completed", label: "SVR", judged: []string{"failed: Hyper-V", "stale: Hyper-V"},
			company: 1450, quotes: []string{"Hyper-V", "VSS error 0x800423F4"},
		},
		{device: 2345683, says: "Acme, SQL dead behind fresh files", label: "SVR", judged: []string{"stale: MS SQL (VSS)"}, company: 1450, quotes: []string{"MS SQL"}},
		{device: 2345684, says: "TechServ, aborted", label: "SVR", judged: []string{"failed: Files and Folders"}, waits: ambiguous},
		{device: 2345685, says: "TechServ, over quota", label: "SVR", judged: []string{"failed: Files and Folders"}, waits: ambiguous},
		{device: 2345686, says: "TechServ, nothing selected", label: "SVR", judged: []string{"failed: Files and Folders"}, waits: ambiguous},
		{device: 2345687, says: "Müller, never backed up", label: "SVR", judged: []string{"never: All data sources"}, company: 1500, quotes: []string{`Müller & Söhne "Nord" GmbH`}},
		{
			device: 2345688, says: "Müller, silent for 44 days", label: "WKS", judged: []string{"stale: Files and Folders", "silent: All data sources"}, company: 1500,
		},
		{device: 2345689, says: "Documents, 5 days old"},
		{
			device: 2345690, says: "a mailbox that is gone", label: "365", judged: []string{"errors: Microsoft 365 Exchange"}, quotes: []string{"j.doe@klinika.example"},
			waits: missing,
		},
		{device: 2345691, says: "O'Brien, recovered within the hour"},
		{device: 2345692, says: "healthy, a name without an ASCII letter"},
		{device: 2345693, says: "trial", excluded: "trial"},
	}
}

// referenceCustomers are the customers of the reference fleet.
func referenceCustomers() map[string]match {
	return map[string]match{
		"481233": {linked, byReference, 1844}, // Bluefin
		"481301": {linked, byNormal, 1450},    // Acme, and never Holdings
		"481302": {state: ambiguous},          // DataSafe Group
		"481303": {state: ambiguous},          // DataSafe Ltd
		"481304": {state: ambiguous},          // TechServ
		"481305": {linked, byReference, 1445}, // Alpha
		"481306": {linked, byText, 1480},      // Beta
		"481307": {state: broken},             // Gamma
		"481308": {linked, byName, 1500},      // Müller
		"481309": {state: missing},
		"481310": {state: missing},
		"481311": {state: missing},
		"481312": {state: missing},
	}
}

// The same with the reference fleet, which is kept outside the repository.
func TestEveryDeviceOfTheReferenceFleetIsWhereItBelongs(t *testing.T) {
	name := os.Getenv("COVEWISE_FLEET")
	if name == "" {
		name = filepath.Join("..", "..", "..", "shared", "data", "cove-fleet.json")
	}
	if _, err := os.Stat(name); err != nil {
		t.Skipf("the reference fleet is not here (%v); name its file in COVEWISE_FLEET to run this test", err)
	}
	l := load(t, name)
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("harbor", l.fleet, l.companies, nil)
		h.WaitCalm()
		h.WaitCalm()
		check(t, h, tn, l, referencePlaces())
		checkCustomers(t, h, tn, referenceCustomers())
	})
}
