// Package answer answers the question which company stands for a customer: from the store where a link
// stands, else by asking ConnectWise once. It carries out what people order about customers, creates companies, and
// compares all customers of a tenant with all companies. It owns the bucket company_map and the linked, proposed and
// refused events. Which company it is, package match decides.
package answer

import (
	"context"
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
	// orderTimeout bounds one order, in real time. Orders of all tenants share a few places, and a server that hangs is left
	// alone after the first order that it let wait for so long.
	orderTimeout = 20 * time.Second
	// creationLasts is more than the requests of a creation take: what is recorded as being created for longer was
	// interrupted.
	creationLasts = time.Minute
	// standInLasts is how often a company of the customer's own is looked for while the catch-all company stands in.
	standInLasts = time.Hour
)

// publisher stores events; *bus.Bus is one.
type publisher interface {
	Publish(ctx context.Context, m bus.Message) error
}

// store is the bucket company_map; *bus.Store is one.
type store interface {
	Get(ctx context.Context, key string) (*companyv1.Link, uint64, error)
	Put(ctx context.Context, key string, link *companyv1.Link, revision uint64) (uint64, error)
	Each(ctx context.Context, filter string, f func(bus.Entry[*companyv1.Link]) error) error
}

// Handler answers wanted messages, orders and comparisons. Its fields must be set before it is used.
type Handler struct {
	Events    publisher
	Links     store
	Directory *directory.Directory
	Settings  func(ctx context.Context, tenant string) (*tenantv1.Settings, error) // nil: no such tenant
	// Tickets returns the ids of the tickets that were filed for a customer at a company; nil when nobody knows.
	Tickets func(ctx context.Context, tenant, customer string, company int64) ([]int64, error)
	// Customers returns the tenant's customers as the vendor lists them; nil, or no customers, when nobody knows.
	Customers func(ctx context.Context, tenant string) ([]*statusv1.Customer, error)
	Clock     clock.Clock
	Logger    *slog.Logger
	Metrics   *Metrics

	flights singleflight.Group
}

// Handle answers one company.v1.wanted message. Many messages about one customer at a time are one question.
//
// A link that stands, and any answer younger than ten minutes about an unchanged customer, is given from the
// store. A link that is doubted is looked up again, unless that was done after the question was asked. A question
// with an older picture of the customer than the link's is answered for the link's. When ConnectWise cannot answer, a
// failure that may pass is returned for a few deliveries. After that, and at once when credentials or settings are at
// fault, the message is acknowledged: the reason is stored in a link of state UNSPECIFIED without a time of checking,
// unless an earlier answer stands there, the server is left alone for a minute, and whoever still waits asks again. So
// a tenant's outage is never held in the stream, where it would hold the other tenants too. Messages of tenants without
// settings are acknowledged.
func (h *Handler) Handle(ctx context.Context, d bus.Delivery) error {
	var wanted companyv1.Wanted
	if err := d.Decode(&wanted); err != nil {
		return err
	}
	customer := wanted.GetCustomer()
	if err := concerns(d, wanted.GetTenant(), customer.GetId()); err != nil {
		return err
	}
	settings, err := h.Settings(ctx, wanted.GetTenant())
	if err != nil {
		return err
	}
	if settings == nil {
		h.Logger.WarnContext(ctx, "company wanted by a tenant without settings", "tenant", wanted.GetTenant(), "customer", customer.GetId())
		return nil
	}
	// Questions are the same when they are about the same customer and trust the link alike.
	question := fmt.Sprintf("%s %t %q %q", bus.Key(wanted.GetTenant(), customer.GetId()), wanted.GetDoubted(), customer.GetName(), customer.GetReference())
	_, err, _ = h.flights.Do(question, func() (any, error) {
		return nil, h.answer(ctx, &wanted, settings, d.Attempt)
	})
	return err
}

// concerns checks that a message is about the tenant and customer of its subject.
func concerns(d bus.Delivery, tenant, customer string) error {
	if tenant != d.Subject.Tenant || customer == "" || customer != d.Subject.Key {
		return errclass.Newf(errclass.Rejected, "read "+d.Subject.String(), "the message is about tenant %q, customer %q", tenant, customer)
	}
	return nil
}

// matter is one customer that is being answered for.
type matter struct {
	key      string
	settings *tenantv1.Settings
	version  string // of the settings for companies
	server   string // "<company>@<host>"
	customer *statusv1.Customer
	observed *timestamppb.Timestamp
	stored   *companyv1.Link // as it is in the bucket, at revision
	revision uint64
	doubtful bool // ConnectWise refused the stored company, or does not list it any more
	waits    bool // an incident waits for the answer
	unasked  bool // nobody asked: only a new answer is told
	others   *others
}

