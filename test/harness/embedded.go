package harness

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/clock/clocktest"
	companysync "github.com/covewise/covewise/services/companysync/app"
	console "github.com/covewise/covewise/services/console/app"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
	poller "github.com/covewise/covewise/services/poller/app"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

// errorsBudget is how long a sweep may spend on session errors; the fakes answer at once.
const errorsBudget = 10 * time.Second

// embedded runs the services in the test's process.
type embedded struct {
	t       *testing.T
	clock   clock.Clock
	log     *slog.Logger
	server  *server.Server
	running map[Service]*goroutine
	page    *httptest.Server
	pages   atomic.Pointer[http.Handler] // of the console that runs now
}

// goroutine is a service that runs.
type goroutine struct {
	nc    *nats.Conn
	end   context.CancelFunc
	ended chan struct{}
	// told is set before the service is ended, so that its end is no failure.
	told atomic.Bool
}

func newEmbedded(t *testing.T, c clock.Clock) *embedded {
	t.Helper()
	e := &embedded{t: t, clock: c, log: bustest.Logger(t), server: bustest.Server(t, t.TempDir()), running: map[Service]*goroutine{}}
	js, err := jetstream.New(e.connect())
	require.NoError(t, err)
	require.NoError(t, bus.Provision(t.Context(), js, bus.ProvisionOptions{Partitions: bustest.Partitions, Replicas: 1}))
	e.page = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pages := e.pages.Load(); pages != nil {
			(*pages).ServeHTTP(w, r)
			return
		}
		http.Error(w, "the console does not run", http.StatusServiceUnavailable)
	}))
	t.Cleanup(e.page.Close)
	t.Cleanup(e.stop) // of a story that failed
	return e
}

func (e *embedded) connect() *nats.Conn { return bustest.Connect(e.t, e.server) }

func (e *embedded) consoleURL() string { return e.page.URL }

func (e *embedded) start(s Service) {
	e.t.Helper()
	ctx, end := context.WithCancel(context.WithoutCancel(e.t.Context()))
	g := &goroutine{nc: e.connect(), end: end, ended: make(chan struct{})}
	e.running[s] = g
	run := e.service(ctx, s, g.nc)
	go func() {
		defer close(g.ended)
		if err := run(ctx); !g.told.Load() {
			e.t.Errorf("%s ended by itself: %v", s, err)
		}
	}()
}

// service returns what runs a service.
func (e *embedded) service(ctx context.Context, s Service, nc *nats.Conn) func(context.Context) error {
	e.t.Helper()
	log := e.log.With("service", string(s))
	noEnv := func(string) (string, bool) { return "", false }
	switch s {
	case Poller:
		return func(ctx context.Context) error {
			return poller.Run(ctx, poller.Options{
				NATS: nc, Logger: log, Clock: e.clock, LookupEnv: noEnv, ID: "harness", ErrorsBudget: errorsBudget, RequestsPerSecond: math.Inf(1),
			})
		}
	case Evaluator:
		return func(ctx context.Context) error {
			return evaluator.Run(ctx, evaluator.Options{NATS: nc, Logger: log, Clock: e.clock})
		}
	case Ticketer:
		patience := Patience
		if _, byHand := e.clock.(*clocktest.Clock); byHand {
			patience = 0 // the default: that clock does not move while a request is under way
		}
		return func(ctx context.Context) error {
			return ticketer.Run(ctx, ticketer.Options{NATS: nc, Logger: log, Clock: e.clock, LookupEnv: noEnv, SearchPatience: patience})
		}
	case CompanySync:
		return func(ctx context.Context) error {
			return companysync.Run(ctx, companysync.Options{NATS: nc, Logger: log, Clock: e.clock, LookupEnv: noEnv})
		}
	case Console:
		c, err := console.New(ctx, console.Options{NATS: nc, Logger: log, Clock: e.clock, Listen: e.page.Listener.Addr().String()})
		require.NoError(e.t, err)
		pages := c.Handler()
		e.pages.Store(&pages)
		return c.Run
	default:
		e.t.Fatalf("unknown service %q", s)
		return nil
	}
}

func (e *embedded) kill(s Service) {
	g := e.running[s]
	g.told.Store(true)
	g.nc.Close()
	g.end()
	<-g.ended
	delete(e.running, s)
}

func (e *embedded) stop() {
	for _, s := range Services() {
		if g := e.running[s]; g != nil {
			g.told.Store(true)
			g.end()
			<-g.ended
			delete(e.running, s)
		}
	}
}
