// Package telemetry owns how a process tells what it does: the logger, traces and their way through
// message headers, metrics and health pages.
//
// Nothing in it is global: every function returns an instance for its caller to hand on, so that several
// services, or several copies of one, live in one process. It names no metrics and starts no spans; the
// services do. Where spans are sent is chosen by the main package, with package otelexport or an
// exporter of its own.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// Format is how log lines are written.
type Format string

// The formats.
const (
	Text Format = "text" // key=value, for people
	JSON Format = "json" // one object a line, for collectors
)

// ParseLevel returns the level that s names: debug, info, warn or error.
func ParseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	default:
		return 0, fmt.Errorf("log level %q is none of debug, info, warn, error", s)
	}
}

// ParseFormat returns the format that s names: text or json.
func ParseFormat(s string) (Format, error) {
	switch f := Format(strings.ToLower(s)); f {
	case Text, JSON:
		return f, nil
	default:
		return "", fmt.Errorf("log format %q is none of text, json", s)
	}
}

// Logger returns a logger that writes lines of at least level to w, as JSON or else as text. A line
// whose context carries a span gets its trace_id.
func Logger(w io.Writer, level slog.Level, format Format) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, opts)
	if format == JSON {
		h = slog.NewJSONHandler(w, opts)
	}
	return slog.New(TraceHandler(h))
}

// TraceHandler returns a handler that gives h each record with the trace_id of the span in its context.
func TraceHandler(h slog.Handler) slog.Handler { return &traceHandler{Handler: h, ungrouped: h} }

// traceHandler keeps h as it was before its first group, because an attribute added to a record later
// would become part of the group and trace_id must be found under one name.
type traceHandler struct {
	slog.Handler
	ungrouped slog.Handler
	since     []func(slog.Handler) slog.Handler // what was done to ungrouped to make Handler
}

func (h *traceHandler) Handle(ctx context.Context, r slog.Record) error {
	span := trace.SpanContextFromContext(ctx)
	if !span.HasTraceID() {
		return h.Handler.Handle(ctx, r)
	}
	next := h.ungrouped.WithAttrs([]slog.Attr{slog.String("trace_id", span.TraceID().String())})
	for _, do := range h.since {
		next = do(next)
	}
	return next.Handle(ctx, r)
}

func (h *traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(h.since) == 0 {
		return TraceHandler(h.Handler.WithAttrs(attrs))
	}
	return h.then(func(next slog.Handler) slog.Handler { return next.WithAttrs(attrs) })
}

func (h *traceHandler) WithGroup(name string) slog.Handler {
	return h.then(func(next slog.Handler) slog.Handler { return next.WithGroup(name) })
}

func (h *traceHandler) then(do func(slog.Handler) slog.Handler) slog.Handler {
	return &traceHandler{
		Handler:   do(h.Handler),
		ungrouped: h.ungrouped,
		since:     append(slices.Clip(h.since), do),
	}
}
