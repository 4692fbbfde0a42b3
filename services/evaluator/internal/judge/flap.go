package judge

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Every opening after a recovery is an incident of its own, until there are too many of them: an incident flaps when
// it would close, or has just opened, as the last of Flap.Changes openings and recoveries Within. It is then held open: what goes stays in its picture, and only what is new is told. When its conditions
// have neither come nor gone for Calm, it is judged like any other again: in that sweep it resolves if nothing of it
// is left, and otherwise its picture becomes what is left.

// flaps reports whether the device's incident is flapping after a sweep; over tells that nothing of an open one is left.
func (e evidence) flaps(looks []look, over bool) bool {
	open := e.state.GetOpen()
	if e.calm(looks) {
		return false
	}
	again := len(e.turns(false)) >= int(e.rules.Flap.Changes)
	switch {
	case open == nil:
		return again
	case open.GetFlapping():
		return true
	default:
		return over && again && e.rules.Mute == nil
	}
}

// calm reports whether no condition has come or gone for the time that policy asks of a flapping incident.
func (e evidence) calm(looks []look) bool {
	if e.rules.Flap.Changes == 0 {
		return true
	}
	for _, l := range looks {
		last := l.track.GetSince()
		if l.track.GetGoodSweeps() > 0 {
			last = l.track.GetGoodSince()
		}
		if e.since(last) < e.rules.Flap.Calm {
			return false
		}
	}
	return true
}

// turns returns the times of the openings and recoveries that count, with one now. After a flapping incident
// counting begins anew.
func (e evidence) turns(flapped bool) []*timestamppb.Timestamp {
	if e.rules.Flap.Changes == 0 {
		return nil
	}
	var recent []*timestamppb.Timestamp
	if !flapped {
		recent = slices.DeleteFunc(slices.Clone(e.state.GetTurns()), func(at *timestamppb.Timestamp) bool { return e.since(at) > e.rules.Flap.Within })
	}
	recent = append(recent, timestamppb.New(e.now))
	return recent[max(0, len(recent)-int(e.rules.Flap.Changes)):]
}

// severity is the step of the ladder that the incident has reached. What is on its way out does not age, and while
// the incident flaps it does not go down.
func (e evidence) severity(looks []look, flapping bool) incidentv1.Severity {
	before := e.state.GetOpen().GetSeverity()
	var age time.Duration
	aging := false
	for _, l := range looks {
		if l.verdict == good || (l.told == nil && !e.opens(l)) {
			continue
		}
		aging = true
		age = max(age, e.now.Sub(e.began(l)))
	}
	if !aging {
		return before
	}
	reached := incidentv1.Severity_SEVERITY_UNSPECIFIED
	for _, step := range e.rules.Ladder {
		if age >= step.After {
			reached = step.Severity
		}
	}
	if flapping {
		return max(reached, before)
	}
	return reached
}

// began is the time from which a condition ages: the last good backup, contact or backup without errors that it
// misses, or its first sweep where it misses nothing.
func (e evidence) began(l look) time.Time {
	f := l.found
	if f == nil {
		f = l.told
	}
	switch {
	case l.kind == never:
		return e.createdAt()
	case l.kind == silent && e.seen.Contact.Known:
		return e.seen.Contact.Value
	case l.kind == noErrorFree:
		return e.errorFreeSince(l.source)
	case (l.kind == failed || l.kind == stale) && f.GetLastSuccessAt() != nil:
		return f.GetLastSuccessAt().AsTime()
	case l.kind == stale:
		return e.configuredSince(l.source)
	default:
		return l.track.GetSince().AsTime()
	}
}
