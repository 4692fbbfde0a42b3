package picture

import (
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// word is a stable code for programs and a label for people.
type word struct{ code, label string }

type parkWord struct{ code, label, remedy string }

// The states of a device, gravest first. They are an account: every device of a tenant is in exactly one.
const (
	StateTrouble  = "in_trouble"
	StatePending  = "pending"
	StateUnknown  = "unknown"
	StateExcluded = "excluded"
	StateHealthy  = "healthy"
	StateRemoved  = "removed"
)

// Choice is a value that a filter can have, with its label.
type Choice struct{ Code, Label string }

// States returns the states of devices, gravest first.
func States() []Choice {
	return []Choice{
		{StateTrouble, "In trouble"},
		{StatePending, "Pending"},
		{StateUnknown, "Unknown"},
		{StateExcluded, "Excluded"},
		{StateHealthy, "Healthy"},
		{StateRemoved, "Removed"},
	}
}

// Phases returns the phases of tickets, in the order in which they come.
func Phases() []Choice {
	var all []Choice
	for p := ticketv1.Phase_PHASE_NEW; p <= ticketv1.Phase_PHASE_DROPPED; p++ {
		all = append(all, Choice{phases[p].code, phases[p].label})
	}
	return all
}

func label(choices []Choice, code string) string {
	for _, c := range choices {
		if c.Code == code {
			return c.Label
		}
	}
	return code
}

var classes = map[incidentv1.DeviceClass]word{
	incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED: {"unknown", "Unknown type"},
	incidentv1.DeviceClass_DEVICE_CLASS_SERVER:      {"server", "Server"},
	incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION: {"workstation", "Workstation"},
	incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:   {"documents", "Documents"},
	incidentv1.DeviceClass_DEVICE_CLASS_M365:        {"m365", "Microsoft 365"},
}

var conditions = map[incidentv1.ConditionKind]word{
	incidentv1.ConditionKind_CONDITION_KIND_UNSPECIFIED: {"unknown", "Other trouble"},
	incidentv1.ConditionKind_CONDITION_KIND_FAILED:      {"failed", "Failed"},
	incidentv1.ConditionKind_CONDITION_KIND_NEVER:       {"never", "Never backed up"},
	incidentv1.ConditionKind_CONDITION_KIND_STALE:       {"stale", "Stale"},
	incidentv1.ConditionKind_CONDITION_KIND_ERRORS:      {"errors", "Errors"},

	incidentv1.ConditionKind_CONDITION_KIND_SILENT:        {"silent", "No contact"},
	incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE: {"no_error_free", "No backup without errors"},
	incidentv1.ConditionKind_CONDITION_KIND_CUSTOM:        {"custom", "Own condition"},
	incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT:     {"not_swept", "Not checked"},
	incidentv1.ConditionKind_CONDITION_KIND_CORRELATED:    {"correlated", "Common trouble"},
}

var resolutions = map[incidentv1.Resolution]string{
	incidentv1.Resolution_RESOLUTION_RECOVERED: "recovered",
	incidentv1.Resolution_RESOLUTION_REMOVED:   "device removed from Cove",
	incidentv1.Resolution_RESOLUTION_EXCLUDED:  "device excluded by policy",
}

var phases = map[ticketv1.Phase]word{
	ticketv1.Phase_PHASE_UNSPECIFIED: {"unknown", "Unknown"},
	ticketv1.Phase_PHASE_NEW:         {"new", "No ticket yet"},
	ticketv1.Phase_PHASE_CREATING:    {"creating", "Creating"},
	ticketv1.Phase_PHASE_OPEN:        {"open", "Open"},
	ticketv1.Phase_PHASE_CLOSING:     {"closing", "Closing"},
	ticketv1.Phase_PHASE_CLOSED:      {"closed", "Closed"},
	ticketv1.Phase_PHASE_HANDED_OVER: {"handed_over", "Taken over by a person"},
	ticketv1.Phase_PHASE_DROPPED:     {"dropped", "Ended without a ticket"},
	ticketv1.Phase_PHASE_REOPENING:   {"reopening", "Opening again"},
}

var linkStates = map[companyv1.LinkState]word{
	companyv1.LinkState_LINK_STATE_UNSPECIFIED: {"unknown", "Not known yet"},
	companyv1.LinkState_LINK_STATE_LINKED:      {"linked", "Linked"},
	companyv1.LinkState_LINK_STATE_PROPOSED:    {"proposed", "Proposed"},
	companyv1.LinkState_LINK_STATE_AMBIGUOUS:   {"ambiguous", "Ambiguous"},
	companyv1.LinkState_LINK_STATE_MISSING:     {"missing", "No company found"},
	companyv1.LinkState_LINK_STATE_BROKEN:      {"broken", "Broken"},
	companyv1.LinkState_LINK_STATE_RENAMED:     {"renamed", "Linked, renamed since"},
	companyv1.LinkState_LINK_STATE_EXCLUDED:    {"excluded", "Excluded by a person"},
	companyv1.LinkState_LINK_STATE_CREATING:    {"creating", "Being created"},
}

var linkMethods = map[companyv1.LinkMethod]word{
	companyv1.LinkMethod_LINK_METHOD_REFERENCE:  {"reference", "by the customer's reference"},
	companyv1.LinkMethod_LINK_METHOD_EXACT_NAME: {"exact_name", "by its exact name"},
	companyv1.LinkMethod_LINK_METHOD_CATCH_ALL:  {"catch_all", "as the catch-all company"},
	companyv1.LinkMethod_LINK_METHOD_OWN:        {"own", "as the MSP's own company"},
	companyv1.LinkMethod_LINK_METHOD_NAME_ID:    {"name_id", "by the id in the customer's name"},

	companyv1.LinkMethod_LINK_METHOD_NORMALISED_NAME: {"normalised_name", "by its name, spelling evened out"},
	companyv1.LinkMethod_LINK_METHOD_IDENTIFIER:      {"identifier", "by its identifier"},
	companyv1.LinkMethod_LINK_METHOD_REFERENCE_NAME:  {"reference_name", "by the name in the customer's reference"},
	companyv1.LinkMethod_LINK_METHOD_ORDERED:         {"ordered", "by a person"},
	companyv1.LinkMethod_LINK_METHOD_CREATED:         {"created", "created by Covewise"},
	companyv1.LinkMethod_LINK_METHOD_MERGED:          {"merged", "after a merge"},
}

// scopes are what an incident is about; one of before there were others is about a device.
var scopes = map[incidentv1.Scope]string{
	incidentv1.Scope_SCOPE_UNSPECIFIED: "device", incidentv1.Scope_SCOPE_DEVICE: "device", incidentv1.Scope_SCOPE_GROUP: "group",
	incidentv1.Scope_SCOPE_TENANT: "tenant",
}

var parks = map[ticketv1.ParkReason]parkWord{
	ticketv1.ParkReason_PARK_REASON_UNSPECIFIED: {"unknown", "Waits", "Look at the detail."},
	ticketv1.ParkReason_PARK_REASON_COMPANY: {
		"company", "No company",
		"Link it with covewise companies link, or put CWM:<company id> into the customer's reference in Cove, or give one active company in ConnectWise the customer's exact name.",
	},
	ticketv1.ParkReason_PARK_REASON_RESPECTED: {
		"respected", "Closed by a person",
		"A person closed the ticket while the device fails. Covewise comes back to it after tickets.respectFor.",
	},
	ticketv1.ParkReason_PARK_REASON_CAPPED: {
		"capped", "Hourly cap reached",
		"The roll-up ticket stands for it until it gets its own, when the hour is over. tickets.hourlyCap sets the cap.",
	},
	ticketv1.ParkReason_PARK_REASON_GROUP: {
		"group", "Waits for its group's ticket",
		"It is attached as soon as the group's ticket is there; nothing to do.",
	},
	ticketv1.ParkReason_PARK_REASON_YIELDED: {
		"yielded", "Waits for its turn",
		"ConnectWise is asked no faster than connectwise.requestsPerMinute allows; nothing to do.",
	},
	ticketv1.ParkReason_PARK_REASON_SHADOW: {
		"shadow", "Shadow mode",
		"Nothing is wrong. Set mode: live in the tenant's document when tickets are to be written.",
	},
	ticketv1.ParkReason_PARK_REASON_UNAVAILABLE: {
		"unavailable", "ConnectWise does not answer",
		"Tried again by itself. If it lasts, check connectwise.url and whether the server can be reached from here.",
	},
	ticketv1.ParkReason_PARK_REASON_RATE_LIMITED: {
		"rate_limited", "ConnectWise asked for patience",
		"Tried again by itself after the time that the server asked for.",
	},
	ticketv1.ParkReason_PARK_REASON_AUTH: {
		"auth", "Credentials or rights",
		"Check the API keys, the client id and the API member's security role in ConnectWise; then it goes on by itself.",
	},
	ticketv1.ParkReason_PARK_REASON_OUTCOME: {
		"outcome", "Looking for the ticket",
		"The answer to a create was lost. The ticket is searched for before another is created; nothing to do.",
	},
	ticketv1.ParkReason_PARK_REASON_REJECTED: {
		"rejected", "Refused by ConnectWise",
		"Mend the setting that the detail names, mostly a board, status or priority under tickets in the tenant's document.",
	},
	ticketv1.ParkReason_PARK_REASON_NO_TENANT: {
		"no_tenant", "Tenant without settings",
		"Add the tenant's document again, or leave it: nothing is written for a tenant without settings.",
	},
}
