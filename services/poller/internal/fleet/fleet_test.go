package fleet_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

func partner(id, parent, level, name string) *statusv1.Partner {
	return &statusv1.Partner{Id: id, ParentId: parent, Level: level, Name: name, State: "InProduction", Reference: "ref " + id}
}

func TestOwnerIsTheNearestCustomer(t *testing.T) {
	tree := fleet.NewTree([]*statusv1.Partner{
		partner("1", "0", "Reseller", "Harbor IT"),
		partner("2", "1", "ServiceOrganization", "Harbor East"),
		partner("10", "2", "EndCustomer", "Bluefin"),
		partner("11", "10", "Site", "Bluefin - Portland"),
		partner("12", "11", "Site", "Bluefin - Portland - Attic"),
		partner("20", "21", "Site", "ring a"),
		partner("21", "20", "Site", "ring b"),
	})
	customer := func(id, level, name string) *statusv1.Customer {
		return &statusv1.Customer{Id: id, Name: name, Level: level, State: "InProduction", Reference: "ref " + id}
	}
	cases := []struct {
		says    string
		partner string
		want    fleet.Owner
	}{
		{"a customer's own device", "10", fleet.Owner{Customer: customer("10", "EndCustomer", "Bluefin"), Known: true}},
		{"a site resolves to its customer", "11", fleet.Owner{Customer: customer("10", "EndCustomer", "Bluefin"), Site: "Bluefin - Portland", Known: true}},
		{"the nearest site names the site", "12", fleet.Owner{Customer: customer("10", "EndCustomer", "Bluefin"), Site: "Bluefin - Portland - Attic", Known: true}},
		{"a device directly under a reseller belongs to it", "1", fleet.Owner{Customer: customer("1", "Reseller", "Harbor IT"), Known: true}},
		{"an unknown partner keeps the name of the row", "99", fleet.Owner{Customer: &statusv1.Customer{Id: "99", Name: "row name"}}},
		{"a ring of parents ends", "20", fleet.Owner{Customer: customer("20", "Site", "ring a"), Known: true}},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) { require.Equal(t, c.want, tree.Owner(c.partner, "row name")) })
	}
}

func device(columns map[string]string) fleet.Device {
	return fleet.Device{ID: 7, PartnerID: 10, Columns: columns}
}

var prints = fleet.NewPrints([]string{"A", "AN", "TS", "T0", "T7"})

func fingerprint(d fleet.Device, o fleet.Owner) uint64 {
	return fleet.Fingerprint(prints.Columns(d), d, o)
}

func TestFingerprintMovesWithEverythingButTheHeartbeat(t *testing.T) {
	owner := fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Bluefin"}}
	base := fingerprint(device(map[string]string{"AN": "srv", "TS": "1780000000", "T0": "5"}), owner)
	require.Equal(t, base, fingerprint(device(map[string]string{"T0": "5", "TS": "1780003600", "AN": "srv"}), owner))
	same := map[string]string{"AN": "srv", "TS": "1780000000", "T0": "5"}
	moved := device(same)
	moved.PartnerID = 11
	for says, other := range map[string]uint64{
		"a value":                fingerprint(device(map[string]string{"AN": "srv", "TS": "1780000000", "T0": "2"}), owner),
		"a heartbeat a day on":   fingerprint(device(map[string]string{"AN": "srv", "TS": "1780086400", "T0": "5"}), owner),
		"a column more":          fingerprint(device(map[string]string{"AN": "srv", "TS": "1780000000", "T0": "5", "T7": "0"}), owner),
		"text shifted over":      fingerprint(device(map[string]string{"A": "Nsrv", "TS": "1780000000", "T0": "5"}), owner),
		"another partner":        fingerprint(moved, owner),
		"a renamed customer":     fingerprint(device(same), fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Blue"}}),
		"a reference written":    fingerprint(device(same), fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Bluefin", Reference: "CWM:1"}}),
		"a customer out of test": fingerprint(device(same), fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Bluefin", State: "InTrial"}}),
		"a customer removed":     fingerprint(device(same), fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Bluefin", Removed: true}}),
	} {
		require.NotEqual(t, base, other, says)
	}
}

func TestTheDaysOfHeartbeatsBeginAtDifferentTimes(t *testing.T) {
	owner := fleet.Owner{Customer: &statusv1.Customer{Id: "10"}}
	const noon, quarter = 1780000000, 15 * 60
	changed := 0
	for id := range int64(10_000) {
		at := func(seconds int) uint64 {
			d := device(map[string]string{"TS": fmt.Sprint(seconds)})
			d.ID = id
			return fingerprint(d, owner)
		}
		if at(noon) != at(noon+quarter) {
			changed++
		}
	}
	require.InDelta(t, 10_000*quarter/86_400, changed, 60, "a fleet's heartbeats are told spread over the day")
}

func TestTroubledNamesTheSourcesWorthAsking(t *testing.T) {
	cases := []struct {
		says    string
		columns map[string]string
		want    []string
	}{
		{"all well", map[string]string{"I78": "D01D02", "D01F00": "5", "D02F00": "5", "T7": "0"}, nil},
		{"never ran", map[string]string{"I78": "D01", "T0": "0"}, nil},
		{"one failed", map[string]string{"I78": "D01D02", "D01F00": "5", "D02F00": "2"}, []string{"D02"}},
		{"running after a success", map[string]string{"I78": "D01", "D01F00": "1", "D01F17": "5"}, nil},
		{"running after a failure", map[string]string{"I78": "D01", "D01F00": "1", "D01F17": "2"}, []string{"D01"}},
		{"errors behind Completed", map[string]string{"I78": "D01D10", "D01F00": "5", "D10F00": "5", "D10F06": "3"}, []string{"D10"}},
		{"errors in the total only", map[string]string{"I78": "D19D20", "D19F00": "5", "D20F00": "5", "T7": "62"}, []string{"D19", "D20"}},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) { require.Equal(t, c.want, fleet.Troubled(device(c.columns))) })
	}
}
