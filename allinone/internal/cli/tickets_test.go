package cli_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// minutes is a time after the sweep.
func minutes(n int) *timestamppb.Timestamp {
	return timestamppb.New(swept.Add(time.Duration(n) * time.Minute))
}

// picture is a revision of a device's incident.
func picture(device, name, customer string, revision uint32, kind incidentv1.EventKind) *incidentv1.Event {
	e := &incidentv1.Event{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: device, IncidentId: device + "-1", Revision: revision, Kind: kind,
		OpenedAt: minutes(0), OccurredAt: minutes(int(revision-1) * 60), Scope: incidentv1.Scope_SCOPE_DEVICE,
		Device:   &incidentv1.Device{ComputerName: name, Name: "vendor-" + device},
		Customer: &statusv1.Customer{Id: "710", Name: customer},
	}
	if kind == incidentv1.EventKind_EVENT_KIND_RESOLVED {
		e.Resolution = incidentv1.Resolution_RESOLUTION_RECOVERED
		return e
	}
	e.Conditions = []*incidentv1.Condition{{Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, Findings: []*incidentv1.Finding{{SourceCode: "D01", SourceName: "Files and Folders", Summary: "Aborted"}}}}
	if revision > 1 {
		e.Conditions = append(e.Conditions, &incidentv1.Condition{
			Kind: incidentv1.ConditionKind_CONDITION_KIND_STALE, Findings: []*incidentv1.Finding{{SourceCode: "D01", SourceName: "Files and Folders"}, {SourceCode: "D02", SourceName: "System State"}},
		})
	}
	return e
}

func ledgerOf(wanted, shown *incidentv1.Event, phase ticketv1.Phase) *ticketv1.Ledger {
	return &ticketv1.Ledger{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: wanted.GetDeviceId(), IncidentId: wanted.GetIncidentId(), Wanted: wanted, Shown: shown, Phase: phase,
		UpdatedAt: minutes(90),
	}
}

