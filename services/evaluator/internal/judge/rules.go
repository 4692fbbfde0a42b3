package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// Shorthands for the conditions, gravest first.
const (
	failed      = incidentv1.ConditionKind_CONDITION_KIND_FAILED
	never       = incidentv1.ConditionKind_CONDITION_KIND_NEVER
	stale       = incidentv1.ConditionKind_CONDITION_KIND_STALE
	errs        = incidentv1.ConditionKind_CONDITION_KIND_ERRORS
	silent      = incidentv1.ConditionKind_CONDITION_KIND_SILENT
	noErrorFree = incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE
	custom      = incidentv1.ConditionKind_CONDITION_KIND_CUSTOM
)

// verdict is what a rule says of a condition. Opening and closing read the same verdict, so that one is the
// exact negation of the other; unknown leaves things as they are and does neither.
type verdict uint8

const (
	unknown verdict = iota
	good
	bad
)

// key names a condition on a data source of a device; name is that of a custom condition, empty for others.
type key struct {
	kind   incidentv1.ConditionKind
	source string
	name   string
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.source, b.source), cmp.Compare(a.name, b.name))
}

// judgement is the verdict on one key, with the finding when it is bad.
type judgement struct {
	key
	verdict verdict
	finding *incidentv1.Finding
	lacking string // what an unknown verdict would have needed and the sweep could not learn; see Fact
}

// without returns the judgement as unknown for want of what is lacking.
func (j judgement) without(lacking string) judgement {
	return judgement{key: j.key, lacking: lacking}
}

// evidence is what every rule looks at.
type evidence struct {
	rules policy.Rules
	state *incidentv1.DeviceState
	seen  Observation
	now   time.Time
}

// judgeAll returns the verdict on every condition that policy judges on the device, in order of key.
func (e evidence) judgeAll() []judgement {
	all := []judgement{e.never(), e.silent()}
	accounted, unsettled, lacking := false, !e.seen.SourcesKnown, ""
	for _, source := range e.seen.Sources {
		if e.rules.IgnoreSources[source.Code] {
			continue
		}
		onFailed, onErrors := e.failed(source), e.errors(source)
		for _, j := range []judgement{onFailed, onErrors} {
			accounted = accounted || j.verdict == bad || (j.verdict == unknown && e.judged(j.key) && holding(e.state, j.key))
		}
		unsettled = unsettled || source.Last.Value.unsettled()
		lacking = cmp.Or(lacking, source.Last.Lacking)
		all = append(all, onFailed, onErrors, e.stale(source), e.noErrorFree(source, onErrors))
	}
	total := e.deviceErrors(accounted, unsettled, lacking)
	all = append(all, total, e.deviceNoErrorFree(total))
	for _, c := range e.rules.Custom {
		all = append(all, e.custom(c))
	}
	all = slices.DeleteFunc(all, func(j judgement) bool { return !e.judged(j.key) })
	slices.SortStableFunc(all, func(a, b judgement) int { return compareKeys(a.key, b.key) })
	return all
}

// judged reports whether policy judges a condition: it is not switched off, its limit is not 0 and its data source
// is not ignored.
func (e evidence) judged(k key) bool {
	if e.rules.Off[k.kind] || e.rules.IgnoreSources[k.source] {
		return false
	}
	switch k.kind {
	case stale:
		return e.rules.StaleOf(k.source) > 0 || e.rules.Overrun > 0
	case never:
		return e.rules.Never > 0
	case silent:
		return e.rules.Silent > 0
	case noErrorFree:
		return e.rules.NoErrorFree > 0
	case custom:
		return slices.ContainsFunc(e.rules.Custom, func(c policy.CustomCondition) bool { return c.Name() == k.name })
	default:
		return true
	}
}

// failed: the last session that ended left no backup, or sessions have not started for too long. A session that was
// to start or was restarted a moment ago says nothing yet, and so does a first session that still runs.
func (e evidence) failed(s Source) judgement {
	j := judgement{key: key{kind: failed, source: s.Code}}
	done := s.lastFinished()
	switch {
	case s.Last.Lacking != "": // the last finished session may be older than the one that failed
		return j.without(s.Last.Lacking)
	case !done.Known:
		return j.without(done.Lacking)
	case done.Value.failure():
		j.finding = finding(s.Code, s.Name, done.Value.String(), s.Success, s.sessionEvidence()...)
		j.finding.Rule = e.rule(keyFailed, "on")
		if !s.Last.Value.Running() {
			j.finding.ErrorsTotal = s.Errors.Value
		}
		j.verdict = bad
	case e.waitsTooLong(s):
		j.finding = finding(s.Code, s.Name, done.Value.String(), s.Success, s.Last.Raw)
		j.finding.Rule = e.rule(keyPersist, inWords(e.rules.Persist))
		j.finding.ThresholdSeconds = int64(e.rules.Persist / time.Second)
		j.verdict = bad
	case done.Value.Succeeded():
		j.verdict = good
	}
	return j
}

