package plan

import (
	"fmt"
	"strings"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// hindered returns why nothing can be written to the ticket now, or nil.
func hindered(l *ticketv1.Ledger, f Facts) Step {
	if stop := stopped(l, f); stop != nil {
		return stop
	}
	if held(l, f) {
		return Nothing{}
	}
	return nil
}

// stopped returns the step when nothing may be written to the ticket at all, or nil.
func stopped(l *ticketv1.Ledger, f Facts) Step {
	if stop := barred(l, f); stop != nil {
		return stop
	}
	return elsewhere(l, f)
}

// elsewhere returns the step when the create was begun at another server, or nil.
func elsewhere(l *ticketv1.Ledger, f Facts) Step {
	switch {
	case !differ(l.GetServer(), f.Server):
		return nil
	case held(l, f):
		return Nothing{}
	}
	what := "a ticket that may have been created"
	if l.GetTicketId() != 0 {
		what = fmt.Sprintf("ticket %d", l.GetTicketId())
	}
	return Park{
		ticketv1.ParkReason_PARK_REASON_REJECTED,
		fmt.Sprintf("%s belongs to %s; the tenant's settings now name %s. Set connectwise.url and connectwise.company back to have "+
			"it finished, or let a person finish it there", what, l.GetServer(), f.Server),
		f.Now.Add(rejectedWait),
	}
}

// differ reports whether two servers are known and not the same. Records made before servers were recorded count as
// of the present one.
func differ(recorded, present string) bool {
	return recorded != "" && present != "" && !strings.EqualFold(recorded, present)
}

// barred returns the step when nothing may be written at all, or nil.
func barred(l *ticketv1.Ledger, f Facts) Step {
	var reason ticketv1.ParkReason
	var detail string
	switch {
	case !f.Known:
		reason, detail = ticketv1.ParkReason_PARK_REASON_NO_TENANT, "the tenant has no settings; apply its document"
	case !f.Live:
		reason, detail = ticketv1.ParkReason_PARK_REASON_SHADOW, "the tenant is in shadow mode; set mode: live to have this done"
	default:
		return nil
	}
	// A wait that stands already was recorded for the present picture: Receive ends it when news come.
	if l.GetPark().GetReason() == reason {
		return Nothing{}
	}
	return Park{reason, detail, f.Now.Add(Far)}
}

// held reports whether the ledger waits for a time that has not come. Waits for a company, for live mode and for
// settings are not among them: whether they are over is seen from the facts.
func held(l *ticketv1.Ledger, f Facts) bool {
	p := l.GetPark()
	switch p.GetReason() {
	case ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, ticketv1.ParkReason_PARK_REASON_RATE_LIMITED,
		ticketv1.ParkReason_PARK_REASON_AUTH, ticketv1.ParkReason_PARK_REASON_OUTCOME, ticketv1.ParkReason_PARK_REASON_REJECTED,
		ticketv1.ParkReason_PARK_REASON_CAPPED, ticketv1.ParkReason_PARK_REASON_YIELDED:
		return !f.Woken && !Due(p, f.Patience, f.Now)
	default:
		return false
	}
}
