package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

const schemaVersion = 1

// Sweep is the look at a tenant that a decision is made from.
type Sweep struct {
	Number uint64
	At     time.Time // observed time, the "now" of the decision
}

// Decision is what a sweep means for one device.
type Decision struct {
	State   *incidentv1.DeviceState // the state afterwards; the given one when nothing changed
	Changed bool                    // State is to be written
	Event   *incidentv1.Event       // to be published after the state is written; nil for none, and never more than one
	Outcome Outcome
	Reason  string // why the device is excluded or unknown or, in trouble, muted; empty otherwise
}

// Decide judges a device at a complete sweep that still lists it. It is pure and deterministic and changes
// none of its arguments.
//
// A condition on a data source opens when it was bad in OpenAfter sweeps in a row and for OpenFor, and then belongs to
// the picture of the device's incident; it leaves the picture when it was good in CloseAfter sweeps in a row and
// for CloseFor. A sweep in which it is unknown counts for neither. The incident resolves when its picture is empty
// and nothing is on its way in. A flapping incident is held open until it is calm, see flap.go; while policy mutes the
// device nothing is told but recoveries.
//
// A state that this or a later sweep has decided, or that holds a later sweep's snapshot, is left alone. If this
// very sweep decided it, the event it decided is returned once more: its publisher may have died in between.
func Decide(rules policy.Rules, state *incidentv1.DeviceState, seen Observation, sweep Sweep) Decision {
	e := evidence{rules: rules, state: state, seen: seen, now: sweep.At}
	excluded := exclusion(rules, seen)
	switch {
	case state.GetGone():
		return Decision{State: state, Event: Decided(state, sweep), Outcome: Gone}
	case superseded(state, sweep):
		return e.outcome(Decision{State: state, Event: Decided(state, sweep)}, e.judgeAll())
	case excluded != "":
		return e.outcome(e.exclude(excluded, sweep), nil)
	case seen.Kind == KindUnreported:
		return e.outcome(Decision{State: state}, nil)
	default:
		all := e.judgeAll()
		return e.outcome(e.decide(all, sweep), all)
	}
}

// Remove decides for a device that a complete sweep no longer lists.
func Remove(rules policy.Rules, state *incidentv1.DeviceState, seen Observation, sweep Sweep) Decision {
	if state.GetGone() || superseded(state, sweep) {
		return Decision{State: state, Event: Decided(state, sweep), Outcome: Gone}
	}
	e := evidence{rules: rules, state: state, seen: seen, now: sweep.At}
	next := cleared(state)
	next.Gone = true
	return e.end(next, ending{why: incidentv1.Resolution_RESOLUTION_REMOVED}, sweep, Gone)
}

// Return decides for a device that was gone and that a complete sweep lists again, with the picture it had.
func Return(rules policy.Rules, state *incidentv1.DeviceState, seen Observation, sweep Sweep) Decision {
	if superseded(state, sweep) {
		return Decision{State: state, Event: Decided(state, sweep), Outcome: Gone}
	}
	back := proto.CloneOf(state)
	back.Gone = false
	d := Decide(rules, back, seen, sweep)
	d.Changed = true
	return d
}

// Decided returns the event that a sweep decided for a device, or nil.
func Decided(state *incidentv1.DeviceState, sweep Sweep) *incidentv1.Event {
	event := state.GetOpen()
	if event == nil {
		event = state.GetResolved()
	}
	if state.GetDecidedSweep() != sweep.Number || event.GetSweep() != sweep.Number {
		return nil
	}
	return event
}

// superseded reports whether a sweep comes too late: redelivered, or overtaken by another evaluator.
func superseded(state *incidentv1.DeviceState, sweep Sweep) bool {
	return state.GetDecidedSweep() >= sweep.Number || state.GetSnapshot().GetSweep() > sweep.Number
}

func (e evidence) exclude(reason string, sweep Sweep) Decision {
	if e.state.GetExcluded() == reason && e.state.GetOpen() == nil && len(e.state.GetTracks()) == 0 {
		return Decision{State: e.state}
	}
	next := cleared(e.state)
	next.Excluded = reason
	return e.end(next, ending{incidentv1.Resolution_RESOLUTION_EXCLUDED, reason}, sweep, Excluded)
}

// cleared returns a copy of a state without conditions.
func cleared(state *incidentv1.DeviceState) *incidentv1.DeviceState {
	next := proto.CloneOf(state)
	next.Tracks = nil
	next.GoodSweeps = 0
	return next
}

