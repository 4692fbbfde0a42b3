package cwfake_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestCodeBaseLookUp(t *testing.T) {
	w := newWorld(t)
	info := w.want(200, "GET", "/login/companyinfo/HARBOR", nil).object(t)
	require.Equal(t, "v2025_1/", info["Codebase"])
	require.Equal(t, "v2025.1", info["VersionCode"])
	require.Equal(t, true, info["IsCloud"])
	require.Equal(t, "null", w.want(200, "GET", "/login/companyinfo/nobody", nil).text)

	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.IsCloudAsText = true; s.CodeBase = "v2026_2/" }))
	info = w.want(200, "GET", "/login/companyinfo/harbor", nil).object(t)
	require.Equal(t, "v2026_2/", info["Codebase"])
	require.Equal(t, "True", info["IsCloud"])

	gone := w.want(404, "GET", "/system/info", nil).object(t)
	require.Equal(t, map[string]any{"code": "ConnectWiseApi", "message": "The endpoint does not exist."}, gone)
	require.Equal(t, "v2026.2.117000", w.want(200, "GET", "/v2026_2/apis/3.0/system/info", nil).object(t)["version"])
	w.want(200, "GET", "/v4_6_release/apis/3.0/system/info", nil)
}

func TestAccessIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, header, value string
	}{
		{"no keys", "Authorization", ""},
		{"wrong keys", "Authorization", "Basic aGFyYm9yK2Zha2VwdWJsaWNrZXk6d3Jvbmc="},
		{"no client id", "Clientid", ""},
		{"wrong client id", "Clientid", "11111111-1111-2222-3333-444455556666"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.header[c.header] = nil
			if c.value != "" {
				w.header[c.header] = []string{c.value}
			}
			require.Equal(t, "Unauthorized", w.want(401, "GET", "/system/info", nil).object(t)["code"])
			require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.NotFoundForBadKeys = true }))
			if c.header == "Authorization" {
				require.Equal(t, "The endpoint does not exist.", w.want(404, "GET", "/system/info", nil).object(t)["message"])
			}
		})
	}
}

func TestRequestsThatReachNothing(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
		message      string
	}{
		{"GET", "/service/nothing", 404, "The endpoint does not exist."},
		{"GET", "/service/tickets/1", 404, "Ticket 1 not found"},
		{"GET", "/service/tickets/abc", 404, "Ticket abc not found"},
		{"GET", "/service/tickets/1/notes", 404, "Ticket 1 not found"},
		{"GET", "/service/boards/77/statuses", 404, "Service Board 77 not found"},
		{"GET", "/service/boards/2/statuses/1", 404, "Service Status 1 not found"},
		{"GET", "/company/companies/999", 404, "Company 999 not found"},
		{"GET", "/company/companies/999/sites", 404, "Company 999 not found"},
		{"GET", "/system/members/nobody", 404, "Member nobody not found"},
		{"DELETE", "/service/tickets/1", 404, "Ticket 1 not found"},
		{"PATCH", "/service/tickets", 405, "The requested resource does not support http method 'PATCH'."},
		{"DELETE", "/service/priorities/1", 405, "The requested resource does not support http method 'DELETE'."},
		{"GET", "/service/tickets?conditions=" + strings.Repeat("a", 10_001), 414, "The request address is too long."},
	} {
		t.Run(c.method+" "+c.path[:min(len(c.path), 40)], func(t *testing.T) {
			r := w.want(c.status, c.method, c.path, nil)
			require.Equal(t, c.message, r.object(t)["message"])
			require.Contains(t, r.text, "{\r\n  \"code\": ")
			require.Equal(t, c.status == 405, r.header.Get("Allow") != "")
		})
	}
	w.header["Content-Type"] = []string{"text/plain"}
	w.want(415, "POST", "/service/tickets", `{}`)
}

func TestAnswersFollowTheAcceptHeader(t *testing.T) {
	w := newWorld(t)
	plain := w.want(200, "GET", "/service/tickets/", nil)
	require.Equal(t, "application/json; charset=utf-8", plain.header.Get("Content-Type"))
	require.Equal(t, "2025.1", plain.header.Get("api-current-version"))
	require.Equal(t, "[]", plain.text)
	w.header["Accept"] = []string{"application/vnd.connectwise.com+json; version=2025.1"}
	pinned := w.want(200, "GET", "/service/tickets", nil)
	require.Equal(t, "application/vnd.connectwise.com+json; version=2025.1", pinned.header.Get("Content-Type"))
}

func TestSetUpTablesAreRead(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		path  string
		names []string
	}{
		{"/service/boards", []string{"Service Desk", "NOC"}},
		{"/service/boards/1/statuses", []string{"New", "In Progress", "Waiting", "Resolved", "Closed", "Retired"}},
		{"/service/boards/2/statuses?conditions=closedStatus=true", []string{"Completed"}},
		{"/service/boards/1/types", []string{"Backup", "Hardware"}},
		{"/service/boards/1/subtypes", []string{"Failure"}},
		{"/service/boards/1/items", []string{"Server"}},
		{"/service/boards/2/teams", []string{"NOC Team"}},
		{"/service/priorities", []string{"Priority 1 - Critical", "Priority 2 - Quick Response", "Priority 3 - Normal", "Priority 4 - Low"}},
		{"/service/sources", []string{"Phone", "Email", "API"}},
		{"/company/companies/statuses", []string{"Active", "Inactive", "Credit Hold", "Not Approved"}},
		{"/company/companies/types", []string{"Client", "Owner", "Vendor"}},
		{"/company/companies/250/sites", []string{"Depot", "Main"}},
		{"/company/configurations/types", []string{"Managed Server", "Managed Workstation", "Microsoft 365 Tenant"}},
		{"/finance/agreements", []string{"Backup"}},
	} {
		t.Run(c.path, func(t *testing.T) {
			var names []string
			for _, row := range w.want(http.StatusOK, "GET", c.path, nil).list(t) {
				name, _ := row["name"].(string)
				names = append(names, name)
			}
			require.Equal(t, c.names, names)
			counted, query, _ := strings.Cut(c.path, "?")
			require.InDelta(t, len(c.names), w.want(200, "GET", counted+"/count?"+query, nil).object(t)["count"], 0)
		})
	}
	require.Equal(t, "covewiseapi", w.want(200, "GET", "/system/members/covewiseapi", nil).object(t)["identifier"])
	require.Equal(t, "New", w.want(200, "GET", "/service/boards/1/statuses/1", nil).object(t)["name"])
	require.Equal(t, "Ann", w.want(200, "GET", "/company/contacts/1", nil).object(t)["firstName"])
}
