package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

func TestATicketThatPeopleOpenedAgainAlthoughItWasReplaced(t *testing.T) {
	stray := func(f *plan.Facts) { f.Stray = &ticketv1.Observed{TicketId: 40, Reference: "r"} }
	merged := func(f *plan.Facts) { f.Stray.MergedInto = 60 }
	shows := func(change func(*ticketv1.Observed)) func(*ticketv1.Ledger) {
		return func(l *ticketv1.Ledger) {
			ticket(41)(l)
			server(here)(l)
			l.FormerTicketIds = []int64{40}
			l.Observed = &ticketv1.Observed{TicketId: 41}
			change(l.Observed)
		}
	}
	asLeft := shows(func(*ticketv1.Observed) {})
	shut := shows(func(o *ticketv1.Observed) { o.Closed = true })
	told := func(l *ticketv1.Ledger) { l.Remarks = []string{plan.PointOut{Ticket: 40, Current: 41}.Words()} }
	waits := func(l *ticketv1.Ledger) {
		asLeft(l)
		l.TicketId, l.Observed, l.Renewals = 0, nil, 1
	}
	const open, closed, handed = ticketv1.Phase_PHASE_OPEN, ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_HANDED_OVER
	for _, c := range []struct {
		sentence string
		ledger   *ticketv1.Ledger
		facts    plan.Facts
		want     plan.Step
	}{
		{"names the present one", ledger(phase(open), asLeft), live(stray), plan.PointOut{Ticket: 40, Current: 41}},
		{"... once", ledger(phase(open), asLeft, told), live(stray), plan.Nothing{}},
		{"... not in shadow mode, and nothing waits for it", ledger(phase(open), asLeft), live(stray, shadow), plan.Nothing{}},
		{"... not at another server", ledger(phase(open), asLeft, server(there)), live(stray), plan.Nothing{}},
		{"... after what the present one needs first to be known", ledger(phase(open), asLeft, lookDue), live(stray), plan.Look{}},
		{"is the incident's again when people closed the present one", ledger(phase(open), shut), live(stray), plan.Retake{Ticket: 40}},
		{"... also when that was respected already", ledger(phase(handed), shut), live(stray), plan.Retake{Ticket: 40}},
		{"... or deleted it", ledger(phase(handed), shows(func(o *ticketv1.Observed) { o.Deleted = true })), live(stray), plan.Retake{Ticket: 40}},
		{"... not when the device has recovered", ledger(phase(handed), shut, wanted(2, resolved)), live(stray), plan.End{Why: "the ticket was closed before the device recovered"}},
		{"... nor when the present one was merged, which is followed first", ledger(phase(open), shows(func(o *ticketv1.Observed) { o.MergedInto = 5 })), live(stray), plan.Follow{Ticket: 5}},
		{"is recorded when the incident is over", ledger(phase(closed), shut, wanted(2, resolved)), live(stray), plan.PointOut{Ticket: 40}},
		{"names the later incident's when there is one", ledger(phase(closed), shut, wanted(2, resolved)), live(stray, func(f *plan.Facts) { f.Current = 60 }), plan.PointOut{Ticket: 40, Current: 60}},
		{"is the incident's again while the next one is not being made yet", ledger(waits), live(stray), plan.Retake{Ticket: 40}},
		{"... whatever that waits for", ledger(waits, parked(ticketv1.ParkReason_PARK_REASON_CAPPED, 0, time.Hour, 0)), live(stray), plan.Retake{Ticket: 40}},
		{"... not in shadow mode", ledger(waits, parked(ticketv1.ParkReason_PARK_REASON_SHADOW, 0, time.Hour, 0)), live(stray, shadow), plan.Nothing{}},
		{"... nor at another server", ledger(waits, server(there), parked(ticketv1.ParkReason_PARK_REASON_CAPPED, 0, time.Hour, 0)), live(stray), plan.Nothing{}},
		{"... nor when the device has recovered", ledger(waits, wanted(2, resolved)), live(stray), plan.Drop{}},
		{"is the incident's again also when it was merged on before the next one is made", ledger(waits), live(stray, merged), plan.Retake{Ticket: 40}},
		{"... which is nothing to tell where there is a present one", ledger(phase(open), asLeft), live(stray, merged), plan.Nothing{}},
		{"is recorded when the incident has ended without another", ledger(waits, phase(ticketv1.Phase_PHASE_DROPPED), wanted(2, resolved)), live(stray), plan.PointOut{Ticket: 40}},
		{"waits while the next one is being made", ledger(waits, begunCreate(0, 1)), live(stray), plan.FindByReference{}},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.Next(c.ledger, c.facts)) })
	}

	back := plan.Retaken(ledger(phase(handed), shut, parked(ticketv1.ParkReason_PARK_REASON_RESPECTED, 0, time.Hour, 0)), &ticketv1.Observed{TicketId: 40, Reference: "r"}, now)
	require.Equal(t, []any{open, int64(40), []int64{41}, "r"}, []any{back.GetPhase(), back.GetTicketId(), back.GetFormerTicketIds(), back.GetReference()})
	require.Nil(t, back.GetPark())
	require.Equal(t, plan.BeginNote{}, plan.Next(back, live()), "it says that it is followed again")
}

