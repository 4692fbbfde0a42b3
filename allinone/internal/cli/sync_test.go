package cli_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/connectors/cove/covefake"
)

// running starts covewise up and returns its log and a function that stops it.
func (o *outside) running() (log *lines, stop func()) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	log = newLines()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Execute(ctx, []string{"up", "--tenants", o.tenants, "--data", o.data, "--listen", "127.0.0.1:0"}, cli.Surroundings{
			Stdout: io.Discard, Stderr: log, LookupEnv: func(name string) (string, bool) { return o.secrets[name], true },
		})
		_ = log.Close()
	}()
	return log, func() {
		cancel()
		code := <-ended
		log.read.Wait()
		var rest []string
		for line := range log.found {
			rest = append(rest, line)
		}
		require.Equal(o.t, cli.ExitOK, code, "%s", strings.Join(rest, "\n"))
	}
}

func (o *outside) sync(more ...string) result {
	o.t.Helper()
	return execute(o.t.Context(), nil, append([]string{"sync", "--data", o.data}, more...)...)
}

func TestSyncSweepsATenantNow(t *testing.T) {
	t.Parallel()
	o := described(t)
	log, stop := o.running()
	defer stop()
	log.await(t, "sweep complete", "tenant=harbor", "devices=3")

	o.set(1000, "2")
	got := o.sync("--tenant", "harbor")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Regexp(t, `^harbor: sweep \d+ is complete; 3 devices, 1 changed; \d+ requests in \d+s\n$`, got.stdout)

	_, err := o.cove.AddFault(covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultNoDevices})
	require.NoError(t, err)
	for range 2 { // the second although the first failed: an order does not wait for a back-off
		got = o.sync()
		require.Equal(t, cli.ExitIncomplete, got.code, got.stderr)
		require.Regexp(t, `^harbor: sweep \d+ is incomplete, nothing is concluded from it: .*no device was returned.*\n$`, got.stdout)
	}

	o.cove.ClearFaults()
	_, err = o.cove.AddFault(covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultSlow})
	require.NoError(t, err)
	got = o.sync("--timeout", "300ms")
	require.Equal(t, result{cli.ExitIncomplete, "", "covewise: harbor: the sweep did not end within 300ms; it stays ordered, and the log of covewise up tells of it\n"}, got)
	o.cove.ClearFaults()
}

func TestSyncIsKeptForTheNextStart(t *testing.T) {
	t.Parallel()
	o := described(t)
	log, stop := o.running()
	log.await(t, "sweep complete", "tenant=harbor")
	stop()
	require.Equal(t, result{cli.ExitOK, "harbor: no covewise runs there; the sweep is due at its next start\n", ""}, o.sync())

	o.set(1000, "2")
	log, stop = o.running()
	defer stop()
	log.await(t, "sweep complete", "tenant=harbor", "published=1")
}

func TestSyncNeedsATenantAndTime(t *testing.T) {
	t.Parallel()
	o := described(t)
	require.Equal(t, cli.ExitOK, o.once().code)
	for says, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown tenant": {[]string{"--tenant", "pier"}, "covewise: --tenant pier is not known; choose one of harbor\n"},
		"no time":           {[]string{"--timeout", "0s"}, "covewise: --timeout 0s is not positive; write for example 2m\n"},
	} {
		require.Equal(t, result{cli.ExitUsage, "", c.want}, o.sync(c.args...), says)
	}
}
