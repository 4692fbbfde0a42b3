package once

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/tenant"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Result is what became of one tenant's sweep.
type Result struct {
	Tenant                     string
	Complete                   bool
	Reason                     string // why it is not complete
	Devices, InTrouble         int
	Created, Annotated, Closed int // tickets in this run
	Adopted                    int // tickets that were there and serve an incident since this run
	Waiting                    []Wait
	Remarks                    []Wait // on tickets made in this run: otherwise than the settings say
}

// Wait is a number of incidents that wait for the same thing, or that have the same remark.
type Wait struct {
	Reason    string
	Incidents int
}

// String returns the result as one line, and one more for each thing that incidents wait for.
func (r Result) String() string {
	var b strings.Builder
	verdict := "complete"
	if !r.Complete {
		verdict = "incomplete (" + r.Reason + ")"
	}
	adopted := ""
	if r.Adopted > 0 {
		adopted = fmt.Sprintf("%d adopted, ", r.Adopted)
	}
	fmt.Fprintf(&b, "%s: %s; %d devices, %d in trouble; tickets: %d created, %s%d annotated, %d closed",
		r.Tenant, verdict, r.Devices, r.InTrouble, r.Created, adopted, r.Annotated, r.Closed)
	total := 0
	for _, w := range r.Waiting {
		total += w.Incidents
	}
	if total > 0 {
		fmt.Fprintf(&b, "; %d waiting:", total)
	}
	for _, w := range r.Waiting {
		fmt.Fprintf(&b, "\n  %d: %s", w.Incidents, w.Reason)
	}
	for _, w := range r.Remarks {
		fmt.Fprintf(&b, "\n  made otherwise than the settings say, %d: %s", w.Incidents, w.Reason)
	}
	return b.String()
}

// account compares what was on record before and after a tenant's sweep.
func account(done *statusv1.SweepCompleted, before, after state, unfinished string) Result {
	r := Result{Tenant: done.GetTenant(), Complete: done.GetComplete() && unfinished == "", Devices: int(done.GetDevices())}
	switch {
	case !done.GetComplete():
		r.Reason = done.GetFailure()
	case unfinished != "":
		r.Reason = unfinished
	}
	known := 0
	for _, d := range after.devices {
		if d.GetTenant() != r.Tenant || d.GetGone() {
			continue
		}
		known++
		if d.GetOpen() != nil || len(d.GetTracks()) > 0 { // held back by a group, or on its way in
			r.InTrouble++
		}
	}
	if !done.GetComplete() {
		r.Devices = known // an incomplete sweep has counted none
	}
	waiting, remarks := map[string]int{}, map[string]int{}
	for key, l := range after.ledgers {
		if l.GetTenant() != r.Tenant {
			continue
		}
		old := before.ledgers[key]
		if l.GetTicketId() != old.GetTicketId() {
			for _, remark := range l.GetRemarks() {
				remarks[remark]++
			}
		}
		switch {
		case l.GetTicketId() != 0 && old.GetTicketId() == 0 && l.GetTakenUp():
			r.Adopted++
		case l.GetTicketId() != 0 && old.GetTicketId() == 0:
			r.Created++
		case l.GetPhase() == ticketv1.Phase_PHASE_OPEN && l.GetShown().GetRevision() > old.GetShown().GetRevision():
			r.Annotated++
		}
		if l.GetPhase() == ticketv1.Phase_PHASE_CLOSED && old.GetPhase() != ticketv1.Phase_PHASE_CLOSED {
			r.Closed++
		}
		if l.GetPark() != nil {
			waiting[after.why(l)]++
		}
		if r.Complete && after.failing(l) {
			r.Complete, r.Reason = false, after.why(l)
		}
	}
	r.Waiting, r.Remarks = byNumber(waiting), byNumber(remarks)
	return r
}

// byNumber orders what incidents have in common, the most frequent first.
func byNumber(count map[string]int) []Wait {
	var all []Wait
	for _, reason := range slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) }) {
		all = append(all, Wait{reason, count[reason]})
	}
	return all
}

// failing reports whether an incident waits because ConnectWise or the settings for it fail, not for a person's
// decision: then the tenant's sweep has not had its effects.
func (s state) failing(l *ticketv1.Ledger) bool {
	switch l.GetPark().GetReason() {
	case ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, ticketv1.ParkReason_PARK_REASON_RATE_LIMITED, ticketv1.ParkReason_PARK_REASON_AUTH,
		ticketv1.ParkReason_PARK_REASON_OUTCOME, ticketv1.ParkReason_PARK_REASON_REJECTED:
		return true
	case ticketv1.ParkReason_PARK_REASON_COMPANY:
		// That the MSP's own company is not known is a fault of the settings, of which nobody hears otherwise.
		return s.unasked(l) || ours(l) && s.link(l) != nil && s.link(l).GetState() != companyv1.LinkState_LINK_STATE_LINKED
	case ticketv1.ParkReason_PARK_REASON_UNSPECIFIED, ticketv1.ParkReason_PARK_REASON_SHADOW, ticketv1.ParkReason_PARK_REASON_NO_TENANT:
	}
	return false
}

