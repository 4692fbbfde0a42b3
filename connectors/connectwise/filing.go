package connectwise

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"
)

// CustomField is the value of a custom field, by the id that its definition has.
type CustomField struct {
	ID    int             `json:"id"`
	Value json.RawMessage `json:"value"` // has the JSON type of the field
}

// BoardPart is a type, subtype, item or team of a board. A name is unique among its kind on one board.
type BoardPart struct {
	ID                 int    `json:"id"`
	Name               string `json:"name"`
	InactiveFlag       bool   `json:"inactiveFlag"`       // teams have none
	TypeAssociationIDs []int  `json:"typeAssociationIds"` // subtypes: the types that they go with; empty when that is not told
}

func (p BoardPart) recordID() int { return p.ID }

// BoardPartKind is the name of a collection below a board.
type BoardPartKind string

// The collections below a board.
const (
	BoardTypes    BoardPartKind = "types"
	BoardSubTypes BoardPartKind = "subtypes"
	BoardItems    BoardPartKind = "items"
	BoardTeams    BoardPartKind = "teams"
)

// BoardParts lists the parts of one kind that a board has, inactive ones too.
func (c *Client) BoardParts(ctx context.Context, boardID int, kind BoardPartKind) ([]BoardPart, error) {
	return table[BoardPart](ctx, c, fmt.Sprintf("list %s of board %d", kind, boardID), fmt.Sprintf("/service/boards/%d/%s", boardID, kind), Condition{})
}

// BoardAssociation is a combination of type, subtype and item that a board allows. What has no narrower part leaves it zero.
type BoardAssociation struct {
	ID      int       `json:"id"`
	Type    Reference `json:"type"`
	SubType Reference `json:"subType"`
	Item    Reference `json:"item"`
}

func (a BoardAssociation) recordID() int { return a.ID }

// BoardAssociations lists the combinations that a board allows.
func (c *Client) BoardAssociations(ctx context.Context, boardID int) ([]BoardAssociation, error) {
	return table[BoardAssociation](ctx, c, fmt.Sprintf("list associations of board %d", boardID),
		fmt.Sprintf("/service/boards/%d/typeSubTypeItemAssociations", boardID), Condition{})
}

// UserDefinedField is the definition of a custom field. Its id is that of the field in records.
type UserDefinedField struct {
	ID          int                      `json:"id"`
	Caption     string                   `json:"caption"`
	Type        string                   `json:"fieldTypeIdentifier"` // Text, Number, Checkbox, Date, …
	EntryMethod string                   `json:"entryTypeIdentifier"` // EntryField, List, Option or Date
	Options     []UserDefinedFieldOption `json:"options"`             // of a List or Option
}

// UserDefinedFieldOption is a value that a custom field can be chosen to have.
type UserDefinedFieldOption struct {
	Value        string `json:"optionValue"`
	InactiveFlag bool   `json:"inactiveFlag"`
}

func (f UserDefinedField) recordID() int { return f.ID }

// UserDefinedFields lists the definitions of the custom fields of all kinds of records.
func (c *Client) UserDefinedFields(ctx context.Context) ([]UserDefinedField, error) {
	return table[UserDefinedField](ctx, c, "list custom fields", "/system/userDefinedFields", Condition{})
}

// Source says where tickets come from.
type Source struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

func (s Source) recordID() int { return s.ID }

// Sources lists the sources of tickets.
func (c *Client) Sources(ctx context.Context) ([]Source, error) {
	return table[Source](ctx, c, "list sources", "/service/sources", Condition{})
}

// Member is somebody who works with the server.
type Member struct {
	ID           int    `json:"id"`
	Identifier   string `json:"identifier"` // unique
	InactiveFlag bool   `json:"inactiveFlag"`
}

func (m Member) recordID() int { return m.ID }

// Members lists the members that match.
func (c *Client) Members(ctx context.Context, where Condition) ([]Member, error) {
	return table[Member](ctx, c, "list members", "/system/members", where)
}

// Site is an address of a company.
type Site struct {
	ID           int    `json:"id"`
	Name         string `json:"name"`
	InactiveFlag bool   `json:"inactiveFlag"`
}

func (s Site) recordID() int { return s.ID }

// Sites lists the sites of a company.
func (c *Client) Sites(ctx context.Context, companyID int) ([]Site, error) {
	return table[Site](ctx, c, fmt.Sprintf("list sites of company %d", companyID), fmt.Sprintf("/company/companies/%d/sites", companyID), Condition{})
}

// Contact is a person at a company.
type Contact struct {
	ID           int    `json:"id"`
	FirstName    string `json:"firstName"`
	LastName     string `json:"lastName"`
	InactiveFlag bool   `json:"inactiveFlag"`
}

func (p Contact) recordID() int { return p.ID }

// Contacts lists the contacts that match, for example of a company ("company/id").
func (c *Client) Contacts(ctx context.Context, where Condition) ([]Contact, error) {
	return table[Contact](ctx, c, "list contacts", "/company/contacts", where)
}

