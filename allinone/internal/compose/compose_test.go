package compose_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/compose"
	"github.com/covewise/covewise/allinone/internal/server"
	"github.com/covewise/covewise/platform/run"
	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/record"
)

func options(t *testing.T, dir string) compose.Options {
	t.Helper()
	lock, err := server.Directory(dir)
	require.NoError(t, err)
	return compose.Options{Lock: lock, Author: "test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

func document(id string) tenant.Document {
	doc := tenant.Defaults()
	doc.ID = id
	// Nothing answers at this address, so that every sweep fails at once.
	doc.Cove = tenant.Cove{URL: "http://127.0.0.1:1/jsonapi", Username: "u", Password: tenant.SecretRef{Env: "SECRET"}}
	doc.ConnectWise = tenant.ConnectWise{URL: "http://127.0.0.1:1", Company: "c", ClientID: "x"}
	return doc
}

// running is a system whose Main waits for the test.
type running struct {
	system *compose.System
	end    chan struct{}
	ended  chan error
}

// start runs a system until end is closed. Main itself asserts nothing: it is not the test's goroutine.
func start(t *testing.T, opts compose.Options) *running {
	t.Helper()
	r := &running{end: make(chan struct{}), ended: make(chan error, 1)}
	started := make(chan struct{})
	opts.Main = func(ctx context.Context, s *compose.System) error {
		r.system = s
		close(started)
		select {
		case <-r.end:
		case <-ctx.Done():
		}
		return nil
	}
	go func() { r.ended <- compose.Run(t.Context(), opts) }()
	select {
	case <-started:
	case err := <-r.ended:
		require.NoError(t, err)
	}
	return r
}

func TestEverythingStartsServesAndStopsAndTheInstallationStays(t *testing.T) {
	dir := t.TempDir()
	installation := ""
	for _, run := range []struct {
		docs []tenant.Document
		want map[string]record.Change
	}{
		{[]tenant.Document{document("a"), document("b")}, map[string]record.Change{"a": record.Added, "b": record.Added}},
		{[]tenant.Document{document("b"), document("c")}, map[string]record.Change{"a": record.Removed, "c": record.Added}},
	} {
		var order []string
		opts := options(t, dir)
		opts.Tenants, opts.Listen, opts.Watch = run.docs, "127.0.0.1:0", watching(&order)
		r := start(t, opts)
		require.Equal(t, []string{"watch starts"}, order)
		require.Equal(t, run.want, r.system.Changes)
		if installation == "" {
			installation = r.system.Bus.Installation()
		}
		require.Equal(t, installation, r.system.Bus.Installation())
		require.Eventually(t, func() bool { return status(t, r.system.Address+"readyz") == http.StatusOK }, 20*time.Second, 20*time.Millisecond)
		for _, page := range []string{"", "livez", "metrics", "api/v1/tenants"} {
			require.Equal(t, http.StatusOK, status(t, r.system.Address+page), page)
		}
		require.Equal(t, http.StatusNotFound, status(t, r.system.Address+"hooks/connectwise/nobodys-token"))
		for _, page := range []string{"", "livez", "readyz", "metrics", "api/v1/tenants", "hooks", "hooks/connectwise/../../metrics"} {
			require.Equal(t, http.StatusMisdirectedRequest, named(t, r.system.Address+page, "covewise.example"), page)
		}
		require.Equal(t, http.StatusNotFound, named(t, r.system.Address+"hooks/connectwise/nobodys-token", "covewise.example"))
		_, metrics := get(t, r.system.Address+"metrics")
		require.Contains(t, metrics, `covewise_ticketer_callbacks_total{outcome="unknown_token",service="hooks"} 2`)
		// The ticketer counts as ready as soon as it runs, and makes its figures a moment later.
		require.Eventually(t, func() bool {
			_, metrics = get(t, r.system.Address+"metrics")
			return strings.Contains(metrics, `covewise_connectwise_waiting{lane="first",service="ticketer"} 0`)
		}, 20*time.Second, 20*time.Millisecond)
		close(r.end)
		require.NoError(t, <-r.ended)
		require.Equal(t, []string{"watch starts", "watch stops"}, order)
	}
}

func watching(order *[]string) func(*compose.System) run.Service {
	note := func(what string) func(context.Context) error {
		return func(context.Context) error {
			*order = append(*order, what)
			return nil
		}
	}
	return func(*compose.System) run.Service {
		return run.Service{Name: "watch", Start: note("watch starts"), Stop: note("watch stops")}
	}
}

func status(t *testing.T, address string) int {
	t.Helper()
	code, _ := get(t, address)
	return code
}

func get(t *testing.T, address string) (code int, body string) {
	t.Helper()
	return ask(t, address, "")
}

// named returns the status of an address that is asked for under another name.
func named(t *testing.T, address, host string) int {
	t.Helper()
	code, _ := ask(t, address, host)
	return code
}

func ask(t *testing.T, address, host string) (code int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	if host != "" {
		request.Host = host
	}
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(all)
}

func TestAnEndedContextIsAnOrderlyEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	opts := options(t, t.TempDir())
	opts.Main = func(own context.Context, _ *compose.System) error {
		stop()
		<-own.Done()
		return own.Err()
	}
	require.NoError(t, compose.Run(ctx, opts))
}

func TestAFailureIsReturnedAndTheDirectoryGivenBack(t *testing.T) {
	broken := errors.New("broken")
	dir := t.TempDir()
	for name, change := range map[string]func(*compose.Options){
		"of main": func(o *compose.Options) { o.Main = func(context.Context, *compose.System) error { return broken } },
		"of watch": func(o *compose.Options) {
			o.Watch = func(*compose.System) run.Service {
				return run.Service{Start: func(context.Context) error { return broken }}
			}
		},
	} {
		opts := options(t, dir)
		change(&opts)
		require.ErrorIs(t, compose.Run(t.Context(), opts), broken, name)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	require.NoError(t, compose.Run(ended, options(t, dir)), "nothing is started when the end comes first")
	lock, err := server.Directory(dir)
	require.NoError(t, err)
	require.NoError(t, lock.Release())
}

func TestASweepThatCannotReachCoveIsIncomplete(t *testing.T) {
	opts := options(t, t.TempDir())
	opts.Tenants, opts.NoPoller = []tenant.Document{document("a")}, true
	opts.LookupEnv = func(string) (string, bool) { return "secret", true }
	r := start(t, opts)
	sweeps, err := r.system.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, sweeps, 1)
	require.False(t, sweeps["a"].GetComplete())
	require.NotEmpty(t, sweeps["a"].GetFailure())
	close(r.end)
	require.NoError(t, <-r.ended)
}
