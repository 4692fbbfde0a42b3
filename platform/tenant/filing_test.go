package tenant_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/wording"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// filing has every key of what tickets say and where they go. It follows minimal, whose last line is 18.
const filing = `  publicNotes: true
  zeroBillTime: true
  attachConfigurations: true
  templates:
    summary: "{{.Device.Name}}: {{.Issue}}"
    description: |
      Dear {{.Customer}},
      {{.Text}}
    note: ""
  agreement: type/name = "Managed Backup"
  agreements:
    - {name: dentists, select: {customer: "*Dental*"}, where: 'name like "%Gold%"'}
    - {name: trial, select: {customer: 4711}, where: none}
  routing:
    - name: sql
      select: {class: server, tag: vip}
      condition: [failed, stale]
      severity: critical
      source: D10
      set:
        board: NOC
        type: Alert
        impact: High
        urgency: Low
        publicAppend: |
          We are on it.
          Your team
        customFields: {12: SQL, 13: 4, 14: true}
    - {name: rest, select: all, set: {source: API}}
  mapSites: true
`

func TestWhatTicketsSayAndWhereTheyGoIsRead(t *testing.T) {
	dir := folder(t)
	docs, err := load(t, dir, minimal+filing+ownCompany)
	require.NoError(t, err)
	require.Equal(t, tenant.Filing{
		PublicNotes: true, ZeroBillTime: true, AttachConfigurations: true, MapSites: true,
		Templates: map[wording.Kind]string{
			wording.Summary: "{{.Device.Name}}: {{.Issue}}", wording.Description: "Dear {{.Customer}},\n{{.Text}}\n",
		},
		Agreement: tenant.Condition{Line: 28, Text: `type/name = "Managed Backup"`},
		Agreements: []tenant.AgreementOverride{
			{
				Rule:  tenant.Rule{Line: 30, Name: "dentists", Select: tenant.Selector{Customers: []string{"*Dental*"}}},
				Where: tenant.Condition{Line: 30, Text: `name like "%Gold%"`},
			},
			{Rule: tenant.Rule{Line: 31, Name: "trial", Select: tenant.Selector{Customers: []string{"4711"}}}, Where: tenant.Condition{Line: 31}},
		},
		Routing: []tenant.Route{
			{
				Rule:       tenant.Rule{Line: 33, Name: "sql", Select: tenant.Selector{Classes: []string{"server"}, Tags: []string{"vip"}}},
				Conditions: []string{"failed", "stale"}, Severities: []string{"critical"}, Sources: []string{"D10"},
				Set: map[string]string{
					"board": "NOC", "type": "Alert", "impact": "High", "urgency": "Low", "publicAppend": "We are on it.\nYour team",
				},
				CustomFields: map[string]string{"12": `"SQL"`, "13": "4", "14": "true"},
			},
			{Rule: tenant.Rule{Line: 47, Name: "rest"}, Set: map[string]string{"source": "API"}},
		},
	}, docs[0].Tickets.Filing)

	travelling := docs[0].Settings().GetTickets()
	want := &tenantv1.TicketRoute{
		Name: "sql", Select: &tenantv1.Selector{Classes: []string{"server"}, Tags: []string{"vip"}}, Conditions: []string{"failed", "stale"},
		Severities: []string{"critical"}, Sources: []string{"D10"},
		Set: map[string]string{
			"board": "NOC", "type": "Alert", "impact": "High", "urgency": "Low", "publicAppend": "We are on it.\nYour team",
		},
		CustomFields: map[string]string{"12": `"SQL"`, "13": "4", "14": "true"},
	}
	require.True(t, proto.Equal(want, travelling.GetRouting()[0]))
	require.True(t, proto.Equal(&tenantv1.AgreementOverride{
		Name: "trial", Select: &tenantv1.Selector{Customers: []string{"4711"}},
	}, travelling.GetAgreementOverrides()[1]))
	require.Equal(t, map[string]string{"summary": "{{.Device.Name}}: {{.Issue}}", "description": "Dear {{.Customer}},\n{{.Text}}\n"}, travelling.GetTemplates())
	require.Equal(t, `type/name = "Managed Backup"`, travelling.GetAgreement())
	require.True(t, travelling.GetPublicNotes() && travelling.GetZeroBillTime() && travelling.GetAttachConfigurations() && travelling.GetMapSites())
	require.Empty(t, docs[0].Warnings())
}

