// Package writeback writes the id of a customer's company into the customer's own reference in Cove. It owns one Cove
// client for each tenant that wants that, and the record of the last attempt in the customer's link. What the reference
// becomes, package match decides.
package writeback

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// again is how long after a failure the next attempt is.
const again = time.Hour

// customerLevel is the level of partners whose reference is written. The text of a site, or of the MSP itself, is never
// touched.
const customerLevel = "EndCustomer"

// Cove reads partners and writes their reference; *cove.Client does.
type Cove interface {
	Partner(ctx context.Context, id int64) (cove.Partner, error)
	SetReference(ctx context.Context, id int64, reference string) error
}

// Writer writes references. It may be used by several goroutines.
type Writer struct {
	open  func(*tenantv1.Cove) (Cove, error)
	links *bus.Store[*companyv1.Link]
	clock clock.Clock
	log   *slog.Logger

	mu      sync.Mutex
	clients map[string]opened // by tenant
}

type opened struct {
	settings *tenantv1.Cove
	client   Cove
}

// New returns a Writer. open makes the client of a tenant; it is called anew when the tenant's Cove settings change.
func New(links *bus.Store[*companyv1.Link], c clock.Clock, log *slog.Logger, open func(*tenantv1.Cove) (Cove, error)) *Writer {
	return &Writer{open: open, links: links, clock: c, log: log, clients: map[string]opened{}}
}

// Missing says whether a customer's reference lacks the company that it is linked to, as far as the link knows.
func Missing(link *companyv1.Link) bool {
	_, missing := match.Tagged(link.GetCustomer().GetReference(), link.GetCompany())
	return missing
}

// Void says whether a customer's reference holds a tag that we wrote and a person made void, as far as the link knows.
func Void(link *companyv1.Link) bool { return match.Void(link.GetCustomer(), link) != "" }

// Due says whether a link's company is to be written into its customer's reference now, or one from which a person unlinked
// the customer taken out of it.
func Due(settings *tenantv1.Settings, link *companyv1.Link, now time.Time) bool {
	if !settings.GetCompanies().GetWriteBack() || settings.GetMode() != tenantv1.Mode_MODE_LIVE || link.GetRemovedAt() != nil {
		return false
	}
	last := link.GetWriteBack()
	rested := !now.Before(last.GetAt().AsTime().Add(again))
	if Void(link) {
		return last.GetFailure() == "" || rested
	}
	if link.GetState() != companyv1.LinkState_LINK_STATE_LINKED || link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL || link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_OWN {
		return false
	}
	if !Missing(link) {
		return false
	}
	if last.GetTag() != match.Tag(link.GetCompany()) {
		return true
	}
	return last.GetFailure() != "" && rested
}

// Write brings the reference of one customer in step with its link, and records in the link what became of that. The
// reference is read first; when it holds the company already nothing is written, and when it names another company than
// it did when the link was made, a person changed it and it is left to the next sweep. An error means that nothing could
// be recorded.
func (w *Writer) Write(ctx context.Context, settings *tenantv1.Settings, key string) error {
	link, revision, err := w.links.Get(ctx, key)
	if err != nil || !Due(settings, link, w.clock.Now()) {
		return err
	}
	void := match.Void(link.GetCustomer(), link)
	reference, err := w.write(ctx, settings, link, void)
	record := &companyv1.WriteBack{Reference: reference, Tag: match.Tag(link.GetCompany()), At: timestamppb.New(w.clock.Now())}
	if void != "" {
		record.Tag = void
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		record.Failure = err.Error()
		w.log.WarnContext(ctx, "the reference of a customer could not be written", "tenant", settings.GetId(), "customer", link.GetCustomer().GetId(),
			"class", errclass.Of(err).String(), "err", err)
	case void != "":
		// What stands there from now on is a person's, so that no picture from before may bring the tag back.
		record.Tag, link.Customer, link.ObservedAt = "", proto.CloneOf(link.GetCustomer()), record.GetAt()
		link.Customer.Reference = reference
		w.log.InfoContext(ctx, "the company that a customer was unlinked from is out of its reference", "tenant", settings.GetId(), "customer", link.GetCustomer().GetId(), "reference", reference)
	default:
		w.log.InfoContext(ctx, "the reference of a customer holds its company", "tenant", settings.GetId(), "customer", link.GetCustomer().GetId(), "reference", reference)
	}
	link.WriteBack = record
	if _, err := w.links.Put(ctx, key, link, revision); err != nil && errclass.Of(err) != errclass.Conflict {
		return err
	}
	return nil // a link that changed meanwhile is looked at again
}

// write returns the reference as it is afterwards. A void tag, if there is one, is taken out instead of written.
func (w *Writer) write(ctx context.Context, settings *tenantv1.Settings, link *companyv1.Link, void string) (string, error) {
	id, err := strconv.ParseInt(link.GetCustomer().GetId(), 10, 64)
	if err != nil {
		return "", errclass.Newf(errclass.Rejected, "write reference", "customer %q has no id of Cove's", link.GetCustomer().GetId())
	}
	client, err := w.client(settings)
	if err != nil {
		return "", err
	}
	partner, err := client.Partner(ctx, id)
	if err != nil {
		return "", err
	}
	if partner.Level != customerLevel {
		return partner.ExternalCode, errclass.Newf(errclass.Rejected, "write reference", "%q is of level %s; only the reference of an %s is written", partner.Name, partner.Level, customerLevel)
	}
	current := proto.CloneOf(link.GetCustomer())
	current.Reference = partner.ExternalCode
	if void == "" && !match.Stands(current, link, link.GetServer(), link.GetSettings()) {
		return partner.ExternalCode, errclass.Newf(errclass.Conflict, "write reference", "the reference is %q now, which names another company", partner.ExternalCode)
	}
	reference, changed := match.Untagged(partner.ExternalCode, void)
	if void == "" {
		reference, changed = match.Tagged(partner.ExternalCode, link.GetCompany())
	}
	if !changed {
		return reference, nil
	}
	if err := client.SetReference(ctx, id, reference); err != nil {
		return partner.ExternalCode, err
	}
	return reference, nil
}

func (w *Writer) client(settings *tenantv1.Settings) (Cove, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known, ok := w.clients[settings.GetId()]
	if ok && proto.Equal(known.settings, settings.GetCove()) {
		return known.client, nil
	}
	client, err := w.open(settings.GetCove())
	if err != nil {
		return nil, fmt.Errorf("open Cove: %w", err)
	}
	w.clients[settings.GetId()] = opened{proto.CloneOf(settings.GetCove()), client}
	return client, nil
}
