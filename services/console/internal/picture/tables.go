package picture

import "time"

// Sweep is the account of a tenant's last sweep.
type Sweep struct {
	Number     uint64     `json:"number"`
	ObservedAt *time.Time `json:"observed_at"`
	FinishedAt *time.Time `json:"finished_at"`
	Complete   bool       `json:"complete"`
	Failure    string     `json:"failure"` // why it is not complete; empty when it is
	Devices    uint32     `json:"devices"`
	Requests   uint32     `json:"requests"`
}

// Tenant is a row of the overview. The states of Devices sum up to the devices that the tenant has now.
type Tenant struct {
	ID             string         `json:"id"`
	Mode           string         `json:"mode"` // live, shadow, or removed when there are no settings any more
	LastSweep      *Sweep         `json:"last_sweep"`
	LastCompleteAt *time.Time     `json:"last_complete_at"`
	NextSweepAt    *time.Time     `json:"next_sweep_at"`
	Devices        Account        `json:"devices"`
	OpenIncidents  int            `json:"open_incidents"`
	OpenTickets    int            `json:"open_tickets"`
	Waiting        []WaitingGroup `json:"waiting"`
}

// Account counts a tenant's devices by state.
type Account struct {
	Total    int `json:"total"`
	Trouble  int `json:"in_trouble"`
	Pending  int `json:"pending"`
	Unknown  int `json:"unknown"`
	Excluded int `json:"excluded"`
	Healthy  int `json:"healthy"`
}

// WaitingGroup counts incidents that wait for the same thing.
type WaitingGroup struct {
	Reason string `json:"reason"`
	Label  string `json:"label"`
	Remedy string `json:"remedy"`
	Count  int    `json:"count"`
}

// Device is a row of the device list.
type Device struct {
	Tenant        string     `json:"tenant"`
	ID            string     `json:"id"`
	Name          string     `json:"name"`        // for people: computer name, else device name, else alias, else id
	DeviceName    string     `json:"device_name"` // the vendor's name
	Class         string     `json:"class"`       // server, workstation, documents, m365, unknown
	ClassLabel    string     `json:"class_label"`
	CustomerID    string     `json:"customer_id"`
	Customer      string     `json:"customer"`
	Site          string     `json:"site"`
	State         string     `json:"state"` // in_trouble, pending, unknown, excluded, healthy, removed
	StateLabel    string     `json:"state_label"`
	StateReason   string     `json:"state_reason"` // why it is pending, unknown, excluded or removed
	Conditions    []string   `json:"conditions"`
	IncidentID    string     `json:"incident_id"`
	OpenedAt      *time.Time `json:"opened_at"`
	LastSuccessAt *time.Time `json:"last_success_at"`
	ObservedAt    *time.Time `json:"observed_at"` // when its last change was seen
}

// Incident is an open incident.
type Incident struct {
	Tenant      string     `json:"tenant"`
	ID          string     `json:"id"`
	DeviceID    string     `json:"device_id"`
	DeviceName  string     `json:"device_name"`
	Class       string     `json:"class"`
	ClassLabel  string     `json:"class_label"`
	CustomerID  string     `json:"customer_id"`
	Customer    string     `json:"customer"`
	Site        string     `json:"site"`
	Conditions  []string   `json:"conditions"`
	OpenedAt    *time.Time `json:"opened_at"`
	Revision    uint32     `json:"revision"`
	TicketID    int64      `json:"ticket_id"`    // 0: none
	TicketPhase string     `json:"ticket_phase"` // empty when the ticketer has not seen the incident
	PhaseLabel  string     `json:"ticket_phase_label"`
	Waiting     *Waiting   `json:"waiting"`
}

// Waiting says what an incident's ticket waits for.
type Waiting struct {
	Reason string     `json:"reason"`
	Label  string     `json:"label"`
	Detail string     `json:"detail"`
	Remedy string     `json:"remedy"`
	Since  *time.Time `json:"since"`
	Until  *time.Time `json:"until"`
	Times  uint32     `json:"times"`
}

// Ticket is the ledger of an incident.
type Ticket struct {
	Tenant         string     `json:"tenant"`
	IncidentID     string     `json:"incident_id"`
	DeviceID       string     `json:"device_id"`
	DeviceName     string     `json:"device_name"`
	Scope          string     `json:"scope"` // device, group, tenant: what the incident is about
	CustomerID     string     `json:"customer_id"`
	Customer       string     `json:"customer"`
	Site           string     `json:"site"`
	Phase          string     `json:"phase"` // new, creating, open, closing, closed, handed_over, dropped
	PhaseLabel     string     `json:"phase_label"`
	TicketID       int64      `json:"ticket_id"`  // 0: none
	CompanyID      int64      `json:"company_id"` // 0: none
	Summary        string     `json:"summary"`
	Revision       uint32     `json:"revision"`       // newest revision of the incident
	ShownRevision  uint32     `json:"shown_revision"` // revision that the ticket shows; 0: none
	CreateAttempts uint32     `json:"create_attempts"`
	OpenedAt       *time.Time `json:"opened_at"`
	CreatedAt      *time.Time `json:"created_at"`
	ClosedAt       *time.Time `json:"closed_at"`
	UpdatedAt      *time.Time `json:"updated_at"`
	Waiting        *Waiting   `json:"waiting"`
}

// Link is a customer's company as company-sync knows it.
type Link struct {
	State      string
	StateLabel string
	Method     string
	CompanyID  int64
	Company    string
	Reason     string
	Candidates []Candidate
	CheckedAt  *time.Time
}

// Candidate is a company that a person may have meant.
type Candidate struct {
	ID           int64
	Name, Reason string
}

// Page is a part of a list.
type Page[T any] struct {
	Items  []T `json:"items"`
	Total  int `json:"total"` // rows of the whole list
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// Filter narrows a list. Empty fields narrow nothing; fields that a list does not have are ignored.
type Filter struct {
	Tenant  string
	Text    string // part of a name, an id, a condition or a summary, in any case
	State   string // of a device
	Phase   string // of a ticket
	Waiting bool   // tickets that wait
	Limit   int    // rows at most; at least 1
	Offset  int    // rows left out at the beginning
}

func cut[T any](all []T, f Filter) Page[T] {
	p := Page[T]{Items: []T{}, Total: len(all), Limit: f.Limit, Offset: f.Offset}
	if f.Offset < len(all) {
		p.Items = all[f.Offset:min(len(all), f.Offset+f.Limit)]
	}
	return p
}
