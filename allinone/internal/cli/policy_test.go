package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
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
	"github.com/covewise/covewise/platform/tenant/record"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// policyDocument is a tenant's document without its policy; its secrets do not exist.
const policyDocument = `id: harbor
cove: {username: psa-sync, passwordFile: cove.secret}
connectwise:
  url: https://na.myconnectwise.net
  company: harbor
  publicKeyFile: cw.pub
  privateKeyFile: cw.key
  clientId: 0f0e0d0c-1111-2222-3333-444455556666
companies: {own: MSP}
tickets: {
  board: Service Desk, newStatus: New,
  closedStatus: Closed, hourlyCap: 0,
  priorities: {server: P1, workstation: P3, m365: P2}}
policy:
`

func TestWhatADocumentProbablyDoesNotMeanIsToldByTheCommandsThatReadIt(t *testing.T) {
	t.Parallel()
	text := strings.Replace(policyDocument, "hourlyCap: 0,", `hourlyCap: 0, agreement: 'name = "СОМЕХ"',`, 1)
	path := write(t, "tenants.yaml", text+"  never: 3d\n")
	warning := path + `:12: warning: tickets.agreement: "СОМЕХ" is of Cyrillic letters that look like Latin ones: 'С' (U+0421); type it anew` + "\n"
	require.Equal(t, result{stdout: warning}, execute(t.Context(), nil, "policy", "lint", "-f", path))
	shown := execute(t.Context(), nil, "policy", "show", "-f", path)
	require.Equal(t, cli.ExitOK, shown.code, shown.stderr)
	require.Equal(t, "covewise: "+warning, shown.stderr)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestPolicyLintOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		policy string
		code   int
		want   []string
	}{
		"nothing to say": {"  never: 3d\n", cli.ExitOK, nil},
		"warnings only": {
			"  snoozes:\n  - {name: old, select: all, reason: r, author: a, until: 2020-01-01}\n", cli.ExitOK,
			[]string{`:16: warning: policy.snoozes[0].until: "old" ended on 2020-01-02; remove it`},
		},
		"an error": {
			"  devices:\n  - {name: a, select: {class: server}, stale: {m365: 2d}}\n", cli.ExitFailed,
			[]string{`:16: error: policy.devices[0].stale.m365: "a" chooses server only, so that this is never used; remove it`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "tenants.yaml", policyDocument+test.policy)
			got := execute(t.Context(), nil, "policy", "lint", "-f", path)
			require.Equal(t, test.code, got.code, got.stderr)
			want := ""
			for _, line := range test.want {
				want += path + line + "\n"
			}
			require.Equal(t, want, got.stdout)
		})
	}

	path := write(t, "tenants.yaml", policyDocument+"  nevr: 3d\n")
	got := execute(t.Context(), nil, "policy", "lint", "-f", path)
	require.Equal(t, result{code: cli.ExitUsage, stderr: path + ":15: policy.nevr: is not a key; did you mean never?\n"}, got)
	got = execute(t.Context(), nil, "policy", "lint")
	require.Equal(t, result{code: cli.ExitUsage, stderr: "covewise: -f is missing; name the file with the tenants' documents\n"}, got)
}

const twoNights = `family: nights
class: server
days: 6
at: 22h
takes: 2h
traces:
  - name: file server
    sources:
      D01: 2c 2f 2c
    incidents:
      - {at: INTERVAL, says: failed D01}
`

func TestPolicyTestOnTheCommandLine(t *testing.T) {
	t.Parallel()
	path := write(t, "tenants.yaml", policyDocument+"  openAfter: 1\n")
	good := write(t, "good.yaml", strings.Replace(twoNights, "INTERVAL", "3d-5d", 1))
	got := execute(t.Context(), nil, "policy", "test", "-f", path, good)
	require.Equal(t, cli.ExitOK, got.code, got.stdout+got.stderr)
	require.Regexp(t, "^1 of 1 traces came as expected under policy [0-9a-f]{12}\n$", got.stdout)

	bad := write(t, "bad.yaml", strings.Replace(twoNights, "INTERVAL", "2d-5d", 1))
	got = execute(t.Context(), nil, "policy", "test", "-f", path, good, bad)
	require.Equal(t, cli.ExitFailed, got.code)
	require.Contains(t, got.stdout, "FAIL  "+bad+": nights, file server\n      expected 2d-5d failed D01, and 3d-5d failed D01 came\n      came: 3d-5d failed D01\n1 of 2 traces")

	got = execute(t.Context(), nil, "policy", "test", "-f", path, path)
	require.Equal(t, cli.ExitUsage, got.code)
	require.Contains(t, got.stderr, "read traces "+path)
	got = execute(t.Context(), nil, "policy", "test", "-f", path)
	require.Equal(t, result{code: cli.ExitUsage, stderr: "covewise: no trace is named; see covewise policy test --help\n"}, got)
}

const showPolicy = `  stale: {server: 36h}
  customers:
  - {name: dentists, select: {customer: "*dental*"}, never: 5d}
  devices:
  - {name: lab, select: {device: "lab-*"}, openAfter: 3}
  snoozes:
  - {name: moving, select: {customer: "*dental*"}, reason: office moves, author: ann, until: 2026-12-01}
`

// values returns the rows of a policy table in JSON by key.
func values(t *testing.T, got result) map[string][]string {
	t.Helper()
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var rows []map[string]string
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &rows), got.stdout)
	by := map[string][]string{}
	for _, row := range rows {
		by[row["key"]] = []string{row["value"], row["level"], row["rule"]}
	}
	return by
}

