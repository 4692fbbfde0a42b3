package telemetry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Tracing returns a tracer provider whose spans name service and version and are sent to exporter in
// batches. The caller shuts it down, which sends what is left and shuts the exporter down.
//
// A nil exporter sends nothing; spans still have ids, so that log lines of one trace can be found
// together and a sampled trace is passed on as such.
func Tracing(ctx context.Context, service, version string, exporter sdktrace.SpanExporter) (*sdktrace.TracerProvider, error) {
	res, err := resource.New(
		ctx,
		resource.WithAttributes(attribute.String("service.name", service), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(),
		resource.WithHost(),
	)
	if err != nil {
		return nil, fmt.Errorf("describe %s for traces: %w", service, err)
	}
	if exporter == nil {
		return sdktrace.NewTracerProvider(
			sdktrace.WithResource(res),
			sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())),
		), nil
	}
	return sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithBatcher(exporter)), nil
}

// Inject writes the span of ctx into header as W3C trace context (traceparent, tracestate); without a
// span it writes nothing. The header must not be nil.
func Inject(ctx context.Context, header map[string][]string) {
	propagation.TraceContext{}.Inject(ctx, carrier(header))
}

// Extract returns ctx with the span that header names as its remote parent, or ctx itself when the
// header names none. trace.SpanContextFromContext gives the span, to link to.
func Extract(ctx context.Context, header map[string][]string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, carrier(header))
}

// carrier is a message header. Headers of NATS messages keep the case they were written in, so keys are
// written in the lower case that W3C Trace Context asks for and read in any.
type carrier map[string][]string

func (c carrier) Get(key string) string {
	if values := c[key]; len(values) > 0 {
		return values[0]
	}
	for k, values := range c {
		if strings.EqualFold(k, key) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

func (c carrier) Set(key, value string) { c[key] = []string{value} }

func (c carrier) Keys() []string { return slices.Collect(maps.Keys(c)) }
