// Package chaos_test proves that tickets are made, noted and closed exactly once, whatever happens and whatever people
// do. It runs schedules of faults against the real evaluator, company-sync and ticketer in this process, over an embedded
// broker, with fake ConnectWise servers over real HTTP as judges.
//
// A schedule is drawn from a seed: devices fail, recover and vanish; processes are killed before or after any of their
// writes to the broker, at any request and at any of the ticketer's numbered steps; answers are lost; Cove cuts pages and
// leaves devices out; messages come twice and late; two ticketers share a partition; the broker restarts; people close, open
// again, move, merge and delete between two steps of an apply, and make companies inactive; callbacks come late, twice, forged
// or never; clocks are set. Some boards hold tickets from before, and some tenants have a cap or a catch-all company. In the
// end everything is mended, and when nothing moves any more it is judged. Where a company is not well by then, it is judged
// once before that one is mended, too.
//
// A run tells how often each fault was drawn, and how often it was met: one that is drawn often and never met is a defect of
// the harness, and fails the run.
//
// The same seed draws the same steps. How they meet the services is up to the scheduling of goroutines, so that a
// seed that failed may pass the next time; a replay therefore repeats it. Time is moved by hand: it goes on only when nothing
// moves without it, so that waits cost nothing.
package chaos_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mostUses is how many schedules a world sees.
const mostUses = 100

// oftenEnough is how often a fault must be drawn to be met at least once.
const oftenEnough = 40

// ofMakeTest is how many schedules run with the other tests.
const ofMakeTest = 6

var options struct {
	schedules int
	seed      uint64
	steps     string
	workers   int
	duration  time.Duration
	shrink    int
	failures  int
	without   string
	pipeline  bool
	restarts  uint64
	verbose   bool
}

func TestMain(m *testing.M) {
	flag.IntVar(&options.schedules, "schedules", ofMakeTest, "how many schedules to run")
	flag.Uint64Var(&options.seed, "seed", 0, "replay the schedule of this seed, so many times as -schedules says; 0 draws")
	flag.StringVar(&options.steps, "steps", "", "with -seed: these steps instead of the seed's")
	flag.IntVar(&options.workers, "workers", 6, "worlds side by side; they mostly wait")
	flag.DurationVar(&options.duration, "duration", 0, "stop drawing after this time; 0: never")
	flag.IntVar(&options.shrink, "shrink", 60, "how many times a failed schedule is played with fewer steps, for at most a minute")
	flag.IntVar(&options.failures, "failures", 3, "stop after so many failed schedules")
	flag.BoolVar(&options.pipeline, "pipeline", false, "run every schedule with poller and Cove")
	flag.Uint64Var(&options.restarts, "restarts", 1, "percent of the schedules in which the broker restarts under the services; each takes ten seconds and more")
	flag.StringVar(&options.without, "without", "", "leave out the steps whose text contains one of these words, separated by blanks")
	flag.BoolVar(&options.verbose, "services", false, "show the log of the services")
	flag.Parse()
	debug.SetGCPercent(400) // worlds are short-lived, and memory is not what is scarce
	os.Exit(m.Run())
}

// failure is a schedule that broke a promise.
type failure struct {
	schedule schedule
	findings []finding
}

// run plays schedules on several worlds side by side until they are used up, or enough is true of those that have failed.
func run(ctx context.Context, t testing.TB, f *figures, planted string, enough func([]failure) bool, next func() (schedule, bool)) []failure {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var failures []failure
	var workers sync.WaitGroup
	for range options.workers {
		workers.Go(func() {
			for used := 0; ctx.Err() == nil; used = 0 {
				w, err := newWorld(ctx, f, logger(t))
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("start a world: %v", err)
					}
					return
				}
				// A world that failed is not used again, nor one that has seen the seed: the broker would recognise its
				// messages. Every one is given up now and then, so that files stay small.
				for ; used < mostUses && (used == 0 || options.seed == 0) && ctx.Err() == nil; used++ {
					mu.Lock()
					s, more := next()
					mu.Unlock()
					if !more {
						used = -1
						break
					}
					if err := w.play(s, planted); err != nil && ctx.Err() == nil {
						t.Errorf("seed %d: the harness failed: %v\nsteps %s", s.Seed, err, s.text())
						break
					}
					if ctx.Err() != nil {
						break
					}
					f.schedules.Add(1)
					if len(w.findings) > 0 {
						mu.Lock()
						failures = append(failures, failure{s, w.findings})
						if enough(failures) {
							stop()
						}
						mu.Unlock()
						break
					}
				}
				if err := w.close(); err != nil {
					t.Errorf("stop a world: %v", err)
				}
				if used < 0 {
					return
				}
			}
		})
	}
	workers.Wait()
	return failures
}

