package text

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// headline says who and where, then what: SRV-01 (server) of Bluefin Dental Group: Failed: Files and Folders.
func headline(e *incidentv1.Event) string {
	if scoped(e) {
		return subject(e) + " - " + issue(e)
	}
	who := Name(e.GetDevice()) + " (" + className(e.GetDevice().GetClass()) + ")"
	if customer := oneLine(e.GetCustomer().GetName()); customer != "" {
		who += " of " + customer
	}
	return who + " - " + issue(e)
}

// gravity tells how urgent the incident is, where policy says so, but for what is told in other lines.
func (p *page) gravity(e *incidentv1.Event, told ...string) {
	if severity := severityName(e.GetSeverity()); !slices.Contains(told, "Severity: "+severity) {
		p.labelled("Severity", severity)
	}
	const flapping = "The trouble comes and goes; the ticket stays open until it is calm."
	if e.GetFlapping() && !slices.Contains(told, flapping) {
		p.line(flapping)
	}
	if group := oneLine(e.GetGroupIncidentId()); group != "" {
		p.line("Part of the common trouble " + Badge(group) + ".")
	}
}

func severityName(s incidentv1.Severity) string {
	switch s {
	case incidentv1.Severity_SEVERITY_WARNING:
		return "warning"
	case incidentv1.Severity_SEVERITY_ALERT:
		return "alert"
	case incidentv1.Severity_SEVERITY_CRITICAL:
		return "critical"
	case incidentv1.Severity_SEVERITY_UNSPECIFIED:
	}
	return ""
}

func urgencyName(u incidentv1.Urgency) string {
	switch u {
	case incidentv1.Urgency_URGENCY_LOW:
		return "low"
	case incidentv1.Urgency_URGENCY_MEDIUM:
		return "medium"
	case incidentv1.Urgency_URGENCY_HIGH:
		return "high"
	case incidentv1.Urgency_URGENCY_CRITICAL:
		return "critical"
	case incidentv1.Urgency_URGENCY_UNSPECIFIED:
	}
	return ""
}

func className(c incidentv1.DeviceClass) string {
	switch c {
	case incidentv1.DeviceClass_DEVICE_CLASS_SERVER:
		return "server"
	case incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION:
		return "workstation"
	case incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:
		return "workstation, documents only"
	case incidentv1.DeviceClass_DEVICE_CLASS_M365:
		return "Microsoft 365"
	case incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED:
	}
	return "device"
}

// trouble is everything that is wrong with one data source, or with the device as a whole.
type trouble struct {
	name    string
	source  string
	phrases []string // gravest first
	since   time.Time
	good    *timestamppb.Timestamp
	quote   *incidentv1.Finding // the one that knows most of the cause
	session bool                // it is about what a session said
}

// troubles puts together what the event's conditions say of each data source, gravest first.
func (p *page) troubles(e *incidentv1.Event) []*trouble {
	p.contact = e.GetDevice().GetLastContactAt()
	var all []*trouble
	bySource := map[string]*trouble{}
	for _, c := range e.GetConditions() {
		findings := c.GetFindings()
		if len(findings) == 0 {
			findings = []*incidentv1.Finding{{SourceCode: deviceWideCode}}
		}
		for _, f := range findings {
			t := bySource[f.GetSourceCode()]
			if t == nil {
				t = &trouble{name: sourceName(f), source: f.GetSourceCode(), since: since(c, f), good: f.GetLastSuccessAt(), quote: f}
				if deviceWide(f) {
					t.name, t.good = "Device as a whole", e.GetDevice().GetLastSuccessAt()
				}
				bySource[t.source] = t
				all = append(all, t)
			}
			t.phrases = append(t.phrases, p.phrase(c.GetKind(), f))
			if first := since(c, f); first.Before(t.since) {
				t.since = first
			}
			t.session = t.session || c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_FAILED || c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_ERRORS
			if knowsMore(f, t.quote) {
				t.quote = f
			}
		}
	}
	return all
}

