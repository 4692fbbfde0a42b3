package connectwise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"unicode/utf16"
)

// Ticket is a service ticket as far as Covewise reads it. Members that were not asked for, or are null, are zero.
type Ticket struct {
	ID                       int       `json:"id"`
	Summary                  string    `json:"summary"`
	RecordType               string    `json:"recordType"` // ServiceTicket, ProjectTicket or ProjectIssue
	Board                    Reference `json:"board"`
	Status                   Reference `json:"status"`
	Company                  Reference `json:"company"`
	Site                     Reference `json:"site"`
	Contact                  Reference `json:"contact"`
	Priority                 Reference `json:"priority"`
	Type                     Reference `json:"type"`
	SubType                  Reference `json:"subType"`
	Item                     Reference `json:"item"`
	Team                     Reference `json:"team"`
	Owner                    Reference `json:"owner"`
	Source                   Reference `json:"source"`
	Agreement                Reference `json:"agreement"`
	Severity                 string    `json:"severity"` // Low, Medium or High
	Impact                   string    `json:"impact"`   // Low, Medium or High
	ExternalXRef             string    `json:"externalXRef"`
	ClosedFlag               bool      `json:"closedFlag"` // follows from the status
	ClosedDate               Date      `json:"closedDate"`
	ClosedBy                 string    `json:"closedBy"`
	ParentTicketID           int       `json:"parentTicketId"`           // of the ticket it was attached to
	MergedParentTicket       Reference `json:"mergedParentTicket"`       // the ticket it was merged into; only its ID is given
	HasChildTicket           bool      `json:"hasChildTicket"`           // others are attached to it
	HasMergedChildTicketFlag bool      `json:"hasMergedChildTicketFlag"` // others were merged into it
	CustomerUpdatedFlag      bool      `json:"customerUpdatedFlag"`
	Info                     Info      `json:"_info"`

	CustomFields []CustomField `json:"customFields"`
}

func (t Ticket) recordID() int { return t.ID }

// NewTicket is what a ticket is created with. Summary and Company are needed; a status must belong to the board.
type NewTicket struct {
	Summary                 string    `json:"summary"` // at most 100 UTF-16 units; the caller cuts
	Board                   Reference `json:"board,omitzero"`
	Status                  Reference `json:"status,omitzero"`
	Company                 Reference `json:"company"`
	Priority                Reference `json:"priority,omitzero"`
	Type                    Reference `json:"type,omitzero"`
	SubType                 Reference `json:"subType,omitzero"`
	Item                    Reference `json:"item,omitzero"`
	Team                    Reference `json:"team,omitzero"`
	Owner                   Reference `json:"owner,omitzero"`
	Source                  Reference `json:"source,omitzero"`
	Site                    Reference `json:"site,omitzero"`
	Contact                 Reference `json:"contact,omitzero"`
	Agreement               Reference `json:"agreement,omitzero"`
	Severity                string    `json:"severity,omitempty"` // Low, Medium or High; people know it as urgency
	Impact                  string    `json:"impact,omitempty"`   // Low, Medium or High
	ExternalXRef            string    `json:"externalXRef,omitempty"`
	InitialDescription      string    `json:"initialDescription,omitempty"`      // becomes a note that the customer can see
	InitialInternalAnalysis string    `json:"initialInternalAnalysis,omitempty"` // becomes an internal note

	CustomFields []CustomField `json:"customFields,omitempty"`
}

// Lengths in .NET are counted in UTF-16 units.
const longestSummary = 100

func (t NewTicket) check() error {
	switch {
	case t.Summary == "":
		return errors.New("a ticket needs a summary")
	case utf16Length(t.Summary) > longestSummary:
		return fmt.Errorf("the summary has more than %d characters", longestSummary)
	case utf16Length(t.ExternalXRef) > 100:
		return errors.New("externalXRef has more than 100 characters")
	case t.Company == Reference{}:
		return errors.New("a ticket needs a company")
	}
	return nil
}

func utf16Length(s string) int { return len(utf16.Encode([]rune(s))) }

// Note is a note of a ticket. The flags say under which headings it stands.
type Note struct {
	ID                    int       `json:"id"`
	TicketID              int       `json:"ticketId"`
	Text                  string    `json:"text"`
	DetailDescriptionFlag bool      `json:"detailDescriptionFlag"` // discussion, which the customer can see
	InternalAnalysisFlag  bool      `json:"internalAnalysisFlag"`
	ResolutionFlag        bool      `json:"resolutionFlag"`
	CustomerUpdatedFlag   bool      `json:"customerUpdatedFlag"`
	Member                Reference `json:"member"`
	Contact               Reference `json:"contact"`
	DateCreated           Date      `json:"dateCreated"`
	CreatedBy             string    `json:"createdBy"`
	Info                  Info      `json:"_info"`
}

func (n Note) recordID() int { return n.ID }

