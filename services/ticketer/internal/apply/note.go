package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/notice"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

func (r *run) beginNote(ctx context.Context, name string, begin func(*ticketv1.Ledger, time.Time) *ticketv1.Ledger) error {
	r.facts.Begun, r.facts.LookedAt = plan.BegunNote, time.Time{}
	return r.put(ctx, name, begin(r.ledger, r.clock.Now()))
}

// noteText is the note that is due. One with a preface has a marker of its own, because the revision's may stand
// in the ticket already.
func (r *run) noteText() string {
	shown, wanted := r.ledger.GetShown(), r.ledger.GetWanted()
	if plan.Resolved(r.ledger) {
		return r.words().resolution(shown, wanted)
	}
	body := r.words().change(shown, wanted)
	if p := r.ledger.GetPreface(); p != ticketv1.Preface_PREFACE_UNSPECIFIED {
		body = notice.Preface(p, r.ledger.GetPrefaceDetail()) + "\n\n" + body + "\n" + r.marker(wanted.GetRevision())
	}
	return body
}

// marker is how the note that was begun is found again.
func (r *run) marker(revision uint32) string {
	marker := text.Marker(r.ledger.GetIncidentId(), revision)
	if r.ledger.GetPreface() != ticketv1.Preface_PREFACE_UNSPECIFIED && !plan.Resolved(r.ledger) {
		marker = notice.Marker(marker, r.ledger.GetPrefaces())
	}
	return marker
}

func (r *run) note(ctx context.Context) (done bool, err error) {
	body := r.noteText()
	r.facts.Begun = plan.BegunNothing
	err = r.call(ctx, "post note", func(ctx context.Context) error {
		if plan.Resolved(r.ledger) {
			return r.site.desk.Resolve(ctx, r.ledger.GetTicketId(), body)
		}
		if rollup.Is(r.ledger) { // it names several customers' devices
			return r.site.desk.Tell(ctx, r.ledger.GetTicketId(), body)
		}
		return r.site.desk.Note(ctx, r.ledger.GetTicketId(), body)
	})
	switch errclass.Of(err) {
	case errclass.UnknownOutcome:
		r.unknown(ctx, "note", err)
		return false, ctx.Err()
	case errclass.NotFound, errclass.Rejected:
		if r.reread {
			return true, r.failed(ctx, "post note", plan.NoteWithdrawn(r.ledger, r.clock.Now()), err)
		}
		if err := r.put(ctx, "withdraw note", plan.NoteWithdrawn(r.ledger, r.clock.Now())); err != nil {
			return true, err
		}
		return r.lookAgain(ctx, "post note", err)
	default:
		if err != nil {
			return true, r.failed(ctx, "post note", plan.NoteWithdrawn(r.ledger, r.clock.Now()), err)
		}
	}
	return false, r.noted(ctx, body)
}

func (r *run) findNote(ctx context.Context) (done bool, err error) {
	marker := r.marker(r.ledger.GetNoteBegunRevision())
	var found bool
	at, err := r.search(ctx, "find note", func(ctx context.Context) (err error) {
		found, err = r.site.desk.HasNote(ctx, r.ledger.GetTicketId(), marker)
		return err
	})
	switch {
	case err != nil && errclass.Of(err) == errclass.NotFound && !r.reread:
		return r.lookAgain(ctx, "find note", err)
	case err != nil:
		return true, r.failed(ctx, "find note", r.ledger, err)
	case !found:
		r.facts.LookedAt = at
		return false, nil
	}
	return false, r.noted(ctx, r.noteText())
}

// noted records that the ticket shows the wanted picture. A resolution note is told with the close that follows.
func (r *run) noted(ctx context.Context, body string) error {
	resolution := plan.Resolved(r.ledger)
	summary := r.ledger.GetSummary()
	if !resolution {
		event := &ticketv1.Event{Action: ticketv1.Action_ACTION_ANNOTATED, TicketId: r.ledger.GetTicketId(), Summary: summary, Text: body}
		if err := r.publish(ctx, event, r.nth()); err != nil {
			return err
		}
	}
	if err := r.put(ctx, "record note", r.withFallen(plan.Noted(r.ledger, r.clock.Now()))); err != nil {
		return err
	}
	if !resolution {
		r.log.InfoContext(ctx, "annotated", r.about("summary", summary)...)
	}
	return nil
}

// nth tells the events of an incident's later tickets, and of notes with a preface, from those before.
func (r *run) nth() string {
	n := ""
	if renewals := r.ledger.GetRenewals(); renewals > 0 {
		n = fmt.Sprintf("t%d", renewals+1)
	}
	if r.ledger.GetPreface() != ticketv1.Preface_PREFACE_UNSPECIFIED {
		n += fmt.Sprintf("p%d", r.ledger.GetPrefaces())
	}
	return n
}
