package sweeps_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
)

// dying fails as a process does that is killed: some decisions at the write of the state, before or after it
// happened, or at the publishing of the event, before or after it happened.
type dying struct {
	sweeps.States
	sweeps.Publisher
	Tenants sweeps.TenantStates
	at      string
	left    atomic.Int32
	forget  bool // ids are new each time, as when the dedup window has passed
	n       atomic.Int64
}

var errKilled = errclass.New(errclass.Transient, "", errors.New("killed"))

func (d *dying) Put(ctx context.Context, key string, state *incidentv1.DeviceState, revision uint64) (uint64, error) {
	dies := state.GetDecidedSweep() != 0 && strings.HasSuffix(d.at, "the write") && d.left.Add(-1) >= 0
	if dies && d.at == "before the write" {
		return 0, errKilled
	}
	next, err := d.States.Put(ctx, key, state, revision)
	if dies {
		return 0, errKilled
	}
	return next, err
}

func (d *dying) Publish(ctx context.Context, m bus.Message) error {
	dies := strings.HasSuffix(d.at, "the event") && d.left.Add(-1) >= 0
	if dies && d.at == "before the event" {
		return errKilled
	}
	if d.forget {
		m.ID += ":" + strconv.FormatInt(d.n.Add(1), 10)
	}
	err := d.Publisher.Publish(ctx, m)
	if dies {
		return errKilled
	}
	return err
}

func TestACrashAtAnyStepRepeatsTheIdenticalEventAndLosesNone(t *testing.T) {
	for _, at := range []string{"before the write", "after the write", "before the event", "after the event"} {
		for _, forget := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, dedup forgot=%t", at, forget), func(t *testing.T) {
				t.Parallel() // most of it is the wait for redeliveries
				w := newWorld(t)
				d := &dying{States: w.states, Publisher: w.bus, at: at, forget: forget}
				d.left.Store(2)
				w.consume(w.handler(func(h *sweeps.Handler) { h.States, h.Publisher = d, d }))
				w.snapshot("harbor", "1", 1, "2")
				w.complete(completed("harbor", 1, 1))
				w.snapshot("harbor", "1", 2, "5")
				w.complete(completed("harbor", 2, 1))
				w.settled()

				byRevision := map[uint32][]byte{}
				for _, e := range w.events() {
					data, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
					require.NoError(t, err)
					if before, repeated := byRevision[e.GetRevision()]; repeated {
						require.True(t, forget, "a repetition is told apart by its id")
						require.Equal(t, before, data)
					}
					byRevision[e.GetRevision()] = data
				}
				require.Len(t, byRevision, 2)
				require.Nil(t, w.state("harbor", "1").GetOpen())
			})
		}
	}
}

// tenants is the bucket tenant_state as the dying process writes it.
func (d *dying) tenants() sweeps.TenantStates { return dyingTenants{d} }

type dyingTenants struct{ *dying }

func (d dyingTenants) Update(
	ctx context.Context, key string, decide func(*incidentv1.TenantState) (*incidentv1.TenantState, error),
) (*incidentv1.TenantState, error) {
	dies := strings.HasSuffix(d.at, "the write") && d.left.Add(-1) >= 0
	if dies && d.at == "before the write" {
		return nil, errKilled
	}
	state, err := d.Tenants.Update(ctx, key, decide)
	if dies {
		return nil, errKilled
	}
	return state, err
}

// diesAfterWrite runs the evaluator until it has written one decision and not told it, and stops it.
func (w *world) diesAfterWrite() {
	w.t.Helper()
	d := &dying{States: w.states, Publisher: w.bus, at: "before the event"}
	d.left.Store(1 << 30)
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	handler := w.handler(func(h *sweeps.Handler) { h.States, h.Publisher = d, d })
	require.NoError(w.t, w.bus.Consume(ctx, bus.Evaluator, time.Minute, func(ctx context.Context, m bus.Delivery) error {
		err := handler.Handle(ctx, m)
		if err != nil {
			stop()
		}
		return err
	}))
}

func TestWhatWasDecidedIsToldAlsoWhenThePolicyChangedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.policy(func(p *tenantv1.Policy) { p.StaleServer = durationpb.New(time.Hour) }) // the last success is two hours old
	w.snapshot("harbor", "1", 1, "5")
	w.complete(completed("harbor", 1, 1))
	w.diesAfterWrite()
	w.policy(func(p *tenantv1.Policy) { p.StaleServer = durationpb.New(24 * time.Hour) })
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 2, "5")
	w.complete(completed("harbor", 2, 1))
	w.settled()
	require.Equal(t, []string{"harbor 1-1 r1 FAILED", "harbor 1-1 r2 RESOLVED"}, told(w.events()))
}

