package answer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// HandleOrder carries out one company.v1.ordered message. The order and what became of it are recorded in the link and
// told like any answer; an order that cannot be carried out is recorded with the reason. The same order twice is one.
// An order that comes after a later one about the same customer was carried out is void. A server that is left alone is
// not asked: the order is refused at once, because what waits here holds the orders of other tenants.
func (h *Handler) HandleOrder(ctx context.Context, d bus.Delivery) error {
	var ordered companyv1.Ordered
	if err := d.Decode(&ordered); err != nil {
		return err
	}
	if err := concerns(d, ordered.GetTenant(), ordered.GetCustomer().GetId()); err != nil {
		return err
	}
	if err := CheckOrder(ordered.GetOrder()); err != nil {
		return err
	}
	settings, err := h.Settings(ctx, ordered.GetTenant())
	if err != nil {
		return err
	}
	if settings == nil {
		h.Logger.WarnContext(ctx, "order for a tenant without settings", "tenant", ordered.GetTenant(), "customer", ordered.GetCustomer().GetId())
		return nil
	}
	m, err := h.matter(ctx, settings, ordered.GetCustomer())
	if err != nil {
		return err
	}
	m.customer, m.observed = newest(ordered.GetCustomer(), ordered.GetObservedAt(), m.stored)
	m.waits = m.stored.GetWaitingSince() != nil
	order := proto.CloneOf(ordered.GetOrder())
	if m.stored.GetLastOrder().GetId() == order.GetId() && m.stored.GetState() != companyv1.LinkState_LINK_STATE_CREATING {
		return h.publish(ctx, m.stored, m.revision)
	}
	if last := m.stored.GetLastOrder(); last.GetId() != order.GetId() && order.GetOrderedAt() != nil && last.GetOrderedAt().AsTime().After(order.GetOrderedAt().AsTime()) {
		h.Logger.WarnContext(ctx, "order overtaken by a later one", "tenant", settings.GetId(), "customer", m.customer.GetId(),
			"order", order.GetKind().String(), "author", order.GetAuthor())
		return nil
	}
	err = h.carryOut(ctx, m, order)
	if err == nil {
		return nil
	}
	class := errclass.Of(err)
	_, repeated := errors.AsType[quiet](err)
	if !repeated {
		h.Metrics.failed(class)
	}
	hung := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
	if hung {
		h.leaveAlone(ctx, m, err)
	}
	if class == errclass.Conflict || class == errclass.Bug || ctx.Err() != nil || passing(class) && !hung && !repeated && d.Attempt < patientAttempts {
		return err
	}
	if m.stored.GetState() == companyv1.LinkState_LINK_STATE_CREATING {
		return nil // what was begun is brought to its end by the next question, or by the upkeep
	}
	return h.refuse(ctx, m, order, "ConnectWise could not be asked: "+err.Error()+"; order it again")
}

// CheckOrder returns what is missing in an order, as an error of class Rejected.
func CheckOrder(order *companyv1.Order) error {
	switch {
	case order.GetId() == "" || order.GetAuthor() == "":
		return errclass.Newf(errclass.Rejected, "read order", "an order needs an id and an author")
	case order.GetKind() == companyv1.OrderKind_ORDER_KIND_UNSPECIFIED:
		return errclass.Newf(errclass.Rejected, "read order", "kind is not set; order link, unlink, create, approve or ignore")
	case order.GetKind() == companyv1.OrderKind_ORDER_KIND_LINK && order.GetCompanyId() <= 0:
		return errclass.Newf(errclass.Rejected, "read order", "a link needs the id of a company, above 0")
	default:
		return nil
	}
}

// refusal is why an order is not carried out.
type refusal string

func (r refusal) Error() string { return string(r) }