func TestOnlyTheTicketThatTheNextReplacesIsFollowedWhereItWasMerged(t *testing.T) {
	waits := ledger(server(here), func(l *ticketv1.Ledger) { l.FormerTicketIds, l.Renewals = []int64{40, 41}, 1 })
	require.Equal(t, int64(41), plan.GivenUpLast(waits))
	require.Zero(t, plan.GivenUpLast(ledger(phase(ticketv1.Phase_PHASE_OPEN), ticket(42), func(l *ticketv1.Ledger) { l.FormerTicketIds, l.Renewals = []int64{40, 41}, 1 })))
	back := plan.Retaken(waits, &ticketv1.Observed{TicketId: 41, MergedInto: 60}, now)
	require.Equal(t, "People merged ticket 41 into this one, and the device is in trouble: Covewise follows it here.", back.GetPrefaceDetail())
	require.Equal(t, plan.Follow{Ticket: 60}, plan.Next(back, live()))
	back = plan.Retaken(waits, &ticketv1.Observed{TicketId: 41}, now)
	require.Equal(t, "People opened this ticket again, and the device is in trouble: Covewise follows it here.", back.GetPrefaceDetail())
}

func TestFormerTicketsAreOfTheServerThatTheTicketIsAt(t *testing.T) {
	before := ledger(server(here), func(l *ticketv1.Ledger) {
		l.FormerTicketIds, l.ForeignFormerIds, l.Renewals, l.Replaced = []int64{40, 41}, []int64{41}, 2, &ticketv1.Replaced{TicketId: 41}
	})
	formers := func(l *ticketv1.Ledger) []any {
		return []any{l.GetServer(), l.GetFormerTicketIds(), l.GetForeignFormerIds(), l.GetReplaced().GetTicketId()}
	}
	same := []any{here, []int64{40, 41}, []int64{41}, int64(41)}
	none := []any{there, []int64(nil), []int64(nil), int64(0)}
	require.Equal(t, same, formers(plan.CreateBegun(before, "r", here, 250, now)))
	moved := plan.CreateBegun(before, "r", there, 250, now)
	require.Equal(t, none, formers(moved))
	withdrawn := plan.CreateWithdrawn(moved, before, now)
	require.Equal(t, same, formers(withdrawn), "it was not executed")
	elsewhere := live(func(f *plan.Facts) { f.Server, f.Former = there, &ticketv1.Observed{TicketId: 41} })
	elsewhere.Link.Server = there
	require.Equal(t, plan.BeginCreate{Company: 250}, plan.Next(withdrawn, elsewhere), "a stranger's ticket there says nothing")
	require.Equal(t, none, formers(plan.Adopted(before, &ticketv1.Observed{TicketId: 70, Reference: "r"}, there, "", now)))
	require.Equal(t, same, formers(plan.Adopted(before, &ticketv1.Observed{TicketId: 70, Reference: "r"}, here, "", now)))
}

