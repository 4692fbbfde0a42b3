package judge

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/cause"
)

// finding makes a finding from raw values; absent ones (nil) are left out.
func finding(code, name, summary string, success Fact[time.Time], raw ...*statusv1.Column) *incidentv1.Finding {
	f := &incidentv1.Finding{SourceCode: code, SourceName: name, Summary: summary}
	if success.Known {
		f.LastSuccessAt = timestamppb.New(success.Value)
	}
	for _, column := range raw {
		if column != nil {
			f.Evidence = append(f.Evidence, column)
		}
	}
	return f
}

// openFinding is a finding whose condition is open, with the time since when it holds.
type openFinding struct {
	key
	since   *timestamppb.Timestamp
	finding *incidentv1.Finding
	leaving bool // this sweep found it gone, and it is not gone for long enough yet
}

// picture returns the conditions that are open after a sweep. A published one that this sweep does not find bad
// keeps its finding. Those that close stay too when hold is set.
func (e evidence) picture(looks []look, hold bool) []*incidentv1.Condition {
	var open []openFinding
	for _, l := range looks {
		f := openFinding{key: l.key, since: l.track.GetSince(), finding: l.found, leaving: l.verdict == good}
		if f.finding == nil {
			f.finding = l.told
		}
		if e.opens(l) || l.told != nil && (hold || !e.closes(l)) {
			open = append(open, f)
		}
	}
	return conditions(open, e.sessions())
}

// conditions groups open findings, which are in order of key, into conditions, gravest first, and attaches
// the session errors.
func conditions(open []openFinding, sessions []*statusv1.SourceErrors) []*incidentv1.Condition {
	var all []*incidentv1.Condition
	var present []kindFinding
	for _, o := range open {
		last := len(all) - 1
		if last < 0 || all[last].GetKind() != o.kind {
			all = append(all, &incidentv1.Condition{Kind: o.kind, Since: o.since})
			last++
		}
		if o.since.AsTime().Before(all[last].GetSince().AsTime()) {
			all[last].Since = o.since
		}
		f := proto.CloneOf(o.finding) // it may be that of the published picture
		f.Since = o.since
		all[last].Findings = append(all[last].Findings, f)
		if !o.leaving {
			present = append(present, kindFinding{o.kind, f})
		}
	}
	attachErrors(present, sessions)
	return all
}

type kindFinding struct {
	kind incidentv1.ConditionKind
	*incidentv1.Finding
}

// aboutSession reports whether a condition is about what a session said; others are about what did not happen.
func (f kindFinding) aboutSession() bool { return f.kind == failed || f.kind == errs }

// attachErrors gives each finding the session errors of its data source, a device-wide one those of all.
// Errors are told once: a stale or never finding takes only what no failed or errors finding has taken.
func attachErrors(all []kindFinding, sessions []*statusv1.SourceErrors) {
	taken := map[string]bool{}
	for _, aboutSession := range []bool{true, false} {
		for _, f := range all {
			if f.aboutSession() != aboutSession {
				continue
			}
			var mine []*statusv1.SourceErrors
			for _, s := range sessions {
				if (f.GetSourceCode() == DeviceWide || f.GetSourceCode() == s.GetSourceCode()) && (aboutSession || !taken[s.GetSourceCode()]) {
					mine = append(mine, s)
					taken[s.GetSourceCode()] = true
				}
			}
			fillErrors(f.Finding, mine)
			f.ErrorsAwaited = aboutSession && len(mine) == 0 && len(f.GetErrors()) == 0 && f.GetSourceCode() != DeviceWide
		}
	}
}

// fillErrors leaves a finding as it is when nothing was learned: one that is kept from an earlier sweep keeps
// the errors that it had.
func fillErrors(f *incidentv1.Finding, sessions []*statusv1.SourceErrors) {
	var learned []*statusv1.SessionError
	var total int64
	var unavailable []string
	for _, s := range sessions {
		learned = append(learned, s.GetErrors()...)
		total += s.GetErrorsTotal()
		if reason := s.GetUnavailable(); reason != "" {
			unavailable = append(unavailable, reason)
		}
	}
	if len(learned) == 0 && len(f.GetErrors()) > 0 {
		return
	}
	f.Errors = learned
	session := only(sessions)
	f.SessionId, f.SessionStatus, f.SessionStartedAt = session.GetSessionId(), session.GetSessionStatus(), session.GetSessionStartedAt()
	if total > 0 {
		f.ErrorsTotal = total
	}
	slices.Sort(unavailable)
	f.ErrorsUnavailable = strings.Join(slices.Compact(unavailable), "; ")
}

// only returns the one session that was found; nil when none was or, for a device as a whole, several.
func only(sessions []*statusv1.SourceErrors) *statusv1.SourceErrors {
	var found *statusv1.SourceErrors
	for _, s := range sessions {
		switch {
		case s.GetSessionId() == "":
		case found != nil:
			return nil
		default:
			found = s
		}
	}
	return found
}

// aspect is what makes a finding a different one: its condition, its data source and, for a failure, the
// status. Counters, ages and times are no part of it, and neither are summaries that carry counters.
type aspect struct {
	key
	status string
}

// aspects maps what is material in a picture to the causes of each: what its errors say, without what differs from
// one run to the next.
func aspects(all []*incidentv1.Condition) map[aspect][]string {
	found := map[aspect][]string{}
	for _, condition := range all {
		for _, f := range condition.GetFindings() {
			a := aspect{key: keyOfFinding(condition.GetKind(), f)}
			if a.kind == failed {
				a.status = f.GetSummary()
			}
			causes := make([]string, len(f.GetErrors()))
			for i, e := range f.GetErrors() {
				causes[i] = cause.Run(e.GetText())
			}
			found[a] = causes
		}
	}
	return found
}

// differs reports whether two pictures differ materially: in their aspects, or in the cause of one. A cause
// that is not known any more is no news; one that becomes known is, and so is one that none of the causes told
// before is among.
func differs(before, after []*incidentv1.Condition) bool {
	was, is := aspects(before), aspects(after)
	if len(was) != len(is) {
		return true
	}
	for a, causes := range is {
		known, same := was[a]
		told := func(cause string) bool { return slices.Contains(known, cause) }
		if !same || len(causes) > 0 && !slices.ContainsFunc(causes, told) {
			return true
		}
	}
	return false
}

// adds reports whether a picture has a condition or a data source that another has not.
func adds(before, after []*incidentv1.Condition) bool {
	was := map[key]bool{}
	for a := range aspects(before) {
		was[a.key] = true
	}
	for a := range aspects(after) {
		if !was[a.key] {
			return true
		}
	}
	return false
}

// keyOfFinding returns the key of a published finding.
func keyOfFinding(kind incidentv1.ConditionKind, f *incidentv1.Finding) key {
	k := key{kind: kind, source: f.GetSourceCode()}
	if kind == custom {
		k.name = f.GetSummary()
	}
	return k
}

// published returns a copy of the finding for a key in the last published picture, or nil.
func published(open *incidentv1.Event, k key) *incidentv1.Finding {
	for _, condition := range open.GetConditions() {
		for _, f := range condition.GetFindings() {
			if keyOfFinding(condition.GetKind(), f) == k {
				return proto.CloneOf(f)
			}
		}
	}
	return nil
}