// Agreement is a contract with a company.
type Agreement struct {
	ID              int       `json:"id"`
	Name            string    `json:"name"`
	Type            Reference `json:"type"`
	Company         Reference `json:"company"`
	CancelledFlag   bool      `json:"cancelledFlag"`
	AgreementStatus string    `json:"agreementStatus"` // Active, Cancelled, Expired or Inactive; may be empty
}

func (a Agreement) recordID() int { return a.ID }

// Agreements lists the agreements that match, by ascending id, with the named fields or all.
func (c *Client) Agreements(ctx context.Context, where Condition, fields ...string) iter.Seq2[Agreement, error] {
	const op = "list agreements"
	query, err := filtered(where, fields)
	if err != nil {
		return failing[Agreement](refused(op, "%w", err))
	}
	return list[Agreement](ctx, c, request{op: op, method: http.MethodGet, path: "/finance/agreements", query: query, forward: true})
}

// Configuration is a device of a company in ConnectWise's records.
type Configuration struct {
	ID               int       `json:"id"`
	Name             string    `json:"name"`
	DeviceIdentifier string    `json:"deviceIdentifier"` // where backup and monitoring tools put their own id
	Company          Reference `json:"company"`
	ActiveFlag       *bool     `json:"activeFlag"` // nil when it was not told
}

func (p Configuration) recordID() int { return p.ID }

// Configurations lists the configurations that match, by ascending id, with the named fields or all.
func (c *Client) Configurations(ctx context.Context, where Condition, fields ...string) iter.Seq2[Configuration, error] {
	const op = "list configurations"
	query, err := filtered(where, fields)
	if err != nil {
		return failing[Configuration](refused(op, "%w", err))
	}
	return list[Configuration](ctx, c, request{op: op, method: http.MethodGet, path: "/company/configurations", query: query, forward: true})
}

// ConfigurationReference is a configuration as a ticket has it.
type ConfigurationReference struct {
	ID               int    `json:"id"`
	DeviceIdentifier string `json:"deviceIdentifier"`
}

func (r ConfigurationReference) recordID() int { return r.ID }

// TicketConfigurations lists the configurations that are attached to a ticket.
func (c *Client) TicketConfigurations(ctx context.Context, ticketID int) ([]ConfigurationReference, error) {
	r := request{op: fmt.Sprintf("list the configurations of ticket %d", ticketID), method: http.MethodGet, path: ticketPath(ticketID) + "/configurations"}
	return All(list[ConfigurationReference](ctx, c, r))
}

// AttachConfiguration attaches a configuration to a ticket. It is sent once; what attaching twice does is not known, and
// TicketConfigurations tells what a refusal means.
func (c *Client) AttachConfiguration(ctx context.Context, ticketID, configurationID int) error {
	_, err := one[ConfigurationReference](ctx, c, request{
		op: fmt.Sprintf("attach a configuration to ticket %d", ticketID), method: http.MethodPost, path: ticketPath(ticketID) + "/configurations",
		body: map[string]int{"id": configurationID}, effect: once,
	})
	return err
}

// AllNotes lists the notes of a ticket with those of its time entries and of tickets merged into it, by ascending id.
func (c *Client) AllNotes(ctx context.Context, ticketID int) ([]Note, error) {
	r := request{op: fmt.Sprintf("list all notes of ticket %d", ticketID), method: http.MethodGet, path: ticketPath(ticketID) + "/allNotes"}
	return All(list[Note](ctx, c, r))
}

// TimeEntry is a time entry as it was stored.
type TimeEntry struct {
	ID int `json:"id"`
}

func (e TimeEntry) recordID() int { return e.ID }

// NewTimeEntry is a time entry of no charge to be made for a ticket. The API member is the one who worked.
type NewTimeEntry struct {
	Ticket     int
	Start, End time.Time
	Notes      string
	// Headings under which the notes stand in the ticket.
	Discussion, Internal, Resolution bool
}

// MarshalJSON writes the entry as the server takes it, with times in whole seconds.
func (e NewTimeEntry) MarshalJSON() ([]byte, error) {
	const wireTime = "2006-01-02T15:04:05Z"
	return json.Marshal(map[string]any{
		"chargeToId": e.Ticket, "chargeToType": "ServiceTicket", "timeStart": e.Start.UTC().Format(wireTime), "timeEnd": e.End.UTC().Format(wireTime),
		"billableOption": "NoCharge", "notes": e.Notes, "addToDetailDescriptionFlag": e.Discussion, "addToInternalAnalysisFlag": e.Internal,
		"addToResolutionFlag": e.Resolution, "emailResourceFlag": false, "emailContactFlag": false, "emailCcFlag": false,
	})
}

// CreateTimeEntry adds a time entry of no charge to a ticket. It is sent once; after UnknownOutcome, read AllNotes
// before sending it again. It needs an open time period.
func (c *Client) CreateTimeEntry(ctx context.Context, e NewTimeEntry) (TimeEntry, error) {
	op := fmt.Sprintf("add a time entry to ticket %d", e.Ticket)
	if e.Notes == "" || !e.End.After(e.Start) {
		return TimeEntry{}, refused(op, "a time entry needs notes, and an end after its start")
	}
	return one[TimeEntry](ctx, c, request{op: op, method: http.MethodPost, path: "/time/entries", body: e, effect: once})
}
