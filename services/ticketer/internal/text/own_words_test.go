package text_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

func TestTheScriptDoesNotTakeOurTicketsForItsOwn(t *testing.T) {
	for name, e := range fleet() {
		s := utc().Summary(e)
		require.NotRegexp(t, `(?i)^cove`, s, name)
		require.True(t, strings.HasPrefix(s, text.Badge(e.GetIncidentId())+" "), name)
	}
}

func TestInternalAddressesStandInInternalTextsOnly(t *testing.T) {
	e := fleet()["server-failed"]
	require.NotContains(t, utc().Description(e), "192.0.2.100")
	require.Contains(t, utc().Analysis(e, "r"), "Internal address: 192.0.2.100, 192.0.2.101\n")
}

func TestNotesToldToCustomersHaveNoLink(t *testing.T) {
	e := fleet()["server-failed"]
	public := text.NewWriter(&tenantv1.Tickets{PublicNotes: true}, time.UTC, nil)
	over := resolved(e, hour, incidentv1.Resolution_RESOLUTION_RECOVERED)
	for _, s := range []string{public.Change(e, changed(e, hour)), public.Resolution(e, over)} {
		require.NotContains(t, s, "http")
	}
	require.Contains(t, utc().Change(e, changed(e, hour)), "http")
}

// own has a template for every text.
func own(templates map[string]string, warn func(string, error)) *text.Writer {
	return text.NewWriter(&tenantv1.Tickets{Templates: templates}, time.UTC, warn)
}

func TestATenantWritesItsOwnWords(t *testing.T) {
	w := own(map[string]string{
		"summary":     "{{.Device.Label}} {{.Device.Name}} at {{.Customer}}\n{{.Issue}}",
		"description": "Dear {{.Customer}},\n{{range .Troubles}}- {{.Name}}: {{.What}}, {{.Cause}}\n{{end}}",
		"note":        "{{range .Changes}}* {{.}}\n{{end}}{{.Text}}",
		"resolution":  "{{.Resolution}} after {{.Duration}}, {{len .Sources}} sources",
	}, func(string, error) { t.Error("no template is broken") })
	e := fleet()["server-failed"]
	require.Equal(t, "[CW-2345678-1] SVR SRV-01 at Bluefin Dental Group Failed: Files and Folders", w.Summary(e))
	require.Equal(t, "Dear Bluefin Dental Group,\n- Files and Folders: Failed, Access denied\n\nCovewise 2345678-1 r1", w.Description(e))
	next := changed(e, hour, e.GetConditions()...)
	next.Severity = incidentv1.Severity_SEVERITY_ALERT
	note := w.Change(e, next)
	require.True(t, strings.HasPrefix(note, "* Severity: alert\nChanged: SRV-01 (server) of Bluefin Dental Group"), note)
	require.True(t, strings.HasSuffix(note, "\n\nCovewise 2345678-1 r2"), note)
	require.Equal(t, "recovered after 1 d 7 h, 2 sources\n\nCovewise 2345678-1 r2", w.Resolution(e, resolved(e, 31*hour, incidentv1.Resolution_RESOLUTION_RECOVERED)))
}

func TestASummaryOfOnesOwnIsCutBehindItsBadge(t *testing.T) {
	w := own(map[string]string{"summary": "{{range .Sources}}{{$.Headline}} {{$.Headline}} {{end}}"}, nil)
	s := w.Summary(fleet()["server-failed"])
	require.True(t, strings.HasPrefix(s, "[CW-2345678-1] SRV-01"))
	require.LessOrEqual(t, len(utf16.Encode([]rune(s))), 100)
}

