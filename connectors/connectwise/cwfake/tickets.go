package cwfake

import (
	"fmt"
	"net/http"
	"slices"
)

// boardParts are the members of a ticket that belong to its board, beside the status.
func boardParts() []string { return []string{"type", "subType", "item", "team"} }

// beginTicket gives a new ticket the default board where the request names none, so that a status given by its
// name is looked for there.
func beginTicket(w *write) {
	if w.draft.values["board"] != nil || w.named("board") {
		return
	}
	boards := w.store.tables[boardResource]
	board := boards.byID[w.store.defaultBoard]
	if board == nil || board.flag("inactiveFlag") {
		board = boards.preferred(0, "")
	}
	w.setDefault("board", boardResource, board)
}

// prepareTicket fills in what the service chooses by itself: the board's default status, the default priority, the
// company's site; after a move the parts of the old board are cleared.
func prepareTicket(w *write) []fieldError {
	moved := w.before != nil && w.changed("board")
	if moved && !w.named("status") && w.store.switches.BoardAloneRefused {
		return []fieldError{missing("status", "status/id")}
	}
	if w.draft.values["board"] == nil {
		return []fieldError{missing("board", "board/id")}
	}
	if moved && !w.named("status") {
		w.set("status", nil)
	}
	for _, part := range boardParts() {
		if moved && !w.named(part) {
			w.set(part, nil)
		}
	}
	if w.before != nil && w.changed("company") {
		for _, part := range []string{"site", "contact", "agreement"} {
			if !w.named(part) {
				w.set(part, nil)
			}
		}
	}
	tables := w.store.tables
	w.setDefault("status", statusResource, tables[statusResource].preferred(w.draft.ref("board"), "defaultFlag"))
	w.setDefault("priority", priorityResource, tables[priorityResource].preferred(0, "defaultFlag"))
	if company := w.draft.ref("company"); company != 0 {
		w.setDefault("site", siteResource, tables[siteResource].preferred(company, "primaryAddressFlag"))
	}
	w.setDefault("location", locationResource, w.store.linked(w.store.target(ref{boardResource, w.draft.ref("board")}), "location"))
	w.setDefault("department", departmentResource, w.store.linked(w.store.target(ref{boardResource, w.draft.ref("board")}), "department"))
	for member, value := range map[string]string{"severity": "Medium", "impact": "Medium", "recordType": "ServiceTicket"} {
		if w.draft.text(member) == "" {
			w.set(member, value)
		}
	}
	w.deriveClosed()
	return nil
}

// deriveClosed sets the closed members from the status.
func (w *write) deriveClosed() {
	status := w.store.linked(w.draft, "status")
	closed := status != nil && status.flag("closedStatus")
	switch {
	case !closed:
		w.set("closedFlag", false)
		w.set("closedDate", nil)
		w.set("closedBy", nil)
	case !w.draft.flag("closedFlag"):
		w.set("closedFlag", true)
		w.set("closedDate", w.stamp.at)
		w.set("closedBy", w.stamp.by)
	}
}

func checkTicket(w *write) []fieldError {
	if errors := append(w.checkCombination(), w.checkCustomFields()...); len(errors) > 0 {
		return errors
	}
	if w.before == nil || !w.store.switches.MergedTicketsFrozen || w.draft.values["mergedParentTicket"] == nil {
		return nil
	}
	return []fieldError{bad("mergedParentTicket", "Ticket %d is merged into ticket %d and cannot be changed", w.record.id, w.draft.ref("mergedParentTicket"))}
}

// ticketSaved turns the create-only texts into notes and, where the service is so configured, closes children.
func ticketSaved(w *write) {
	for _, initial := range []struct{ member, flag string }{
		{"initialDescription", "detailDescriptionFlag"},
		{"initialInternalAnalysis", "internalAnalysisFlag"},
		{"initialResolution", "resolutionFlag"},
	} {
		body := w.record.text(initial.member)
		delete(w.record.values, initial.member)
		if body == "" || w.before != nil {
			continue
		}
		w.store.addNote(w.record, map[string]any{"text": body, initial.flag: true, "issueFlag": initial.member == "initialDescription"}, w.stamp)
	}
	if w.before == nil || !w.store.switches.CloseChildrenWithParent || !w.record.flag("closedFlag") {
		return
	}
	for _, child := range w.store.children(w.record.id) {
		closed := w.store.closedStatus(child.ref("board"))
		if closed != nil && !child.flag("closedFlag") {
			w.store.setStatus(child, closed, w.stamp)
		}
	}
}

// setStatus gives a ticket a status of its board and derives the closed members.
func (s *store) setStatus(ticket, status *record, by stamp) {
	w := &write{store: s, res: s.tables[ticketResource].resource, stamp: by, record: ticket, draft: ticket}
	w.set("status", ref{statusResource, status.id})
	w.deriveClosed()
	w.touch(ticket)
}

// closedStatus returns the first active closed status of a board, nil for none.
func (s *store) closedStatus(board int) *record {
	for _, status := range s.tables[statusResource].of(board) {
		if status.flag("closedStatus") && !status.flag("inactive") {
			return status
		}
	}
	return nil
}

// children are the tickets attached to a ticket.
func (s *store) children(parent int) []*record {
	var found []*record
	for id := range s.tables[ticketResource].byID[parent].attachedTo {
		found = append(found, s.tables[ticketResource].byID[id])
	}
	return found
}

