package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
)

func jet(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

func incident(tenant, device, id string) bus.Message {
	return bus.Message{
		Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbFailed, Tenant: tenant, Key: device},
		ID:      id, Body: wrapperspb.String(id),
	}
}

// collector records what handlers were given.
type collector struct {
	mu  sync.Mutex
	got []string
}

func (c *collector) add(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, s)
}

func (c *collector) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// consume runs a handler for incidents until the test ends or stop is called.
func consume(t *testing.T, b *bus.Bus, h bus.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Consume(ctx, bus.Ticketer, time.Minute, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 30*time.Second, 5*time.Millisecond, what)
}

func body(t *testing.T, d bus.Delivery) string {
	t.Helper()
	var v wrapperspb.StringValue
	require.NoError(t, d.Decode(&v))
	return v.GetValue()
}

func TestProvisionIsIdempotentAndKeepsWhatTheBusWasBornWith(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	before := bustest.Open(t, nc).Installation()
	require.NotEmpty(t, before)

	require.NoError(t, bus.Provision(t.Context(), jet(t, nc), bus.ProvisionOptions{Partitions: bustest.Partitions, Replicas: 1}))
	require.Equal(t, before, bustest.Open(t, nc).Installation())

	err := bus.Provision(t.Context(), jet(t, nc), bus.ProvisionOptions{Partitions: 8, Replicas: 1})
	require.Equal(t, errclass.Rejected, errclass.Of(err))
	require.ErrorContains(t, err, "created with 4 partitions and cannot work with 8")
}

func TestProvisionBringsTheConsumersOfAnOlderBusUpToDate(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	b, js := bustest.Open(t, nc), jet(t, nc)
	consumer, err := js.Consumer(t.Context(), "INCIDENT", "ticketer-p01")
	require.NoError(t, err)
	older := consumer.CachedInfo().Config
	older.FilterSubjects = []string{"p.1.incident.v1.>"}
	_, err = js.UpdateConsumer(t.Context(), "INCIDENT", older)
	require.NoError(t, err)
	require.NoError(t, b.Publish(t.Context(), incident("t1", "d1", "before")))

	require.NoError(t, bus.Provision(t.Context(), js, bus.ProvisionOptions{Partitions: bustest.Partitions, Replicas: 1}))
	for i := range 20 { // enough to reach every partition
		account := incident("t1", fmt.Sprint(i), fmt.Sprintf("judged %d", i))
		account.Subject.Verb = bus.VerbJudged
		require.NoError(t, b.Publish(t.Context(), account))
	}
	require.NoError(t, b.Publish(t.Context(), incident("t1", "d1", "after")))
	var got collector
	consume(t, b, func(_ context.Context, d bus.Delivery) error {
		got.add(d.ID)
		return nil
	})
	eventually(t, "drained", func() bool {
		drained, err := b.Drained(t.Context(), bus.Ticketer)
		return err == nil && drained
	})
	require.Equal(t, []string{"before", "after"}, got.all(), "the ticketer does not hear of accounts")
}

func TestHistoryGivesWhatIsThereOfOneVerbAndTenant(t *testing.T) {
	t.Parallel()
	b := bustest.Open(t, bustest.Start(t))
	read := func(family bus.Family, verb, tenant string) (ids []string) {
		require.NoError(t, b.History(t.Context(), family, verb, tenant, func(d bus.Delivery) error {
			ids = append(ids, d.ID)
			return nil
		}))
		return ids
	}
	require.Empty(t, read(bus.Incident, bus.VerbFailed, "t1"))
	for i := range 9 {
		m := incident([]string{"t1", "t1-2", "t1"}[i%3], fmt.Sprint(i), fmt.Sprint(i))
		m.Subject.Verb = []string{bus.VerbFailed, bus.VerbFailed, bus.VerbChanged}[i%3]
		require.NoError(t, b.Publish(t.Context(), m))
	}
	require.Equal(t, []string{"0", "3", "6"}, read(bus.Incident, bus.VerbFailed, "t1"))
	require.Equal(t, []string{"1", "4", "7"}, read(bus.Incident, bus.VerbFailed, "t1-2"))
	require.Empty(t, read(bus.Company, bus.VerbWanted, "t1"))

	stop := errors.New("enough")
	require.ErrorIs(t, b.History(t.Context(), bus.Incident, bus.VerbFailed, "t1", func(bus.Delivery) error { return stop }), stop)
}

func TestOpenRefusesABusThatWasNotProvisioned(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t, bustest.Server(t, t.TempDir()))
	_, err := bus.Open(t.Context(), nc, bus.Options{Service: "test", Logger: bustest.Logger(t)})
	require.Equal(t, errclass.Rejected, errclass.Of(err))
	require.ErrorContains(t, err, "provision the bus before starting services")
}

