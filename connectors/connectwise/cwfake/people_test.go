package cwfake_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestPeopleActOnTickets(t *testing.T) {
	for _, c := range []struct {
		name    string
		act     func(p *cwfake.Person, id int) error
		changed func(*cwfake.Ticket, time.Time)
	}{
		{"close with the first closed status", func(p *cwfake.Person, id int) error { return p.Close(id, "") }, func(x *cwfake.Ticket, now time.Time) {
			x.Status, x.ClosedFlag, x.ClosedBy, x.ClosedAt = "Resolved", true, "tokafor", now
		}},
		{"close with a status", func(p *cwfake.Person, id int) error { return p.Close(id, "Closed") }, func(x *cwfake.Ticket, now time.Time) {
			x.Status, x.ClosedFlag, x.ClosedBy, x.ClosedAt = "Closed", true, "tokafor", now
		}},
		{"set a status", func(p *cwfake.Person, id int) error { return p.SetStatus(id, "Waiting") }, func(x *cwfake.Ticket, _ time.Time) { x.Status = "Waiting" }},
		{"move", func(p *cwfake.Person, id int) error { return p.Move(id, "NOC", "") }, func(x *cwfake.Ticket, _ time.Time) { x.Board = "NOC" }},
		{"move with a status", func(p *cwfake.Person, id int) error { return p.Move(id, "NOC", "Working") }, func(x *cwfake.Ticket, _ time.Time) {
			x.Board, x.Status = "NOC", "Working"
		}},
		{"edit", func(p *cwfake.Person, id int) error {
			return p.Edit(id, cwfake.Edit{Summary: "b", Priority: "Priority 4 - Low", Owner: "mreyes", Company: "other"})
		}, func(x *cwfake.Ticket, _ time.Time) {
			x.Summary, x.Priority, x.Owner = "b", "Priority 4 - Low", "mreyes"
			x.CompanyID, x.CompanyIdentifier, x.Company = 251, "other", "Other Co"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.ticket("a")
			want := w.state(id)
			w.clock.Add(time.Hour)
			w.server.ResetCounts()
			require.NoError(t, c.act(w.server.Person("tokafor"), id))
			want.UpdatedAt, want.UpdatedBy = w.clock.Now(), "tokafor"
			c.changed(&want, w.clock.Now())
			require.Equal(t, want, w.state(id))
			require.Empty(t, w.server.Requests(), "people make no requests")
		})
	}
}

func TestPeopleReopenMergeDeleteAndWrite(t *testing.T) {
	w := newWorld(t)
	p := w.server.Person("")
	id, err := p.CreateTicket(cwfake.NewTicket{Summary: "COVE SVR a #7 - x", CompanyIdentifier: "acme", Board: "NOC", Status: "Working", Description: "by hand", ExternalXRef: "y"})
	require.NoError(t, err)
	made := w.state(id)
	require.Equal(t, []string{"mreyes", "NOC", "Working", "by hand", "y"}, []string{made.EnteredBy, made.Board, made.Status, made.Notes[0].Text, made.ExternalXRef})

	require.NoError(t, p.Close(id, ""))
	require.Equal(t, "Completed", w.state(id).Status)
	require.NoError(t, p.Reopen(id, ""))
	require.Equal(t, "New", w.state(id).Status)
	require.NoError(t, p.AddNote(id, "it is me", true))
	noted := w.state(id)
	require.Equal(t, []bool{true, true}, []bool{noted.Notes[1].ByCustomer, noted.Notes[1].Discussion})
	require.Equal(t, true, w.want(200, "GET", path("/service/tickets/%d", id), nil).object(t)["customerUpdatedFlag"])

	parent := w.ticket("parent")
	require.NoError(t, p.Merge(id, parent, ""))
	require.Equal(t, []any{parent, "Completed"}, []any{w.state(id).MergedInto, w.state(id).Status})
	child := w.ticket("child")
	require.NoError(t, p.AttachChild(parent, child))
	require.Equal(t, parent, w.state(child).ParentID)
	require.NoError(t, p.Delete(child))
	w.want(404, "GET", path("/service/tickets/%d", child), nil)
}

