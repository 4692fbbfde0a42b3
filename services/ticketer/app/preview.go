package app

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/agreement"
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
	Routing     string            // which rule gives which field; empty when none does
	Agreement   string            // the condition over agreements; empty when none is asked for
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
	opened, changed, resolved := text.Sample(o.Clock.Now())
	if o.Incident != "" {
		if opened, changed, resolved, err = recorded(ctx, b, tenant, o.Incident); err != nil {
			return TextPreview{}, err
		}
	}
	zone, err := time.LoadLocation(tickets.GetTimeZone())
	if err != nil {
		return TextPreview{}, errclass.New(errclass.Rejected, "tenant setting tickets.timeZone", err)
	}
	p := TextPreview{Broken: map[string]string{}}
	w := text.NewWriter(tickets, zone, func(template string, err error) { p.Broken[template] = err.Error() })
	p.Summary, p.Description = w.Summary(opened), w.Description(opened)
	p.Analysis = w.Analysis(opened, fmt.Sprintf("covewise:%s:%s:%s", b.Installation(), tenant, opened.GetIncidentId()))
	p.Note, p.Resolution = w.Change(opened, changed), w.Resolution(changed, resolved)
	p.Routing = route.For(tickets.GetRouting(), opened).Explain()
	p.Agreement = agreement.For(tickets, opened.GetCustomer()).Where
	return p, nil
}

// recorded returns an incident as its ticket shows it, as it is now, and as it would be told when it is over.
func recorded(ctx context.Context, b *bus.Bus, tenant, incident string) (opened, changed, resolved *incidentv1.Event, err error) {
	story, err := Ticket(ctx, b, tenant, incident)
	if err != nil {
		return nil, nil, nil, err
	}
	changed = story.Ledger.GetWanted()
	if opened = story.Ledger.GetShown(); opened == nil {
		opened = changed
	}
	resolved = changed
	if resolved.GetKind() != incidentv1.EventKind_EVENT_KIND_RESOLVED {
		resolved = proto.CloneOf(changed)
		resolved.Kind, resolved.Resolution = incidentv1.EventKind_EVENT_KIND_RESOLVED, incidentv1.Resolution_RESOLUTION_RECOVERED
		resolved.Conditions, resolved.Revision = nil, changed.GetRevision()+1
	}
	return opened, changed, resolved, nil
}
