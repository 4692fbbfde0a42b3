package compose

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/covewise/covewise/platform/run"
	"github.com/covewise/covewise/platform/telemetry"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

// listener serves page, health and metrics on one address.
func (s *System) listener() run.Service {
	var listener net.Listener
	httpServer := &http.Server{ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute}
	return run.Service{
		Name: "http",
		Start: func(ctx context.Context) error {
			var config net.ListenConfig
			var err error
			listener, err = config.Listen(ctx, "tcp", s.opts.Listen)
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("%s is in use by another program; stop it, or choose another address with --listen", s.opts.Listen)
			}
			if err != nil {
				return fmt.Errorf("cannot listen at %s (%w); choose another address with --listen", s.opts.Listen, err)
			}
			s.Address = "http://" + listener.Addr().String() + "/"
			httpServer.Handler = s.routes()
			s.opts.Logger.Info("page is served", "service", "http", "address", s.Address)
			return nil
		},
		Run: func(context.Context) error {
			if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
		// Nothing that a page does needs to be finished.
		Stop: func(context.Context) error { return httpServer.Close() },
	}
}

// routes serves the hooks under every name, because ConnectWise calls the one that is published, and everything else
// under our own only: a proxy that passes more on than the hooks opens neither page nor metrics, as long as it keeps
// the name that it was asked for.
func (s *System) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/livez", s.guard(s.health.Handler()))
	mux.Handle("/readyz", s.guard(s.health.Handler()))
	mux.Handle("/metrics", s.guard(telemetry.MetricsHandler(s.registry)))
	mux.Handle(ticketer.HooksPath, s.hooks)
	mux.Handle("/", s.page)
	return mux
}
