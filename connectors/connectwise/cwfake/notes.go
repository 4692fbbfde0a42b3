package cwfake

import (
	"cmp"
	"maps"
	"slices"
)

// addNote stores a note of the writer without the rules of a request, for texts that the service itself turns
// into notes.
func (s *store) addNote(ticket *record, values map[string]any, by stamp) {
	note := &record{values: maps.Clone(values), entered: by.at, updated: by.at, enteredBy: by.by, updatedBy: by.by}
	note.values["ticketId"] = float64(ticket.id)
	w := &write{store: s, res: s.tables[noteResource].resource, stamp: by, record: note, draft: note}
	w.signNote()
	s.tables[noteResource].insert(note)
}

// signNote stamps a note with its author.
func (w *write) signNote() {
	w.set("dateCreated", w.stamp.at)
	w.set("createdBy", w.stamp.by)
	if w.draft.values["contact"] == nil {
		if author := w.store.tables[memberResource].find(0, "identifier", w.stamp.by); len(author) == 1 {
			w.set("member", ref{memberResource, author[0].id})
		}
	}
	w.set("internalFlag", w.draft.flag("internalAnalysisFlag") && !w.draft.flag("detailDescriptionFlag"))
	w.set("externalFlag", w.draft.flag("detailDescriptionFlag"))
}

func checkNote(w *write) []fieldError {
	ticket := w.store.tables[ticketResource].byID[w.draft.number("ticketId")]
	if ticket != nil && ticket.values["mergedParentTicket"] != nil && w.store.switches.MergedTicketsFrozen {
		return []fieldError{bad("ticketId", "Ticket %d is merged into ticket %d and cannot be changed", ticket.id, ticket.ref("mergedParentTicket"))}
	}
	if !w.draft.flag("detailDescriptionFlag") && !w.draft.flag("internalAnalysisFlag") && !w.draft.flag("resolutionFlag") {
		return []fieldError{missing("detailDescriptionFlag", "detailDescriptionFlag, internalAnalysisFlag or resolutionFlag")}
	}
	return nil
}

// noteSaved stamps a new note and marks its ticket as changed.
func noteSaved(w *write) {
	if w.before == nil {
		w.draft = w.record
		w.signNote()
	}
	if ticket := w.store.tables[ticketResource].byID[w.record.number("ticketId")]; ticket != nil {
		w.touch(ticket)
	}
}

// allNotes are the notes of a ticket and of those merged into it, oldest first, in the shape of ServiceTicketNote.
func (s *store) allNotes(ticket *record) []*record {
	var rows []*record
	add := func(owner *record, merged bool) {
		for _, note := range s.tables[noteResource].of(owner.id) {
			row := &record{id: note.id, values: map[string]any{}, entered: note.entered, updated: note.updated, enteredBy: note.enteredBy, updatedBy: note.updatedBy}
			for _, member := range []string{"text", "detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag", "issueFlag", "member", "contact"} {
				if value := note.values[member]; value != nil {
					row.values[member] = value
				}
			}
			row.values["noteType"] = "TicketNote"
			row.values["ticket"] = ref{ticketResource, owner.id}
			row.values["mergedFlag"] = merged
			row.values["originalAuthor"] = note.text("createdBy")
			rows = append(rows, row)
		}
	}
	add(ticket, false)
	rows = append(rows, s.timeEntryNotes(ticket)...)
	for id := range ticket.mergedFrom {
		add(s.tables[ticketResource].byID[id], true)
	}
	slices.SortFunc(rows, func(a, b *record) int { return cmp.Compare(a.id, b.id) })
	return rows
}
