package route_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/route"
)

func sql() *incidentv1.Event {
	return &incidentv1.Event{
		DeviceId: "2345683", Customer: &statusv1.Customer{Id: "481233", Name: "Acme Technologies"}, Site: "Harbour Street",
		Device:   &incidentv1.Device{Name: "sql-01_a", ComputerName: "SQL-01", Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER, Profile: "Server Full Backup"},
		Severity: incidentv1.Severity_SEVERITY_CRITICAL, Tags: []string{"vip"},
		Conditions: []*incidentv1.Condition{{
			Kind: incidentv1.ConditionKind_CONDITION_KIND_STALE, Findings: []*incidentv1.Finding{{SourceCode: "D10"}},
		}},
	}
}

func TestARuleFits(t *testing.T) {
	for _, c := range []struct {
		sentence string
		rule     *tenantv1.TicketRoute
		want     bool
	}{
		{"one for all", &tenantv1.TicketRoute{}, true},
		{
			"one whose every part fits",
			&tenantv1.TicketRoute{
				Select: &tenantv1.Selector{
					Customers: []string{"acme*"}, Sites: []string{"harbour*"}, Classes: []string{"server"}, Devices: []string{"SQL-*"},
					Profiles: []string{"server*"}, Tags: []string{"vip"},
				},
				Conditions: []string{"failed", "stale"}, Severities: []string{"critical"}, Sources: []string{"D01", "D10"},
			},
			true,
		},
		{"another customer", &tenantv1.TicketRoute{Select: &tenantv1.Selector{Customers: []string{"TechServ"}}}, false},
		{"another condition", &tenantv1.TicketRoute{Conditions: []string{"failed"}}, false},
		{"another severity", &tenantv1.TicketRoute{Severities: []string{"warning"}}, false},
		{"another data source", &tenantv1.TicketRoute{Sources: []string{"D01"}}, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			c.rule.Set = map[string]string{"board": "NOC"}
			require.Equal(t, c.want, len(route.For([]*tenantv1.TicketRoute{c.rule}, sql()).Fields) == 1)
		})
	}
}

func TestEveryKindOfTroubleCanBeNamed(t *testing.T) {
	for word, kind := range map[string]incidentv1.ConditionKind{
		"failed": 1, "never": 2, "stale": 3, "errors": 4, "silent": 5, "noErrorFree": 6, "custom": 7, "notSwept": 8, "correlated": 9,
	} {
		e := sql()
		e.Conditions[0].Kind = kind
		require.Len(t, route.For([]*tenantv1.TicketRoute{{Conditions: []string{word}, Set: map[string]string{"team": "x"}}}, e).Fields, 1, word)
	}
}

func TestTheFirstRuleThatSetsAFieldDecidesItAndLaterOnesFillIn(t *testing.T) {
	r := route.For([]*tenantv1.TicketRoute{
		{Name: "others", Conditions: []string{"failed"}, Set: map[string]string{"board": "Nowhere"}},
		{Name: "sql", Sources: []string{"D10"}, Set: map[string]string{"board": "NOC", "impact": "High", "urgency": "Low"}, CustomFields: map[string]string{"7": `"a"`}},
		{Name: "rest", Set: map[string]string{"board": "Service Desk", "source": "API", "priority": "P1"}, CustomFields: map[string]string{"7": `"b"`, "8": "1"}},
	}, sql())
	values := map[string]string{}
	for field, c := range r.Fields {
		values[field] = c.Value
	}
	require.Equal(t, map[string]string{"board": "NOC", "impact": "High", "urgency": "Low", "source": "API"}, values)
	require.True(t, r.Urgent())
	require.Equal(t, route.Choice{Value: "NOC", Key: "tickets.routing[1].set.board", Rule: "sql"}, r.Fields["board"])
	require.Equal(t, route.Choice{Value: "1", Key: "tickets.routing[2].set.customFields.8", Rule: "rest"}, r.Custom["8"])
	require.ElementsMatch(t, []string{"7", "8"}, func() (ids []string) {
		for id := range maps.Keys(r.Custom) {
			ids = append(ids, id)
		}
		return ids
	}())
	require.Equal(t, `board, custom field 7, impact, urgency by "sql"; custom field 8, source by "rest"`, r.Explain())
}

func TestWithoutRulesNothingIsDecided(t *testing.T) {
	r := route.For(nil, sql())
	require.Equal(t, route.Route{Fields: map[string]route.Choice{}, Custom: map[string]route.Choice{}}, r)
	require.False(t, r.Urgent())
	require.Empty(t, r.Explain())
}
