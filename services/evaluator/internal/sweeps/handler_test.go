package sweeps_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
)

func TestAnOutageFromEndToEnd(t *testing.T) {
	w := newWorld(t)
	registry := prometheus.NewRegistry()
	metrics, err := sweeps.NewMetrics(registry)
	require.NoError(t, err)
	w.consume(w.handler(func(h *sweeps.Handler) { h.Metrics = metrics }))

	w.snapshot("harbor", "1", 1, "5")
	w.snapshot("harbor", "2", 1, "2")
	w.complete(completed("harbor", 1, 2))
	w.settled()
	require.Equal(t, []string{"harbor 2-1 r1 FAILED"}, told(w.events()))
	require.Contains(t, w.log.String(), `level=INFO msg="sweep judged" tenant=harbor sweep=1 healthy=1 in_trouble=1 excluded=0 unknown=0 opened=1 changed=0 resolved=0`)

	w.snapshot("harbor", "2", 2, "3")
	w.complete(completed("harbor", 2, 2))
	w.snapshot("harbor", "2", 3, "5")
	w.complete(completed("harbor", 3, 1, "1"))
	w.settled()
	require.Equal(t, []string{"harbor 2-1 r1 FAILED", "harbor 2-1 r2 CHANGED", "harbor 2-1 r3 RESOLVED"}, told(w.events()))
	require.True(t, w.state("harbor", "1").GetGone())
	require.NotContains(t, w.log.String(), "devices judged are not the devices enumerated")

	require.Equal(t, 3.0, metric(t, registry, "covewise_evaluator_decisions_total", "healthy"))
	require.Equal(t, 2.0, metric(t, registry, "covewise_evaluator_decisions_total", "in_trouble"))
	require.Equal(t, 1.0, metric(t, registry, "covewise_evaluator_incidents_total", "resolved"))
	count, err := testutil.GatherAndCount(registry)
	require.NoError(t, err)
	require.Equal(t, 4+3+3+3+1, count, "every label exists from the start")
}

func metric(t *testing.T, registry *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

func TestUnchangedDevicesCauseNoWrite(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "5")
	w.snapshot("harbor", "2", 1, "2")
	w.complete(completed("harbor", 1, 2))
	w.settled()
	_, before, err := w.states.Get(t.Context(), bus.Key("harbor", "2"))
	require.NoError(t, err)
	for sweep := uint64(2); sweep < 6; sweep++ {
		w.complete(completed("harbor", sweep, 2))
	}
	w.settled()
	_, after, err := w.states.Get(t.Context(), bus.Key("harbor", "2"))
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Len(t, w.events(), 1)
}

func TestAnIncompleteSweepDecidesNothing(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "2")
	w.snapshot("harbor", "2", 1, "5")
	w.complete(completed("harbor", 1, 2))

	w.snapshot("harbor", "1", 2, "5")
	w.snapshot("harbor", "2", 2, "2")
	partial := completed("harbor", 2, 1, "1")
	partial.Complete, partial.FailureClass, partial.Failure = false, "transient", "page 2 is missing"
	w.complete(partial)
	w.settled()
	require.Equal(t, []string{"harbor 1-1 r1 FAILED"}, told(w.events()))
	require.False(t, w.state("harbor", "1").GetGone())
	require.Contains(t, w.log.String(), `level=WARN msg="sweep incomplete, nothing judged" tenant=harbor sweep=2 class=transient reason="page 2 is missing"`)

	w.complete(completed("harbor", 3, 2))
	w.settled()
	require.ElementsMatch(t, []string{"harbor 1-1 r1 FAILED", "harbor 1-1 r2 RESOLVED", "harbor 2-1 r1 FAILED"}, told(w.events()), "the next complete sweep makes up for it")
}

func TestATenantWithoutSettingsIsNotJudged(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.snapshot("lighthouse", "1", 1, "2")
	w.complete(completed("lighthouse", 1, 1))
	w.settled()
	require.Empty(t, w.events())
	require.Contains(t, w.log.String(), `level=WARN msg="tenant has no settings, nothing judged" tenant=lighthouse sweep=1`)

	w.configure("lighthouse")
	w.complete(completed("lighthouse", 2, 1))
	w.settled()
	require.Equal(t, []string{"lighthouse 1-1 r1 FAILED"}, told(w.events()))
}

func TestTenantsAreJudgedApart(t *testing.T) {
	w := newWorld(t)
	w.configure("harbor-2")
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "2")
	w.snapshot("harbor-2", "1", 1, "2")
	w.complete(completed("harbor", 1, 1))
	w.settled()
	require.Equal(t, []string{"harbor 1-1 r1 FAILED"}, told(w.events()))
}

func TestADeviceThatIsEnumeratedButWasNeverDescribedIsUnknown(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "5")
	w.complete(completed("harbor", 1, 3))
	w.settled()
	require.Contains(t, w.log.String(), "healthy=1 in_trouble=0 excluded=0 unknown=2")
}

