package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// answer does the steps that answer what people did with a ticket.
func (r *run) answer(ctx context.Context, step plan.Step) (done bool, err error) {
	now := r.clock.Now()
	switch step := step.(type) {
	case plan.End:
		return false, r.closed(ctx, nil, step.Why)
	case plan.LeaveOpen:
		return false, r.closed(ctx, nil, "left open: "+step.Why)
	case plan.Follow:
		return r.follow(ctx, step.Ticket)
	case plan.HandOver:
		if err := r.tellHandover(ctx, step); err != nil {
			return true, err
		}
		if err := r.put(ctx, "record handover", plan.HandedOver(r.ledger, step, now)); err != nil {
			return true, err
		}
		r.log.WarnContext(ctx, "handed over", r.about("reason", step.Why, "until", step.Until)...)
		return true, nil
	case plan.Resume:
		return false, r.put(ctx, "record resume", plan.Resumed(r.ledger, now))
	case plan.BeginReopen:
		return false, r.put(ctx, "begin reopen", plan.ReopenBegun(r.ledger, now))
	case plan.Reopen:
		return r.reopen(ctx)
	case plan.Retake:
		return false, r.retake(ctx, step.Ticket)
	case plan.PointOut:
		return r.pointOut(ctx, step)
	case plan.Renew:
		r.log.WarnContext(ctx, "the incident gets a new ticket", r.about("reason", step.Why)...)
		// It was seen just now, so that a create that need not wait needs no other look.
		r.facts.Former = r.ledger.GetObserved()
		return false, r.put(ctx, "renew", plan.Renewed(r.ledger, step, now))
	case plan.LookBack:
		return r.lookBack(ctx, step.Ticket)
	case plan.Yield:
		return true, r.yield(ctx)
	case plan.Attach:
		return r.attach(ctx, step.Parent)
	case plan.MoveHome:
		return r.moveHome(ctx, step.Company)
	case plan.StandAlone:
		return false, r.put(ctx, "record no group", plan.Attached(r.ledger, 0, now))
	default:
		return true, errclass.Newf(errclass.Bug, "do step", "unknown step %T", step)
	}
}

// tellHandover tells that a ticket is left to people, until when, and by which setting.
func (r *run) tellHandover(ctx context.Context, step plan.HandOver) error {
	reason := "the device to recover: " + step.Why
	if !step.Until.IsZero() {
		reason = fmt.Sprintf("%s: %s; until %s", reasonName(ticketv1.ParkReason_PARK_REASON_RESPECTED), step.Why, step.Until.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return r.publish(ctx, &ticketv1.Event{Action: ticketv1.Action_ACTION_PARKED, TicketId: r.ledger.GetTicketId(), Reason: reason}, fmt.Sprint(r.revision))
}

// see takes a picture of the ticket into the ledger and tells what has changed; false when nothing has.
func (r *run) see(ctx context.Context, o *ticketv1.Observed) (news bool, err error) {
	next, changes := plan.Observe(r.ledger, o, r.clock.Now())
	if len(changes) == 0 {
		return false, nil
	}
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_OBSERVED, TicketId: o.GetTicketId(), CompanyId: next.GetCompanyId(),
		Reason: strings.Join(changes, "; "), Observed: next.GetObserved(),
	}
	// Derived from what was seen, so that the same picture seen twice is told once.
	id := fmt.Sprintf("%d@%d:%t", o.GetTicketId(), o.GetLastUpdated().GetSeconds(), o.GetDeleted())
	if err := r.publish(ctx, event, id); err != nil {
		return false, err
	}
	if err := r.put(ctx, "record observation", next); err != nil {
		return false, err
	}
	r.log.InfoContext(ctx, "observed", r.about("changes", event.GetReason())...)
	return true, nil
}

// reopen opens the ticket again.
func (r *run) reopen(ctx context.Context) (done bool, err error) {
	o, done, err := r.setStatus(ctx, "reopen ticket", func(ctx context.Context, ticket, board int64) (*ticketv1.Observed, error) {
		o, err := r.site.desk.Reopen(ctx, ticket, board)
		if err == nil {
			err = r.site.desk.Opened(ctx, o)
		}
		return o, err
	})
	if o != nil {
		done, err = r.reopened(ctx, o)
	}
	if errclass.Of(err) != errclass.Conflict {
		return done, err
	}
	// Another process went on while this one stood still before its request, and may have closed the ticket. The message, which
	// comes again, finds what is to be done about that.
	_, late := r.ledgers.Update(ctx, r.key, func(l *ticketv1.Ledger) (*ticketv1.Ledger, error) {
		if l.GetTicketId() != r.ledger.GetTicketId() {
			return nil, bus.ErrKeep
		}
		if next, changed := plan.OpenedLate(l, o, r.clock.Now()); changed {
			return next, nil
		}
		return nil, bus.ErrKeep
	})
	return true, errors.Join(err, late)
}

// reopened tells and records that the ticket is open again.
func (r *run) reopened(ctx context.Context, o *ticketv1.Observed) (done bool, err error) {
	if err := r.besides(ctx, o, plan.FieldStatus); err != nil {
		return true, err
	}
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_REOPENED, TicketId: o.GetTicketId(), Summary: r.ledger.GetSummary(), Observed: o, Reason: plan.WhyOpened(r.ledger),
	}
	if err := r.publish(ctx, event, fmt.Sprintf("%d:%d", o.GetTicketId(), r.ledger.GetPrefaces()+1)); err != nil {
		return true, err
	}
	if err := r.put(ctx, "record reopen", plan.Reopened(r.ledger, o, r.clock.Now())); err != nil {
		return true, err
	}
	r.log.InfoContext(ctx, "reopened", r.about()...)
	return false, nil
}

