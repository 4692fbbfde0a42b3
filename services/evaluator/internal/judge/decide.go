package judge

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
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
	Reason  string // why the device is excluded or unknown; empty otherwise
}

// Decide judges a device at a complete sweep that still lists it. It is pure and deterministic and changes
// none of its arguments.
//
// A condition on a data source opens when it was bad in open_after sweeps, and then belongs to the picture of
// the device's incident; it leaves the picture with the first sweep that finds it good. The incident
// resolves when close_after sweeps in a row found nothing bad. A sweep in which a condition of the picture
// is unknown counts for neither.
//
// A state that this or a later sweep has decided, or that holds a later sweep's snapshot, is left alone. If this
// very sweep decided it, the event it decided is returned once more: its publisher may have died in between.
func Decide(policy *tenantv1.Policy, state *incidentv1.DeviceState, seen Observation, sweep Sweep) Decision {
	e := evidence{policy: policy, class: classOf(policy, seen), state: state, seen: seen, now: sweep.At}
	excluded := exclusion(policy, seen)
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
func Remove(policy *tenantv1.Policy, state *incidentv1.DeviceState, seen Observation, sweep Sweep) Decision {
	if state.GetGone() || superseded(state, sweep) {
		return Decision{State: state, Event: Decided(state, sweep), Outcome: Gone}
	}
	e := evidence{policy: policy, class: classOf(policy, seen), state: state, seen: seen, now: sweep.At}
	next := calm(state)
	next.Gone = true
	return e.end(next, incidentv1.Resolution_RESOLUTION_REMOVED, sweep, Gone)
}

// Return decides for a device that was gone and that a complete sweep lists again, with the picture it had.
func Return(policy *tenantv1.Policy, state *incidentv1.DeviceState, seen Observation, sweep Sweep) Decision {
	if superseded(state, sweep) {
		return Decision{State: state, Event: Decided(state, sweep), Outcome: Gone}
	}
	back := proto.CloneOf(state)
	back.Gone = false
	d := Decide(policy, back, seen, sweep)
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
	next := calm(e.state)
	next.Excluded = reason
	return e.end(next, incidentv1.Resolution_RESOLUTION_EXCLUDED, sweep, Excluded)
}

// calm returns a copy of a state without conditions.
func calm(state *incidentv1.DeviceState) *incidentv1.DeviceState {
	next := proto.CloneOf(state)
	next.Tracks = nil
	next.GoodSweeps = 0
	return next
}

// end makes a decision of a changed state, with the end of its incident if one is open.
func (e evidence) end(next *incidentv1.DeviceState, why incidentv1.Resolution, sweep Sweep, outcome Outcome) Decision {
	d := Decision{State: next, Changed: true, Outcome: outcome}
	if next.GetOpen() != nil {
		d.Event = e.event(incidentv1.EventKind_EVENT_KIND_RESOLVED, nil, sweep)
		d.Event.Resolution = why
		next.Open, next.Resolved = nil, d.Event
	}
	next.DecidedSweep = sweep.Number
	return d
}

// decide carries the conditions and the incident one sweep further.
func (e evidence) decide(all []judgement, sweep Sweep) Decision {
	tracks := e.carry(all)
	picture := e.picture(all, tracks)
	open := e.state.GetOpen()
	goodSweeps := uint32(0)
	var event *incidentv1.Event
	resolved := false
	switch {
	case open == nil && len(picture) > 0:
		event = e.event(incidentv1.EventKind_EVENT_KIND_FAILED, picture, sweep)
	case open == nil:
	case len(picture) > 0 && differs(open.GetConditions(), picture):
		event = e.event(incidentv1.EventKind_EVENT_KIND_CHANGED, picture, sweep)
	case len(tracks) > 0: // bad as before, or something new on its way in
	case e.pictureUnknown(all):
		goodSweeps = e.state.GetGoodSweeps()
	default:
		goodSweeps = e.state.GetGoodSweeps() + 1
		resolved = goodSweeps >= max(e.policy.GetCloseAfter(), 1)
	}

	if event == nil && !resolved && goodSweeps == e.state.GetGoodSweeps() && e.state.GetExcluded() == "" && sameTracks(tracks, e.state.GetTracks()) {
		return Decision{State: e.state}
	}
	next := calm(e.state)
	next.Excluded = ""
	if resolved {
		return e.end(next, incidentv1.Resolution_RESOLUTION_RECOVERED, sweep, Healthy)
	}
	next.Tracks, next.GoodSweeps, next.DecidedSweep = tracks, goodSweeps, sweep.Number
	if event != nil {
		next.Open, next.Resolved = event, nil
		next.Incidents = incidentNumber(e.state)
	}
	return Decision{State: next, Changed: true, Event: event}
}

// carry counts the tracks on: bad ones up, good ones out, unknown ones stay as they are. The count stops
// at what opens, so that a device whose trouble lasts is not written in every sweep.
func (e evidence) carry(all []judgement) []*incidentv1.ConditionTrack {
	var tracks []*incidentv1.ConditionTrack
	for _, j := range all {
		track := trackOf(e.state, j.key)
		switch {
		case j.verdict == bad && track == nil:
			tracks = append(tracks, &incidentv1.ConditionTrack{
				Kind: j.kind, SourceCode: j.source, Since: timestamppb.New(e.now), BadSweeps: 1,
			})
		case j.verdict == bad:
			track = proto.CloneOf(track)
			track.BadSweeps = min(track.GetBadSweeps()+1, e.openAfter())
			tracks = append(tracks, track)
		case j.verdict == unknown && track != nil:
			tracks = append(tracks, track)
		}
	}
	if e.seen.SourcesKnown {
		return tracks
	}
	for _, track := range e.state.GetTracks() {
		if track.GetSourceCode() != DeviceWide {
			tracks = append(tracks, track)
		}
	}
	slices.SortFunc(tracks, func(a, b *incidentv1.ConditionTrack) int { return compareKeys(keyOf(a), keyOf(b)) })
	return tracks
}

// picture returns the conditions that are open. An unknown one is open if it was and keeps its finding.
func (e evidence) picture(all []judgement, tracks []*incidentv1.ConditionTrack) []*incidentv1.Condition {
	var open []openFinding
	for _, track := range tracks {
		k := keyOf(track)
		before := published(e.state.GetOpen(), k)
		found := before
		if i := slices.IndexFunc(all, func(j judgement) bool { return j.key == k && j.verdict == bad }); i >= 0 {
			found = all[i].finding
			if before == nil && track.GetBadSweeps() < e.openAfter() {
				continue
			}
		}
		if found != nil {
			open = append(open, openFinding{key: k, since: track.GetSince(), finding: found})
		}
	}
	return conditions(open, e.seen.Errors)
}

// pictureUnknown reports whether a condition of the published picture cannot be judged in this sweep.
func (e evidence) pictureUnknown(all []judgement) bool {
	for a := range aspects(e.state.GetOpen().GetConditions()) {
		i := slices.IndexFunc(all, func(j judgement) bool { return j.key == a.key })
		if i >= 0 && all[i].verdict == unknown || i < 0 && !e.seen.SourcesKnown {
			return true
		}
	}
	return false
}

func (e evidence) openAfter() uint32 { return max(e.policy.GetOpenAfter(), 1) }

// event makes the next revision of the device's incident.
func (e evidence) event(kind incidentv1.EventKind, picture []*incidentv1.Condition, sweep Sweep) *incidentv1.Event {
	at := timestamppb.New(sweep.At)
	open := e.state.GetOpen()
	event := &incidentv1.Event{
		SchemaVersion: schemaVersion,
		Tenant:        e.state.GetTenant(),
		DeviceId:      e.state.GetDeviceId(),
		IncidentId:    fmt.Sprintf("%s-%d", e.state.GetDeviceId(), incidentNumber(e.state)),
		Revision:      open.GetRevision() + 1,
		Kind:          kind,
		OccurredAt:    at,
		Sweep:         sweep.Number,
		OpenedAt:      at,
		Device:        proto.CloneOf(e.seen.Device),
		Customer:      e.seen.Customer,
		Site:          e.seen.Site,
		Conditions:    picture,
		PolicyVersion: e.policy.GetVersion(),
	}
	if open != nil {
		event.OpenedAt = open.GetOpenedAt()
	}
	if event.Device != nil {
		event.Device.Class = e.class
	}
	return event
}

// incidentNumber is the number of the open incident or, when none is open, of the next.
func incidentNumber(state *incidentv1.DeviceState) uint32 {
	if state.GetOpen() != nil {
		return state.GetIncidents()
	}
	return state.GetIncidents() + 1
}
