package run_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/run"
)

var errBroken = errors.New("broken")

// diary records what services do, in order.
type diary struct {
	mu      sync.Mutex
	entries []string
}

func (d *diary) write(entry string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, entry)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.entries...)
}

// service writes every step to the diary and runs until its context ends.
func (d *diary) service(name string) run.Service {
	return run.Service{
		Name:  name,
		Start: func(context.Context) error { d.write("start " + name); return nil },
		Run: func(ctx context.Context) error {
			<-ctx.Done()
			d.write("end " + name)
			return ctx.Err()
		},
		Stop: func(context.Context) error { synctest.Wait(); d.write("stop " + name); return nil },
	}
}

func TestServicesStartInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancelCause(t.Context())
		g := run.New(run.Options{}, d.service("broker"), d.service("poller"), d.service("console"))
		result := make(chan error, 1)
		go func() { result <- g.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, []string{"start broker", "start poller", "start console"}, d.read())

		cancel(errBroken) // whatever the cause, an ended context is no failure
		require.NoError(t, <-result)
		require.Equal(t, []string{
			"start broker", "start poller", "start console",
			"end console", "stop console", "end poller", "stop poller", "end broker", "stop broker",
		}, d.read())
	})
}

func TestAFailingRunStopsTheOthersAndIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		failing := d.service("poller")
		failing.Run = func(context.Context) error {
			time.Sleep(time.Minute)
			return errBroken
		}
		g := run.New(run.Options{}, d.service("broker"), failing, d.service("console"))
		err := g.Run(t.Context())
		require.EqualError(t, err, "poller: broken")
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, []string{
			"start broker", "start poller", "start console",
			"end console", "stop console", "stop poller", "end broker", "stop broker",
		}, d.read())
	})
}

func TestAFailingStartRollsBackWhatHasStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		failing := d.service("poller")
		failing.Start = func(context.Context) error { return errBroken }
		g := run.New(run.Options{}, d.service("broker"), failing, d.service("console"))
		err := g.Run(t.Context())
		require.EqualError(t, err, "start poller: broken")
		require.Equal(t, []string{"start broker", "end broker", "stop broker"}, d.read())
	})
}

func TestARunThatFailsDuringTheStartEndsTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := run.Service{Name: "poller", Start: func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("dial: no broker")
		}}
		broker := run.Service{Name: "broker", Run: func(context.Context) error { return errBroken }}
		require.EqualError(t, run.New(run.Options{}, broker, slow).Run(t.Context()), "broker: broken")
	})
}

func TestAContextThatEndsDuringTheStartIsACleanStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slow := run.Service{Name: "poller", Start: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		require.NoError(t, run.New(run.Options{}, d.service("broker"), slow, d.service("console")).Run(ctx))
		require.Equal(t, []string{"start broker", "end broker", "stop broker"}, d.read())
	})
}

func TestAHangingServiceIsLeftBehind(t *testing.T) {
	release := make(chan struct{})
	hang := func(context.Context) error { <-release; return nil }
	tests := map[string]struct {
		hanging []run.Service
		took    time.Duration
		want    string
	}{
		"its Stop hangs, for as long as the group allows": {
			[]run.Service{{Name: "poller", Stop: hang}},
			2 * time.Second, "stop poller: still running: context deadline exceeded",
		},
		"its Run ignores its context, for as long as the service allows": {
			[]run.Service{{Name: "poller", Run: hang, StopTimeout: time.Second}},
			time.Second, "stop poller: still running: context deadline exceeded",
		},
		"several hang, for as long as leaves the others their share": {
			[]run.Service{{Name: "one", Run: hang, StopTimeout: time.Hour}, {Name: "two", Run: hang, Stop: hang}},
			5 * time.Second, "stop two: still running: context deadline exceeded\n" +
				"stop one: still running: context deadline exceeded",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release = make(chan struct{})
				ctx, cancel := context.WithCancel(t.Context())
				stopped := false
				first := run.Service{Name: "first", Stop: func(context.Context) error { stopped = true; return nil }}
				g := run.New(run.Options{StopTimeout: 2 * time.Second, TotalTimeout: 6 * time.Second}, append([]run.Service{first}, test.hanging...)...)
				result := make(chan error, 1)
				go func() { result <- g.Run(ctx) }()
				synctest.Wait()

				cancel()
				begin := time.Now()
				err := <-result
				require.Equal(t, test.took, time.Since(begin))
				require.EqualError(t, err, test.want)
				require.True(t, stopped, "those started before are stopped all the same")
				close(release)
			})
		})
	}
}

