package rollup_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

var now = time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)

// one is a device that waits for its ticket; a negative number makes it another customer's.
func one(n int) rollup.Waiting {
	customer := &statusv1.Customer{Id: "70", Name: "Acme"}
	if n < 0 {
		n, customer = -n, &statusv1.Customer{Id: "80", Name: "Bluefin"}
	}
	return rollup.Of(&incidentv1.Event{
		DeviceId: fmt.Sprintf("%04d", n), IncidentId: fmt.Sprintf("%04d-1", n), Customer: customer, OpenedAt: timestamppb.New(now.Add(-time.Hour)),
		Device: &incidentv1.Device{Name: fmt.Sprintf("srv-%d_ab", n), ComputerName: fmt.Sprintf("SRV-%d\nx", n), Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER},
		Conditions: []*incidentv1.Condition{{
			Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, Since: timestamppb.New(now.Add(-2 * time.Hour)),
			Findings: []*incidentv1.Finding{{SourceCode: "D01", SourceName: "Files and Folders", Summary: "Failed"}},
		}},
		Severity: incidentv1.Severity_SEVERITY_ALERT,
	})
}

func waiting(n int) []rollup.Waiting {
	all := make([]rollup.Waiting, 0, n)
	for i := range n {
		all = append(all, one(n-i))
	}
	return all
}

// next is what a roll-up at the MSP's own company is to show.
func next(open *ticketv1.Ledger, all []rollup.Waiting, due bool) (*incidentv1.Event, bool) {
	return rollup.Next(rollup.Picture{Tenant: "harbor", Open: open, Waiting: all, Customer: rollup.Own(), Now: now, Due: due})
}

func TestWhenTheRollUpTellsNews(t *testing.T) {
	opened, news := next(nil, waiting(10), false)
	require.True(t, news)
	require.Equal(t, []any{"rollup", "rollup-498670", uint32(1), incidentv1.EventKind_EVENT_KIND_FAILED, uint32(10), "0001", "own", incidentv1.Severity_SEVERITY_ALERT},
		[]any{opened.GetDeviceId(), opened.GetIncidentId(), opened.GetRevision(), opened.GetKind(), opened.GetMembersTotal(), opened.GetMembers()[0].GetDeviceId(), opened.GetCustomer().GetId(), opened.GetSeverity()})
	const (
		nothing = incidentv1.EventKind_EVENT_KIND_UNSPECIFIED
		changed = incidentv1.EventKind_EVENT_KIND_CHANGED
	)
	for _, c := range []struct {
		says      string
		waiting   []rollup.Waiting
		soon, due incidentv1.EventKind // what is told within seconds, and with the next regular look
	}{
		{"the same devices are no news", waiting(10), nothing, nothing},
		{"a few more are told with the next look", waiting(19), nothing, changed},
		{"twice as many at once", waiting(20), changed, changed},
		{"a few less with the next look", waiting(6), nothing, changed},
		{"half as many at once", waiting(5), changed, changed},
		{"as many others with the next look", waiting(11)[:10], nothing, changed},
		{"none is the end", nil, incidentv1.EventKind_EVENT_KIND_RESOLVED, incidentv1.EventKind_EVENT_KIND_RESOLVED},
	} {
		t.Run(c.says, func(t *testing.T) {
			for due, want := range map[bool]incidentv1.EventKind{false: c.soon, true: c.due} {
				e, news := next(&ticketv1.Ledger{Wanted: opened, Phase: ticketv1.Phase_PHASE_OPEN}, c.waiting, due)
				require.Equal(t, want != nothing, news)
				if news {
					require.Equal(t, []any{want, "rollup-498670", uint32(2)}, []any{e.GetKind(), e.GetIncidentId(), e.GetRevision()})
				}
			}
		})
	}
	_, news = next(nil, nil, true)
	require.False(t, news)
	unmade, news := next(&ticketv1.Ledger{Wanted: opened, Phase: ticketv1.Phase_PHASE_NEW}, waiting(11), false)
	require.True(t, news, "a ticket that is not made yet costs no note")
	require.Equal(t, uint32(11), unmade.GetMembersTotal())

	again, _ := rollup.Next(rollup.Picture{Tenant: "harbor", Before: 1, Waiting: waiting(1), Customer: rollup.Own(), Now: now})
	require.Equal(t, "rollup-498670-2", again.GetIncidentId(), "the first of the hour is over")
	for incident, in := range map[string]bool{"rollup-498670": true, "rollup-498670-2": true, "rollup-4986701": false, "rollup-498669": false} {
		require.Equal(t, in, rollup.InHour(incident, now), incident)
	}
}