// ending is why an incident ends, and by which policy if by policy.
type ending struct {
	why    incidentv1.Resolution
	reason string
}

// end makes a decision of a changed state, with the end of its incident if one is open.
func (e evidence) end(next *incidentv1.DeviceState, by ending, sweep Sweep, outcome Outcome) Decision {
	d := Decision{State: next, Changed: true, Outcome: outcome}
	if next.GetOpen() != nil {
		d.Event = e.event(incidentv1.EventKind_EVENT_KIND_RESOLVED, sweep)
		d.Event.Resolution, d.Event.Reason = by.why, by.reason
		next.Open, next.Resolved = nil, d.Event
	}
	next.DecidedSweep = sweep.Number
	return d
}

// decide carries the conditions and the incident one sweep further.
func (e evidence) decide(all []judgement, sweep Sweep) Decision {
	looks, open := e.follow(all), e.state.GetOpen()
	event, ended := e.news(looks, sweep)
	var tracks []*incidentv1.ConditionTrack
	for _, l := range looks {
		// What has left the picture is forgotten when that is told, which may have to wait.
		if l.told == nil || event == nil || published(event, l.key) != nil {
			tracks = append(tracks, l.track)
		}
	}
	if event == nil && ended == nil && e.state.GetExcluded() == "" && e.state.GetGoodSweeps() == 0 && sameTracks(tracks, e.state.GetTracks()) {
		return Decision{State: e.state}
	}
	next := cleared(e.state)
	next.Excluded = ""
	switch {
	case ended != nil:
		if ended.why == incidentv1.Resolution_RESOLUTION_RECOVERED {
			next.Turns = e.turns(open.GetFlapping())
		}
		return e.end(next, *ended, sweep, Healthy)
	case event.GetKind() == incidentv1.EventKind_EVENT_KIND_FAILED:
		next.Turns = e.turns(false)
	case event != nil && open.GetFlapping() && !event.GetFlapping(): // calm: counting begins anew
		next.Turns = nil
	}
	next.Tracks, next.DecidedSweep = tracks, sweep.Number
	if event != nil {
		next.Open, next.Resolved = event, nil
		next.Incidents = incidentNumber(e.state)
	}
	return Decision{State: next, Changed: true, Event: event}
}

// news decides what there is to tell: the event of an incident that opens or changes, or how it ended, or neither.
func (e evidence) news(looks []look, sweep Sweep) (*incidentv1.Event, *ending) {
	open, muted := e.state.GetOpen(), e.rules.Mute != nil
	over := !slices.ContainsFunc(looks, func(l look) bool { return !e.closes(l) })
	flapping := e.flaps(looks, over)
	switch {
	case open != nil && over && !flapping:
		return nil, e.ending()
	case muted:
		return nil, nil
	}
	event := e.event(incidentv1.EventKind_EVENT_KIND_FAILED, sweep)
	event.Conditions = e.picture(looks, flapping)
	event.Flapping = flapping
	event.Severity = e.severity(looks, flapping)
	switch {
	case len(event.GetConditions()) == 0: // nothing has opened, or only what is on its way in is left
		return nil, nil
	case open != nil && !material(open, event):
		return nil, nil
	case open != nil:
		event.Kind = incidentv1.EventKind_EVENT_KIND_CHANGED
	}
	return event, nil
}

// material reports whether an event is worth telling after another. Of a flapping incident only what is added is.
func material(before, after *incidentv1.Event) bool {
	if before.GetFlapping() != after.GetFlapping() || before.GetSeverity() != after.GetSeverity() {
		return true
	}
	if after.GetFlapping() {
		return adds(before.GetConditions(), after.GetConditions())
	}
	return differs(before.GetConditions(), after.GetConditions())
}

// ending says how an incident ended of which nothing is left: by policy when policy judges none of its conditions
// any more, because then nobody knows whether they are over; otherwise by recovery.
func (e evidence) ending() *ending {
	var dropped []string
	for _, condition := range e.state.GetOpen().GetConditions() {
		for _, f := range condition.GetFindings() {
			k := keyOfFinding(condition.GetKind(), f)
			if e.judged(k) {
				return &ending{why: incidentv1.Resolution_RESOLUTION_RECOVERED}
			}
			dropped = append(dropped, fmt.Sprintf("%s of %s", conditionName(k), f.GetSourceName()))
		}
	}
	return &ending{incidentv1.Resolution_RESOLUTION_EXCLUDED, "not judged any more: " + strings.Join(dropped, ", ")}
}
