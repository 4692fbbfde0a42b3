package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func instant(t *timestamppb.Timestamp) string {
	if t == nil {
		return "an unknown time"
	}
	return t.AsTime().UTC().Format("2006-01-02 15:04 UTC")
}

func phaseCode(p ticketv1.Phase) string {
	return strings.ToLower(strings.TrimPrefix(p.String(), "PHASE_"))
}

func phaseWords(p ticketv1.Phase) string {
	switch p {
	case ticketv1.Phase_PHASE_NEW:
		return "no ticket yet"
	case ticketv1.Phase_PHASE_CREATING:
		return "being created"
	case ticketv1.Phase_PHASE_OPEN:
		return "open"
	case ticketv1.Phase_PHASE_CLOSING:
		return "being closed"
	case ticketv1.Phase_PHASE_CLOSED:
		return "closed"
	case ticketv1.Phase_PHASE_HANDED_OVER:
		return "taken over by a person"
	case ticketv1.Phase_PHASE_DROPPED:
		return "over without a ticket"
	case ticketv1.Phase_PHASE_REOPENING:
		return "being opened again"
	case ticketv1.Phase_PHASE_UNSPECIFIED:
	}
	return "unknown"
}

func parkCode(r ticketv1.ParkReason) string {
	return strings.ToLower(strings.TrimPrefix(r.String(), "PARK_REASON_"))
}

func parkWords(r ticketv1.ParkReason) string {
	switch r {
	case ticketv1.ParkReason_PARK_REASON_COMPANY:
		return "the customer's company"
	case ticketv1.ParkReason_PARK_REASON_SHADOW:
		return "live mode"
	case ticketv1.ParkReason_PARK_REASON_UNAVAILABLE:
		return "ConnectWise to answer"
	case ticketv1.ParkReason_PARK_REASON_RATE_LIMITED:
		return "the end of the pause that ConnectWise asked for"
	case ticketv1.ParkReason_PARK_REASON_AUTH:
		return "credentials or rights"
	case ticketv1.ParkReason_PARK_REASON_OUTCOME:
		return "the trace of a request whose answer was lost"
	case ticketv1.ParkReason_PARK_REASON_REJECTED:
		return "a person, because ConnectWise refused"
	case ticketv1.ParkReason_PARK_REASON_NO_TENANT:
		return "the tenant's settings"
	case ticketv1.ParkReason_PARK_REASON_RESPECTED:
		return "the end of the time that a person's closing is respected"
	case ticketv1.ParkReason_PARK_REASON_CAPPED:
		return "the next hour, by the cap on tickets"
	case ticketv1.ParkReason_PARK_REASON_GROUP:
		return "the ticket of its group"
	case ticketv1.ParkReason_PARK_REASON_YIELDED:
		return "its turn"
	case ticketv1.ParkReason_PARK_REASON_UNSPECIFIED:
	}
	return "an unknown thing"
}

// waitsFor says what an incident waits for, with the particulars; empty when it does not.
func waitsFor(p *ticketv1.Park) string {
	switch {
	case p == nil:
		return ""
	case p.GetDetail() == "":
		return parkWords(p.GetReason())
	default:
		return parkWords(p.GetReason()) + ": " + p.GetDetail()
	}
}

// waitTold reads the reason of an event that tells of a wait, "<code>: <detail>", and gives the code its words.
func waitTold(reason string) string {
	code, detail, _ := strings.Cut(reason, ": ")
	if r, known := ticketv1.ParkReason_value["PARK_REASON_"+strings.ToUpper(code)]; known {
		return waitsFor(&ticketv1.Park{Reason: ticketv1.ParkReason(r), Detail: detail})
	}
	return reason
}

func actionWords(a ticketv1.Action) string {
	switch a {
	case ticketv1.Action_ACTION_CREATED:
		return "ticket created"
	case ticketv1.Action_ACTION_ANNOTATED:
		return "note added"
	case ticketv1.Action_ACTION_CLOSED:
		return "ticket closed"
	case ticketv1.Action_ACTION_REOPENED:
		return "ticket opened again"
	case ticketv1.Action_ACTION_ADOPTED:
		return "ticket of others taken over"
	case ticketv1.Action_ACTION_OBSERVED:
		return "seen in ConnectWise"
	case ticketv1.Action_ACTION_PARKED:
		return "waits for"
	case ticketv1.Action_ACTION_DROPPED:
		return "over without a ticket"
	case ticketv1.Action_ACTION_PLANNED:
		return "only planned, in shadow mode"
	case ticketv1.Action_ACTION_ATTACHED:
		return "attached to its group's ticket"
	case ticketv1.Action_ACTION_RESUMED:
		return "ConnectWise can be used again"
	case ticketv1.Action_ACTION_REMARKED:
		return "remark on the ticket as it was made"
	case ticketv1.Action_ACTION_MOVED:
		return "moved to the customer's own company"
	case ticketv1.Action_ACTION_UNSPECIFIED:
	}
	return "unknown"
}