func TestWhoseTheRollUpIs(t *testing.T) {
	all := []rollup.Waiting{one(-1), one(2), one(-3), one(4)}
	require.Equal(t, "70", rollup.Most(all).GetId(), "of as many the lowest id")
	all = append(all, one(-5))
	most := rollup.Most(all)
	require.Equal(t, "80", most.GetId())

	picture := rollup.Picture{Tenant: "harbor", Waiting: all, Customer: rollup.Own(), Now: now}
	opened, _ := rollup.Next(picture)
	picture.Customer = most
	for phase, moves := range map[ticketv1.Phase]bool{ticketv1.Phase_PHASE_NEW: true, ticketv1.Phase_PHASE_CREATING: false, ticketv1.Phase_PHASE_OPEN: false} {
		picture.Open = &ticketv1.Ledger{Wanted: opened, Phase: phase}
		e, news := rollup.Next(picture)
		require.Equal(t, moves, news, phase)
		require.Equal(t, moves, e.GetCustomer().GetId() == "80", phase)
	}
}

func TestTheGravestIsListedFirst(t *testing.T) {
	all := waiting(4)
	for i, change := range []func(*incidentv1.Member){
		func(m *incidentv1.Member) { m.Severity = incidentv1.Severity_SEVERITY_WARNING },
		func(m *incidentv1.Member) { m.Since = timestamppb.New(now.Add(-3 * time.Hour)) },
		func(m *incidentv1.Member) { m.Severity = incidentv1.Severity_SEVERITY_CRITICAL },
		func(m *incidentv1.Member) { m.Urgency = incidentv1.Urgency_URGENCY_HIGH },
	} {
		change(all[i].Member)
	}
	e, _ := next(nil, all, false)
	var order []string
	for _, m := range e.GetMembers() {
		order = append(order, m.GetDeviceId())
	}
	require.Equal(t, []string{"0002", "0001", "0003", "0004"}, order)
	require.Equal(t, []any{incidentv1.Severity_SEVERITY_CRITICAL, incidentv1.Urgency_URGENCY_HIGH}, []any{e.GetSeverity(), e.GetUrgency()})
}

func TestWhatTheRollUpSays(t *testing.T) {
	e, _ := next(nil, waiting(1000), false)
	w := text.NewWriter(&tenantv1.Tickets{}, time.UTC, nil)
	require.Equal(t, "[CW-rollup-498670] Cove ALL roll-up - 1000 more devices in trouble than tickets for an hour", rollup.Summary(w, e))
	description := rollup.Description(w, e)
	require.Less(t, len(description), 30_000)
	require.Contains(t, description, "1000 devices are in trouble")
	require.Contains(t, description, "- SRV-1 x (Acme): Failed: Files and Folders, alert, since 2026-11-20 20:30 (UTC+00:00), Cove device 0001\n")
	require.Contains(t, description, "and 800 more, less grave than these\n")
	for _, s := range []string{description, rollup.Change(w, e, e), rollup.Resolution(w, e), rollup.Analysis(w, e, "covewise:I:harbor:rollup-1")} {
		require.Contains(t, s, "\nCovewise rollup-498670 r1")
	}
	require.NotContains(t, rollup.Analysis(w, e, "x"), "SRV-")

	few, _ := next(nil, waiting(3), false)
	less, _ := next(&ticketv1.Ledger{Wanted: few, Phase: ticketv1.Phase_PHASE_OPEN}, append(waiting(2), one(9)), true)
	require.Equal(t, `3 devices are waiting for a separate ticket now; 3 before. 1 of those listed are new here. Who is not listed any more has its own ticket by now, or has recovered.

- SRV-1 x (Acme): Failed: Files and Folders, alert, since 2026-11-20 20:30 (UTC+00:00), Cove device 0001
- SRV-2 x (Acme): Failed: Files and Folders, alert, since 2026-11-20 20:30 (UTC+00:00), Cove device 0002
- SRV-9 x (Acme): Failed: Files and Folders, alert, since 2026-11-20 20:30 (UTC+00:00), Cove device 0009

Covewise rollup-498670 r2`, rollup.Change(w, few, less))
}

