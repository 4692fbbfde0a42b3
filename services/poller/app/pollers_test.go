package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/app"
)

// run starts a poller and returns a function that stops it and waits for it.
func (w *world) run(id string, nc *nats.Conn) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	opts := w.opts
	opts.ID, opts.NATS = id, nc
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := app.Run(ctx, opts); err != nil && ctx.Err() == nil {
			w.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	w.t.Cleanup(stop)
	return stop
}

// eventually waits for a condition that the pollers bring about.
func (w *world) eventually(what string, condition func() bool) {
	w.t.Helper()
	require.Eventually(w.t, condition, 60*time.Second, 5*time.Millisecond, what)
}

// watchLeases keeps all leases in memory. await waits for a condition on them, and looks at it whenever one changed.
func (w *world) watchLeases() (store *bus.Store[*statusv1.PollLease], await func(what string, condition func() bool), leases *bus.View[*statusv1.PollLease, *statusv1.PollLease]) {
	w.t.Helper()
	store, err := bus.OpenStore[*statusv1.PollLease](w.t.Context(), w.bus, bus.PollLease)
	require.NoError(w.t, err)
	changed := make(chan struct{}, 1)
	leases = bus.NewView(store, ">", func(e bus.Entry[*statusv1.PollLease]) *statusv1.PollLease { return e.Value }, func(string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	ended := make(chan struct{})
	ctx, stop := context.WithCancel(w.t.Context())
	go func() { defer close(ended); _ = leases.Run(ctx, w.bus) }()
	w.t.Cleanup(func() { stop(); <-ended })
	await = func(what string, condition func() bool) {
		w.t.Helper()
		limit := time.After(2 * time.Minute)
		for !condition() {
			select {
			case <-changed:
			case <-limit:
				require.Fail(w.t, what)
			}
		}
	}
	return store, await, leases
}

// ends returns the ends of all sweeps of a tenant that are on the bus, oldest first.
func (w *world) ends() map[string][]*statusv1.SweepCompleted {
	w.t.Helper()
	js, err := jetstream.New(w.nc)
	require.NoError(w.t, err)
	consumer, err := js.OrderedConsumer(w.t.Context(), "STATUS", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"p.*.status.v1.sweep.>"}})
	require.NoError(w.t, err)
	info, err := consumer.Info(w.t.Context())
	require.NoError(w.t, err)
	all := map[string][]*statusv1.SweepCompleted{}
	if info.NumPending == 0 {
		return all
	}
	batch, err := consumer.Fetch(int(info.NumPending), jetstream.FetchMaxWait(10*time.Second))
	require.NoError(w.t, err)
	for msg := range batch.Messages() {
		done := &statusv1.SweepCompleted{}
		require.NoError(w.t, proto.Unmarshal(msg.Data(), done))
		all[done.GetTenant()] = append(all[done.GetTenant()], done)
	}
	require.NoError(w.t, batch.Error())
	return all
}