func (h *Handler) matter(ctx context.Context, settings *tenantv1.Settings, customer *statusv1.Customer) (*matter, error) {
	m := &matter{
		key: bus.Key(settings.GetId(), customer.GetId()), settings: settings, version: version(settings), server: serverName(settings),
		customer: customer,
	}
	var err error
	m.stored, m.revision, err = h.Links.Get(ctx, m.key)
	return m, err
}

func serverName(settings *tenantv1.Settings) string {
	return connectwise.ServerName(settings.GetConnectwise().GetUrl(), settings.GetConnectwise().GetCompany())
}

func (h *Handler) answer(ctx context.Context, wanted *companyv1.Wanted, settings *tenantv1.Settings, attempt uint64) error {
	m, err := h.matter(ctx, settings, wanted.GetCustomer())
	if err != nil {
		return err
	}
	m.waits = true
	m.customer, m.observed = newest(wanted.GetCustomer(), wanted.GetObservedAt(), m.stored)
	same := match.SameServer(m.stored, m.server)
	m.doubtful = wanted.GetDoubted() && linkedBefore(m.stored, wanted) && same
	switch {
	case m.stored.GetState() == companyv1.LinkState_LINK_STATE_EXCLUDED:
		return h.again(ctx, m)
	case !m.doubtful && match.Stands(m.customer, m.stored, m.server, m.version):
		return h.again(ctx, m)
	case !m.doubtful && same && fresh(m, h.Clock.Now()):
		h.Metrics.answered(resultStored)
		return h.publish(ctx, m.stored, m.revision)
	}
	if err := h.ask(ctx, m); err != nil {
		return h.failed(ctx, m, attempt, err)
	}
	return nil
}