// phrase names one finding with its measure.
func (p *page) phrase(kind incidentv1.ConditionKind, f *incidentv1.Finding) string {
	what := words(kind, f, p.now)
	switch {
	case kind == incidentv1.ConditionKind_CONDITION_KIND_NEVER:
		return "never backed up"
	case kind == incidentv1.ConditionKind_CONDITION_KIND_SILENT:
		what = "no contact with Cove"
		if p.contact != nil {
			what += " for " + span(p.now.Sub(p.contact.AsTime()))
		}
	case kind == incidentv1.ConditionKind_CONDITION_KIND_CUSTOM:
		if rule := oneLine(f.GetRule()); rule != "" {
			what += " (by your own rule: " + shorten(rule) + ")"
		}
		return what
	case kind == incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE:
	case kind != incidentv1.ConditionKind_CONDITION_KIND_STALE:
		return what
	case f.GetLastSuccessAt() == nil:
		what = "no good backup yet"
	default:
		what = "no good backup for " + span(p.now.Sub(f.GetLastSuccessAt().AsTime()))
	}
	if limit := f.GetThresholdSeconds(); limit > 0 {
		what += " (the limit is " + span(time.Duration(limit)*time.Second) + ")"
	}
	return what
}

// since is when a finding was first seen; one of an older event tells only since when its condition holds.
func since(c *incidentv1.Condition, f *incidentv1.Finding) time.Time {
	if f.GetSince() != nil {
		return f.GetSince().AsTime()
	}
	return c.GetSince().AsTime()
}

// wrong tells what is wrong with each data source: since when, why, and what there is to fall back on.
func (p *page) wrong(e *incidentv1.Event) {
	p.heading("WHAT IS WRONG")
	for _, t := range p.troubles(e) {
		p.line(t.name + ": " + strings.Join(t.phrases, "; "))
		since := p.stamp(t.since)
		if p.now.Sub(t.since) >= time.Minute {
			since = p.when(t.since)
		}
		p.line("  Seen since: " + since)
		p.quote(t.quote)
		p.unquoted(t)
		p.session(t.quote)
		switch {
		case t.good != nil:
			p.line("  Last good backup: " + p.when(t.good.AsTime()))
		case e.GetDevice().GetCreatedAt() != nil:
			p.line("  Last good backup: never; the device was created on " + p.when(e.GetDevice().GetCreatedAt().AsTime()))
		default:
			p.line("  Last good backup: never")
		}
	}
}

// quote writes the errors behind a finding.
func (p *page) quote(f *incidentv1.Finding) {
	all := f.GetErrors()
	var told int64
	for i, err := range all[:min(len(all), mostErrors)] {
		label := "  Cause: "
		if i > 0 {
			label = "  Also: "
		}
		text := label + quoted(err)
		if at := err.GetOccurredAt(); at != nil && i == 0 {
			text += ", " + p.when(at.AsTime())
		}
		p.line(text)
		if item := oneLine(err.GetItem()); item != "" {
			p.line("    at " + shorten(item))
		}
		told += max(err.GetCount(), 1)
	}
	if more := f.GetErrorsTotal() - told; more > 0 && len(all) > 0 {
		p.line("  And " + counted(more, "more error", "more errors") + " in the same session")
	}
	if why := oneLine(f.GetErrorsUnavailable()); why != "" && len(all) == 0 {
		line := "  Cause: not known (" + shorten(why) + ")"
		if total := f.GetErrorsTotal(); total > 0 {
			line += "; Cove counts " + counted(total, "error", "errors")
		}
		p.line(line)
	}
}

func quoted(err *statusv1.SessionError) string {
	s := `"` + shorten(oneLine(err.GetText())) + `"`
	if err.GetCount() > 1 {
		s += fmt.Sprintf(" (%d times)", err.GetCount())
	}
	if code := oneLine(err.GetCode()); code != "" {
		s += ", error code " + shorten(code)
	}
	return s
}

func joined(by string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return oneLine(s) == "" }), by)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