func TestSubjectsCarryAnyIDAndCannotBeInjectedInto(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"harbor", "5131534", "a.b", "*", ">", "Ä ö", "=x", "UPPER", strings.Repeat("x", 100), "\x00"} {
		s := bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: id}
		require.Equal(t, 4, strings.Count(s.String(), "."), id)
		require.NotContains(t, s.String(), "*")
		require.NotContains(t, s.String(), ">")
		for _, stored := range []string{s.String(), "p.3." + s.String()} {
			back, err := bus.ParseSubject(stored)
			require.NoError(t, err)
			require.Equal(t, s, back)
		}
	}
	require.NotEqual(t, "=x", bus.Token("=x"), "an id that looks encoded is encoded itself")
	_, err := bus.ParseSubject("status.v2.snapshot.harbor.1")
	require.Equal(t, errclass.Rejected, errclass.Of(err))
}

func TestARepeatedPublishIsStoredOnce(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	require.NoError(t, b.Publish(t.Context(), incident("t1", "d1", "once")))
	require.NoError(t, b.Publish(t.Context(), incident("t1", "d1", "once")))
	require.EqualValues(t, 1, stored(t, nc, "INCIDENT"))
}

func stored(t *testing.T, nc *nats.Conn, stream string) uint64 {
	t.Helper()
	s, err := jet(t, nc).Stream(t.Context(), stream)
	require.NoError(t, err)
	info, err := s.Info(t.Context())
	require.NoError(t, err)
	return info.State.Msgs
}

func TestPublishAllStoresEachMessageOnceInOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 63, 64, 1203} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			nc := bustest.Start(t)
			b := bustest.Open(t, nc)
			var all []bus.Message
			var want []string
			for i := range n {
				all = append(all, incident("t1", "d1", fmt.Sprintf("m%04d", i)))
				want = append(want, fmt.Sprintf("m%04d", i))
			}
			require.NoError(t, b.PublishAll(t.Context(), all))
			require.NoError(t, b.PublishAll(t.Context(), all), "a repetition is harmless")
			require.EqualValues(t, n, stored(t, nc, "INCIDENT"))

			var c collector
			consume(t, b, func(_ context.Context, d bus.Delivery) error { c.add(body(t, d)); return nil })
			eventually(t, "all handled", func() bool { return len(c.all()) >= n })
			require.Equal(t, want, c.all())
		})
	}
}

func TestPublishAllRefusesTwoFamiliesAtOnce(t *testing.T) {
	t.Parallel()
	b := bustest.Open(t, bustest.Start(t))
	other := incident("t1", "d1", "b")
	other.Subject.Family = bus.Ticket
	require.Equal(t, errclass.Bug, errclass.Of(b.PublishAll(t.Context(), []bus.Message{incident("t1", "d1", "a"), other})))
}

// With a backlog, three replicas pull every partition; no device may be handled twice at once or out of order,
// also when one of them dies in the middle.
func TestReplicasShareTheWorkAndKeepTheOrderOfEachDevice(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	const devices, each = 20, 15
	var all []bus.Message
	for i := range each {
		for d := range devices {
			all = append(all, incident("t1", fmt.Sprintf("d%d", d), fmt.Sprintf("%d/%02d", d, i)))
		}
	}
	require.NoError(t, b.PublishAll(t.Context(), all))

	var mu sync.Mutex
	busy, overlaps, handled, last, reordered := map[string]int{}, 0, 0, map[string]string{}, 0
	handler := func(_ context.Context, d bus.Delivery) error {
		mu.Lock()
		busy[d.Subject.Key]++
		if busy[d.Subject.Key] > 1 {
			overlaps++
		}
		now := body(t, d)
		if now < last[d.Subject.Key] {
			reordered++
		}
		last[d.Subject.Key] = now
		handled++
		mu.Unlock()
		mu.Lock()
		busy[d.Subject.Key]--
		mu.Unlock()
		return nil
	}
	stops := []func(){consume(t, b, handler), consume(t, b, handler), consume(t, b, handler)}
	stops[0]()
	eventually(t, "all handled", func() bool { mu.Lock(); defer mu.Unlock(); return handled >= devices*each })
	stops[1]()
	stops[2]()
	require.Zero(t, overlaps)
	require.Zero(t, reordered)
	drained, err := b.Drained(t.Context(), bus.Ticketer)
	require.NoError(t, err)
	require.True(t, drained)
}

