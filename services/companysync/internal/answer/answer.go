// Package answer answers the question which company stands for a customer: from the store where a link
// stands, else by asking ConnectWise once. It owns the bucket company_map and the linked and refused events.
// Which company it is, package match decides.
package answer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/directory"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

const (
	// refusalLasts is how long an answer other than a link of the customer's own is given again unasked.
	refusalLasts = 10 * time.Minute
	// patientAttempts is how many deliveries a failure that may pass is answered with another delivery. A message
	// in its delay occupies one of the few places that all tenants share, so that no tenant may stay in one.
	patientAttempts = 3
	// askTimeout bounds the questions for one customer, in real time, like everything on the network.
	askTimeout = 45 * time.Second
)

// publisher stores events; *bus.Bus is one.
type publisher interface {
	Publish(ctx context.Context, m bus.Message) error
}

// store is the bucket company_map; *bus.Store is one.
type store interface {
	Get(ctx context.Context, key string) (*companyv1.Link, uint64, error)
	Put(ctx context.Context, key string, link *companyv1.Link, revision uint64) (uint64, error)
}

// Handler answers wanted messages. Its fields must be set before Handle is called.
type Handler struct {
	Events    publisher
	Links     store
	Directory *directory.Directory
	Settings  func(ctx context.Context, tenant string) (*tenantv1.Settings, error) // nil: no such tenant
	Clock     clock.Clock
	Logger    *slog.Logger
	Metrics   *Metrics

	flights singleflight.Group
}

// Handle answers one company.v1.wanted message. Many messages about one customer at a time are one question.
//
// A link that stands, and any answer younger than ten minutes about an unchanged customer, is given from the
// store. A link that is doubted is looked up again, unless that was done after the question was asked. A question
// with an older picture of the customer than the link's is answered for the link's. When ConnectWise cannot answer, a failure that may pass is returned for a few deliveries. After that,
// and at once when credentials or settings are at fault, the message is acknowledged: the reason is stored in a
// link of state UNSPECIFIED without a time of checking, unless an earlier answer stands there, the server is
// left alone for a minute, and whoever still waits asks again. So a tenant's outage is never held in the
// stream, where it would hold the other tenants too. Messages of tenants without settings are acknowledged.
func (h *Handler) Handle(ctx context.Context, d bus.Delivery) error {
	var wanted companyv1.Wanted
	if err := d.Decode(&wanted); err != nil {
		return err
	}
	customer := wanted.GetCustomer()
	if wanted.GetTenant() != d.Subject.Tenant || customer.GetId() == "" || customer.GetId() != d.Subject.Key {
		return errclass.Newf(errclass.Rejected, "read "+d.Subject.String(), "the message is about tenant %q, customer %q", wanted.GetTenant(), customer.GetId())
	}
	settings, err := h.Settings(ctx, wanted.GetTenant())
	if err != nil {
		return err
	}
	if settings == nil {
		h.Logger.WarnContext(ctx, "company wanted by a tenant without settings", "tenant", wanted.GetTenant(), "customer", customer.GetId())
		return nil
	}
	key := bus.Key(wanted.GetTenant(), customer.GetId())
	// Questions are the same when they are about the same customer and trust the link alike.
	question := fmt.Sprintf("%s %t %q %q", key, wanted.GetDoubted(), customer.GetName(), customer.GetReference())
	_, err, _ = h.flights.Do(question, func() (any, error) {
		return nil, h.answer(ctx, key, &wanted, settings, d.Attempt)
	})
	return err
}

