package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/notice"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// meet takes in that a ticket which the incident had before was seen open, or merged into another while the next is not being
// made yet. Both it and the present one are read, because
// people may have closed the one as they opened the other, and a list of changes shows them in any order.
func (r *run) meet(ctx context.Context, ticket int64) (done bool, err error) {
	var now *ticketv1.Observed
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		now, err = r.site.desk.Read(ctx, ticket)
		return err
	})
	if err != nil {
		return true, r.leftOut(ctx, "a former ticket cannot be read", err)
	}
	if !plan.Open(now) && !(plan.Merged(now) && plan.GivenUpLast(r.ledger) == ticket) {
		return false, nil
	}
	r.facts.Stray = now
	switch {
	case r.ledger.GetPhase() == ticketv1.Phase_PHASE_CLOSED, r.ledger.GetPhase() == ticketv1.Phase_PHASE_DROPPED:
		return false, r.learnCurrent(ctx)
	case r.ledger.GetTicketId() == 0:
		return false, nil
	default:
		return r.look(ctx)
	}
}

// leftOut logs what the next comparison of tickets with ledgers brings again. An end of the run itself is no failure.
func (r *run) leftOut(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return errclass.New(errclass.Transient, "handle incident", ctx.Err())
	}
	r.log.WarnContext(ctx, "left out, the next comparison of tickets brings it again", r.about("what", what, "err", err)...)
	return nil
}

// pointOut says in a ticket that people opened again which one is the present one. It goes on record before the note is sent,
// so that of two ticketers one sends it: the note is a courtesy, and better lost than doubled. One that was refused is tried
// again with the next comparison; one of unknown outcome is not.
func (r *run) pointOut(ctx context.Context, step plan.PointOut) (done bool, err error) {
	event := &ticketv1.Event{Action: ticketv1.Action_ACTION_OBSERVED, TicketId: step.Ticket, Reason: step.Words(), Observed: r.facts.Stray}
	if err := r.publish(ctx, event, fmt.Sprintf("%d:%d", step.Ticket, step.Current)); err != nil {
		return true, err
	}
	before := r.ledger.GetRemarks()
	if err := r.put(ctx, "record pointing out", plan.PointedOut(r.ledger, step, r.clock.Now())); err != nil {
		return true, err
	}
	r.log.InfoContext(ctx, "observed", r.about("reason", step.Words())...)
	if step.Current == 0 {
		return false, nil
	}
	err = r.call(ctx, "point out", func(ctx context.Context) error {
		device := r.ledger.GetDeviceId()
		// Another incident of the device that had the ticket may have said it.
		there, err := r.site.desk.HasNote(ctx, step.Ticket, notice.ElsewhereMarker(device, step.Current))
		if err != nil || there {
			return err
		}
		return r.site.desk.Tell(ctx, step.Ticket, notice.Elsewhere(device, step.Current))
	})
	switch {
	case err == nil:
		return false, nil
	case ctx.Err() == nil && errclass.Of(err) != errclass.UnknownOutcome:
		if err := r.put(ctx, "withdraw pointing out", plan.NotPointedOut(r.ledger, before, r.clock.Now())); err != nil {
			return true, err
		}
	}
	return true, r.leftOut(ctx, "it cannot be noted which ticket is the present one", err)
}

// lookBack reads the ticket that is to be replaced, before another is made.
func (r *run) lookBack(ctx context.Context, ticket int64) (done bool, err error) {
	now, err := r.read(ctx, ticket)
	switch {
	case refused(err):
		// It is out of sight for good, maybe, and nobody works in it for all that is known. The create's own refusals are told.
		r.log.WarnContext(ctx, "the ticket that is to be replaced may not be read, and is taken for closed", r.about("former", ticket, "err", err)...)
		r.saw(ticket)
		now = &ticketv1.Observed{TicketId: ticket, Closed: true}
	case err != nil:
		return true, r.failed(ctx, "read ticket", r.ledger, err)
	}
	r.facts.Former = now
	return false, nil
}

// refused reports whether ConnectWise does not show one ticket, which says nothing about others.
func refused(err error) bool {
	var answer *connectwise.APIError
	return errors.As(err, &answer) && (answer.Status == http.StatusForbidden || answer.Status == http.StatusBadRequest)
}

// forgetFormer lets go of a picture of the ticket that is to be replaced which is not fresh any more.
func (r *run) forgetFormer() {
	now := r.clock.Now()
	if former := r.facts.Former; former != nil && !recent(r.glanced, now) && !r.site.sights.seen(former.GetTicketId(), now) {
		r.facts.Former = nil
	}
}

// retake makes a ticket that the incident had before its ticket again.
func (r *run) retake(ctx context.Context, ticket int64) error {
	o, was, nth := r.facts.Stray, r.ledger.GetTicketId(), ""
	if o.GetTicketId() != ticket {
		o = r.facts.Former
	}
	if was == 0 {
		nth = fmt.Sprintf(":%d", r.ledger.GetRenewals())
	}
	if last := plan.GivenUpLast(r.ledger); last != ticket {
		was = cmp.Or(was, last) // it was given up just now
	}
	reason := fmt.Sprintf("people opened it again, which the incident had before, and closed or deleted ticket %d", was)
	if was == 0 {
		reason = "people opened it again before a ticket was made in place of it"
		if o.GetMergedInto() != 0 {
			reason = fmt.Sprintf("people merged it into ticket %d before a ticket was made in place of it", o.GetMergedInto())
		}
	}
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_ADOPTED, TicketId: o.GetTicketId(), CompanyId: o.GetCompanyId(), Summary: o.GetSummary(), Observed: o, Reason: reason,
	}
	if err := r.publish(ctx, event, fmt.Sprintf("%d:%d%s", was, o.GetTicketId(), nth)); err != nil {
		return err
	}
	r.facts.Stray, r.facts.Former = nil, nil
	if err := r.put(ctx, "record retaking", plan.Retaken(r.ledger, o, r.clock.Now())); err != nil {
		return err
	}
	r.log.InfoContext(ctx, "following a ticket that the incident had before", r.about("instead of", was, "reason", reason)...)
	return nil
}

// former reports whether a ticket is one that the incident had before its present one.
func former(l *ticketv1.Ledger, ticket int64) bool {
	return ticket != l.GetTicketId() && slices.Contains(l.GetFormerTicketIds(), ticket)
}

// learnCurrent finds the ticket of the device's incident that is not over, for one that is and whose ticket is open again.
func (r *run) learnCurrent(ctx context.Context) error {
	r.facts.Current = 0
	if !plan.Open(r.ledger.GetObserved()) && r.facts.Stray == nil {
		return nil
	}
	return r.ledgers.Each(ctx, bus.Key(r.ledger.GetTenant(), r.ledger.GetDeviceId())+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		if other := e.Value; e.Key != r.key && plan.Serves(other) && other.GetTicketId() != r.ledger.GetTicketId() && !differs(other.GetServer(), r.facts.Server) {
			r.facts.Current = other.GetTicketId()
		}
		return nil
	})
}
