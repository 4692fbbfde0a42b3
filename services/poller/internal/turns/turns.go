// Package turns decides which of the tenants that are due are swept next when there are more of them than a poller
// sweeps at once. It does no I/O and knows no lease.
package turns

import (
	"cmp"
	"slices"
	"time"
)

// Tenant is a tenant that is not being swept.
type Tenant struct {
	Key string
	Due time.Time // the zero time: at once, before all others
}

// Limits bound the sweeps of one poller.
type Limits struct {
	Slots int // sweeps at once, those that take long left out
	Most  int // sweeps at once in all
	// SlowAfter is when a sweep counts as one that takes long. Such a sweep waits for Cove and for little else, so
	// it gives its slot up for others and counts against Most only.
	SlowAfter time.Duration
}

// Bounds of the sweeps that wait for Cove. One that has taken slowAfter gives its slot up, so that hundreds of tenants that
// hang delay one that does not by seconds. slowFactor times as many sweeps as slots bounds the memory of a poller: one that
// hangs holds little more than what is remembered of its devices.
const (
	slowAfter  = time.Second
	slowFactor = 32
)

// LimitsOf returns the limits of a poller with a number of slots.
func LimitsOf(slots int) Limits {
	return Limits{Slots: slots, Most: slowFactor * slots, SlowAfter: slowAfter}
}

// Next returns the keys of the tenants whose turn it is, longest due first, and when to look again even if nothing
// happens; the zero time when nothing is foreseen. running holds since when each sweep runs.
func Next(waiting []Tenant, running []time.Time, now time.Time, limits Limits) (start []string, again time.Time) {
	soonest := func(t time.Time) {
		if again.IsZero() || t.Before(again) {
			again = t
		}
	}
	var due []Tenant
	for _, t := range waiting {
		if t.Due.After(now) {
			soonest(t.Due)
			continue
		}
		due = append(due, t)
	}
	free := limits.Slots
	var slow time.Time // when the next sweep gives its slot up
	for _, since := range running {
		gives := since.Add(limits.SlowAfter)
		if !gives.After(now) {
			continue
		}
		free--
		if slow.IsZero() || gives.Before(slow) {
			slow = gives
		}
	}
	free = max(0, min(free, limits.Most-len(running)))
	slices.SortFunc(due, func(a, b Tenant) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Key, b.Key)) })
	for _, t := range due[:min(free, len(due))] {
		start = append(start, t.Key)
	}
	if len(due) > free && !slow.IsZero() {
		soonest(slow)
	}
	return start, again
}
