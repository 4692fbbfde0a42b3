package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/covewise/covewise/platform/telemetry"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

// withSpan returns a context as it is behind a message that carries traceID, sampled.
func withSpan(t *testing.T) context.Context {
	t.Helper()
	return telemetry.Extract(t.Context(), map[string][]string{"traceparent": {"00-" + traceID + "-" + spanID + "-01"}})
}

func TestParseLevel(t *testing.T) {
	for text, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "WARN": slog.LevelWarn, "warning": slog.LevelWarn, "Error": slog.LevelError,
	} {
		level, err := telemetry.ParseLevel(text)
		require.NoError(t, err)
		require.Equal(t, want, level)
	}
	_, err := telemetry.ParseLevel("loud")
	require.EqualError(t, err, `log level "loud" is none of debug, info, warn, error`)
}

func TestParseFormat(t *testing.T) {
	for text, want := range map[string]telemetry.Format{"text": telemetry.Text, "JSON": telemetry.JSON} {
		format, err := telemetry.ParseFormat(text)
		require.NoError(t, err)
		require.Equal(t, want, format)
	}
	_, err := telemetry.ParseFormat("xml")
	require.EqualError(t, err, `log format "xml" is none of text, json`)
}

func TestLoggerWritesLevelAndAbove(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.Logger(&out, slog.LevelWarn, telemetry.Text)
	log.InfoContext(withSpan(t), "not shown")
	log.WarnContext(withSpan(t), "shown", "tenant", "harbor")
	require.NotContains(t, out.String(), "not shown")
	require.Contains(t, out.String(), "level=WARN msg=shown trace_id="+traceID+" tenant=harbor\n")
}

