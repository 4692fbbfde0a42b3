package text

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/tenant/wording"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Theirs returns the devices that a text at the customer's company may name to the customer, and how many others there
// are: those of a ticket that stands for several customers' devices and is not at the MSP's own company are other people's, also
// where it is not known whose. The devices of a group of one customer bear no customer, none of them.
func Theirs(e *incidentv1.Event) (named []*incidentv1.Member, others int) {
	customer := e.GetCustomer().GetId()
	if customer == wording.OwnCustomer {
		return e.GetMembers(), 0
	}
	several := slices.ContainsFunc(e.GetMembers(), func(m *incidentv1.Member) bool { return m.GetCustomerId() != "" })
	for _, m := range e.GetMembers() {
		if id := m.GetCustomerId(); several && (id == "" || id != customer) {
			others++
			continue
		}
		named = append(named, m)
	}
	return named, others
}

// data is what a template sees of an event; built is the built-in text. public says that the customer may read the text.
func (w *Writer) data(e *incidentv1.Event, built string, public bool) wording.Data {
	p := w.page(e, false)
	d := wording.Data{
		Text: built, Incident: e.GetIncidentId(), Revision: int(e.GetRevision()), Scope: scopeName(e), Headline: headline(e), Issue: issue(e),
		Severity: severityName(e.GetSeverity()), Urgency: urgencyName(e.GetUrgency()), Flapping: e.GetFlapping(), Now: p.stamp(p.now),
		Opened: p.known(e.GetOpenedAt()), Customer: oneLine(e.GetCustomer().GetName()), CustomerID: oneLine(e.GetCustomer().GetId()),
		Site: oneLine(e.GetSite()), Device: p.deviceData(e), MembersTotal: int(e.GetMembersTotal()),
		Resolution: resolutionName(e.GetResolution()), Reason: shorten(oneLine(e.GetReason())),
		ConsoleURL: oneLine(e.GetDevice().GetConsoleUrl()), InternalIP: oneLine(internalAddress(e)),
	}
	if opened := e.GetOpenedAt(); opened != nil {
		d.Duration = span(p.now.Sub(opened.AsTime()))
	}
	if e.GetScope() == incidentv1.Scope_SCOPE_GROUP {
		d.Cause = causeWords(e.GetCause())
	}
	if len(e.GetConditions()) > 0 {
		for _, t := range p.troubles(e) {
			d.Troubles = append(d.Troubles, p.troubleData(t))
		}
	}
	for _, s := range e.GetDevice().GetSources() {
		d.Sources = append(d.Sources, p.sourceData(s))
	}
	members := e.GetMembers()
	if public {
		members, _ = Theirs(e)
	}
	for _, m := range members[:min(len(members), mostListed)] {
		d.Members = append(d.Members, wording.Member{ID: m.GetDeviceId(), Name: oneLine(m.GetDeviceName()), Customer: oneLine(m.GetCustomerName())})
	}
	for _, tag := range e.GetTags() {
		d.Tags = append(d.Tags, oneLine(tag))
	}
	return d
}

// known writes a time that may be absent.
func (p *page) known(at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	return p.stamp(at.AsTime())
}

// known writes a size that may not be known.
func known(bytes int64) string {
	if bytes <= 0 {
		return ""
	}
	return size(bytes)
}

func (p *page) deviceData(e *incidentv1.Event) wording.Device {
	d := e.GetDevice()
	if d == nil {
		return wording.Device{}
	}
	return wording.Device{
		ID: e.GetDeviceId(), Name: Name(d), VendorName: oneLine(d.GetName()), Alias: oneLine(d.GetAlias()), Class: className(d.GetClass()),
		Label: label(d.GetClass()), OS: oneLine(d.GetOs()), Hardware: hardware(d), Profile: oneLine(d.GetProfile()), Product: oneLine(d.GetProduct()),
		StorageLocation: oneLine(d.GetStorageLocation()), Selected: known(d.GetSelectedBytes()), Used: known(d.GetUsedBytes()), TimeZone: timeZone(d),
		ClientVersion: oneLine(d.GetClientVersion()), ExternalIP: oneLine(d.GetExternalIp()),
		Created: p.known(d.GetCreatedAt()), LastContact: p.known(d.GetLastContactAt()), LastGood: p.known(d.GetLastSuccessAt()),
	}
}

func (p *page) troubleData(t *trouble) wording.Trouble {
	out := wording.Trouble{
		Name: t.name, Code: t.source, What: strings.Join(t.phrases, "; "), Since: p.stamp(t.since), LastGood: p.known(t.good),
		Errors: int(t.quote.GetErrorsTotal()), Session: oneLine(t.quote.GetSessionId()),
	}
	if t.source == deviceWideCode {
		out.Code = ""
	}
	if all := t.quote.GetErrors(); len(all) > 0 {
		out.Cause, out.Item = shorten(oneLine(all[0].GetText())), shorten(oneLine(all[0].GetItem()))
	}
	return out
}

func (p *page) sourceData(s *incidentv1.SourceStatus) wording.Source {
	return wording.Source{
		Name: orElse(oneLine(s.GetName()), "data source "+s.GetCode()), Code: s.GetCode(), Status: orElse(oneLine(s.GetStatus()), "no status"),
		Errors: int(s.GetErrors()), LastGood: p.known(s.GetLastSuccessAt()),
		Size: known(s.GetSelectedBytes()), Session: p.lastSession(s), Protected: protects(s),
	}
}

func scopeName(e *incidentv1.Event) string {
	switch e.GetScope() {
	case incidentv1.Scope_SCOPE_TENANT:
		return "tenant"
	case incidentv1.Scope_SCOPE_GROUP:
		return "group"
	case incidentv1.Scope_SCOPE_UNSPECIFIED, incidentv1.Scope_SCOPE_DEVICE:
	}
	return "device"
}

func resolutionName(r incidentv1.Resolution) string {
	switch r {
	case incidentv1.Resolution_RESOLUTION_RECOVERED:
		return "recovered"
	case incidentv1.Resolution_RESOLUTION_REMOVED:
		return "removed"
	case incidentv1.Resolution_RESOLUTION_EXCLUDED:
		return "excluded"
	case incidentv1.Resolution_RESOLUTION_UNSPECIFIED:
	}
	return ""
}
