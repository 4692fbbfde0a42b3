package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/console/app"
)

// now is the console's present in every test.
var now = time.Date(2026, 11, 20, 22, 10, 0, 0, time.UTC)

func before(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(now.Add(-d)) }

type stopped struct{}

func (stopped) Now() time.Time { return now }

func (stopped) Sleep(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

func (c stopped) SleepUntil(ctx context.Context, t time.Time) error {
	return c.Sleep(ctx, t.Sub(c.Now()))
}

// hostile is a name with everything that could be mistaken for something else than text.
const hostile = `<script>alert(1)</script>{{.Secret}}` + "\u202egnp.exe"

// console is a running console over a real bus.
type console struct {
	t       *testing.T
	handler http.Handler
	*app.Console
}

func start(t *testing.T, nc *nats.Conn, listen string) console {
	t.Helper()
	c, err := app.New(t.Context(), app.Options{NATS: nc, Logger: bustest.Logger(t), Clock: stopped{}, Listen: listen})
	require.NoError(t, err)
	return console{t, c.Handler(), c}
}

// run keeps the console until the test ends and returns once it has read the bus.
func (c console) run() console {
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	c.t.Cleanup(func() {
		cancel()
		require.NoError(c.t, <-done)
	})
	require.Eventually(c.t, c.Ready, 10*time.Second, 5*time.Millisecond)
	return c
}

func (c console) do(method, target, host string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

func (c console) get(target string) (int, string) {
	resp := c.do(http.MethodGet, target, "127.0.0.1:8080")
	return resp.Code, resp.Body.String()
}

func (c console) getJSON(target string) map[string]any {
	status, body := c.get(target)
	require.Equal(c.t, http.StatusOK, status, body)
	var out map[string]any
	require.NoError(c.t, json.Unmarshal([]byte(body), &out))
	return out
}

func put[T proto.Message](t *testing.T, b *bus.Bus, bucket bus.Bucket, value T, key ...string) {
	t.Helper()
	store, err := bus.OpenStore[T](t.Context(), b, bucket)
	require.NoError(t, err)
	_, revision, err := store.Get(t.Context(), bus.Key(key...))
	require.NoError(t, err)
	_, err = store.Put(t.Context(), bus.Key(key...), value, revision)
	require.NoError(t, err)
}

// state is a healthy device's state; columns come in pairs of code and value.
func state(tenant, id string, customer *statusv1.Customer, columns ...string) *incidentv1.DeviceState {
	snapshot := &statusv1.Snapshot{
		SchemaVersion: 1, Tenant: tenant, DeviceId: id, Source: "cove", Sweep: 41, ObservedAt: before(2 * time.Hour), Customer: customer,
	}
	for i := 0; i+1 < len(columns); i += 2 {
		snapshot.Columns = append(snapshot.Columns, &statusv1.Column{Code: columns[i], Value: columns[i+1]})
	}
	return &incidentv1.DeviceState{SchemaVersion: 1, Tenant: tenant, DeviceId: id, Snapshot: snapshot, FirstSeenAt: before(100 * time.Hour), DecidedSweep: 41}
}

func failing(s *incidentv1.DeviceState, conditions ...*incidentv1.Condition) *incidentv1.DeviceState {
	s.Incidents = 1
	s.Open = &incidentv1.Event{
		SchemaVersion: 1, Tenant: s.GetTenant(), DeviceId: s.GetDeviceId(), IncidentId: s.GetDeviceId() + "-1", Revision: 2,
		Kind: incidentv1.EventKind_EVENT_KIND_CHANGED, OpenedAt: before(26 * time.Hour), OccurredAt: before(time.Hour), Conditions: conditions,
		Device:   &incidentv1.Device{Name: "device", ComputerName: "SRV-01", ConsoleUrl: "https://backup.management/#/backup/overview/view/1662"},
		Customer: s.GetSnapshot().GetCustomer(), Site: s.GetSnapshot().GetSite(),
	}
	return s
}

var (
	dental = &statusv1.Customer{Id: "501", Name: "Harbour Dental & Söhne", Level: "EndCustomer", State: "InProduction", Reference: "CWM:9:Dental"}
	evil   = &statusv1.Customer{Id: "502", Name: hostile, Level: "EndCustomer", State: "InProduction"}
)

// fill writes what a day of work leaves on the bus: a tenant that is well watched and one that is not.
func fill(t *testing.T, b *bus.Bus) {
	t.Helper()
	put(t, b, bus.Tenants, &tenantv1.Settings{SchemaVersion: 1, Id: "harbor", Mode: tenantv1.Mode_MODE_LIVE, Policy: &tenantv1.Policy{DocumentsProfiles: []int64{7}}}, "harbor")
	put(t, b, bus.Tenants, &tenantv1.Settings{SchemaVersion: 1, Id: "pier", Mode: tenantv1.Mode_MODE_SHADOW}, "pier")
	put(t, b, bus.PollLease, &statusv1.PollLease{
		SchemaVersion: 1, Sweep: 42, NextDue: timestamppb.New(now.Add(13 * time.Minute)), LastCompleteAt: before(3 * time.Minute),
		Last: &statusv1.SweepCompleted{Tenant: "harbor", Sweep: 42, ObservedAt: before(3 * time.Minute), FinishedAt: before(2 * time.Minute), Complete: true, Devices: 6, Requests: 3},
	}, "harbor")
	put(t, b, bus.PollLease, &statusv1.PollLease{
		SchemaVersion: 1, Sweep: 7,
		Last: &statusv1.SweepCompleted{Tenant: "pier", Sweep: 7, ObservedAt: before(time.Minute), FinishedAt: before(time.Minute), Failure: "page 2 of the devices was cut short", FailureClass: "transient"},
	}, "pier")

	server := state("harbor", "1001", dental, "AN", "srv_01", "MN", "SRV-01", "AT", "1", "OT", "2", "OS", "Windows Server 2022", "I78", "D01D02",
		"D01F00", "5", "D01F09", unix(2*time.Hour), "D01F18", unix(2*time.Hour), "D01F03", "1500000000", "D01F12", "754",
		"D02F00", "1", "D02F17", "2", "D02F06", "3", "D02F09", unix(50*time.Hour), "CD", unix(900*time.Hour), "TS", "2147483647", "QW", "INSTALLKEY", "AA843", "the admin's password is NOTEKEY")
	server.Snapshot.Site = "Pier 4"
	put(t, b, bus.DeviceState, failing(server, &incidentv1.Condition{
		Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, Since: before(26 * time.Hour), Findings: []*incidentv1.Finding{{
			SourceCode: "D02", SourceName: "System State", Summary: "Failed", LastSuccessAt: before(50 * time.Hour), ThresholdSeconds: 86400,
			Errors:      []*statusv1.SessionError{{Text: "The volume shadow copy <failed>", Item: `C:\pagefile`, Count: 3}},
			ErrorsTotal: 3, Evidence: []*statusv1.Column{{Code: "D02F17", Value: "2"}},
		}},
	}), "harbor", "1001")
	put(t, b, bus.DeviceState, failing(state("harbor", "1002", evil, "AN", hostile, "AT", "2"), &incidentv1.Condition{
		Kind: incidentv1.ConditionKind_CONDITION_KIND_NEVER, Since: before(26 * time.Hour), Findings: []*incidentv1.Finding{{SourceCode: "D09", SourceName: "All data sources", Summary: "Never backed up"}},
	}), "harbor", "1002")
	put(t, b, bus.DeviceState, state("harbor", "1003", dental, "AN", "ws_03", "MN", "WS-03", "AT", "1", "OT", "1", "OI", "7", "TL", unix(5*time.Hour)), "harbor", "1003")
	trial := state("harbor", "1004", dental, "AN", "trial", "AT", "1", "OT", "1")
	trial.Excluded = "trial"
	put(t, b, bus.DeviceState, trial, "harbor", "1004")
	gone := state("harbor", "1005", dental, "AN", "gone", "AT", "1", "OT", "1")
	gone.Gone = true
	put(t, b, bus.DeviceState, gone, "harbor", "1005")
	pending := state("harbor", "1006", dental, "AN", "flappy", "AT", "1", "OT", "1")
	pending.Tracks = []*incidentv1.ConditionTrack{{Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, SourceCode: "D01", BadSweeps: 1}}
	put(t, b, bus.DeviceState, pending, "harbor", "1006")
	put(t, b, bus.DeviceState, state("pier", "2001", &statusv1.Customer{Id: "601", Name: "Quay"}, "AN", "quay", "AT", "1", "OT", "1"), "pier", "2001")

	put(t, b, bus.TicketLedger, &ticketv1.Ledger{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: "1001", IncidentId: "1001-1", Phase: ticketv1.Phase_PHASE_OPEN, TicketId: 70123, CompanyId: 9,
		Wanted: server.GetOpen(), Shown: server.GetOpen(), CreateAttempts: 1, CreatedAt: before(25 * time.Hour), UpdatedAt: before(time.Hour),
	}, "harbor", "1001", "1001-1")
	put(t, b, bus.TicketLedger, &ticketv1.Ledger{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: "1002", IncidentId: "1002-1", Phase: ticketv1.Phase_PHASE_NEW,
		Wanted: &incidentv1.Event{Revision: 1, OpenedAt: before(26 * time.Hour), Customer: evil, Device: &incidentv1.Device{Name: hostile}, Conditions: []*incidentv1.Condition{{Kind: incidentv1.ConditionKind_CONDITION_KIND_NEVER}}},
		Park:   &ticketv1.Park{Reason: ticketv1.ParkReason_PARK_REASON_COMPANY, Detail: "no company is called " + hostile, Since: before(20 * time.Hour), Until: timestamppb.New(now.Add(time.Minute)), Times: 4}, UpdatedAt: before(30 * time.Minute),
	}, "harbor", "1002", "1002-1")
	put(t, b, bus.TicketLedger, &ticketv1.Ledger{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: "1003", IncidentId: "1003-4", Phase: ticketv1.Phase_PHASE_CLOSED, TicketId: 70001, CompanyId: 9,
		Wanted:    &incidentv1.Event{Revision: 2, Kind: incidentv1.EventKind_EVENT_KIND_RESOLVED, Resolution: incidentv1.Resolution_RESOLUTION_RECOVERED, Customer: dental, Device: &incidentv1.Device{ComputerName: "WS-03"}},
		CreatedAt: before(90 * time.Hour), ClosedAt: before(80 * time.Hour), UpdatedAt: before(80 * time.Hour),
	}, "harbor", "1003", "1003-4")
	put(t, b, bus.TicketLedger, &ticketv1.Ledger{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: "node-7", IncidentId: "node-7-1", Phase: ticketv1.Phase_PHASE_CLOSED, TicketId: 70002, CompanyId: 9,
		Wanted: &incidentv1.Event{
			Revision: 2, Kind: incidentv1.EventKind_EVENT_KIND_RESOLVED, Resolution: incidentv1.Resolution_RESOLUTION_RECOVERED,
			Scope: incidentv1.Scope_SCOPE_GROUP, Cause: &incidentv1.Cause{Value: "storage node 7"},
		},
		CreatedAt: before(95 * time.Hour), ClosedAt: before(94 * time.Hour), UpdatedAt: before(94 * time.Hour),
	}, "harbor", "node-7", "node-7-1")
	put(t, b, bus.CompanyMap, &companyv1.Link{
		SchemaVersion: 1, Tenant: "harbor", Customer: dental, State: companyv1.LinkState_LINK_STATE_LINKED, Method: companyv1.LinkMethod_LINK_METHOD_REFERENCE,
		Company: &companyv1.Company{Id: 9, Identifier: "Dental", Name: "Harbour Dental"}, CheckedAt: before(26 * time.Hour),
	}, "harbor", "501")
	put(t, b, bus.CompanyMap, &companyv1.Link{
		SchemaVersion: 1, Tenant: "harbor", Customer: evil, State: companyv1.LinkState_LINK_STATE_MISSING, Reason: "no company is called " + hostile,
		Candidates: []*companyv1.Candidate{{Company: &companyv1.Company{Id: 11, Name: hostile}, Reason: "differs in case or blanks"}}, CheckedAt: before(9 * time.Minute),
	}, "harbor", "502")
}
