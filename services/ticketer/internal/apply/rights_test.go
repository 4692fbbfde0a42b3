package apply

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// rightsTable tells which right each request is told to lack when ConnectWise answers it with 403, and what becomes of the
// incident then.
func rightsTable(t *testing.T) string {
	t.Helper()
	cw := cwfake.New(cwfake.Options{Clock: clock.System()})
	_, err := cw.AddCompany(cwfake.Company{ID: 250, Identifier: "acme", Name: "Acme", Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
	require.NoError(t, err)
	_, err = cw.AddConfiguration(cwfake.Configuration{Name: "SRV-01", Company: 250})
	require.NoError(t, err)
	web := httptest.NewServer(cw)
	t.Cleanup(web.Close)
	e := &incidentv1.Event{Device: &incidentv1.Device{ComputerName: "SRV-01", Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER}}
	open := func() *desk.Desk {
		d, err := desk.Open(&tenantv1.Settings{
			Connectwise: &tenantv1.ConnectWise{
				Url: web.URL, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
				PublicKey: &tenantv1.SecretRef{Env: "PUBLIC"}, PrivateKey: &tenantv1.SecretRef{Env: "PRIVATE"},
			},
			Tickets: &tenantv1.Tickets{
				Board: "Service Desk", NewStatus: "New", ClosedStatus: "Closed", TimeZone: "UTC", PriorityServer: "Priority 1 - Critical",
				AttachConfigurations: true, Agreement: `name = "Gold"`, ZeroBillTime: true,
				Routing: []*tenantv1.TicketRoute{{
					Name: "all", CustomFields: map[string]string{"7": `"x"`},
					Set: map[string]string{"type": "Backup", "subType": "Failure", "team": "Service Team", "owner": "tokafor", "source": "API", "site": "Main", "contact": "Ann Lee"},
				}},
			},
		}, desk.Options{
			LookupEnv: func(name string) (string, bool) {
				return map[string]string{"PUBLIC": cwfake.DefaultPublicKey, "PRIVATE": cwfake.DefaultPrivateKey}[name], true
			},
			Clock: clock.System(), Pace: clock.Accelerated(time.Now(), 100_000), Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		t.Cleanup(d.Close)
		return d
	}
	draft := desk.Draft{Summary: "s", Company: 250, Reference: "r", Event: e}
	create := func(ctx context.Context, d *desk.Desk) ([]string, error) {
		filed, err := d.Create(ctx, draft)
		return filed.Remarks, err
	}
	only := func(do func(ctx context.Context, d *desk.Desk) error) func(context.Context, *desk.Desk) ([]string, error) {
		return func(ctx context.Context, d *desk.Desk) ([]string, error) { return nil, do(ctx, d) }
	}
	check := only(func(ctx context.Context, d *desk.Desk) error { return d.Check(ctx, e, 250) })
	made, err := open().Create(t.Context(), draft)
	require.NoError(t, err)
	ticket, board := made.Ticket.GetTicketId(), made.Ticket.GetBoardId()
	const lookUp = "check settings"
	var b strings.Builder
	b.WriteString("\n## What right is named when ConnectWise answers 403\n\nA right that is missing for what belongs to the customer's company, or for details, keeps no ticket from being made.\n\n")
	b.WriteString("| request | action | the right that is named | what follows |\n|---|---|---|---|\n")
	for _, c := range []struct {
		request, action string
		do              func(ctx context.Context, d *desk.Desk) ([]string, error)
	}{
		{"GET /service/boards", lookUp, check},
		{"GET /service/boards/{parentId}/statuses", lookUp, check},
		{"GET /service/priorities", lookUp, check},
		{"GET /service/boards/{parentId}/types", lookUp, check},
		{"GET /service/boards/{parentId}/subtypes", lookUp, check},
		{"GET /service/boards/{parentId}/teams", lookUp, check},
		{"GET /service/boards/{parentId}/typeSubTypeItemAssociations", lookUp, check},
		{"GET /service/sources", lookUp, check},
		{"GET /system/members", lookUp, check},
		{"GET /system/userDefinedFields", "post ticket", create},
		{"GET /company/companies/{parentId}/sites", "post ticket", create},
		{"GET /company/contacts", "post ticket", create},
		{"GET /finance/agreements", "post ticket", create},
		{"GET /company/configurations", "post ticket", create},
		{"GET /service/tickets", "list tickets", only(func(ctx context.Context, d *desk.Desk) error { _, err := d.OnBoards(ctx, d.Boards()); return err })},
		{"GET /service/tickets", "find ticket", only(func(ctx context.Context, d *desk.Desk) error { _, err := d.Find(ctx, "r"); return err })},
		{"GET /service/tickets/{id}", "read ticket", only(func(ctx context.Context, d *desk.Desk) error { _, err := d.Read(ctx, ticket); return err })},
		{"GET /service/tickets/{parentId}/allNotes", "find note", only(func(ctx context.Context, d *desk.Desk) error { _, err := d.HasNote(ctx, ticket, "m"); return err })},
		{"POST /service/tickets", "post ticket", create},
		{"POST /service/tickets/{parentId}/configurations", "post ticket", create},
		{"POST /service/tickets/{parentId}/notes", "post note", only(func(ctx context.Context, d *desk.Desk) error { return d.Note(ctx, ticket, "text") })},
		{"POST /time/entries", "post note", only(func(ctx context.Context, d *desk.Desk) error { return d.Resolve(ctx, ticket, "text") })},
		{"PATCH /service/tickets/{id}", "close ticket", only(func(ctx context.Context, d *desk.Desk) error { _, err := d.CloseTicket(ctx, ticket, board); return err })},
		{"PATCH /service/tickets/{id}", "reopen ticket", only(func(ctx context.Context, d *desk.Desk) error { _, err := d.Reopen(ctx, ticket, board); return err })},
		{"PATCH /service/tickets/{id}", "move ticket", only(func(ctx context.Context, d *desk.Desk) error { _, err := d.Move(ctx, ticket, 250); return err })},
		{"PATCH /service/tickets/{id}", "mark ticket", only(func(ctx context.Context, d *desk.Desk) error {
			found, err := d.ReadWhole(ctx, ticket)
			if err == nil {
				_, err = d.Claim(ctx, found, "r2", e)
			}
			return err
		})},
		{"POST /service/tickets/{parentId}/attachChildren", "attach ticket", only(func(ctx context.Context, d *desk.Desk) error { return d.Attach(ctx, ticket, ticket+1) })},
	} {
		cw.ClearFaults()
		require.NoError(t, cw.AddFaults(cwfake.Fault{Match: c.request, Kind: cwfake.FaultForbidden, Right: "some right"}))
		remarks, err := c.do(t.Context(), open())
		if err == nil {
			follows := "the ticket is made, with a remark"
			if c.request == "POST /time/entries" {
				follows = "a note takes its place"
			} else {
				require.NotEmpty(t, strings.Join(remarks, " "), c.request)
			}
			fmt.Fprintf(&b, "| %s | %s | | %s |\n", c.request, c.action, follows)
			continue
		}
		require.Equal(t, errclass.AuthTenant, errclass.Of(err), c.request)
		f := failureOf(c.action, err)
		park := plan.After(nil, f, time.Time{})
		require.Contains(t, park.Detail, f.Right)
		about := troublesOf(c.action, park, err)
		require.Len(t, about, 1)
		fmt.Fprintf(&b, "| %s | %s | %s | parked auth; trouble about `%s` |\n", c.request, c.action, f.Right, about[0].GetAbout())
	}
	return b.String()
}
