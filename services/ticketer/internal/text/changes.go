package text

import (
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

// changes tells in what the event's picture differs from the one shown.
func (p *page) changes(shown, e *incidentv1.Event) {
	p.heading("SINCE THE LAST NOTE")
	before, was := facts(shown)
	after, is := facts(e)
	quiet := true
	for _, key := range after {
		switch old, known := was[key]; {
		case !known:
			p.line("New: " + brief(key, is[key], p.now))
			quiet = false
		case quietly(key.kind, old) != quietly(key.kind, is[key]):
			p.line("Changed: " + brief(key, is[key], p.now) + "; it was: " + quietly(key.kind, old))
			quiet = false
		case cause(old) != cause(is[key]) && cause(is[key]) != "":
			p.line("Other cause: " + brief(key, is[key], p.now) + ": " + cause(is[key]))
			if cause(old) != "" {
				p.line("  Cause before: " + cause(old))
			}
			quiet = false
		}
	}
	for _, key := range before {
		if _, still := is[key]; !still {
			p.line("Over: " + brief(key, was[key], p.now))
			quiet = false
		}
	}
	if quiet {
		p.line("The particulars changed; what is wrong is the same.")
	}
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
	if kind == incidentv1.ConditionKind_CONDITION_KIND_STALE || kind == incidentv1.ConditionKind_CONDITION_KIND_NEVER {
		return kindName(kind)
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
