package connectwise_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/errclass"
)

func TestWhatTicketsReferToAgainstTheFake(t *testing.T) {
	server, client := fake(t)
	ctx := t.Context()
	_, err := server.AddCompany(cwfake.Company{
		ID: 250, Identifier: "acme", Name: "Acme", Sites: []cwfake.Site{{Name: "Main", Primary: true}},
		Contacts:   []cwfake.Contact{{FirstName: "Ann", LastName: "Lee"}},
		Agreements: []cwfake.Agreement{{ID: 71, Name: "Gold", Type: "Backup"}, {ID: 72, Name: "Old", Cancelled: true}},
	})
	require.NoError(t, err)
	boards, err := client.Boards(ctx, "Service Desk")
	require.NoError(t, err)
	for kind, want := range map[connectwise.BoardPartKind][]string{
		connectwise.BoardTypes: {"Backup", "Hardware"}, connectwise.BoardSubTypes: {"Failure"}, connectwise.BoardItems: {"Server"}, connectwise.BoardTeams: {"Service Team"},
	} {
		parts, err := client.BoardParts(ctx, boards[0].ID, kind)
		require.NoError(t, err)
		var names []string
		for _, p := range parts {
			names = append(names, p.Name)
		}
		require.Equal(t, want, names, kind)
	}
	sources, err := client.Sources(ctx)
	require.NoError(t, err)
	require.Len(t, sources, 3)
	members, err := client.Members(ctx, connectwise.Eq("identifier", "jleft"))
	require.NoError(t, err)
	require.Equal(t, []any{1, "jleft", true}, []any{len(members), members[0].Identifier, members[0].InactiveFlag})
	sites, err := client.Sites(ctx, 250)
	require.NoError(t, err)
	require.Equal(t, "Main", sites[0].Name)
	contacts, err := client.Contacts(ctx, connectwise.Eq("company/id", 250))
	require.NoError(t, err)
	require.Equal(t, []string{"Ann", "Lee"}, []string{contacts[0].FirstName, contacts[0].LastName})

	agreements, err := connectwise.All(client.Agreements(ctx, connectwise.Eq("cancelledFlag", false), "id", "name", "type", "company", "agreementStatus"))
	require.NoError(t, err)
	require.Len(t, agreements, 1)
	require.Equal(t, []any{71, "Gold", "Backup", 250, "Active"},
		[]any{agreements[0].ID, agreements[0].Name, agreements[0].Type.Name, agreements[0].Company.ID, agreements[0].AgreementStatus})

	configuration, err := server.AddConfiguration(cwfake.Configuration{Name: "SRV-01", DeviceIdentifier: "cove-7", Company: 250})
	require.NoError(t, err)
	configurations, err := connectwise.All(client.Configurations(ctx, connectwise.Eq("company/id", 250), "id", "name", "deviceIdentifier", "activeFlag"))
	require.NoError(t, err)
	active := true
	require.Equal(t, []connectwise.Configuration{{ID: configuration, Name: "SRV-01", DeviceIdentifier: "cove-7", ActiveFlag: &active}}, configurations)

	ticket, err := client.CreateTicket(ctx, connectwise.NewTicket{
		Summary: "s", Company: connectwise.Reference{ID: 250}, Agreement: connectwise.Reference{ID: 71}, Site: connectwise.Reference{ID: sites[0].ID},
		CustomFields: []connectwise.CustomField{{ID: 7, Value: json.RawMessage(`"x"`)}},
	})
	require.NoError(t, err)
	require.Equal(t, []any{"Gold", "Main"}, []any{ticket.Agreement.Name, ticket.Site.Name})
	require.NoError(t, client.AttachConfiguration(ctx, ticket.ID, configuration))
	require.Equal(t, []int{configuration}, server.TicketConfigurations(ticket.ID))
	attached, err := client.TicketConfigurations(ctx, ticket.ID)
	require.NoError(t, err)
	require.Len(t, attached, 1)
	require.Equal(t, configuration, attached[0].ID)
	requireClass(t, errclass.Rejected, client.AttachConfiguration(ctx, ticket.ID, 4711))
}

func TestATimeEntryOfNoChargeAgainstTheFake(t *testing.T) {
	_, client := fake(t)
	ticket, err := client.CreateTicket(t.Context(), connectwise.NewTicket{Summary: "s", Company: connectwise.Reference{ID: 2}})
	require.NoError(t, err)
	at := time.Date(2026, 11, 20, 22, 0, 0, 500, time.FixedZone("", 3600))
	entry := connectwise.NewTimeEntry{Ticket: ticket.ID, Start: at.Add(-time.Minute), End: at, Notes: "over", Internal: true}
	made, err := client.CreateTimeEntry(t.Context(), entry)
	require.NoError(t, err)
	require.Positive(t, made.ID)
	own, err := client.TicketNotes(t.Context(), ticket.ID)
	require.NoError(t, err)
	require.Empty(t, own, "notes of time entries are not among a ticket's own")
	all, err := client.AllNotes(t.Context(), ticket.ID)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, []any{"over", true, false}, []any{all[0].Text, all[0].InternalAnalysisFlag, all[0].DetailDescriptionFlag})

	entry.End = entry.Start
	_, err = client.CreateTimeEntry(t.Context(), entry)
	requireClass(t, errclass.Rejected, err)
	entry.Ticket, entry.End = 1, at
	_, err = client.CreateTimeEntry(t.Context(), entry)
	requireClass(t, errclass.Rejected, err)
}