func (h *Handler) answer(ctx context.Context, key string, wanted *companyv1.Wanted, settings *tenantv1.Settings, attempt uint64) error {
	stored, revision, err := h.Links.Get(ctx, key)
	if err != nil {
		return err
	}
	server := connectwise.ServerName(settings.GetConnectwise().GetUrl(), settings.GetConnectwise().GetCompany())
	customer, observed := newest(wanted, stored)
	doubted := wanted.GetDoubted() && linkedBefore(stored, wanted) && match.SameServer(stored, server)
	if !doubted && match.Stands(customer, stored, server) {
		return h.again(ctx, key, customer, observed, stored, revision)
	}
	if !doubted && h.fresh(customer, stored) && match.SameServer(stored, server) {
		h.Metrics.answered(resultStored)
		return h.publish(ctx, stored)
	}
	var doubtful *companyv1.Link
	if doubted {
		doubtful = stored
	}
	link, err := h.ask(ctx, customer, settings, doubtful)
	if err != nil {
		return h.failed(ctx, failure{key, customer, settings, stored, revision, attempt, err})
	}
	link.Tenant, link.Server = settings.GetId(), server
	link.ObservedAt, link.CheckedAt = observed, timestamppb.New(h.Clock.Now())
	if _, err := h.Links.Put(ctx, key, link, revision); err != nil {
		return err
	}
	h.Metrics.answered(resultOf(link))
	h.Logger.InfoContext(ctx, "company answered", "tenant", settings.GetId(), "customer", customer.GetId(), "name", customer.GetName(),
		"state", link.GetState().String(), "method", link.GetMethod().String(), "company", link.GetCompany().GetId(), "reason", link.GetReason())
	return h.publish(ctx, link)
}

// newest returns the picture of the customer that was observed last, the question's or the link's. One without a
// time is older than any with one.
func newest(wanted *companyv1.Wanted, stored *companyv1.Link) (*statusv1.Customer, *timestamppb.Timestamp) {
	asked, known := wanted.GetObservedAt(), stored.GetObservedAt()
	if known != nil && (asked == nil || asked.AsTime().Before(known.AsTime())) {
		return stored.GetCustomer(), known
	}
	return wanted.GetCustomer(), asked
}

// linkedBefore says whether the stored link names a company and was checked before the question was asked.
func linkedBefore(stored *companyv1.Link, wanted *companyv1.Wanted) bool {
	return stored.GetState() == companyv1.LinkState_LINK_STATE_LINKED && stored.GetCheckedAt().AsTime().Before(wanted.GetAskedAt().AsTime())
}

// again gives a standing link, and takes down under which name the customer goes now.
func (h *Handler) again(
	ctx context.Context, key string, customer *statusv1.Customer, observed *timestamppb.Timestamp, stored *companyv1.Link, revision uint64,
) error {
	if !proto.Equal(stored.GetCustomer(), customer) || !proto.Equal(stored.GetObservedAt(), observed) {
		stored.Customer, stored.ObservedAt = customer, observed
		if _, err := h.Links.Put(ctx, key, stored, revision); err != nil {
			return err
		}
	}
	h.Metrics.answered(resultStored)
	return h.publish(ctx, stored)
}

// fresh says whether a stored answer was given a short time ago to the same question.
func (h *Handler) fresh(customer *statusv1.Customer, stored *companyv1.Link) bool {
	return stored.GetCheckedAt() != nil &&
		h.Clock.Now().Sub(stored.GetCheckedAt().AsTime()) < refusalLasts &&
		stored.GetCustomer().GetName() == customer.GetName() &&
		stored.GetCustomer().GetReference() == customer.GetReference()
}

