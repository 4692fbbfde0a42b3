package apply

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/text"
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
	wanted, zone := r.ledger.GetWanted(), r.zone()
	summary = text.Summary(wanted)
	switch r.ledger.GetPhase() {
	case ticketv1.Phase_PHASE_OPEN, ticketv1.Phase_PHASE_CLOSING:
		return summary, r.noteText()
	default:
		return summary, text.Description(wanted, zone)
	}
}

func (r *run) zone() *time.Location {
	if r.site == nil || r.site.desk == nil {
		return time.UTC
	}
	return r.site.desk.Zone()
}

// askCompany asks company-sync and waits for the answer, which wakes the incident.
func (r *run) askCompany(ctx context.Context, step plan.AskCompany) error {
	// Who asks again does so because the answer to the question before did not come, or did not help.
	again := ""
	if p := r.ledger.GetPark(); p.GetReason() == ticketv1.ParkReason_PARK_REASON_COMPANY {
		again = fmt.Sprintf(":%d", p.GetTimes()+1)
	}
	if err := r.wantCompany(ctx, again, false); err != nil {
		return err
	}
	return r.park(ctx, plan.Park{
		Reason: ticketv1.ParkReason_PARK_REASON_COMPANY,
		Detail: asked(r.ledger.GetWanted().GetCustomer().GetName(), r.facts.Link), Until: step.Until,
	})
}

// wantCompany publishes the question for the customer's company. Many devices of a customer ask; one question in ten
// minutes is enough, unless suffix tells it from the others. doubted says that ConnectWise refused the company that
// is on record.
func (r *run) wantCompany(ctx context.Context, suffix string, doubted bool) error {
	wanted, now := r.ledger.GetWanted(), r.clock.Now()
	tenant, customer := r.ledger.GetTenant(), wanted.GetCustomer()
	r.onStep("ask for company: begin")
	err := r.bus.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbWanted, Tenant: tenant, Key: customer.GetId()},
		ID:      fmt.Sprintf("wanted:%s:%s:%d%s", tenant, customer.GetId(), now.Unix()/int64(plan.StaleAnswer/time.Second), suffix),
		Body: &companyv1.Wanted{
			SchemaVersion: 1, Tenant: tenant, Customer: customer, AskedAt: timestamppb.New(now), IncidentId: r.ledger.GetIncidentId(),
			ObservedAt: wanted.GetOccurredAt(), Doubted: doubted,
		},
	})
	if err != nil {
		return err
	}
	r.onStep("ask for company: end")
	return nil
}

// companyRefused reports whether ConnectWise may have refused a create because of its company: it names the company
// among what it complains of, or says nothing of the kind.
func companyRefused(err error) bool {
	var answer *connectwise.APIError
	class := errclass.Of(err)
	if (class != errclass.Rejected && class != errclass.NotFound) || !errors.As(err, &answer) {
		return false
	}
	return len(answer.Errors) == 0 || slices.ContainsFunc(answer.Errors, func(f connectwise.FieldError) bool {
		return strings.HasPrefix(strings.ToLower(f.Field), "company")
	})
}

// asked says what a customer's incidents wait for while its company is asked for, with the last answer if there
// was one.
func asked(customer string, last *companyv1.Link) string {
	if last.GetReason() == "" {
		return fmt.Sprintf("asked for the ConnectWise company of customer %q", customer)
	}
	return fmt.Sprintf("customer %q has no ConnectWise company, asked again; the last answer: %s", customer, last.GetReason())
}

// beginCreate puts the create on record, once the settings are known to be good.
func (r *run) beginCreate(ctx context.Context, step plan.BeginCreate) (done bool, err error) {
	if err := r.call(ctx, "check settings", func(ctx context.Context) error { return r.site.desk.Check(ctx) }); err != nil {
		return true, r.failed(ctx, r.ledger, err)
	}
	reference := fmt.Sprintf("covewise:%s:%s:%s", r.bus.Installation(), r.ledger.GetTenant(), r.ledger.GetIncidentId())
	r.before = r.ledger
	r.facts.Begun, r.facts.LookedAt = plan.BegunCreate, time.Time{}
	next := plan.CreateBegun(r.ledger, reference, r.facts.Server, step.Company, r.clock.Now())
	next.Summary = text.Summary(next.GetShown())
	return false, r.put(ctx, "begin create", next)
}