// takeUp makes the ticket of the device's earlier incident this one's.
func (r *run) takeUp(ctx context.Context, ticket int64) error {
	earlier := r.facts.Earlier
	if earlier.GetTicketId() != ticket {
		earlier = plan.Had(r.facts.GaveUp, r.facts.Former)
	}
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_ADOPTED, TicketId: earlier.GetTicketId(), CompanyId: earlier.GetCompanyId(), Summary: earlier.GetSummary(),
		Reason: "the device failed again; its last ticket, of incident " + earlier.GetIncidentId() + ", serves again",
	}
	if err := r.publish(ctx, event, ""); err != nil {
		return err
	}
	return r.put(ctx, "take up", plan.TakenUp(r.ledger, earlier, r.clock.Now()))
}

// follow reads the ticket that the present one was merged into and makes it the incident's.
func (r *run) follow(ctx context.Context, target int64) (done bool, err error) {
	var o *ticketv1.Observed
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		o, err = r.site.desk.Read(ctx, target)
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "read ticket", r.ledger, err)
	}
	r.saw(target)
	was := r.ledger.GetTicketId()
	foreign, err := r.foreign(ctx, o)
	if err != nil {
		return true, err
	}
	next := plan.Followed(r.ledger, o, foreign, r.clock.Now())
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_ADOPTED, TicketId: target, CompanyId: o.GetCompanyId(), Summary: o.GetSummary(), Observed: o,
		Reason: fmt.Sprintf("ticket %d was merged into it", was),
	}
	if next.GetPutAwayAt() != nil {
		event.Reason += ", which was closed already; that counts as closing it while the device fails"
	}
	if err := r.publish(ctx, event, fmt.Sprintf("%d>%d", was, target)); err != nil {
		return true, err
	}
	if err := r.put(ctx, "record merge", next); err != nil {
		return true, err
	}
	r.log.InfoContext(ctx, "following the ticket that ours was merged into", r.about("merged", was)...)
	return false, nil
}

// foreign reports whether a ticket is somebody else's: it has no reference of ours, and no incident has adopted it. One that
// had a reference of others keeps it when it is adopted.
func (r *run) foreign(ctx context.Context, o *ticketv1.Observed) (foreign bool, err error) {
	if strings.HasPrefix(o.GetReference(), adopt.Prefix(r.bus.Installation(), r.ledger.GetTenant())) {
		return false, nil
	}
	foreign = true
	err = r.ledgers.Each(ctx, bus.Key(r.ledger.GetTenant())+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		if e.Key != r.key && e.Value.GetTicketId() == o.GetTicketId() && !differs(e.Value.GetServer(), r.facts.Server) && !e.Value.GetForeign() {
			foreign = false
		}
		return nil
	})
	return foreign, err
}