func TestTheClassOfAnErrorDecidesWhatBecomesOfTheMessage(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	reg := prometheus.NewRegistry()
	b, err := bus.Open(t.Context(), nc, bus.Options{Service: "ticketer", Logger: bustest.Logger(t), Registerer: reg})
	require.NoError(t, err)
	var c collector
	consume(t, b, func(_ context.Context, d bus.Delivery) error {
		c.add(fmt.Sprintf("%s %d", d.Subject.Key, d.Attempt))
		switch {
		case d.Subject.Key == "rejected":
			return errclass.New(errclass.Rejected, "apply", errors.New("bad\r\nsettings"))
		case d.Subject.Key == "panics":
			panic("boom")
		case d.Subject.Key == "transient" && d.Attempt == 1:
			return errclass.New(errclass.Transient, "apply", errors.New("502"))
		}
		return nil
	})
	for _, device := range []string{"good", "rejected", "panics", "transient"} {
		require.NoError(t, b.Publish(t.Context(), incident("t1", device, "e-"+device)))
	}
	eventually(t, "all handled", func() bool { return len(c.all()) >= 5 })
	eventually(t, "two dead letters", func() bool { return stored(t, nc, "DLQ") == 2 })
	eventually(t, "all answered", func() bool { ok, err := b.Drained(t.Context(), bus.Ticketer); return err == nil && ok })
	require.ElementsMatch(t, []string{"good 1", "rejected 1", "panics 1", "transient 1", "transient 2"}, c.all())

	dead := map[string]nats.Header{}
	s, err := jet(t, nc).Stream(t.Context(), "DLQ")
	require.NoError(t, err)
	for seq := range uint64(2) {
		raw, err := s.GetMsg(t.Context(), seq+1)
		require.NoError(t, err)
		require.Equal(t, "dlq.ticketer.t1", raw.Subject)
		dead[raw.Header.Get(bus.HeaderSubject)] = raw.Header
	}
	rejected := dead["incident.v1.failed.t1.rejected"]
	require.Equal(t, "INCIDENT", rejected.Get(bus.HeaderStream))
	require.Equal(t, "2", rejected.Get(bus.HeaderSequence))
	require.Equal(t, "rejected", rejected.Get(bus.HeaderClass))
	require.Equal(t, "apply: bad  settings", rejected.Get(bus.HeaderReason))
	require.Equal(t, "bug", dead["incident.v1.failed.t1.panics"].Get(bus.HeaderClass))
	eventually(t, "the server's own record of the two", func() bool { return stored(t, nc, "ADVISORY") == 2 })
	require.Equal(t, 5, int(testutil.ToFloat64(countAll{reg, "covewise_bus_handled_total"})))
}

// countAll adds up a counter over its labels.
type countAll struct {
	reg  *prometheus.Registry
	name string
}

func (c countAll) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

func (c countAll) Collect(ch chan<- prometheus.Metric) {
	families, err := c.reg.Gather()
	if err != nil {
		return
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == c.name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("sum", "Sum.", nil, nil), prometheus.CounterValue, sum)
}

func TestAMessageInTheHandlerAtShutdownComesAgain(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	require.NoError(t, b.Publish(t.Context(), incident("t1", "d1", "e1")))
	entered := make(chan struct{})
	stop := consume(t, b, func(ctx context.Context, _ bus.Delivery) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	})
	<-entered
	stop()

	var c collector
	consume(t, b, func(_ context.Context, d bus.Delivery) error { c.add(body(t, d)); return nil })
	eventually(t, "delivered again", func() bool { return slices.Equal(c.all(), []string{"e1"}) })
}

func TestATraceGoesThroughTheBusAsALink(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	spans := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(spans))
	b, err := bus.Open(t.Context(), nc, bus.Options{Service: "test", Logger: bustest.Logger(t), Tracer: provider})
	require.NoError(t, err)
	ctx, publisher := provider.Tracer("test").Start(t.Context(), "publish")
	require.NoError(t, b.Publish(ctx, incident("t1", "d1", "e1")))
	publisher.End()
	stop := consume(t, b, func(context.Context, bus.Delivery) error { return nil })
	eventually(t, "handler's span", func() bool { return len(spans.GetSpans()) == 2 })
	stop()
	handled := spans.GetSpans()[1]
	require.Equal(t, "ticketer incident.failed", handled.Name)
	require.Len(t, handled.Links, 1)
	require.Equal(t, publisher.SpanContext().TraceID(), handled.Links[0].SpanContext.TraceID())
}

func TestFollowSeesWhatIsPublishedAfterwards(t *testing.T) {
	t.Parallel()
	b := bustest.Open(t, bustest.Start(t))
	require.NoError(t, b.Publish(t.Context(), incident("t1", "d1", "before")))
	ctx, cancel := context.WithCancel(t.Context())
	started, done := make(chan struct{}), make(chan error, 1)
	var c collector
	go func() {
		done <- b.Follow(ctx, bus.Incident, func() { close(started) }, func(d bus.Delivery) { c.add(d.ID) })
	}()
	<-started
	require.NoError(t, b.Publish(t.Context(), incident("t1", "d1", "after")))
	eventually(t, "seen", func() bool { return slices.Equal(c.all(), []string{"after"}) })
	cancel()
	require.NoError(t, <-done)
}
