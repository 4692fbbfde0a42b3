package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// beginCreate puts the create on record, once the settings are known to be good.
func (r *run) beginCreate(ctx context.Context, step plan.BeginCreate) (done bool, err error) {
	if err := r.call(ctx, "check settings", func(ctx context.Context) error {
		return r.site.desk.Check(ctx, r.ledger.GetWanted(), step.Company)
	}); err != nil {
		return true, r.failed(ctx, "check settings", r.ledger, err)
	}
	r.before = r.ledger
	r.facts.Begun, r.facts.LookedAt = plan.BegunCreate, time.Time{}
	next := plan.CreateBegun(r.ledger, r.reference(), r.facts.Server, step.Company, r.clock.Now())
	next.Summary = r.words().summary(next.GetShown())
	next.StandIn = r.facts.Link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL
	return false, r.put(ctx, "begin create", next)
}

// reference is what the incident's next ticket is found by. Each ticket of an incident has its own.
func (r *run) reference() string { return r.referenceOf(r.ledger) }

func (r *run) referenceOf(l *ticketv1.Ledger) string {
	reference := adopt.Prefix(r.bus.Installation(), l.GetTenant()) + l.GetIncidentId()
	if n := l.GetRenewals(); n > 0 {
		reference += fmt.Sprintf(":%d", n+1)
	}
	return reference
}

// draft is the ticket that the create on record asks for.
func (r *run) draft() desk.Draft {
	wanted := r.ledger.GetShown()
	replaced := r.ledger.GetReplaced()
	draft := desk.Draft{
		Summary: r.ledger.GetSummary(), Description: r.writer().Replaces(replaced, true) + r.words().description(wanted),
		Analysis:  r.writer().Replaces(replaced, false) + r.words().analysis(wanted, r.ledger.GetReference()),
		Reference: r.ledger.GetReference(), Company: r.ledger.GetCompanyId(), Event: wanted,
	}
	if r.ledger.GetStandIn() {
		draft.Analysis = text.AtCatchAll(wanted, r.facts.Link.GetReason()) + "\n\n" + draft.Analysis
	}
	return draft
}

func (r *run) create(ctx context.Context) (done bool, err error) {
	draft := r.draft()
	var made desk.Filed
	r.facts.Begun = plan.BegunNothing
	err = r.call(ctx, "post ticket", func(ctx context.Context) error {
		made, err = r.site.desk.Create(connectwise.Announced(ctx, r.place), draft)
		return err
	})
	switch {
	case err == nil:
		return false, r.created(ctx, made.Ticket, "", made.Remarks...)
	case errclass.Of(err) == errclass.UnknownOutcome:
		r.unknown(ctx, "create", err)
		return false, ctx.Err()
	default:
		if parked := r.failed(ctx, "post ticket", plan.CreateWithdrawn(r.ledger, r.before, r.clock.Now()), err); parked != nil || !companyRefused(err) {
			return true, parked
		}
		// The refusal is on record; an answer that ends the link wakes the incident.
		return true, r.wantCompany(ctx, ":doubted", true)
	}
}

// unknown notes a write whose outcome nobody knows; the next step looks for its trace.
func (r *run) unknown(ctx context.Context, what string, err error) {
	r.metrics.failures.WithLabelValues(errclass.UnknownOutcome.String()).Inc()
	r.log.WarnContext(ctx, "outcome unknown, looking for it", r.about("action", what, "err", err)...)
	r.facts.LookedAt = time.Time{}
}

