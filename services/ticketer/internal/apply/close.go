package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

func (r *run) closeTicket(ctx context.Context) (done bool, err error) {
	o, done, err := r.setStatus(ctx, "close ticket", func(ctx context.Context, ticket, board int64) (*ticketv1.Observed, error) {
		return r.site.desk.CloseTicket(ctx, ticket, board)
	})
	if o == nil {
		return done, err
	}
	if err := r.besides(ctx, o, plan.FieldStatus); err != nil {
		return true, err
	}
	return false, r.closed(ctx, o, resolutionName(r.ledger.GetWanted()))
}

// closed tells and records that the incident is over with its ticket. A nil o leaves the ticket as it was seen.
func (r *run) closed(ctx context.Context, o *ticketv1.Observed, reason string) error {
	summary := r.ledger.GetSummary()
	event := &ticketv1.Event{Action: ticketv1.Action_ACTION_CLOSED, TicketId: r.ledger.GetTicketId(), Summary: summary, Reason: reason}
	if o == nil && r.ledger.GetObserved().GetDeleted() {
		event.Action = ticketv1.Action_ACTION_DROPPED
	}
	nth := r.nth()
	if at := r.ledger.GetClosedAt(); at != nil { // opened by a late request of ours; see reopen
		nth += fmt.Sprintf("c%d", at.GetSeconds())
	}
	if err := r.publish(ctx, event, nth); err != nil {
		return err
	}
	if err := r.put(ctx, "record close", plan.Closed(r.ledger, o, r.clock.Now())); err != nil {
		return err
	}
	r.metrics.observeLag("closed", r.clock.Now().Sub(r.ledger.GetWanted().GetOccurredAt().AsTime()))
	r.log.InfoContext(ctx, "closed", r.about("summary", summary, "reason", reason)...)
	return nil
}

func (r *run) drop(ctx context.Context) error {
	event := &ticketv1.Event{Action: ticketv1.Action_ACTION_DROPPED, Summary: r.words().summary(r.ledger.GetWanted()), Reason: resolutionName(r.ledger.GetWanted())}
	if err := r.publish(ctx, event, ""); err != nil {
		return err
	}
	if err := r.put(ctx, "record drop", plan.Dropped(r.ledger, r.clock.Now())); err != nil {
		return err
	}
	r.log.InfoContext(ctx, "dropped: over before it had a ticket", r.about()...)
	return nil
}

// setStatus changes the ticket's status on the board that it was last seen on, and returns it as it is then. When
// ConnectWise refuses, the ticket is looked at once: people may have moved it meanwhile. A nil ticket means that the
// run goes on (or has ended) without the change.
func (r *run) setStatus(
	ctx context.Context, action string, change func(ctx context.Context, ticket, board int64) (*ticketv1.Observed, error),
) (o *ticketv1.Observed, done bool, err error) {
	err = r.call(ctx, action, func(ctx context.Context) error {
		o, err = change(ctx, r.ledger.GetTicketId(), r.ledger.GetObserved().GetBoardId())
		return err
	})
	switch {
	case err == nil:
		r.saw(r.ledger.GetTicketId())
		return o, false, nil
	case errors.As(err, new(*desk.ClosedAtOnceError)):
		r.saw(r.ledger.GetTicketId())
		return nil, true, r.failed(ctx, action, plan.ClosedAtOnce(r.ledger, o, r.clock.Now()), err)
	case errclass.Of(err) != errclass.Rejected && errclass.Of(err) != errclass.NotFound || r.reread:
		return nil, true, r.failed(ctx, action, r.ledger, err)
	}
	done, err = r.lookAgain(ctx, action, err)
	return nil, done, err
}

// look reads the ticket, which has changed in a way that is not known. If it cannot be read now, that stays on record. One that
// is not found is asked for twice: one answer alone does not prove that it was deleted.
func (r *run) look(ctx context.Context) (done bool, err error) {
	var now *ticketv1.Observed
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		now, err = r.site.desk.Read(ctx, r.ledger.GetTicketId())
		if err == nil && now.GetDeleted() && !r.ledger.GetObserved().GetDeleted() {
			now, err = r.site.desk.Read(ctx, r.ledger.GetTicketId())
		}
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "read ticket", plan.LookNeeded(r.ledger, r.clock.Now()), err)
	}
	r.saw(now.GetTicketId())
	l, by := r.ledger, now.GetUpdatedBy()
	if l.GetLookDue() && l.GetPhase() == ticketv1.Phase_PHASE_CLOSED && !l.GetObserved().GetDeleted() && plan.Open(now) && by != "" && by == l.GetWrittenAs() {
		if next, changed := plan.OpenedLate(l, now, r.clock.Now()); changed {
			return false, r.put(ctx, "record late opening", next)
		}
	}
	news, err := r.see(ctx, now)
	if err != nil || news || !r.ledger.GetLookDue() {
		return err != nil, err
	}
	return false, r.put(ctx, "record look", plan.Looked(r.ledger, r.clock.Now()))
}

// lookAgain reads a ticket of which ConnectWise has refused a change, once in a run: people may have moved, closed or
// merged it since it was seen last, or deleted it, which one answer alone does not prove. Without news the refusal stands.
func (r *run) lookAgain(ctx context.Context, action string, refused error) (done bool, err error) {
	r.reread = true
	var now *ticketv1.Observed
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		now, err = r.site.desk.Read(ctx, r.ledger.GetTicketId())
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "read ticket", r.ledger, err)
	}
	r.saw(now.GetTicketId())
	news, err := r.see(ctx, now)
	if err != nil || news {
		return err != nil, err
	}
	return true, r.failed(ctx, action, r.ledger, refused)
}
