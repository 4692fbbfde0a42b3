// Package picture is what the console shows: rows projected from the buckets, joined, filtered, sorted and
// cut to pages. It is pure. The types with JSON names are the console's API as well as what the pages show;
// their names and the texts of their codes are stable.
package picture

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove/columns"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Rows is everything the console remembers, at one time. Rows are never changed once they are in here.
type Rows struct {
	TenantRows []*TenantRow
	Sweeps     []*SweepRow
	DeviceRows []*DeviceRow
	Links      []*LinkRow
	TicketRows []*TicketRow
}

// TenantRow is what is remembered of a tenant's settings.
type TenantRow struct {
	id        string
	mode      string
	documents []int64
}

// SweepRow is what is remembered of a tenant's lease.
type SweepRow struct {
	tenant       string
	last         *Sweep
	lastComplete *time.Time
	nextDue      *time.Time
}

// DeviceRow is what is remembered of a device.
type DeviceRow struct {
	tenant, id, name, computer, alias string
	class                             incidentv1.DeviceClass
	profile                           int64
	customerID, customer, site        string
	lastSuccess, observed             *time.Time
	excluded                          string
	gone, tracked                     bool
	open                              *openRow
}

type openRow struct {
	incident   string
	revision   uint32
	openedAt   *time.Time
	conditions []string
	gravity    incidentv1.ConditionKind
}

// LinkRow is what is remembered of a customer's company.
type LinkRow struct {
	tenant, customer string
	link             Link
}

// TicketRow is what is remembered of an incident's ledger.
type TicketRow struct {
	tenant, device, incident string
	ticket                   Ticket
}

// FromSettings projects a tenant's settings.
func FromSettings(s *tenantv1.Settings) *TenantRow {
	row := &TenantRow{id: s.GetId(), mode: "shadow", documents: s.GetPolicy().GetDocumentsProfiles()}
	if s.GetMode() == tenantv1.Mode_MODE_LIVE {
		row.mode = "live"
	}
	return row
}

// FromLease projects a tenant's lease, whose key is the tenant.
func FromLease(tenant string, l *statusv1.PollLease) *SweepRow {
	row := &SweepRow{tenant: tenant, lastComplete: when(l.GetLastCompleteAt()), nextDue: when(l.GetNextDue())}
	if last := l.GetLast(); last != nil {
		row.last = &Sweep{
			Number: last.GetSweep(), FinishedAt: when(last.GetFinishedAt()), ObservedAt: when(last.GetObservedAt()),
			Complete: last.GetComplete(), Failure: last.GetFailure(), Devices: last.GetDevices(), Requests: last.GetRequests(),
		}
	}
	return row
}

// FromState projects a device's state.
func FromState(s *incidentv1.DeviceState) *DeviceRow {
	snapshot := s.GetSnapshot()
	values := Values(snapshot)
	row := &DeviceRow{
		tenant: s.GetTenant(), id: s.GetDeviceId(), name: values["AN"], computer: values["MN"], alias: values["AL"],
		customerID: snapshot.GetCustomer().GetId(), customer: snapshot.GetCustomer().GetName(), site: snapshot.GetSite(),
		class: class(values), lastSuccess: lastSuccess(values), observed: when(snapshot.GetObservedAt()),
		excluded: s.GetExcluded(), gone: s.GetGone(), tracked: len(s.GetTracks()) > 0,
	}
	row.profile, _ = columns.Int(values["OI"])
	if open := s.GetOpen(); open != nil {
		row.open = &openRow{incident: open.GetIncidentId(), revision: open.GetRevision(), openedAt: when(open.GetOpenedAt())}
		for _, c := range open.GetConditions() {
			row.open.conditions = append(row.open.conditions, ConditionText(c))
			if row.open.gravity == 0 {
				row.open.gravity = c.GetKind()
			}
		}
	}
	return row
}

// FromLink projects a customer's link.
func FromLink(l *companyv1.Link) *LinkRow {
	row := &LinkRow{tenant: l.GetTenant(), customer: l.GetCustomer().GetId(), link: Link{
		State: linkStates[l.GetState()].code, StateLabel: linkStates[l.GetState()].label, Method: linkMethods[l.GetMethod()].label,
		CompanyID: l.GetCompany().GetId(), Company: l.GetCompany().GetName(), Reason: l.GetReason(), CheckedAt: when(l.GetCheckedAt()),
	}}
	for _, c := range l.GetCandidates() {
		row.link.Candidates = append(row.link.Candidates, Candidate{ID: c.GetCompany().GetId(), Name: c.GetCompany().GetName(), Reason: c.GetReason()})
	}
	return row
}

