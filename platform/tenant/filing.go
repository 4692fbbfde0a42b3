package tenant

import (
	"fmt"

	"github.com/covewise/covewise/platform/tenant/agreement"
	"github.com/covewise/covewise/platform/tenant/wording"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Filing says what tickets say and where they go, beyond board, statuses and priorities. The zero value leaves all of
// it to the built-in texts and to ConnectWise.
type Filing struct {
	PublicNotes          bool                    // notes and resolutions are told to the customer, not internal
	ZeroBillTime         bool                    // the note that ends an incident is a time entry of no charge
	AttachConfigurations bool                    // the device's configuration is attached to its ticket
	MapSites             bool                    // tickets are at the site that is called as the device's in Cove
	Templates            map[wording.Kind]string // own words; nil when there are none
	Agreement            Condition               // for all customers; empty gives none
	Agreements           []AgreementOverride     // for some customers; of those that match, later ones win
	Routing              []Route                 // the first that sets a field decides it
}

// Condition chooses agreements, as package agreement has it.
type Condition struct {
	Line int // in the file it was read from; 0 when it was not
	Text string
}

// AgreementOverride is which agreement the tickets of some customers are given.
type AgreementOverride struct {
	Rule
	Where Condition
}

// Route says where some tickets go.
type Route struct {
	Rule
	Conditions   []string          // one must be there; none means any
	Severities   []string          // "warning", "alert", "critical"; none means any
	Sources      []string          // codes of data sources, one must be in trouble; none means any
	Set          map[string]string // values by field, see RouteFields
	CustomFields map[string]string // by id; values as JSON
}

// RouteConditions are the words for conditions in routing rules.
func RouteConditions() []string {
	return []string{"failed", "never", "stale", "errors", "silent", "noErrorFree", "custom", "notSwept", "correlated"}
}

// RouteFields are the fields that a routing rule sets, beside customFields.
func RouteFields() []string {
	return []string{
		"board", "status", "type", "subType", "item", "team", "owner", "priority", "impact", "urgency", "source", "site", "contact",
		"publicAppend", "internalAppend",
	}
}

// settings puts the filing into the message that travels.
func (f Filing) settings(t *tenantv1.Tickets) {
	t.MapSites = f.MapSites
	t.PublicNotes, t.ZeroBillTime, t.AttachConfigurations, t.Agreement = f.PublicNotes, f.ZeroBillTime, f.AttachConfigurations, f.Agreement.Text
	for kind, text := range f.Templates {
		if t.Templates == nil {
			t.Templates = map[string]string{}
		}
		t.Templates[string(kind)] = text
	}
	for _, o := range f.Agreements {
		t.AgreementOverrides = append(t.AgreementOverrides, &tenantv1.AgreementOverride{Name: o.Name, Select: o.Select.settings(), Where: o.Where.Text})
	}
	for _, o := range f.Routing {
		t.Routing = append(t.Routing, &tenantv1.TicketRoute{
			Name: o.Name, Select: o.Select.settings(), Conditions: o.Conditions, Severities: o.Severities, Sources: o.Sources,
			Set: o.Set, CustomFields: o.CustomFields,
		})
	}
}

// Warning is something in a document that is allowed and probably not meant.
type Warning struct {
	Line int    // 1-based; 0 when the document was not read from a file
	Key  string // dotted path
	Text string // what it is, a semicolon, and the remedy
}

// Warnings returns what a person should look at although the document is right: conditions over agreements with
// letters that look like others, templates that show customers what is not for them, and that nobody is named to have the
// tickets which concern no single customer.
func (d Document) Warnings() []Warning {
	var all []Warning
	if d.Companies.Own == "" && d.Companies.CatchAll == "" {
		all = append(all, Warning{
			0, "companies.own",
			"is not set, nor is companies.catchAll, so that there is no ticket when Cove cannot be checked at all, nor one for many devices with one cause; write the identifier of your own company in ConnectWise",
		})
	}
	look := func(key string, c Condition) {
		parsed, err := agreement.Parse(c.Text)
		if err != nil {
			return
		}
		for _, told := range parsed.LookAlikes() {
			all = append(all, Warning{c.Line, key, told})
		}
	}
	look("tickets.agreement", d.Tickets.Filing.Agreement)
	for i, o := range d.Tickets.Filing.Agreements {
		look(fmt.Sprintf("tickets.agreements[%d].where", i), o.Where)
	}
	return append(all, d.Tickets.Filing.shown()...)
}

// shown warns of templates that show customers what is not for them.
func (f Filing) shown() []Warning {
	var all []Warning
	for _, kind := range wording.Kinds() {
		parsed, err := wording.Parse(kind, f.Templates[kind])
		if err != nil || !wording.CustomersSee(kind, f.PublicNotes) {
			continue
		}
		for _, name := range parsed.Internal() {
			all = append(all, Warning{0, "tickets.templates." + string(kind), fmt.Sprintf("uses .%s, which is not for customers, and customers see this text; leave it out", name)})
		}
	}
	return all
}
