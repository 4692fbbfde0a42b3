package picture

import (
	"fmt"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/cove/columns"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Detail is everything about one device.
type Detail struct {
	Device     Device
	ConsoleURL string // the vendor's page; empty when not known
	Facts      []Fact
	Conditions []Condition
	Sources    []Source
	Errors     []SourceErrors // of sources without a finding of their own
	Tickets    []Ticket
	Link       *Link
	Reference  string // the customer's own reference
	Columns    []Column
	Sweep      uint64
}

// Fact is a value with its name; one of Text and At is set.
type Fact struct {
	Name, Text string
	At         *time.Time
}

// Condition is one thing that is wrong.
type Condition struct {
	Kind, Label string
	Since       *time.Time
	Findings    []Finding
}

// Finding is the evidence on one data source.
type Finding struct {
	Source, Summary, Limit string
	LastSuccess            *time.Time
	Errors                 []Error
	ErrorsTotal            int64
	Unavailable            string
	Evidence               []Column
}

// Error is one distinct error of a session.
type Error struct {
	Text, Item string
	Count      int64
	At         *time.Time
}

// SourceErrors are the errors that Cove gave for one data source.
type SourceErrors struct {
	Source, Session, Unavailable string
	StartedAt                    *time.Time
	Errors                       []Error
	Total                        int64
}

// Source is the present state of a configured data source.
type Source struct {
	Code, Name, Status, Tone string
	Errors                   int64
	LastSuccess              *time.Time
	LastCompleted            *time.Time
	Selected                 string
	Duration                 string
}

// Column is a raw value with its meaning.
type Column struct {
	Code, Name, Value string
}

// DetailOf decodes a device's state. What the rows know (list row, tickets, company) is given.
func DetailOf(s *incidentv1.DeviceState, d Device, tickets []Ticket, link *Link) Detail {
	values := Values(s.GetSnapshot())
	detail := Detail{
		Device: d, ConsoleURL: s.GetOpen().GetDevice().GetConsoleUrl(), Facts: facts(s, values), Sources: sourcesOf(values),
		Tickets: tickets, Link: link, Reference: s.GetSnapshot().GetCustomer().GetReference(), Sweep: s.GetSnapshot().GetSweep(),
	}
	explained := map[string]bool{}
	for _, c := range s.GetOpen().GetConditions() {
		condition := Condition{Kind: conditions[c.GetKind()].code, Label: conditions[c.GetKind()].label, Since: when(c.GetSince())}
		for _, f := range c.GetFindings() {
			condition.Findings = append(condition.Findings, finding(f))
			explained[f.GetSourceCode()] = explained[f.GetSourceCode()] || len(f.GetErrors()) > 0 || f.GetErrorsUnavailable() != ""
		}
		detail.Conditions = append(detail.Conditions, condition)
	}
	for _, e := range s.GetSnapshot().GetSourceErrors() {
		if !explained[e.GetSourceCode()] {
			detail.Errors = append(detail.Errors, sourceErrors(e))
		}
	}
	for _, c := range s.GetSnapshot().GetColumns() {
		if shown(c.GetCode()) {
			detail.Columns = append(detail.Columns, named(c))
		}
	}
	return detail
}

func finding(f *incidentv1.Finding) Finding {
	out := Finding{
		Source: firstOf(f.GetSourceName(), f.GetSourceCode()), Summary: f.GetSummary(), LastSuccess: when(f.GetLastSuccessAt()),
		Errors: sessionErrors(f.GetErrors()), ErrorsTotal: f.GetErrorsTotal(), Unavailable: f.GetErrorsUnavailable(),
	}
	if f.GetThresholdSeconds() > 0 {
		out.Limit = Span(time.Duration(f.GetThresholdSeconds()) * time.Second)
	}
	for _, c := range f.GetEvidence() {
		if shown(c.GetCode()) {
			out.Evidence = append(out.Evidence, named(c))
		}
	}
	return out
}

func sourceErrors(e *statusv1.SourceErrors) SourceErrors {
	source, _ := columns.SourceOf(e.GetSourceCode())
	return SourceErrors{
		Source: source.Name, Session: e.GetSessionStatus(), Unavailable: e.GetUnavailable(), StartedAt: when(e.GetSessionStartedAt()),
		Errors: sessionErrors(e.GetErrors()), Total: e.GetErrorsTotal(),
	}
}

func sessionErrors(all []*statusv1.SessionError) []Error {
	var out []Error
	for _, e := range all {
		out = append(out, Error{Text: e.GetText(), Item: e.GetItem(), Count: e.GetCount(), At: when(e.GetOccurredAt())})
	}
	return out
}

// shown reports whether a page may show a column. The MSP's notes may hold secrets, and the page has no sign-in.
func shown(code string) bool {
	code = columns.Canonical(code)
	return !columns.IsSecret(code) && code != columns.Notes
}

func named(c *statusv1.Column) Column {
	code := columns.Canonical(c.GetCode())
	known, _ := columns.Lookup(code)
	return Column{Code: code, Name: known.Name, Value: c.GetValue()}
}

func facts(s *incidentv1.DeviceState, values map[string]string) []Fact {
	var all []Fact
	text := func(name, value string) {
		if strings.TrimSpace(value) != "" {
			all = append(all, Fact{Name: name, Text: value})
		}
	}
	at := func(name, code string) {
		if t, ok := columns.Time(values[code]); ok {
			all = append(all, Fact{Name: name, At: &t})
		}
	}
	text("Device name", values["AN"])
	text("Computer name", values["MN"])
	text("Alias", values["AL"])
	text("Operating system", values["OS"])
	text("Hardware", strings.TrimSpace(values["MF"]+" "+values["MO"]))
	text("Physicality", values["I81"])
	text("Internal addresses", values["IP"])
	text("External address", values["EI"])
	text("Profile", values["OP"])
	text("Product", values["PN"])
	text("Storage location", values["LN"])
	text("Client version", values["VN"])
	at("Created", "CD")
	at("Last contact", "TS")
	if first := when(s.GetFirstSeenAt()); first != nil {
		all = append(all, Fact{Name: "First seen by Covewise", At: first})
	}
	return all
}

func sourcesOf(values map[string]string) []Source {
	var all []Source
	for _, source := range columns.ParseSources(values["I78"]) {
		field := func(n int) string { return values[columns.FieldCode(source.Code, n)] }
		row := Source{Code: source.Code, Name: source.Name, Status: "Unknown", Tone: StateUnknown}
		if last, ok := columns.ParseStatus(field(0)); ok {
			row.Status, row.Tone = spaced(last.Name), tone(last)
			running := last.Code == columns.StatusInProcess || last.Code == columns.StatusInProgressWithFaults
			if finished, ok := columns.ParseStatus(field(17)); ok && running {
				row.Status, row.Tone = spaced(finished.Name)+" → "+spaced(last.Name), tone(finished)
			}
		}
		row.Errors, _ = columns.Int(field(6))
		row.LastSuccess, row.LastCompleted = timeOf(field(9)), timeOf(field(18))
		if bytes, ok := columns.Int(field(3)); ok && bytes > 0 {
			row.Selected = size(bytes)
		}
		if seconds, ok := columns.Int(field(12)); ok && seconds > 0 && seconds < 1<<31 {
			row.Duration = Span(time.Duration(seconds) * time.Second)
		}
		all = append(all, row)
	}
	return all
}

// tone is the state whose colour goes with a session's status.
func tone(s columns.Status) string {
	switch s.Code {
	case columns.StatusCompleted:
		return StateHealthy
	case columns.StatusFailed, columns.StatusAborted, columns.StatusInterrupted, columns.StatusOverQuota, columns.StatusNoSelection, columns.StatusBlocked:
		return StateTrouble
	case columns.StatusCompletedWithErrors:
		return StatePending
	default:
		return StateUnknown
	}
}

// spaced turns the vendor's "CompletedWithErrors" into "Completed with errors".
func spaced(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func timeOf(value string) *time.Time {
	if t, ok := columns.Time(value); ok {
		return &t
	}
	return nil
}

func size(bytes int64) string {
	const step = 1024 // as Cove's console and the tickets count
	value, unit := float64(bytes), 0
	units := []string{"B", "KB", "MB", "GB", "TB", "PB", "EB"}
	for value >= step && unit < len(units)-1 {
		value /= step
		unit++
	}
	if unit == 0 || value >= 100 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// Span says a length of time in its two largest units: "3 d 4 h", "12 min", "45 s".
func Span(d time.Duration) string {
	d = d.Round(time.Second)
	days, hours, minutes, seconds := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, d/time.Second%60
	switch {
	case days >= 10, days > 0 && hours == 0:
		return fmt.Sprintf("%d d", days)
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d s", seconds)
	}
}
