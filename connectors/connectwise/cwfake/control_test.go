package cwfake_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestControlState(t *testing.T) {
	w := newWorld(t)
	require.JSONEq(t, `{"status":"ok"}`, w.want(200, "GET", "/control/health", nil).text)
	require.JSONEq(t, `{"tickets":[],"duplicates":[],"counts":{},"writes":0,"maxPerMinute":0}`, w.want(200, "GET", "/control/state", nil).text)
	w.ticket("a", `"externalXRef":"x"`, `"initialDescription":"b"`)
	w.ticket("b", `"externalXRef":"x"`)
	state := w.want(200, "GET", "/control/state", nil).object(t)
	tickets, _ := state["tickets"].([]any)
	require.Len(t, tickets, 2)
	first, _ := tickets[0].(map[string]any)
	require.Equal(t, []any{"Service Desk", "New", "acme", "x", false}, []any{first["board"], first["status"], first["companyIdentifier"], first["externalXRef"], first["closedFlag"]})
	require.Len(t, first["notes"], 1)
	require.Len(t, state["duplicates"], 1)
	require.Equal(t, map[string]any{"POST /service/tickets": 2.0}, state["counts"])

	require.Len(t, w.want(200, "GET", "/control/requests", nil).list(t), 2)
	w.want(204, "DELETE", "/control/requests", nil)
	require.Equal(t, "[]\n", w.want(200, "GET", "/control/requests", nil).text)
}

func TestControlSeedAndCompanies(t *testing.T) {
	w := newWorld(t)
	w.want(204, "PUT", "/control/seed", `{"boards":[{"name":"Only","statuses":[{"name":"Start","defaultFlag":true,"sortOrder":1},{"name":"End","closedStatus":true}]}],
		"priorities":[{"name":"P"}],"companyStatuses":[{"name":"Active","defaultFlag":true}],"companies":[{"id":7,"identifier":"seven","name":"Seven"}]}`)
	require.Equal(t, []int{7}, w.want(200, "GET", "/company/companies", nil).ids(t))
	require.JSONEq(t, `{"ids":[250,20]}`, w.want(200, "POST", "/control/companies", `[{"identifier":"a","name":"A"},{"id":20,"identifier":"b","name":"B"}]`).text)
	w.want(201, "POST", "/service/tickets", `{"summary":"a","company":{"identifier":"seven"}}`)
	require.Equal(t, []string{"Only", "Start", "P"}, []string{w.state(48211).Board, w.state(48211).Status, w.state(48211).Priority})

	require.Contains(t, w.want(400, "PUT", "/control/seed", `{"boards":[{"name":"X"}],"defaultBoard":"Y"}`).text, `the default board \"Y\" is not among the boards`)
	require.Len(t, w.server.Tickets(), 1, "a refused seed changes nothing")
	w.want(204, "PUT", "/control/seed", `{}`)
	require.Empty(t, w.server.Tickets())
}

func TestControlFaultsAndSwitches(t *testing.T) {
	w := newWorld(t)
	w.want(204, "POST", "/control/faults", `[{"match":"GET /system/info","times":2,"kind":"error_before","status":503},{"match":"POST","kind":"slow","delay":"1m30s"}]`)
	w.want(503, "GET", "/system/info", nil)
	faults := w.want(200, "GET", "/control/faults", nil).list(t)
	require.Equal(t, []any{1.0, "1m30s"}, []any{faults[0]["times"], faults[1]["delay"]})
	require.Equal(t, 90*time.Second, w.server.PendingFaults()[1].Delay)
	w.want(204, "DELETE", "/control/faults", nil)
	w.want(200, "GET", "/system/info", nil)

	changed := w.want(200, "PATCH", "/control/switches", `{"searchLag":"45s","notFoundForBadKeys":true,"codeBase":"v2026_1/"}`).object(t)
	require.Equal(t, "45s", changed["searchLag"])
	want := cwfake.DefaultSwitches("v2026_1/")
	want.SearchLag, want.NotFoundForBadKeys = 45*time.Second, true
	require.Equal(t, want, w.server.Switches())
	w.want(200, "PATCH", "/control/switches", `{"searchLagRequests":2}`)
	want.SearchLagRequests = 2
	require.Equal(t, want, w.server.Switches(), "what a change does not name stays")
	require.Equal(t, "20s", w.want(200, "PATCH", "/control/switches", `{"changeLag":"20s"}`).object(t)["changeLag"])
	require.Equal(t, 20*time.Second, w.server.Switches().ChangeLag)
	require.Equal(t, changed["codeBase"], w.want(200, "GET", "/control/switches", nil).object(t)["codeBase"])
}

