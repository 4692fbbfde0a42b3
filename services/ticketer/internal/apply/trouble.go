package apply

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// wholeTenant is the device id of events about a tenant's server as a whole.
const wholeTenant = "tenant"

// aboutKeys is the subject of trouble that concerns every request.
const aboutKeys = "keys"

// failureOf says what a failure in an action means for the incident. Not found is here what it means for a create:
// something that it refers to is gone. A bug of ours is shown to people rather than lost as a dead letter.
func failureOf(action string, err error) plan.Failure {
	f := plan.Failure{RetryAfter: errclass.RetryAfter(err), Text: err.Error()}
	switch errclass.Of(err) {
	case errclass.RateLimited:
		f.Reason = ticketv1.ParkReason_PARK_REASON_RATE_LIMITED
	case errclass.AuthTenant:
		f.Reason = ticketv1.ParkReason_PARK_REASON_AUTH
		if status(err) == http.StatusForbidden {
			f.Right = right(action)
		}
	case errclass.Rejected, errclass.NotFound, errclass.Bug:
		f.Reason = ticketv1.ParkReason_PARK_REASON_REJECTED
	case errclass.Transient, errclass.Conflict, errclass.UnknownOutcome:
		f.Reason = ticketv1.ParkReason_PARK_REASON_UNAVAILABLE
	}
	return f
}

// right names what the API member's security role needs for an action, in the words of the role's page in ConnectWise.
func right(action string) string {
	switch action {
	case "close ticket", "reopen ticket":
		return "Service Desk > Close Service Tickets"
	case "post ticket":
		return "Service Desk > Service Tickets: Add"
	case "post note", "mark ticket", "attach ticket", "move ticket":
		return "Service Desk > Service Tickets: Edit"
	case "check settings":
		return "System > Table Setup: Inquire, for service boards, statuses and priorities"
	default:
		return "Service Desk > Service Tickets: Inquire"
	}
}

// status is the HTTP status of the answer behind an error; 0 when there was none.
func status(err error) int {
	if answer, ok := errors.AsType[*connectwise.APIError](err); ok {
		return answer.Status
	}
	return 0
}

// subject returns what a failure says about the tenant as a whole: that the keys do not work, that the role lacks a
// right, or that the settings name what is not there. Empty: nothing.
func subject(action string, p plan.Park, err error) string {
	switch {
	case errors.As(err, new(*heldError)):
		return ""
	case p.Reason == ticketv1.ParkReason_PARK_REASON_AUTH && status(err) != http.StatusForbidden:
		return aboutKeys
	case p.Reason == ticketv1.ParkReason_PARK_REASON_AUTH, p.Reason == ticketv1.ParkReason_PARK_REASON_REJECTED && action == "check settings":
		return action
	default:
		return ""
	}
}

// troubled puts trouble that a person has to mend on the desk's record, and tells it once for the whole tenant.
func (r *run) troubled(ctx context.Context, action string, p plan.Park, cause error) error {
	about := subject(action, p, cause)
	if about == "" {
		return nil
	}
	tenant, now := r.ledger.GetTenant(), r.clock.Now()
	begun := false
	d, err := r.desks.Update(ctx, bus.Key(tenant), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
		d = deskOf(d, tenant)
		begun = !slices.ContainsFunc(d.GetTroubles(), func(t *ticketv1.Trouble) bool { return t.GetAbout() == about })
		if !begun {
			return nil, bus.ErrKeep
		}
		d.Troubles = append(d.Troubles, &ticketv1.Trouble{About: about, Reason: p.Reason, Detail: p.Detail, Since: timestamppb.New(now)})
		return d, nil
	})
	if err != nil {
		return err
	}
	r.site.remember(d.GetTroubles())
	if !begun {
		return nil
	}
	r.log.ErrorContext(ctx, "ConnectWise cannot be used as the settings say; a person has to mend it", "tenant", tenant, "about", about, "detail", p.Detail)
	return r.tell(ctx, ticketv1.Action_ACTION_PARKED, reasonName(p.Reason)+": "+p.Detail, fmt.Sprintf("%s:%d", about, now.Unix()))
}

// mended takes trouble off the desk's record that a success has disproved, and tells it. A failure to do so leaves it
// standing until the next success.
func (r *run) mended(ctx context.Context, action string) {
	over := func(t *ticketv1.Trouble) bool { return t.GetAbout() == aboutKeys || t.GetAbout() == action }
	tenant := r.ledger.GetTenant()
	known, err := r.site.troubles(func() ([]*ticketv1.Trouble, error) {
		d, _, err := r.desks.Get(ctx, bus.Key(tenant))
		return d.GetTroubles(), err
	})
	if err != nil || !slices.ContainsFunc(known, over) {
		return
	}
	var ended []string
	d, err := r.desks.Update(ctx, bus.Key(tenant), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
		ended = nil
		d = deskOf(d, tenant)
		d.Troubles = slices.DeleteFunc(d.Troubles, func(t *ticketv1.Trouble) bool {
			if over(t) {
				ended = append(ended, t.GetAbout())
			}
			return over(t)
		})
		if len(ended) == 0 {
			return nil, bus.ErrKeep
		}
		return d, nil
	})
	if err == nil {
		r.site.remember(d.GetTroubles())
	}
	if err == nil && len(ended) > 0 {
		err = r.tell(ctx, ticketv1.Action_ACTION_RESUMED, strings.Join(ended, ", "), fmt.Sprint(r.clock.Now().Unix()))
		r.log.InfoContext(ctx, "ConnectWise can be used again", "tenant", tenant, "about", ended)
	}
	if err != nil {
		r.log.WarnContext(ctx, "the end of a trouble is not recorded", "tenant", tenant, "err", err)
	}
}

// tell publishes an event about the tenant's server as a whole.
func (r *run) tell(ctx context.Context, a ticketv1.Action, reason, n string) error {
	tenant := r.ledger.GetTenant()
	err := r.bus.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Ticket, Verb: verb(a), Tenant: tenant, Key: wholeTenant},
		ID:      fmt.Sprintf("ticket:%s:%s:%s:%s", tenant, wholeTenant, verb(a), n),
		Body: &ticketv1.Event{
			SchemaVersion: 1, Tenant: tenant, DeviceId: wholeTenant, Action: a, OccurredAt: timestamppb.New(r.clock.Now()), Reason: reason,
		},
	})
	if err == nil {
		r.metrics.actions.WithLabelValues(verb(a)).Inc()
	}
	return err
}
