package cwfake

import (
	"fmt"
	"net/http"
)

// Person acts on the server as a member of staff does in the vendor's own client: past authentication, faults and
// counts, but under the same rules. Records show the person's identifier in updatedBy. Errors say what the service
// refused.
type Person struct {
	server *Server
	name   string
}

// Person returns the person with the identifier, DefaultPerson if it is empty.
func (s *Server) Person(identifier string) *Person {
	if identifier == "" {
		identifier = DefaultPerson
	}
	return &Person{server: s, name: identifier}
}

// act runs a change under the lock of the server.
func (p *Person) act(change func(s *store, by stamp) error) error {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	return change(p.server.data, stamp{by: p.name, at: p.server.options.Clock.Now()})
}

// onTicket changes members of a ticket.
func (p *Person) onTicket(ticket int, changes func(s *store, r *record) (map[string]any, error)) error {
	return p.act(func(s *store, by stamp) error {
		r, err := s.byID(ticketResource, ticket)
		if err != nil {
			return err
		}
		values, err := changes(s, r)
		if err != nil {
			return err
		}
		return s.update(s.tables[ticketResource].resource, r, values, false, by)
	})
}

func byName(name string) map[string]any { return map[string]any{"name": name} }

// NewTicket is a ticket that a person enters. Board, Status and Priority are names, the defaults if empty.
type NewTicket struct {
	Summary           string `json:"summary"`
	CompanyIdentifier string `json:"companyIdentifier"`
	Board             string `json:"board"`
	Status            string `json:"status"`
	Priority          string `json:"priority"`
	ExternalXRef      string `json:"externalXRef"`
	Description       string `json:"description"`
}

// CreateTicket enters a ticket and returns its id.
func (p *Person) CreateTicket(n NewTicket) (int, error) {
	values := map[string]any{"summary": n.Summary, "company": map[string]any{"identifier": n.CompanyIdentifier}}
	for member, name := range map[string]string{"board": n.Board, "status": n.Status, "priority": n.Priority} {
		if name != "" {
			values[member] = byName(name)
		}
	}
	for member, text := range map[string]string{"externalXRef": n.ExternalXRef, "initialDescription": n.Description} {
		if text != "" {
			values[member] = text
		}
	}
	id := 0
	err := p.act(func(s *store, by stamp) error {
		r, err := s.create(s.tables[ticketResource].resource, 0, 0, values, by)
		if err == nil {
			id = r.id
		}
		return err
	})
	return id, err
}

// Close gives a ticket a closed status of its board, the first active one if status is empty.
func (p *Person) Close(ticket int, status string) error { return p.setStatus(ticket, status, true) }

// Reopen gives a ticket an open status of its board, the board's default if status is empty.
func (p *Person) Reopen(ticket int, status string) error { return p.setStatus(ticket, status, false) }

func (p *Person) setStatus(ticket int, status string, closed bool) error {
	return p.onTicket(ticket, func(s *store, r *record) (map[string]any, error) {
		statuses := s.tables[statusResource]
		var target *record
		switch found := statuses.find(r.ref("board"), "name", status); {
		case len(found) == 1:
			target = found[0]
		case status == "" && closed:
			target = s.closedStatus(r.ref("board"))
		case status == "":
			target = statuses.preferred(r.ref("board"), "defaultFlag")
		}
		if target == nil || target.flag("closedStatus") != closed {
			return nil, fmt.Errorf("ticket %d: its board has no status %q with closedStatus %t", ticket, status, closed)
		}
		return map[string]any{"status": idOf(target.id)}, nil
	})
}

// SetStatus gives a ticket any status of its board.
func (p *Person) SetStatus(ticket int, status string) error {
	return p.onTicket(ticket, func(*store, *record) (map[string]any, error) {
		return map[string]any{"status": byName(status)}, nil
	})
}

// Move puts a ticket on another board, with a status of that board or its default one if status is empty.
func (p *Person) Move(ticket int, board, status string) error {
	return p.onTicket(ticket, func(s *store, _ *record) (map[string]any, error) {
		if status != "" {
			return map[string]any{"board": byName(board), "status": byName(status)}, nil
		}
		boards := s.tables[boardResource].find(0, "name", board)
		if len(boards) != 1 {
			return nil, fmt.Errorf("there is no board %q", board)
		}
		preferred := s.tables[statusResource].preferred(boards[0].id, "defaultFlag")
		if preferred == nil {
			return nil, fmt.Errorf("the board %q has no active status", board)
		}
		return map[string]any{"board": idOf(boards[0].id), "status": idOf(preferred.id)}, nil
	})
}

// Edit holds what a person changes on a ticket; empty members stay as they are. Owner and Company are identifiers.
type Edit struct {
	Summary      string `json:"summary"`
	Priority     string `json:"priority"`
	Owner        string `json:"owner"`
	Company      string `json:"company"`
	ExternalXRef string `json:"externalXRef"`
}

// Edit changes members of a ticket.
func (p *Person) Edit(ticket int, e Edit) error {
	return p.onTicket(ticket, func(*store, *record) (map[string]any, error) {
		values := map[string]any{}
		for member, text := range map[string]string{"summary": e.Summary, "externalXRef": e.ExternalXRef} {
			if text != "" {
				values[member] = text
			}
		}
		for member, identifier := range map[string]string{"owner": e.Owner, "company": e.Company} {
			if identifier != "" {
				values[member] = map[string]any{"identifier": identifier}
			}
		}
		if e.Priority != "" {
			values["priority"] = byName(e.Priority)
		}
		return values, nil
	})
}

// Merge merges a ticket into another; it gets the named status of its board, the first closed one if status is empty.
func (p *Person) Merge(ticket, into int, status string) error {
	return p.act(func(s *store, by stamp) error {
		child, err := s.byID(ticketResource, ticket)
		if err != nil {
			return err
		}
		parent, err := s.byID(ticketResource, into)
		if err != nil {
			return err
		}
		target := byName(status)
		if closed := s.closedStatus(child.ref("board")); status == "" && closed != nil {
			target = idOf(closed.id)
		}
		return s.merge(parent, []int{ticket}, target, by)
	})
}

// AttachChild makes a ticket the child of another.
func (p *Person) AttachChild(parent, child int) error {
	return p.act(func(s *store, by stamp) error {
		r, err := s.byID(ticketResource, parent)
		if err != nil {
			return err
		}
		return s.attach(r, []int{child}, by)
	})
}

// Delete deletes a ticket.
func (p *Person) Delete(ticket int) error {
	return p.act(func(s *store, by stamp) error {
		r, err := s.byID(ticketResource, ticket)
		if err == nil {
			s.deleteTicket(r, by)
		}
		return err
	})
}

// AddNote adds a discussion note; asCustomer makes it one that the customer wrote.
func (p *Person) AddNote(ticket int, text string, asCustomer bool) error {
	return p.act(func(s *store, by stamp) error {
		r, err := s.byID(ticketResource, ticket)
		if err != nil {
			return err
		}
		if text == "" {
			return refuse(http.StatusBadRequest, "InvalidObject", "The text field is required.")
		}
		values := map[string]any{"text": text, "detailDescriptionFlag": true, "customerUpdatedFlag": asCustomer}
		s.addNote(r, values, by)
		if asCustomer {
			r.values["customerUpdatedFlag"] = true
		}
		s.touch(r, by)
		return nil
	})
}
