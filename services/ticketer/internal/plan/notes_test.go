package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

func TestNotesGiveWayToCreatesForAWhile(t *testing.T) {
	busy := func(f *plan.Facts) { f.Busy = true }
	const yielded = ticketv1.ParkReason_PARK_REASON_YIELDED
	first := ledger(phase(ticketv1.Phase_PHASE_OPEN), wanted(2, changed))
	require.Equal(t, plan.Yield{}, plan.Next(first, live(busy)))
	require.Equal(t, plan.Nothing{}, plan.Next(ledger(phase(ticketv1.Phase_PHASE_OPEN), wanted(2, resolved), parked(yielded, 0, time.Second, 1)), live()))
	require.Equal(t, plan.BeginClose{}, plan.Next(ledger(phase(ticketv1.Phase_PHASE_OPEN), wanted(2, resolved), parked(yielded, 0, 0, 20)), live(busy)))
	require.Equal(t, plan.BeginCreate{Company: 250}, plan.Next(ledger(), live(busy)))
}

func TestWhatPeopleDidIsToldInWords(t *testing.T) {
	old := &ticketv1.Observed{TicketId: 1, StatusId: 1, Status: "New", BoardId: 1, Board: "A", LastUpdated: stamp(now)}
	l := ledger(ticket(1), phase(ticketv1.Phase_PHASE_OPEN), func(l *ticketv1.Ledger) { l.Observed = old })
	seen := func(change func(*ticketv1.Observed)) *ticketv1.Observed {
		o := proto.CloneOf(old)
		o.LastUpdated, o.UpdatedBy = stamp(now.Add(time.Second)), "ann"
		change(o)
		return o
	}
	for _, c := range []struct {
		says   string
		change func(*ticketv1.Observed)
		want   []string
	}{
		{"nothing but the time", func(*ticketv1.Observed) {}, nil},
		{"a closing", func(o *ticketv1.Observed) { o.Closed, o.StatusId, o.Status = true, 2, "Closed" }, []string{`closed with status "Closed" by ann`}},
		{"another status", func(o *ticketv1.Observed) { o.StatusId, o.Status = 3, "Waiting" }, []string{`status changed from "New" to "Waiting" by ann`}},
		{"several things", func(o *ticketv1.Observed) { o.ParentId, o.BoardId, o.Board = 5, 2, "B" }, []string{"made a child of ticket 5 by ann", `moved from board "A" to "B" by ann`}},
		{"a merge", func(o *ticketv1.Observed) { o.MergedInto = 9 }, []string{"merged into ticket 9 by ann"}},
		{"a deletion", func(o *ticketv1.Observed) { o.Deleted = true }, []string{"deleted"}},
		{"another ticket", func(o *ticketv1.Observed) { o.TicketId, o.Closed = 2, true }, nil},
		{"an older picture", func(o *ticketv1.Observed) { o.Closed, o.LastUpdated = true, stamp(now.Add(-time.Second)) }, nil},
	} {
		t.Run(c.says, func(t *testing.T) {
			next, got := plan.Observe(l, seen(c.change), now)
			require.Equal(t, c.want, got)
			if c.want == nil {
				require.Same(t, l, next)
			}
		})
	}
	same := seen(func(o *ticketv1.Observed) { o.Closed, o.LastUpdated = true, stamp(now) })
	require.True(t, plan.SameSecond(l, same))
	same.LastUpdated = stamp(now.Add(time.Second))
	require.False(t, plan.SameSecond(l, same))
}
