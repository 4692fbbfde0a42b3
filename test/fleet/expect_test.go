package fleet_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/test/harness"
)

// place is where a device belongs after two sweeps.
type place struct {
	device int64
	says   string // the device's case, in a few words
	label  string // SVR, WKS, DOC or 365

	// judged are the conditions that the evaluator finds, as "kind: data source, data source"; none for a device that
	// is well.
	judged []string
	// excluded is why policy leaves the device out.
	excluded string
	// company is the id of the company at which the ticket belongs; 0 where there must be no ticket.
	company int
	// waits is what is known of the customer's company where a person must choose one or create it: the incident waits,
	// because a ticket at the wrong customer is worse than none.
	waits companyv1.LinkState
	// quotes are in the ticket's text.
	quotes []string
}

const (
	linked    = companyv1.LinkState_LINK_STATE_LINKED
	ambiguous = companyv1.LinkState_LINK_STATE_AMBIGUOUS
	missing   = companyv1.LinkState_LINK_STATE_MISSING
	broken    = companyv1.LinkState_LINK_STATE_BROKEN

	byReference = companyv1.LinkMethod_LINK_METHOD_REFERENCE
	byName      = companyv1.LinkMethod_LINK_METHOD_EXACT_NAME
	byNormal    = companyv1.LinkMethod_LINK_METHOD_NORMALISED_NAME
	byText      = companyv1.LinkMethod_LINK_METHOD_REFERENCE_NAME
)

// match is what a customer's link must say after a whole comparison.
type match struct {
	state   companyv1.LinkState
	method  companyv1.LinkMethod
	company int64
}

// loaded is a fleet document with its companies.
type loaded struct {
	fleet     covefake.Fleet
	companies []cwfake.Company
}

func load(t *testing.T, name string) loaded {
	t.Helper()
	file, err := os.Open(name)
	require.NoError(t, err)
	defer file.Close()
	var l loaded
	l.fleet, err = covefake.ReadFleet(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(l.fleet.Companies, &l.companies))
	require.NotEmpty(t, l.companies)
	return l
}

// check asks of every device whether it is where it belongs.
func check(t *testing.T, h *harness.Harness, tn *harness.Tenant, l loaded, places []place) {
	t.Helper()
	byDevice := map[int64]place{}
	for _, p := range places {
		byDevice[p.device] = p
	}
	states, tickets := tn.States(), ticketsByIncident(tn)
	trouble, excluded := 0, 0
	for _, d := range l.fleet.Devices {
		p, known := byDevice[d.AccountID]
		require.True(t, known, "device %d (%s) is in the fleet and not in the table", d.AccountID, d.Story)
		delete(byDevice, d.AccountID)
		t.Run(fmt.Sprintf("%d %s", p.device, p.says), func(t *testing.T) {
			state := states[fmt.Sprint(p.device)]
			require.NotNil(t, state, "the device fell out of the enumeration")
			require.Equal(t, p.judged, conditions(state.GetOpen()), "judgement (expected: %s)", d.Expect)
			require.Equal(t, p.excluded, state.GetExcluded())
			incident := state.GetOpen().GetIncidentId()
			switch ticket := tickets[incident]; {
			case p.company != 0:
				require.NotNil(t, ticket, "it has no ticket; its incident %s", tn.Ledgers()[incident].GetPark())
				require.Equal(t, p.company, ticket.CompanyID)
				checkTicket(t, p, state, *ticket)
			case p.waits != companyv1.LinkState_LINK_STATE_UNSPECIFIED:
				require.Nil(t, ticket, "a ticket at the wrong customer is worse than none")
				checkWaiting(t, tn, p, state)
			default:
				require.Empty(t, incident)
				require.Nil(t, ticket)
			}
		})
		if p.judged != nil {
			trouble++
		}
		if p.excluded != "" {
			excluded++
		}
	}
	require.Empty(t, byDevice, "these devices are in the table and not in the fleet")
	checkAccount(t, h, len(l.fleet.Devices), trouble, excluded)
}

