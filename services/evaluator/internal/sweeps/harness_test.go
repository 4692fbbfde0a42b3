package sweeps_test

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// world is a bus with one tenant, and what the poller does on it.
type world struct {
	t        testing.TB
	nc       *nats.Conn
	bus      *bus.Bus
	states   *bus.Store[*incidentv1.DeviceState]
	tenants  *bus.Store[*incidentv1.TenantState]
	settings *bus.Store[*tenantv1.Settings]
	links    *bus.Store[*companyv1.Link]
	log      *lines
}

func newWorld(t testing.TB) *world {
	t.Helper()
	nc := bustest.Start(t)
	w := &world{t: t, nc: nc, bus: bustest.Open(t, nc), log: &lines{}}
	var err error
	w.states, err = bus.OpenStore[*incidentv1.DeviceState](t.Context(), w.bus, bus.DeviceState)
	require.NoError(t, err)
	w.tenants, err = bus.OpenStore[*incidentv1.TenantState](t.Context(), w.bus, bus.TenantState)
	require.NoError(t, err)
	w.settings, err = bus.OpenStore[*tenantv1.Settings](t.Context(), w.bus, bus.Tenants)
	require.NoError(t, err)
	w.links, err = bus.OpenStore[*companyv1.Link](t.Context(), w.bus, bus.CompanyMap)
	require.NoError(t, err)
	w.configure("harbor")
	return w
}

func (w *world) configure(tenant string) {
	w.t.Helper()
	_, err := w.settings.Update(w.t.Context(), bus.Key(tenant), func(*tenantv1.Settings) (*tenantv1.Settings, error) {
		return &tenantv1.Settings{Id: tenant, Companies: &tenantv1.Companies{Own: "MSP"}, Policy: &tenantv1.Policy{
			Version: "p1", StaleServer: durationpb.New(24 * time.Hour), Never: durationpb.New(48 * time.Hour), OpenAfter: 1, CloseAfter: 1,
		}}, nil
	})
	require.NoError(w.t, err)
}

func (w *world) publish(m bus.Message) {
	w.t.Helper()
	require.NoError(w.t, w.bus.Publish(w.t.Context(), m))
}

// snapshot publishes a server whose files have the given session status.
func (w *world) snapshot(tenant, device string, sweep uint64, status string) {
	w.t.Helper()
	w.publish(bus.Message{
		Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: tenant, Key: device},
		ID:      "snapshot:" + tenant + ":" + device + ":" + strconv.FormatUint(sweep, 10),
		Body:    server(tenant, device, sweep, status),
	})
}

func server(tenant, device string, sweep uint64, status string) *statusv1.Snapshot {
	at := observed(sweep)
	success := strconv.FormatInt(at.Add(-2*time.Hour).Unix(), 10)
	s := &statusv1.Snapshot{
		SchemaVersion: 1, Tenant: tenant, DeviceId: device, Source: "cove", Sweep: sweep, ObservedAt: timestamppb.New(at),
		Customer: &statusv1.Customer{Id: "481233", Name: "Bluefin Dental Group", State: "InProduction"},
	}
	for _, c := range [][2]string{{"AN", "srv-" + device}, {"AT", "1"}, {"D01F00", status}, {"D01F09", success}, {"I78", "D01"}, {"OT", "2"}, {"TL", success}} {
		s.Columns = append(s.Columns, &statusv1.Column{Code: c[0], Value: c[1]})
	}
	return s
}

func observed(sweep uint64) time.Time { return noon.Add(time.Duration(sweep) * 15 * time.Minute) }

// completed is a complete sweep over a number of devices.
func completed(tenant string, sweep uint64, devices int, gone ...string) *statusv1.SweepCompleted {
	return &statusv1.SweepCompleted{
		SchemaVersion: 1, Tenant: tenant, Sweep: sweep, ObservedAt: timestamppb.New(observed(sweep)), Complete: true,
		Devices: uint32(devices), GoneDeviceIds: gone,
	}
}

