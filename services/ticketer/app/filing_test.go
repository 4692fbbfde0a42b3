package app_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestAWrongRuleParksWithTheRemedyAndGoesOnOnceItIsMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rule := func(team string) func(*tenantv1.Settings) {
		return func(s *tenantv1.Settings) {
			s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "noc", Set: map[string]string{"board": "NOC", "team": team}}}
		}
	}
	w.settings(rule("Service Team"))
	w.start()
	w.say("7", 1, incidentv1.EventKind_EVENT_KIND_FAILED)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
	require.Contains(t, w.ledger("7").GetPark().GetDetail(),
		`tickets.routing[0].set.team (rule "noc"): ConnectWise has no active team of board "NOC" "Service Team"; there are "NOC Team"`)
	require.Empty(t, w.cw.OpenTickets())

	w.settings(rule("NOC Team"))
	w.eventually("a ticket", w.inPhase("7", ticketv1.Phase_PHASE_OPEN, 1))
	require.Equal(t, []any{"NOC", "New"}, []any{w.ledger("7").GetObserved().GetBoard(), w.ledger("7").GetObserved().GetStatus()})

	w.say("7", 2, incidentv1.EventKind_EVENT_KIND_RESOLVED)
	w.until("closed", w.inPhase("7", ticketv1.Phase_PHASE_CLOSED, 2))
	require.Equal(t, "Completed", w.ledger("7").GetObserved().GetStatus(), "a closing status of the board that the ticket is on")
}

func TestAnAgreementThatIsMissingIsAnErrorOfTheConfigurationThatPeopleSee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) { s.Tickets.Agreement = `name = "Backup"` })
	w.start()
	w.say("7", 1, incidentv1.EventKind_EVENT_KIND_FAILED)
	w.until("a ticket", w.inPhase("7", ticketv1.Phase_PHASE_OPEN, 1))
	const remark = `No agreement is set: none of the company's active agreements matches tickets.agreement (name = "Backup"). The company has none.`
	require.Equal(t, []string{remark}, w.ledger("7").GetRemarks())
	w.wasTold("7", "created", "remarked")
	events := w.ticketEvents()
	require.Contains(t, events[slices.IndexFunc(events, func(e *ticketv1.Event) bool { return e.GetAction() == ticketv1.Action_ACTION_REMARKED })].GetReason(), remark)
}

func TestAResolutionThatIsATimeEntryCostsNoFurtherRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) { s.Tickets.ZeroBillTime = true })
	w.start()
	w.say("7", 1, incidentv1.EventKind_EVENT_KIND_FAILED)
	w.until("a ticket", w.inPhase("7", ticketv1.Phase_PHASE_OPEN, 1))
	before := w.ledger("7").GetRequests()
	w.say("7", 2, incidentv1.EventKind_EVENT_KIND_RESOLVED)
	w.until("closed", w.inPhase("7", ticketv1.Phase_PHASE_CLOSED, 2))
	require.Equal(t, before+2, w.ledger("7").GetRequests())
}