// deleteTicket removes a ticket with its notes; its children stand alone afterwards.
func (s *store) deleteTicket(ticket *record, by stamp) {
	tickets := s.tables[ticketResource]
	for _, child := range s.children(ticket.id) {
		s.detach(ticket, child, by)
	}
	if parent := tickets.byID[ticket.number("parentTicketId")]; parent != nil {
		s.detach(parent, ticket, by)
	}
	if parent := s.linked(ticket, "mergedParentTicket"); parent != nil {
		delete(parent.mergedFrom, ticket.id)
	}
	notes := s.tables[noteResource]
	for _, note := range append([]*record{}, notes.of(ticket.id)...) {
		notes.remove(note)
	}
	s.tell(ticket, actionDeleted, by)
	tickets.remove(ticket)
}

// others finds the tickets that an action names beside the one it acts on: each must exist, be another one and
// not be merged.
func (s *store) others(ticket *record, member string, ids []int) ([]*record, error) {
	res := s.tables[ticketResource].resource
	if len(ids) == 0 {
		return nil, invalid(res, []fieldError{missing(member, member)})
	}
	seen := map[int]bool{}
	var found []*record
	for _, id := range ids {
		other := s.tables[ticketResource].byID[id]
		reason := ""
		switch {
		case other == nil:
			reason = fmt.Sprintf("Ticket %d not found", id)
		case other.id == ticket.id:
			reason = fmt.Sprintf("Ticket %d cannot be combined with itself", id)
		case seen[id]:
			reason = fmt.Sprintf("Ticket %d is named twice", id)
		case other.values["mergedParentTicket"] != nil:
			reason = fmt.Sprintf("Ticket %d is already merged", id)
		case ticket.values["mergedParentTicket"] != nil:
			reason = fmt.Sprintf("Ticket %d is itself merged into another ticket", ticket.id)
		}
		if reason != "" {
			return nil, invalid(res, []fieldError{bad(member, "%s", reason)})
		}
		seen[id] = true
		found = append(found, other)
	}
	return found, nil
}

// merge joins tickets into a parent. status is the one that the merged tickets get and must be one of their board.
func (s *store) merge(parent *record, ids []int, status map[string]any, by stamp) error {
	merged, err := s.others(parent, "mergeTicketIds", ids)
	if err != nil {
		return err
	}
	res := s.tables[ticketResource].resource
	targets := make([]*record, len(merged))
	for i, child := range merged {
		w := &write{store: s, res: res, stamp: by, record: child, before: map[string]any{}, draft: child}
		value, errors, err := w.convertReference(res.exact["status"], status)
		if err != nil {
			return err
		}
		target, ok := value.(ref)
		if !ok && len(errors) == 0 {
			errors = []fieldError{missing("status", "status/id")}
		}
		if len(errors) > 0 {
			return invalid(res, errors)
		}
		targets[i] = s.target(target)
		if err := s.refuseClosing(targets[i]); err != nil {
			return err
		}
	}
	for i, child := range merged {
		s.setStatus(child, targets[i], by)
		child.values["mergedParentTicket"] = ref{ticketResource, parent.id}
		parent.mergedFrom[child.id] = true
	}
	parent.values["hasMergedChildTicketFlag"] = true
	s.touch(parent, by)
	return nil
}

// attach makes tickets children of a parent. A child has no children of its own and one parent.
func (s *store) attach(parent *record, ids []int, by stamp) error {
	children, err := s.others(parent, "childTicketIds", ids)
	if err != nil {
		return err
	}
	res := s.tables[ticketResource].resource
	for _, child := range children {
		reason := ""
		switch {
		case parent.number("parentTicketId") != 0:
			reason = fmt.Sprintf("Ticket %d is itself a child ticket", parent.id)
		case child.flag("hasChildTicket"):
			reason = fmt.Sprintf("Ticket %d has child tickets of its own", child.id)
		case child.number("parentTicketId") != 0:
			reason = fmt.Sprintf("Ticket %d already is a child of ticket %d", child.id, child.number("parentTicketId"))
		}
		if reason != "" {
			return invalid(res, []fieldError{bad("childTicketIds", "%s", reason)})
		}
	}
	for _, child := range children {
		child.values["parentTicketId"] = float64(parent.id)
		s.touch(child, by)
		parent.attachedTo[child.id] = true
	}
	parent.values["hasChildTicket"] = true
	s.touch(parent, by)
	return nil
}

// detachAll makes children of a ticket stand alone, all of them or none.
func (s *store) detachAll(parent *record, ids []int, by stamp) error {
	children, err := s.others(parent, "childTicketIds", ids)
	if err != nil {
		return err
	}
	for _, child := range children {
		if child.number("parentTicketId") != parent.id {
			return invalid(s.tables[ticketResource].resource, []fieldError{bad("childTicketIds", "Ticket %d is not a child of ticket %d", child.id, parent.id)})
		}
	}
	for _, child := range children {
		s.detach(parent, child, by)
	}
	return nil
}

func (s *store) detach(parent, child *record, by stamp) {
	delete(child.values, "parentTicketId")
	s.touch(child, by)
	delete(parent.attachedTo, child.id)
	parent.values["hasChildTicket"] = len(parent.attachedTo) > 0
	s.touch(parent, by)
}

// attachConfiguration links a device to a ticket.
func (s *store) attachConfiguration(ticket *record, id int, by stamp) (*record, error) {
	configuration := s.tables[configurationRes].byID[id]
	if configuration == nil {
		return nil, invalid(s.tables[configurationRes].resource, []fieldError{{Code: "NotFound", Message: fmt.Sprintf("Configuration %d not found", id), Field: "id"}})
	}
	if slices.Contains(ticket.configurations, id) {
		return nil, refuse(http.StatusBadRequest, "ObjectExists", "Configuration %d is already attached to ticket %d", id, ticket.id)
	}
	ticket.configurations = append(ticket.configurations, id)
	s.touch(ticket, by)
	return configuration, nil
}
