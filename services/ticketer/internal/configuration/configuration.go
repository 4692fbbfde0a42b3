// Package configuration decides which configuration of a company stands for a device. It is pure; reading them is the
// desk's.
package configuration

import (
	"fmt"
	"slices"
	"strings"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Candidate is an active configuration of the ticket's company.
type Candidate struct {
	ID               int
	Name             string
	DeviceIdentifier string
}

// Identifiers are what deviceIdentifier may hold of a device: its id, alone or behind the vendor's name.
func Identifiers(e *incidentv1.Event) []string {
	return []string{e.GetDeviceId(), "cove-" + e.GetDeviceId(), "cove:" + e.GetDeviceId()}
}

// Names are what a configuration of the device may be called: its computer's name, else Cove's name for it.
func Names(e *incidentv1.Event) []string {
	for _, name := range []string{e.GetDevice().GetComputerName(), e.GetDevice().GetName()} {
		if name = strings.TrimSpace(name); name != "" {
			return []string{name}
		}
	}
	return nil
}

// Choose returns the configuration of a device: the one with its id, else the one with its name. Case is ignored. Two
// are never settled by which comes first: none is chosen then, and remark says so.
func Choose(e *incidentv1.Event, all []Candidate) (chosen Candidate, found bool, remark string) {
	byID := matching(all, Identifiers(e), func(c Candidate) string { return c.DeviceIdentifier })
	byName := matching(all, Names(e), func(c Candidate) string { return c.Name })
	for _, found := range [][]Candidate{byID, byName} {
		switch len(found) {
		case 0:
		case 1:
			return found[0], true, ""
		default:
			return Candidate{}, false, ambiguous(found)
		}
	}
	return Candidate{}, false, ""
}

func matching(all []Candidate, wanted []string, of func(Candidate) string) []Candidate {
	var found []Candidate
	for _, c := range all {
		if slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, strings.TrimSpace(of(c))) }) {
			found = append(found, c)
		}
	}
	return found
}

func ambiguous(found []Candidate) string {
	const most = 5
	names := make([]string, 0, most+1)
	for _, c := range found[:min(len(found), most)] {
		names = append(names, fmt.Sprintf("%q (%d)", c.Name, c.ID))
	}
	if more := len(found) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("No configuration is attached: %d of the company's match the device: %s.", len(found), strings.Join(names, ", "))
}
