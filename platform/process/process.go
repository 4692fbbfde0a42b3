// Package process is what the mains of the services share: reading the environment, the connection to NATS,
// logs, metrics, traces and health, and an exit code. Only main packages import it; services are handed the
// parts and do not know where they come from.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kelseyhightower/envconfig"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/covewise/covewise/platform/run"
	"github.com/covewise/covewise/platform/telemetry"
	"github.com/covewise/covewise/platform/telemetry/otelexport"
)

// Process is what a service gets from its main.
type Process struct {
	NATS       *nats.Conn
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Tracer     trace.TracerProvider
	OnHealth   func(component string, err error)
	LookupEnv  func(name string) (value string, set bool)
	Listen     string                                     // the address of the listener; empty: there is none
	Handle     func(pattern string, handler http.Handler) // adds pages to the listener
}

// shared is the part of the environment that every service reads.
type shared struct {
	NATSURL   string `envconfig:"NATS_URL" default:"nats://127.0.0.1:4222" desc:"servers of the NATS cluster, comma separated"`
	Listen    string `envconfig:"LISTEN" desc:"address for /livez, /readyz and /metrics, such as :8080; empty: none"`
	LogLevel  string `envconfig:"LOG_LEVEL" default:"info" desc:"debug, info, warn or error"`
	LogFormat string `envconfig:"LOG_FORMAT" default:"json" desc:"json or text"`
}

// exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs a service as a process and returns its exit code: 0 when it was told to stop, 1 when it failed,
// 2 when the environment or the arguments are wrong. settings points to the service's own environment, read
// with the prefix <NAME>_; serve runs until its context ends.
func Main(name string, settings any, serve func(ctx context.Context, p Process) error) int {
	return start(name, settings, serve, os.Args[1:], os.Stderr)
}

func start(name string, settings any, serve func(ctx context.Context, p Process) error, args []string, stderr io.Writer) int {
	prefix := strings.ToUpper(name)
	var env shared
	if len(args) > 0 {
		if args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
			usage(name, prefix, settings, &env, stderr)
			return exitOK
		}
		fmt.Fprintf(stderr, "%s: unexpected argument %q; it is configured by the environment, see %s --help\n", name, args[0], name)
		return exitUsage
	}
	level, format, err := read(prefix, settings, &env)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v; see %s --help\n", name, err, name)
		return exitUsage
	}
	ctx, stop := run.SignalContext(context.Background())
	defer stop()
	log := telemetry.Logger(stderr, level, format).With("service", name)
	if err := connected(ctx, name, env, log, serve); err != nil {
		log.Error("service failed", "err", err)
		return exitFailed
	}
	return exitOK
}

func read(prefix string, settings any, env *shared) (slog.Level, telemetry.Format, error) {
	if err := envconfig.Process("", env); err != nil {
		return 0, "", err
	}
	if err := envconfig.CheckDisallowed(prefix, settings); err != nil {
		return 0, "", err
	}
	if err := envconfig.Process(prefix, settings); err != nil {
		return 0, "", err
	}
	level, err := telemetry.ParseLevel(env.LogLevel)
	if err != nil {
		return 0, "", fmt.Errorf("LOG_LEVEL: %w", err)
	}
	format, err := telemetry.ParseFormat(env.LogFormat)
	if err != nil {
		return 0, "", fmt.Errorf("LOG_FORMAT: %w", err)
	}
	return level, format, nil
}

func usage(name, prefix string, settings any, env *shared, w io.Writer) {
	const table = "{{range .}}  {{usage_key .}}\t{{usage_type .}}\t{{with usage_default .}}default {{.}}{{end}}\t{{usage_description .}}\n{{end}}"
	fmt.Fprintf(w, "%s is configured by environment variables:\n\n", name)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		prefix string
		spec   any
	}{{"", env}, {prefix, settings}} {
		// The template is ours and the writer is the terminal: a failure here has nobody to be told to.
		_ = envconfig.Usagef(part.prefix, part.spec, columns, table)
	}
	_ = columns.Flush()
}

// connected sets everything up around serve and takes it down again.
func connected(ctx context.Context, name string, env shared, log *slog.Logger, serve func(context.Context, Process) error) error {
	exporter, err := otelexport.FromEnvironment(ctx, os.LookupEnv)
	if err != nil {
		return err
	}
	tracer, err := telemetry.Tracing(ctx, "covewise-"+name, "", exporter)
	if err != nil {
		return err
	}
	defer flush(ctx, tracer.Shutdown, log)
	nc, err := nats.Connect(env.NATSURL, nats.Name("covewise-"+name), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect to NATS at NATS_URL: %w", err)
	}
	defer nc.Close()
	health := telemetry.NewHealth(time.Now)
	health.Expect(name)
	registry := telemetry.Registry()
	mux := http.NewServeMux()
	mux.Handle("/livez", health.Handler())
	mux.Handle("/readyz", health.Handler())
	mux.Handle("/metrics", telemetry.MetricsHandler(registry))
	if env.Listen != "" {
		closeListener, err := listen(ctx, env.Listen, mux, log)
		if err != nil {
			return err
		}
		defer closeListener()
	}
	health.Set(name, nil)
	return serve(ctx, Process{
		NATS: nc, Logger: log, Registerer: telemetry.For(registry, name), Tracer: tracer,
		OnHealth: health.Set, LookupEnv: os.LookupEnv, Listen: env.Listen, Handle: mux.Handle,
	})
}

// shutdownTimeout bounds each step of taking the process down.
const shutdownTimeout = 3 * time.Second

func flush(ctx context.Context, shutdown func(context.Context) error, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := shutdown(ctx); err != nil {
		log.Warn("the last traces were not sent", "err", err)
	}
}

func listen(ctx context.Context, address string, handler http.Handler, log *slog.Logger) (func(), error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen at LISTEN: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("listener failed", "err", err)
		}
	}()
	log.Info("listening", "address", listener.Addr().String())
	return func() {
		flush(ctx, server.Shutdown, log)
		<-done
	}, nil
}
