package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// wholeTenant is the device id of events about a tenant's server as a whole.
const wholeTenant = "tenant"

// aboutKeys is the subject of trouble that concerns every request.
const aboutKeys = "keys"

// aboutCompanies is the subject of trouble that keeps company-sync from looking companies up.
const aboutCompanies = "look companies up"

// failureOf says what a failure in an action means for the incident. Not found is here what it means for a create:
// something that it refers to is gone. A bug of ours is shown to people rather than lost as a dead letter.
func failureOf(action string, err error) plan.Failure {
	f := plan.Failure{RetryAfter: errclass.RetryAfter(err), Text: err.Error()}
	switch errclass.Of(err) {
	case errclass.RateLimited:
		f.Reason = ticketv1.ParkReason_PARK_REASON_RATE_LIMITED
	case errclass.AuthTenant:
		f.Reason = ticketv1.ParkReason_PARK_REASON_AUTH
		f.Right = right(action, err)
		if status(err) == http.StatusNotFound {
			f.Text = strings.TrimRight(f.Text, ".") + ", which is how ConnectWise answers wrong keys and a wrong company"
		}
	case errclass.Rejected, errclass.NotFound, errclass.Bug:
		f.Reason = ticketv1.ParkReason_PARK_REASON_REJECTED
	case errclass.Transient, errclass.Conflict, errclass.UnknownOutcome:
		f.Reason = ticketv1.ParkReason_PARK_REASON_UNAVAILABLE
	}
	return f
}

// right names what the API member's security role lacks; empty when it lacks nothing.
func right(action string, err error) string {
	answer, ok := errors.AsType[*connectwise.APIError](err)
	switch {
	case !ok || answer.Status != http.StatusForbidden:
		return ""
	case answer.Right == rightToEdit && (action == "close ticket" || action == "reopen ticket"):
		return "Service Desk > Close Service Tickets"
	default:
		return cmp.Or(answer.Right, "to "+action)
	}
}

// rightToEdit is what changing a ticket needs as long as its status is not meant.
const rightToEdit = "Service Desk > Service Tickets: Edit"

// status is the HTTP status of the answer behind an error; 0 when there was none.
func status(err error) int {
	if answer, ok := errors.AsType[*connectwise.APIError](err); ok {
		return answer.Status
	}
	return 0
}

// troublesOf returns what a failure says about the tenant as a whole: that the keys do not work, that the role lacks a
// right, or that a setting names what is not there. What it is about is the key of the setting where there is one, so that a
// rule for one device stays its trouble while others' requests succeed.
func troublesOf(action string, p plan.Park, err error) []*ticketv1.Trouble {
	one := func(about, detail string) *ticketv1.Trouble {
		return &ticketv1.Trouble{About: about, Reason: p.Reason, Detail: detail}
	}
	var settings desk.SettingErrors
	auth := p.Reason == ticketv1.ParkReason_PARK_REASON_AUTH
	switch {
	case errors.As(err, new(*heldError)):
		return nil
	case auth && status(err) != http.StatusForbidden:
		return []*ticketv1.Trouble{one(aboutKeys, p.Detail)}
	case errors.As(err, &settings):
		all := make([]*ticketv1.Trouble, len(settings))
		for i, e := range settings {
			all[i] = one(e.Key, plan.After(nil, failureOf(action, desk.SettingErrors{e}), time.Time{}).Detail)
		}
		return all
	case auth, p.Reason == ticketv1.ParkReason_PARK_REASON_REJECTED && action == "check settings", errors.As(err, new(*desk.ClosedAtOnceError)):
		return []*ticketv1.Trouble{one(action, p.Detail)}
	default:
		return nil
	}
}

// troubled puts trouble that a person has to mend on the desk's record, and tells it once for the whole tenant.
func (r *run) troubled(ctx context.Context, action string, p plan.Park, cause error) error {
	return r.alert(ctx, troublesOf(action, p, cause))
}

// alert puts troubles that are not on record yet there, and tells of them.
func (r *run) alert(ctx context.Context, found []*ticketv1.Trouble) error {
	if len(found) == 0 {
		return nil
	}
	tenant, now := r.ledger.GetTenant(), r.clock.Now()
	var begun, details []string
	d, err := r.desks.Update(ctx, bus.Key(tenant), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
		d = deskOf(d, tenant)
		begun, details = nil, nil
		for _, t := range found {
			if slices.ContainsFunc(d.GetTroubles(), func(known *ticketv1.Trouble) bool { return known.GetAbout() == t.GetAbout() }) {
				continue
			}
			t.Since = timestamppb.New(now)
			d.Troubles = append(d.Troubles, t)
			begun, details = append(begun, t.GetAbout()), append(details, t.GetDetail())
		}
		if len(begun) == 0 {
			return nil, bus.ErrKeep
		}
		return d, nil
	})
	if err != nil {
		return err
	}
	r.site.remember(d.GetTroubles())
	if len(begun) == 0 {
		return nil
	}
	about := []any{"tenant", tenant, "about", begun, "detail", strings.Join(details, "; ")}
	if slices.Contains(begun, aboutKeys) {
		r.log.ErrorContext(ctx, "ConnectWise cannot be used; a person has to mend it", about...)
	} else {
		r.log.ErrorContext(ctx, "something cannot be done in ConnectWise, and what needs it waits; a person has to mend it", about...)
	}
	return r.tell(ctx, ticketv1.Action_ACTION_PARKED, reasonName(found[0].GetReason())+": "+strings.Join(details, "; "), fmt.Sprintf("%s:%d", strings.Join(begun, ","), now.Unix()))
}

// mended takes trouble off the desk's record that the outcome of an action has disproved, and tells it: its success, once
// ConnectWise has answered, and settings that were found good in it. A failure to do so leaves it standing until the next.
func (r *run) mended(ctx context.Context, action string, answered bool) {
	over := func(t *ticketv1.Trouble) bool {
		return answered && (t.GetAbout() == aboutKeys || t.GetAbout() == action) || r.site.desk.Mended(t.GetAbout(), t.GetSince().AsTime()) ||
			t.GetAbout() == aboutCompanies && r.facts.Link.GetCheckedAt().AsTime().After(t.GetSince().AsTime())
	}
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
		r.log.InfoContext(ctx, "what could not be done in ConnectWise can be done again", "tenant", tenant, "about", ended)
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
