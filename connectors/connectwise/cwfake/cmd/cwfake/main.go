// Command cwfake runs a fake ConnectWise PSA server with its control API. It keeps everything in memory.
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

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock"
)

const (
	usage = `Usage: cwfake [flags]

Runs a fake ConnectWise PSA (Manage) server and prints its address, for example
  cwfake ready at http://127.0.0.1:43127 (control API at http://127.0.0.1:43127/control/)
The code base is found at /login/companyinfo/COMPANY as on a real server. The set-up is that of a small provider
with the boards "Service Desk" and "NOC"; PUT /control/seed replaces it.
It stops on Ctrl-C or SIGTERM. Exit codes: 0 stopped, 1 failed, 2 wrong flags.

Flags:
`
	headerTimeout = 10 * time.Second
	stopTimeout   = 2 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	options := cwfake.Options{Clock: clock.System()}
	flags := flag.NewFlagSet("cwfake", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = io.WriteString(flags.Output(), usage)
		flags.PrintDefaults()
	}
	listen := flags.String("listen", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	companies := flags.String("companies", "", "JSON `file` of companies to add: an array, or an object with the member companies")
	verbose := flags.Bool("verbose", false, "log each request to standard error")
	flags.StringVar(&options.Company, "company", cwfake.DefaultCompany, "login `company` id")
	flags.StringVar(&options.PublicKey, "public-key", cwfake.DefaultPublicKey, "public API `key`")
	flags.StringVar(&options.PrivateKey, "private-key", cwfake.DefaultPrivateKey, "private API `key`")
	flags.StringVar(&options.ClientID, "client-id", cwfake.DefaultClientID, "client `id` that requests must carry")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(stderr, "cwfake: unexpected argument %q; see cwfake --help\n", flags.Arg(0))
		return 2
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	options.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	if err := serve(ctx, cwfake.New(options), *listen, *companies, stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "cwfake: %v\n", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, server *cwfake.Server, listen, companies string, stdout io.Writer) error {
	if companies != "" {
		if err := load(server, companies); err != nil {
			return err
		}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("opening the address: %w", err)
	}
	// A request held by a slow fault ends with the base context, so that it cannot hold the stop.
	requests, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	web := &http.Server{
		Handler: server, ReadHeaderTimeout: headerTimeout,
		BaseContext: func(net.Listener) context.Context { return requests },
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	base := "http://" + listener.Addr().String()
	_, _ = fmt.Fprintf(stdout, "cwfake ready at %s (control API at %s/control/)\n", base, base)
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	release()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if web.Shutdown(last) != nil {
		// Whoever still talks after the time-out is cut off.
		_ = web.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

func load(server *cwfake.Server, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("opening the companies: %w", err)
	}
	_, loadErr := server.LoadCompanies(file)
	if err := errors.Join(loadErr, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
