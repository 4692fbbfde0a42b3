// Package adopt recognises open tickets that stand for a device although no ledger knows them: those of the
// PowerShell script that Covewise takes over from, in both formats of their summaries, and those that Covewise made
// before its records were lost. It is pure; it neither lists nor changes tickets.
package adopt

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// How a ticket is known to stand for a device.
const (
	ByReference    = "reference"
	ByBadge        = "badge"
	ByScript       = "script"
	ByLegacyScript = "legacy script"
)

// The script's summaries: "COVE SVR NAME #1234567 - Failed" and, before, "Cove: [Server] NAME (ID: 1234567) - Alert - …".
// A name may hold what looks like a marker, so the last one counts.
var (
	scripted = regexp.MustCompile(`(?i)^cove\b.*#(\d{1,18})\s+-`)
	legacy   = regexp.MustCompile(`(?i)^cove:.*\(ID:\s*(\d{1,18})\)`)
	// Our own summaries begin with the incident, whatever a tenant's template writes behind it and people write before it, for
	// tickets whose reference was emptied or changed.
	badged = regexp.MustCompile(`\[CW-(\d{1,18})-\d+\]`)
)

// Prefix is how the references of one installation's tickets for a tenant begin.
func Prefix(installation, tenant string) string {
	return "covewise:" + installation + ":" + tenant + ":"
}

// Incident returns the device and the incident that a reference of ours names, of whichever installation, and false
// for a reference of others or of another tenant.
func Incident(reference, tenant string) (device, incident string, ours bool) {
	parts := strings.Split(reference, ":")
	if len(parts) < 4 || parts[0] != "covewise" || parts[2] != tenant {
		return "", "", false
	}
	incident = parts[3] // a further part counts the tickets of one incident
	i := strings.LastIndex(incident, "-")
	if i <= 0 {
		return "", "", false
	}
	return incident[:i], incident, true
}

// Stranger returns the installation that a reference for a tenant names when that is another than ours: one whose record was
// lost, or one that runs beside this one. Empty: none.
func Stranger(reference, installation, tenant string) string {
	if _, _, ours := Incident(reference, tenant); !ours {
		return ""
	}
	other := strings.Split(reference, ":")[1]
	if other == installation {
		return ""
	}
	return other
}

// Match returns the tickets that stand for devices of a tenant, by device and then newest first.
func Match(tenant string, tickets []*ticketv1.Observed) []*ticketv1.Candidate {
	var all []*ticketv1.Candidate
	for _, t := range tickets {
		if t.GetClosed() || t.GetDeleted() || t.GetMergedInto() != 0 {
			continue
		}
		device, by := standsFor(tenant, t)
		if device == "" {
			continue
		}
		all = append(all, &ticketv1.Candidate{
			DeviceId: device, TicketId: t.GetTicketId(), Summary: t.GetSummary(), Reference: t.GetReference(), By: by,
		})
	}
	slices.SortFunc(all, func(a, b *ticketv1.Candidate) int {
		return cmp.Or(cmp.Compare(a.GetDeviceId(), b.GetDeviceId()), cmp.Compare(b.GetTicketId(), a.GetTicketId()))
	})
	return all
}

func standsFor(tenant string, t *ticketv1.Observed) (device, by string) {
	if strings.HasPrefix(t.GetReference(), "covewise:") {
		// A group's, the tenant's or a roll-up's is taken over by an incident of the same kind only: their ids are no numbers.
		device, _, _ = Incident(t.GetReference(), tenant)
		return device, ByReference
	}
	if m := badged.FindStringSubmatch(t.GetSummary()); m != nil {
		return m[1], ByBadge
	}
	if m := scripted.FindStringSubmatch(t.GetSummary()); m != nil {
		return m[1], ByScript
	}
	if m := legacy.FindStringSubmatch(t.GetSummary()); m != nil {
		return m[1], ByLegacyScript
	}
	return "", ""
}
