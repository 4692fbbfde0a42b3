package cwfake_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestTicketIsCreatedWithDefaults(t *testing.T) {
	w := newWorld(t)
	created := w.want(201, "POST", "/service/tickets", `{"summary":"Backup failed: SRV01","company":{"identifier":"ACME"},
		"initialDescription":"line 1\nline 2","initialInternalAnalysis":"inside","initialResolution":"done","externalXRef":"x:1",
		"processNotifications":false,"skipCallback":true,"closedFlag":true,"id":5,"customFields":[{"id":3,"value":"abc"}]}`).object(t)
	require.InDelta(t, 48211, created["id"], 0)
	for member, want := range map[string]any{
		"recordType": "ServiceTicket", "severity": "Medium", "impact": "Medium", "closedFlag": false, "externalXRef": "x:1",
		"customFields": []any{map[string]any{"id": 3.0, "value": "abc"}},
	} {
		require.Equal(t, want, created[member], member)
	}
	for _, absent := range []string{"initialDescription", "processNotifications", "skipCallback", "closedDate", "owner", "contact"} {
		require.NotContains(t, created, absent)
	}
	root := w.url + w.base
	require.Equal(t, map[string]any{
		"id": 250.0, "identifier": "acme", "name": "Acme", "_info": map[string]any{"company_href": root + "/company/companies/250"},
	}, created["company"])
	require.Equal(t, map[string]any{
		"id": 1.0, "name": "New", "sort": 10.0, "_info": map[string]any{"status_href": root + "/service/boards/1/statuses/1"},
	}, created["status"])
	info, _ := created["_info"].(map[string]any)
	require.Equal(t, "2025-11-20T06:00:01Z", info["lastUpdated"])
	require.Equal(t, "2025-11-20T06:00:01Z", info["dateEntered"])
	require.Equal(t, "covewiseapi", info["enteredBy"])
	require.Equal(t, root+"/service/tickets/48211/notes", info["notes_href"])

	now := w.clock.Now()
	note := func(id int, text string) cwfake.Note {
		return cwfake.Note{ID: id, Text: text, CreatedBy: "covewiseapi", CreatedAt: now}
	}
	discussion, internal, resolution := note(301, "line 1\nline 2"), note(302, "inside"), note(303, "done")
	discussion.Discussion, internal.Internal, resolution.Resolution = true, true, true
	require.Equal(t, cwfake.Ticket{
		ID: 48211, Summary: "Backup failed: SRV01", Board: "Service Desk", Status: "New", CompanyID: 250, CompanyIdentifier: "acme", Company: "Acme",
		Priority: "Priority 3 - Normal", Severity: "Medium", Impact: "Medium", Site: "Main", ExternalXRef: "x:1",
		Notes: []cwfake.Note{discussion, internal, resolution}, EnteredAt: now, EnteredBy: "covewiseapi", UpdatedAt: now, UpdatedBy: "covewiseapi",
	}, w.state(48211))
}

func TestReferencesAreAcceptedByIDNameAndIdentifier(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a", `"board":{"name":"noc"},"status":{"name":"working"},"priority":{"id":1},"source":{"name":"API"},"type":{"name":"Alert"},
		"team":{"name":"NOC Team"},"owner":{"identifier":"tokafor"},"site":{"name":"Depot"},"contact":{"id":1},"agreement":{"name":"Backup"},"impact":"High"`)
	got := w.state(id)
	require.Equal(t, []string{"NOC", "Working", "Priority 1 - Critical", "API", "Alert", "NOC Team", "tokafor", "Depot", "High"},
		[]string{got.Board, got.Status, got.Priority, got.Source, got.Type, got.Team, got.Owner, got.Site, got.Impact})
	shown := w.want(200, "GET", path("/service/tickets/%d?fields=contact/name,agreement/name,owner", id), nil).object(t)
	require.Equal(t, map[string]any{"name": "Ann Lee"}, shown["contact"])
	require.Equal(t, map[string]any{"name": "Backup"}, shown["agreement"])
	require.Contains(t, shown["owner"], "identifier")
}

func TestClosingAndReopeningDerivesTheClosedMembers(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a")
	w.clock.Add(time.Hour)
	closed := w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"status","value":{"name":"Closed"}}]`).object(t)
	require.Equal(t, []any{true, "2025-11-20T07:00:01Z", "covewiseapi"}, []any{closed["closedFlag"], closed["closedDate"], closed["closedBy"]})
	require.Empty(t, w.server.OpenTickets())

	w.clock.Add(time.Hour)
	again := w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"status","value":{"name":"Resolved"}}]`).object(t)
	require.Equal(t, "2025-11-20T07:00:01Z", again["closedDate"], "it was closed before")

	reopened := w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"status","value":{"id":2}}]`).object(t)
	require.Equal(t, false, reopened["closedFlag"])
	require.NotContains(t, reopened, "closedDate")
	require.NotContains(t, reopened, "closedBy")
}

