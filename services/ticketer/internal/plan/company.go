package plan

import (
	"fmt"
	"time"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// LinkIt is what a person can do for a customer without a company.
const LinkIt = "link one with covewise companies link, or name one by CWM:<id> in the customer's reference in Cove"

// OwnCustomer is the id of the customer that stands for the MSP itself, as package tenant of platform has it, which this one
// does not link.
const OwnCustomer = "own"

// NameOurs is what a person can do where incidents that concern no single customer have no company.
const NameOurs = "write the identifier of your own company in ConnectWise into companies.own"

// Homeless says why an incident of a customer has no company, and what a person can do about it. reason is company-sync's.
func Homeless(customer *statusv1.Customer, reason string) string {
	reason = orElse(reason, "no reason was given")
	if customer.GetId() == OwnCustomer {
		return reason + "; " + NameOurs
	}
	return fmt.Sprintf("customer %q has no ConnectWise company: %s; %s", customer.GetName(), reason, LinkIt)
}

// create is the way to a create, which leads through the customer's company.
func create(l *ticketv1.Ledger, f Facts) Step {
	customer := l.GetWanted().GetCustomer()
	link := f.Link
	if differ(link.GetServer(), f.Server) {
		link = nil
	}
	stale := !f.Now.Before(link.GetCheckedAt().AsTime().Add(StaleAnswer))
	linked := link.GetState() == companyv1.LinkState_LINK_STATE_LINKED && link.GetCompany().GetId() > 0
	// The catch-all company stands in only as long as nothing better is found.
	standIn := link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL
	switch {
	case customer.GetId() == "":
		return Park{ticketv1.ParkReason_PARK_REASON_COMPANY, "the device belongs to no customer; assign it to one in Cove", f.Now.Add(StaleAnswer)}
	case linked && !(standIn && stale) && !outdated(link, l.GetWanted()):
		return capped(l, f, BeginCreate{Company: link.GetCompany().GetId()})
	case link == nil || stale || outdated(link, l.GetWanted()):
		return AskCompany{Until: f.Now.Add(growing(l, ticketv1.ParkReason_PARK_REASON_COMPANY, time.Minute, StaleAnswer))}
	default:
		return Park{
			ticketv1.ParkReason_PARK_REASON_COMPANY, Homeless(customer, link.GetReason()), link.GetCheckedAt().AsTime().Add(StaleAnswer),
		}
	}
}

// capped returns the create, or its turn, if the hour's cap allows it.
func capped(l *ticketv1.Ledger, f Facts, begin BeginCreate) Step {
	switch {
	case !f.Handling.Capped || !OfDevice(l) || f.Quota.Granted:
		return inTurn(l, f, begin)
	case !f.Quota.Asked:
		return AskQuota{}
	default:
		return Park{
			ticketv1.ParkReason_PARK_REASON_CAPPED,
			"this hour has had as many tickets as tickets.hourlyCap allows; until the device gets its own, the roll-up ticket stands for it", f.Quota.Until,
		}
	}
}

// inTurn lets a create give way to others of its tenant when enough of them wait already: while it waited in its partition
// with them, other tenants' incidents would wait behind it. What concerns more than one device never gives way.
func inTurn(l *ticketv1.Ledger, f Facts, begin BeginCreate) Step {
	if !f.Crowded || !OfDevice(l) || l.GetPhase() == ticketv1.Phase_PHASE_CREATING || wornOut(l) {
		return begin
	}
	return Yield{}
}

// outdated reports whether the incident knows the customer by another reference than the link does, and knows it
// later. An incident with an older picture does not bring an older reference back.
func outdated(link *companyv1.Link, wanted *incidentv1.Event) bool {
	return link.GetCustomer().GetReference() != wanted.GetCustomer().GetReference() &&
		(link.GetObservedAt() == nil || wanted.GetOccurredAt().AsTime().After(link.GetObservedAt().AsTime())) &&
		wanted.GetOccurredAt() != nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