// waitsTooLong reports whether a session has not started, or was restarted, for longer than policy allows. The vendor
// does not say since when; the snapshots do, see Remember.
func (e evidence) waitsTooLong(s Source) bool {
	since := seenSource(e.state, s.Code).GetWaitingSince()
	return e.rules.Persist > 0 && since != nil && e.now.Sub(since.AsTime()) > e.rules.Persist
}

// errors: the last session that ended has errors, said by its status or counted behind a good one, and not all of
// them are expected. What a running session has counted is its own, so a good end before it leaves open whether
// errors were counted.
func (e evidence) errors(s Source) judgement {
	j := judgement{key: key{kind: errs, source: s.Code}}
	done, running := s.lastFinished(), s.Last.Value.Running()
	counted := s.Errors.Value
	if running {
		counted = 0
	}
	switch {
	case s.Last.Lacking != "":
		return j.without(s.Last.Lacking)
	case !done.Known:
		return j.without(done.Lacking)
	case done.Value == StatusCompletedWithErrors, done.Value == StatusCompleted && counted > 0:
		if e.expected(counted, s.Code) {
			if s.Errors.Lacking != "" && !running {
				return j.without(s.Errors.Lacking)
			}
			j.verdict = good
			break
		}
		summary, used := StatusCompletedWithErrors.String(), s.sessionEvidence()
		if counted > 0 {
			summary, used = countErrors(counted), append(used, s.Errors.Raw)
		}
		j.verdict = bad
		j.finding = finding(s.Code, s.Name, summary, s.Success, used...)
		j.finding.Rule = e.rule(keyErrors, "on")
		j.finding.ErrorsTotal = counted
	case done.Value == StatusCompleted && s.Errors.Lacking != "":
		return j.without(s.Errors.Lacking)
	case done.Value.failure(), done.Value == StatusCompleted && !running:
		j.verdict = good
	}
	return j
}

// deviceErrors: errors are counted on the device that no data source accounts for, beyond those of ignored ones, and
// that are not all expected. While a session is on its way the total is as little that of finished sessions as the
// session's own count is. lacking says what keeps from knowing whether one is.
func (e evidence) deviceErrors(accounted, unsettled bool, lacking string) judgement {
	j := judgement{key: key{kind: errs, source: DeviceWide}, verdict: good}
	total := e.seen.TotalErrors.Value
	for _, s := range e.seen.Sources {
		if e.rules.IgnoreSources[s.Code] {
			total -= s.Errors.Value
			lacking = cmp.Or(lacking, s.Errors.Lacking)
		}
	}
	lacking = cmp.Or(e.seen.TotalErrors.Lacking, lacking)
	switch {
	case accounted:
	case unsettled:
		return j.without(lacking)
	case lacking != "" && (total > 0 || !e.seen.TotalErrors.Known):
		return j.without(lacking)
	case total > 0 && !e.expected(total, DeviceWide):
		j.verdict = bad
		j.finding = finding(DeviceWide, deviceWideName, countErrors(total), e.seen.TotalSuccess, e.seen.TotalErrors.Raw)
		j.finding.Rule = e.rule(keyErrors, "on")
		j.finding.ErrorsTotal = total
	}
	return j
}

// expected reports whether policy expects every error of the session on a data source, or of all sessions on the
// device as a whole. One error that is not known, because more are counted than listed, is enough for no.
func (e evidence) expected(counted int64, source string) bool {
	var known, total int64
	if len(e.rules.Expected) == 0 {
		return false
	}
	for _, session := range e.sessions() {
		if source != DeviceWide && session.GetSourceCode() != source {
			continue
		}
		if session.GetUnavailable() != "" {
			return false
		}
		total += session.GetErrorsTotal()
		for _, one := range session.GetErrors() {
			if !slices.ContainsFunc(e.rules.Expected, func(x policy.ExpectedError) bool { return x.Expects(session.GetSourceCode(), one) }) {
				return false
			}
			known += max(one.GetCount(), 1)
		}
	}
	return known > 0 && known >= max(counted, total)
}

// sessions returns the session errors of the data sources that are judged.
func (e evidence) sessions() []*statusv1.SourceErrors {
	if len(e.rules.IgnoreSources) == 0 {
		return e.seen.Errors
	}
	return slices.DeleteFunc(slices.Clone(e.seen.Errors), func(s *statusv1.SourceErrors) bool { return e.rules.IgnoreSources[s.GetSourceCode()] })
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