// why says what a parked incident waits for.
func (s state) why(l *ticketv1.Ledger) string {
	detail := l.GetPark().GetDetail()
	if l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_COMPANY {
		// The park may be older than the answer.
		link := s.link(l)
		switch {
		case link.GetReason() == "":
		case link.GetState() == companyv1.LinkState_LINK_STATE_UNSPECIFIED:
			detail = link.GetReason()
		case ours(l):
			detail = link.GetReason() + "; write the identifier of your own company in ConnectWise into companies.own"
		default:
			detail = fmt.Sprintf("customer %q has no ConnectWise company: %s; link one with covewise companies link, or name one by CWM:<id> in the "+
				"customer's reference in Cove", link.GetCustomer().GetName(), link.GetReason())
		}
	}
	if detail == "" {
		detail = strings.ToLower(strings.TrimPrefix(l.GetPark().GetReason().String(), "PARK_REASON_"))
	}
	return detail
}

// unasked reports whether nobody could be asked for the company of an incident's customer: companysync records an answer
// without a state then.
func (s state) unasked(l *ticketv1.Ledger) bool {
	return s.link(l) != nil && s.link(l).GetState() == companyv1.LinkState_LINK_STATE_UNSPECIFIED
}

// ours reports whether an incident concerns no single customer.
func ours(l *ticketv1.Ledger) bool { return l.GetWanted().GetCustomer().GetId() == tenant.OwnCustomer }

func (s state) link(l *ticketv1.Ledger) *companyv1.Link {
	return s.links[bus.Key(l.GetTenant(), l.GetWanted().GetCustomer().GetId())]
}

// busy names an incident that has something to do soon; empty when none has.
func (s state) busy() string {
	for _, key := range slices.Sorted(maps.Keys(s.ledgers)) {
		l := s.ledgers[key]
		if what := s.toDo(l); what != "" {
			return fmt.Sprintf("incident %s of %s: %s", l.GetIncidentId(), l.GetTenant(), what)
		}
	}
	return s.rollUps()
}

// rollUps names a tenant whose roll-up is about to be made, because incidents wait for the next hour, or to be closed.
func (s state) rollUps() string {
	capped, open := map[string]bool{}, map[string]bool{}
	for _, l := range s.ledgers {
		switch {
		case l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_CAPPED:
			capped[l.GetTenant()] = true
		case l.GetDeviceId() == rollUp && l.GetWanted().GetKind() != incidentv1.EventKind_EVENT_KIND_RESOLVED:
			open[l.GetTenant()] = true
		}
	}
	for tenant := range s.settings {
		if capped[tenant] != open[tenant] {
			return "the roll-up ticket of " + tenant + " is not up to date yet"
		}
	}
	return ""
}

// rollUp is the device id of the incidents that stand for those beyond the hourly cap.
const rollUp = "rollup"

// toDo says what is to be done about an incident now or very soon, without a person.
func (s state) toDo(l *ticketv1.Ledger) string {
	park := l.GetPark()
	if park == nil {
		switch l.GetPhase() {
		case ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_HANDED_OVER, ticketv1.Phase_PHASE_DROPPED:
			return ""
		case ticketv1.Phase_PHASE_OPEN:
			if l.GetShown().GetRevision() >= l.GetWanted().GetRevision() {
				return ""
			}
		case ticketv1.Phase_PHASE_UNSPECIFIED, ticketv1.Phase_PHASE_NEW, ticketv1.Phase_PHASE_CREATING, ticketv1.Phase_PHASE_CLOSING:
		}
		return "its ticket is being written"
	}
	settings := s.settings[l.GetTenant()]
	switch park.GetReason() {
	case ticketv1.ParkReason_PARK_REASON_OUTCOME, ticketv1.ParkReason_PARK_REASON_RATE_LIMITED, ticketv1.ParkReason_PARK_REASON_YIELDED:
		return park.GetDetail()
	case ticketv1.ParkReason_PARK_REASON_SHADOW:
		if settings.GetMode() == tenantv1.Mode_MODE_LIVE {
			return "the tenant has gone live"
		}
		return ""
	case ticketv1.ParkReason_PARK_REASON_NO_TENANT:
		if settings != nil {
			return "the tenant has settings now"
		}
		return ""
	case ticketv1.ParkReason_PARK_REASON_COMPANY:
		if s.link(l).GetState() == companyv1.LinkState_LINK_STATE_LINKED {
			return "its customer has a company now"
		}
		// A start asks anew what nobody could be asked for before it.
		if s.unasked(l) && settings != nil && l.GetUpdatedAt().AsTime().Before(s.began) {
			return "what failed before is tried again"
		}
	case ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, ticketv1.ParkReason_PARK_REASON_AUTH, ticketv1.ParkReason_PARK_REASON_REJECTED:
		// The ticketer looks again at its start at what failed before it: people may have mended it meanwhile.
		if settings != nil && l.GetUpdatedAt().AsTime().Before(s.began) {
			return "what failed before is tried again"
		}
	case ticketv1.ParkReason_PARK_REASON_UNSPECIFIED:
	}
	if settings != nil && !s.now.Before(park.GetUntil().AsTime()) {
		return "its wait is over"
	}
	return ""
}
