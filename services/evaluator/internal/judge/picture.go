package judge

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
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
}

// conditions groups open findings, which are in order of key, into conditions, gravest first, and attaches
// the session errors.
func conditions(open []openFinding, sessions []*statusv1.SourceErrors) []*incidentv1.Condition {
	var all []*incidentv1.Condition
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
	}
	attachErrors(all, sessions)
	return all
}

// attachErrors gives each finding the session errors of its data source, a device-wide one those of all.
// Errors are told once: a stale or never finding takes only what no failed or errors finding has taken.
func attachErrors(all []*incidentv1.Condition, sessions []*statusv1.SourceErrors) {
	taken := map[string]bool{}
	for _, bySession := range []bool{true, false} {
		for _, condition := range all {
			if (condition.GetKind() == failed || condition.GetKind() == errs) != bySession {
				continue
			}
			for _, f := range condition.GetFindings() {
				var mine []*statusv1.SourceErrors
				for _, s := range sessions {
					if (f.GetSourceCode() == DeviceWide || f.GetSourceCode() == s.GetSourceCode()) && (bySession || !taken[s.GetSourceCode()]) {
						mine = append(mine, s)
						taken[s.GetSourceCode()] = true
					}
				}
				fillErrors(f, mine)
			}
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
	if total > 0 {
		f.ErrorsTotal = total
	}
	slices.Sort(unavailable)
	f.ErrorsUnavailable = strings.Join(slices.Compact(unavailable), "; ")
}

// aspect is what makes a finding a different one: its condition, its data source and, for a failure, the
// status. Counters, ages and times are no part of it, and neither are summaries that carry counters.
type aspect struct {
	key
	status string
}

// aspects maps what is material in a picture to the cause of each, the text of its first error ("" when not known).
func aspects(all []*incidentv1.Condition) map[aspect]string {
	found := map[aspect]string{}
	for _, condition := range all {
		for _, f := range condition.GetFindings() {
			a := aspect{key: key{condition.GetKind(), f.GetSourceCode()}}
			if a.kind == failed {
				a.status = f.GetSummary()
			}
			found[a] = ""
			if len(f.GetErrors()) > 0 {
				found[a] = f.GetErrors()[0].GetText()
			}
		}
	}
	return found
}

// differs reports whether two pictures differ materially: in their aspects, or in the cause of one. A cause
// that is not known any more is no news; one that becomes known is.
func differs(before, after []*incidentv1.Condition) bool {
	was, is := aspects(before), aspects(after)
	if len(was) != len(is) {
		return true
	}
	for a, cause := range is {
		known, same := was[a]
		if !same || (cause != "" && cause != known) {
			return true
		}
	}
	return false
}

// published returns a copy of the finding for a key in the last published picture, or nil.
func published(open *incidentv1.Event, k key) *incidentv1.Finding {
	for _, condition := range open.GetConditions() {
		if condition.GetKind() != k.kind {
			continue
		}
		for _, f := range condition.GetFindings() {
			if f.GetSourceCode() == k.source {
				return proto.CloneOf(f)
			}
		}
	}
	return nil
}