func (r *run) create(ctx context.Context) (done bool, err error) {
	wanted := r.ledger.GetShown()
	draft := desk.Draft{
		Summary: r.ledger.GetSummary(), Description: text.Description(wanted, r.zone()),
		Analysis:  text.Analysis(wanted, r.ledger.GetReference(), r.zone()),
		Reference: r.ledger.GetReference(), Company: r.ledger.GetCompanyId(), Class: wanted.GetDevice().GetClass(),
	}
	var made desk.Ticket
	r.facts.Begun = plan.BegunNothing
	err = r.call(ctx, "post ticket", func(ctx context.Context) error {
		made, err = r.site.desk.Create(ctx, draft)
		return err
	})
	switch {
	case err == nil:
		return false, r.created(ctx, made, "")
	case errclass.Of(err) == errclass.UnknownOutcome:
		r.unknown(ctx, "create", err)
		return false, ctx.Err()
	default:
		if parked := r.failed(ctx, plan.CreateWithdrawn(r.ledger, r.before, r.clock.Now()), err); parked != nil || !companyRefused(err) {
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
func (r *run) created(ctx context.Context, t desk.Ticket, how string) error {
	next := plan.Created(r.ledger, t.ID, t.Company, r.clock.Now())
	shown := next.GetShown()
	summary := r.ledger.GetSummary()
	event := &ticketv1.Event{
		Revision: shown.GetRevision(), Action: ticketv1.Action_ACTION_CREATED, TicketId: t.ID, CompanyId: next.GetCompanyId(),
		Summary: summary, Text: text.Description(shown, r.zone()), Reason: how,
	}
	if err := r.publish(ctx, event, ""); err != nil {
		return err
	}
	if err := r.put(ctx, "record ticket", next); err != nil {
		return err
	}
	r.log.InfoContext(ctx, "created", r.about("company", next.GetCompanyId(), "summary", summary, "found", how != "")...)
	return nil
}

// find looks for the ticket of a create whose outcome is not known.
func (r *run) find(ctx context.Context) (done bool, err error) {
	began := r.clock.Now()
	var found []desk.Ticket
	err = r.call(ctx, "find ticket", func(ctx context.Context) error {
		found, err = r.site.desk.Find(ctx, r.ledger.GetReference())
		return err
	})
	switch {
	case err != nil:
		return true, r.failed(ctx, r.ledger, err)
	case len(found) == 0:
		r.facts.LookedAt = began
		return false, nil
	case len(found) > 1:
		// The oldest is taken, so that everybody who looks takes the same.
		var reason strings.Builder
		fmt.Fprintf(&reason, "%d tickets have the incident's reference; ticket %d is used:", len(found), found[0].ID)
		for _, t := range found {
			fmt.Fprintf(&reason, " %d", t.ID)
		}
		if err := r.observed(ctx, found[0].ID, reason.String()); err != nil {
			return true, err
		}
	}
	return false, r.created(ctx, found[0], "found by its reference after a create of unknown outcome")
}

func (r *run) beginNote(ctx context.Context, name string, begin func(*ticketv1.Ledger, time.Time) *ticketv1.Ledger) error {
	r.facts.Begun, r.facts.LookedAt = plan.BegunNote, time.Time{}
	return r.put(ctx, name, begin(r.ledger, r.clock.Now()))
}

func (r *run) noteText() string {
	if plan.Resolved(r.ledger) {
		return text.Resolution(r.ledger.GetShown(), r.ledger.GetWanted(), r.zone())
	}
	return text.Change(r.ledger.GetShown(), r.ledger.GetWanted(), r.zone())
}

func (r *run) note(ctx context.Context) (done bool, err error) {
	body := r.noteText()
	r.facts.Begun = plan.BegunNothing
	err = r.call(ctx, "post note", func(ctx context.Context) error {
		return r.site.desk.Note(ctx, r.ledger.GetTicketId(), body)
	})
	switch errclass.Of(err) {
	case errclass.UnknownOutcome:
		r.unknown(ctx, "note", err)
		return false, ctx.Err()
	case errclass.NotFound:
		return true, r.gone(ctx)
	default:
		if err != nil {
			return true, r.failed(ctx, plan.NoteWithdrawn(r.ledger, r.clock.Now()), err)
		}
	}
	return false, r.noted(ctx, body)
}

func (r *run) findNote(ctx context.Context) (done bool, err error) {
	began, marker := r.clock.Now(), text.Marker(r.ledger.GetIncidentId(), r.ledger.GetNoteBegunRevision())
	var found bool
	err = r.call(ctx, "find note", func(ctx context.Context) error {
		found, err = r.site.desk.HasNote(ctx, r.ledger.GetTicketId(), marker)
		return err
	})
	switch {
	case err != nil && errclass.Of(err) == errclass.NotFound:
		return true, r.gone(ctx)
	case err != nil:
		return true, r.failed(ctx, r.ledger, err)
	case !found:
		r.facts.LookedAt = began
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
		if err := r.publish(ctx, event, ""); err != nil {
			return err
		}
	}
	if err := r.put(ctx, "record note", plan.Noted(r.ledger, r.clock.Now())); err != nil {
		return err
	}
	if !resolution {
		r.log.InfoContext(ctx, "annotated", r.about("summary", summary)...)
	}
	return nil
}

func (r *run) closeTicket(ctx context.Context) (done bool, err error) {
	err = r.call(ctx, "set closed status", func(ctx context.Context) error {
		return r.site.desk.CloseTicket(ctx, r.ledger.GetTicketId())
	})
	switch {
	case err != nil && errclass.Of(err) == errclass.NotFound:
		return true, r.gone(ctx)
	case err != nil:
		return true, r.failed(ctx, r.ledger, err)
	}
	summary := r.ledger.GetSummary()
	event := &ticketv1.Event{Action: ticketv1.Action_ACTION_CLOSED, TicketId: r.ledger.GetTicketId(), Summary: summary, Reason: resolutionName(r.ledger.GetWanted())}
	if err := r.publish(ctx, event, ""); err != nil {
		return true, err
	}
	if err := r.put(ctx, "record close", plan.Closed(r.ledger, r.clock.Now())); err != nil {
		return true, err
	}
	r.log.InfoContext(ctx, "closed", r.about("summary", summary)...)
	return false, nil
}

func (r *run) drop(ctx context.Context) error {
	event := &ticketv1.Event{Action: ticketv1.Action_ACTION_DROPPED, Summary: text.Summary(r.ledger.GetWanted()), Reason: resolutionName(r.ledger.GetWanted())}
	if err := r.publish(ctx, event, ""); err != nil {
		return err
	}
	if err := r.put(ctx, "record drop", plan.Dropped(r.ledger, r.clock.Now())); err != nil {
		return err
	}
	r.log.InfoContext(ctx, "dropped: over before it had a ticket", r.about()...)
	return nil
}

// gone hands an incident over whose ticket was deleted. What people do to tickets otherwise (closed, moved, merged)
// is not looked for; this is the place where the answer to it belongs.
func (r *run) gone(ctx context.Context) error {
	if err := r.observed(ctx, r.ledger.GetTicketId(), fmt.Sprintf("ticket %d no longer exists in ConnectWise", r.ledger.GetTicketId())); err != nil {
		return err
	}
	if err := r.put(ctx, "record handover", plan.HandedOver(r.ledger, r.clock.Now())); err != nil {
		return err
	}
	r.log.WarnContext(ctx, "handed over: the ticket was deleted", r.about()...)
	return nil
}
