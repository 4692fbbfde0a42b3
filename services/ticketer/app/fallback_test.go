package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestATicketSaysThatTheBuiltInTextStandsForATemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// As an older version may have stored them.
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.Templates = map[string]string{"description": "{{.Nonsense}}", "resolution": "{{.Rubbish}}"}
	})
	w.start()
	w.say("7", 1, incidentv1.EventKind_EVENT_KIND_FAILED)
	w.until("a ticket", w.inPhase("7", ticketv1.Phase_PHASE_OPEN, 1))
	first := "The template description does not work, the built-in text stands for it: uses .Nonsense, which there is not; see docs/templates.md for what it may use."
	require.Equal(t, []string{first}, w.ledger("7").GetRemarks())
	w.say("7", 2, incidentv1.EventKind_EVENT_KIND_RESOLVED)
	w.until("closed", w.inPhase("7", ticketv1.Phase_PHASE_CLOSED, 2))
	require.Equal(t, []string{
		first, "The template resolution does not work, the built-in text stands for it: uses .Rubbish, which there is not; see docs/templates.md for what it may use.",
	}, w.ledger("7").GetRemarks())
}
