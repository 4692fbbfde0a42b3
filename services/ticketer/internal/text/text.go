// Package text writes what people read in tickets: the summary, the description, notes about changes and the
// resolution. It is pure: the same event in the same zone gives the same text, whenever it is written.
//
// It does not decide what is wrong (the evaluator did) and not where a text goes (the caller does). Texts are
// plain, because ConnectWise shows HTML as it is, and set without columns, because it shows them in a
// proportional font. The link to the vendor's console appears in internal texts only: customers must not get it.
package text

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Limits of the texts.
const (
	longestSummary = 100    // UTF-16 units, as ConnectWise counts; it refuses more
	longestText    = 30_000 // characters; ConnectWise documents no limit, so this is ours
	mostErrors     = 5      // distinct errors quoted for each data source
	longestError   = 400    // characters of one error
)

// Marker is the last line of every description and note of an incident's revision. It is how a note is found
// again when it is not known whether it was stored.
func Marker(incident string, revision uint32) string {
	return fmt.Sprintf("Covewise %s r%d", incident, revision)
}

// HasMarker reports whether one of a text's lines is the marker.
func HasMarker(text, marker string) bool {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == marker {
			return true
		}
	}
	return false
}

func description(p *page, e *incidentv1.Event) {
	p.line(headline(e))
	p.gravity(e)
	if scoped(e) {
		p.whole(e)
		return
	}
	p.wrong(e)
	p.device(e)
	p.sources(e, true)
}

// change is the note about a picture that differs from the one that the ticket shows.
func change(p *page, shown, e *incidentv1.Event) {
	told := changes(shown, e, p.now)
	p.line("Changed: " + headline(e))
	p.gravity(e, told...)
	p.heading("SINCE THE LAST NOTE")
	for _, line := range told {
		p.line(line)
	}
	if scoped(e) {
		p.whole(e)
		return
	}
	p.wrong(e)
	p.sources(e, false)
	p.console(e)
}

// resolution is the note that ends an incident whose ticket shows the given picture.
func resolution(p *page, shown, e *incidentv1.Event) {
	if scoped(e) {
		p.wholeResolved(e)
		p.lasted(e)
		return
	}
	name := Name(e.GetDevice())
	switch e.GetResolution() {
	case incidentv1.Resolution_RESOLUTION_REMOVED:
		p.line("Resolved: " + name + " is no longer in Cove. Nothing was repaired: the device was removed while it was in trouble.")
	case incidentv1.Resolution_RESOLUTION_EXCLUDED:
		p.line("Resolved: the policy does not watch " + name + " any more. Nothing was repaired: the device was in trouble when it was taken out.")
	case incidentv1.Resolution_RESOLUTION_RECOVERED, incidentv1.Resolution_RESOLUTION_UNSPECIFIED:
		p.line("Resolved: the backup of " + name + " works again.")
	}
	p.labelled("Reason", e.GetReason())
	p.lasted(e)
	p.endings(shown, e)
	p.sources(e, false)
	p.console(e)
}

// lasted says for how long the incident was open.
func (p *page) lasted(e *incidentv1.Event) {
	if opened := e.GetOpenedAt(); opened != nil {
		p.line(fmt.Sprintf("Covewise saw the trouble for %s, from %s to %s.", span(p.now.Sub(opened.AsTime())), p.stamp(opened.AsTime()), p.stamp(p.now)))
	}
}

// Name is what a technician calls the device: its computer's name, else the vendor's name for it, else its alias.
func Name(d *incidentv1.Device) string {
	for _, name := range []string{d.GetComputerName(), d.GetName(), d.GetAlias()} {
		if name = oneLine(name); name != "" {
			return name
		}
	}
	return "unnamed device"
}

// Badge is the mark in front of every summary, by which people and older tickets are matched with an incident. It is
// never cut. It is not that of the PowerShell script ("COVE … #<device id> -"), which would take our tickets for its own
// and close them while it still runs.
func Badge(incident string) string { return "[CW-" + incident + "]" }

// summary is the ticket's title: [CW-<incident>] Cove SVR|WKS|DOC|365|GRP|ALL <name> - <issue>. What is too long is cut
// in the name first, then in the issue.
func summary(e *incidentv1.Event) string {
	const shortestName = 15
	name, issue := subject(e), issue(e)
	head, dash := Badge(e.GetIncidentId())+" Cove "+mark(e), " - "
	if e.GetScope() == incidentv1.Scope_SCOPE_GROUP { // the cause says more than whose devices they are
		name = ""
	} else {
		head += " "
	}
	room := longestSummary - units(head) - units(dash)
	name = clip(name, max(room-units(issue), min(shortestName, units(name))))
	return head + name + dash + clip(issue, room-units(name))
}