func TestOfTwoPollersOneDiesAndNoTenantWaitsLongerThanIntervalAndLease(t *testing.T) {
	const tenants, step = 200, 15 * time.Second
	w := newWorld(t, 1)
	var names []string
	for i := range tenants - 1 {
		names = append(names, fmt.Sprintf("tenant-%d", i))
		w.put(names[i], w.url)
	}
	names = append(names, "harbor")
	store, await, leases := w.watchLeases()
	// calm is when nobody sweeps and nobody is due, so that the clock may go on. What the dead poller holds is left.
	calm := func(dead string) bool {
		idle, now := 0, w.clock.Now()
		leases.Each(func(_ string, l *statusv1.PollLease) {
			orphan := l.GetOwner() == dead && dead != "" && l.GetUntil().AsTime().After(now)
			free := l.GetOwner() == "" && l.GetNextDue() != nil && l.GetNextDue().AsTime().After(now)
			if orphan || free {
				idle++
			}
		})
		return idle == tenants
	}
	victim, err := nats.Connect("", nats.InProcessServer(w.server), nats.NoReconnect())
	require.NoError(t, err)
	stopVictim := w.run("victim", victim)
	w.run("survivor", w.nc)
	await("all are swept once", func() bool { return calm("") })
	until := w.clock.Now().Add(interval)
	for w.clock.Now().Before(until) {
		w.clock.Add(step)
		await("whoever is due is swept", func() bool { return calm("") })
	}

	// The victim is caught in the middle of a sweep, and then its connection is cut. The clock does not move meanwhile.
	caught := func() (by bool) {
		require.NoError(t, store.Each(t.Context(), ">", func(e bus.Entry[*statusv1.PollLease]) error {
			by = by || e.Value.GetOwner() == "victim"
			return nil
		}))
		return by
	}
	for {
		_, err = w.cove.AddFault(covefake.Fault{Match: statistics, Kind: covefake.FaultSlow})
		require.NoError(t, err)
		w.clock.Add(step)
		w.eventually("whoever is due is under way", func() bool { return w.cove.Held() > 0 || calm("") })
		if caught() {
			break
		}
		w.cove.ClearFaults()
		await("whoever is due is swept", func() bool { return calm("") })
	}
	victim.Close()
	w.cove.ClearFaults()
	until = w.clock.Now().Add(2*interval + 2*time.Minute)
	for w.clock.Now().Before(until) {
		await("the survivor does all the work", func() bool { return calm("victim") })
		w.clock.Add(step)
	}
	stopVictim()

	ends := w.ends()
	longest := time.Duration(0)
	for _, name := range names {
		list := ends[name]
		require.GreaterOrEqual(t, len(list), 4, name)
		for i := 1; i < len(list); i++ {
			require.True(t, list[i].GetComplete(), list[i].GetFailure())
			gap := list[i].GetObservedAt().AsTime().Sub(list[i-1].GetObservedAt().AsTime())
			longest = max(longest, gap)
			require.Greater(t, list[i].GetSweep(), list[i-1].GetSweep())
			if i > 1 {
				// The second sweep was at most a step late for the first of the slots counted here.
				first := list[1].GetObservedAt().AsTime().Add(-step)
				slot := func(i int) int64 { return int64(list[i].GetObservedAt().AsTime().Sub(first) / interval) }
				require.Greater(t, slot(i), slot(i-1), "%s: a slot was swept twice", name)
			}
		}
	}
	require.LessOrEqual(t, longest, interval+time.Minute+2*step)
}

// A poller that dies after it told a sweep and before it gave the lease back has done the slot's work.
func TestASweepThatADeadPollerToldIsNotSweptAgain(t *testing.T) {
	w := newWorld(t, 2)
	done := w.once()
	leases, err := bus.OpenStore[*statusv1.PollLease](t.Context(), w.bus, bus.PollLease)
	require.NoError(t, err)
	_, err = leases.Update(t.Context(), "harbor", func(*statusv1.PollLease) (*statusv1.PollLease, error) {
		return &statusv1.PollLease{SchemaVersion: 1, Owner: "dead", Sweep: done.GetSweep(), Until: done.GetFinishedAt()}, nil
	})
	require.NoError(t, err)
	w.clock.Add(time.Second)
	w.run("b", w.nc)
	w.eventually("the lease is settled", func() bool { return w.lease("harbor").GetOwner() == "" })
	l := w.lease("harbor")
	require.Equal(t, done.GetSweep(), l.GetSweep())
	require.Equal(t, done.GetSweep(), l.GetLast().GetSweep())
	require.True(t, l.GetNextDue().AsTime().After(w.clock.Now()))
	require.Equal(t, done.GetObservedAt().AsTime(), l.GetLastCompleteAt().AsTime())
	require.Len(t, w.ends()["harbor"], 1)
}

func TestManySlowTenantsDelayNobody(t *testing.T) {
	const slow, quick = 12, 3
	w := newWorld(t, 1)
	w.opts.Concurrency = 2
	stuck := make(chan struct{})
	var once sync.Once
	release := func() { once.Do(func() { close(stuck) }) }
	var held sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		held.Add(1)
		defer held.Done()
		<-stuck
	}))
	t.Cleanup(server.Close)
	t.Cleanup(release)
	for i := range slow {
		w.put(fmt.Sprintf("a-slow-%d", i), server.URL)
	}
	w.run("a", w.nc)
	claimed := func() int {
		n := 0
		for i := range slow {
			if w.lease(fmt.Sprintf("a-slow-%d", i)).GetOwner() == "a" {
				n++
			}
		}
		return n
	}
	// All are due at once, slow ones and the quick one alike. Two at a time are taken up until they prove slow.
	for taken := 0; taken < slow; {
		w.eventually("slots are taken up", func() bool { taken = claimed(); return taken > 0 })
		w.clock.Add(31 * time.Second)
	}
	for i := range quick {
		w.put(fmt.Sprintf("quick-%d", i), w.url)
	}
	for i := range quick {
		w.eventually("a quick tenant is swept while all the slow ones hang", func() bool {
			w.clock.Add(time.Second)
			return w.lease(fmt.Sprintf("quick-%d", i)).GetLast().GetComplete()
		})
	}
	require.Equal(t, slow, claimed())
	release()
	held.Wait()
}