func TestARollUpAtACustomersCompanyShowsOthersInternallyOnly(t *testing.T) {
	e, _ := rollup.Next(rollup.Picture{Tenant: "harbor", Waiting: []rollup.Waiting{one(1), one(2), one(-3)}, Customer: one(1).Customer, Now: now})
	w := text.NewWriter(&tenantv1.Tickets{}, time.UTC, nil)
	description, analysis := rollup.Description(w, e), rollup.Analysis(w, e, "covewise:I:harbor:rollup-1")
	require.Contains(t, description, "3 devices are in trouble")
	require.Contains(t, description, "- SRV-2 x (Acme)")
	require.NotContains(t, description, "Bluefin")
	require.NotContains(t, description, "SRV-3")
	require.Contains(t, description, "and 1 of other customers (see the internal note)\n")
	require.Contains(t, analysis, `THIS TICKET IS AT THE COMPANY OF "Acme"`)
	require.Contains(t, analysis, "- SRV-3 x (Bluefin)")
}

// A template for what customers read is given no more than the built-in words tell them.
func TestTemplatesOfARollUpAtACustomersCompanySeeNoOtherCustomers(t *testing.T) {
	e, _ := rollup.Next(rollup.Picture{Tenant: "harbor", Waiting: []rollup.Waiting{one(1), one(2), one(-3)}, Customer: one(1).Customer, Now: now})
	const names = "{{range .Members}}{{.Name}} {{.Customer}},{{end}}"
	write := func(public bool) string {
		w := text.NewWriter(&tenantv1.Tickets{PublicNotes: public, Templates: map[string]string{
			"summary": names, "description": names, "note": names, "resolution": names,
		}}, time.UTC, func(template string, err error) { require.NoError(t, err, template) })
		return strings.Join([]string{rollup.Summary(w, e), rollup.Description(w, e), rollup.Change(w, e, e), rollup.Resolution(w, e)}, "\n")
	}
	const acme, bluefin, mark = "SRV-1 x Acme,SRV-2 x Acme,", "SRV-3 x Bluefin,", "\n\nCovewise rollup-498670 r1\n"
	require.Equal(t, "[CW-rollup-498670] "+acme+"\n"+acme+mark+acme+bluefin+mark+acme+bluefin+mark, write(false)+"\n")
	require.Equal(t, "[CW-rollup-498670] "+acme+"\n"+acme+mark+acme+bluefin+mark+acme+mark, write(true)+"\n")
}

func TestTheRollUpSpeaksInTheTenantsWordsWithTheBadgeInFront(t *testing.T) {
	e, _ := next(nil, waiting(3), false)
	w := text.NewWriter(&tenantv1.Tickets{Templates: map[string]string{
		"summary": "{{.Scope}}: {{.Issue}}" + strings.Repeat(" wide", 30), "description": "Call the NOC.\n{{.Text}}", "note": "{{len .Members}} of {{.MembersTotal}}",
	}}, time.UTC, func(template string, err error) { require.NoError(t, err, template) })
	summary := rollup.Summary(w, e)
	require.LessOrEqual(t, len([]rune(summary)), 100)
	require.True(t, strings.HasPrefix(summary, "[CW-rollup-498670] tenant: 3 more devices in trouble than tickets for an hour wide"), summary)
	require.True(t, strings.HasPrefix(rollup.Description(w, e), "Call the NOC.\n3 devices are in trouble"))
	require.Equal(t, "3 of 3\n\nCovewise rollup-498670 r1", rollup.Change(w, e, e))
}
