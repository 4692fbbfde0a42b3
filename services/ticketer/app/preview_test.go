package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

func TestAPreviewShowsTheTextsOfASample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.Templates = map[string]string{"summary": "{{.Device.Name}} at {{.Customer}}"}
		s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "servers", Select: &tenantv1.Selector{Classes: []string{"server"}}, Set: map[string]string{"team": "NOC Team"}}}
		s.Tickets.Agreement = `name = "Backup"`
	})
	p, err := app.Preview(t.Context(), w.bus, "harbor", app.PreviewOptions{Clock: w.clock})
	require.NoError(t, err)
	require.Equal(t, "[CW-2345678-1] SRV-01 at Bluefin Dental Group", p.Summary)
	require.Contains(t, p.Description, "WHAT IS WRONG\nFiles and Folders: Failed\n  Seen since: 2026-11-20 17:00 (UTC-05:00)\n")
	require.Contains(t, p.Analysis, "Internal address: 192.0.2.100\n")
	require.Contains(t, p.Note, "SINCE THE LAST NOTE\nSeverity: critical; it was: warning\nNew: Files and Folders: Stale 2 d\n")
	require.Contains(t, p.Resolution, "Covewise saw the trouble for 1 d 7 h")
	require.Equal(t, []any{`team by "servers"`, `name = "Backup"`, map[string]string{}}, []any{p.Routing, p.Agreement, p.Broken})

	tried, err := app.Preview(t.Context(), w.bus, "harbor", app.PreviewOptions{Clock: w.clock, Templates: map[string]string{"note": "{{.Nonsense}}"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"note": "uses .Nonsense, which there is not; see docs/templates.md for what it may use"}, tried.Broken)
	require.Equal(t, p.Note, tried.Note, "the built-in text stands for it")
	require.Contains(t, tried.Summary, "Failed: Files and Folders")
}

func TestAPreviewShowsAnIncidentOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, incidentv1.EventKind_EVENT_KIND_FAILED)
	w.until("a ticket", w.inPhase("7", ticketv1.Phase_PHASE_OPEN, 1))
	p, err := app.Preview(t.Context(), w.bus, "harbor", app.PreviewOptions{Incident: "7-1"})
	require.NoError(t, err)
	require.Equal(t, w.cw.OpenTickets()[0].Summary, p.Summary)
	require.Contains(t, p.Resolution, "Resolved: the backup of SRV-7 works again.")

	_, err = app.Preview(t.Context(), w.bus, "harbor", app.PreviewOptions{Incident: "8-1"})
	require.Equal(t, errclass.NotFound, errclass.Of(err))
	_, err = app.Preview(t.Context(), w.bus, "quay", app.PreviewOptions{})
	require.Equal(t, errclass.NotFound, errclass.Of(err))
}

func TestAPreviewOfAnIncidentThatIsOverShowsWhatWasWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "failures", Conditions: []string{"failed"}, Set: map[string]string{"team": "Service Team"}}}
	})
	w.start()
	w.say("7", 1, failed)
	w.until("a ticket", w.inPhase("7", open, 1))
	summary := w.onlyTicket("7").Summary
	w.say("7", 2, changed)
	w.until("a note", w.inPhase("7", open, 2))
	w.say("7", 3, resolved)
	w.until("closed", w.inPhase("7", closed, 3))
	p, err := app.Preview(t.Context(), w.bus, "harbor", app.PreviewOptions{Incident: "7-1"})
	require.NoError(t, err)
	require.Equal(t, summary, p.Summary)
	require.Contains(t, p.Description, "Files and Folders: Failed")
	require.Contains(t, p.Note, "Access denied")
	require.Contains(t, p.Resolution, "Resolved: the backup of SRV-7 works again.")
	require.Equal(t, `team by "failures"`, p.Routing)
}
