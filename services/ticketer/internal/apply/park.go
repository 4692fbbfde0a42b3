package apply

import (
	"context"
	"fmt"
	"log/slog"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// park puts a wait on record. In shadow mode it tells what would have been done.
func (r *run) park(ctx context.Context, p plan.Park) error { return r.parkFrom(ctx, r.ledger, p) }

func (r *run) parkFrom(ctx context.Context, from *ticketv1.Ledger, p plan.Park) error {
	old := r.ledger.GetPark()
	news := old.GetReason() != p.Reason || old.GetDetail() != p.Detail
	switch {
	case p.Reason == ticketv1.ParkReason_PARK_REASON_SHADOW:
		summary, body := r.planned()
		event := &ticketv1.Event{Action: ticketv1.Action_ACTION_PLANNED, Summary: summary, Text: body, Reason: p.Detail}
		if err := r.publish(ctx, event, ""); err != nil {
			return err
		}
		r.log.InfoContext(ctx, "planned, not done: shadow mode", r.about("summary", summary)...)
	case p.Reason == ticketv1.ParkReason_PARK_REASON_YIELDED:
		// A storm has one for each of its devices, and they are over within moments.
		r.log.DebugContext(ctx, "gives way", r.about("until", p.Until)...)
	case news:
		event := &ticketv1.Event{Action: ticketv1.Action_ACTION_PARKED, Reason: reasonName(p.Reason) + ": " + p.Detail}
		if err := r.publish(ctx, event, fmt.Sprint(r.revision)); err != nil {
			return err
		}
		level := slog.LevelInfo
		if p.Reason == ticketv1.ParkReason_PARK_REASON_COMPANY && r.facts.Link == nil {
			level = slog.LevelDebug // the first question about a customer is mostly answered at once
		}
		r.log.Log(ctx, level, "parked", r.about("reason", reasonName(p.Reason), "detail", p.Detail, "until", p.Until)...)
	}
	return r.put(ctx, "park", plan.Parked(from, p, r.clock.Now()))
}

// planned is what live mode would write now.
func (r *run) planned() (summary, body string) {
	wanted := r.ledger.GetWanted()
	summary = r.words().summary(wanted)
	switch r.ledger.GetPhase() {
	case ticketv1.Phase_PHASE_OPEN, ticketv1.Phase_PHASE_CLOSING, ticketv1.Phase_PHASE_HANDED_OVER, ticketv1.Phase_PHASE_REOPENING:
		return summary, r.noteText()
	default:
		return summary, r.words().description(wanted)
	}
}