// served is a data directory whose service desk has tickets of every kind.
func served(t *testing.T) string {
	t.Helper()
	return recorded(t, func(ctx context.Context, nc *nats.Conn) {
		b := bustest.Open(t, nc)
		settings, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
		require.NoError(t, err)
		for _, id := range []string{"harbor", "quay"} {
			doc := tenant.Defaults()
			doc.ID = id
			_, err = settings.Put(ctx, bus.Key(id), doc.Settings(), 0)
			require.NoError(t, err)
		}
		const failed, changed, resolved = incidentv1.EventKind_EVENT_KIND_FAILED, incidentv1.EventKind_EVENT_KIND_CHANGED, incidentv1.EventKind_EVENT_KIND_RESOLVED
		first, second := picture("1000", "SRV-A", foreign, 1, failed), picture("1000", "SRV-A", foreign, 2, changed)
		open := ledgerOf(second, second, ticketv1.Phase_PHASE_OPEN)
		open.TicketId, open.CompanyId, open.Server, open.Reference = 501, 12, "harbor@na.myconnectwise.net", "covewise:I:harbor:1000-1"
		open.Summary, open.CreatedAt, open.Requests, open.FormerTicketIds = "[CW-1000-1] Cove SVR SRV-A - Failed", minutes(1), 4, []int64{499}
		open.Remarks = []string{`ConnectWise made the ticket otherwise than asked: priority is "Low" (4), asked for was "High" (2).`}
		open.Observed = &ticketv1.Observed{
			TicketId: 501, Status: "In Progress", Board: "Escalations", Priority: "Low", Owner: "amara", Company: "Müller", CompanyId: 12, Summary: "SRV-A again", UpdatedBy: "amara",
			CustomerUpdated: true, LastUpdated: minutes(70),
		}

		company := ledgerOf(picture("1001", "SRV-B", foreign, 1, failed), nil, ticketv1.Phase_PHASE_NEW)
		company.Park = &ticketv1.Park{
			Reason: ticketv1.ParkReason_PARK_REASON_COMPANY, Detail: `customer "X" has no ConnectWise company`, Since: minutes(2), Until: minutes(1442), Times: 3,
		}
		over := ledgerOf(picture("1002", "SRV-C", foreign, 2, resolved), picture("1002", "SRV-C", foreign, 2, resolved), ticketv1.Phase_PHASE_CLOSED)
		over.TicketId, over.ClosedAt, over.Observed = 502, minutes(61), &ticketv1.Observed{TicketId: 502, Status: "Closed", Closed: true}
		over.Remarks = open.GetRemarks()
		hostile := ledgerOf(picture("1003", terminal, formula, 1, failed), nil, ticketv1.Phase_PHASE_HANDED_OVER)
		hostile.TicketId, hostile.Summary, hostile.Observed = 503, "=1+1 "+terminal, &ticketv1.Observed{TicketId: 503, Deleted: true, Status: "New\x1b[2J"}
		capped := picture("rollup", "", "", 1, failed)
		capped.Scope, capped.MembersTotal, capped.Device, capped.Conditions = incidentv1.Scope_SCOPE_TENANT, 40, nil, nil
		ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
		require.NoError(t, err)
		for _, l := range []*ticketv1.Ledger{open, company, over, hostile, ledgerOf(capped, nil, ticketv1.Phase_PHASE_CREATING)} {
			_, err := ledgers.Put(ctx, bus.Key("harbor", l.GetDeviceId(), l.GetIncidentId()), l, 0)
			require.NoError(t, err)
		}

		tell := func(verb string, e *ticketv1.Event) {
			e.SchemaVersion, e.Tenant = 1, "harbor"
			require.NoError(t, b.Publish(ctx, bus.Message{
				Subject: bus.Subject{Family: bus.Ticket, Verb: verb, Tenant: "harbor", Key: e.GetDeviceId()}, ID: verb + e.GetOccurredAt().String() + e.GetIncidentId(), Body: e,
			}))
		}
		tell("parked", &ticketv1.Event{DeviceId: "1000", IncidentId: "1000-1", Action: ticketv1.Action_ACTION_PARKED, OccurredAt: minutes(0), Reason: `company: customer "X" is looked up`})
		tell("created", &ticketv1.Event{
			DeviceId: "1000", IncidentId: "1000-1", Action: ticketv1.Action_ACTION_CREATED, OccurredAt: minutes(1), TicketId: 501, Summary: open.GetSummary(), Requests: 3,
		})
		tell("annotated", &ticketv1.Event{DeviceId: "1000", IncidentId: "1000-1", Action: ticketv1.Action_ACTION_ANNOTATED, OccurredAt: minutes(61), TicketId: 501, Requests: 4, Revision: 2})
		tell("observed", &ticketv1.Event{
			DeviceId: "1000", IncidentId: "1000-1", Action: ticketv1.Action_ACTION_OBSERVED, OccurredAt: minutes(70), TicketId: 501, Requests: 4,
			Reason: `moved from board "Service Desk" to "Escalations" by amara; owner changed from "" to "amara" by amara` + "\x1b[31m",
		})
		tell("closed", &ticketv1.Event{DeviceId: "1002", IncidentId: "1002-1", Action: ticketv1.Action_ACTION_CLOSED, OccurredAt: minutes(61), TicketId: 502, Reason: "recovered"})
		for _, e := range []*incidentv1.Event{first, second} {
			verb := map[incidentv1.EventKind]string{failed: bus.VerbFailed, changed: bus.VerbChanged}[e.GetKind()]
			require.NoError(t, b.Publish(ctx, bus.Message{
				Subject: bus.Subject{Family: bus.Incident, Verb: verb, Tenant: "harbor", Key: "1000"}, ID: "incident:" + verb, Body: e,
			}))
		}
		desks, err := bus.OpenStore[*ticketv1.Desk](ctx, b, bus.TicketDesk)
		require.NoError(t, err)
		_, err = desks.Put(ctx, bus.Key("harbor"), &ticketv1.Desk{Tenant: "harbor", Troubles: []*ticketv1.Trouble{
			{About: "close ticket", Reason: ticketv1.ParkReason_PARK_REASON_AUTH, Detail: "the right Service Desk > Close Service Tickets is missing\x1b[2J; give it", Since: minutes(5)},
			{About: "keys", Reason: ticketv1.ParkReason_PARK_REASON_AUTH, Detail: "the keys are refused; check them", Since: minutes(6)},
		}, Orphans: []*ticketv1.Orphan{{
			TicketId: 480, DeviceId: "1000", IncidentId: "1000-1", Summary: "[CW-1000-1] Cove SVR\x1b[2J", Detail: "people have worked in it", Since: minutes(7),
		}}}, 0)
		require.NoError(t, err)
	})
}

func (o *outside) run(args ...string) result {
	o.t.Helper()
	return execute(o.t.Context(), o.secrets, append(args, "--data", o.data)...)
}

func TestTicketsAreShownToPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	dir := served(t)
	for name, args := range map[string][]string{
		"tickets":         {"tickets"},
		"tickets-waiting": {"tickets", "--waiting"},
		"tickets-all":     {"tickets", "--all"},
		"tickets-csv":     {"tickets", "--all", "--output", "csv"},
		"tickets-json":    {"tickets", "--waiting", "--output", "json"},
		"ticket-show":     {"ticket", "show", "1000-1"},
		"ticket-waiting":  {"ticket", "show", "1001-1"},
		"ticket-over":     {"ticket", "show", "1002-1"},
		"ticket-hostile":  {"ticket", "show", "1003-1"},
		"ticket-rollup":   {"ticket", "show", "rollup-1"},
	} {
		t.Run(name, func(t *testing.T) {
			got := execute(t.Context(), nil, append(args, "--data", dir, "--tenant", "harbor")...)
			require.Equal(t, cli.ExitOK, got.code, got.stderr)
			require.Empty(t, got.stderr)
			if !strings.HasSuffix(name, "csv") {
				for _, bad := range []string{"\x1b", "\x07", "\u202e", "\r"} {
					require.NotContains(t, got.stdout, bad)
				}
			}
			golden(t, name, got.stdout)
		})
	}
	rows, err := csv.NewReader(strings.NewReader(execute(t.Context(), nil, "tickets", "--all", "--output", "csv", "--data", dir, "--tenant", "harbor").stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 6)
	for _, row := range rows {
		for _, cell := range row {
			require.NotRegexp(t, "^[ ]*[=+@|%\t\r\n-]", cell)
		}
	}
}

