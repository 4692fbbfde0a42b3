package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// refused leaves one incident that the ticketer could not handle.
func refused(t *testing.T) string {
	return recorded(t, func(ctx context.Context, nc *nats.Conn) {
		b := bustest.Open(t, nc)
		require.NoError(t, b.Publish(ctx, bus.Message{
			Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbFailed, Tenant: "harbor", Key: "7"}, ID: "incident:harbor:7-1:1",
			Body: &incidentv1.Event{Tenant: "harbor", DeviceId: "7", IncidentId: "7-1"},
		}))
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		ended := make(chan error, 1)
		go func() {
			ended <- b.Consume(ctx, bus.Ticketer, time.Minute, func(context.Context, bus.Delivery) error {
				return errclass.New(errclass.Rejected, "apply", errors.New("no such thing"))
			})
		}()
		require.Eventually(t, func() bool {
			all, err := b.DeadLetters(ctx, "", 10)
			return err == nil && len(all) == 1
		}, 10*time.Second, 10*time.Millisecond)
		stop()
		require.NoError(t, <-ended)
	})
}

func TestDeadLettersOnTheCommandLine(t *testing.T) {
	dir := refused(t)
	run := func(args ...string) result { return execute(t.Context(), nil, append(append([]string{"dlq"}, args...), "--data", dir)...) }

	listed := run("list", "--output", "json")
	require.Equal(t, cli.ExitOK, listed.code, listed.stderr)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(listed.stdout), &rows))
	require.Len(t, rows, 1)
	require.Equal(t, "apply: no such thing", rows[0]["reason"])
	require.Equal(t, "incident.v1.failed.harbor.7", rows[0]["subject"])

	shown := run("show", "1")
	require.Equal(t, cli.ExitOK, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, "reason    apply: no such thing\n")
	require.Contains(t, shown.stdout, `"7-1"`)

	require.Equal(t, "no dead letters\n", run("list", "--tenant", "other").stdout)
	require.Equal(t, result{cli.ExitFailed, "", "covewise: no such dead letter: 99; covewise dlq list shows what there is\n"}, run("show", "99"))
	require.Equal(t, cli.ExitUsage, run("redrive").code)
	require.Equal(t, cli.ExitUsage, run("redrive", "1", "--all").code)
	require.Equal(t, cli.ExitUsage, run("discard", "one").code)
	require.Equal(t, cli.ExitUsage, run("list", "--output", "xml").code)

	driven := run("redrive", "--all")
	require.Equal(t, result{
		cli.ExitOK, "1 put back into its stream: incident.v1.failed.harbor.7\n",
		"covewise: no covewise runs there; it is handled at the next start\n",
	}, driven)
	require.Equal(t, "no dead letters\n", run("list").stdout)
}

func TestADirectoryWithoutARecordIsNotMade(t *testing.T) {
	dir := t.TempDir() + "/none"
	got := execute(t.Context(), nil, "dlq", "list", "--data", dir)
	require.Equal(t, result{cli.ExitFailed, "", "covewise: nothing is recorded in " + dir + "; name the --data of a covewise up\n"}, got)
	require.NoDirExists(t, dir)
	require.Equal(t, "covewise: --data is missing; name the directory of covewise up, or a cluster with --nats\n",
		execute(t.Context(), nil, "dlq", "list").stderr)
}
