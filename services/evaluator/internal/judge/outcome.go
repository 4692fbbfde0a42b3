package judge

import (
	"fmt"
	"slices"
	"strings"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Outcome says how a device stands after a sweep. Every device that is not gone has exactly one of the
// first four, and unknown is never counted as healthy.
type Outcome uint8

// The outcomes.
const (
	Unknown   Outcome = iota // too little is known to call it healthy, or its first backup is awaited
	Healthy                  // everything configured is well
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
	UnknownFirst   = "first backup awaited"     // within the grace of a new device
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
	case lacking(all) != "":
		return "not known without " + lacking(all)
	case !e.seen.Succeeded && !e.judged(key{kind: never, source: DeviceWide}):
		return UnknownBackup
	case !e.seen.Succeeded: // and never did not find it bad
		return UnknownFirst
	case !e.seen.SourcesKnown:
		return UnknownSources
	}
	for _, source := range e.seen.Sources {
		if reason := e.undecided(source, all); reason != "" {
			return reason
		}
	}
	if name := cannotJudge(all); name != "" {
		return "condition " + name + " cannot be judged"
	}
	return ""
}

// undecided returns why nothing says that a data source on which nothing is bad is well, or "".
func (e evidence) undecided(s Source, all []judgement) string {
	verdictOn := func(kind incidentv1.ConditionKind) (verdict, bool) {
		i := slices.IndexFunc(all, func(j judgement) bool { return j.key == key{kind: kind, source: s.Code} })
		if i < 0 {
			return unknown, false
		}
		return all[i].verdict, true
	}
	onFailed, judged := verdictOn(failed)
	onStale, _ := verdictOn(stale)
	fresh := onStale == good && s.Success.Known && e.rules.StaleOf(s.Code) > 0
	switch {
	case e.rules.IgnoreSources[s.Code], onFailed == good, fresh && !judged:
		return ""
	case !judged:
		return "nothing is judged that tells whether " + s.Name + " is backed up"
	case fresh && s.Last.Value.unsettled():
		// A session that says nothing yet is no worry while there is a good backup that is not stale.
		return ""
	case s.Last.Known && !s.Last.Value.unsettled():
		return "the status of " + s.Name + " has no known meaning"
	default:
		return "no finished backup of " + s.Name
	}
}

// mostLacking bounds the columns that a reason names.
const mostLacking = 3

// lacking returns what the verdicts that could not be reached would have needed, or "".
func lacking(all []judgement) string {
	var texts []string
	for _, j := range all {
		if j.verdict == unknown && j.lacking != "" && !slices.Contains(texts, j.lacking) {
			texts = append(texts, j.lacking)
		}
	}
	slices.Sort(texts)
	if more := len(texts) - mostLacking; more > 0 {
		texts = append(texts[:mostLacking], fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, ", ")
}

// ignoresAll reports whether policy judges none of the configured data sources.
func (e evidence) ignoresAll() bool {
	return len(e.seen.Sources) > 0 && !slices.ContainsFunc(e.seen.Sources, func(s Source) bool { return !e.rules.IgnoreSources[s.Code] })
}