func TestTicketsMoveBetweenBoards(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a", `"type":{"name":"Backup"},"team":{"name":"Service Team"}`)
	w.want(200, "PATCH", path("/service/tickets/%d", id),
		`[{"op":"replace","path":"status","value":{"name":"Working"}},{"op":"replace","path":"board","value":{"name":"NOC"}}]`)
	moved := w.state(id)
	require.Equal(t, []string{"NOC", "Working", "", ""}, []string{moved.Board, moved.Status, moved.Type, moved.Team})

	w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"board","value":{"id":1}}]`)
	require.Equal(t, "New", w.state(id).Status, "the board alone gives its default status")

	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.BoardAloneRefused = true }))
	w.want(400, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"board","value":{"id":2}}]`)
	w.want(400, "PATCH", path("/service/tickets/%d", id),
		`[{"op":"replace","path":"board","value":{"id":2}},{"op":"replace","path":"status","value":{"name":"Closed"}}]`)
	require.Equal(t, "Service Desk", w.state(id).Board)
}

func TestTicketFollowsItsCompany(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a", `"contact":{"id":1},"agreement":{"name":"Backup"}`)
	moved := w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"company","value":{"id":251}}]`).object(t)
	site, _ := moved["site"].(map[string]any)
	require.InDelta(t, 900, site["id"], 0)
	require.NotContains(t, moved, "contact")
	require.NotContains(t, moved, "agreement")
}

func TestPutReplacesTheTicket(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a", `"externalXRef":"x","priority":{"id":1},"customFields":[{"id":3,"value":1}]`)
	body := w.want(400, "PUT", path("/service/tickets/%d", id), `{"summary":"b","company":{"id":250}}`).text
	require.Contains(t, body, "The severity field is required.")
	require.Contains(t, body, "The impact field is required.")
	put := w.want(200, "PUT", path("/service/tickets/%d", id), `{"summary":"b","company":{"id":250},"severity":"Low","impact":"High"}`).object(t)
	require.InDelta(t, id, put["id"], 0)
	require.Equal(t, []any{"b", "Low", "High"}, []any{put["summary"], put["severity"], put["impact"]})
	require.NotContains(t, put, "externalXRef")
	require.Contains(t, put, "customFields")
	require.Equal(t, "Priority 3 - Normal", w.state(id).Priority)
}

func TestDeletedTicketIsGoneAndItsIDIsNotUsedAgain(t *testing.T) {
	w := newWorld(t)
	first := w.ticket("a", `"initialDescription":"b"`)
	deleted := w.want(204, "DELETE", path("/service/tickets/%d", first), nil)
	require.Empty(t, deleted.text)
	w.want(404, "GET", path("/service/tickets/%d", first), nil)
	w.want(404, "PATCH", path("/service/tickets/%d", first), `[]`)
	w.want(404, "GET", path("/service/tickets/%d/notes", first), nil)
	require.Equal(t, first+1, w.ticket("b"))
	require.Equal(t, []int{first + 1}, w.want(200, "GET", "/service/tickets", nil).ids(t))
}

func TestNotesOfATicket(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a", `"initialDescription":"first"`)
	notes := path("/service/tickets/%d/notes", id)
	w.clock.Add(time.Minute)
	note := w.want(201, "POST", notes, `{"text":"second","internalAnalysisFlag":true,"ticketId":1,"processNotifications":false}`).object(t)
	require.InDelta(t, id, note["ticketId"], 0)
	require.Equal(t, []any{"second", true, true, "covewiseapi", "2025-11-20T06:01:01Z"},
		[]any{note["text"], note["internalAnalysisFlag"], note["internalFlag"], note["createdBy"], note["dateCreated"]})
	member, _ := note["member"].(map[string]any)
	require.Equal(t, "covewiseapi", member["identifier"])
	require.Equal(t, w.clock.Now(), w.state(id).UpdatedAt, "a note changes the ticket")

	require.Equal(t, []int{301, 302}, w.want(200, "GET", notes, nil).ids(t))
	require.Equal(t, []int{302}, w.want(200, "GET", notes+"?conditions=internalAnalysisFlag=true", nil).ids(t))
	require.InDelta(t, 2, w.want(200, "GET", notes+"/count", nil).object(t)["count"], 0)
	w.want(200, "PATCH", notes+"/302", `[{"op":"replace","path":"text","value":"changed"}]`)
	require.Equal(t, "changed", w.want(200, "GET", notes+"/302", nil).object(t)["text"])
	require.Equal(t, "first", w.want(200, "GET", notes+"/301", nil).object(t)["text"])

	all := w.want(200, "GET", path("/service/tickets/%d/allNotes", id), nil).list(t)
	require.Len(t, all, 2)
	require.Equal(t, []any{"TicketNote", true, false, "covewiseapi"}, []any{all[0]["noteType"], all[0]["issueFlag"], all[0]["mergedFlag"], all[0]["originalAuthor"]})

	other := w.ticket("b")
	w.want(404, "GET", path("/service/tickets/%d/notes/301", other), nil)
	w.want(204, "DELETE", notes+"/301", nil)
	require.Equal(t, []int{302}, w.want(200, "GET", notes, nil).ids(t))
}