func resolutionWords(r incidentv1.Resolution) string {
	switch r {
	case incidentv1.Resolution_RESOLUTION_RECOVERED:
		return "well again"
	case incidentv1.Resolution_RESOLUTION_REMOVED:
		return "the device is no longer in Cove"
	case incidentv1.Resolution_RESOLUTION_EXCLUDED:
		return "policy excludes the device"
	case incidentv1.Resolution_RESOLUTION_UNSPECIFIED:
	}
	return "for an unknown reason"
}

// endTold gives the reason of an event that ends an incident its words where it is a resolution's code.
func endTold(reason string) string {
	if r, known := incidentv1.Resolution_value["RESOLUTION_"+strings.ToUpper(reason)]; known {
		return resolutionWords(incidentv1.Resolution(r))
	}
	return reason
}

func conditionWords(k incidentv1.ConditionKind) string {
	switch k {
	case incidentv1.ConditionKind_CONDITION_KIND_FAILED:
		return "failed"
	case incidentv1.ConditionKind_CONDITION_KIND_NEVER:
		return "never backed up"
	case incidentv1.ConditionKind_CONDITION_KIND_STALE:
		return "last good backup too old"
	case incidentv1.ConditionKind_CONDITION_KIND_ERRORS:
		return "completed with errors"
	case incidentv1.ConditionKind_CONDITION_KIND_SILENT:
		return "no contact"
	case incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE:
		return "no backup without errors"
	case incidentv1.ConditionKind_CONDITION_KIND_CUSTOM:
		return "a condition of the tenant's own"
	case incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT:
		return "not checked completely"
	case incidentv1.ConditionKind_CONDITION_KIND_CORRELATED:
		return "many devices with one cause"
	case incidentv1.ConditionKind_CONDITION_KIND_UNSPECIFIED:
	}
	return "unknown trouble"
}

// trouble says what is wrong in a picture of an incident, gravest first; empty when nothing is.
func trouble(e *incidentv1.Event) string {
	var all []string
	for _, c := range e.GetConditions() {
		var where []string
		for _, f := range c.GetFindings() {
			if f.GetSourceName() == "" {
				continue
			}
			one := f.GetSourceName() + " " + f.GetSourceCode()
			if f.GetSummary() != "" {
				one += ": " + f.GetSummary()
			}
			where = append(where, one)
		}
		text := conditionWords(c.GetKind())
		if len(where) > 0 {
			text += " (" + strings.Join(where, ", ") + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// aboutWhat names what an incident is about: a device by the name that its ticket has, or more than one.
func aboutWhat(l *ticketv1.Ledger) string {
	e := l.GetWanted()
	switch e.GetScope() {
	case incidentv1.Scope_SCOPE_TENANT:
		if e.GetMembersTotal() > 0 {
			return fmt.Sprintf("%d devices held back by the cap", e.GetMembersTotal())
		}
		return "all devices"
	case incidentv1.Scope_SCOPE_GROUP:
		return fmt.Sprintf("%d devices with one cause: %s", e.GetMembersTotal(), cmp.Or(e.GetCause().GetValue(), e.GetCause().GetText()))
	case incidentv1.Scope_SCOPE_DEVICE, incidentv1.Scope_SCOPE_UNSPECIFIED:
	}
	d := e.GetDevice()
	return cmp.Or(d.GetComputerName(), d.GetName(), d.GetAlias(), l.GetDeviceId())
}

// statusWords is the ticket's status as it was seen last.
func statusWords(l *ticketv1.Ledger) string {
	if l.GetObserved().GetDeleted() {
		return "deleted"
	}
	return l.GetObserved().GetStatus()
}

// ticketLink is where a person opens the ticket; empty while there is none or its server is not known. ConnectWise's
// web client opens a ticket under this address on cloud and on-premises servers alike [observed].
func ticketLink(l *ticketv1.Ledger) string {
	at := strings.LastIndex(l.GetServer(), "@")
	if l.GetTicketId() == 0 || at < 0 {
		return ""
	}
	return fmt.Sprintf("https://%s/v4_6_release/services/system_io/Service/fv_sr100_request.rails?service_recid=%d&companyName=%s",
		l.GetServer()[at+1:], l.GetTicketId(), url.QueryEscape(l.GetServer()[:at]))
}

// counted tells how many of something there are: "1 incident", "2 incidents".
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