// ask decides anew from what ConnectWise has, and stores and tells the answer.
func (h *Handler) ask(ctx context.Context, m *matter) error {
	server, err := h.Directory.Server(m.settings)
	if err != nil {
		return err
	}
	if err := server.Quiet(); err != nil {
		return quiet{err}
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var link *companyv1.Link
	if m.stored.GetState() == companyv1.LinkState_LINK_STATE_CREATING && match.SameServer(m.stored, m.server) {
		link, err = h.resume(ctx, m, server)
	} else {
		var create bool
		link, create, err = h.decide(ctx, server, m)
		if err == nil && create {
			link, err = h.begin(ctx, m, server, link, policyAuthor)
		}
	}
	if err != nil {
		return err
	}
	h.recovered(ctx, server, m.settings)
	return h.conclude(ctx, m, link)
}

// Unsettled says whether a link is to be looked at again although nobody asks: a creation whose outcome is not known, a
// wait that is over, and a stand-in, whose tickets nobody asks about any more.
func Unsettled(link *companyv1.Link, now time.Time) bool {
	switch link.GetState() {
	case companyv1.LinkState_LINK_STATE_CREATING:
		return !now.Before(link.GetCheckedAt().AsTime().Add(creationLasts))
	case companyv1.LinkState_LINK_STATE_LINKED:
		return link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL && !now.Before(link.GetCheckedAt().AsTime().Add(standInLasts))
	case companyv1.LinkState_LINK_STATE_EXCLUDED:
		return false
	default:
		// A catch-all company that cannot stand in is asked about again as seldom as any refusal.
		return link.GetDeadline() != nil && !now.Before(link.GetDeadline().AsTime()) &&
			(link.GetCheckedAt().AsTime().Before(link.GetDeadline().AsTime()) || !now.Before(link.GetCheckedAt().AsTime().Add(refusalLasts)))
	}
}

// Settle decides again about a customer whose link is unsettled. When ConnectWise cannot be asked, that is taken down and
// no error.
func (h *Handler) Settle(ctx context.Context, settings *tenantv1.Settings, customer *statusv1.Customer) error {
	m, err := h.matter(ctx, settings, customer)
	if err != nil || !Unsettled(m.stored, h.Clock.Now()) {
		return err
	}
	m.customer, m.observed = m.stored.GetCustomer(), m.stored.GetObservedAt()
	m.waits, m.unasked = m.stored.GetWaitingSince() != nil, true
	if err := h.ask(ctx, m); err != nil && errclass.Of(err) != errclass.Conflict {
		return h.failed(ctx, m, patientAttempts, err)
	}
	return nil
}

// conclude stores an answer and tells it.
func (h *Handler) conclude(ctx context.Context, m *matter, link *companyv1.Link) error {
	old := m.unasked && same(m.stored, link)
	if err := h.put(ctx, m, link); err != nil || old {
		return err
	}
	h.Metrics.answered(resultOf(link))
	h.Logger.InfoContext(ctx, "company answered", "tenant", m.settings.GetId(), "customer", m.customer.GetId(), "name", m.customer.GetName(),
		"state", link.GetState().String(), "method", link.GetMethod().String(), "company", link.GetCompany().GetId(), "reason", link.GetReason())
	return h.publish(ctx, link, m.revision)
}

// put stores a link, with what every link has, and makes it the stored one.
func (h *Handler) put(ctx context.Context, m *matter, link *companyv1.Link) error {
	link.SchemaVersion, link.Tenant, link.Server, link.Settings = 1, m.settings.GetId(), m.server, m.version
	link.Customer, link.ObservedAt, link.CheckedAt = m.customer, m.observed, nil
	// That there is no company is no answer as long as nobody asked: whoever comes to need one is to ask, and not to wait
	// until this grows old.
	if m.waits || link.GetState() == companyv1.LinkState_LINK_STATE_LINKED || link.GetState() == companyv1.LinkState_LINK_STATE_CREATING {
		link.CheckedAt = timestamppb.New(h.Clock.Now())
	}
	revision, err := h.Links.Put(ctx, m.key, link, m.revision)
	if err != nil {
		return err
	}
	m.stored, m.revision = link, revision
	return nil
}

// newest returns the picture of the customer that was observed last, the question's or the link's. One without a
// time is older than any with one.
func newest(customer *statusv1.Customer, observed *timestamppb.Timestamp, stored *companyv1.Link) (*statusv1.Customer, *timestamppb.Timestamp) {
	known := stored.GetObservedAt()
	if known != nil && (observed == nil || observed.AsTime().Before(known.AsTime())) {
		return stored.GetCustomer(), known
	}
	return customer, observed
}

// linkedBefore says whether the stored link names a company and was checked before the question was asked.
func linkedBefore(stored *companyv1.Link, wanted *companyv1.Wanted) bool {
	return stored.GetState() == companyv1.LinkState_LINK_STATE_LINKED && stored.GetCheckedAt().AsTime().Before(wanted.GetAskedAt().AsTime())
}

// again gives a standing answer, and takes down under which name the customer goes now.
func (h *Handler) again(ctx context.Context, m *matter) error {
	link := m.stored
	if !proto.Equal(link.GetCustomer(), m.customer) || !proto.Equal(link.GetObservedAt(), m.observed) {
		link.Customer, link.ObservedAt = m.customer, m.observed
		revision, err := h.Links.Put(ctx, m.key, link, m.revision)
		if err != nil {
			return err
		}
		m.revision = revision
	}
	h.Metrics.answered(resultStored)
	return h.publish(ctx, link, m.revision)
}

// fresh says whether a stored answer was given a short time ago to the same question under the same settings, and is not
// overtaken by the time at which the catch-all company takes over.
func fresh(m *matter, now time.Time) bool {
	link := m.stored
	linked := link.GetState() == companyv1.LinkState_LINK_STATE_LINKED
	switch {
	case link.GetCheckedAt() == nil, now.Sub(link.GetCheckedAt().AsTime()) >= refusalLasts, link.GetSettings() != m.version:
		return false
	case link.GetCustomer().GetName() != m.customer.GetName(), link.GetCustomer().GetReference() != m.customer.GetReference():
		return false
	case link.GetState() == companyv1.LinkState_LINK_STATE_CREATING:
		return false
	case !linked && link.GetWaitingSince() == nil:
		return false // nobody waited yet when that was decided
	default:
		return linked || link.GetDeadline() == nil || now.Before(link.GetDeadline().AsTime())
	}
}

// publish tells the answer. The id is derived from the link's revision, so that an answer that is given again
// is one event, and a crash after the store was written loses none.
func (h *Handler) publish(ctx context.Context, link *companyv1.Link, revision uint64) error {
	verb := bus.VerbRefused
	switch link.GetState() {
	case companyv1.LinkState_LINK_STATE_LINKED:
		verb = bus.VerbLinked
	case companyv1.LinkState_LINK_STATE_PROPOSED:
		verb = bus.VerbProposed
	default:
	}
	customer := link.GetCustomer().GetId()
	return h.Events.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Company, Verb: verb, Tenant: link.GetTenant(), Key: customer},
		ID:      fmt.Sprintf("company:%s:%s:%d", link.GetTenant(), customer, revision),
		Body:    &companyv1.Answered{SchemaVersion: 1, Tenant: link.GetTenant(), CustomerId: customer, Link: link},
	})
}
