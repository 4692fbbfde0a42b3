package cwfake

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"time"
)

// Ticket is a ticket as a judge sees it, with names in place of references.
type Ticket struct {
	ID                int       `json:"id"`
	Summary           string    `json:"summary"`
	Board             string    `json:"board"`
	Status            string    `json:"status"`
	ClosedFlag        bool      `json:"closedFlag"`
	ClosedBy          string    `json:"closedBy,omitempty"`
	ClosedAt          time.Time `json:"closedAt,omitzero"`
	CompanyID         int       `json:"companyId"`
	CompanyIdentifier string    `json:"companyIdentifier"`
	Company           string    `json:"company"`
	Priority          string    `json:"priority"`
	Severity          string    `json:"severity"`
	Impact            string    `json:"impact"`
	Type              string    `json:"type,omitempty"`
	SubType           string    `json:"subType,omitempty"`
	Item              string    `json:"item,omitempty"`
	Team              string    `json:"team,omitempty"`
	Source            string    `json:"source,omitempty"`
	Site              string    `json:"site,omitempty"`
	Owner             string    `json:"owner,omitempty"`
	ExternalXRef      string    `json:"externalXRef,omitempty"`
	// ParentID is the ticket that this one is a child of, MergedInto the one that it was merged into; 0 for none.
	ParentID       int       `json:"parentId,omitempty"`
	MergedInto     int       `json:"mergedInto,omitempty"`
	Configurations []int     `json:"configurations,omitempty"`
	Notes          []Note    `json:"notes"`
	EnteredAt      time.Time `json:"enteredAt"`
	EnteredBy      string    `json:"enteredBy"`
	UpdatedAt      time.Time `json:"updatedAt"`
	UpdatedBy      string    `json:"updatedBy"`
}

// Note is a note of a ticket. Discussion, Internal and Resolution are the tabs it is shown in.
type Note struct {
	ID         int       `json:"id"`
	Text       string    `json:"text"`
	Discussion bool      `json:"discussion"`
	Internal   bool      `json:"internal"`
	Resolution bool      `json:"resolution"`
	ByCustomer bool      `json:"byCustomer"`
	CreatedBy  string    `json:"createdBy"`
	CreatedAt  time.Time `json:"createdAt"`
}

// Kinds of Duplicate.
const (
	DuplicateReference = "externalXRef"
	DuplicateMarker    = "summary"
)

// Duplicate names two or more tickets that stand for the same thing: they share an externalXRef, or they are open
// and their summaries carry the same marker `#<digits> -`.
type Duplicate struct {
	Kind string `json:"kind"`
	// Key is the shared reference or the marker.
	Key     string `json:"key"`
	Tickets []int  `json:"tickets"`
}

// Tickets returns all tickets by ascending id.
func (s *Server) Tickets() []Ticket { return s.tickets(func(*record) bool { return true }) }

// OpenTickets returns the tickets whose status is not a closed one, by ascending id.
func (s *Server) OpenTickets() []Ticket {
	return s.tickets(func(r *record) bool { return !r.flag("closedFlag") })
}

// Ticket returns one ticket; false if there is none.
func (s *Server) Ticket(id int) (Ticket, bool) {
	found := s.tickets(func(r *record) bool { return r.id == id })
	if len(found) == 0 {
		return Ticket{}, false
	}
	return found[0], true
}

func (s *Server) tickets(wanted func(*record) bool) []Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []Ticket{}
	for _, r := range s.data.tables[ticketResource].rows {
		if wanted(r) {
			found = append(found, s.data.ticket(r))
		}
	}
	return found
}

func (s *store) ticket(r *record) Ticket {
	named := func(member, shown string) string {
		if target := s.linked(r, member); target != nil {
			return target.text(shown)
		}
		return ""
	}
	closedAt, _ := r.values["closedDate"].(time.Time)
	t := Ticket{
		ID: r.id, Summary: r.text("summary"), Board: named("board", "name"), Status: named("status", "name"),
		ClosedFlag: r.flag("closedFlag"), ClosedBy: r.text("closedBy"), ClosedAt: closedAt,
		CompanyID: r.ref("company"), CompanyIdentifier: named("company", "identifier"), Company: named("company", "name"),
		Priority: named("priority", "name"), Severity: r.text("severity"), Impact: r.text("impact"),
		Type: named("type", "name"), SubType: named("subType", "name"), Item: named("item", "name"), Team: named("team", "name"),
		Source: named("source", "name"), Site: named("site", "name"), Owner: named("owner", "identifier"),
		ExternalXRef: r.text("externalXRef"), ParentID: r.number("parentTicketId"), MergedInto: r.ref("mergedParentTicket"),
		Configurations: slices.Clone(r.configurations), Notes: []Note{},
		EnteredAt: r.entered, EnteredBy: r.enteredBy, UpdatedAt: r.updated, UpdatedBy: r.updatedBy,
	}
	for _, n := range s.tables[noteResource].of(r.id) {
		t.Notes = append(t.Notes, Note{
			ID: n.id, Text: n.text("text"), Discussion: n.flag("detailDescriptionFlag"), Internal: n.flag("internalAnalysisFlag"),
			Resolution: n.flag("resolutionFlag"), ByCustomer: n.flag("customerUpdatedFlag"), CreatedBy: n.text("createdBy"), CreatedAt: n.entered,
		})
	}
	return t
}

// Duplicates returns the tickets that stand for the same thing, sorted by kind and key.
func (s *Server) Duplicates() []Duplicate {
	s.mu.Lock()
	defer s.mu.Unlock()
	marker := regexp.MustCompile(`#(\d+) -`)
	groups := map[[2]string][]int{}
	for _, r := range s.data.tables[ticketResource].rows {
		if reference := r.text("externalXRef"); reference != "" {
			key := [2]string{DuplicateReference, reference}
			groups[key] = append(groups[key], r.id)
		}
		if found := marker.FindString(r.text("summary")); found != "" && !r.flag("closedFlag") {
			key := [2]string{DuplicateMarker, found}
			groups[key] = append(groups[key], r.id)
		}
	}
	duplicates := []Duplicate{}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	for _, key := range keys {
		if len(groups[key]) > 1 {
			duplicates = append(duplicates, Duplicate{Kind: key[0], Key: key[1], Tickets: groups[key]})
		}
	}
	return duplicates
}