func TestWhatIsReadBeforeATicketIsOpenedAgainOrMade(t *testing.T) {
	shut := ledger(phase(ticketv1.Phase_PHASE_OPEN), ticket(41), server(here), func(l *ticketv1.Ledger) {
		l.FormerTicketIds, l.Renewals, l.Observed = []int64{40}, 1, &ticketv1.Observed{TicketId: 41, Closed: true}
	})
	opens := func(f *plan.Facts) { f.Handling.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN }
	unlisted := func(f *plan.Facts) { f.Listed = false }
	require.Equal(t, plan.ListOwn{}, plan.Next(shut, live(opens, unlisted)), "the one that it replaced may be open")
	require.Equal(t, plan.BeginReopen{}, plan.Next(shut, live(opens)), "none is")
	twin := func(f *plan.Facts) { f.Candidate = &ticketv1.Candidate{TicketId: 60} }
	require.Equal(t, plan.Adopt{Ticket: 60}, plan.Next(shut, live(opens, twin)), "one that no incident owns is: who closes one of two wants the other")
	shut.FormerTicketIds = nil
	require.Equal(t, plan.ListOwn{}, plan.Next(shut, live(opens, unlisted)), "a record may have been restored")

	dropped := ledger(phase(ticketv1.Phase_PHASE_DROPPED), server(here), wanted(2, resolved), func(l *ticketv1.Ledger) { l.FormerTicketIds = []int64{40} })
	gaveUp := func(f *plan.Facts) { f.GaveUp = dropped }
	former := func(o *ticketv1.Observed) func(*plan.Facts) { return func(f *plan.Facts) { f.Former = o } }
	require.Equal(t, plan.LookBack{Ticket: 40}, plan.Next(ledger(), live(gaveUp)))
	require.Equal(t, plan.TakeUp{Ticket: 40}, plan.Next(ledger(), live(gaveUp, former(&ticketv1.Observed{TicketId: 40}))))
	require.Equal(t, plan.BeginCreate{Company: 250}, plan.Next(ledger(), live(gaveUp, former(&ticketv1.Observed{TicketId: 40, Closed: true}))))
	asks := func(f *plan.Facts) { f.Link = nil }
	require.IsType(t, plan.AskCompany{}, plan.Next(ledger(), live(gaveUp, asks)), "not while nothing can be made")
	again := former(&ticketv1.Observed{TicketId: 40})
	require.Equal(t, plan.LookBack{Ticket: 40}, plan.Next(shut, live(opens, gaveUp)), "also when people close the next incident's")
	require.Equal(t, plan.TakeUp{Ticket: 40}, plan.Next(shut, live(opens, gaveUp, again)))
	require.Equal(t, plan.LookBack{Ticket: 40}, plan.Next(shut, live(gaveUp)), "whatever the policy")
	require.Equal(t, plan.TakeUp{Ticket: 40}, plan.Next(shut, live(gaveUp, again)))
	dropped.ForeignFormerIds = []int64{40}
	require.Equal(t, plan.BeginCreate{Company: 250}, plan.Next(ledger(), live(gaveUp)), "a person's is theirs")
}

func TestTheTicketOfAnEndedIncidentThatPeopleOpenedAgain(t *testing.T) {
	ended := ledger(phase(ticketv1.Phase_PHASE_CLOSED), ticket(41), server(here), wanted(2, resolved), func(l *ticketv1.Ledger) {
		l.Observed = &ticketv1.Observed{TicketId: 41}
	})
	require.Equal(t, plan.Nothing{}, plan.Next(ended, live()), "of a device that is well: left to them")
	later := live(func(f *plan.Facts) { f.Current = 60 })
	step := plan.Next(ended, later)
	require.Equal(t, plan.PointOut{Ticket: 41, Current: 60}, step)
	require.Equal(t, plan.Nothing{}, plan.Next(plan.PointedOut(ended, step.(plan.PointOut), now), later), "once")

	// Who closes the present one as well wants the older one.
	next := ledger(phase(ticketv1.Phase_PHASE_OPEN), ticket(60), server(here), func(l *ticketv1.Ledger) {
		l.Observed = &ticketv1.Observed{TicketId: 60, Closed: true}
	})
	facts := live(func(f *plan.Facts) { f.Earlier = ended })
	require.Equal(t, plan.TakeUp{Ticket: 41}, plan.Next(next, facts))
	up := plan.TakenUp(next, ended, now)
	require.Equal(t, []any{ticketv1.Phase_PHASE_OPEN, int64(41), []int64{60}}, []any{up.GetPhase(), up.GetTicketId(), up.GetFormerTicketIds()})
	ended.Observed.Closed = true
	require.NotEqual(t, plan.TakeUp{Ticket: 41}, plan.Next(next, facts), "not when the older one is closed again")
}
