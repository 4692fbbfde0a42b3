package cwfake

import (
	"slices"
	"strings"
)

// agreement enters an agreement of a company, and its type if that is new.
func (l *loader) agreement(company int, a Agreement) {
	values := map[string]any{"name": a.Name, "cancelledFlag": a.Cancelled}
	if a.Type != "" {
		if len(l.store.tables[agreementTypeRes].find(0, "name", a.Type)) == 0 {
			l.add(agreementTypeRes, 0, 0, map[string]any{"name": a.Type})
		}
		values["type"] = byName(a.Type)
	}
	l.add(agreementResource, company, a.ID, values)
}

// prepareAgreement derives the status of an agreement.
func prepareAgreement(w *write) []fieldError {
	status := "Active"
	if w.draft.flag("cancelledFlag") {
		status = "Cancelled"
	}
	w.set("agreementStatus", status)
	return nil
}

// AddConfiguration stores a configuration of the type "Managed Server" and returns its id.
func (s *Server) AddConfiguration(c Configuration) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &loader{store: s.data, by: stamp{by: "setup", at: s.options.Clock.Now()}}
	id := l.add(configurationRes, 0, 0, map[string]any{
		"name": c.Name, "deviceIdentifier": c.DeviceIdentifier, "type": byName("Managed Server"), "company": idOf(c.Company), "activeFlag": !c.Inactive,
	})
	return id, l.err
}

// TicketConfigurations returns the ids of the configurations that are attached to a ticket.
func (s *Server) TicketConfigurations(ticket int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.data.tables[ticketResource].byID[ticket]
	if r == nil {
		return nil
	}
	return slices.Clone(r.configurations)
}

// checkTimeEntry refuses entries without a length or for what does not exist.
func checkTimeEntry(w *write) []fieldError {
	if w.draft.values["timeEnd"] == nil && w.draft.values["actualHours"] == nil {
		return []fieldError{missing("timeEnd", "timeEnd or actualHours")}
	}
	if w.draft.text("chargeToType") == "ServiceTicket" && w.store.tables[ticketResource].byID[w.draft.number("chargeToId")] == nil {
		return []fieldError{bad("chargeToId", "Ticket %d not found", w.draft.number("chargeToId"))}
	}
	return nil
}

// timeEntryNotes are the notes that time entries leave in a ticket, in the shape of ServiceTicketNote. Their ids are
// those of the entries, far behind those of notes.
func (s *store) timeEntryNotes(ticket *record) []*record {
	const behind = 1_000_000
	var rows []*record
	for _, entry := range s.tables[timeEntryResource].rows {
		body := strings.TrimSpace(entry.text("notes"))
		if entry.number("chargeToId") != ticket.id || entry.text("chargeToType") != "ServiceTicket" || body == "" {
			continue
		}
		rows = append(rows, &record{
			id: behind + entry.id, entered: entry.entered, updated: entry.updated, enteredBy: entry.enteredBy, updatedBy: entry.updatedBy,
			values: map[string]any{
				"noteType": "TimeEntryNote", "ticket": ref{ticketResource, ticket.id}, "text": body,
				"detailDescriptionFlag": entry.flag("addToDetailDescriptionFlag"), "internalAnalysisFlag": entry.flag("addToInternalAnalysisFlag"),
				"resolutionFlag": entry.flag("addToResolutionFlag"),
			},
		})
	}
	return rows
}
