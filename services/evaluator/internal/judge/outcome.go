package judge

import "slices"

// Outcome says how a device stands after a sweep. Every device that is not gone has exactly one of the
// first four, and unknown is never counted as healthy.
type Outcome uint8

// The outcomes.
const (
	Unknown   Outcome = iota // too little is known to call it healthy
	Healthy                  // everything configured is well, or a new device is still within its grace
	InTrouble                // an incident is open, or a condition is on its way in
	Excluded                 // policy judges neither it nor any of its data sources
	Gone                     // the vendor no longer lists it
)

var outcomeNames = [...]string{"unknown", "healthy", "in_trouble", "excluded", "gone"}

// String returns the outcome's stable name, fit for a metric label.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown"
}

// Reasons for which a device is unknown, besides those that name a data source or a condition.
const (
	UnknownKind    = "device type not reported"
	UnknownSources = "data sources not reported"
	UnknownBackup  = "no good backup on record" // and policy does not judge that
)

// outcome completes a decision with how the device stands by its state afterwards.
func (e evidence) outcome(d Decision, all []judgement) Decision {
	excluded := exclusion(e.rules, e.seen)
	switch {
	case excluded != "":
		d.Outcome, d.Reason = Excluded, excluded
	case d.State.GetOpen() != nil || len(d.State.GetTracks()) > 0:
		d.Outcome = InTrouble
		if e.rules.Mute != nil {
			d.Reason = e.rules.Mute.Reason
		}
	case e.ignoresAll():
		d.Outcome, d.Reason = Excluded, ExcludedIgnored
	default:
		d.Outcome = Healthy
		if d.Reason = e.unknownBecause(all); d.Reason != "" {
			d.Outcome = Unknown
		}
	}
	return d
}

// unknownBecause returns what is not known of a device on which nothing is bad, or "".
func (e evidence) unknownBecause(all []judgement) string {
	switch {
	case e.seen.Kind == KindUnreported:
		return UnknownKind
	case !e.seen.Succeeded && !e.judged(key{kind: never, source: DeviceWide}):
		return UnknownBackup
	case !e.seen.Succeeded: // and never did not find it bad: its first backup is awaited
		return ""
	case !e.seen.SourcesKnown:
		return UnknownSources
	}
	for _, j := range all {
		if j.kind != failed || j.verdict != unknown {
			continue
		}
		for _, source := range e.seen.Sources {
			// A session that says nothing yet is no worry while there is a good backup that is not stale.
			if source.Code == j.source && !source.Success.Known {
				return "no finished backup of " + source.Name
			}
		}
	}
	if name := cannotJudge(all); name != "" {
		return "condition " + name + " cannot be judged"
	}
	return ""
}

// ignoresAll reports whether policy judges none of the configured data sources.
func (e evidence) ignoresAll() bool {
	return len(e.seen.Sources) > 0 && !slices.ContainsFunc(e.seen.Sources, func(s Source) bool { return !e.rules.IgnoreSources[s.Code] })
}
