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

func TestFingerprintMovesWithEverythingButTheHeartbeat(t *testing.T) {
	owner := fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Bluefin"}}
	base := fleet.Fingerprint(device(map[string]string{"AN": "srv", "TS": "1", "T0": "5"}), owner)
	require.Equal(t, base, fleet.Fingerprint(device(map[string]string{"T0": "5", "TS": "2", "AN": "srv"}), owner))
	moved := device(map[string]string{"AN": "srv", "TS": "1", "T0": "5"})
	moved.PartnerID = 11
	for says, other := range map[string]uint64{
		"a value":                fleet.Fingerprint(device(map[string]string{"AN": "srv", "TS": "1", "T0": "2"}), owner),
		"a column more":          fleet.Fingerprint(device(map[string]string{"AN": "srv", "TS": "1", "T0": "5", "T7": "0"}), owner),
		"text shifted over":      fleet.Fingerprint(device(map[string]string{"A": "Nsrv", "TS": "1", "T0": "5"}), owner),
		"another partner":        fleet.Fingerprint(moved, owner),
		"a renamed customer":     fleet.Fingerprint(device(map[string]string{"AN": "srv", "TS": "1", "T0": "5"}), fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Blue"}}),
		"a reference written":    fleet.Fingerprint(device(map[string]string{"AN": "srv", "TS": "1", "T0": "5"}), fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Bluefin", Reference: "CWM:1"}}),
		"a customer out of test": fleet.Fingerprint(device(map[string]string{"AN": "srv", "TS": "1", "T0": "5"}), fleet.Owner{Customer: &statusv1.Customer{Id: "10", Name: "Bluefin", State: "InTrial"}}),
	} {
		require.NotEqual(t, base, other, says)
	}
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

func TestAnEnumerationKnowsWhenItIsNotWhole(t *testing.T) {
	rows := func(ids ...int64) []fleet.Device {
		var all []fleet.Device
		for _, id := range ids {
			all = append(all, fleet.Device{ID: id})
		}
		return all
	}
	totals := func(n int) map[string]string {
		return map[string]string{"COUNT(AT==0)": "0", "COUNT(AT==1)": fmt.Sprint(n), "COUNT(AT==2)": "1"}
	}
	cases := []struct {
		says  string
		pages [][]fleet.Device
		total []map[string]string
		known int
		want  string
	}{
		{"whole", [][]fleet.Device{rows(1, 2), rows(3)}, []map[string]string{totals(2), totals(2)}, 3, ""},
		{"whole without totals", [][]fleet.Device{rows(1, 2), rows(3)}, []map[string]string{nil, nil}, 3, ""},
		{"a device added while reading", [][]fleet.Device{rows(1, 2), rows(3, 4)}, []map[string]string{totals(2), totals(3)}, 3, ""},
		{"a type that the totals do not count", [][]fleet.Device{append(rows(1, 2), fleet.Device{ID: 3, Columns: map[string]string{"AT": "3"}})}, []map[string]string{totals(1)}, 3, ""},
		{"empty and always was", [][]fleet.Device{nil}, []map[string]string{nil}, 0, ""},
		{"a row missing", [][]fleet.Device{rows(1, 2)}, []map[string]string{totals(2)}, 3, "the pages held 2 devices and Cove counts 3"},
		{"a row twice", [][]fleet.Device{rows(1, 2), rows(2)}, []map[string]string{totals(2), totals(2)}, 3, "device 2 came twice: the pages overlap, so others may be missing"},
		{"suddenly nothing", [][]fleet.Device{nil}, []map[string]string{nil}, 3, "no device was returned; the last complete sweep had 3"},
		{"a total that is no number", [][]fleet.Device{rows(1)}, []map[string]string{{"COUNT(AT==1)": "x"}}, 1, `total COUNT(AT==1) is "x", not a number`},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			e := &fleet.Enumeration{}
			var err error
			for i, page := range c.pages {
				if err = e.Add(page, c.total[i]); err != nil {
					break
				}
			}
			if err == nil {
				err = e.Check(c.known)
			}
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
		})
	}
}
