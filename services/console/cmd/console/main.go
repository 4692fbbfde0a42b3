// Command console is the web page as a process of its own. It is configured by the environment: NATS_URL,
// LISTEN (host:port) and LOG_LEVEL.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/kelseyhightower/envconfig"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/run"
	"github.com/covewise/covewise/platform/telemetry"
	"github.com/covewise/covewise/services/console/app"
)

type environment struct {
	NATSURL  string     `envconfig:"NATS_URL" default:"nats://127.0.0.1:4222"`
	Listen   string     `envconfig:"LISTEN" default:"127.0.0.1:8080"`
	LogLevel slog.Level `envconfig:"LOG_LEVEL" default:"info"`
}

func main() {
	if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, "console:", err)
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
	nc, err := nats.Connect(env.NATSURL, nats.Name("console"), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect to NATS_URL: %w", err)
	}
	defer nc.Close()
	log := telemetry.Logger(os.Stderr, env.LogLevel, telemetry.JSON)
	console, err := app.New(ctx, app.Options{NATS: nc, Logger: log, Listen: env.Listen})
	if err != nil {
		return err
	}
	server := &http.Server{Addr: env.Listen, Handler: console.Handler(), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute}
	parts, ctx := errgroup.WithContext(ctx)
	context.AfterFunc(ctx, func() { _ = server.Close() }) // nothing that a page does needs to be finished
	parts.Go(func() error { return console.Run(ctx) })
	parts.Go(server.ListenAndServe)
	return parts.Wait()
}
