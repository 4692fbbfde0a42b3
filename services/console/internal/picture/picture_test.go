package picture_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/console/internal/picture"
)

var now = time.Date(2026, 11, 20, 22, 10, 0, 0, time.UTC)

func TestEveryCodeHasAName(t *testing.T) {
	for n := range ticketv1.Phase_name {
		row := picture.FromLedger(&ticketv1.Ledger{Tenant: "a", Phase: ticketv1.Phase(n)})
		ticket := picture.Rows{TicketRows: []*picture.TicketRow{row}}.Tickets(picture.Filter{Limit: 1}).Items[0]
		require.NotEmpty(t, ticket.Phase, ticketv1.Phase(n))
		require.NotEmpty(t, ticket.PhaseLabel, ticketv1.Phase(n))
	}
	for n := range ticketv1.ParkReason_name {
		row := picture.FromLedger(&ticketv1.Ledger{Tenant: "a", Park: &ticketv1.Park{Reason: ticketv1.ParkReason(n)}})
		waiting := picture.Rows{TicketRows: []*picture.TicketRow{row}}.Tickets(picture.Filter{Limit: 1}).Items[0].Waiting
		require.NotEmpty(t, waiting.Reason, ticketv1.ParkReason(n))
		require.NotEmpty(t, waiting.Label, ticketv1.ParkReason(n))
		require.NotEmpty(t, waiting.Remedy, ticketv1.ParkReason(n))
	}
	for n := range companyv1.LinkState_name {
		row := picture.FromLink(&companyv1.Link{Tenant: "a", Customer: &statusv1.Customer{Id: "1"}, State: companyv1.LinkState(n)})
		require.NotEmpty(t, picture.Rows{Links: []*picture.LinkRow{row}}.LinkOf("a", "1").StateLabel, companyv1.LinkState(n))
	}
	for n := range incidentv1.ConditionKind_name {
		require.NotEmpty(t, picture.ConditionText(&incidentv1.Condition{Kind: incidentv1.ConditionKind(n)}), incidentv1.ConditionKind(n))
	}
	require.Equal(t, "Other trouble", picture.ConditionText(&incidentv1.Condition{Kind: 99}), "a condition of a newer evaluator is shown, too")
	for n := range incidentv1.Resolution_name {
		if n == 0 {
			continue
		}
		row := picture.FromLedger(&ticketv1.Ledger{Tenant: "a", Wanted: &incidentv1.Event{Resolution: incidentv1.Resolution(n)}})
		require.NotEmpty(t, picture.Rows{TicketRows: []*picture.TicketRow{row}}.Tickets(picture.Filter{Limit: 1}).Items[0].Summary, incidentv1.Resolution(n))
	}
}

func TestStateOfADevice(t *testing.T) {
	tests := []struct {
		name     string
		change   func(*incidentv1.DeviceState)
		complete time.Time
		want     string
	}{
		{"judged and nothing found", func(*incidentv1.DeviceState) {}, now, "healthy"},
		{"no complete sweep ever", func(*incidentv1.DeviceState) {}, time.Time{}, "unknown"},
		{"its last change is newer than the last complete sweep", func(*incidentv1.DeviceState) {}, now.Add(-time.Hour), "unknown"},
		{"an open incident", func(s *incidentv1.DeviceState) { s.Open = &incidentv1.Event{} }, now, "in_trouble"},
		{"an open incident, although excluded", func(s *incidentv1.DeviceState) { s.Open, s.Excluded = &incidentv1.Event{}, "trial" }, now, "in_trouble"},
		{"an open incident, whatever the last sweep", func(s *incidentv1.DeviceState) { s.Open = &incidentv1.Event{} }, time.Time{}, "in_trouble"},
		{"excluded", func(s *incidentv1.DeviceState) { s.Excluded = "trial" }, now, "excluded"},
		{"gone", func(s *incidentv1.DeviceState) { s.Gone = true }, now, "removed"},
		{"a condition that has not held long enough", func(s *incidentv1.DeviceState) { s.Tracks = []*incidentv1.ConditionTrack{{}} }, now, "pending"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &incidentv1.DeviceState{Tenant: "a", DeviceId: "1", Snapshot: &statusv1.Snapshot{ObservedAt: timestamppb.New(now.Add(-time.Minute))}}
			test.change(s)
			lease := &statusv1.PollLease{}
			if !test.complete.IsZero() {
				lease.LastCompleteAt = timestamppb.New(test.complete)
			}
			rows := picture.Rows{DeviceRows: []*picture.DeviceRow{picture.FromState(s)}, Sweeps: []*picture.SweepRow{picture.FromLease("a", lease)}}
			d, known := rows.Device("a", "1")
			require.True(t, known)
			require.Equal(t, test.want, d.State)
			require.NotEmpty(t, d.StateLabel)
			account := rows.Tenants(picture.Filter{Limit: 1}).Items[0].Devices
			require.Equal(t, account.Total, account.Healthy+account.Trouble+account.Pending+account.Excluded+account.Unknown)
			require.Equal(t, test.want != "removed", account.Total == 1)
		})
	}
}

