package covefake_test

import (
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

// control sends a control request and returns the status and the decoded answer.
func (r *rig) control(verb, path, body string) (int, any) {
	r.t.Helper()
	a := r.send(verb, "/control/"+path, nil, body)
	require.NoError(r.t, a.err)
	var v any
	if a.raw != "" {
		require.NoError(r.t, json.Unmarshal([]byte(a.raw), &v), a.raw)
	}
	return a.status, v
}

func (r *rig) controlOK(verb, path, body string) any {
	r.t.Helper()
	status, v := r.control(verb, path, body)
	require.Contains(r.t, []int{http.StatusOK, http.StatusNoContent}, status, v)
	return v
}

func TestControlOfDevices(t *testing.T) {
	r := loggedIn(t)
	list := r.controlOK("GET", "devices", "").(arr)
	require.Equal(t, arr{101.0, 102.0, 103.0, 104.0, 105.0, 900.0}, field(t, list, "AccountId"))

	patched := r.controlOK("PATCH", "devices/101", `{"Settings":{"T0":"5","FL":"@-1h","D2F0":null,"AL":null},"PartnerId":7020}`).(obj)
	settings := patched["Settings"].(obj)
	require.Equal(t, 7020.0, patched["PartnerId"])
	require.Equal(t, "5", settings["D09F00"])
	require.NotContains(t, settings, "D02F00")
	require.Equal(t, patched, r.controlOK("GET", "devices/101", ""))
	require.Equal(t, []statRow{{AccountID: 101, PartnerID: 7020, Settings: []map[string]any{{"AR": "Аптека Ромашка"}, {"T0": "5"}}}},
		r.statistics(obj{"Filter": "AU == 101", "Columns": arr{"T0", "AR", "AL"}}).rows(t), "the customer's name follows the move")

	r.controlOK("PUT", "devices/106", `{"PartnerId":7010,"Settings":{"AN":"new"}}`)
	r.controlOK("DELETE", "devices/105", "")
	require.Equal(t, []int64{101, 102, 103, 104, 106}, r.statistics(nil).ids(t))
}

func TestControlOfSessionsAndPartners(t *testing.T) {
	r := loggedIn(t)
	require.Equal(t, obj{"ids": arr{77.0, 78.0}}, r.controlOK("POST", "sessions",
		`{"AccountId":102,"plugin":"FileSystem","sessions":[{"Id":77,"Status":"Failed","at":"@-1h","errors":[{"Text":"x","Count":1}]},{"Status":"Completed","at":"@-1m"}]}`))
	require.Equal(t, arr{77.0, 78.0}, field(t, r.node("QuerySessions", 102, nil).inner(t), "Id"))

	require.Len(t, r.controlOK("GET", "partners", ""), 7)
	p := r.controlOK("PATCH", "partners/7011", `{"Name":"Orchard - Press","State":"InTrial","Company":{"PhoneNumber":"5"}}`).(obj)
	require.Equal(t, "Orchard - Press", p["Name"])
	require.Equal(t, "Site", p["Level"])
	r.controlOK("PUT", "partners/7040", `{"ParentId":7000,"Name":"Fourth","Level":"EndCustomer"}`)
	require.Equal(t, arr{orchard, "Orchard - Press", "Аптека Ромашка", "Tryout Cafe", "Fourth"},
		field(t, r.call("EnumeratePartners", obj{"parentPartnerId": 7000, "fetchRecursively": true}).inner(t), "Name"))
}

func TestControlOfFaultsSwitchesRequestsAndVisas(t *testing.T) {
	r := loggedIn(t)
	require.Equal(t, obj{"ids": arr{1.0}}, r.controlOK("POST", "faults", `{"kind":"http_status","status":503,"times":1}`))
	require.Equal(t, obj{"ids": arr{2.0, 3.0}}, r.controlOK("POST", "faults", `[{"kind":"html","times":1},{"kind":"drop","match":"Login"}]`))
	require.Equal(t, arr{1.0, 2.0, 3.0}, field(t, r.controlOK("GET", "faults", ""), "id"))
	require.Equal(t, 503, r.call("GetServerInfo", nil).status)
	require.Equal(t, 200, r.call("GetServerInfo", nil).status)
	r.controlOK("DELETE", "faults", "")
	require.Equal(t, arr{}, r.controlOK("GET", "faults", ""))
	r.controlOK("POST", "release", "")

	w := r.controlOK("PATCH", "switches", `{"i78":"unpadded","refusedColumns":["QW"]}`).(obj)
	require.Equal(t, "unpadded", w["i78"])
	w = r.controlOK("PATCH", "switches", `{"noTotals":true}`).(obj)
	require.Equal(t, "unpadded", w["i78"], "the others stay")
	require.Equal(t, covefake.Switches{I78: covefake.I78Unpadded, RefusedColumns: []string{"QW"}, NoTotals: true}, r.fake.Switches())

	seen := r.controlOK("GET", "requests", "").(obj)
	require.Equal(t, 3.0, seen["total"])
	require.Equal(t, obj{"Login": 1.0, "GetServerInfo": 2.0}, seen["counts"])
	require.Equal(t, arr{"Login", "GetServerInfo", "GetServerInfo"}, field(t, seen["requests"], "method"))
	r.controlOK("DELETE", "requests", "")
	require.Equal(t, obj{"total": 0.0, "counts": obj{}, "requests": arr{}}, r.controlOK("GET", "requests", ""))

	r.controlOK("POST", "expire-visas", "")
	requireError(t, r.call("GetServerInfo", nil), -32603, 1701)
}

func TestControlOfTheFleet(t *testing.T) {
	r := newRig(t)
	require.Equal(t, obj{"status": "ok", "partners": 7.0, "devices": 6.0}, r.controlOK("GET", "health", ""))
	status, v := r.control("PUT", "fleet", `{"root":5,"partners":[]}`)
	require.Equal(t, http.StatusBadRequest, status, v)
	require.Equal(t, obj{"status": "ok", "partners": 7.0, "devices": 6.0}, r.controlOK("GET", "health", ""), "a bad fleet changes nothing")
	require.Equal(t, obj{"status": "ok", "partners": 1.0, "devices": 1.0}, r.controlOK("PUT", "fleet",
		`{"root":5,"partners":[{"Id":5,"Name":"R","Level":"Reseller"}],"devices":[{"AccountId":1,"PartnerId":5,"Settings":{"AN":"x"}}]}`))
}

func TestControlRefusesWhatItDoesNotUnderstand(t *testing.T) {
	r := newRig(t)
	tests := map[string]struct {
		verb, path, body string
		status           int
		message          string
	}{
		"A misspelt member of a patch.":      {"PATCH", "devices/101", `{"Setings":{}}`, 400, `reading the body: json: unknown field "Setings"`},
		"An unknown column.":                 {"PATCH", "devices/101", `{"Settings":{"XX":"1"}}`, 400, `Settings: "XX" is no column code`},
		"A column that follows the device.":  {"PATCH", "devices/101", `{"Settings":{"AU":"1"}}`, 400, `Settings: AU follows AccountId and PartnerId`},
		"A value that is no text.":           {"PATCH", "devices/101", `{"Settings":{"T0":5}}`, 400, `reading the body: json: cannot unmarshal number into Go struct field .Settings of type string`},
		"A time that cannot be read.":        {"PATCH", "devices/101", `{"Settings":{"TL":"@-1w"}}`, 400, `device 101: Settings: D09F09: time "@-1w": want numbers, each with a unit d, h, m or s`},
		"An unknown partner.":                {"PATCH", "devices/101", `{"PartnerId":4}`, 400, `device 101: PartnerId 4: no partner has this id`},
		"An unknown device.":                 {"PATCH", "devices/4", `{}`, 404, `device 4: not in the fleet`},
		"An unknown device to read.":         {"GET", "devices/4", ``, 404, `device 4: not in the fleet`},
		"An unknown device to remove.":       {"DELETE", "devices/4", ``, 404, `device 4: not in the fleet`},
		"An id that is none.":                {"DELETE", "devices/x", ``, 400, `"x" is no id`},
		"A path and a body that disagree.":   {"PUT", "devices/4", `{"AccountId":5,"PartnerId":7010}`, 400, `AccountId 5 is not the 4 of the path`},
		"A session of an unknown device.":    {"POST", "sessions", `{"AccountId":4,"plugin":"FileSystem","sessions":[{"Status":"Failed","at":"1"}]}`, 404, `session of device 4: not in the fleet`},
		"Sessions of which one is bad.":      {"POST", "sessions", `{"AccountId":101,"plugin":"FileSystem","sessions":[{"Status":"Failed","at":"1"},{"Status":"Failed","at":"x"}]}`, 400, `session of device 101: at "x" is neither unix seconds nor @- and a duration`},
		"An unknown partner to change.":      {"PATCH", "partners/4", `{}`, 404, `partner 4: not in the fleet`},
		"A misspelt member of a partner.":    {"PATCH", "partners/7010", `{"Nmae":"x"}`, 400, `reading the body: json: unknown field "Nmae"`},
		"A partner with another id.":         {"PATCH", "partners/7010", `{"Id":5}`, 400, `Id 5 is not the 7010 of the path`},
		"A partner without a level.":         {"PUT", "partners/4", `{"Name":"x"}`, 400, `partner 4: Level "" is none of [Root SubRoot Distributor SubDistributor Reseller ServiceOrganization EndCustomer Site]`},
		"A misspelt member of a fault.":      {"POST", "faults", `{"kind":"drop","tiems":1}`, 400, `reading the body: json: unknown field "tiems"`},
		"A misspelt switch.":                 {"PATCH", "switches", `{"noTotal":true}`, 400, `reading the body: json: unknown field "noTotal"`},
		"A switch that knows no such value.": {"PATCH", "switches", `{"i78":"x"}`, 400, `setting switches: i78: "x" is not padded, unpadded or commas`},
		"Something after the document.":      {"PATCH", "switches", `{} {}`, 400, `reading the body: there is more after the end of the document`},
		"A misspelt member of a fleet.":      {"PUT", "fleet", `{"rot":1}`, 400, `reading the fleet: json: unknown field "rot"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, v := r.control(tt.verb, tt.path, tt.body)
			require.Equal(t, tt.status, status, v)
			require.Equal(t, obj{"error": tt.message}, v)
		})
	}
	r.login()
	require.Equal(t, arr{10.0, 12.0, 13.0}, field(t, r.node("QuerySessions", 101, nil).inner(t), "Id"), "of bad sessions none stays")
	require.Equal(t, http.StatusMethodNotAllowed, r.send("POST", "/control/health", nil, "").status)
	require.Equal(t, http.StatusNotFound, r.send("GET", "/control/nothing", nil, "").status)
}

func TestControlTokenProtectsEveryPath(t *testing.T) {
	r := newRig(t)
	r.web.Config.Handler = covefake.New(covefake.Options{ControlToken: "s3cret"})
	require.Equal(t, http.StatusUnauthorized, r.send("GET", "/control/health", nil, "").status)
	require.Equal(t, http.StatusUnauthorized, r.send("PUT", "/control/fleet", map[string]string{"Authorization": "Bearer x"}, "{}").status)
	require.Equal(t, http.StatusOK, r.send("GET", "/control/health", map[string]string{"Authorization": "Bearer s3cret"}, "").status)
}

func TestSwitchesAreChecked(t *testing.T) {
	fake := covefake.New(covefake.Options{})
	for want, w := range map[string]covefake.Switches{
		`missing: "x" is not absent, null or blank`: {Missing: "x"},
		`visaMode: "x" is not chain`:                {VisaMode: "x"},
		"may not be negative":                       {RecordsMax: -1},
		`refusedColumns: "[" is no pattern`:         {RefusedColumns: []string{"["}},
		`errors: "x" is no kind of error`:           {Errors: map[covefake.ErrorKind]covefake.ErrorNumber{"x": {}}},
	} {
		require.ErrorContains(t, fake.SetSwitches(w), want)
	}
}

func TestManyHandsAtOnce(t *testing.T) {
	r := loggedIn(t)
	f, err := os.ReadFile("testdata/fleet.json")
	require.NoError(t, err)
	var all sync.WaitGroup
	for _, do := range []func(){
		func() { r.statistics(obj{"Totals": arr{"COUNT(AU)"}, "OrderBy": "TL DESC"}) },
		func() { r.node("QueryErrors", 102, obj{}) },
		func() { _ = r.fake.UpdateDevice(102, func(d *covefake.Device) { d.Set("T0", "2") }) },
		func() { r.control("PATCH", "partners/7010", `{"ExternalCode":"x"}`) },
		func() { r.control("PUT", "fleet", string(f)) },
		func() {
			_ = r.fake.AddSession(101, covefake.Session{Plugin: "FileSystem", Status: "Failed", At: "@-1m"})
		},
		func() { r.fake.Requests(); r.fake.Devices(); r.fake.Release() },
	} {
		all.Go(func() {
			for range 30 {
				do()
			}
		})
	}
	all.Wait()
	require.Len(t, r.statistics(nil).ids(t), 5)
}
