package apply

import (
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
)

// words write the texts of a ticket.
type words struct {
	summary     func(e *incidentv1.Event) string
	description func(e *incidentv1.Event) string
	analysis    func(e *incidentv1.Event, reference string) string
	change      func(shown, e *incidentv1.Event) string
	resolution  func(shown, e *incidentv1.Event) string
}

// words are those for the incident's kind.
func (r *run) words() words {
	w := r.writer()
	if !rollup.Is(r.ledger) {
		return words{w.Summary, w.Description, w.Analysis, w.Change, w.Resolution}
	}
	return words{
		summary:     func(e *incidentv1.Event) string { return rollup.Summary(w, e) },
		description: func(e *incidentv1.Event) string { return rollup.Description(w, e) },
		analysis:    func(e *incidentv1.Event, reference string) string { return rollup.Analysis(w, e, reference) },
		change:      func(shown, e *incidentv1.Event) string { return rollup.Change(w, shown, e) },
		resolution:  func(_, e *incidentv1.Event) string { return rollup.Resolution(w, e) },
	}
}
