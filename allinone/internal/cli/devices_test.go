package cli_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strconv"
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
)

var swept = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)

// known is a device as the evaluator remembers it.
func known(t *testing.T, id string, customer *statusv1.Customer, columns map[string]string) *incidentv1.DeviceState {
	t.Helper()
	s := &statusv1.Snapshot{
		Tenant: "harbor", DeviceId: id, Sweep: 1, ObservedAt: timestamppb.New(swept.Add(-time.Hour)), Customer: customer, Site: columns["site"],
	}
	for code, value := range columns {
		if ago, ok := strings.CutPrefix(value, "-"); ok {
			d, err := time.ParseDuration(ago)
			require.NoError(t, err)
			value = strconv.FormatInt(swept.Add(-d).Unix(), 10)
		}
		if code != "site" {
			s.Columns = append(s.Columns, &statusv1.Column{Code: code, Value: value})
		}
	}
	return &incidentv1.DeviceState{Tenant: "harbor", DeviceId: id, Snapshot: s}
}

// failedSince opens an incident on a device.
func failedSince(d *incidentv1.DeviceState, at time.Time) *incidentv1.DeviceState {
	d.Open = &incidentv1.Event{
		IncidentId: d.GetDeviceId() + "-1", Severity: incidentv1.Severity_SEVERITY_ALERT,
		Conditions: []*incidentv1.Condition{{Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, Since: timestamppb.New(at), Findings: []*incidentv1.Finding{
			{SourceCode: "D01", SourceName: "Files and Folders", Since: timestamppb.New(at)},
			{SourceCode: "D02", SourceName: "System State", Since: timestamppb.New(at.Add(time.Hour))},
		}}},
	}
	d.Tracks = []*incidentv1.ConditionTrack{
		{Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, SourceCode: "D01", Since: timestamppb.New(at)},
		{Kind: incidentv1.ConditionKind_CONDITION_KIND_STALE, SourceCode: "D02", Since: timestamppb.New(at.Add(2 * time.Hour))},
	}
	return d
}

// Every name that is more than a name somewhere.
const (
	formula  = "=HYPERLINK(\"http://evil.example\")"
	terminal = "\x1b]0;owned\x07\u202egnp.exe\r\nSRV"
	foreign  = `Müller & Söhne "Nord" <漢字> Пример 😀, GmbH`
)

// populated is a data directory that knows devices of every kind.
func populated(t *testing.T) string {
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
		tenants, err := bus.OpenStore[*incidentv1.TenantState](ctx, b, bus.TenantState)
		require.NoError(t, err)
		_, err = tenants.Put(ctx, bus.Key("harbor"), &incidentv1.TenantState{Tenant: "harbor", LastCompleteAt: timestamppb.New(swept)}, 0)
		require.NoError(t, err)
		cursors, err := bus.OpenStore[*statusv1.DeviceCursor](ctx, b, bus.PollCursor)
		require.NoError(t, err)
		_, err = cursors.Put(ctx, bus.Key("harbor", "devices"), &statusv1.DeviceCursor{Devices: []*statusv1.PublishedDevice{{Id: "1000"}, {Id: "1006"}}}, 0)
		require.NoError(t, err)

		nord := &statusv1.Customer{Id: "710", Name: foreign, Level: "EndCustomer", State: "InProduction", Reference: "CWM:12"}
		evil := &statusv1.Customer{Id: "720", Name: formula, Level: "EndCustomer", State: "InProduction"}
		trial := &statusv1.Customer{Id: "730", Name: "Try", Level: "EndCustomer", State: "InTrial"}
		server := func(more map[string]string) map[string]string {
			all := map[string]string{
				"AN": "srv-a", "MN": "SRV-A", "AT": "1", "OT": "2", "OS": "Windows Server 2022", "I78": "D01D02", "CD": "-5000h", "TS": "-2m", "T0": "5", "TL": "-2h",
				"D01F00": "5", "D01F17": "5", "D01F09": "-2h", "D01F03": "1000", "D02F00": "5", "D02F17": "5", "D02F09": "-3h", "D02F03": "24",
				"PN": "All-In", "OP": "Servers", "LN": "Frankfurt", "VN": "26.1", "MF": "Dell", "MO": "R740", "I81": "Physical", "IP": "10.0.0.1", "EI": "192.0.2.1", "site": "Kiel",
			}
			maps.Copy(all, more)
			return all
		}
		gone := known(t, "1005", nord, server(map[string]string{"MN": "SRV-GONE"}))
		gone.Gone = true
		states, err := bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState)
		require.NoError(t, err)
		for _, d := range []*incidentv1.DeviceState{
			known(t, "1000", nord, server(nil)),
			failedSince(known(t, "1001", nord, server(map[string]string{"MN": "SRV-B", "D01F00": "2", "D01F17": "2", "D01F06": "7", "D01F09": "-50h", "D02F09": ""})), swept.Add(-30*time.Hour)),
			known(t, "1002", evil, server(map[string]string{"MN": terminal, "AL": "", "site": "@SUM(A1)"})),
			known(t, "1003", nord, map[string]string{"AN": "m365-nord", "AT": "2", "I78": "D19D20D23", "CD": "-5000h", "T0": "5", "TL": "-4h", "D19F00": "5", "D19F09": "-4h", "D20F00": "5", "D20F09": "-5h"}),
			known(t, "1004", trial, server(map[string]string{"MN": "SRV-T"})),
			gone,
		} {
			_, err := states.Put(ctx, bus.Key("harbor", d.GetDeviceId()), d, 0)
			require.NoError(t, err)
		}
	})
}

