package cwfake_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestTicketBodiesAreRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.server.AddCompany(cwfake.Company{ID: 260, Identifier: "gone", Name: "Gone", Deleted: true})
	require.NoError(t, err)
	_, err = w.server.AddCompany(cwfake.Company{ID: 261, Identifier: "idle", Name: "Idle", Status: "Inactive"})
	require.NoError(t, err)
	for _, c := range []struct{ name, body, message, field string }{
		{"unknown member", `{"summary":"a","company":{"id":250},"sumary":"b"}`, "Could not find member 'sumary' on object of type 'Ticket'", ""},
		{"member in another case", `{"Summary":"a","company":{"id":250}}`, "Could not find member 'Summary' on object of type 'Ticket'", ""},
		{"unknown member of a reference", `{"summary":"a","company":{"id":250,"nme":"b"}}`, "Could not find member 'nme' on object of type 'CompanyReference'", ""},
		{"no summary", `{"company":{"id":250}}`, "The summary field is required.", "summary"},
		{"empty summary", `{"summary":"","company":{"id":250}}`, "The summary field is required.", "summary"},
		{"no company", `{"summary":"a"}`, "The company/id field is required.", "company"},
		{"company id 0", `{"summary":"a","company":{"id":0}}`, "The company/id field is required.", "company"},
		{"summary too long", `{"summary":"` + strings.Repeat("x", 101) + `","company":{"id":250}}`, "The field summary must be a string with a maximum length of 100.", "summary"},
		{"length counts UTF-16 units", `{"summary":"` + strings.Repeat("\U0001F4BE", 51) + `","company":{"id":250}}`, "maximum length of 100", "summary"},
		{"reference too long", `{"summary":"a","company":{"id":250},"externalXRef":"` + strings.Repeat("x", 101) + `"}`, "maximum length of 100", "externalXRef"},
		{"company absent", `{"summary":"a","company":{"id":999}}`, "Company '999' not found", "company/id"},
		{"company absent by identifier", `{"summary":"a","company":{"identifier":"nobody"}}`, "Company 'nobody' not found", "company/identifier"},
		{"company deleted", `{"summary":"a","company":{"id":260}}`, "Company '260' is deleted", "company/id"},
		{"company status disallows saving", `{"summary":"a","company":{"id":261}}`, "has the status 'Inactive', which disallows saving", "company/id"},
		{"board absent", `{"summary":"a","company":{"id":250},"board":{"name":"Desk"}}`, "Service Board 'Desk' not found", "board/name"},
		{"status of another board by name", `{"summary":"a","company":{"id":250},"board":{"id":1},"status":{"name":"Completed"}}`, "Service Status 'Completed' not found for Service Board 1", "status/name"},
		{"status of another board by id", `{"summary":"a","company":{"id":250},"board":{"name":"NOC"},"status":{"id":1}}`, "Service Status '1' not found for Service Board 2", "status/id"},
		{"status inactive", `{"summary":"a","company":{"id":250},"status":{"name":"Retired"}}`, "Service Status 'Retired' is inactive", "status/name"},
		{"type of another board", `{"summary":"a","company":{"id":250},"board":{"name":"NOC"},"type":{"name":"Backup"}}`, "Service Type 'Backup' not found for Service Board 2", "type/name"},
		{"team of another board", `{"summary":"a","company":{"id":250},"team":{"name":"NOC Team"}}`, "Service Team 'NOC Team' not found for Service Board 1", "team/name"},
		{"site of another company", `{"summary":"a","company":{"id":250},"site":{"id":900}}`, "Site '900' not found for Company 250", "site/id"},
		{"contact of another company", `{"summary":"a","company":{"id":251},"contact":{"id":1}}`, "Contact '1' not found for Company 251", "contact/id"},
		{"agreement of another company", `{"summary":"a","company":{"id":251},"agreement":{"name":"Backup"}}`, "Agreement 'Backup' not found for Company 251", "agreement/name"},
		{"priority absent", `{"summary":"a","company":{"id":250},"priority":{"name":"Priority 3"}}`, "Priority 'Priority 3' not found", "priority/name"},
		{"owner inactive", `{"summary":"a","company":{"id":250},"owner":{"identifier":"jleft"}}`, "Member 'jleft' is inactive", "owner/identifier"},
		{"table not kept", `{"summary":"a","company":{"id":250},"workRole":{"id":1}}`, "WorkRole '1' not found", "workRole/id"},
		{"enumeration in another case", `{"summary":"a","company":{"id":250},"severity":"medium"}`, `Error converting value "medium" to type 'severity'. Path 'severity', line 1, position 1.`, ""},
		{"text for a reference", `{"summary":"a","company":"acme"}`, `Error converting value "acme" to type 'Reference'`, ""},
		{"number for a text", `{"summary":7,"company":{"id":250}}`, `Error converting value 7 to type 'System.String'`, ""},
		{"text for a flag", `{"summary":"a","company":{"id":250},"approved":"yes"}`, `to type 'System.Boolean'`, ""},
		{"fraction for an integer", `{"summary":"a","company":{"id":250},"duration":1.5}`, `to type 'System.Int32'`, ""},
		{"fraction of a second", `{"summary":"a","company":{"id":250},"requiredDate":"2025-11-20T06:00:01.5Z"}`, "Unsupported format applied to requiredDate", "requiredDate"},
		{"offset", `{"summary":"a","company":{"id":250},"requiredDate":"2025-11-20T06:00:01+01:00"}`, "Unsupported format applied to requiredDate", "requiredDate"},
		{"unknown member of a custom field", `{"summary":"a","company":{"id":250},"customFields":[{"ID":3}]}`, "Could not find member 'ID' on object of type 'CustomFieldValue'", ""},
		{"a custom field that nobody defined", `{"summary":"a","company":{"id":250},"customFields":[{"id":999,"value":"x"}]}`, "Custom field '999' not found", "customFields/id"},
		{"an item that the board does not have under the type", `{"summary":"a","company":{"id":250},"type":{"name":"Hardware"},"subType":{"name":"Failure"},"item":{"name":"Server"}}`, "The combination of type 'Hardware', subType 'Failure', item 'Server' is not valid for the board", "type"},
		{"a subtype without a type", `{"summary":"a","company":{"id":250},"subType":{"name":"Failure"}}`, "The combination of subType 'Failure' is not valid for the board", "type"},
		{"an array", `[]`, "Error converting value [] to type 'Ticket'", ""},
		{"no JSON", `{"summary":`, "The request body is not valid JSON", ""},
		{"two values", `{} {}`, "text after the value", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := w.want(400, "POST", "/service/tickets", c.body).object(t)
			require.Equal(t, "InvalidObject", body["code"])
			if c.field == "" {
				require.Contains(t, body["message"], c.message)
				return
			}
			require.Equal(t, "ticket object is invalid", body["message"])
			errors, _ := body["errors"].([]any)
			require.Len(t, errors, 1)
			first, _ := errors[0].(map[string]any)
			require.Contains(t, first["message"], c.message)
			require.Equal(t, []any{"ticket", c.field}, []any{first["resource"], first["field"]})
		})
	}
	require.Empty(t, w.server.Tickets(), "a refused body must store nothing")
	both := w.want(400, "POST", "/service/tickets", `{}`).object(t)
	require.Len(t, both["errors"], 2, "all breaches are told at once")
}

func TestNotesAreRefused(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a")
	for _, c := range []struct{ name, body, message string }{
		{"no text", `{"internalAnalysisFlag":true}`, "The text field is required."},
		{"no tab", `{"text":"a"}`, "detailDescriptionFlag, internalAnalysisFlag or resolutionFlag field is required."},
		{"unknown member", `{"text":"a","internalFlg":true}`, "Could not find member 'internalFlg' on object of type 'ServiceNote'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, w.want(400, "POST", path("/service/tickets/%d/notes", id), c.body).text, c.message)
		})
	}
}
