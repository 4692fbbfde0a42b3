package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

func TestWhatBecomesOfATicketOfOursThatNoIncidentOwns(t *testing.T) {
	const why = "\x00" // any reason
	for _, c := range []struct {
		sentence string
		orphan   plan.Orphan
		want     plan.OrphanAnswer
	}{
		{"a create that is under way finds it", plan.Orphan{Settling: true, Present: 40}, plan.Nothing{}},
		{"an incident without a ticket takes it", plan.Orphan{Waiting: "7-2"}, plan.TakeIn{Incident: "7-2"}},
		{"... also one that people have worked in", plan.Orphan{Waiting: "7-2", Touched: true}, plan.TakeIn{Incident: "7-2"}},
		{"... instead of one that people closed or deleted, too", plan.Orphan{Holder: "7-2", Present: 40, Lost: true}, plan.TakeOver{Incident: "7-2"}},
		{"... also when they opened it again after we had closed it as a twin", plan.Orphan{Holder: "7-2", Present: 40, Lost: true, Touched: true, Noted: true}, plan.TakeOver{Incident: "7-2"}},
		{"... but not while it is not settled which ticket counts", plan.Orphan{Settling: true, Holder: "7-2", Present: 40, Lost: true}, plan.Nothing{}},
		{"the twin of a ticket at another server is left to people", plan.Orphan{Present: 40, Server: there}, plan.LeaveOrphan{Why: why}},
		{"the twin of an incident's ticket is closed", plan.Orphan{Present: 40}, plan.EndTwin{Present: 40}},
		{"... and not when people have worked in it", plan.Orphan{Present: 40, Touched: true}, plan.LeaveOrphan{Why: why}},
		{"... a closing that failed after its note is done again", plan.Orphan{Present: 40, Noted: true}, plan.EndTwin{Present: 40}},
		{"one of a device that is well is closed", plan.Orphan{Health: plan.HealthWell, Ours: true}, plan.EndWell{}},
		{"... also when people have worked in it, as every ticket of ours is", plan.Orphan{Health: plan.HealthWell, Ours: true, Touched: true}, plan.EndWell{}},
		{"... and one of others that we have marked", plan.Orphan{Health: plan.HealthWell, Marked: true, Touched: true}, plan.EndWell{}},
		{"... not one that a person has copied", plan.Orphan{Health: plan.HealthWell, Touched: true}, plan.LeaveOrphan{Why: why}},
		{"... and not when they opened it again after that", plan.Orphan{Health: plan.HealthWell, Ours: true, Touched: true, Noted: true}, plan.LeaveOrphan{Why: why}},
		{"unknown is not well", plan.Orphan{}, plan.LeaveOrphan{Why: why}},
		{"nor is trouble without an incident", plan.Orphan{Health: plan.HealthTrouble}, plan.LeaveOrphan{Why: why}},
		{"one of a device that has left is closed", plan.Orphan{Health: plan.HealthGone, Ours: true, Touched: true}, plan.EndGone{}},
		{"... and one of others that we have marked", plan.Orphan{Health: plan.HealthGone, Marked: true}, plan.EndGone{}},
		{"... not one that a person has copied", plan.Orphan{Health: plan.HealthGone, Touched: true}, plan.LeaveOrphan{Why: why}},
		{"... and not when they opened it again after that", plan.Orphan{Health: plan.HealthGone, Ours: true, Touched: true, Noted: true}, plan.LeaveOrphan{Why: why}},
		{"nor one of a device that nobody knows", plan.Orphan{Health: plan.HealthAbsent, Ours: true}, plan.LeaveOrphan{Why: why}},
		{"nor one that is not watched", plan.Orphan{Health: plan.HealthExcluded}, plan.LeaveOrphan{Why: why}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got := c.orphan.Answer()
			if left, told := got.(plan.LeaveOrphan); told {
				require.NotEmpty(t, left.Why)
				got = plan.LeaveOrphan{Why: why}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestWhereTheIncidentsOfAnOrphansDeviceStand(t *testing.T) {
	const reference = "covewise:here:harbor:7-1"
	over := &incidentv1.Event{Kind: incidentv1.EventKind_EVENT_KIND_RESOLVED}
	with := func(phase ticketv1.Phase, o *ticketv1.Observed) *ticketv1.Ledger {
		o.TicketId = 40
		return &ticketv1.Ledger{IncidentId: "7-1", Phase: phase, TicketId: 40, Server: here, Observed: o}
	}
	const opened, handedOver = ticketv1.Phase_PHASE_OPEN, ticketv1.Phase_PHASE_HANDED_OVER
	for _, c := range []struct {
		sentence string
		ledger   *ticketv1.Ledger
		want     plan.Orphan
	}{
		{"an incident that is new waits for a ticket", &ticketv1.Ledger{IncidentId: "7-1", Phase: ticketv1.Phase_PHASE_NEW}, plan.Orphan{Waiting: "7-1"}},
		{"... also one that gave up its ticket", &ticketv1.Ledger{IncidentId: "7-1", Phase: ticketv1.Phase_PHASE_NEW, Renewals: 1}, plan.Orphan{Waiting: "7-1"}},
		{"a create under way is not disturbed", &ticketv1.Ledger{Phase: ticketv1.Phase_PHASE_CREATING}, plan.Orphan{Settling: true}},
		{"... also when its incident is over meanwhile", &ticketv1.Ledger{Phase: ticketv1.Phase_PHASE_CREATING, Wanted: over, Reference: reference}, plan.Orphan{Settling: true}},
		{"an open ticket counts", &ticketv1.Ledger{Phase: ticketv1.Phase_PHASE_OPEN, TicketId: 40}, plan.Orphan{Present: 40}},
		{"... also in the hands of people", &ticketv1.Ledger{Phase: ticketv1.Phase_PHASE_HANDED_OVER, TicketId: 40}, plan.Orphan{Present: 40}},
		{"... as long as it is open", with(opened, &ticketv1.Observed{}), plan.Orphan{Holder: "7-1", Present: 40}},
		{"... one that people closed does not", with(opened, &ticketv1.Observed{Closed: true}), plan.Orphan{Holder: "7-1", Present: 40, Lost: true}},
		{"... nor while that is respected", with(handedOver, &ticketv1.Observed{Closed: true}), plan.Orphan{Holder: "7-1", Present: 40, Lost: true}},
		{"... nor one that they deleted", with(handedOver, &ticketv1.Observed{Deleted: true}), plan.Orphan{Holder: "7-1", Present: 40, Lost: true}},
		{"one that was merged is followed first", with(opened, &ticketv1.Observed{Closed: true, MergedInto: 50}), plan.Orphan{Holder: "7-1", Present: 40, Settling: true}},
		{"one that is being opened again is waited for", with(ticketv1.Phase_PHASE_REOPENING, &ticketv1.Observed{Closed: true}), plan.Orphan{Holder: "7-1", Present: 40, Settling: true}},
		{
			"one of another server cannot be seen", &ticketv1.Ledger{IncidentId: "7-1", Phase: opened, TicketId: 40, Server: there, Observed: &ticketv1.Observed{Closed: true}},
			plan.Orphan{Holder: "7-1", Present: 40, Server: there},
		},
		{"that of an incident which is over does not", &ticketv1.Ledger{Phase: ticketv1.Phase_PHASE_CLOSED, TicketId: 40}, plan.Orphan{}},
		{"... nor while it is being closed", &ticketv1.Ledger{Phase: ticketv1.Phase_PHASE_CLOSING, TicketId: 40, Wanted: over}, plan.Orphan{}},
		{"an incident that was dropped has none", &ticketv1.Ledger{Tenant: "harbor", IncidentId: "7-2", Phase: ticketv1.Phase_PHASE_DROPPED}, plan.Orphan{}},
		{"... but may have marked it", &ticketv1.Ledger{Tenant: "harbor", IncidentId: "7-1", Phase: ticketv1.Phase_PHASE_DROPPED}, plan.Orphan{Marked: true}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			var o plan.Orphan
			o.Placed(c.ledger, reference, here)
			require.Equal(t, c.want, o)
		})
	}
}

func TestATicketIsOwnedByWhoHasOrHadIt(t *testing.T) {
	l := &ticketv1.Ledger{TicketId: 3, FormerTicketIds: []int64{1, 2}}
	for ticket, want := range map[int64]bool{0: false, 1: true, 2: true, 3: true, 4: false} {
		require.Equal(t, want, plan.Owns(l, ticket))
	}
	require.False(t, plan.Owns(&ticketv1.Ledger{}, 0))
}
