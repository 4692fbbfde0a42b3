package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/covewise/covewise/allinone/internal/compose"
	"github.com/covewise/covewise/allinone/internal/once"
	"github.com/covewise/covewise/allinone/internal/server"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/telemetry"
	"github.com/covewise/covewise/platform/telemetry/otelexport"
	"github.com/covewise/covewise/platform/tenant"
)

// up is the command with its flags.
type up struct {
	around              Surroundings
	tenants, data       string
	listen              string
	once                bool
	timeout             time.Duration
	logLevel, logFormat string
}

func newUp(around Surroundings) *cobra.Command {
	u := &up{around: around}
	cmd := &cobra.Command{
		Use:   "up --tenants FILE --data DIR",
		Short: "Run Covewise for the tenants in a file",
		Long: `Runs every part of Covewise in this process for the tenants in FILE, and keeps what it knows in DIR.
It logs a line for each sweep, incident and ticket action, and stops with Ctrl-C.

With --once it sweeps every tenant once, waits until the effects are done, prints a line for each
tenant, with what waits for a person below it, and ends:
  0  every tenant is complete: seen whole, and its tickets are as they should be
  1  Covewise failed
  2  the command line or the settings are wrong, and nothing was started
  3  a tenant is incomplete; its line has the reason

Traces go to OTEL_EXPORTER_OTLP_ENDPOINT where that is set.

FILE holds one YAML document for each tenant:

` + strings.TrimSuffix(tenant.Example(), "\n"),
		Example: `  covewise up --tenants tenants.yaml --data /var/lib/covewise
  covewise up --tenants tenants.yaml --data /var/lib/covewise --once`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return u.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&u.tenants, "tenants", "", "`FILE` with the tenants' documents (required)")
	flags.StringVar(&u.data, "data", "", "`DIR` for everything that is to be remembered (required)")
	flags.StringVar(&u.listen, "listen", defaultListen, "`ADDRESS` of the page, of /livez, /readyz and /metrics; with --once none unless given")
	flags.BoolVar(&u.once, "once", false, "sweep every tenant once and end")
	flags.DurationVar(&u.timeout, "timeout", 10*time.Minute, "how long --once waits for the effects of the sweeps")
	flags.StringVar(&u.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&u.logFormat, "log-format", "text", "text or json")
	return cmd
}

func (u *up) run(cmd *cobra.Command) error {
	log, err := u.check(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	docs, err := tenant.Load(u.tenants, tenant.Options{LookupEnv: u.around.LookupEnv})
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	tracer, err := u.tracing(ctx)
	if err != nil {
		return err
	}
	defer flush(ctx, tracer, log)
	lock, err := server.Directory(u.data)
	if err != nil {
		return failed(err)
	}
	u.warn(log, docs)
	opts := compose.Options{
		Lock: lock, Tenants: docs, Author: "covewise up --tenants " + u.tenants, Listen: u.listen, Logger: log,
		Clock: clock.System(), LookupEnv: u.around.LookupEnv, Tracer: tracer,
	}
	if !u.once {
		return failed(compose.Run(ctx, opts))
	}
	if !cmd.Flags().Changed("listen") {
		opts.Listen = ""
	}
	opts.NoPoller = true
	complete, told := false, false
	opts.Main = func(ctx context.Context, s *compose.System) error {
		var err error
		complete, err = once.Run(ctx, s, opts.Clock, u.timeout, cmd.OutOrStdout())
		told = err == nil && ctx.Err() == nil
		return err
	}
	err = compose.Run(ctx, opts)
	if err != nil && told {
		// What was to be done is done and told; everything is on record.
		log.Warn("not everything stopped in time", "err", err)
		err = nil
	}
	switch {
	case err != nil:
		return failed(err)
	case ctx.Err() != nil:
		return failed(errors.New("interrupted before the effects were done; the next run goes on"))
	case !complete:
		return &exitError{code: ExitIncomplete}
	default:
		return nil
	}
}

// warn tells what the documents allow and probably do not mean.
func (u *up) warn(log *slog.Logger, docs []tenant.Document) {
	for _, doc := range docs {
		for _, w := range doc.Warnings() {
			place := u.tenants
			if w.Line > 0 {
				place += fmt.Sprintf(":%d", w.Line)
			}
			log.Warn("the settings are allowed and probably not what is meant", "tenant", doc.ID, "place", place, "key", w.Key, "what", w.Text)
		}
	}
}

// check looks at the flags, without touching anything.
func (u *up) check(stderr io.Writer) (*slog.Logger, error) {
	switch {
	case u.tenants == "":
		return nil, errors.New("--tenants is missing; name the file with the tenants' documents, as shown by covewise up --help")
	case u.data == "":
		return nil, errors.New("--data is missing; name the directory where Covewise keeps what it knows")
	case u.timeout <= 0:
		return nil, fmt.Errorf("--timeout %s is not positive; write for example 10m", u.timeout)
	}
	if err := checkListen(u.listen); err != nil {
		return nil, err
	}
	level, err := telemetry.ParseLevel(u.logLevel)
	if err != nil {
		return nil, fmt.Errorf("--log-level: %w; choose one of them", err)
	}
	format, err := telemetry.ParseFormat(u.logFormat)
	if err != nil {
		return nil, fmt.Errorf("--log-format: %w; choose one of them", err)
	}
	return telemetry.Logger(stderr, level, format), nil
}

func (u *up) tracing(ctx context.Context) (*sdktrace.TracerProvider, error) {
	exporter, err := otelexport.FromEnvironment(ctx, u.around.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("%w; see covewise up --help", err)
	}
	return telemetry.Tracing(ctx, "covewise", u.around.Version, exporter)
}

// flushTimeout bounds the sending of the last traces, for a stop must not wait for a collector that is down.
const flushTimeout = time.Second

func flush(ctx context.Context, tracer *sdktrace.TracerProvider, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := tracer.Shutdown(ctx); err != nil {
		log.Warn("the last traces were not sent", "err", err)
	}
}
