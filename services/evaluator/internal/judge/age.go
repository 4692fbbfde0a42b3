package judge

import (
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// heartbeatStep is how much older than the real one the contact on record may be: a device that changes in nothing
// but its heartbeat is published once in this time. Silence is judged with this much patience on top of policy's.
const heartbeatStep = 24 * time.Hour

// stale: the last good backup of the data source is too old, whatever runs or failed since, or its session runs for
// too long. A data source that has never had a good backup counts from when it was first seen configured, and not
// before the device existed. Of one that had a good backup at a time that nobody can read the age is not known. A device without any good backup is the business of never.
func (e evidence) stale(s Source) judgement {
	j := judgement{key: key{kind: stale, source: s.Code}, verdict: good}
	limit := e.rules.StaleOf(s.Code)
	since, summary := s.Success.Value, "Last good backup is too old"
	if !s.Success.Known {
		since, summary = e.configuredSince(s.Code), "No good backup on record"
	}
	overrun, overrunLacks := e.overruns(s)
	switch {
	case !e.seen.Succeeded && e.seen.TotalSuccess.Lacking != "":
		return j.without(e.seen.TotalSuccess.Lacking)
	case !e.seen.Succeeded:
	case limit > 0 && s.Success.Lacking == "" && e.now.Sub(since) > limit && (s.Success.Known || !s.Succeeded):
		j.verdict = bad
		j.finding = finding(s.Code, s.Name, summary, s.Success, s.Success.Raw)
		j.finding.ThresholdSeconds = int64(limit / time.Second)
		j.finding.Rule = e.rule(e.staleKey(s.Code), inWords(limit))
	case overrun:
		j.verdict = bad
		j.finding = finding(s.Code, s.Name, "Session does not end", s.Success, s.Last.Raw, s.Started.Raw)
		j.finding.ThresholdSeconds = int64(e.rules.Overrun / time.Second)
		j.finding.Rule = e.rule(keyOverrun, inWords(e.rules.Overrun))
	case limit > 0 && s.Success.Lacking != "":
		return j.without(s.Success.Lacking)
	case limit > 0 && !s.Success.Known && s.Succeeded:
		return j.without("a usable time of the last good backup of " + s.Name)
	case overrunLacks != "":
		return j.without(overrunLacks)
	}
	return j
}

// overruns reports whether a session runs for longer than policy allows, or what keeps from knowing that.
func (e evidence) overruns(s Source) (overrun bool, lacking string) {
	switch {
	case e.rules.Overrun <= 0:
		return false, ""
	case s.Last.Lacking != "":
		return false, s.Last.Lacking
	case s.Last.Value.Running() && s.Started.Lacking != "":
		return false, s.Started.Lacking
	case s.running(e.now) <= e.rules.Overrun:
		return false, ""
	default:
		// Without the end of the session before, its start may be taken for that of the running one.
		return s.EndedAt.Lacking == "", s.EndedAt.Lacking
	}
}

// running returns for how long a session has been running; 0 when none is or when its start is not known. A start
// that does not lie after the end of the session before is that of another session.
func (s Source) running(now time.Time) time.Duration {
	if !s.Last.Value.Running() || !s.Started.Known || (s.EndedAt.Known && !s.Started.Value.After(s.EndedAt.Value)) {
		return 0
	}
	return now.Sub(s.Started.Value)
}

// never: the device exists for longer than the grace and nothing tells of a good backup.
func (e evidence) never() judgement {
	j := judgement{key: key{kind: never, source: DeviceWide}, verdict: good}
	switch grace := e.now.Sub(e.createdAt()) <= e.rules.Never; {
	case e.seen.Succeeded:
	case grace && e.seen.Created.Lacking != "": // it may be older than the time since it was first seen
		return j.without(e.seen.Created.Lacking)
	case grace:
	case e.seen.TotalSuccess.Lacking != "":
		return j.without(e.seen.TotalSuccess.Lacking)
	default:
		j.verdict = bad
		j.finding = finding(DeviceWide, deviceWideName, "Never backed up", e.seen.TotalSuccess, e.seen.Created.Raw, e.seen.TotalSuccess.Raw)
		j.finding.ThresholdSeconds = int64(e.rules.Never / time.Second)
		j.finding.Rule = e.rule(keyNever, inWords(e.rules.Never))
	}
	return j
}

// silent: nothing was heard of the device for too long.
func (e evidence) silent() judgement {
	j := judgement{key: key{kind: silent, source: DeviceWide}}
	switch contact := e.seen.Contact; {
	case contact.Lacking != "" && (!contact.Known || e.now.Sub(contact.Value) > e.rules.Silent+heartbeatStep):
		return j.without(contact.Lacking)
	case !contact.Known:
	case e.now.Sub(contact.Value) > e.rules.Silent+heartbeatStep:
		j.verdict = bad
		j.finding = finding(DeviceWide, deviceWideName, "No contact", e.seen.TotalSuccess, contact.Raw)
		j.finding.ThresholdSeconds = int64(e.rules.Silent / time.Second)
		j.finding.Rule = e.rule(keySilent, inWords(e.rules.Silent)) + ", noticed within a day, because heartbeats are recorded daily"
	default:
		j.verdict = good
	}
	return j
}

// noErrorFree: the data source has backups, but for too long none without errors. A data source without newer
// backups than the last one free of errors is the business of stale.
func (e evidence) noErrorFree(s Source, onErrors judgement) judgement {
	j := judgement{key: key{kind: noErrorFree, source: s.Code}, verdict: good}
	since := e.errorFreeSince(s.Code)
	switch {
	case s.Success.Lacking != "":
		return j.without(s.Success.Lacking)
	case !s.Success.Known, !s.Success.Value.After(since):
	case onErrors.verdict == unknown:
		return j.without(onErrors.lacking)
	case onErrors.verdict == good && s.lastFinished().Value.Succeeded():
	case e.now.Sub(since) > e.rules.NoErrorFree:
		j = e.withoutErrorFree(j.key, s.Name, s.Success, append(s.sessionEvidence(), s.Errors.Raw))
	}
	return j
}

// deviceNoErrorFree is noErrorFree for errors that are counted on the device only.
func (e evidence) deviceNoErrorFree(onErrors judgement) judgement {
	j := judgement{key: key{kind: noErrorFree, source: DeviceWide}, verdict: good}
	switch {
	case !e.seen.TotalSuccess.Known && onErrors.verdict != good && e.seen.TotalSuccess.Lacking != "":
		return j.without(e.seen.TotalSuccess.Lacking)
	case !e.seen.TotalSuccess.Known:
	case onErrors.verdict == unknown:
		return j.without(onErrors.lacking)
	case onErrors.verdict == bad && e.now.Sub(e.errorFreeSince(DeviceWide)) > e.rules.NoErrorFree:
		j = e.withoutErrorFree(j.key, deviceWideName, e.seen.TotalSuccess, onErrors.finding.GetEvidence())
	}
	return j
}

// withoutErrorFree is the verdict that backups free of errors are missing for too long.
func (e evidence) withoutErrorFree(k key, name string, success Fact[time.Time], raw []*statusv1.Column) judgement {
	f := finding(k.source, name, "No backup without errors", success, raw...)
	f.ThresholdSeconds = int64(e.rules.NoErrorFree / time.Second)
	f.Rule = e.rule(keyNoErrorFree, inWords(e.rules.NoErrorFree))
	return judgement{key: k, verdict: bad, finding: f}
}

// createdAt is when the device was created or, when the vendor does not say, first seen.
func (e evidence) createdAt() time.Time {
	if e.seen.Created.Known {
		return e.seen.Created.Value
	}
	return e.state.GetFirstSeenAt().AsTime()
}

// configuredSince is when a data source was first seen configured, but not before the device existed.
func (e evidence) configuredSince(source string) time.Time {
	since := e.state.GetFirstSeenAt().AsTime()
	if seen := seenSource(e.state, source); seen != nil {
		since = seen.GetAt().AsTime()
	}
	if e.seen.Created.Known && e.seen.Created.Value.After(since) {
		return e.seen.Created.Value
	}
	return since
}

// errorFreeSince is the newest good backup without errors or, when none was seen, when the data source was first seen.
func (e evidence) errorFreeSince(source string) time.Time {
	if at := seenSource(e.state, source).GetErrorFreeAt(); at != nil {
		return at.AsTime()
	}
	return e.configuredSince(source)
}

// seenSource returns what is remembered of a data source, or nil.
func seenSource(state *incidentv1.DeviceState, code string) *incidentv1.SourceSeen {
	for _, seen := range state.GetSourcesSeen() {
		if seen.GetCode() == code {
			return seen
		}
	}
	return nil
}