// checkWaiting asks whether an incident waits for its company and says why.
func checkWaiting(t *testing.T, tn *harness.Tenant, p place, state *incidentv1.DeviceState) {
	t.Helper()
	ledger := tn.Ledgers()[state.GetOpen().GetIncidentId()]
	require.Equal(t, ticketv1.ParkReason_PARK_REASON_COMPANY, ledger.GetPark().GetReason(), "the incident must wait for its company")
	link := tn.Links()[state.GetSnapshot().GetCustomer().GetId()]
	require.Equal(t, p.waits, link.GetState(), "link: %s", link.GetReason())
	require.NotEmpty(t, link.GetReason())
	require.NotEmpty(t, ledger.GetPark().GetDetail())
	require.NotNil(t, link.GetWaitingSince())
}

// checkCustomers asks of every customer whether it has the company that it belongs to, or none.
func checkCustomers(t *testing.T, h *harness.Harness, tn *harness.Tenant, want map[string]match) {
	t.Helper()
	h.Settles("all customers are compared with all companies", func() string {
		if got := tn.Links(); len(got) < len(want) {
			return fmt.Sprintf("%d of %d have a link", len(got), len(want))
		}
		return ""
	})
	got := map[string]match{}
	for id, link := range tn.Links() {
		got[id] = match{link.GetState(), link.GetMethod(), link.GetCompany().GetId()}
	}
	require.Equal(t, want, got)
}

// bareCodes are column codes and numbers of statuses without their names. An error's number stands beside its text.
var bareCodes = regexp.MustCompile(`\bD\d{1,2}(F\d{1,2})?\b|\b(T0|T7|TL|TS|I78|AN|MN)\b|(?i)\b(status|state)[ :=]+\d+\b`)

func checkTicket(t *testing.T, p place, state *incidentv1.DeviceState, ticket cwfake.Ticket) {
	t.Helper()
	priority := map[string]string{"SVR": harness.PriorityServer, "WKS": harness.PriorityWorkstation, "DOC": harness.PriorityWorkstation, "365": harness.PriorityM365}[p.label]
	require.Equal(t, []string{harness.Board, harness.NewStatus, priority}, []string{ticket.Board, ticket.Status, ticket.Priority})
	require.False(t, ticket.ClosedFlag)
	require.LessOrEqual(t, len(utf16.Encode([]rune(ticket.Summary))), 100)
	name := state.GetOpen().GetDevice().GetComputerName()
	if name == "" {
		name = state.GetOpen().GetDevice().GetName()
	}
	require.Truef(t, strings.HasPrefix(ticket.Summary, fmt.Sprintf("[CW-%s] Cove %s %s - ", state.GetOpen().GetIncidentId(), p.label, name)), "summary %q", ticket.Summary)
	body := ""
	for _, n := range ticket.Notes {
		body += n.Text + "\n"
		require.Empty(t, bareCodes.FindAllString(n.Text, -1), "codes without their names in:\n%s", n.Text)
	}
	for _, quote := range p.quotes {
		require.Contains(t, body, quote)
	}
}

// checkAccount compares what the page says with the fleet: every device is in exactly one state.
func checkAccount(t *testing.T, h *harness.Harness, all, trouble, excluded int) {
	t.Helper()
	type account struct {
		Total, Pending, Unknown, Excluded, Healthy int
		Trouble                                    int `json:"in_trouble"`
	}
	want := account{Total: all, Trouble: trouble, Excluded: excluded, Healthy: all - trouble - excluded}
	h.Settles("the page accounts for every device", func() string {
		var page struct{ Items []struct{ Devices account } }
		h.Page("/api/v1/tenants", &page)
		if len(page.Items) != 1 || page.Items[0].Devices != want {
			return fmt.Sprintf("it says %+v, want %+v", page.Items, want)
		}
		return ""
	})
}

// conditions are an incident's as "kind: data source, data source".
func conditions(open *incidentv1.Event) []string {
	var all []string
	for _, c := range open.GetConditions() {
		var sources []string
		for _, f := range c.GetFindings() {
			sources = append(sources, f.GetSourceName())
		}
		kind := strings.ToLower(strings.TrimPrefix(c.GetKind().String(), "CONDITION_KIND_"))
		all = append(all, kind+": "+strings.Join(sources, ", "))
	}
	return all
}

// ticketsByIncident are the tenant's tickets by the incident that their reference ends with.
func ticketsByIncident(tn *harness.Tenant) map[string]*cwfake.Ticket {
	all := map[string]*cwfake.Ticket{}
	for _, ticket := range tn.PSA.Tickets() {
		all[ticket.ExternalXRef[strings.LastIndex(ticket.ExternalXRef, ":")+1:]] = &ticket
	}
	return all
}
