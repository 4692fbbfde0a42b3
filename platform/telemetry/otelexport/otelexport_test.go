package otelexport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/telemetry"
	"github.com/covewise/covewise/platform/telemetry/otelexport"
)

// environment sets variables of the process, which the exporters read, and returns a lookup of them alone.
func environment(t *testing.T, variables map[string]string) func(string) (string, bool) {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value)
	}
	return func(name string) (string, bool) {
		value, set := variables[name]
		return value, set
	}
}

func TestFromEnvironmentAsksForNothingByDefault(t *testing.T) {
	for name, variables := range map[string]map[string]string{
		"nothing is set":      {},
		"it is switched off":  {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
		"the SDK is disabled": {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"},
	} {
		t.Run(name, func(t *testing.T) {
			exporter, err := otelexport.FromEnvironment(t.Context(), environment(t, variables))
			require.NoError(t, err)
			require.Nil(t, exporter)
		})
	}
}

func TestFromEnvironmentRefusesWhatItDoesNotKnow(t *testing.T) {
	_, err := otelexport.FromEnvironment(t.Context(), environment(t, map[string]string{"OTEL_TRACES_EXPORTER": "carrier-pigeon"}))
	require.ErrorContains(t, err, "OTEL_TRACES_EXPORTER")
}

func TestSpansReachTheCollectorThatTheEnvironmentNames(t *testing.T) {
	paths := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path }))
	defer collector.Close()
	exporter, err := otelexport.FromEnvironment(t.Context(), environment(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}))
	require.NoError(t, err)
	provider, err := telemetry.Tracing(t.Context(), "poller", "dev", exporter)
	require.NoError(t, err)
	_, span := provider.Tracer("test").Start(t.Context(), "sweep")
	span.End()
	require.NoError(t, provider.Shutdown(t.Context()))
	require.Equal(t, "/v1/traces", <-paths)
}
