package turns_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/services/poller/internal/turns"
)

func TestWhoseTurnItIs(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	limits := turns.Limits{Slots: 2, Most: 4, SlowAfter: 30 * time.Second}
	due := []turns.Tenant{{"late", at(-time.Second)}, {"later", at(-time.Minute)}, {"latest", at(-time.Hour)}, {"soon", at(5 * time.Minute)}}
	cases := []struct {
		says    string
		waiting []turns.Tenant
		running []time.Time
		start   []string
		again   time.Time
	}{
		{"nobody waits", nil, nil, nil, time.Time{}},
		{"nobody is due", due[3:], nil, nil, at(5 * time.Minute)},
		{"the longest due come first", due, nil, []string{"latest", "later"}, at(5 * time.Minute)},
		{"an order at once comes before all", append([]turns.Tenant{{Key: "asked"}}, due...), []time.Time{noon}, []string{"asked"}, at(30 * time.Second)},
		{"all slots are taken", due, []time.Time{at(-time.Second), at(-2 * time.Second)}, nil, at(28 * time.Second)},
		{"slow sweeps hold no slot", due, []time.Time{at(-time.Hour), at(-time.Minute)}, []string{"latest", "later"}, at(5 * time.Minute)},
		{"slow sweeps are bounded too", due, []time.Time{at(-time.Hour), at(-time.Hour), at(-time.Hour)}, []string{"latest"}, at(5 * time.Minute)},
		{"nothing goes beyond the most", due, []time.Time{at(-time.Hour), at(-time.Hour), at(-time.Hour), at(-time.Hour)}, nil, at(5 * time.Minute)},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			start, again := turns.Next(c.waiting, c.running, noon, limits)
			require.Equal(t, c.start, start)
			require.Equal(t, c.again, again)
		})
	}
}

// An outage that makes everybody hang ends for one tenant first. It is due a moment after all the others.
func TestHundredsThatHangDelayAQuickOneBySeconds(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	began := now
	var waiting []turns.Tenant
	for i := range 200 {
		waiting = append(waiting, turns.Tenant{Key: fmt.Sprintf("slow-%03d", i), Due: now})
	}
	waiting = append(waiting, turns.Tenant{Key: "quick", Due: now.Add(time.Second)})
	var running []time.Time
	for {
		start, again := turns.Next(waiting, running, now, turns.LimitsOf(16))
		if slices.Contains(start, "quick") {
			break
		}
		waiting = slices.DeleteFunc(waiting, func(w turns.Tenant) bool { return slices.Contains(start, w.Key) })
		for range start {
			running = append(running, now)
		}
		if len(start) == 0 {
			require.True(t, again.After(now))
			now = again
		}
	}
	require.LessOrEqual(t, now.Sub(began), 15*time.Second)
}
