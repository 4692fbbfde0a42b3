// Command covefake runs a fake Cove server: the management, storage node and Microsoft 365 reporting APIs and the
// control API, over a fleet from a file. It keeps everything in memory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/clock"
)

const usage = `Usage: covefake [flags]

Runs a fake Cove server and prints the address of its API, for example
  covefake ready at http://127.0.0.1:41873/jsonapi (control API at http://127.0.0.1:41873/control/)
Storage node calls are answered under /repserv_json and Microsoft 365 reporting under /reporting_api.
It stops on Ctrl-C or SIGTERM. Exit codes: 0 stopped, 1 failed, 2 wrong flags.

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("covefake", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	listen := flags.String("listen", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	fleet := flags.String("fleet", "", "fleet `file` in JSON; without one there is a single reseller and no device")
	username := flags.String("username", "psa-sync", "the `user` that may log in")
	password := flags.String("password", "covefake", "the user's `password`")
	partner := flags.String("partner", "", "exact partner `name` of the login (default the name of the fleet's root)")
	token := flags.String("control-token", "", "bearer `token` that the control API asks for (default none)")
	verbose := flags.Bool("verbose", false, "log each request to standard error")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(stderr, "covefake: unexpected argument %q; see covefake --help\n", flags.Arg(0))
		return 2
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	server := covefake.New(covefake.Options{
		Clock: clock.System(), Logger: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
		Username: *username, Password: *password, Partner: *partner, ControlToken: *token,
	})
	if err := serve(ctx, server, *listen, *fleet, stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "covefake: %v\n", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, server *covefake.Server, listen, fleet string, stdout io.Writer) error {
	if fleet != "" {
		if err := loadFile(server, fleet); err != nil {
			return err
		}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("opening the address: %w", err)
	}
	web := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	base := "http://" + listener.Addr().String()
	_, _ = fmt.Fprintf(stdout, "covefake ready at %s/jsonapi (control API at %s/control/)\n", base, base)
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	server.ClearFaults() // a held request would hold the stop
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if web.Shutdown(last) != nil {
		_ = web.Close() // whoever still talks now is cut off
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

func loadFile(server *covefake.Server, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("opening the fleet: %w", err)
	}
	loadErr := server.Load(f)
	if err := f.Close(); loadErr == nil && err != nil {
		return fmt.Errorf("closing %s: %w", name, err)
	}
	if loadErr != nil {
		return fmt.Errorf("%s: %w", name, loadErr)
	}
	return nil
}