func TestPeopleAreRefused(t *testing.T) {
	w := newWorld(t)
	p := w.server.Person("")
	id := w.ticket("a")
	for name, c := range map[string]struct {
		err     error
		message string
	}{
		"close with an open status":   {p.Close(id, "Waiting"), `no status "Waiting" with closedStatus true`},
		"reopen with a closed status": {p.Reopen(id, "Closed"), `no status "Closed" with closedStatus false`},
		"absent ticket":               {p.Close(1, ""), "Ticket 1 not found"},
		"absent board":                {p.Move(id, "Desk", ""), `there is no board "Desk"`},
		"status of another board":     {p.Move(id, "NOC", "Waiting"), "not found for Service Board 2"},
		"absent owner":                {p.Edit(id, cwfake.Edit{Owner: "nobody"}), "Member 'nobody' not found"},
		"merge into itself":           {p.Merge(id, id, ""), "cannot be combined with itself"},
		"empty note":                  {p.AddNote(id, "", false), "The text field is required."},
		"absent status":               {p.RenameStatus("NOC", "Waiting", "x"), "0 records of Service Status"},
		"company into itself":         {p.MergeCompany(250, 250), "cannot be merged into itself"},
		"absent company":              {p.DeleteCompany(1), "Company 1 not found"},
	} {
		require.ErrorContains(t, c.err, c.message, name)
	}
}

func TestAdministratorsChangeTheSetUp(t *testing.T) {
	w := newWorld(t)
	p := w.server.Person("")
	id := w.ticket("a")
	require.NoError(t, p.RenameStatus("Service Desk", "New", "Fresh"))
	require.NoError(t, p.RenameBoard("Service Desk", "Help Desk"))
	require.NoError(t, p.RenamePriority("Priority 3 - Normal", "P3"))
	require.NoError(t, p.RenameCompany(250, "Acme Ltd"))
	got := w.state(id)
	require.Equal(t, []string{"Help Desk", "Fresh", "P3", "Acme Ltd"}, []string{got.Board, got.Status, got.Priority, got.Company})
	w.want(400, "POST", "/service/tickets", `{"summary":"a","company":{"id":250},"status":{"name":"New"}}`)

	require.NoError(t, p.SetStatusInactive("Help Desk", "Waiting", true))
	w.want(400, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"status","value":{"name":"Waiting"}}]`)
	require.NoError(t, p.SetStatusInactive("Help Desk", "Waiting", false))
	w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"status","value":{"name":"Waiting"}}]`)
	require.NoError(t, p.SetBoardInactive("Help Desk", true))
	w.want(400, "POST", "/service/tickets", `{"summary":"a","company":{"id":250},"board":{"name":"Help Desk"}}`)
	w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"summary","value":"b"}]`)
}

func TestAdministratorsChangeCompanies(t *testing.T) {
	w := newWorld(t)
	p := w.server.Person("")
	id := w.ticket("a")
	require.NoError(t, p.SetCompanyStatus(250, "Inactive"))
	require.Contains(t, w.want(400, "POST", "/service/tickets", newTicket).text, "disallows saving")
	w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"status","value":{"name":"Closed"}}]`)
	require.NoError(t, p.SetCompanyStatus(250, "Active"))
	require.NoError(t, p.DeleteCompany(250))
	require.Contains(t, w.want(400, "POST", "/service/tickets", newTicket).text, "is deleted")
	require.Equal(t, true, w.want(200, "GET", "/company/companies/250", nil).object(t)["deletedFlag"])

	require.NoError(t, p.MergeCompany(250, 251))
	require.Equal(t, "other", w.state(id).CompanyIdentifier)
	require.Len(t, w.want(200, "GET", "/company/companies/251/sites", nil).list(t), 3)
	w.want(200, "GET", "/company/companies/250", nil)
	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.MergedCompanyGone = true }))
	require.NoError(t, p.MergeCompany(251, 2))
	w.want(404, "GET", "/company/companies/251", nil)
	require.Equal(t, "HarborIT", w.state(id).CompanyIdentifier)
}
