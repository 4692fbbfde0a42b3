package fleet_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
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
	// company is the id of the company at which the ticket belongs; anyCompany where people must choose, 0 where
	// there must be no ticket.
	company int
	// quotes are in the ticket's text.
	quotes []string

	// waits names a device that is not yet where it belongs. It must be taken out as soon as it is.
	waits *waiting
}

const anyCompany = -1

// waiting is what a device waits for.
type waiting struct {
	issue string // B, C or E
	why   string
	// more are conditions that the issue adds to those judged now.
	more []string
	// link is what is known of the customer's company meanwhile.
	link companyv1.LinkState
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
	states, tickets := tn.States(), byReference(tn)
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
			if incident == "" {
				require.Zero(t, p.company)
				require.NotContains(t, tn.Ledgers(), incident)
			}
			ticket := tickets[incident]
			checkWaiting(t, tn, p, state, ticket)
			if ticket != nil {
				checkTicket(t, p, state, *ticket)
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

// checkWaiting holds the list of what waits for later issues to the truth, both ways.
func checkWaiting(t *testing.T, tn *harness.Tenant, p place, state *incidentv1.DeviceState, ticket *cwfake.Ticket) {
	t.Helper()
	final := slices.Clone(p.judged)
	if p.waits != nil {
		final = append(final, p.waits.more...)
	}
	there := slices.Equal(final, conditions(state.GetOpen()))
	switch p.company {
	case 0:
		there = there && ticket == nil
	case anyCompany:
		there = there && ticket != nil
	default:
		there = there && ticket != nil && ticket.CompanyID == p.company
	}
	if p.waits == nil {
		found := "no ticket"
		if ticket != nil {
			found = fmt.Sprintf("ticket %d at company %d", ticket.ID, ticket.CompanyID)
		}
		require.True(t, there, "it belongs to company %d with %v; there is %s", p.company, p.judged, found)
		return
	}
	require.False(t, there, "it waited for issue %s (%s) and is where it belongs: take it off the list", p.waits.issue, p.waits.why)
	if p.waits.link == companyv1.LinkState_LINK_STATE_UNSPECIFIED {
		return
	}
	// Nothing is lost meanwhile: the incident waits for its company and says why.
	require.Nil(t, ticket, "a ticket at the wrong customer is worse than none")
	ledger := tn.Ledgers()[state.GetOpen().GetIncidentId()]
	require.Equal(t, ticketv1.ParkReason_PARK_REASON_COMPANY, ledger.GetPark().GetReason(), "the incident must wait for its company")
	link := tn.Links()[state.GetSnapshot().GetCustomer().GetId()]
	require.Equal(t, p.waits.link, link.GetState(), "link: %s", link.GetReason())
	require.NotEmpty(t, link.GetReason())
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
	require.Truef(t, strings.HasPrefix(ticket.Summary, fmt.Sprintf("COVE %s %s #%d - ", p.label, name, p.device)), "summary %q", ticket.Summary)
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

// byReference are the tenant's tickets by the incident that their reference ends with.
func byReference(tn *harness.Tenant) map[string]*cwfake.Ticket {
	all := map[string]*cwfake.Ticket{}
	for _, ticket := range tn.PSA.Tickets() {
		all[ticket.ExternalXRef[strings.LastIndex(ticket.ExternalXRef, ":")+1:]] = &ticket
	}
	return all
}