// ask decides anew from what ConnectWise has. doubtful is the link that ConnectWise refused, if that is why; it stays
// when its company turns out to be usable.
func (h *Handler) ask(ctx context.Context, customer *statusv1.Customer, settings *tenantv1.Settings, doubtful *companyv1.Link) (*companyv1.Link, error) {
	server, err := h.Directory.Server(settings)
	if err != nil {
		return nil, err
	}
	if err := server.Quiet(); err != nil {
		return nil, quiet{err}
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var refused []match.Record
	if doubtful != nil {
		if refused, err = server.Find(ctx, match.Question{ID: doubtful.GetCompany().GetId()}); err != nil {
			return nil, fmt.Errorf("find linked company: %w", err)
		}
		if match.Confirms(doubtful, refused) {
			if match.Stands(customer, doubtful, doubtful.GetServer()) {
				link := proto.CloneOf(doubtful)
				link.Customer = customer
				h.recovered(ctx, server, settings)
				return link, nil
			}
			doubtful = nil
		}
	}
	found, err := server.Find(ctx, match.Ask(customer))
	if err != nil {
		return nil, fmt.Errorf("find company: %w", err)
	}
	link := match.Decide(customer, found)
	link.Reason += creationNote(link, settings)
	if doubtful != nil {
		match.Gone(link, doubtful, refused)
	}
	identifier := settings.GetCompanies().GetCatchAll()
	if identifier != "" && link.GetState() != companyv1.LinkState_LINK_STATE_LINKED {
		found, err := server.FindIdentifier(ctx, identifier)
		if err != nil {
			return nil, fmt.Errorf("find catch-all company: %w", err)
		}
		match.StandIn(link, identifier, found)
	}
	h.recovered(ctx, server, settings)
	return link, nil
}

func (h *Handler) recovered(ctx context.Context, server *directory.Server, settings *tenantv1.Settings) {
	if server.Answered() {
		h.Logger.InfoContext(ctx, "ConnectWise answers again", "tenant", settings.GetId())
	}
}

func creationNote(link *companyv1.Link, settings *tenantv1.Settings) string {
	if link.GetState() != companyv1.LinkState_LINK_STATE_MISSING {
		return ""
	}
	switch settings.GetCompanies().GetCreate() {
	case tenantv1.CompanyCreation_COMPANY_CREATION_APPROVE, tenantv1.CompanyCreation_COMPANY_CREATION_AUTO:
		return "; companies cannot be created by Covewise yet, so create it in ConnectWise or link the customer by CWM:<id> in its reference"
	default:
		return ""
	}
}

// quiet is a failure of a moment ago, given again without asking.
type quiet struct{ error }

func (q quiet) Unwrap() error { return q.error }

type failure struct {
	key      string
	customer *statusv1.Customer
	settings *tenantv1.Settings
	stored   *companyv1.Link
	revision uint64
	attempt  uint64
	err      error
}

// failed decides between another delivery and taking down that there is no answer.
func (h *Handler) failed(ctx context.Context, f failure) error {
	class := errclass.Of(f.err)
	var known quiet
	repeated := errors.As(f.err, &known)
	if !repeated {
		h.Metrics.failed(class)
	}
	switch {
	case class == errclass.Bug, ctx.Err() != nil:
		return f.err
	case class == errclass.Transient && !repeated && f.attempt < patientAttempts:
		return f.err
	}
	if !repeated {
		h.leaveAlone(ctx, f)
	}
	h.Metrics.answered(resultUnanswered)
	reason := "ConnectWise could not be asked: " + f.err.Error()
	// What was answered earlier, if only that there is none, says more than that today nobody knows.
	if f.stored.GetState() != companyv1.LinkState_LINK_STATE_UNSPECIFIED || f.stored.GetReason() == reason {
		return nil
	}
	_, err := h.Links.Put(ctx, f.key, &companyv1.Link{
		SchemaVersion: 1, Tenant: f.settings.GetId(), Customer: f.customer, Reason: reason,
	}, f.revision)
	return err
}

func (h *Handler) leaveAlone(ctx context.Context, f failure) {
	server, err := h.Directory.Server(f.settings)
	// Settings that give no client cause no requests either; what is wrong with them is said each time.
	if err != nil || server.LeaveAlone(f.err) {
		h.Logger.ErrorContext(ctx, "ConnectWise cannot be asked for companies, tickets of customers without a link wait",
			"tenant", f.settings.GetId(), "customer", f.customer.GetId(), "class", errclass.Of(f.err).String(), "err", f.err)
	}
}

// publish tells the answer. The id is derived from the time of checking, so that an answer that is given again
// is one event, and a crash after the store was written loses none.
func (h *Handler) publish(ctx context.Context, link *companyv1.Link) error {
	verb := bus.VerbRefused
	if link.GetState() == companyv1.LinkState_LINK_STATE_LINKED {
		verb = bus.VerbLinked
	}
	customer := link.GetCustomer().GetId()
	return h.Events.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Company, Verb: verb, Tenant: link.GetTenant(), Key: customer},
		ID:      fmt.Sprintf("company:%s:%s:%d", link.GetTenant(), customer, link.GetCheckedAt().GetSeconds()),
		Body:    &companyv1.Answered{SchemaVersion: 1, Tenant: link.GetTenant(), CustomerId: customer, Link: link},
	})
}