// created records the incident's ticket. The event is that of the create also when the ticket was found later, so
// that there is one for each ticket.
func (r *run) created(ctx context.Context, t *ticketv1.Observed, how string, remarks ...string) error {
	next := plan.Created(r.ledger, t, r.clock.Now())
	r.saw(t.GetTicketId())
	var closed error
	if how == "" {
		next.WrittenAs = t.GetUpdatedBy()
		if closed = r.site.desk.Opened(ctx, t); closed != nil {
			next = plan.ClosedAtOnce(next, t, r.clock.Now())
		}
	}
	shown := next.GetShown()
	summary := r.ledger.GetSummary()
	event := &ticketv1.Event{
		Revision: shown.GetRevision(), Action: ticketv1.Action_ACTION_CREATED, TicketId: t.GetTicketId(), CompanyId: next.GetCompanyId(),
		Summary: summary, Text: r.writer().Replaces(next.GetReplaced(), true) + r.words().description(shown), Reason: because(how, next.GetReplaced()),
	}
	if err := r.publish(ctx, event, r.nth()); err != nil {
		return err
	}
	if err := r.remark(ctx, next, append(remarks, r.fallen...)); err != nil {
		return err
	}
	if err := r.put(ctx, "record ticket", next); err != nil {
		return err
	}
	r.metrics.observeLag("created", r.clock.Now().Sub(shown.GetOccurredAt().AsTime()))
	r.log.InfoContext(ctx, "created", r.about("company", next.GetCompanyId(), "summary", summary, "found", how != "")...)
	if closed != nil {
		return r.failed(ctx, "reopen ticket", r.ledger, closed)
	}
	return nil
}

// because says how a ticket was found, if it was, and which one it replaces and why.
func because(how string, replaced *ticketv1.Replaced) string {
	if replaced == nil {
		return how
	}
	why := plan.InPlaceOf(replaced)
	if how != "" {
		return how + "; " + why
	}
	return why
}

// remark puts what a person should know of the new ticket into its ledger, and tells it.
func (r *run) remark(ctx context.Context, next *ticketv1.Ledger, remarks []string) error {
	if next.Remarks = remarks; len(remarks) == 0 {
		return nil
	}
	what := strings.Join(remarks, " ")
	r.log.WarnContext(ctx, "the ticket is not as the settings say", r.about("reason", what)...)
	return r.publish(ctx, &ticketv1.Event{Action: ticketv1.Action_ACTION_REMARKED, TicketId: next.GetTicketId(), Reason: what}, fmt.Sprint(r.revision))
}

// search makes a call that looks for something, and returns when it began to look by the server's clock; by ours, where
// its answer does not tell.
func (r *run) search(ctx context.Context, name string, f func(ctx context.Context) error) (time.Time, error) {
	var answered time.Time
	began := r.clock.Now()
	err := r.call(ctx, name, func(ctx context.Context) error { return f(connectwise.Dating(ctx, &answered)) })
	if answered.IsZero() {
		return began, err
	}
	return answered.Add(-max(0, r.clock.Now().Sub(began))), err
}

// find looks for the ticket of a create whose outcome is not known.
func (r *run) find(ctx context.Context) (done bool, err error) {
	var found []desk.Found
	at, err := r.search(ctx, "find ticket", func(ctx context.Context) (err error) {
		found, err = r.site.desk.Find(ctx, r.ledger.GetReference())
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "find ticket", r.ledger, err)
	}
	all := make([]plan.Made, 0, len(found))
	for _, f := range found {
		all = append(all, plan.Made{Ticket: f.Ticket, Entered: f.Entered()})
	}
	i := plan.OfCreate(r.ledger, all)
	if i < 0 {
		r.facts.LookedAt = at
		return false, nil
	}
	if len(found) > 1 {
		ticket := found[i].Ticket.GetTicketId()
		if err := r.observed(ctx, ticket, fmt.Sprintf("%d tickets have the incident's reference: %s; ticket %d is used", len(found), listed(found), ticket)); err != nil {
			return true, err
		}
	}
	var made desk.Filed
	err = r.call(ctx, "complete ticket", func(ctx context.Context) error {
		made, err = r.site.desk.Complete(ctx, found[i], r.draft())
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "complete ticket", r.ledger, err)
	}
	return false, r.created(ctx, made.Ticket, "found by its reference after a create of unknown outcome", made.Remarks...)
}

// listed are tickets in words.
func listed(found []desk.Found) string {
	words := make([]string, 0, len(found))
	for _, f := range found {
		state := "open"
		switch o := f.Ticket; {
		case o.GetMergedInto() != 0:
			state = fmt.Sprintf("merged into %d", o.GetMergedInto())
		case o.GetClosed():
			state = "closed"
		}
		words = append(words, fmt.Sprintf("%d (%s)", f.Ticket.GetTicketId(), state))
	}
	return strings.Join(words, ", ")
}