// FromLedger projects an incident's ledger.
func FromLedger(l *ticketv1.Ledger) *TicketRow {
	wanted := l.GetWanted()
	t := Ticket{
		Tenant: l.GetTenant(), IncidentID: l.GetIncidentId(), DeviceID: l.GetDeviceId(), DeviceName: subject(wanted, l.GetDeviceId()),
		Scope:      scopes[wanted.GetScope()],
		CustomerID: wanted.GetCustomer().GetId(), Customer: wanted.GetCustomer().GetName(), Site: wanted.GetSite(),
		Phase: phases[l.GetPhase()].code, PhaseLabel: phases[l.GetPhase()].label, TicketID: l.GetTicketId(), CompanyID: l.GetCompanyId(),
		Summary: summary(l), Revision: wanted.GetRevision(), ShownRevision: l.GetShown().GetRevision(), CreateAttempts: l.GetCreateAttempts(),
		OpenedAt: when(wanted.GetOpenedAt()), CreatedAt: when(l.GetCreatedAt()), ClosedAt: when(l.GetClosedAt()), UpdatedAt: when(l.GetUpdatedAt()),
	}
	if park := l.GetPark(); park != nil {
		words := parks[park.GetReason()]
		t.Waiting = &Waiting{
			Reason: words.code, Label: words.label, Detail: park.GetDetail(), Remedy: words.remedy,
			Since: when(park.GetSince()), Until: when(park.GetUntil()), Times: park.GetTimes(),
		}
	}
	return &TicketRow{tenant: l.GetTenant(), device: l.GetDeviceId(), incident: l.GetIncidentId(), ticket: t}
}

// summary is the ticket's as it was created; without a ticket it says in a line what is wrong, or was.
func summary(l *ticketv1.Ledger) string {
	if l.GetTicketId() != 0 && l.GetSummary() != "" {
		return l.GetSummary()
	}
	conditions := l.GetWanted().GetConditions()
	if len(conditions) == 0 {
		conditions = l.GetShown().GetConditions()
	}
	var texts []string
	for _, c := range conditions {
		texts = append(texts, ConditionText(c))
	}
	if resolution := l.GetWanted().GetResolution(); resolution != incidentv1.Resolution_RESOLUTION_UNSPECIFIED {
		texts = append(texts, resolutions[resolution])
	}
	return strings.Join(texts, "; ")
}

// ConditionText says a condition in a line: "Failed: System State, Files and Folders".
func ConditionText(c *incidentv1.Condition) string {
	text := conditions[c.GetKind()].label
	if text == "" {
		text = conditions[incidentv1.ConditionKind_CONDITION_KIND_UNSPECIFIED].label
	}
	var names []string
	for _, f := range c.GetFindings() {
		switch {
		case c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_NEVER, c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT:
		case c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_CORRELATED:
			names = append(names, f.GetSummary())
		case f.GetSourceName() != "":
			names = append(names, f.GetSourceName())
		case f.GetSourceCode() != "":
			names = append(names, f.GetSourceCode())
		}
	}
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	return text
}

// Values returns a snapshot's columns by canonical code, without those that hold credentials.
func Values(s *statusv1.Snapshot) map[string]string {
	values := make(map[string]string, len(s.GetColumns()))
	for _, c := range s.GetColumns() {
		if code := columns.Canonical(c.GetCode()); shown(code) {
			values[code] = c.GetValue()
		}
	}
	return values
}

// class follows the evaluator's rule, except for profiles that a tenant's policy calls Documents.
func class(values map[string]string) incidentv1.DeviceClass {
	switch strings.TrimSpace(values["AT"]) {
	case "2":
		return incidentv1.DeviceClass_DEVICE_CLASS_M365
	case "1":
	default:
		return incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED
	}
	kind, known := columns.Int(values["OT"])
	switch {
	case kind == 2, (!known || kind == 0) && strings.Contains(values["OS"], "Server"):
		return incidentv1.DeviceClass_DEVICE_CLASS_SERVER
	case values["PN"] == "Documents":
		return incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS
	default:
		return incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION
	}
}

func lastSuccess(values map[string]string) *time.Time {
	newest, found := columns.Time(values["TL"])
	for _, source := range columns.ParseSources(values["I78"]) {
		if at, ok := columns.Time(values[columns.FieldCode(source.Code, 9)]); ok && at.After(newest) {
			newest, found = at, true
		}
	}
	if !found {
		return nil
	}
	return &newest
}

// subject names what an incident is about: a device, or more than one.
func subject(e *incidentv1.Event, id string) string {
	switch e.GetScope() {
	case incidentv1.Scope_SCOPE_TENANT:
		return "All devices"
	case incidentv1.Scope_SCOPE_GROUP:
		return firstOf(e.GetCause().GetValue(), "Several devices")
	case incidentv1.Scope_SCOPE_UNSPECIFIED, incidentv1.Scope_SCOPE_DEVICE:
	}
	return deviceName(e.GetDevice(), id)
}

func deviceName(d *incidentv1.Device, id string) string {
	return firstOf(d.GetComputerName(), d.GetName(), d.GetAlias(), id)
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

// when gives a time in UTC and whole seconds, or nil.
func when(ts *timestamppb.Timestamp) *time.Time {
	if ts == nil || !ts.IsValid() {
		return nil
	}
	t := ts.AsTime().UTC().Truncate(time.Second)
	return &t
}
