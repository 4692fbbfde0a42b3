package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

const month = 30 * 24 * time.Hour

// mergedInto is an incident whose ticket 41 mreyes merged into another an hour ago, as that one is seen now.
func mergedInto(o *ticketv1.Observed, foreign bool, changes ...func(*ticketv1.Ledger)) *ticketv1.Ledger {
	l := ledger(phase(ticketv1.Phase_PHASE_OPEN), ticket(41), server(here), func(l *ticketv1.Ledger) {
		l.Observed = &ticketv1.Observed{TicketId: 41, Closed: true, MergedInto: o.GetTicketId(), LastUpdated: stamp(now.Add(-time.Hour)), UpdatedBy: "mreyes"}
	})
	for _, change := range changes {
		change(l)
	}
	return plan.Followed(l, o, foreign, now)
}

func shutAgo(ago time.Duration) *ticketv1.Observed {
	return &ticketv1.Observed{TicketId: 77, Closed: true, ClosedAt: stamp(now.Add(-ago)), ClosedBy: "api"}
}

func TestMergingATicketIntoAClosedOneIsClosingIt(t *testing.T) {
	respect := func(f *plan.Facts) { f.Handling.RespectFor = 24 * time.Hour }
	within := func(f *plan.Facts) { f.Handling.ReopenWithin = 24 * time.Hour }
	ours := func(f *plan.Facts) { f.Closer = plan.CloserOurs }
	unsure := func(f *plan.Facts) { f.Closer = plan.CloserUnsure }
	wontFix := func(f *plan.Facts) { f.Handling.OnHandClose = tenantv1.HandClose_HAND_CLOSE_WONT_FIX }
	written := func(l *ticketv1.Ledger) { l.WrittenAs = "api" }
	const what = "the incident's ticket was merged into ticket 77, which was closed already, while the device fails; "
	left := plan.HandOver{
		Why: what + "that is respected for a while (tickets.respectFor)", Until: now.Add(23 * time.Hour),
	}
	forGood := plan.HandOver{
		Why: what + "nothing follows until it has recovered and failed again (tickets.onHandClose: wontFix)",
	}
	for _, c := range []struct {
		sentence string
		ledger   *ticketv1.Ledger
		facts    plan.Facts
		want     plan.Step
	}{
		{"a person's, closed a month ago: the time of respect begins with the merge", mergedInto(shutAgo(month), true), live(respect), left},
		{"ours, which we had closed for an earlier incident: nobody opens it against them", mergedInto(shutAgo(month), false), live(respect, ours), left},
		{"... also where the record of that closing is lost, or not written yet", mergedInto(shutAgo(month), false, written), live(respect, unsure), left},
		{"... and for good where that is the policy", mergedInto(shutAgo(month), false), live(wontFix, ours), forGood},
		{"... and is opened again by the time of the merge, not by that of its closing", mergedInto(shutAgo(month), false), live(within, ours, func(f *plan.Facts) { f.Handling.RespectFor = time.Minute }), plan.BeginReopen{}},
		{"one that was open then, and that we closed for another incident after, was not put away", mergedInto(shutAgo(time.Minute), false), live(respect, ours), plan.BeginReopen{}},
		{"one that is open is followed", mergedInto(&ticketv1.Observed{TicketId: 77}, true), live(respect), plan.Nothing{}},
		{
			"through one that was merged itself long ago",
			plan.Followed(
				mergedInto(&ticketv1.Observed{TicketId: 76, Closed: true, MergedInto: 77, ClosedAt: stamp(now.Add(-month)), LastUpdated: stamp(now.Add(-month))}, true),
				shutAgo(2*month), true, now,
			),
			live(respect), left,
		},
		{"a device that has recovered has no more to say there", mergedInto(shutAgo(month), true, wanted(2, resolved)), live(respect), plan.End{Why: "the ticket was closed before the device recovered"}},
		{"without any time, that of its being seen counts", mergedInto(shutAgo(month), true, func(l *ticketv1.Ledger) { l.Observed.LastUpdated = nil }), live(respect), plan.HandOver{Why: left.Why, Until: now.Add(24 * time.Hour)}},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.Next(c.ledger, c.facts)) })
	}

	t.Run("is over with the opening of the ticket, whoever opens it", func(t *testing.T) {
		l := mergedInto(shutAgo(month), false)
		require.Equal(t, "mreyes merged ticket 41 into this one, which was closed already. The trouble that ticket 41 was about is not over, so that Covewise opened this one again.", plan.WhyOpened(l))
		opened := plan.Reopened(plan.ReopenBegun(l, now), &ticketv1.Observed{TicketId: 77}, now)
		require.Equal(t, plan.WhyOpened(l), opened.GetPrefaceDetail())
		require.Nil(t, opened.GetPutAwayAt())
		require.Empty(t, plan.WhyOpened(opened))
		handed := plan.HandedOver(l, left, now)
		handed.Observed = &ticketv1.Observed{TicketId: 77}
		require.Equal(t, plan.Resume{}, plan.Next(handed, live(respect)))
		resumed := plan.Resumed(handed, now)
		resumed.Observed = shutAgo(month)
		require.Equal(t, plan.BeginReopen{}, plan.Next(resumed, live(respect, ours)))
	})
}