// NewNote is what a note is created with; at least one flag must be set.
type NewNote struct {
	Text                  string `json:"text"`
	DetailDescriptionFlag bool   `json:"detailDescriptionFlag"` // the customer can see it
	InternalAnalysisFlag  bool   `json:"internalAnalysisFlag"`
	ResolutionFlag        bool   `json:"resolutionFlag"`
}

// Tickets lists the tickets that match, by ascending id, with the named fields or all. A filter too long for an
// address is sent as a search, which changes nothing either.
func (c *Client) Tickets(ctx context.Context, where Condition, fields ...string) iter.Seq2[Ticket, error] {
	const op = "list tickets"
	query, err := filtered(where, fields)
	if err != nil {
		return failing[Ticket](refused(op, "%w", err))
	}
	r := request{op: op, method: http.MethodGet, path: "/service/tickets", query: query, forward: true}
	// What the pages and the code base add has less than 200 characters.
	if len(c.site.api)+len(r.path)+len(encode(query))+200 > longestAddress {
		query.Del("conditions")
		r.method, r.path, r.forward = http.MethodPost, "/service/tickets/search", false
		r.body = map[string]string{"conditions": where.String(), "orderBy": "id asc"}
	}
	return list[Ticket](ctx, c, r)
}

// Ticket reads one ticket. A deleted one is NotFound.
func (c *Client) Ticket(ctx context.Context, id int) (Ticket, error) {
	return one[Ticket](ctx, c, request{op: fmt.Sprintf("read ticket %d", id), method: http.MethodGet, path: ticketPath(id)})
}

// TicketCount says how many tickets match.
func (c *Client) TicketCount(ctx context.Context, where Condition) (int, error) {
	r := request{op: "count tickets", method: http.MethodGet, path: "/service/tickets/count"}
	var err error
	if r.query, err = filtered(where, nil); err != nil {
		return 0, refused(r.op, "%w", err)
	}
	a, err := c.call(ctx, r)
	if err != nil {
		return 0, err
	}
	var body struct {
		Count *int `json:"count"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		return 0, unreadable(r, a, err)
	}
	if body.Count == nil {
		return 0, unreadable(r, a, errors.New("no count"))
	}
	return *body.Count, nil
}

// CreateTicket creates a ticket and returns it as the server made it. It is sent once; after UnknownOutcome, look
// for ExternalXRef before sending it again.
func (c *Client) CreateTicket(ctx context.Context, t NewTicket) (Ticket, error) {
	const op = "create ticket"
	if err := t.check(); err != nil {
		return Ticket{}, refused(op, "%w", err)
	}
	return one[Ticket](ctx, c, request{op: op, method: http.MethodPost, path: "/service/tickets", body: t, effect: once})
}

// PatchTicket changes a ticket and returns it as it is now. It is repeated after a failure only when every
// operation is a "replace"; otherwise it can end as UnknownOutcome.
func (c *Client) PatchTicket(ctx context.Context, id int, ops ...PatchOp) (Ticket, error) {
	return patch[Ticket](ctx, c, fmt.Sprintf("change ticket %d", id), ticketPath(id), ops)
}

// TicketNotes lists a ticket's own notes by ascending id; those of time entries are not among them.
func (c *Client) TicketNotes(ctx context.Context, ticketID int) ([]Note, error) {
	r := request{op: fmt.Sprintf("list notes of ticket %d", ticketID), method: http.MethodGet, path: ticketPath(ticketID) + "/notes"}
	return All(list[Note](ctx, c, r))
}

// CreateTicketNote adds a note to a ticket. It is sent once; after UnknownOutcome, read the notes before sending it again.
func (c *Client) CreateTicketNote(ctx context.Context, ticketID int, n NewNote) (Note, error) {
	op := fmt.Sprintf("add a note to ticket %d", ticketID)
	switch {
	case n.Text == "":
		return Note{}, refused(op, "a note needs text")
	case !n.DetailDescriptionFlag && !n.InternalAnalysisFlag && !n.ResolutionFlag:
		return Note{}, refused(op, "a note needs a heading: discussion, internal or resolution")
	}
	return one[Note](ctx, c, request{op: op, method: http.MethodPost, path: ticketPath(ticketID) + "/notes", body: n, effect: once})
}

func ticketPath(id int) string { return fmt.Sprintf("/service/tickets/%d", id) }

func patch[T record](ctx context.Context, c *Client, op, path string, ops []PatchOp) (T, error) {
	e, err := patchEffect(ops)
	if err != nil {
		var none T
		return none, refused(op, "%w", err)
	}
	return one[T](ctx, c, request{op: op, method: http.MethodPatch, path: path, body: ops, effect: e})
}

// table reads a collection of the setup, which is small.
func table[T record](ctx context.Context, c *Client, op, path string, where Condition) ([]T, error) {
	query, err := filtered(where, nil)
	if err != nil {
		return nil, refused(op, "%w", err)
	}
	return All(list[T](ctx, c, request{op: op, method: http.MethodGet, path: path, query: query}))
}
