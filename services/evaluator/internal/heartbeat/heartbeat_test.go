package heartbeat_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/heartbeat"
)

const secret = "s3cret-token"

// outside is a watch that is called; it answers what is queued, then 200.
type outside struct {
	mu      sync.Mutex
	answers []int
	paths   []string
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.paths = append(o.paths, r.URL.Path)
	if len(o.answers) == 0 {
		return
	}
	status := o.answers[0]
	o.answers = o.answers[1:]
	if status == http.StatusFound {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
}

func (o *outside) called() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.paths)
}

// world is a heart that beats, and what it says.
type world struct {
	heart    *heartbeat.Heart
	outside  *outside
	address  string
	registry *prometheus.Registry
	log      *log
}

type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newWorld(t *testing.T, answers ...int) *world {
	t.Helper()
	w := &world{outside: &outside{answers: answers}, registry: prometheus.NewRegistry(), log: &log{}}
	server := httptest.NewServer(w.outside)
	t.Cleanup(server.Close)
	w.address = server.URL + "/ping/" + secret
	var err error
	w.heart, err = heartbeat.New(heartbeat.Options{
		Logger: slog.New(slog.NewTextHandler(w.log, nil)), Wait: time.Millisecond, Metrics: w.registry,
		LookupEnv: func(name string) (string, bool) { return w.address, name == "HEARTBEAT" },
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.heart.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return w
}

func settings(ref *tenantv1.SecretRef) *tenantv1.Settings {
	return &tenantv1.Settings{Id: "harbor", Heartbeat: &tenantv1.Heartbeat{Url: ref}}
}

// beats waits until so many heartbeats were sent and so many failed.
func (w *world) beats(t *testing.T, sent, failed int) {
	t.Helper()
	want := strings.NewReplacer("SENT", itoa(sent), "FAILED", itoa(failed)).Replace(`
# HELP covewise_evaluator_heartbeats_total Heartbeats to watches outside, by what became of them.
# TYPE covewise_evaluator_heartbeats_total counter
covewise_evaluator_heartbeats_total{outcome="failed"} FAILED
covewise_evaluator_heartbeats_total{outcome="sent"} SENT
`)
	require.Eventually(t, func() bool { return testutil.GatherAndCompare(w.registry, strings.NewReader(want)) == nil },
		10*time.Second, time.Millisecond, "%d sent, %d failed", sent, failed)
}

func itoa(n int) string { return string(rune('0' + n)) }

func TestAHeartbeatIsOneRequestToTheSecretAddress(t *testing.T) {
	w := newWorld(t)
	w.heart.Beat(settings(&tenantv1.SecretRef{Env: "HEARTBEAT"}))
	w.beats(t, 1, 0)
	file := filepath.Join(t.TempDir(), "heartbeat.url")
	require.NoError(t, os.WriteFile(file, []byte(w.address+"\n"), 0o600))
	w.heart.Beat(settings(&tenantv1.SecretRef{File: file}))
	w.beats(t, 2, 0)
	w.heart.Beat(&tenantv1.Settings{Id: "quay"}) // which wants none
	require.Equal(t, []string{"/ping/" + secret, "/ping/" + secret}, w.outside.paths)
	require.Empty(t, w.log.String())
}

func TestAFailedHeartbeatIsTriedAgainAndSaidOnce(t *testing.T) {
	w := newWorld(t, 503, 503, 503, 503, 503, 503, 503, 302, 404)
	ref := &tenantv1.SecretRef{Env: "HEARTBEAT"}
	w.heart.Beat(settings(ref))
	w.beats(t, 0, 1)
	require.Equal(t, 3, w.outside.called())
	w.heart.Beat(settings(ref))
	w.beats(t, 0, 2)
	require.Equal(t, 1, strings.Count(w.log.String(), "level=WARN"), w.log.String())
	require.Contains(t, w.log.String(), "answers 503 Service Unavailable")

	w.heart.Beat(settings(ref)) // one more 503, then a redirect: the address is for one server only
	w.beats(t, 0, 3)
	w.heart.Beat(settings(ref)) // 404 is no matter of trying again
	w.beats(t, 0, 4)
	require.Equal(t, 9, w.outside.called())
	require.NotContains(t, w.outside.paths, "/elsewhere")
	w.heart.Beat(settings(ref))
	w.beats(t, 1, 4)
	require.Contains(t, w.log.String(), `level=INFO msg="heartbeat sent again" tenant=harbor`)
	require.NotContains(t, w.log.String(), secret)
}

func TestAWrongAddressIsNotAskedAndNotShown(t *testing.T) {
	for sentence, address := range map[string]string{
		"http to another machine": "http://hc.example.com/ping/" + secret,
		"no scheme":               "hc.example.com/ping/" + secret,
		"no host":                 "https:///ping/" + secret,
		"no address":              "https://hc.example.com/%zz" + secret,
		"another protocol":        "ftp://hc.example.com/" + secret,
		"nobody answers":          "http://127.0.0.1:1/ping/" + secret,
	} {
		w := newWorld(t)
		w.address = address
		w.heart.Beat(settings(&tenantv1.SecretRef{Env: "HEARTBEAT"}))
		w.beats(t, 0, 1)
		require.Equal(t, 1, strings.Count(w.log.String(), "level=WARN"), sentence)
		require.NotContains(t, w.log.String(), secret, sentence)
	}
	w := newWorld(t)
	w.heart.Beat(settings(&tenantv1.SecretRef{Env: "ELSEWHERE"}))
	w.beats(t, 0, 1)
	require.Contains(t, w.log.String(), "heartbeat.url")
}
