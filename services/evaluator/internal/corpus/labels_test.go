package corpus_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

func TestMeasure(t *testing.T) {
	const day = 24 * time.Hour
	life := trace.Trace{
		Length: 14 * day,
		Want:   []trace.Interval{{From: 4 * day, To: 6 * day}},
		May:    []trace.Interval{{From: 3 * day, To: 6 * day}, {From: 9 * day, To: 10 * day}},
	}
	open := func(from, to time.Duration) ticket { return ticket{Interval: trace.Interval{From: from, To: to}} }
	lasting := func(from time.Duration) ticket {
		return ticket{Interval: trace.Interval{From: from, To: 14 * day}, Open: true}
	}
	tests := []struct {
		name string
		made []ticket
		want figures
	}{
		{"nothing misses the trouble", nil, figures{}},
		{"the first ticket of a trouble counts from its first sign", []ticket{open(3*day+time.Hour, 6*day)}, figures{found: 1, tickets: 1, right: 1, delays: []time.Duration{time.Hour}}},
		{"a ticket that was open before has no delay", []ticket{open(2*day, 6*day)}, figures{found: 1, tickets: 1, right: 1, delays: []time.Duration{0}}},
		{"one that closes in the run that opens it was open", []ticket{open(5*day, 5*day)}, figures{found: 1, tickets: 1, right: 1, delays: []time.Duration{2 * day}}},
		{"one that closes before the trouble is tolerated and misses it", []ticket{open(3*day, 4*day)}, figures{tickets: 1, may: 1}},
		{"the second of a trouble is a further one", []ticket{open(4*day, 5*day), open(5*day, 6*day)}, figures{found: 1, tickets: 2, right: 1, again: 1, delays: []time.Duration{day}}},
		{"one outside of all labels is needless", []ticket{open(7*day, 8*day)}, figures{tickets: 1, useless: 1}},
		{"one with a reason that stays is left open", []ticket{lasting(9 * day)}, figures{tickets: 1, may: 1, left: 1}},
		{"a needless one that stays counts once", []ticket{lasting(11 * day)}, figures{tickets: 1, useless: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.weeks, tt.want.wanted = 2, 1
			require.Equal(t, tt.want, measure(life, tt.made))
		})
	}
}