func TestClassOfADevice(t *testing.T) {
	tests := []struct {
		name, want string
		columns    map[string]string
	}{
		{"Microsoft 365", "m365", map[string]string{"AT": "2"}},
		{"a server by its kind", "server", map[string]string{"AT": "1", "OT": "2"}},
		{"a server by its system, the kind not known", "server", map[string]string{"AT": "1", "OS": "Windows Server 2019"}},
		{"a workstation", "workstation", map[string]string{"AT": "1", "OT": "1"}},
		{"Documents by product", "documents", map[string]string{"AT": "1", "OT": "1", "PN": "Documents"}},
		{"an unpadded legacy code means the same", "m365", map[string]string{"I59": "2"}},
		{"anything else", "unknown", map[string]string{"AT": "7"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &incidentv1.DeviceState{Tenant: "a", DeviceId: "1", Snapshot: &statusv1.Snapshot{}}
			for code, value := range test.columns {
				s.Snapshot.Columns = append(s.Snapshot.Columns, &statusv1.Column{Code: code, Value: value})
			}
			d, _ := picture.Rows{DeviceRows: []*picture.DeviceRow{picture.FromState(s)}}.Device("a", "1")
			require.Equal(t, test.want, d.Class)
		})
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 59*time.Minute + 59*time.Second: "59 min", time.Hour: "1 h",
		90 * time.Minute: "1 h 30 min", 24 * time.Hour: "1 d", 29 * time.Hour: "1 d 5 h", 240*time.Hour + 5*time.Hour: "10 d",
	} {
		require.Equal(t, want, picture.Span(d))
	}
}

func TestSearchAndOrder(t *testing.T) {
	row := func(id, name, customer string) *picture.DeviceRow {
		return picture.FromState(&incidentv1.DeviceState{Tenant: "a", DeviceId: id, Snapshot: &statusv1.Snapshot{
			Customer: &statusv1.Customer{Name: customer}, Columns: []*statusv1.Column{{Code: "MN", Value: name}},
		}})
	}
	rows := picture.Rows{DeviceRows: []*picture.DeviceRow{row("3", "beta", "Zeta"), row("1", "Alpha", "Müller"), row("2", "alpha", "Müller")}}
	ids := func(text string) []string {
		var found []string
		for _, d := range rows.Devices(picture.Filter{Text: text, Limit: 10}).Items {
			found = append(found, d.ID)
		}
		return found
	}
	require.Equal(t, []string{"1", "2", "3"}, ids(""))
	require.Equal(t, []string{"1", "2"}, ids("MÜLLER"))
	require.Equal(t, []string{"3"}, ids("BET"))
	require.Equal(t, []string{"2"}, ids("2"))
	require.Empty(t, ids("nobody"))
}
