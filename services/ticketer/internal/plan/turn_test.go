package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

func TestWhichCreatesGiveWay(t *testing.T) {
	const yielded = ticketv1.ParkReason_PARK_REASON_YIELDED
	crowded := func(f *plan.Facts) { f.Crowded = true }
	quota := func(q plan.Quota) func(*plan.Facts) {
		return func(f *plan.Facts) { f.Handling.Capped, f.Quota = true, q }
	}
	group := func(l *ticketv1.Ledger) { l.Wanted.Scope = incidentv1.Scope_SCOPE_GROUP }
	woken := func(f *plan.Facts) { f.Woken = true }
	create := plan.BeginCreate{Company: 250}
	for _, c := range []struct {
		sentence string
		ledger   *ticketv1.Ledger
		facts    plan.Facts
		want     plan.Step
	}{
		{"a create behind enough others of its tenant gives way", ledger(), live(crowded), plan.Yield{}},
		{"... until its turn", ledger(parked(yielded, 0, 1, 0)), live(crowded), plan.Nothing{}},
		{"... and again if enough others wait then", ledger(parked(yielded, 0, 1, 19)), live(crowded, woken), plan.Yield{}},
		{"... but not for ever", ledger(parked(yielded, 0, 1, 20)), live(crowded, woken), create},
		{"a place of the hour is asked for first", ledger(), live(crowded, quota(plan.Quota{})), plan.AskQuota{}},
		{"... and kept while it gives way", ledger(), live(crowded, quota(plan.Quota{Asked: true, Granted: true})), plan.Yield{}},
		{"what concerns several devices goes at once", ledger(group), live(crowded), create},
		{"one that recovers meanwhile ends without a ticket", ledger(parked(yielded, 0, 1, 0), wanted(2, resolved)), live(crowded), plan.Drop{}},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.Next(c.ledger, c.facts)) })
	}
}