func TestTicketsThatThereAreNot(t *testing.T) {
	t.Parallel()
	dir := served(t)
	run := func(args ...string) result { return execute(t.Context(), nil, append(args, "--data", dir)...) }
	for says, c := range map[string]struct {
		args []string
		want result
	}{
		"no incident at all":             {[]string{"tickets", "--tenant", "quay"}, result{cli.ExitOK, "no incident is known yet\n", ""}},
		"none that waits":                {[]string{"tickets", "--tenant", "quay", "--waiting"}, result{cli.ExitOK, "no ticket waits for anything\n", ""}},
		"no row for a program":           {[]string{"tickets", "--tenant", "quay", "--output", "json"}, result{cli.ExitOK, "[]\n", ""}},
		"two wishes":                     {[]string{"tickets", "--all", "--waiting"}, result{cli.ExitUsage, "", "covewise: --all and --waiting exclude each other; give one of them\n"}},
		"no tenant among two":            {[]string{"tickets"}, result{cli.ExitUsage, "", "covewise: --tenant is missing; choose one of harbor, quay\n"}},
		"no incident named":              {[]string{"ticket", "show"}, result{cli.ExitUsage, "", "covewise: name one incident by its id; covewise tickets shows them\n"}},
		"another incident of the device": {[]string{"ticket", "show", "1000-7", "--tenant", "harbor"}, near("1000-7", "1000-1 (open, ticket 501)")},
		"the device's id":                {[]string{"ticket", "show", "1000", "--tenant", "harbor"}, near("1000", "1000-1 (open, ticket 501)")},
		"the device's name":              {[]string{"ticket", "show", "srv-b", "--tenant", "harbor"}, near("srv-b", "1001-1 (no ticket yet)")},
		"the ticket's number":            {[]string{"ticket", "show", "502", "--tenant", "harbor"}, near("502", "1002-1 (closed, ticket 502)")},
		"the badge of a ticket":          {[]string{"ticket", "show", "[CW-1002-1]", "--tenant", "harbor"}, near("[CW-1002-1]", "1002-1 (closed, ticket 502)")},
		"nothing near":                   {[]string{"ticket", "show", "77-1", "--tenant", "harbor"}, result{cli.ExitUsage, "", "covewise: no incident \"77-1\" is on record at harbor; covewise tickets --all shows those that are\n"}},
		"a preview of an unknown one":    {[]string{"ticket", "preview", "--incident", "1000-7", "--tenant", "harbor"}, near("1000-7", "1000-1 (open, ticket 501)")},
		"an unknown format":              {[]string{"ticket", "adoption", "--tenant", "quay", "--output", "xml"}, result{cli.ExitUsage, "", "covewise: --output: \"xml\" is none of table, csv and json; choose one of them\n"}},
		"two incidents":                  {[]string{"ticket", "show", "1", "2"}, result{cli.ExitUsage, "", "covewise: name one incident by its id; covewise tickets shows them\n"}},
	} {
		t.Run(says, func(t *testing.T) { require.Equal(t, c.want, run(c.args...)) })
	}
}

func near(meant, ones string) result {
	return result{cli.ExitUsage, "", "covewise: no incident \"" + meant + "\" is on record at harbor; near ones are " + ones + "\n"}
}

func TestTicketsAfterASweep(t *testing.T) {
	t.Parallel()
	o := described(t)
	o.set(1000, "2")
	require.Equal(t, cli.ExitOK, o.once().code)
	ticket := o.cwm.OpenTickets()[0]

	got := o.run("tickets", "--output", "json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &rows))
	require.Len(t, rows, 1)
	require.Equal(t, []any{float64(ticket.ID), "1000-1", "SRV-1000", "open", "open", "New", "ticket created", ticket.Summary, nil},
		[]any{rows[0]["ticket_id"], rows[0]["incident"], rows[0]["device"], rows[0]["phase"], rows[0]["phase_text"], rows[0]["status"], rows[0]["last_action"], rows[0]["summary"], rows[0]["waiting_since"]})

	o.set(1000, "5")
	require.Equal(t, cli.ExitOK, o.once().code)
	require.Equal(t, "no ticket is open and none waits; --all shows those that are over\n\n1 incident: 0 waiting, 0 otherwise open, 1 over\n", o.run("tickets").stdout)

	story := o.run("ticket", "show", "1000-1").stdout
	require.Contains(t, story, "wrong          nothing any more: well again\n")
	require.Regexp(t, `(?s)incident, revision 1: began: failed \(Files and Folders D01: Failed\).*ticket created \(\d+\).*incident, revision 2: over: well again.*ticket closed \(\d+\): well again; \d+ requests so far`, story)
	require.Regexp(t, `requests       \d+ sent to ConnectWise so far\n`, story)
}
