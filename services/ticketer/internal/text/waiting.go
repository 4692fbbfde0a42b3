package text

import (
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Bounds of what one line of a list of devices says, in UTF-16 units.
const (
	longestName    = 40
	longestTrouble = 60
)

// Trouble says in a few words what is wrong, gravest first.
func Trouble(e *incidentv1.Event) string { return clip(oneLine(issue(e)), longestTrouble) }

// Waiting is one line about a device that waits for its ticket: what it is called, whose it is, what is wrong, how urgent
// that is, since when, and its id in Cove.
func (w *Writer) Waiting(m *incidentv1.Member) string {
	line := clip(oneLine(m.GetDeviceName()), longestName)
	if customer := clip(oneLine(m.GetCustomerName()), longestName); customer != "" {
		line += " (" + customer + ")"
	}
	if trouble := clip(oneLine(m.GetTrouble()), longestTrouble); trouble != "" {
		line += ": " + trouble
	}
	if severity := severityName(m.GetSeverity()); severity != "" {
		line += ", " + severity
	}
	if m.GetSince() != nil {
		p := page{zone: w.zone}
		line += ", since " + p.stamp(m.GetSince().AsTime())
	}
	return line + ", Cove device " + m.GetDeviceId()
}
