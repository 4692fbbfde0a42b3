package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

func TestWhichTicketACreateOfUnknownOutcomeHasMade(t *testing.T) {
	begun := ledger(begunCreate(time.Minute, 1))
	const lately, long = 30 * time.Second, 48 * time.Hour
	at := func(ago time.Duration, o *ticketv1.Observed) plan.Made {
		return plan.Made{Ticket: o, Entered: now.Add(-ago)}
	}
	opened := &ticketv1.Observed{}
	shut := &ticketv1.Observed{Closed: true}
	merged := &ticketv1.Observed{MergedInto: 50}
	for _, c := range []struct {
		sentence string
		all      []plan.Made
		want     int
	}{
		{"none has made none", nil, -1},
		{"an open one is it", []plan.Made{at(lately, opened)}, 0},
		{"the oldest of several that are open", []plan.Made{at(long, opened), at(lately, opened)}, 0},
		{"an open one before a closed one", []plan.Made{at(lately, shut), at(lately, opened)}, 1},
		{"... and before one that was merged", []plan.Made{at(lately, merged), at(lately, opened)}, 1},
		{"one that was closed at once is it", []plan.Made{at(lately, shut)}, 0},
		{"... and one that was merged at once", []plan.Made{at(lately, merged)}, 0},
		{"one closed long ago is an earlier incident's of the same number", []plan.Made{at(long, shut)}, -1},
		{"... so is one that was merged long ago", []plan.Made{at(long, merged)}, -1},
		{"... and does not stand before the one made now", []plan.Made{at(long, shut), at(lately, shut)}, 1},
		{"a closed one of which it is not known when it was made is it", []plan.Made{{Ticket: shut}}, 0},
		{"one made by a clock that is behind, or before ours was set forward, is it", []plan.Made{at(2*time.Hour, shut)}, 0},
		{"... and one made by a clock that is ahead, or before ours was set back", []plan.Made{at(-2*time.Hour, shut)}, 0},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.OfCreate(begun, c.all)) })
	}
}

func TestAReferenceThatWasUsedIsNotGivenAgain(t *testing.T) {
	const own = "covewise:here:harbor:7-1"
	for reference, want := range map[string]uint32{own: 1, own + ":2": 1, own + ":5": 4, own + ":x": 1, "covewise:here:harbor:7-2:5": 1, "RMM-4711": 1} {
		l := ledger(func(l *ticketv1.Ledger) { l.Tenant, l.IncidentId, l.Renewals = "harbor", "7-1", 1 })
		require.Equal(t, want, plan.Adopted(l, &ticketv1.Observed{TicketId: 40, Reference: reference}, here, "", now).GetRenewals(), reference)
	}
}
