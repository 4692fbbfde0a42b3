package cwfake_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestCompanyIsCreated(t *testing.T) {
	w := newWorld(t)
	created := w.want(201, "POST", "/company/companies", `{"identifier":"newco","name":"New Co","city":"Portland","country":{"identifier":"US"},
		"types":[{"name":"Client"}],"site":{"name":"Main"}}`).object(t)
	status, _ := created["status"].(map[string]any)
	require.Equal(t, []any{"newco", "Active", false}, []any{created["identifier"], status["name"], created["deletedFlag"]})
	require.Len(t, created["types"], 1)
	sites := w.want(200, "GET", path("/company/companies/%v/sites", created["id"]), nil).list(t)
	require.Len(t, sites, 1)
	require.Equal(t, []any{"Main", "Portland", true}, []any{sites[0]["name"], sites[0]["city"], sites[0]["primaryAddressFlag"]})
	w.want(201, "POST", path("/company/companies/%v/sites", created["id"]), `{"name":"Second"}`)
	w.want(200, "GET", "/company/companies?conditions=identifier%3D%22NEWCO%22", nil)
}

func TestCompanyBodiesAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, body, message string }{
		{"nothing", `{}`, "The identifier field is required."},
		{"no address", `{"identifier":"a","name":"A"}`, "addressLine1"},
		{"identifier in use", `{"identifier":"ACME","name":"A","city":"X"}`, "The identifier 'ACME' is already in use"},
		{"identifier too long", `{"identifier":"` + strings.Repeat("a", 31) + `","name":"A","city":"X"}`, "maximum length of 30"},
		{"name too long", `{"identifier":"a","name":"` + strings.Repeat("a", 51) + `","city":"X"}`, "maximum length of 50"},
		{"status absent", `{"identifier":"a","name":"A","city":"X","status":{"name":"Nice"}}`, "Company Status 'Nice' not found"},
		{"type absent", `{"identifier":"a","name":"A","city":"X","types":[{"id":99}]}`, "Company Type '99' not found"},
		{"unknown member", `{"identifier":"a","name":"A","city":"X","county":"Y"}`, "Could not find member 'county' on object of type 'Company'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, w.want(400, "POST", "/company/companies", c.body).text, c.message)
		})
	}
	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.CompanyNeedsAddress = false }))
	w.want(201, "POST", "/company/companies", `{"identifier":"a","name":"A"}`)
}

func TestCompanyIsChangedAndDeleted(t *testing.T) {
	w := newWorld(t)
	w.want(200, "PATCH", "/company/companies/251", `[{"op":"replace","path":"name","value":"Renamed"},{"op":"replace","path":"identifier","value":"other"}]`)
	w.want(400, "PATCH", "/company/companies/251", `[{"op":"replace","path":"identifier","value":"acme"}]`)
	w.ticket("a")
	require.Contains(t, w.want(409, "DELETE", "/company/companies/250", nil).text, "used by tickets")
	w.want(204, "DELETE", "/company/companies/251", nil)
	deleted := w.want(200, "GET", "/company/companies/251", nil).object(t)
	require.Equal(t, []any{"Renamed", true, "covewiseapi", "2025-11-20T06:00:01Z"}, []any{deleted["name"], deleted["deletedFlag"], deleted["deletedBy"], deleted["dateDeleted"]})
	require.Equal(t, []int{2, 250}, w.want(200, "GET", "/company/companies?conditions=deletedFlag=False", nil).ids(t))
}

func TestLoadCompanies(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       int
		failure    string
	}{
		{"an array", `[{"id":1490,"identifier":"GammaServices","name":"Gamma Services","status":"Active","deletedFlag":true,"note":"deleted"}]`, 1, ""},
		{"an object with companies", `{"about":"a fleet","companies":[{"id":1490,"identifier":"g","name":"Gamma Services"}],"devices":[]}`, 1, ""},
		{"a known id is replaced", `[{"id":250,"identifier":"acme","name":"Acme again"}]`, 1, ""},
		{"unknown member", `[{"id":1490,"identifer":"g"}]`, 0, `unknown field "identifer"`},
		{"identifier in use", `[{"id":1490,"identifier":"acme","name":"B"}]`, 0, "already in use"},
		{"status absent", `[{"id":1490,"identifier":"b","name":"B","status":"Nice"}]`, 0, "Company Status 'Nice' not found"},
		{"no JSON", `[`, 0, "reading companies"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			n, err := w.server.LoadCompanies(strings.NewReader(c.text))
			require.Equal(t, c.want, n)
			if c.failure != "" {
				require.ErrorContains(t, err, c.failure)
				return
			}
			require.NoError(t, err)
		})
	}
}

func TestConfigurations(t *testing.T) {
	w := newWorld(t)
	created := w.want(201, "POST", "/company/configurations", `{"name":"SRV01","type":{"name":"Managed Server"},"company":{"id":250},
		"deviceIdentifier":"cove-1","backupSuccesses":18,"backupBillableSpaceGb":512.5,"lastBackupDate":"2025-11-19T22:10:00Z"}`).object(t)
	status, _ := created["status"].(map[string]any)
	require.Equal(t, []any{9001.0, "Active", true, 512.5}, []any{created["id"], status["name"], created["activeFlag"], created["backupBillableSpaceGb"]})
	w.want(400, "POST", "/company/configurations", `{"name":"SRV01","company":{"id":250}}`)
	require.Equal(t, []int{9001}, w.want(200, "GET", "/company/configurations?conditions=deviceIdentifier=%22COVE-1%22", nil).ids(t))
	w.want(200, "PATCH", "/company/configurations/9001", `[{"op":"replace","path":"backupFailed","value":2}]`)

	id := w.ticket("a")
	attached := path("/service/tickets/%d/configurations", id)
	require.Equal(t, "[]", w.want(200, "GET", attached, nil).text)
	require.Equal(t, "cove-1", w.want(201, "POST", attached, `{"id":9001}`).object(t)["deviceIdentifier"])
	w.want(400, "POST", attached, `{"id":9001}`)
	w.want(400, "POST", attached, `{"id":7}`)
	w.want(400, "POST", attached, `{"deviceIdentifier":"cove-1"}`)
	w.want(400, "POST", attached, `{"id":9001,"x":1}`)
	require.Equal(t, []int{9001}, w.state(id).Configurations)
	require.Equal(t, []int{9001}, w.want(200, "GET", attached, nil).ids(t))
	w.want(200, "GET", attached+"/9001", nil)
	w.want(204, "DELETE", attached+"/9001", nil)
	w.want(404, "DELETE", attached+"/9001", nil)
	require.Empty(t, w.state(id).Configurations)
}

func TestBoardStatusesAreMaintained(t *testing.T) {
	w := newWorld(t)
	created := w.want(201, "POST", "/service/boards/2/statuses", `{"name":"On Hold"}`).object(t)
	board, _ := created["board"].(map[string]any)
	require.Equal(t, "NOC", board["name"])
	w.want(200, "PATCH", path("/service/boards/2/statuses/%v", created["id"]), `[{"op":"replace","path":"closedStatus","value":true}]`)
	id := w.ticket("a", `"board":{"name":"NOC"}`, `"status":{"name":"On Hold"}`)
	require.True(t, w.state(id).ClosedFlag)
	w.want(404, "PATCH", path("/service/boards/1/statuses/%v", created["id"]), `[]`)
	w.want(400, "POST", "/service/boards/2/statuses", `{}`)
}