func (w *world) complete(s *statusv1.SweepCompleted) {
	w.t.Helper()
	w.publish(bus.Message{Subject: sweepSubject(s), ID: "sweep:" + s.GetTenant() + ":" + strconv.FormatUint(s.GetSweep(), 10), Body: s})
}

func sweepSubject(s *statusv1.SweepCompleted) bus.Subject {
	return bus.Subject{Family: bus.Status, Verb: bus.VerbSweep, Tenant: s.GetTenant(), Key: strconv.FormatUint(s.GetSweep(), 10)}
}

// handler returns an evaluator's handler on the world's bus; change may put something in its way.
func (w *world) handler(change func(h *sweeps.Handler)) *sweeps.Handler {
	w.t.Helper()
	metrics, err := sweeps.NewMetrics(nil)
	require.NoError(w.t, err)
	h := &sweeps.Handler{
		States: w.states, Tenants: w.tenants, Policies: sweeps.NewTenantPolicies(w.settings), Links: w.links, Publisher: w.bus, Logger: slog.New(slog.NewTextHandler(w.log, nil)), Clock: clock.System(), Metrics: metrics,
	}
	if change != nil {
		change(h)
	}
	return h
}

// consume runs an evaluator on a connection of its own bus until the test ends.
func (w *world) consume(h *sweeps.Handler) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.bus.Consume(ctx, bus.Evaluator, time.Minute, h.Handle) }()
	w.t.Cleanup(func() {
		cancel()
		require.NoError(w.t, <-done)
	})
}

// settled waits until the evaluators have handled everything.
func (w *world) settled() {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		drained, err := w.bus.Drained(w.t.Context(), bus.Evaluator)
		return err == nil && drained
	}, 60*time.Second, 25*time.Millisecond)
}

// events returns every event of an incident in the INCIDENT stream, in order.
func (w *world) events() []*incidentv1.Event {
	w.t.Helper()
	var all []*incidentv1.Event
	w.incidents(func(s bus.Subject, data []byte) {
		if s.Verb == bus.VerbJudged {
			return
		}
		e := &incidentv1.Event{}
		require.NoError(w.t, proto.Unmarshal(data, e))
		all = append(all, e)
	})
	return all
}

// accounts returns the accounts of sweeps in the INCIDENT stream, in order.
func (w *world) accounts() []*incidentv1.SweepJudged {
	w.t.Helper()
	var all []*incidentv1.SweepJudged
	w.incidents(func(s bus.Subject, data []byte) {
		if s.Verb != bus.VerbJudged {
			return
		}
		a := &incidentv1.SweepJudged{}
		require.NoError(w.t, proto.Unmarshal(data, a))
		all = append(all, a)
	})
	return all
}

// incidents calls f for every message of the INCIDENT stream, in order.
func (w *world) incidents(f func(s bus.Subject, data []byte)) {
	w.t.Helper()
	js, err := jetstream.New(w.nc)
	require.NoError(w.t, err)
	stream, err := js.Stream(w.t.Context(), "INCIDENT")
	require.NoError(w.t, err)
	info, err := stream.Info(w.t.Context())
	require.NoError(w.t, err)
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq && info.State.Msgs > 0; seq++ {
		msg, err := stream.GetMsg(w.t.Context(), seq)
		require.NoError(w.t, err)
		s, err := bus.ParseSubject(msg.Subject)
		require.NoError(w.t, err)
		f(s, msg.Data)
	}
}

// told writes events as "<incident> r<revision> <kind>".
func told(events []*incidentv1.Event) []string {
	all := []string{}
	for _, e := range events {
		all = append(all, e.GetTenant()+" "+e.GetIncidentId()+" r"+strconv.Itoa(int(e.GetRevision()))+" "+e.GetKind().String()[len("EVENT_KIND_"):])
	}
	return all
}

func (w *world) state(tenant, device string) *incidentv1.DeviceState {
	w.t.Helper()
	state, _, err := w.states.Get(w.t.Context(), bus.Key(tenant, device))
	require.NoError(w.t, err)
	return state
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
