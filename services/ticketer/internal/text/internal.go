package text

import (
	"strings"
	"time"
	"unicode/utf8"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// longestNotes is how much of the notes about a device, in characters, is told.
const longestNotes = 2_000

// references tell what the customer and, where it differs, the device's own partner are called elsewhere.
func (p *page) references(e *incidentv1.Event) {
	customers, own := oneLine(e.GetCustomer().GetReference()), oneLine(e.GetDevice().GetReference())
	p.labelled("Customer's reference in Cove", shorten(customers))
	if own != customers {
		p.labelled("Reference of the device's owner in Cove", shorten(own))
	}
}

// rules tells by which values of the policy the device was judged.
func (p *page) rules(e *incidentv1.Event) {
	var told []string
	for _, c := range e.GetConditions() {
		for _, f := range c.GetFindings() {
			if rule := oneLine(f.GetRule()); rule != "" {
				told = append(told, sourceOrDevice(f)+", "+kindName(c.GetKind())+": "+shorten(rule))
			}
		}
	}
	told = append(told, limits(e.GetDevice())...)
	if len(told) == 0 {
		return
	}
	p.heading("RULES THAT APPLIED")
	for _, line := range told {
		p.line(line)
	}
}

func sourceOrDevice(f *incidentv1.Finding) string {
	if deviceWide(f) {
		return "Device as a whole"
	}
	return sourceName(f)
}

// limits tells the ages from which data sources are stale, one line for each age.
func limits(d *incidentv1.Device) []string {
	var ages []int64
	names := map[int64][]string{}
	for _, s := range d.GetSources() {
		age := s.GetStaleAfterSeconds()
		if age <= 0 {
			continue
		}
		if names[age] == nil {
			ages = append(ages, age)
		}
		names[age] = append(names[age], orElse(oneLine(s.GetName()), "data source "+s.GetCode()))
	}
	var lines []string
	for _, age := range ages {
		lines = append(lines, "Stale without a good backup for "+span(time.Duration(age)*time.Second)+": "+strings.Join(names[age], ", "))
	}
	return lines
}

// notes quotes what the MSP notes about the device in Cove. It may hold secrets: internal texts only.
func (p *page) notes(e *incidentv1.Event) {
	all := e.GetDevice().GetNotes()
	if oneLine(all) == "" {
		return
	}
	p.heading("NOTES ABOUT THE DEVICE IN COVE")
	if utf8.RuneCountInString(all) > longestNotes {
		all = string([]rune(all)[:longestNotes]) + "…"
	}
	for line := range strings.Lines(strings.ReplaceAll(all, "\r", "\n")) {
		// The bar keeps a line that looks like a marker from being taken for one.
		if line = oneLine(line); line != "" {
			p.line("| " + line)
		}
	}
}