func TestAFailingTenantIsSweptLessOftenAndNobodyElse(t *testing.T) {
	w := newWorld(t, 1)
	bad := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(bad.Close)
	w.put("failing", bad.URL)
	w.run("a", w.nc)
	settled := func() bool {
		now := w.clock.Now()
		for _, name := range []string{"harbor", "failing"} {
			l := w.lease(name)
			if l.GetOwner() != "" || !l.GetNextDue().AsTime().After(now) {
				return false
			}
		}
		return true
	}
	w.eventually("both are swept", settled)
	for range 4 * 60 {
		w.clock.Add(time.Minute)
		w.eventually("whoever is due is swept", settled)
	}
	ends := w.ends()
	require.Len(t, ends["harbor"], 17, "the first and sixteen slots")
	require.Len(t, ends["failing"], 6, "at once, in its slot, after 30 min, and then once an hour")
	require.EqualValues(t, 6, w.lease("failing").GetFailures())

	t.Run("a sync is answered at once", func(t *testing.T) {
		require.NoError(t, app.SyncNow(t.Context(), w.bus, "failing"))
		w.eventually("it is swept without the clock moving", func() bool { return w.lease("failing").GetFailures() == 7 })
		require.NoError(t, app.SyncNow(t.Context(), w.bus, "harbor"))
		w.eventually("so is one that is not failing", func() bool { return len(w.ends()["harbor"]) == 18 })
		err := app.SyncNow(t.Context(), w.bus, "nobody")
		require.Equal(t, errclass.NotFound, errclass.Of(err))
		require.ErrorContains(t, err, `there is no tenant "nobody"`)
	})
	t.Run("settings that were put right end it", func(t *testing.T) {
		w.put("failing", w.url)
		w.eventually("it is swept without the clock moving", func() bool { return w.lease("failing").GetLast().GetComplete() })
		require.Zero(t, w.lease("failing").GetFailures())
	})
}

func TestASyncDuringASweepIsFollowedByAnother(t *testing.T) {
	w := newWorld(t, 1)
	_, err := w.cove.AddFault(covefake.Fault{Match: statistics, Kind: covefake.FaultSlow, Times: 1})
	require.NoError(t, err)
	w.run("a", w.nc)
	w.eventually("a sweep is under way", func() bool { return w.cove.Held() == 1 })
	require.NoError(t, app.SyncNow(t.Context(), w.bus, "harbor"))
	w.cove.Release()
	w.eventually("another follows", func() bool { return len(w.ends()["harbor"]) == 2 })
}

// A visa is good for 15 minutes. The answers of this Cove take ten each on the clock that it and the poller share.
func TestASweepThatTakesFortyMinutesFinishes(t *testing.T) {
	w := newWorld(t, 2500)
	_, err := w.cove.AddFault(covefake.Fault{Match: statistics, Kind: covefake.FaultSlow, DelaySeconds: 600})
	require.NoError(t, err)
	began := w.clock.Now()
	w.run("a", w.nc)
	w.eventually("the sweep ends", func() bool {
		if w.cove.Held() > 0 {
			w.clock.Add(5 * time.Minute)
		}
		return w.lease("harbor").GetLast() != nil
	})
	done := w.lease("harbor").GetLast()
	require.True(t, done.GetComplete(), done.GetFailure())
	require.EqualValues(t, 2500, done.GetDevices())
	require.GreaterOrEqual(t, done.GetFinishedAt().AsTime().Sub(began), 40*time.Minute)
	require.Equal(t, began.Truncate(time.Second), done.GetObservedAt().AsTime())
}

func TestAPollerThatIsStoppedGivesItsTenantsBack(t *testing.T) {
	w := newWorld(t, 1)
	_, err := w.cove.AddFault(covefake.Fault{Match: statistics, Kind: covefake.FaultSlow})
	require.NoError(t, err)
	stop := w.run("a", w.nc)
	w.eventually("a sweep is under way", func() bool { return w.cove.Held() == 1 })
	require.Equal(t, "a", w.lease("harbor").GetOwner())
	stop()
	require.Empty(t, w.lease("harbor").GetOwner())
	require.Nil(t, w.lease("harbor").GetNextDue(), "it is due for whoever comes next")
	require.Empty(t, w.ends())
}