func label(c incidentv1.DeviceClass) string {
	switch c {
	case incidentv1.DeviceClass_DEVICE_CLASS_SERVER:
		return "SVR"
	case incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:
		return "DOC"
	case incidentv1.DeviceClass_DEVICE_CLASS_M365:
		return "365"
	case incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION, incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED:
	}
	return "WKS"
}

// issue says in a few words what is wrong, gravest first. A data source is named once, for the gravest that is
// wrong with it; the rest is in the description.
func issue(e *incidentv1.Event) string {
	named := map[string]bool{}
	var phrases []string
	for _, c := range e.GetConditions() {
		for _, g := range grouped(c, e.GetOccurredAt().AsTime()) {
			var sources []string
			said := len(g.findings) > 0
			for _, f := range g.findings {
				source := sourceName(f)
				said = said && named[source] && !deviceWide(f)
				if !deviceWide(f) && !named[source] {
					named[source] = true
					sources = append(sources, source)
				}
			}
			if said {
				continue
			}
			phrase := g.what
			if len(sources) > 0 {
				phrase += ": " + strings.Join(sources, ", ")
			}
			phrases = append(phrases, phrase)
		}
	}
	switch {
	case len(phrases) > 0:
		return strings.Join(phrases, "; ")
	case e.GetKind() == incidentv1.EventKind_EVENT_KIND_RESOLVED:
		return "Resolved"
	default:
		return "In trouble"
	}
}

// group is what several findings of a condition have in common.
type group struct {
	what     string
	findings []*incidentv1.Finding
}

// grouped puts findings with the same words together, in order.
func grouped(c *incidentv1.Condition, now time.Time) []group {
	if c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_NEVER {
		return []group{{what: "Never backed up"}}
	}
	var all []group
	for _, f := range c.GetFindings() {
		what := words(c.GetKind(), f, now)
		if n := len(all); n > 0 && all[n-1].what == what {
			all[n-1].findings = append(all[n-1].findings, f)
			continue
		}
		all = append(all, group{what, []*incidentv1.Finding{f}})
	}
	if len(all) == 0 {
		return []group{{what: kindName(c.GetKind())}}
	}
	return all
}

// words names one finding in the summary, with its age when it is stale.
func words(kind incidentv1.ConditionKind, f *incidentv1.Finding, now time.Time) string {
	if kind == incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT {
		return notSwept(f, now)
	}
	if kind == incidentv1.ConditionKind_CONDITION_KIND_STALE {
		if f.GetLastSuccessAt() == nil {
			return "No good backup yet"
		}
		return "Stale " + roughly(now.Sub(f.GetLastSuccessAt().AsTime()))
	}
	if s := oneLine(f.GetSummary()); s != "" {
		return s
	}
	return kindName(kind)
}

func kindName(kind incidentv1.ConditionKind) string {
	switch kind {
	case incidentv1.ConditionKind_CONDITION_KIND_FAILED:
		return "Failed"
	case incidentv1.ConditionKind_CONDITION_KIND_NEVER:
		return "Never backed up"
	case incidentv1.ConditionKind_CONDITION_KIND_STALE:
		return "Stale"
	case incidentv1.ConditionKind_CONDITION_KIND_ERRORS:
		return "Errors"
	case incidentv1.ConditionKind_CONDITION_KIND_SILENT:
		return "No contact"
	case incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE:
		return "No backup without errors"
	case incidentv1.ConditionKind_CONDITION_KIND_CUSTOM:
		return "Own condition"
	case incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT:
		return "Not checked"
	case incidentv1.ConditionKind_CONDITION_KIND_CORRELATED:
		return "Common trouble"
	case incidentv1.ConditionKind_CONDITION_KIND_UNSPECIFIED:
	}
	return "In trouble"
}

// deviceWideCode stands for the device as a whole, not for a data source.
const deviceWideCode = "D09"

func deviceWide(f *incidentv1.Finding) bool { return f.GetSourceCode() == deviceWideCode }

func sourceName(f *incidentv1.Finding) string {
	if name := oneLine(f.GetSourceName()); name != "" {
		return name
	}
	return "data source " + f.GetSourceCode()
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// clip shortens a text to so many UTF-16 units, at a rune, and shows by "…" that it did.
func clip(s string, most int) string {
	if units(s) <= most {
		return s
	}
	if most < 1 {
		return ""
	}
	kept, length := 0, 0
	for i, r := range s {
		size := utf16.RuneLen(r)
		if length+size > most-1 {
			break
		}
		length += size
		kept = i + len(string(r))
	}
	return strings.TrimSpace(s[:kept]) + "…"
}