func TestPolicyShowOfAFile(t *testing.T) {
	t.Parallel()
	path := write(t, "tenants.yaml", policyDocument+showPolicy)
	show := func(args ...string) result {
		return execute(t.Context(), nil, append([]string{"policy", "show", "-f", path}, args...)...)
	}
	require.Equal(t, map[string][]string{
		"stale.server": {"36h", "tenant", ""}, "never": {"5d", "customer", "dentists"}, "openAfter": {"3", "device", "lab"},
		"snoozes": {"until 2026-12-02T00:00:00Z by ann: office moves", "tenant", "moving"},
	}, values(t, show("--output", "json")))

	about := []string{"--effective", "--device", "LAB-7", "--class", "server", "--customer", "Bluefin Dental Group"}
	got := values(t, show(append(about, "--output", "json")...))
	require.Equal(t, []string{"36h", "tenant", ""}, got["stale"])
	require.Equal(t, []string{"5d", "customer", "dentists"}, got["never"])
	require.Equal(t, []string{"3", "device", "lab"}, got["openAfter"])
	require.Equal(t, []string{"3", "system", ""}, got["flap.changes"])
	require.Len(t, got, len(tenant.PolicyKeys()), "every value is shown")

	text := show(append(about, "--at", "2026-11-22T06:00:00Z")...)
	require.Equal(t, cli.ExitOK, text.code, text.stderr)
	require.Contains(t, text.stdout, "device    LAB-7 (server), customer  Bluefin Dental Group\n")
	require.Contains(t, text.stdout, "judged    yes, but no news are told until 2026-12-02T00:00:00Z: snoozed by ann: office moves\n")
	require.Contains(t, show(append(about, "--at", "2026-12-24T06:00:00Z")...).stdout, "judged    yes\n")

	for want, args := range map[string][]string{
		"--device is missing; name a device, or leave --effective out":                                           {"--effective"},
		"--class is missing; say whether the device is a server, workstation, documents or m365, or name --data": {"--effective", "--device", "x"},
		`--class: "servers" is none of server, workstation, documents, m365; write one of them`:                  {"--effective", "--device", "x", "--class", "servers"},
		`--at "now" is not a time; write for example 2026-11-22T02:30:00Z`:                                       {"--at", "now"},
		"--version and -f exclude each other; versions are those that were in use":                               {"--version", "abc"},
		"--tenant pier is not in " + path + "; choose one of harbor":                                             {"--tenant", "pier"},
	} {
		require.Equal(t, result{code: cli.ExitUsage, stderr: "covewise: " + want + "\n"}, show(args...))
	}
}

func TestPolicyShowOfWhatIsInUse(t *testing.T) {
	t.Parallel()
	path := write(t, "tenants.yaml", policyDocument+showPolicy)
	docs, err := tenant.Load(path, tenant.Options{WithoutSecrets: true})
	require.NoError(t, err)
	first := docs[0].Settings().GetPolicy().GetVersion()
	dir := recorded(t, func(ctx context.Context, nc *nats.Conn) {
		b := bustest.Open(t, nc)
		now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
		_, err := record.Apply(ctx, b, docs, "ann", now)
		require.NoError(t, err)
		docs[0].Policy.Values["stale.server"] = "40h"
		_, err = record.Apply(ctx, b, docs, "ann", now.Add(time.Hour))
		require.NoError(t, err)
		states, err := bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState)
		require.NoError(t, err)
		_, err = states.Put(ctx, bus.Key("harbor", "5001"), &incidentv1.DeviceState{
			Tenant: "harbor", DeviceId: "5001", Snapshot: &statusv1.Snapshot{
				DeviceId: "5001", ObservedAt: timestamppb.New(now), Customer: &statusv1.Customer{Id: "4711", Name: "Bluefin Dental Group"},
				Columns: []*statusv1.Column{{Code: "AN", Value: "lab-9"}, {Code: "AT", Value: "1"}, {Code: "OT", Value: "2"}},
			},
		}, 0)
		require.NoError(t, err)
	})
	show := func(args ...string) result {
		return execute(t.Context(), nil, append([]string{"policy", "show", "--data", dir, "--output", "json"}, args...)...)
	}
	got := values(t, show("--effective", "--device", "LAB-9"))
	require.Equal(t, [][]string{{"40h", "tenant", ""}, {"5d", "customer", "dentists"}, {"3", "device", "lab"}},
		[][]string{got["stale"], got["never"], got["openAfter"]})
	require.Equal(t, got, values(t, show("--effective", "--device", "5001")))
	require.Equal(t, []string{"36h", "tenant", ""}, values(t, show("--effective", "--device", "5001", "--version", first))["stale"], "as it was")
	require.Equal(t, []string{"36h", "tenant", ""}, values(t, show("--effective", "--device", "5001", "-f", path))["stale"], "as it would be")
	require.Equal(t, []string{"40h", "tenant", ""}, values(t, show())["stale.server"])

	require.Equal(t, "covewise: --device \"srv\" is none of the 1 known devices; check its name or give its id\n", show("--effective", "--device", "srv").stderr)
	unknown := show("--version", "abc")
	require.Equal(t, cli.ExitUsage, unknown.code)
	require.Contains(t, unknown.stderr, `harbor never had a policy of version "abc"`)

	unfit := write(t, "unfit.yaml", policyDocument+"  devices:\n  - {name: printers, select: {device: PRN-*}, never: 9d}\n")
	lint := execute(t.Context(), nil, "policy", "lint", "-f", unfit, "--data", dir)
	require.Equal(t, result{stdout: unfit + ":16: warning: policy.devices[0].select: \"printers\" fits none of the 1 known devices; check its names\n"}, lint)
}
