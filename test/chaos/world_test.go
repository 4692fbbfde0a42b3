package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/clock/clocktest"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

const (
	partitions = 2
	// ackWait is short, because a message that a killed process held costs that much of the machine's time.
	ackWait = 300 * time.Millisecond
	// observeEvery makes the hourly comparison of all tickets one of every twelve minutes.
	observeEvery = time.Minute
	// realLimit is how much of the machine's time anything may take; a schedule that reaches it has failed.
	realLimit = 45 * time.Second
)

// world is a broker, the services and one to two tenants.
type world struct {
	ctx     context.Context
	dir     string
	log     *slog.Logger
	clock   *clocktest.Clock // of the services
	servers *clocktest.Clock // of the ConnectWise servers: it is not set when the services' is
	pace    clock.Clock

	server   atomic.Pointer[server.Server]
	account  string // of the services at the broker
	conn     *nats.Conn
	js       jetstream.JetStream
	bus      *bus.Bus
	settings *bus.Store[*tenantv1.Settings]
	states   *bus.Store[*incidentv1.DeviceState]
	ledgers  *bus.Store[*ticketv1.Ledger]
	desks    *bus.Store[*ticketv1.Desk]
	leases   *bus.Store[*statusv1.PollLease]

	guard     sync.Mutex
	processes []*process
	ticketers int
	pipeline  bool // with poller and Cove

	door       *httptest.Server // where callbacks arrive; nil: there are none
	deliveries sync.WaitGroup
	calls      context.Context // of the deliveries of a schedule
	hangUp     context.CancelFunc
	delivering atomic.Int64 // deliveries of callbacks under way

	tenants   []*msp
	swept     bool        // a sweep was begun
	restarted atomic.Bool // the broker did under the services
	setBack   bool        // the services' clock was
	slow      bool        // a slow answer may be under way
	repeated  int         // messages stored again so far
	activity  atomic.Int64
	standing  atomic.Int64 // processes that stand still: the clock must not go on
	figures   *figures

	mu       sync.Mutex
	findings []finding
}

// finding is a promise that was broken.
type finding struct{ promise, detail string }

func (w *world) found(promise, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.findings = append(w.findings, finding{promise, fmt.Sprintf(format, args...)})
}

// newWorld starts a broker on an empty folder.
func newWorld(ctx context.Context, f *figures, log *slog.Logger) (*world, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir, err := os.MkdirTemp(scratch(), "covewise-chaos-*")
	if err != nil {
		return nil, err
	}
	w := &world{ctx: ctx, dir: dir, figures: f, log: log}
	if err := w.boot(); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// scratch is where brokers keep their files: in memory where the machine has such a place.
func scratch() string {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		return memory
	}
	return ""
}

// boot starts the broker on what is in the folder.
func (w *world) boot() error {
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: w.dir, NoSigs: true, NoLog: true})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(realLimit) {
		return errors.New("the broker did not become ready")
	}
	w.server.Store(s)
	w.account = s.GlobalAccount().GetName()
	if w.conn, err = nats.Connect("", nats.InProcessServer(s)); err != nil {
		return err
	}
	if w.js, err = jetstream.New(w.conn); err != nil {
		return err
	}
	if err := bus.Provision(w.ctx, w.js, bus.ProvisionOptions{Partitions: partitions, Replicas: 1, AckWait: ackWait}); err != nil {
		return err
	}
	if w.bus, err = bus.Open(w.ctx, w.conn, bus.Options{Service: "chaos", Logger: w.log}); err != nil {
		return err
	}
	if w.settings, err = bus.OpenStore[*tenantv1.Settings](w.ctx, w.bus, bus.Tenants); err != nil {
		return err
	}
	if w.states, err = bus.OpenStore[*incidentv1.DeviceState](w.ctx, w.bus, bus.DeviceState); err != nil {
		return err
	}
	if w.leases, err = bus.OpenStore[*statusv1.PollLease](w.ctx, w.bus, bus.PollLease); err != nil {
		return err
	}
	if w.desks, err = bus.OpenStore[*ticketv1.Desk](w.ctx, w.bus, bus.TicketDesk); err != nil {
		return err
	}
	w.ledgers, err = bus.OpenStore[*ticketv1.Ledger](w.ctx, w.bus, bus.TicketLedger)
	return err
}

func (w *world) halt() {
	if w.conn != nil {
		w.conn.Close()
	}
	if s := w.server.Load(); s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// close removes the world.
func (w *world) close() error {
	err := w.stop()
	w.halt()
	return errors.Join(err, os.RemoveAll(w.dir))
}

// crash ends broker and services at once and starts them again on what is on disk.
func (w *world) crash() error {
	w.killAll()
	w.halt()
	if err := w.boot(); err != nil {
		return err
	}
	return w.revive()
}

func (w *world) killAll() {
	for _, service := range w.services() {
		for _, p := range w.running(service) {
			p.kill()
		}
	}
}

// clean removes what the last schedule left on the bus.
func (w *world) clean() error {
	names := w.js.StreamNames(w.ctx)
	for name := range names.Name() {
		stream, err := w.js.Stream(w.ctx, name)
		if err != nil {
			return err
		}
		if stream.CachedInfo().State.LastSeq == 0 {
			continue
		}
		if err := stream.Purge(w.ctx); err != nil {
			return err
		}
	}
	return names.Err()
}

// begin sets the world up for a schedule.
func (w *world) begin(s schedule, planted string) error {
	w.calls, w.hangUp = context.WithCancel(w.ctx)
	if err := w.clean(); err != nil {
		return fmt.Errorf("clean the bus: %w", err)
	}
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	w.clock, w.servers = clocktest.New(noon), clocktest.New(noon)
	w.pace = clock.Accelerated(noon, 1000)
	w.pipeline, w.swept, w.setBack = s.Pipeline, false, false
	w.restarted.Store(false)
	w.ticketers, w.tenants, w.findings, w.slow, w.repeated = s.Ticketers, nil, nil, false, 0
	if s.Callbacks {
		w.openDoor()
	}
	for i := range s.Tenants {
		m, err := w.newTenant(s, i, planted)
		if err != nil {
			return fmt.Errorf("set up tenant %d: %w", i, err)
		}
		w.tenants = append(w.tenants, m)
	}
	return w.revive()
}

// end stops the services and the servers of a schedule.
func (w *world) end() error {
	err := w.stop()
	w.hangUp()
	w.deliveries.Wait()
	if w.door != nil {
		w.door.Close()
		w.door = nil
	}
	for _, m := range w.tenants {
		m.web.Close()
		if m.coveWeb != nil {
			m.coveWeb.Close()
		}
	}
	return err
}

// pass lets time go by for everybody.
func (w *world) pass(d time.Duration) {
	w.servers.Add(d)
	w.clock.Add(d)
}
