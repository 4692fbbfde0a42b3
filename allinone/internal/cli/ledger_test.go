package cli_test

import (
	"context"
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
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func TestTheLedgerShowsTheLastSweepsNewestFirst(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	dir := recorded(t, func(ctx context.Context, nc *nats.Conn) {
		b := bustest.Open(t, nc)
		settings, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
		require.NoError(t, err)
		for _, tenant := range []string{"harbor", "quay"} {
			_, err = settings.Put(ctx, bus.Key(tenant), &tenantv1.Settings{Id: tenant}, 0)
			require.NoError(t, err)
		}
		for sweep := range 3 {
			key := string(rune('1' + sweep))
			account := &incidentv1.SweepJudged{
				Tenant: "harbor", Sweep: uint64(sweep + 1), ObservedAt: timestamppb.New(noon.Add(time.Duration(sweep) * time.Hour)),
				Devices: 10, Healthy: 6, InTrouble: 1, Excluded: 1, Unknown: 2, UnknownIds: []string{"7", "9"},
				UnknownReasons: []*incidentv1.ReasonCount{{Reason: "not described yet", Devices: 2}},
			}
			for _, repetition := range []string{"", ":again"} { // a sweep whose end was delivered twice after the dedup window
				require.NoError(t, b.Publish(ctx, bus.Message{
					Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbJudged, Tenant: "harbor", Key: key},
					ID:      "judged:harbor:" + key + repetition, Body: account,
				}))
			}
		}
	})
	run := func(args ...string) result {
		return execute(t.Context(), nil, append([]string{"ledger", "--data", dir}, args...)...)
	}

	shown := run("--tenant", "harbor", "--sweeps", "2")
	require.Equal(t, cli.ExitOK, shown.code, shown.stderr)
	var got [][]string
	for line := range strings.Lines(shown.stdout) {
		got = append(got, strings.Fields(line))
	}
	require.Len(t, got, 3)
	require.Equal(t, []string{"3", "2026-11-20", "14:00", "10", "6", "1", "1", "2", "not", "described", "yet", "(2)"}, got[1])
	require.Equal(t, "2", got[2][0])

	var rows []map[string]any
	listed := run("--tenant", "harbor", "--output", "json")
	require.Equal(t, cli.ExitOK, listed.code, listed.stderr)
	require.NoError(t, json.Unmarshal([]byte(listed.stdout), &rows))
	require.Len(t, rows, 3)
	require.Equal(t, []any{"7", "9"}, rows[0]["unknown_devices"])

	none := run("--tenant", "quay")
	require.Equal(t, "no complete sweep was judged yet\n", none.stdout)
	for sentence, args := range map[string][]string{
		"a tenant must be chosen": {}, "an unknown tenant": {"--tenant", "pier"}, "no number of sweeps": {"--tenant", "harbor", "--sweeps", "0"},
	} {
		refused := run(args...)
		require.Equal(t, cli.ExitUsage, refused.code, sentence)
		require.Contains(t, refused.stderr, "; ", sentence)
	}
}
