package text

import (
	"fmt"
	"strings"
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// fact is one condition on one data source.
type fact struct {
	kind   incidentv1.ConditionKind
	source string
}

// facts lists the findings of an event by condition and source, in its order. A condition without findings
// counts as one on the device as a whole.
func facts(e *incidentv1.Event) ([]fact, map[fact]*incidentv1.Finding) {
	var order []fact
	found := map[fact]*incidentv1.Finding{}
	add := func(kind incidentv1.ConditionKind, f *incidentv1.Finding) {
		key := fact{kind, f.GetSourceCode()}
		if _, twice := found[key]; !twice {
			order = append(order, key)
		}
		found[key] = f
	}
	for _, c := range e.GetConditions() {
		// How many sources a device that was never backed up has is no news.
		if len(c.GetFindings()) == 0 || c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_NEVER {
			add(c.GetKind(), &incidentv1.Finding{SourceCode: deviceWideCode})
			continue
		}
		for _, f := range c.GetFindings() {
			add(c.GetKind(), f)
		}
	}
	return order, found
}

// changes tells, one line each, in what the event's picture differs from the one shown.
func changes(shown, e *incidentv1.Event, now time.Time) []string {
	var lines []string
	if before, is := shown.GetSeverity(), e.GetSeverity(); before != is && is != incidentv1.Severity_SEVERITY_UNSPECIFIED {
		line := "Severity: " + severityName(is)
		if was := severityName(before); was != "" {
			line += "; it was: " + was
		}
		lines = append(lines, line)
	}
	switch {
	case e.GetFlapping() && !shown.GetFlapping():
		lines = append(lines, "The trouble comes and goes; the ticket stays open until it is calm.")
	case !e.GetFlapping() && shown.GetFlapping():
		lines = append(lines, "The trouble no longer comes and goes.")
	}
	if before, is := shown.GetMembersTotal(), e.GetMembersTotal(); before != is {
		lines = append(lines, fmt.Sprintf("Devices: %d; there were: %d", is, before))
	}
	if group := oneLine(e.GetGroupIncidentId()); group != "" && group != oneLine(shown.GetGroupIncidentId()) {
		lines = append(lines, "It is part of the common trouble "+Badge(group)+" now.")
	}
	before, was := facts(shown)
	after, is := facts(e)
	for _, key := range after {
		switch old, known := was[key]; {
		case !known:
			lines = append(lines, "New: "+brief(key, is[key], now))
		case quietly(key.kind, old) != quietly(key.kind, is[key]):
			lines = append(lines, "Changed: "+brief(key, is[key], now)+"; it was: "+quietly(key.kind, old))
		case cause(old) != cause(is[key]) && cause(is[key]) != "":
			lines = append(lines, "Other cause: "+brief(key, is[key], now)+": "+cause(is[key]))
			if cause(old) != "" {
				lines = append(lines, "  Cause before: "+cause(old))
			}
		}
	}
	for _, key := range before {
		if _, still := is[key]; !still {
			lines = append(lines, "Over: "+brief(key, was[key], now))
		}
	}
	if len(lines) == 0 {
		return []string{"The particulars changed; what is wrong is the same."}
	}
	return lines
}

// endings tells how each data source that the ticket shows in trouble stands now.
func (p *page) endings(shown, e *incidentv1.Event) {
	order, was := facts(shown)
	if len(order) == 0 {
		return
	}
	p.heading("WHAT WAS WRONG")
	last := map[string]*incidentv1.SourceStatus{}
	for _, s := range e.GetDevice().GetSources() {
		last[s.GetCode()] = s
	}
	told := map[string]bool{}
	for _, key := range order {
		if told[key.source] {
			continue
		}
		told[key.source] = true
		var line strings.Builder
		line.WriteString(brief(key, was[key], shown.GetOccurredAt().AsTime()))
		for _, other := range order {
			if other.source == key.source && other != key {
				line.WriteString(", " + words(other.kind, was[other], shown.GetOccurredAt().AsTime()))
			}
		}
		p.line(line.String())
		at := last[key.source].GetLastSuccessAt()
		if key.source == deviceWideCode {
			at = e.GetDevice().GetLastSuccessAt()
		}
		switch {
		case at != nil:
			p.line("  Last good backup: " + p.when(at.AsTime()))
		case key.source != deviceWideCode && last[key.source] == nil:
			p.line("  The data source is no longer configured.")
		default:
			p.line("  Last good backup: never")
		}
	}
}

// brief names a finding in one phrase.
func brief(key fact, f *incidentv1.Finding, now time.Time) string {
	if key.source == deviceWideCode {
		return words(key.kind, f, now)
	}
	return sourceName(f) + ": " + words(key.kind, f, now)
}

// quietly is the finding without what changes by itself with time.
func quietly(kind incidentv1.ConditionKind, f *incidentv1.Finding) string {
	switch kind {
	case incidentv1.ConditionKind_CONDITION_KIND_STALE, incidentv1.ConditionKind_CONDITION_KIND_NEVER,
		incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT, incidentv1.ConditionKind_CONDITION_KIND_CORRELATED:
		return kindName(kind)
	default:
	}
	return words(kind, f, time.Time{})
}

func cause(f *incidentv1.Finding) string {
	if len(f.GetErrors()) == 0 {
		return ""
	}
	first := f.GetErrors()[0]
	return `"` + shorten(oneLine(first.GetText())) + `"`
}