func TestWrongFilingIsRefusedWithItsLine(t *testing.T) {
	dir := folder(t)
	for keys, want := range map[string]string{
		"  templates:\n    note: |\n      fine\n      {{.Customr}}\n":                                    "tenants.yaml:22: tickets.templates.note: uses .Customr, which there is not; see docs/templates.md for what it may use",
		"  templates: {note: \"{{\"}\n":                                                                  "tenants.yaml:19: tickets.templates.note: does not work (unclosed action); see docs/templates.md for what it may use",
		"  templates: {notes: x}\n":                                                                      "tenants.yaml:19: tickets.templates.notes: is not a key; did you mean note?",
		"  templates: {note: [x]}\n":                                                                     "tenants.yaml:19: tickets.templates.note: is a list, not a template; write text, below a | when it has several lines",
		"  agreement: name is good\n":                                                                    `tenants.yaml:19: tickets.agreement: has "is" at character 6; write one of = != < <= > >= contains like in not there`,
		"  agreements:\n    - name: a\n      select: {customer: x}\n      where: name\n":                 "tenants.yaml:22: tickets.agreements[0].where: has the end at character 5; write one of = != < <= > >= contains like in not there",
		"  agreements: [{name: a, select: {customer: x}}]\n":                                             `tenants.yaml:19: tickets.agreements[0].where: is missing; add where: 'name like "%Backup%"', a condition over agreements, or where: none`,
		"  routing: [{name: a, select: all, set: {bord: x}}]\n":                                          "tenants.yaml:19: tickets.routing[0].set.bord: is not a key; did you mean board?",
		"  routing: [{name: a, select: all, set: {}}]\n":                                                 "tenants.yaml:19: tickets.routing[0].set: sets nothing; write one or more of board, status, type, subType, item, team, owner, priority, impact, urgency, source, site, contact, publicAppend, internalAppend, customFields",
		"  routing: [{name: a, select: all, set: {impact: high, urgency: Low}}]\n":                       `tenants.yaml:19: tickets.routing[0].set.impact: "high" is none of Low, Medium, High; did you mean High?`,
		"  routing: [{name: a, select: all, set: {impact: High}}]\n":                                     "tenants.yaml:19: tickets.routing[0].set: sets only one of impact and urgency; write both, because the priority follows from the two",
		"  routing: [{name: a, select: all, set: {impact: High, urgency: Low, priority: P1}}]\n":         "tenants.yaml:19: tickets.routing[0].set: sets a priority and what ConnectWise makes a priority of; keep priority, or impact and urgency",
		"  routing: [{name: a, select: all, condition: faild, set: {board: x}}]\n":                       `tenants.yaml:19: tickets.routing[0].condition: "faild" is none of failed, never, stale, errors, silent, noErrorFree, custom, notSwept, correlated; did you mean failed?`,
		"  routing: [{name: a, select: all, severity: [alarm], set: {board: x}}]\n":                      `tenants.yaml:19: tickets.routing[0].severity[0]: "alarm" is none of warning, alert, critical; write one of them`,
		"  routing: [{name: a, select: all, source: SQL, set: {board: x}}]\n":                            `tenants.yaml:19: tickets.routing[0].source: "SQL" is not the code of a data source; write a code such as D01 (Files and Folders) or D19 (Exchange Online)`,
		"  routing: [{name: a, select: all, set: {customFields: {Colour: red}}}]\n":                      "tenants.yaml:19: tickets.routing[0].set.customFields.Colour: is not the id of a custom field; write its number, as ConnectWise's setup of custom fields shows it",
		"  routing: [{name: a, select: all, set: {customFields: {7: [red]}}}]\n":                         "tenants.yaml:19: tickets.routing[0].set.customFields.7: is a list, not a value; write text, a number, or true or false",
		"  routing: [{name: a, select: all, set: {board: x}}, {name: a, select: all, set: {team: y}}]\n": `tenants.yaml:19: tickets.routing[1].name: "a" is already the name of the entry on line 19; give each its own`,
	} {
		_, err := load(t, dir, minimal+keys)
		requireProblems(t, dir, err, want)
	}
}

// ownCompany names the company that a document should name.
const ownCompany = "companies: {own: MSP}\n"

func TestADocumentWithoutACompanyForTheMSPItselfIsWarnedOf(t *testing.T) {
	for keys, warned := range map[string]bool{"": true, ownCompany: false, "companies: {catchAll: Unmapped}\n": false} {
		docs, err := load(t, folder(t), minimal+keys)
		require.NoError(t, err)
		if !warned {
			require.Empty(t, docs[0].Warnings(), keys)
			continue
		}
		require.Equal(t, []tenant.Warning{{
			Key: "companies.own",
			Text: "is not set, nor is companies.catchAll, so that there is no ticket when Cove cannot be checked at all, nor one for many devices with one " +
				"cause; write the identifier of your own company in ConnectWise",
		}}, docs[0].Warnings())
	}
}

func TestLettersThatLookLikeOthersAreWarnedOf(t *testing.T) {
	docs, err := load(t, folder(t), minimal+"  agreement: name like \"%Сontinuity\"\n  agreements:\n    - {name: a, select: {customer: x}, where: 'name = \"Bасkup\"'}\n"+ownCompany)
	require.NoError(t, err)
	require.Equal(t, []tenant.Warning{
		{
			Line: 19, Key: "tickets.agreement",
			Text: `"%Сontinuity" mixes Cyrillic and Latin letters in one word: 'С' is Cyrillic (U+0421); type it anew`,
		},
		{
			Line: 21, Key: "tickets.agreements[0].where",
			Text: `"Bасkup" mixes Cyrillic and Latin letters in one word: 'а' is Cyrillic (U+0430); type it anew`,
		},
	}, docs[0].Warnings())
}