func TestMessagesForSomebodyElseAreRefused(t *testing.T) {
	w := newWorld(t)
	h := w.handler(nil)
	data := func(m proto.Message) []byte {
		b, err := proto.Marshal(m)
		require.NoError(t, err)
		return b
	}
	for sentence, d := range map[string]bus.Delivery{
		"another tenant's snapshot": {Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: "1"}, Data: data(server("other", "1", 1, "2"))},
		"another device's snapshot": {Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: "1"}, Data: data(server("harbor", "2", 1, "2"))},
		"another tenant's sweep":    {Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSweep, Tenant: "harbor", Key: "1"}, Data: data(completed("other", 1, 1))},
		"an unknown verb":           {Subject: bus.Subject{Family: bus.Status, Verb: "party", Tenant: "harbor", Key: "1"}},
		"no snapshot":               {Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: "1"}, Data: []byte{0xff}},
		"no sweep":                  {Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSweep, Tenant: "harbor", Key: "1"}, Data: []byte{0xff}},
	} {
		require.Equal(t, errclass.Rejected, errclass.Of(h.Handle(t.Context(), d)), sentence)
	}
	require.Nil(t, w.state("harbor", "1"))
	require.Nil(t, w.state("other", "1"))
}

func (w *world) policy(change func(*tenantv1.Policy)) {
	w.t.Helper()
	_, err := w.settings.Update(w.t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		change(s.GetPolicy())
		return s, nil
	})
	require.NoError(w.t, err)
}

// consumeAll runs an evaluator until it has handled everything.
func (w *world) consumeAll(h *sweeps.Handler) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.bus.Consume(ctx, bus.Evaluator, time.Minute, h.Handle) }()
	w.settled()
	stop()
	require.NoError(w.t, <-done)
}

// listing is a complete sweep that tells every id.
func listing(tenant string, sweep uint64, ids ...string) *statusv1.SweepCompleted {
	s := completed(tenant, sweep, len(ids))
	s.DeviceIds = ids
	return s
}

func TestADeviceIsGoneWhenASweepDoesNotListItAndBackWhenOneDoes(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "2")
	w.snapshot("harbor", "2", 1, "5")
	w.complete(listing("harbor", 1, "1", "2"))
	w.complete(listing("harbor", 2, "2"))
	w.settled()
	require.True(t, w.state("harbor", "1").GetGone())
	w.complete(listing("harbor", 3, "1", "2")) // back, with the picture it had: the poller has nothing to publish
	w.settled()
	require.False(t, w.state("harbor", "1").GetGone())
	require.Equal(t, []string{"harbor 1-1 r1 FAILED", "harbor 1-1 r2 RESOLVED", "harbor 1-2 r1 FAILED"}, told(w.events()))
}

func TestADeviceThatWentWhileTheTenantHadNoSettingsIsFoundGoneLater(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "2")
	w.complete(listing("harbor", 1, "1"))
	w.settled()
	_, revision, err := w.settings.Get(t.Context(), bus.Key("harbor"))
	require.NoError(t, err)
	require.NoError(t, w.settings.Delete(t.Context(), bus.Key("harbor"), revision))
	w.complete(listing("harbor", 2))
	w.settled()
	w.configure("harbor")
	w.complete(listing("harbor", 3))
	w.settled()
	require.Equal(t, []string{"harbor 1-1 r1 FAILED", "harbor 1-1 r2 RESOLVED"}, told(w.events()))
}

func TestADuplicateSweepChangesNothing(t *testing.T) {
	w := newWorld(t)
	h := w.handler(nil)
	w.consume(h)
	w.snapshot("harbor", "1", 1, "2")
	w.complete(completed("harbor", 1, 1))
	w.snapshot("harbor", "1", 2, "5")
	w.complete(completed("harbor", 2, 1))
	w.settled()
	before := w.events()
	for _, sweep := range []uint64{1, 2, 2} {
		s := completed("harbor", sweep, 1)
		data, err := proto.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, h.Handle(t.Context(), bus.Delivery{Subject: sweepSubject(s), Data: data, Attempt: 2}))
	}
	require.Equal(t, told(before), told(w.events()))
}

func TestALateSnapshotIsIgnored(t *testing.T) {
	w := newWorld(t)
	h := w.handler(nil)
	for _, sweep := range []uint64{4, 3} {
		data, err := proto.Marshal(server("harbor", "1", sweep, strconv.Itoa(int(sweep))))
		require.NoError(t, err)
		require.NoError(t, h.Handle(t.Context(), bus.Delivery{Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: "1"}, Data: data}))
	}
	require.Equal(t, uint64(4), w.state("harbor", "1").GetSnapshot().GetSweep())
}

func TestAChangedPolicyJudgesTheNextSweep(t *testing.T) {
	w := newWorld(t)
	policies := sweeps.NewTenantPolicies(w.settings)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- policies.Run(ctx, w.bus) }()
	<-policies.Ready()

	settings, revision, err := w.settings.Get(t.Context(), bus.Key("harbor"))
	require.NoError(t, err)
	settings.Policy.Version = "p2"
	_, err = w.settings.Put(t.Context(), bus.Key("harbor"), settings, revision)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		tenant, err := policies.Tenant(t.Context(), "harbor")
		return err == nil && tenant != nil && tenant.Settings.GetPolicy().GetVersion() == "p2"
	}, 30*time.Second, 5*time.Millisecond)

	require.NoError(t, w.settings.Delete(t.Context(), bus.Key("harbor"), revision+1))
	require.Eventually(t, func() bool {
		tenant, err := policies.Tenant(t.Context(), "harbor")
		return err == nil && tenant == nil
	}, 30*time.Second, 5*time.Millisecond, "a tenant that was removed has no policy")
	cancel()
	require.NoError(t, <-done)
}