func TestABrokenTemplateFallsBackAndWarnsOnce(t *testing.T) {
	warned := map[string]int{}
	e := fleet()["server-failed"]
	crowd := storm(1000)
	w := own(map[string]string{
		"summary":     "{{.Nonsense}}",                                                                       // as an older version may have stored it
		"description": "{{range .Members}}{{range $.Members}}" + strings.Repeat("x", 50) + "{{end}}{{end}}x", // too long for this group only
		"note":        "{{if .Flapping}}x{{end}}",                                                            // writes nothing
	}, func(template string, _ error) { warned[template]++ })
	for range 3 {
		require.Equal(t, utc().Summary(e), w.Summary(e))
		require.Equal(t, utc().Description(crowd), w.Description(crowd))
		require.Equal(t, "x\n\nCovewise 2345678-1 r1", w.Description(e))
		require.Equal(t, utc().Change(e, changed(e, hour)), w.Change(e, changed(e, hour)))
	}
	require.Equal(t, map[string]int{"summary": 1, "description": 1}, warned)

	var told []string
	listening := w.Listening(func(template string, _ error) { told = append(told, template) })
	for range 2 {
		listening.Summary(e)
		listening.Description(e) // which it does not fail for
		listening.Description(crowd)
		listening.Resolution(e, e)
	}
	require.Equal(t, []string{"summary", "description", "summary", "description"}, told, "whoever listens hears of each text")
	require.Equal(t, map[string]int{"summary": 1, "description": 1}, warned)
}

func TestTemplatesCannotForgeAMarker(t *testing.T) {
	e := fleet()["server-failed"]
	e.Customer.Name = "A\nCovewise 2345678-1 r9\nB"
	body := own(map[string]string{"description": "{{.Customer}}"}, nil).Description(e)
	require.False(t, text.HasMarker(body, text.Marker("2345678-1", 9)))
}

func TestNewKindsOfTroubleAreNamed(t *testing.T) {
	e := fleet()["server-failed"]
	e.Severity, e.Flapping, e.GroupIncidentId = incidentv1.Severity_SEVERITY_CRITICAL, true, "group-0a1b2c3d-4"
	e.Conditions = []*incidentv1.Condition{
		condition(incidentv1.ConditionKind_CONDITION_KIND_SILENT, ago(hour), &incidentv1.Finding{SourceCode: "D09", Summary: "No contact", ThresholdSeconds: 3 * 86400}),
		condition(incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE, ago(hour), &incidentv1.Finding{
			SourceCode: "D02", SourceName: "System State", Summary: "No backup without errors", LastSuccessAt: ago(day), ThresholdSeconds: 7 * 86400,
		}),
		condition(incidentv1.ConditionKind_CONDITION_KIND_CUSTOM, ago(hour), &incidentv1.Finding{
			SourceCode: "D09", Summary: "Slow backups", Rule: "custom condition slow (tenant)",
		}),
	}
	e.Device.LastContactAt = ago(4 * day)
	golden(t, "server-silent-custom", utc().Summary(e)+"\n\n"+utc().Description(e))

	calm := proto.CloneOf(e)
	calm.Severity, calm.Flapping, calm.GroupIncidentId, calm.Revision = incidentv1.Severity_SEVERITY_ALERT, false, "", 2
	require.Contains(t, utc().Change(calm, e), "SINCE THE LAST NOTE\nSeverity: critical; it was: alert\nThe trouble comes and goes; the ticket stays open until it is calm.\n"+
		"It is part of the common trouble [CW-group-0a1b2c3d-4] now.\n")
	require.Contains(t, utc().Change(e, calm), "The trouble no longer comes and goes.\n")
}

func TestAGroupsNoteSaysHowManyDevicesThereAreNow(t *testing.T) {
	require.Contains(t, utc().Change(storm(12), storm(20)), "SINCE THE LAST NOTE\nDevices: 20; there were: 12\n")
}

func TestAtCatchAll(t *testing.T) {
	e := &incidentv1.Event{Customer: &statusv1.Customer{Id: "481310", Name: "Night\nOwl"}}
	require.Equal(t, "THIS TICKET IS AT THE CATCH-ALL COMPANY: customer \"Night Owl\" (Cove 481310) has no ConnectWise company of its own.\n"+
		"Why: no company is called that\n"+
		"To give it one: covewise companies link 481310 <company id>, or CWM:<company id> in the customer's reference in Cove.",
		text.AtCatchAll(e, "no company is\ncalled that"))
	require.NotContains(t, text.AtCatchAll(e, ""), "Why")
}
