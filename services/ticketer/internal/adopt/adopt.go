// Package adopt recognises open tickets that stand for a device although no ledger knows them: those of the
// PowerShell script that Covewise takes over from, in both formats of their summaries, and those that Covewise made
// before its records were lost. It is pure; it neither lists nor changes tickets.
package adopt

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
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

// The script's summaries: "COVE SVR NAME #1234567 - Failed" and, before, "Cove: [Server] NAME (ID: 1234567) - Alert - …". The
// script found them by the number wherever it stands, so that technicians could write words before them, and they still
// count then; behind other words the label must follow, because many tickets speak of Cove.
var (
	scripted = regexp.MustCompile(`(?is)(?:^\s*cove\b|\bcove\s+(?:365|svr|doc|wks)\b)(.*)`)
	legacy   = regexp.MustCompile(`(?is)(?:^\s*cove:|\bcove:\s*\[[^\]]*\])(.*)`)
	// The number has a dash behind it, so that #12 is none of device 123, nor of a person's "see #12".
	scriptedID = regexp.MustCompile(`#(\d{1,18})\s+-`)
	legacyID   = regexp.MustCompile(`(?i)\(ID:\s*(\d{1,18})\)`)
	// A ticket that mail about one made is its sender's.
	mailed = regexp.MustCompile(`(?i)^\s*(?:re|fwd?|aw|wg|sv|tr)\s*:`)
	// No words stand before the script's own.
	unedited = regexp.MustCompile(`(?i)^\s*cove\b`)
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

// Number returns which of its incident's tickets a reference of ours is of, from 1.
func Number(reference string) uint32 {
	if parts := strings.Split(reference, ":"); len(parts) == 5 {
		if n, err := strconv.ParseUint(parts[4], 10, 16); err == nil && n > 0 {
			return uint32(n)
		}
	}
	return 1
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

// Match returns the tickets that stand for devices of a tenant, by device and then as Compare orders them. known says which
// devices there are (nil: nobody knows), for summaries of the script with several numbers: names and people's words hold such,
// too.
func Match(tenant string, tickets []*ticketv1.Observed, known func(device string) bool) []*ticketv1.Candidate {
	var all []*ticketv1.Candidate
	for _, t := range tickets {
		if t.GetClosed() || t.GetDeleted() || t.GetMergedInto() != 0 {
			continue
		}
		device, by := standsFor(tenant, t, known)
		if device == "" {
			continue
		}
		all = append(all, &ticketv1.Candidate{
			DeviceId: device, TicketId: t.GetTicketId(), Summary: t.GetSummary(), Reference: t.GetReference(), By: by,
		})
	}
	slices.SortFunc(all, func(a, b *ticketv1.Candidate) int {
		return cmp.Or(cmp.Compare(a.GetDeviceId(), b.GetDeviceId()), Compare(a, b))
	})
	return all
}

// Compare orders the tickets of one device: the newest first, but those of the script with words before them last. A person
// may have copied the summary, and where the script's own ticket is there, too, that is the one.
func Compare(a, b *ticketv1.Candidate) int {
	return cmp.Or(cmp.Compare(edited(a), edited(b)), cmp.Compare(b.GetTicketId(), a.GetTicketId()))
}

func edited(c *ticketv1.Candidate) int {
	if c.GetBy() != ByScript && c.GetBy() != ByLegacyScript || unedited.MatchString(c.GetSummary()) {
		return 0
	}
	return 1
}

func standsFor(tenant string, t *ticketv1.Observed, known func(device string) bool) (device, by string) {
	summary := t.GetSummary()
	if strings.HasPrefix(t.GetReference(), "covewise:") {
		// A group's, the tenant's or a roll-up's is taken over by an incident of the same kind only: their ids are no numbers.
		device, _, _ = Incident(t.GetReference(), tenant)
		return device, ByReference
	}
	if mailed.MatchString(summary) {
		return "", ""
	}
	if m := badged.FindStringSubmatch(summary); m != nil {
		return m[1], ByBadge
	}
	// A legacy summary may quote what looks like the present format, and not the other way round.
	if device := numbered(summary, legacy, legacyID, known); device != "" {
		return device, ByLegacyScript
	}
	return numbered(summary, scripted, scriptedID, known), ByScript
}

// numbered returns the device of a summary of the script: the first number behind the label that a device has, or else the first.
func numbered(summary string, label, id *regexp.Regexp, known func(device string) bool) string {
	behind := label.FindStringSubmatch(summary)
	if behind == nil {
		return ""
	}
	numbers := id.FindAllStringSubmatch(behind[1], -1)
	if len(numbers) == 0 {
		return ""
	}
	for _, n := range numbers {
		if known != nil && known(n[1]) {
			return n[1]
		}
	}
	return numbers[0][1]
}
