package trace

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/cove/columns"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// Rules tells by what a device is judged at a time; see policy.Policy.For.
type Rules func(about policy.Subject, at time.Time) policy.Rules

// Play drives a trace through the judge as the evaluator does, sweep by sweep, and returns the events. A snapshot is
// taken over when it says anything new, the heartbeat of the same day not counted.
func Play(t Trace, documentsProfiles []int64, rules Rules) []*incidentv1.Event {
	var events []*incidentv1.Event
	var state *incidentv1.DeviceState
	moments := t.moments()
	for at, number := time.Duration(0), uint64(1); at < t.Length; at, number = at+t.Sweep, number+1 {
		sweep := judge.Sweep{Number: number, At: t.Start.Add(at)}
		listed := t.Listed(at)
		due := 0
		for due < len(moments) && moments[due] <= at {
			due++
		}
		moments = moments[due:]
		if listed && (due > 0 || t.restless(at)) {
			snapshot := t.Snapshot(at, number)
			if state == nil || state.GetGone() || !sameNews(state.GetSnapshot(), snapshot) {
				state, _ = judge.Remember(state, snapshot, decode.Observe(snapshot, sweep.At))
			}
		}
		if state == nil {
			continue
		}
		seen := decode.Observe(state.GetSnapshot(), sweep.At)
		in := rules(judge.SubjectOf(documentsProfiles, seen), sweep.At)
		var d judge.Decision
		if listed {
			d = judge.Decide(in, state, seen, sweep)
		} else {
			d = judge.Remove(in, state, seen, sweep)
		}
		state = d.State
		if d.Event != nil {
			events = append(events, d.Event)
		}
	}
	return events
}

// moments are the times at which the vendor can have something new to say, in order: between two of them sweeps see the
// same.
func (t Trace) moments() []time.Duration {
	var all []time.Duration
	both := func(i Interval) { all = append(all, i.From, i.To) }
	for at := time.Duration(0); at < t.Length; at += 24 * time.Hour {
		all = append(all, at)
	}
	for _, source := range t.Sources {
		for _, run := range source.Runs {
			both(Interval{run.Start, run.End})
		}
		for _, in := range source.In {
			both(in)
		}
	}
	for _, i := range slices.Concat(t.Off, t.Gone) {
		both(i)
	}
	for _, setting := range t.Set {
		both(setting.Interval)
	}
	slices.Sort(all)
	return all
}

// restless reports whether a value holds that moves with the sweep.
func (t Trace) restless(at time.Duration) bool {
	for _, setting := range t.Set {
		for _, value := range setting.Columns {
			if strings.HasPrefix(value, "@") && setting.Holds(at) {
				return true
			}
		}
	}
	return false
}

// sameNews reports whether two snapshots say the same. A heartbeat alone is news once a day.
func sameNews(a, b *statusv1.Snapshot) bool {
	if len(a.GetColumns()) != len(b.GetColumns()) || len(a.GetSourceErrors()) != len(b.GetSourceErrors()) || !proto.Equal(a.GetCustomer(), b.GetCustomer()) {
		return false
	}
	for i, before := range a.GetColumns() {
		after := b.GetColumns()[i]
		if before.GetCode() != after.GetCode() || before.GetValue() != after.GetValue() && (before.GetCode() != "TS" || dayOf(before.GetValue()) != dayOf(after.GetValue())) {
			return false
		}
	}
	for i, before := range a.GetSourceErrors() {
		if !proto.Equal(before, b.GetSourceErrors()[i]) {
			return false
		}
	}
	return true
}

func dayOf(value string) time.Time {
	at, _ := columns.Time(value)
	return at.Truncate(24 * time.Hour)
}

// Incident is an incident that was made of a trace.
type Incident struct {
	Interval      // from the sweep that opened it to the sweep that resolved it, or the end of the trace
	Open     bool // still open at the end
	Changes  int  // revisions between its first and its resolution
	Says     string
}

// IncidentsOf folds a trace's events into its incidents, in order.
func (t Trace) IncidentsOf(events []*incidentv1.Event) []Incident {
	all := []Incident{}
	for _, e := range events {
		at := e.GetOccurredAt().AsTime().Sub(t.Start)
		switch e.GetKind() {
		case incidentv1.EventKind_EVENT_KIND_FAILED:
			all = append(all, Incident{Interval: Interval{at, t.Length}, Open: true, Says: says(e.GetConditions())})
		case incidentv1.EventKind_EVENT_KIND_CHANGED:
			all[len(all)-1].Changes++
		case incidentv1.EventKind_EVENT_KIND_RESOLVED:
			all[len(all)-1].To, all[len(all)-1].Open = at, false
		}
	}
	return all
}

// says writes conditions as "failed D01, stale D02", gravest first.
func says(conditions []*incidentv1.Condition) string {
	var parts []string
	for _, c := range conditions {
		kind := strings.ToLower(strings.TrimPrefix(c.GetKind().String(), "CONDITION_KIND_"))
		for _, f := range c.GetFindings() {
			parts = append(parts, kind+" "+f.GetSourceCode())
		}
	}
	return strings.Join(parts, ", ")
}
