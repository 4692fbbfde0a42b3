package app

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/agreement"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
	"github.com/covewise/covewise/services/ticketer/internal/route"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// PreviewOptions say what a preview shows. The zero value shows the tenant's texts of a sample.
type PreviewOptions struct {
	Incident  string            // id of an incident on record; empty shows a sample
	Templates map[string]string // instead of the tenant's: "summary", "description", "note", "resolution"; nil takes the tenant's
	Clock     clock.Clock       // for the times of a sample; nil: the system's
}

// TextPreview is what an incident's ticket says and where it would go, without anything being written.
type TextPreview struct {
	Summary     string
	Description string
	Analysis    string            // the internal text beside the description
	Note        string            // about a picture that changed
	Resolution  string            // when it is over
	Broken      map[string]string // templates that do not work, with the reason; the built-in text is shown for them
	Routing     string            // which rule gives which field of a ticket that is made now; empty when none does
	Ticket      int64             // the incident's ticket, whose fields stay as they are; 0 for a sample and when it has none
	Agreement   string            // the condition over agreements; empty when none is asked for
	Unread      Unread            // events that should have been looked at
}

// Preview writes the texts of a tenant's tickets, of a sample or of an incident on record. It asks ConnectWise nothing:
// whether the names that rules give exist there shows when a ticket is made.
func Preview(ctx context.Context, b *bus.Bus, tenant string, o PreviewOptions) (TextPreview, error) {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return TextPreview{}, err
	}
	settings, _, err := tenants.Get(ctx, bus.Key(tenant))
	if err != nil {
		return TextPreview{}, err
	}
	if settings == nil {
		return TextPreview{}, errclass.Newf(errclass.NotFound, "tenant", "there is no tenant %q; apply its document", tenant)
	}
	tickets := settings.GetTickets()
	if o.Templates != nil {
		tickets = proto.CloneOf(tickets)
		tickets.Templates = o.Templates
	}
	p := TextPreview{Broken: map[string]string{}}
	opened, changed, resolved := text.Sample(o.Clock.Now())
	if o.Incident != "" {
		story, err := Ticket(ctx, b, tenant, o.Incident)
		if err != nil {
			return TextPreview{}, err
		}
		if opened, changed, resolved, err = recorded(ctx, b, story.Ledger, &p.Unread); err != nil {
			return TextPreview{}, err
		}
		p.Ticket = story.Ledger.GetTicketId()
	}
	zone, err := time.LoadLocation(tickets.GetTimeZone())
	if err != nil {
		return TextPreview{}, errclass.New(errclass.Rejected, "tenant setting tickets.timeZone", err)
	}
	w := text.NewWriter(tickets, zone, func(template string, err error) { p.Broken[template] = err.Error() })
	reference := adopt.Prefix(b.Installation(), tenant) + opened.GetIncidentId()
	if opened.GetDeviceId() == rollup.Device {
		p.Summary, p.Description, p.Analysis = rollup.Summary(w, opened), rollup.Description(w, opened), rollup.Analysis(w, opened, reference)
		p.Note, p.Resolution = rollup.Change(w, opened, changed), rollup.Resolution(w, resolved)
	} else {
		p.Summary, p.Description, p.Analysis = w.Summary(opened), w.Description(opened), w.Analysis(opened, reference)
		p.Note, p.Resolution = w.Change(opened, changed), w.Resolution(changed, resolved)
	}
	p.Routing = route.For(tickets.GetRouting(), opened).Explain()
	p.Agreement = agreement.For(tickets, opened.GetCustomer()).Where
	return p, nil
}

// recorded returns an incident as its ticket shows it, as it is now, and as it would be told when it is over. Of one that
// is over the ledger has the end only; how it began, and was before the end, is on the INCIDENT stream.
func recorded(ctx context.Context, b *bus.Bus, l *ticketv1.Ledger, unread *Unread) (opened, changed, resolved *incidentv1.Event, err error) {
	const over = incidentv1.EventKind_EVENT_KIND_RESOLVED
	changed = l.GetWanted()
	if opened = l.GetShown(); opened == nil || opened.GetKind() == over {
		opened = changed
	}
	if changed.GetKind() == over {
		resolved = changed
		first, last, err := troubled(ctx, b, l, unread)
		if err != nil {
			return nil, nil, nil, err
		}
		if first == nil {
			return nil, nil, nil, errclass.Newf(errclass.NotFound, "incident", "incident %q is over, and what was wrong is not on record any more", l.GetIncidentId())
		}
		return first, last, resolved, nil
	}
	resolved = proto.CloneOf(changed)
	resolved.Kind, resolved.Resolution = over, incidentv1.Resolution_RESOLUTION_RECOVERED
	resolved.Conditions, resolved.Revision = nil, changed.GetRevision()+1
	return opened, changed, resolved, nil
}

// troubled returns the first and the last picture of an incident before its end; nil when they are no longer on record.
func troubled(ctx context.Context, b *bus.Bus, l *ticketv1.Ledger, unread *Unread) (first, last *incidentv1.Event, err error) {
	for _, verb := range []string{bus.VerbFailed, bus.VerbChanged} {
		err := b.History(ctx, bus.Incident, verb, l.GetTenant(), func(d bus.Delivery) error {
			e := &incidentv1.Event{}
			if d.Subject.Key != l.GetDeviceId() || !unread.Decode(d, e) || e.GetIncidentId() != l.GetIncidentId() {
				return nil
			}
			if first == nil || e.GetRevision() < first.GetRevision() {
				first = e
			}
			if last == nil || e.GetRevision() > last.GetRevision() {
				last = e
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return first, last, nil
}