func TestATicketThatWasOpenedAndClosedAgainBetweenTwoLooksWasClosedAnew(t *testing.T) {
	respect := live(func(f *plan.Facts) { f.Handling.RespectFor = 24 * time.Hour })
	l := ledger(phase(ticketv1.Phase_PHASE_OPEN), ticket(77), server(here), func(l *ticketv1.Ledger) {
		l.Observed = shutAgo(20 * time.Hour)
	})
	step, ok := plan.Next(l, respect).(plan.HandOver)
	require.True(t, ok)
	require.Equal(t, now.Add(4*time.Hour), step.Until)
	l = plan.HandedOver(l, step, now.Add(-20*time.Hour))

	again := shutAgo(time.Minute)
	again.Status, again.ClosedBy = "Resolved", "mreyes"
	l, changes := plan.Observe(l, again, now)
	require.Equal(t, []string{`opened again and closed again with status "Resolved" by mreyes`}, changes)
	step, ok = plan.Next(l, respect).(plan.HandOver)
	require.True(t, ok)
	require.Equal(t, now.Add(24*time.Hour-time.Minute), step.Until)

	_, changes = plan.Observe(l, again, now)
	require.Empty(t, changes, "once")
	earlier := shutAgo(2 * time.Minute)
	_, changes = plan.Observe(l, earlier, now)
	require.Empty(t, changes, "a time that goes back is no closing")
}

func TestAReplacementThatHasWaitedLooksAtWhatItReplaces(t *testing.T) {
	shows := func(change func(*ticketv1.Observed)) func(*plan.Facts) {
		o := &ticketv1.Observed{TicketId: 41, Closed: true}
		change(o)
		return func(f *plan.Facts) { f.Former = o }
	}
	asGivenUp := shows(func(*ticketv1.Observed) {})
	foreign := func(l *ticketv1.Ledger) { l.Foreign = true }
	given := func(changes ...func(*ticketv1.Ledger)) *ticketv1.Ledger {
		l := ledger(phase(ticketv1.Phase_PHASE_HANDED_OVER), ticket(41), server(here), func(l *ticketv1.Ledger) {
			l.FormerTicketIds, l.Observed = []int64{40}, &ticketv1.Observed{TicketId: 41, Closed: true, ClosedAt: stamp(now.Add(-time.Hour)), ClosedBy: "mreyes"}
		})
		for _, change := range changes {
			change(l)
		}
		return plan.Renewed(l, plan.Renew{Why: "why"}, now)
	}
	create := plan.BeginCreate{Company: 250}
	for _, c := range []struct {
		sentence string
		ledger   *ticketv1.Ledger
		facts    plan.Facts
		want     plan.Step
	}{
		{"before another is made", given(), live(), plan.LookBack{Ticket: 41}},
		{"... and before those of the device are listed", given(), live(func(f *plan.Facts) { f.Listed = false }), plan.LookBack{Ticket: 41}},
		{"... not while it waits", given(), live(link(nil)), plan.AskCompany{now.Add(time.Minute)}},
		{"... not where it was seen just now", given(), live(asGivenUp), create},
		{"... not at another server, where that id means another ticket", given(), live(func(f *plan.Facts) { f.Server, f.Link = there, madeAt(there) }), create},
		{"one that was opened again is the incident's again", given(), live(shows(func(o *ticketv1.Observed) { o.Closed = false })), plan.Retake{Ticket: 41}},
		{"... or that was merged into another", given(), live(shows(func(o *ticketv1.Observed) { o.MergedInto = 50 })), plan.Retake{Ticket: 41}},
		{"... not when it was deleted since", given(), live(shows(func(o *ticketv1.Observed) { o.MergedInto, o.Deleted = 50, true })), create},
		{"... also where a create of unknown outcome was looked for in vain", func() *ticketv1.Ledger {
			l := plan.CreateBegun(given(), "r", here, 250, now.Add(-time.Hour))
			missedBefore(time.Hour)(l)
			return l
		}(), live(looked(0), shows(func(o *ticketv1.Observed) { o.Closed = false })), plan.Retake{Ticket: 41}},
		{"... not before that is settled", plan.CreateBegun(given(), "r", here, 250, now.Add(-time.Hour)), live(shows(func(o *ticketv1.Observed) { o.Closed = false })), plan.FindByReference{}},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.Next(c.ledger, c.facts)) })
	}

	t.Run("and it is followed as if it had never been given up", func(t *testing.T) {
		l := given()
		parked(ticketv1.ParkReason_PARK_REASON_CAPPED, 0, time.Hour, 0)(l)
		back := plan.Retaken(l, &ticketv1.Observed{TicketId: 41, Reference: "r"}, now)
		require.Equal(t, []any{ticketv1.Phase_PHASE_OPEN, int64(41), []int64{40}, "r", false}, []any{back.GetPhase(), back.GetTicketId(), back.GetFormerTicketIds(), back.GetReference(), back.GetForeign()})
		require.Nil(t, back.GetPark())
		require.Nil(t, back.GetReplaced())
		require.Equal(t, plan.BeginNote{}, plan.Next(back, live()))
	})
	t.Run("a person's stays a person's", func(t *testing.T) {
		back := plan.Retaken(given(foreign), &ticketv1.Observed{TicketId: 41}, now)
		require.True(t, back.GetForeign())
		require.Empty(t, back.GetForeignFormerIds())
	})
	t.Run("and what it replaces, with why, is on record", func(t *testing.T) {
		require.Equal(t, "in place of ticket 41, closed by mreyes: why", plan.InPlaceOf(given().GetReplaced()))
		deleted := given(func(l *ticketv1.Ledger) { l.Observed.Deleted = true })
		require.Equal(t, "in place of ticket 41, deleted: why", plan.InPlaceOf(deleted.GetReplaced()))
		put := plan.Renewed(mergedInto(shutAgo(month), true), plan.Renew{Why: "why"}, now)
		require.Equal(t, "in place of ticket 77, closed already when ticket 41 was merged into it by mreyes: why", plan.InPlaceOf(put.GetReplaced()))
	})
}
