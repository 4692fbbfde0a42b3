// Package otelexport chooses where spans are sent, by the standard OTEL_ environment variables.
//
// It is a package of its own because of its weight: the exporters bring gRPC, protobuf and about 200
// packages, 10.6 MB of a binary (13.4 MB without, 24.1 MB with) and 6 s of a first build on two cores. Only main
// packages import it, so that services and connectors, which import package telemetry, stay light and
// can be built without it.
package otelexport

import (
	"context"
	"fmt"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// FromEnvironment returns the exporter that the environment asks for, or nil when it asks for none:
// OTEL_TRACES_EXPORTER (otlp, console or none), OTEL_EXPORTER_OTLP_ENDPOINT, _PROTOCOL, _HEADERS and
// their relatives. Unlike the standard's, the default without any of the first two is none, so that a
// machine without a collector does not log failed deliveries.
//
// LookupEnv is os.LookupEnv in a main package; the exporters read their own settings from the process.
func FromEnvironment(ctx context.Context, lookupEnv func(string) (string, bool)) (sdktrace.SpanExporter, error) {
	wanted := false
	for _, name := range []string{"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		if value, _ := lookupEnv(name); value != "" {
			wanted = true
		}
	}
	if disabled, _ := lookupEnv("OTEL_SDK_DISABLED"); disabled == "true" || !wanted {
		return nil, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("choose the exporter of traces by OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_PROTOCOL: %w", err)
	}
	if autoexport.IsNoneSpanExporter(exporter) {
		return nil, nil
	}
	return exporter, nil
}
