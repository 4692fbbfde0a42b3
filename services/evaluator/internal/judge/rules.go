package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Shorthands for the conditions, gravest first.
const (
	failed = incidentv1.ConditionKind_CONDITION_KIND_FAILED
	never  = incidentv1.ConditionKind_CONDITION_KIND_NEVER
	stale  = incidentv1.ConditionKind_CONDITION_KIND_STALE
	errs   = incidentv1.ConditionKind_CONDITION_KIND_ERRORS
)

// verdict is what a rule says of a condition. Opening and closing read the same verdict, so that one is the
// exact negation of the other; unknown leaves things as they are and does neither.
type verdict uint8

const (
	unknown verdict = iota
	good
	bad
)

// key names a condition on a data source of a device.
type key struct {
	kind   incidentv1.ConditionKind
	source string
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.source, b.source))
}

// judgement is the verdict on one key, with the finding when it is bad.
type judgement struct {
	key
	verdict verdict
	finding *incidentv1.Finding
}

// evidence is what every rule looks at.
type evidence struct {
	policy *tenantv1.Policy
	class  incidentv1.DeviceClass
	state  *incidentv1.DeviceState
	seen   Observation
	now    time.Time
}

// judgeAll returns the verdict on every condition that can be on the device, in order of key.
func (e evidence) judgeAll() []judgement {
	all := []judgement{e.never()}
	accounted, unsettled := false, !e.seen.SourcesKnown
	for _, source := range e.seen.Sources {
		onSource := []judgement{e.failed(source), e.errors(source)}
		for _, j := range onSource {
			accounted = accounted || j.verdict == bad || (j.verdict == unknown && hasTrack(e.state, j.key))
		}
		unsettled = unsettled || source.Last.Value.unsettled()
		all = append(append(all, onSource...), e.stale(source))
	}
	all = append(all, e.deviceErrors(accounted, unsettled))
	slices.SortStableFunc(all, func(a, b judgement) int { return compareKeys(a.key, b.key) })
	return all
}

// failed: the last session that ended left no backup. A session that never started or was restarted says
// nothing yet, and so does a first session that still runs.
func (e evidence) failed(s Source) judgement {
	j := judgement{key: key{failed, s.Code}}
	done := s.lastFinished()
	switch {
	case !done.Known:
		return j
	case done.Value.failure():
		j.finding = finding(s.Code, s.Name, done.Value.String(), s.Success, s.sessionEvidence()...)
		if !s.Last.Value.Running() {
			j.finding.ErrorsTotal = s.Errors.Value
		}
		j.verdict = bad
	case done.Value.Succeeded():
		j.verdict = good
	}
	return j
}

// errors: the last session that ended has errors, said by its status or counted behind a good one. What a
// running session has counted is its own, so a good end before it leaves open whether errors were counted.
func (e evidence) errors(s Source) judgement {
	j := judgement{key: key{errs, s.Code}}
	done, running := s.lastFinished(), s.Last.Value.Running()
	counted := s.Errors.Value
	if running {
		counted = 0
	}
	switch {
	case !done.Known:
	case done.Value == StatusCompletedWithErrors, done.Value == StatusCompleted && counted > 0:
		summary, used := StatusCompletedWithErrors.String(), s.sessionEvidence()
		if counted > 0 {
			summary, used = countErrors(counted), append(used, s.Errors.Raw)
		}
		j.verdict = bad
		j.finding = finding(s.Code, s.Name, summary, s.Success, used...)
		j.finding.ErrorsTotal = counted
	case done.Value.failure(), done.Value == StatusCompleted && !running:
		j.verdict = good
	}
	return j
}

// deviceErrors: errors are counted on the device that no data source accounts for. While a session is on its
// way the total is as little that of finished sessions as the session's own count is.
func (e evidence) deviceErrors(accounted, unsettled bool) judgement {
	j := judgement{key: key{errs, DeviceWide}, verdict: good}
	switch {
	case accounted:
	case unsettled:
		j.verdict = unknown
	case e.seen.TotalErrors.Value > 0:
		j.verdict = bad
		j.finding = finding(DeviceWide, deviceWideName, countErrors(e.seen.TotalErrors.Value), e.seen.TotalSuccess, e.seen.TotalErrors.Raw)
		j.finding.ErrorsTotal = e.seen.TotalErrors.Value
	}
	return j
}

// stale: the last good backup of the data source is too old, whatever runs or failed since. A data source
// that has never had one counts from when it was first seen configured, and not before the device existed.
// A device without any good backup is the business of never.
func (e evidence) stale(s Source) judgement {
	j := judgement{key: key{stale, s.Code}, verdict: good}
	limit := staleAfter(e.policy, e.class)
	if !e.seen.Succeeded || limit <= 0 {
		return j
	}
	since, summary := s.Success.Value, "Last good backup is too old"
	if !s.Success.Known {
		since, summary = e.configuredSince(s.Code), "No good backup on record"
	}
	if e.now.Sub(since) > limit {
		j.verdict = bad
		j.finding = finding(s.Code, s.Name, summary, s.Success, s.Success.Raw)
		j.finding.ThresholdSeconds = int64(limit / time.Second)
	}
	return j
}

// never: the device exists for longer than the grace and nothing tells of a good backup.
func (e evidence) never() judgement {
	j := judgement{key: key{never, DeviceWide}, verdict: good}
	limit := e.policy.GetNever().AsDuration()
	if e.seen.Succeeded || limit <= 0 {
		return j
	}
	since := e.state.GetFirstSeenAt().AsTime()
	if e.seen.Created.Known {
		since = e.seen.Created.Value
	}
	if e.now.Sub(since) > limit {
		j.verdict = bad
		j.finding = finding(DeviceWide, deviceWideName, "Never backed up", e.seen.TotalSuccess, e.seen.Created.Raw, e.seen.TotalSuccess.Raw)
		j.finding.ThresholdSeconds = int64(limit / time.Second)
	}
	return j
}

func (e evidence) configuredSince(source string) time.Time {
	since := e.state.GetFirstSeenAt().AsTime()
	for _, seen := range e.state.GetSourcesSeen() {
		if seen.GetCode() == source {
			since = seen.GetAt().AsTime()
		}
	}
	if e.seen.Created.Known && e.seen.Created.Value.After(since) {
		return e.seen.Created.Value
	}
	return since
}

// lastFinished returns the status of the last session that ended.
func (s Source) lastFinished() Fact[Status] {
	if !s.Last.Known || s.Last.Value.Running() {
		return s.Finished
	}
	return s.Last
}

// sessionEvidence returns the raw values that lastFinished is made of.
func (s Source) sessionEvidence() []*statusv1.Column {
	if !s.Last.Known || s.Last.Value.Running() {
		return []*statusv1.Column{s.Last.Raw, s.Finished.Raw}
	}
	return []*statusv1.Column{s.Last.Raw}
}

func countErrors(n int64) string {
	if n == 1 {
		return "1 error"
	}
	return fmt.Sprintf("%d errors", n)
}