func TestControlPeople(t *testing.T) {
	w := newWorld(t)
	act := func(status int, action, body string) response {
		t.Helper()
		return w.want(status, "POST", "/control/people/"+action, body)
	}
	require.JSONEq(t, `{"id":48211}`, act(200, "create", `{"summary":"a","companyIdentifier":"acme","by":"tokafor"}`).text)
	require.Equal(t, "tokafor", w.state(48211).EnteredBy)
	id := w.ticket("b")
	for _, c := range []struct {
		action, body string
		holds        func(cwfake.Ticket) bool
	}{
		{"close", `{"ticket":48212}`, func(x cwfake.Ticket) bool { return x.ClosedFlag && x.UpdatedBy == cwfake.DefaultPerson }},
		{"reopen", `{"ticket":48212,"status":"Waiting","by":"tokafor"}`, func(x cwfake.Ticket) bool { return x.Status == "Waiting" && x.UpdatedBy == "tokafor" }},
		{"setStatus", `{"ticket":48212,"status":"New"}`, func(x cwfake.Ticket) bool { return x.Status == "New" }},
		{"move", `{"ticket":48212,"board":"NOC","status":"Working"}`, func(x cwfake.Ticket) bool { return x.Board == "NOC" && x.Status == "Working" }},
		{"edit", `{"ticket":48212,"summary":"c","by":"tokafor"}`, func(x cwfake.Ticket) bool { return x.Summary == "c" && x.UpdatedBy == "tokafor" }},
		{"addNote", `{"ticket":48212,"text":"hello","asCustomer":true}`, func(x cwfake.Ticket) bool { return x.Notes[0].ByCustomer }},
		{"attachChild", `{"ticket":48212,"parent":48211}`, func(x cwfake.Ticket) bool { return x.ParentID == 48211 }},
		{"renameBoard", `{"from":"NOC","to":"Ops"}`, func(x cwfake.Ticket) bool { return x.Board == "Ops" }},
		{"renameStatus", `{"board":"Ops","from":"Working","to":"Busy"}`, func(x cwfake.Ticket) bool { return x.Status == "Busy" }},
		{"renamePriority", `{"from":"Priority 3 - Normal","to":"P3"}`, func(x cwfake.Ticket) bool { return x.Priority == "P3" }},
		{"renameCompany", `{"company":250,"name":"Acme 2"}`, func(x cwfake.Ticket) bool { return x.Company == "Acme 2" }},
		{"mergeCompany", `{"company":250,"into":251}`, func(x cwfake.Ticket) bool { return x.CompanyID == 251 }},
		{"merge", `{"ticket":48212,"into":48211,"status":"Completed"}`, func(x cwfake.Ticket) bool { return x.MergedInto == 48211 }},
	} {
		act(204, c.action, c.body)
		require.True(t, c.holds(w.state(id)), c.action)
	}
	act(204, "setStatusInactive", `{"board":"Ops","status":"Busy","inactive":true}`)
	act(204, "setBoardInactive", `{"board":"Ops","inactive":true}`)
	act(204, "setCompanyStatus", `{"company":251,"status":"Inactive"}`)
	act(204, "deleteCompany", `{"company":251}`)
	act(204, "delete", `{"ticket":48212}`)
	_, exists := w.server.Ticket(id)
	require.False(t, exists)
}

func TestControlRefusesWhatItDoesNotKnow(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path, body, message string
		status                      int
	}{
		{"GET", "/control/nothing", "", "the control API has no GET /control/nothing", 404},
		{"POST", "/control/people/dance", "{}", "the control API has no POST", 404},
		{"PUT", "/control/seed", `{"bords":[]}`, `unknown field \"bords\"`, 400},
		{"PUT", "/control/seed", `{"boards":[{"name":"a","state":1}]}`, `unknown field \"state\"`, 400},
		{"POST", "/control/companies", `[{"identifier":"a","nam":"b"}]`, `unknown field \"nam\"`, 400},
		{"POST", "/control/companies", `[{"identifier":"acme","name":"b"}]`, `adding company \"acme\"`, 400},
		{"POST", "/control/faults", `[{"kind":"drop","time":1}]`, `unknown field \"time\"`, 400},
		{"POST", "/control/faults", `[{"kind":"slow","delay":"soon"}]`, `invalid duration \"soon\"`, 400},
		{"POST", "/control/faults", `{"kind":"drop"}`, "cannot unmarshal object", 400},
		{"PATCH", "/control/switches", `{"searchlags":"1s"}`, `unknown field \"searchlags\"`, 400},
		{"PATCH", "/control/switches", `{"patchIntoReference":"maybe"}`, "want ignored, applied or refused", 400},
		{"PATCH", "/control/switches", `{"searchLag":"-1s"}`, "must not be negative", 400},
		{"POST", "/control/people/close", `{"ticket":1,"note":"x"}`, `unknown field \"note\"`, 400},
		{"POST", "/control/people/close", `{"ticket":1}`, "Ticket 1 not found", 400},
		{"POST", "/control/people/close", `{"ticket":1} x`, "there is text after the JSON value", 400},
	} {
		t.Run(c.path+" "+c.body, func(t *testing.T) {
			require.Contains(t, w.want(c.status, c.method, c.path, c.body).text, c.message)
		})
	}
	require.Equal(t, cwfake.DefaultSwitches(cwfake.DefaultCodeBase), w.server.Switches())
}