func devices(t *testing.T, dir string, more ...string) result {
	t.Helper()
	return execute(t.Context(), nil, append([]string{"devices", "--data", dir, "--tenant", "harbor"}, more...)...)
}

func TestDevicesAreShownToPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	dir := populated(t)
	for name, args := range map[string][]string{
		"devices":          nil,
		"devices-trouble":  {"--trouble"},
		"devices-customer": {"--customer", strings.ToUpper(foreign), "--gone"},
		"devices-csv":      {"--output", "csv", "--customer", "710"},
		"devices-json":     {"--output", "json", "--customer", "710", "--trouble"},
	} {
		t.Run(name, func(t *testing.T) {
			got := devices(t, dir, args...)
			require.Equal(t, cli.ExitOK, got.code, got.stderr)
			require.Empty(t, got.stderr)
			golden(t, name, got.stdout)
		})
	}
}

func TestDevicesWithHostileNamesAreHarmless(t *testing.T) {
	t.Parallel()
	dir := populated(t)
	text := devices(t, dir).stdout
	for _, bad := range []string{"\x1b", "\x07", "\u202e", "\r"} {
		require.NotContains(t, text, bad)
	}
	rows, err := csv.NewReader(strings.NewReader(devices(t, dir, "--output", "csv").stdout)).ReadAll()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, row := range rows {
		require.Len(t, row, len(rows[0]))
		for _, cell := range row {
			names[cell] = true
			require.NotRegexp(t, "^[ ]*[=+@|%\t\r\n-]", cell)
		}
	}
	require.True(t, names["'"+formula])
	require.True(t, names[foreign], "what is harmless is left as it is")

	var objects []map[string]any
	require.NoError(t, json.Unmarshal([]byte(devices(t, dir, "--output", "json", "--customer", "720").stdout), &objects))
	require.Len(t, objects, 1)
	require.Equal(t, formula, objects[0]["customer"])
	require.Equal(t, strings.TrimSpace(terminal), strings.TrimSpace(objects[0]["computer"].(string)))
}

func TestDevicesThatThereAreNot(t *testing.T) {
	t.Parallel()
	dir := populated(t)
	require.Equal(t, result{cli.ExitOK, "no device is known; the first complete sweep brings them\n", ""}, execute(t.Context(), nil, "devices", "--data", dir, "--tenant", "quay"))
	got := devices(t, dir, "--customer", "Try", "--trouble")
	require.Equal(t, result{cli.ExitOK, "no device is in trouble\n\n1 device: 0 in trouble, 0 unknown, 0 healthy, 1 excluded; 0 gone; as of the sweep of 2026-11-22 05:00 UTC\n", ""}, got)
	require.Equal(t, result{
		cli.ExitUsage, "", `covewise: --customer "Nobody" has no device in harbor; write its whole name or its id, as covewise devices shows it` + "\n",
	}, devices(t, dir, "--customer", "Nobody"))
}

func TestDevicesAfterASweep(t *testing.T) {
	t.Parallel()
	o := described(t)
	o.set(1000, "2")
	require.Equal(t, cli.ExitOK, o.once().code)
	got := devices(t, o.data, "--output", "json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var objects []map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &objects))
	require.Len(t, objects, 3)
	require.Equal(t, []any{"1000", "in trouble", "1000-1", "SRV-1000"}, []any{objects[0]["device_id"], objects[0]["state"], objects[0]["incident"], objects[0]["device"]})
	require.Equal(t, []any{"healthy", "healthy"}, []any{objects[1]["state"], objects[2]["state"]})
}

func TestTheDocumentOfTheColumnsIsFresh(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "docs", "devices-csv.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(cli.DevicesDoc()), 0o600))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, cli.DevicesDoc(), string(text), "run go test ./allinone/internal/cli -run TheDocumentOfTheColumns -update")
}

func TestHelpOfTheCommandsAboutCove(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"help-devices": {"devices"}, "help-doctor": {"doctor"}, "help-doctor-cove": {"doctor", "cove"}, "help-sync": {"sync"}} {
		t.Run(name, func(t *testing.T) {
			got := execute(t.Context(), nil, append(args, "--help")...)
			require.Equal(t, cli.ExitOK, got.code)
			require.Empty(t, got.stderr)
			golden(t, name, got.stdout)
		})
	}
}
