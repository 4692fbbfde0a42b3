package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/allinone/internal/server"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/telemetry"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// access is how a command reaches what Covewise knows: the covewise that runs in a data directory, the directory
// itself when none runs there, or a NATS cluster.
type access struct {
	around Surroundings
	data   string
	nats   string
	tenant string
	output string
}

// flags declares the flags that say where and about whom.
func (a *access) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.data, "data", "", "`DIR` that covewise up keeps its knowledge in; it may be running")
	cmd.Flags().StringVar(&a.nats, "nats", "", "`URL` of a NATS cluster, instead of --data; or set NATS_URL")
	cmd.Flags().StringVar(&a.tenant, "tenant", "", "`ID` of the tenant; needed when there are several")
}

// outputFlag declares --output for commands that print a table.
func (a *access) outputFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.output, "output", string(report.Text), "table, csv or json")
}

// format checks --output.
func (a *access) format() (report.Format, error) {
	f, err := report.ParseFormat(a.output)
	if err != nil {
		return "", fmt.Errorf("--output: %w", err)
	}
	return f, nil
}

// site is an open access.
type site struct {
	Bus   *bus.Bus
	NATS  *nats.Conn
	Live  bool // services run and carry orders out; false: only the record is there
	close func() error
}

// open reaches the bus.
func (a *access) open(ctx context.Context) (*site, error) {
	if url, set := a.around.LookupEnv("NATS_URL"); set && a.nats == "" && a.data == "" {
		a.nats = url
	}
	var s *site
	var err error
	switch {
	case a.nats != "" && a.data != "":
		return nil, errors.New("--data and --nats exclude each other; give one of them")
	case a.nats != "":
		s, err = dial(a.nats)
	case a.data != "":
		s, err = a.enter(ctx)
	default:
		return nil, errors.New("--data is missing; name the directory of covewise up, or a cluster with --nats")
	}
	if err != nil {
		return nil, failed(err)
	}
	log := telemetry.Logger(a.around.Stderr, slog.LevelWarn, telemetry.Text)
	if s.Bus, err = bus.Open(ctx, s.NATS, bus.Options{Service: "covewise", Logger: log}); err != nil {
		return nil, failed(errors.Join(err, s.close()))
	}
	return s, nil
}

func dial(url string) (*site, error) {
	nc, err := nats.Connect(url, nats.Name("covewise command"))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w; check --nats", url, err)
	}
	return &site{NATS: nc, Live: true, close: closing(nc)}, nil
}

func closing(nc *nats.Conn) func() error {
	return func() error {
		nc.Close()
		return nil
	}
}

// enter goes through the door of a running covewise, or opens the directory when none runs there.
func (a *access) enter(ctx context.Context) (*site, error) {
	if _, err := os.Stat(filepath.Join(a.data, "jetstream")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nothing is recorded in %s; name the --data of a covewise up", a.data)
	}
	nc, err := server.Knock(ctx, a.data, "covewise command")
	if err == nil {
		return &site{NATS: nc, Live: true, close: closing(nc)}, nil
	}
	if !errors.Is(err, server.ErrNotRunning) {
		return nil, err
	}
	lock, err := server.Directory(a.data)
	if err != nil {
		return nil, err
	}
	log := telemetry.Logger(a.around.Stderr, slog.LevelWarn, telemetry.Text)
	embedded, err := server.Start(ctx, lock, log)
	if err != nil {
		return nil, err
	}
	if nc, err = embedded.Connect("covewise command"); err != nil {
		return nil, errors.Join(err, embedded.Stop())
	}
	return &site{NATS: nc, close: func() error {
		nc.Close()
		return embedded.Stop()
	}}, nil
}

// settings returns the settings of the tenant that the command is about; without --tenant those of the only one.
func (a *access) settings(ctx context.Context, s *site) (*tenantv1.Settings, error) {
	store, err := bus.OpenStore[*tenantv1.Settings](ctx, s.Bus, bus.Tenants)
	if err != nil {
		return nil, failed(err)
	}
	var known []string
	var found *tenantv1.Settings
	err = store.Each(ctx, ">", func(e bus.Entry[*tenantv1.Settings]) error {
		known = append(known, e.Value.GetId())
		if a.tenant == "" || a.tenant == e.Value.GetId() {
			found = e.Value
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, failed(err)
	case len(known) == 0:
		return nil, failed(errors.New("no tenant is known there; covewise up --tenants FILE brings them"))
	case a.tenant == "" && len(known) > 1:
		return nil, fmt.Errorf("--tenant is missing; choose one of %s", strings.Join(known, ", "))
	case found == nil:
		return nil, fmt.Errorf("--tenant %s is not known; choose one of %s", a.tenant, strings.Join(known, ", "))
	}
	return found, nil
}

// with opens the access, does the work and closes.
func (a *access) with(ctx context.Context, work func(s *site) error) (err error) {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, failed(s.close())) }()
	return work(s)
}

// withTenant is with for commands about one tenant.
func (a *access) withTenant(ctx context.Context, work func(s *site, settings *tenantv1.Settings) error) error {
	return a.with(ctx, func(s *site) error {
		settings, err := a.settings(ctx, s)
		if err != nil {
			return err
		}
		return work(s, settings)
	})
}