func TestErrorsOfStopsAndLateErrorsOfRunsAreJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errLate, errStop := errors.New("late"), errors.New("unsynced")
		broker := run.Service{Name: "broker", Stop: func(context.Context) error { return errStop }}
		poller := run.Service{Name: "poller", Run: func(ctx context.Context) error { <-ctx.Done(); return errLate }}
		failing := run.Service{Name: "console", Run: func(context.Context) error { return errBroken }}
		err := run.New(run.Options{}, broker, poller, failing).Run(t.Context())
		require.EqualError(t, err, "console: broken\npoller: late\nstop broker: unsynced")
		require.ErrorIs(t, err, errBroken)
		require.ErrorIs(t, err, errLate)
		require.ErrorIs(t, err, errStop)
	})
}

func TestAPanicIsAnErrorThatNamesTheService(t *testing.T) {
	boom := func(context.Context) error { panic("boom") }
	tests := map[string]struct {
		service run.Service
		want    string
	}{
		"in Run":   {run.Service{Name: "poller", Run: boom}, "poller: panic: boom"},
		"in Start": {run.Service{Name: "poller", Start: boom}, "start poller: panic: boom"},
		"in Stop":  {run.Service{Name: "poller", Run: func(context.Context) error { return nil }, Stop: boom}, "stop poller: panic: boom"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				broker := d.service("broker")
				broker.Run = nil
				err := run.New(run.Options{}, broker, test.service).Run(t.Context())
				require.EqualError(t, err, test.want)
				var p *run.PanicError
				require.ErrorAs(t, err, &p)
				require.Equal(t, "boom", p.Value)
				require.Contains(t, string(p.Stack), "group_test.go")
				require.Equal(t, []string{"start broker", "stop broker"}, d.read())
			})
		})
	}
}

func TestAGroupEndsWhenEveryRunHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		once := d.service("sweep")
		once.Run = func(context.Context) error { time.Sleep(time.Minute); d.write("swept"); return nil }
		other := d.service("other")
		other.Run = func(context.Context) error { time.Sleep(time.Second); return nil }
		require.NoError(t, run.New(run.Options{}, once, other).Run(t.Context()))
		require.Equal(t, []string{"start sweep", "start other", "swept", "stop other", "stop sweep"}, d.read())
	})
}

func TestStopFromManySidesStopsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broker := d.service("broker")
		broker.Stop = func(context.Context) error { synctest.Wait(); d.write("stop broker"); return errBroken }
		g := run.New(run.Options{}, broker)
		results := make(chan error)
		go func() { results <- g.Run(t.Context()) }()
		synctest.Wait()
		for range 10 {
			go func() { results <- g.Stop(t.Context()) }()
		}
		for range 11 {
			require.EqualError(t, <-results, "stop broker: broken")
		}
		require.EqualError(t, g.Stop(t.Context()), "stop broker: broken", "once more, after the end")
		require.Equal(t, []string{"start broker", "end broker", "stop broker"}, d.read())
		require.ErrorIs(t, g.Run(t.Context()), run.ErrBegun)
	})
}

func TestStopWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := run.New(run.Options{}, run.Service{Name: "slow", Stop: func(ctx context.Context) error { <-ctx.Done(); return nil }})
		result := make(chan error, 1)
		go func() { result <- g.Run(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, g.Stop(ctx), context.DeadlineExceeded)
		<-result
	})
}

func TestStopBeforeRunKeepsEverythingFromStarting(t *testing.T) {
	var d diary
	g := run.New(run.Options{}, d.service("broker"))
	require.NoError(t, g.Stop(t.Context()))
	require.NoError(t, g.Run(t.Context()))
	require.Empty(t, d.read())
}
