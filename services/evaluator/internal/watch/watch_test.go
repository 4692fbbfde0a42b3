package watch_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock/clocktest"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/watch"
)

// heard collects the overdue messages on a bus.
type heard struct {
	mu  sync.Mutex
	all []*statusv1.SweepOverdue
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// run runs f until the test ends.
func run(t *testing.T, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

func TestTwoWatchesTellOfATenantOncePerInterval(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	settings, err := bus.OpenStore[*tenantv1.Settings](t.Context(), b, bus.Tenants)
	require.NoError(t, err)
	states, err := bus.OpenStore[*incidentv1.TenantState](t.Context(), b, bus.TenantState)
	require.NoError(t, err)
	for tenant, after := range map[string]uint32{"harbor": 3, "quay": 0} {
		_, err = settings.Put(t.Context(), bus.Key(tenant), &tenantv1.Settings{
			Id: tenant, PollInterval: durationpb.New(quarter), Policy: &tenantv1.Policy{NotSweptAfter: after},
		}, 0)
		require.NoError(t, err)
	}
	// The last complete sweep is a day old: a watch that starts gives the pollers, which may have been away as long, their time.
	_, err = states.Put(t.Context(), bus.Key("harbor"), &incidentv1.TenantState{
		Tenant: "harbor", LastCompleteAt: at(-96), FailureClass: "auth_tenant", Failure: "login refused",
	}, 0)
	require.NoError(t, err)

	var h heard
	following := make(chan struct{})
	run(t, func(ctx context.Context) error {
		return b.Follow(ctx, bus.Status, func() { close(following) }, func(d bus.Delivery) {
			o := &statusv1.SweepOverdue{}
			if d.Subject.Verb == bus.VerbOverdue && d.Decode(o) == nil {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.all = append(h.all, o)
			}
		})
	})
	<-following
	clock := clocktest.New(noon.Add(5 * time.Minute))
	var watches []*watch.Watch
	for range 2 {
		w, err := watch.New(t.Context(), b, clock, bustest.Logger(t))
		require.NoError(t, err)
		run(t, w.Run)
		watches = append(watches, w)
	}
	// passes moves the clock and waits until both watches have looked at it.
	passes := func(d time.Duration) {
		t.Helper()
		clock.Add(d)
		for _, w := range watches {
			require.Eventually(t, func() bool { return w.Next().After(clock.Now()) }, 10*time.Second, time.Millisecond)
		}
	}
	heard := func(n int, sentence string) {
		t.Helper()
		require.Eventually(t, func() bool { return h.count() >= n }, 10*time.Second, time.Millisecond, sentence)
		require.Equal(t, n, h.count(), "two watches say the same")
	}
	passes(0)
	for range 44 {
		passes(time.Minute)
	}
	heard(0, "not before three intervals have passed since the start")
	passes(time.Minute)
	heard(1, "three intervals after the start")
	for range 15 {
		passes(time.Minute)
	}
	heard(2, "and again in the next interval, as long as no incident is open")
	first := h.all[0]
	require.Equal(t, "harbor", first.GetTenant())
	require.Equal(t, noon.Add(45*time.Minute), first.GetObservedAt().AsTime(), "the begin of the interval, which every watch knows")
	require.Equal(t, "login refused", first.GetFailure())
	require.Equal(t, at(-96).AsTime(), first.GetLastCompleteAt().AsTime())

	passes(24 * time.Hour) // the machine slept
	for range 44 {
		passes(time.Minute)
	}
	heard(2, "pollers get their time after the machine slept")
	passes(time.Minute)
	heard(3, "and no more than that")
}