func TestAResolutionThatWasDecidedIsToldAlsoWhenThePolicyChangedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.snapshot("harbor", "1", 1, "2")
	w.complete(completed("harbor", 1, 1))
	w.consumeAll(w.handler(nil))
	w.snapshot("harbor", "1", 2, "5")
	w.complete(completed("harbor", 2, 1))
	w.diesAfterWrite()
	w.policy(func(p *tenantv1.Policy) { p.CloseAfter = 3 })
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 3, "2")
	w.complete(completed("harbor", 3, 1))
	w.settled()
	require.Equal(t, []string{"harbor 1-1 r1 FAILED", "harbor 1-1 r2 RESOLVED", "harbor 1-2 r1 FAILED"}, told(w.events()))
}

func TestTwoEvaluatorsTellEachRevisionOnce(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.consume(w.handler(nil))
	const devices, rounds = 40, 6
	for sweep := uint64(1); sweep <= rounds; sweep++ {
		for d := 1; d <= devices; d++ {
			w.snapshot("harbor", strconv.Itoa(d), sweep, []string{"5", "2"}[sweep%2])
		}
		w.complete(completed("harbor", sweep, devices))
	}
	w.settled()
	seen := map[string]int{}
	for _, line := range told(w.events()) {
		seen[line]++
	}
	require.Len(t, seen, devices*rounds)
	for line, times := range seen {
		require.Equal(t, 1, times, line)
	}
	require.Equal(t, uint32(rounds/2), w.state("harbor", "7").GetIncidents())
}

// racing lets another evaluator decide first, between the reading of a device and its writing.
type racing struct {
	sweeps.States
	first func()
	done  atomic.Bool
}

func (r *racing) Put(ctx context.Context, key string, state *incidentv1.DeviceState, revision uint64) (uint64, error) {
	if r.done.CompareAndSwap(false, true) {
		r.first()
	}
	return r.States.Put(ctx, key, state, revision)
}

// racingTenants is the same for the state of a tenant.
type racingTenants struct {
	sweeps.TenantStates
	first func()
	done  atomic.Bool
}

func (r *racingTenants) Update(
	ctx context.Context, key string, decide func(*incidentv1.TenantState) (*incidentv1.TenantState, error),
) (*incidentv1.TenantState, error) {
	if r.done.CompareAndSwap(false, true) {
		r.first()
	}
	return r.TenantStates.Update(ctx, key, decide)
}

func TestAnEvaluatorThatLosesTheRaceAcceptsTheOthersDecision(t *testing.T) {
	w := newWorld(t)
	fast := w.handler(nil)
	s := completed("harbor", 1, 1)
	data, err := proto.Marshal(s)
	require.NoError(t, err)
	delivery := bus.Delivery{Subject: sweepSubject(s), Data: data, Attempt: 1}
	slow := w.handler(func(h *sweeps.Handler) {
		h.States = &racing{States: w.states, first: func() { require.NoError(t, fast.Handle(t.Context(), delivery)) }}
	})
	snap, err := proto.Marshal(server("harbor", "1", 1, "2"))
	require.NoError(t, err)
	require.NoError(t, fast.Handle(t.Context(), bus.Delivery{Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: "1"}, Data: snap}))
	require.NoError(t, slow.Handle(t.Context(), delivery))
	require.Equal(t, []string{"harbor 1-1 r1 FAILED"}, told(w.events()))
	require.Equal(t, uint32(1), w.state("harbor", "1").GetIncidents())
}

// refusing cannot publish about one device, now or ever.
type refusing struct {
	sweeps.Publisher
	device string
}

func (r refusing) Publish(ctx context.Context, m bus.Message) error {
	if m.Subject.Key == r.device {
		return errclass.New(errclass.Rejected, "publish", errors.New("message too large"))
	}
	return r.Publisher.Publish(ctx, m)
}

func TestOneHopelessDeviceDoesNotHoldUpTheOthers(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(func(h *sweeps.Handler) { h.Publisher = refusing{Publisher: w.bus, device: "2"} }))
	for _, device := range []string{"1", "2", "3"} {
		w.snapshot("harbor", device, 1, "2")
	}
	w.complete(completed("harbor", 1, 3))
	w.settled()
	require.ElementsMatch(t, []string{"harbor 1-1 r1 FAILED", "harbor 3-1 r1 FAILED"}, told(w.events()))
	js, err := jetstream.New(w.nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "DLQ")
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(1), info.State.Msgs, "a person is told")
	require.Equal(t, "2-1", w.state("harbor", "2").GetOpen().GetIncidentId(), "what was decided stands; a re-driven sweep tells it")
}
