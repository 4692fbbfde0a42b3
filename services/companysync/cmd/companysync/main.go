// Command companysync is company-sync as a process of its own. It is configured by the environment: NATS_URL,
// LOG_LEVEL and the variables that tenants name for their secrets.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/kelseyhightower/envconfig"
	"github.com/nats-io/nats.go"

	"github.com/covewise/covewise/platform/run"
	"github.com/covewise/covewise/platform/telemetry"
	"github.com/covewise/covewise/services/companysync/app"
)

type environment struct {
	NATSURL  string     `envconfig:"NATS_URL" default:"nats://127.0.0.1:4222"`
	LogLevel slog.Level `envconfig:"LOG_LEVEL" default:"info"`
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "companysync:", err)
		os.Exit(1)
	}
}

func serve() error {
	var env environment
	if err := envconfig.Process("", &env); err != nil {
		return fmt.Errorf("read environment: %w", err)
	}
	ctx, stop := run.SignalContext(context.Background())
	defer stop()
	nc, err := nats.Connect(env.NATSURL, nats.Name("companysync"), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect to NATS_URL: %w", err)
	}
	defer nc.Close()
	log := telemetry.Logger(os.Stderr, env.LogLevel, telemetry.JSON)
	return app.Run(ctx, app.Options{NATS: nc, Logger: log, LookupEnv: os.LookupEnv})
}