func TestLoggerAddsTheTraceOutsideOfGroups(t *testing.T) {
	tests := map[string]struct {
		logger func(*slog.Logger) *slog.Logger
		ctx    context.Context
		want   string
	}{
		"a plain logger": {
			func(l *slog.Logger) *slog.Logger { return l },
			withSpan(t), `{"trace_id":"` + traceID + `","a":1}`,
		},
		"a logger with attributes": {
			func(l *slog.Logger) *slog.Logger { return l.With("service", "poller") },
			withSpan(t), `{"service":"poller","trace_id":"` + traceID + `","a":1}`,
		},
		"a logger with attributes and groups": {
			func(l *slog.Logger) *slog.Logger { return l.With("b", 2).WithGroup("g").With("c", 3).WithGroup("h") },
			withSpan(t), `{"b":2,"trace_id":"` + traceID + `","g":{"c":3,"h":{"a":1}}}`,
		},
		"a context without a span": {
			func(l *slog.Logger) *slog.Logger { return l.WithGroup("g") },
			t.Context(), `{"g":{"a":1}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			test.logger(telemetry.Logger(&out, slog.LevelInfo, telemetry.JSON)).InfoContext(test.ctx, "m", "a", 1)
			_, rest, found := strings.Cut(out.String(), `"msg":"m",`)
			require.True(t, found)
			require.Equal(t, test.want, "{"+strings.TrimSuffix(rest, "\n"))
		})
	}
}

func TestATraceGoesThroughAHeader(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider, err := telemetry.Tracing(t.Context(), "poller", "v1.2.3", exporter)
	require.NoError(t, err)
	ctx, span := provider.Tracer("test").Start(t.Context(), "sweep")
	header := map[string][]string{"Nats-Msg-Id": {"1"}}
	telemetry.Inject(ctx, header)
	sent := span.SpanContext()
	require.Equal(t, map[string][]string{
		"Nats-Msg-Id": {"1"},
		"traceparent": {"00-" + sent.TraceID().String() + "-" + sent.SpanID().String() + "-01"},
	}, header)

	received := trace.SpanContextFromContext(telemetry.Extract(t.Context(), header))
	require.Equal(t, sent.WithRemote(true), received)

	span.End()
	require.NoError(t, provider.ForceFlush(t.Context()))
	spans := exporter.GetSpans()
	require.Len(t, spans, 1)
	require.Equal(t, "sweep", spans[0].Name)
	attributes := map[string]string{}
	for _, kv := range spans[0].Resource.Attributes() {
		attributes[string(kv.Key)] = kv.Value.String()
	}
	require.Equal(t, "poller", attributes["service.name"])
	require.Equal(t, "v1.2.3", attributes["service.version"])
	require.NoError(t, provider.Shutdown(t.Context()))
}

func TestHeadersWithoutATrace(t *testing.T) {
	header := map[string][]string{}
	telemetry.Inject(t.Context(), header)
	require.Empty(t, header, "no span, no header")

	for name, header := range map[string]map[string][]string{
		"none at all":     nil,
		"an empty list":   {"traceparent": {}},
		"a spoilt header": {"traceparent": {"00-xyz"}},
	} {
		span := trace.SpanContextFromContext(telemetry.Extract(t.Context(), header))
		require.False(t, span.IsValid(), name)
	}
	other := telemetry.Extract(t.Context(), map[string][]string{"Traceparent": {"00-" + traceID + "-" + spanID + "-01"}})
	require.Equal(t, traceID, trace.SpanContextFromContext(other).TraceID().String(), "in another case")
}

func TestTracingWithoutAnExporterStillPassesTracesOn(t *testing.T) {
	provider, err := telemetry.Tracing(t.Context(), "poller", "dev", nil)
	require.NoError(t, err)
	_, own := provider.Tracer("test").Start(t.Context(), "own")
	require.True(t, own.SpanContext().HasTraceID())
	require.False(t, own.SpanContext().IsSampled(), "nobody would see it")

	_, passed := provider.Tracer("test").Start(withSpan(t), "passed on")
	require.Equal(t, traceID, passed.SpanContext().TraceID().String())
	require.True(t, passed.SpanContext().IsSampled(), "the next process may export it")
	require.NoError(t, provider.Shutdown(t.Context()))
}

func get(t *testing.T, h http.Handler, path string) (status int, body string) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, http.NoBody)
	require.NoError(t, err)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, strings.TrimSpace(string(content))
}

func TestHealthPages(t *testing.T) {
	now := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	health := telemetry.NewHealth(func() time.Time { return now })

	status, body := get(t, health.Handler(), "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status, "nothing has reported")
	require.JSONEq(t, `{"ready":false,"components":[]}`, body)

	health.Expect("poller", "bus")
	now = now.Add(time.Minute)
	health.Set("bus", nil)
	health.Expect("bus") // changes nothing
	status, body = get(t, health.Handler(), "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.JSONEq(t, `{"ready":false,"components":[
		{"name":"bus","ready":true,"since":"2026-01-31T08:01:00Z"},
		{"name":"poller","ready":false,"reason":"starting","since":"2026-01-31T08:00:00Z"}]}`, body)

	health.Set("poller", nil)
	status, _ = get(t, health.Handler(), "/readyz")
	require.Equal(t, http.StatusOK, status)

	now = now.Add(time.Minute)
	health.Set("bus", errors.New("disconnected"))
	now = now.Add(time.Minute)
	health.Set("bus", errors.New("no servers available"))
	status, body = get(t, health.Handler(), "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.JSONEq(t, `{"ready":false,"components":[
		{"name":"bus","ready":false,"reason":"no servers available","since":"2026-01-31T08:02:00Z"},
		{"name":"poller","ready":true,"since":"2026-01-31T08:01:00Z"}]}`, body)

	status, body = get(t, health.Handler(), "/livez")
	require.Equal(t, http.StatusOK, status, "a process that is not ready is alive")
	require.JSONEq(t, `{"live":true}`, body)
}

// counter registers what any service registers, under a name that all copies share.
func counter(reg prometheus.Registerer) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "covewise_test_total", Help: "Counts in tests."})
	reg.MustRegister(c)
	return c
}

func TestServicesOfTheSameKindShareAProcess(t *testing.T) {
	first, second := telemetry.Registry(), telemetry.Registry()
	counter(telemetry.For(first, "poller")).Add(1)
	counter(telemetry.For(first, "ticketer")).Add(2)
	counter(telemetry.For(second, "poller")).Add(3)

	_, body := get(t, telemetry.MetricsHandler(first), "/metrics")
	require.Contains(t, body, `covewise_test_total{service="poller"} 1`)
	require.Contains(t, body, `covewise_test_total{service="ticketer"} 2`)
	require.Contains(t, body, "go_goroutines ")
	require.Contains(t, body, "process_open_fds ")
	_, body = get(t, telemetry.MetricsHandler(second), "/metrics")
	require.Contains(t, body, `covewise_test_total{service="poller"} 3`)

	one, two := telemetry.NewHealth(time.Now), telemetry.NewHealth(time.Now)
	one.Set("poller", nil)
	ready, _ := one.Report()
	require.True(t, ready)
	ready, components := two.Report()
	require.False(t, ready)
	require.Empty(t, components)

	a, err := telemetry.Tracing(t.Context(), "poller", "dev", nil)
	require.NoError(t, err)
	b, err := telemetry.Tracing(t.Context(), "poller", "dev", tracetest.NewNoopExporter())
	require.NoError(t, err)
	require.NoError(t, a.Shutdown(t.Context()))
	_, span := b.Tracer("test").Start(t.Context(), "still recording")
	require.True(t, span.IsRecording(), "shutting one down leaves the other")
	require.NoError(t, b.Shutdown(t.Context()))
}