// moveHome gives the ticket to the customer's own company. A refusal is final, because the ticket does its work where it is.
func (r *run) moveHome(ctx context.Context, company int64) (done bool, err error) {
	// A move is rare and can afford a look of its own: where a person has put the ticket it stays.
	var o *ticketv1.Observed
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		o, err = r.site.desk.Read(ctx, r.ledger.GetTicketId())
		return err
	})
	switch {
	case errclass.Of(err) == errclass.NotFound && !r.reread:
		return r.lookAgain(ctx, "read ticket", err)
	case err != nil:
		return true, r.failed(ctx, "read ticket", r.ledger, err)
	case o.GetCompanyId() != r.ledger.GetObserved().GetCompanyId():
		return r.take(ctx, o)
	}
	err = r.call(ctx, "move ticket", func(ctx context.Context) error {
		o, err = r.site.desk.Move(ctx, r.ledger.GetTicketId(), company)
		return err
	})
	switch errclass.Of(err) {
	case errclass.NotFound:
		if r.reread {
			return true, r.failed(ctx, "move ticket", r.ledger, err)
		}
		return r.lookAgain(ctx, "move ticket", err)
	case errclass.Rejected:
		if err := r.observed(ctx, r.ledger.GetTicketId(), fmt.Sprintf("it cannot be moved to company %d: %v", company, err)); err != nil {
			return true, err
		}
		return false, r.put(ctx, "record no move", plan.Moved(r.ledger, nil, r.clock.Now()))
	default:
		if err != nil {
			return true, r.failed(ctx, "move ticket", r.ledger, err)
		}
	}
	r.saw(o.GetTicketId())
	if err := r.besides(ctx, o, plan.FieldCompany); err != nil {
		return true, err
	}
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_MOVED, TicketId: o.GetTicketId(), CompanyId: o.GetCompanyId(), Summary: o.GetSummary(), Observed: o,
		Reason: fmt.Sprintf("from the catch-all company to %q", o.GetCompany()),
	}
	if err := r.publish(ctx, event, fmt.Sprint(company)); err != nil {
		return true, err
	}
	return false, r.put(ctx, "record move", plan.Moved(r.ledger, o, r.clock.Now()))
}

// attach makes the ticket a child of the group's. A refusal is final: people arrange tickets as they like.
func (r *run) attach(ctx context.Context, parent int64) (done bool, err error) {
	err = r.call(ctx, "attach ticket", func(ctx context.Context) error { return r.site.desk.Attach(ctx, parent, r.ledger.GetTicketId()) })
	event := &ticketv1.Event{Action: ticketv1.Action_ACTION_ATTACHED, TicketId: r.ledger.GetTicketId(), Reason: fmt.Sprintf("now a child of ticket %d", parent)}
	switch class := errclass.Of(err); {
	case err == nil:
	case class == errclass.UnknownOutcome, class == errclass.Rejected, class == errclass.NotFound:
		var now *ticketv1.Observed
		look := r.call(ctx, "read ticket", func(ctx context.Context) (err error) {
			now, err = r.site.desk.Read(ctx, r.ledger.GetTicketId())
			return err
		})
		switch {
		case look != nil:
			return true, r.failed(ctx, "read ticket", r.ledger, look)
		case now.GetParentId() == parent: // a lost answer, or a repetition of what was done
		case class == errclass.UnknownOutcome:
			return true, r.failed(ctx, "attach ticket", r.ledger, err)
		default:
			if err := r.observed(ctx, r.ledger.GetTicketId(), fmt.Sprintf("it cannot be made a child of ticket %d: %v", parent, err)); err != nil {
				return true, err
			}
			return false, r.put(ctx, "record no group", plan.Attached(r.ledger, 0, r.clock.Now()))
		}
	default:
		return true, r.failed(ctx, "attach ticket", r.ledger, err)
	}
	if err := r.publish(ctx, event, fmt.Sprint(parent)); err != nil {
		return true, err
	}
	return false, r.put(ctx, "record group", plan.Attached(r.ledger, parent, r.clock.Now()))
}
