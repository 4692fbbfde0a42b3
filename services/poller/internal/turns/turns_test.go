package turns_test

import (
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