func refused(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

func (h *Handler) carryOut(ctx context.Context, m *matter, order *companyv1.Order) error {
	server, err := h.Directory.Server(m.settings)
	if err != nil {
		return err
	}
	if err := server.Quiet(); err != nil {
		return quiet{err}
	}
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	if m.stored.GetState() == companyv1.LinkState_LINK_STATE_CREATING && m.stored.GetLastOrder().GetId() == order.GetId() {
		link, err := h.resume(ctx, m, server)
		if err != nil {
			return err
		}
		return h.conclude(ctx, m, link)
	}
	link, create, err := h.order(ctx, server, m, order)
	if why, ok := errors.AsType[refusal](err); ok {
		return h.refuse(ctx, m, order, string(why))
	}
	if err != nil {
		return err
	}
	if create {
		if link, err = h.begin(ctx, m, server, link, order.GetAuthor()); err != nil {
			return err
		}
	}
	return h.conclude(ctx, m, link)
}

// refuse records that an order is not carried out; everything else of the link stays.
func (h *Handler) refuse(ctx context.Context, m *matter, order *companyv1.Order, why string) error {
	link := &companyv1.Link{SchemaVersion: 1, Tenant: m.settings.GetId(), Customer: m.customer}
	if m.stored != nil {
		link = proto.CloneOf(m.stored)
	}
	order.Refusal = why
	link.LastOrder = order
	revision, err := h.Links.Put(ctx, m.key, link, m.revision)
	if err != nil {
		return err
	}
	h.Logger.WarnContext(ctx, "order about a company refused", "tenant", m.settings.GetId(), "customer", m.customer.GetId(),
		"order", order.GetKind().String(), "author", order.GetAuthor(), "reason", why)
	return h.publish(ctx, link, revision)
}

// order returns the link that an order leads to, and whether a company is to be created for it. It reads only.
func (h *Handler) order(ctx context.Context, from companies, m *matter, order *companyv1.Order) (link *companyv1.Link, create bool, err error) {
	link = &companyv1.Link{SchemaVersion: 1, Customer: m.customer}
	inherit(link, m.stored)
	link.LastOrder = order
	switch order.GetKind() {
	case companyv1.OrderKind_ORDER_KIND_LINK:
		err = h.linkTo(ctx, from, link, order, order.GetCompanyId())
	case companyv1.OrderKind_ORDER_KIND_APPROVE:
		proposed := m.stored.GetProposed()
		if m.stored.GetState() == companyv1.LinkState_LINK_STATE_PROPOSED {
			proposed = m.stored.GetCompany()
		}
		if proposed == nil {
			return nil, false, refused("nothing is proposed for this customer; link it, or order a company created")
		}
		if id := proposed.GetId(); id > 0 {
			err = h.linkTo(ctx, from, link, order, id)
			break
		}
		create, err = h.orderCreation(ctx, from, m, link)
	case companyv1.OrderKind_ORDER_KIND_CREATE:
		create, err = h.orderCreation(ctx, from, m, link)
	case companyv1.OrderKind_ORDER_KIND_IGNORE:
		link.State = companyv1.LinkState_LINK_STATE_EXCLUDED
		link.Reason = strings.TrimSuffix("excluded by "+order.GetAuthor()+": "+order.GetReason(), ": ")
		link.WaitingSince = nil
	case companyv1.OrderKind_ORDER_KIND_UNLINK:
		// So that the names that led there do not lead there again.
		order.CompanyId = m.stored.GetCompany().GetId()
		link.State, link.Method = companyv1.LinkState_LINK_STATE_UNSPECIFIED, companyv1.LinkMethod_LINK_METHOD_UNSPECIFIED
		unlinked := *m
		unlinked.stored, unlinked.doubtful = link, false
		return h.decide(ctx, from, &unlinked)
	default:
		return nil, false, refused("the order %s is not known", order.GetKind())
	}
	return link, create, err
}

// linkTo links to the company that a person named, if it can be used.
func (h *Handler) linkTo(ctx context.Context, from companies, link *companyv1.Link, order *companyv1.Order, id int64) error {
	found, err := from.ByID(ctx, id)
	if err != nil {
		return fmt.Errorf("find ordered company: %w", err)
	}
	switch {
	case len(found) == 0:
		return refused("company %d does not exist in ConnectWise", id)
	case found[0].Deleted:
		return refused("company %q (%d) is deleted; restore it first, or link another", found[0].Name, id)
	case found[0].Inactive:
		return refused("company %q (%d) is inactive; change its status first, or link another", found[0].Name, id)
	}
	match.Ordered(link, found[0], order)
	link.WaitingSince, link.Deadline = nil, nil
	return nil
}

// orderCreation prepares a company that a person wants created, unless there is one already.
func (h *Handler) orderCreation(ctx context.Context, from companies, m *matter, link *companyv1.Link) (create bool, err error) {
	stored := m.stored
	switch {
	case !live(m.settings):
		return false, refused("the tenant is in shadow mode, in which nothing is written to ConnectWise; set mode: live")
	case stored.GetState() == companyv1.LinkState_LINK_STATE_CREATING:
		return false, refused("company %q is being created already", stored.GetCreation().GetIdentifier())
	case stored.GetState() == companyv1.LinkState_LINK_STATE_LINKED && stored.GetMethod() != companyv1.LinkMethod_LINK_METHOD_CATCH_ALL:
		return false, refused("the customer is linked to company %q (%d); unlink it first", stored.GetCompany().GetName(), stored.GetCompany().GetId())
	case m.customer.GetId() == OwnCustomer || match.Plain(m.customer.GetName()) == "":
		return false, refused("the customer has no name to give a company")
	}
	found, err := from.Find(ctx, m.customer)
	if err != nil {
		return false, fmt.Errorf("find company: %w", err)
	}
	all, err := h.othersOf(ctx, m)
	if err != nil {
		return false, err
	}
	known := match.Decide(m.customer, found)
	match.Shared(known, all.namesake(m.customer), all.holder(m.customer, known.GetCompany().GetId()))
	// A person may mean a second company of a name, and should know that it is the second.
	meant := known.GetState() == companyv1.LinkState_LINK_STATE_AMBIGUOUS && link.GetLastOrder().GetReason() == ""
	switch {
	case known.GetState() == companyv1.LinkState_LINK_STATE_LINKED:
		return false, refused("company %q (%d) is the customer's (%s); link it instead of creating another",
			known.GetCompany().GetName(), known.GetCompany().GetId(), known.GetEvidence())
	case meant && link.GetLastOrder().GetKind() == companyv1.OrderKind_ORDER_KIND_CREATE:
		var titles []string
		for _, c := range known.GetCandidates() {
			titles = append(titles, fmt.Sprintf("%d %q (%s)", c.GetCompany().GetId(), c.GetCompany().GetName(), c.GetReason()))
		}
		return false, refused("companies that may be meant are there: %s; link one of them, or order it with a reason to create another", strings.Join(titles, "; "))
	}
	link.Company, err = suggest(ctx, from, m, all)
	return err == nil, err
}

// Preview returns the link that an order would lead to, or the reason why it would be refused, and writes nothing
// anywhere. A company that would be created is the link's company without an id, in state creating.
func (h *Handler) Preview(ctx context.Context, settings *tenantv1.Settings, ordered *companyv1.Ordered) (link *companyv1.Link, refusedBecause string, err error) {
	if err := CheckOrder(ordered.GetOrder()); err != nil {
		return nil, "", err
	}
	m, err := h.matter(ctx, settings, ordered.GetCustomer())
	if err != nil {
		return nil, "", err
	}
	m.customer, m.observed = newest(ordered.GetCustomer(), ordered.GetObservedAt(), m.stored)
	m.waits = m.stored.GetWaitingSince() != nil
	server, err := h.Directory.Server(settings)
	if err != nil {
		return nil, "", err
	}
	link, create, err := h.order(ctx, server, m, proto.CloneOf(ordered.GetOrder()))
	if err == nil && create {
		link.State = companyv1.LinkState_LINK_STATE_CREATING
		if _, err = server.Preset(ctx, settings.GetCompanies()); errclass.Of(err) == errclass.Rejected && err != nil {
			return nil, err.Error(), nil
		}
	}
	if why, ok := errors.AsType[refusal](err); ok {
		return nil, string(why), nil
	}
	return link, "", err
}