func logger(t testing.TB) *slog.Logger {
	if !options.verbose {
		return nil
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// once plays a schedule in a world of its own and returns what it found.
func once(t testing.TB, s schedule, planted string) []finding {
	t.Helper()
	w, err := newWorld(t.Context(), newFigures(), nil)
	require.NoError(t, err)
	require.NoError(t, w.play(s, planted))
	require.NoError(t, w.close())
	return w.findings
}

func TestNoScheduleOfFaultsBreaksAPromise(t *testing.T) {
	f := newFigures()
	first := options.seed
	if first == 0 {
		first = uint64(time.Now().UnixNano()) &^ 0xfffff
	}
	t.Logf("seeds from %d on; a schedule that fails is told with its steps, and played again, fifty times because how they meet the services "+
		"differs from play to play, by make chaos SEED=<its seed>; with fewer of its steps by make chaos SEED=<its seed> STEPS='<steps>'",
		max(options.seed, first+1))
	began := time.Now()
	drawn := 0
	failures := run(t.Context(), t, f, "", func(all []failure) bool { return len(all) >= options.failures }, func() (schedule, bool) {
		if drawn == options.schedules || options.duration > 0 && time.Since(began) > options.duration {
			return schedule{}, false
		}
		drawn++
		seed := options.seed
		if seed == 0 {
			seed = first + uint64(drawn)
		}
		s := draw(seed)
		s.Pipeline = s.Pipeline || options.pipeline
		if seed%100 < options.restarts {
			s.Steps = slices.Insert(s.Steps, len(s.Steps)/2, step{Do: doRestart})
		}
		for word := range strings.FieldsSeq(options.without) {
			s.Steps = slices.DeleteFunc(s.Steps, func(one step) bool { return strings.Contains(one.String(), word) })
		}
		if options.steps != "" {
			steps, err := parseSteps(options.steps)
			if err != nil {
				t.Errorf("-steps: %v", err)
				return schedule{}, false
			}
			s.Steps = steps
		}
		return s, true
	})
	took := time.Since(began)
	last := first + uint64(drawn)
	if options.seed != 0 {
		first, last = options.seed-1, options.seed
	}
	t.Logf("seeds %d to %d: %d schedules in %s (%.1f a second), %d kills, %d writes to the broker, %d requests to ConnectWise, %d failed\n%s",
		first+1, last, f.schedules.Load(), took.Round(time.Millisecond), float64(f.schedules.Load())/took.Seconds(),
		f.kills.Load(), f.writes.Load(), f.requests.Load(), len(failures), f.text())
	for _, one := range failures {
		t.Error(describe(one))
	}
	if options.seed == 0 {
		require.Empty(t, f.neverMet(oftenEnough), "these faults were drawn often and never met: the harness places them wrongly")
	}
	for _, one := range failures {
		t.Log(shorter(t, one))
	}
}

// describe tells a failure and how it is repeated.
func describe(one failure) string {
	var b strings.Builder
	s := one.schedule
	fmt.Fprintf(&b, "seed %d: tenants %d, devices %d, ticketers %d, pipeline %t, onHandClose %s, onDeleted %s, reopen %t, callbacks %t, cap %d, catch-all %q home %t\n", s.Seed, s.Tenants, s.Devices,
		s.Ticketers, s.Pipeline, s.HandClose, s.Deleted, s.Reopen,
		s.Callbacks, s.Cap, s.CatchAll, s.MoveHome)
	for _, f := range one.findings {
		fmt.Fprintf(&b, "  broken: %s\n    %s\n", f.promise, f.detail)
	}
	fmt.Fprintf(&b, "  steps:  %s\n  replay: make chaos SEED=%d\n", s.text(), s.Seed)
	return b.String()
}

// shorter tells a schedule with fewer steps that breaks the same promise.
func shorter(t testing.TB, one failure) string {
	t.Helper()
	broken, began := promises(one.findings), time.Now()
	short := shrink(one.schedule, options.shrink, func(s schedule) bool {
		for range 2 {
			if time.Since(began) > time.Minute {
				return false
			}
			if found := promises(once(t, s, "")); len(found) > 0 && found[0] == broken[0] {
				return true
			}
		}
		return false
	})
	return fmt.Sprintf("  shrunk: make chaos SEED=%d STEPS='%s'\n", short.Seed, short.text())
}

// The harness finds a client that blindly repeats a POST whose answer was lost.
func TestABlindRepetitionOfAPostIsFound(t *testing.T) {
	const most = 500
	const before = 27 // seeds that take time and find nothing
	for _, c := range []struct{ what, path, breaks string }{
		{"of a create", "/service/tickets", oneEach},
		{"of a note", "/notes", noteOnce},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := newFigures()
			drawn := uint64(0)
			breaks := func(one failure) bool { return slices.Contains(promises(one.findings), c.breaks) }
			failures := run(t.Context(), t, f, c.path, func(all []failure) bool { return slices.ContainsFunc(all, breaks) }, func() (schedule, bool) {
				drawn++
				return draw(before + drawn), drawn <= most
			})
			i := slices.IndexFunc(failures, breaks)
			require.GreaterOrEqual(t, i, 0, "%d schedules have not found it", f.schedules.Load())
			t.Logf("found by seed %d, after %d schedules", failures[i].schedule.Seed, f.schedules.Load())
		})
	}
}

// The same seed draws the same schedule, and its text can be read back.
func TestASeedDrawsTheSameScheduleAgain(t *testing.T) {
	for seed := range uint64(200) {
		s := draw(seed)
		require.Equal(t, s, draw(seed))
		steps, err := parseSteps(s.text())
		require.NoError(t, err)
		require.Equal(t, s.Steps, steps, s.text())
	}
}
