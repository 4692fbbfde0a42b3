package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

const (
	open, closing, closed = ticketv1.Phase_PHASE_OPEN, ticketv1.Phase_PHASE_CLOSING, ticketv1.Phase_PHASE_CLOSED
	reopening, handedOver = ticketv1.Phase_PHASE_REOPENING, ticketv1.Phase_PHASE_HANDED_OVER
	unavailable           = ticketv1.ParkReason_PARK_REASON_UNAVAILABLE
)

func unseen(f *plan.Facts) { f.Seen = false }

// observedAs is a picture of ticket 41, changed by what a case needs.
func observedAs(changes ...func(*ticketv1.Observed)) *ticketv1.Observed {
	o := &ticketv1.Observed{TicketId: 41, StatusId: 1, Status: "New", CompanyId: 250, Company: "Acme", Summary: "ours", LastUpdated: stamp(now)}
	for _, change := range changes {
		change(o)
	}
	return o
}

func shows(changes ...func(*ticketv1.Observed)) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) { l.Observed = observedAs(changes...) }
}

func closedBy(who string, ago time.Duration) func(*ticketv1.Observed) {
	return func(o *ticketv1.Observed) {
		o.StatusId, o.Status, o.Closed, o.ClosedBy, o.ClosedAt = 9, "Resolved", true, who, stamp(now.Add(-ago))
	}
}

func updatedBy(who string) func(*ticketv1.Observed) {
	return func(o *ticketv1.Observed) { o.UpdatedBy = who }
}

func TestNothingIsWrittenByAnOldPictureOfTheTicket(t *testing.T) {
	home := func(f *plan.Facts) { f.MoveHome = true }
	reopen := func(f *plan.Facts) { f.Handling.OnHandClose = tenantv1.HandClose_HAND_CLOSE_REOPEN }
	fresh := func(f *plan.Facts) { f.Handling.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW }
	shut := shows(closedBy("mreyes", time.Hour))
	strayed := func(l *ticketv1.Ledger) { l.StandIn = true }
	member := func(l *ticketv1.Ledger) { l.Wanted.GroupIncidentId = "group-9f-1" }
	group := func(f *plan.Facts) { f.Group.Ticket = 50 }
	candidate := func(f *plan.Facts) { f.Candidate = &ticketv1.Candidate{TicketId: 60} }
	glance := plan.Glance{}
	for _, c := range []struct {
		sentence string
		ledger   *ticketv1.Ledger
		facts    plan.Facts
		want     plan.Step
	}{
		{"a note", ledger(phase(open), ticket(41), shows(), wanted(2, changed)), live(unseen), glance},
		{"... a look that cannot be made now waits as the note does", ledger(phase(open), ticket(41), shows(), wanted(2, changed), parked(unavailable, 0, time.Minute, 0)), live(unseen), plan.Nothing{}},
		{"... in shadow mode nothing is looked at for it", ledger(phase(open), ticket(41), shows(), wanted(2, changed), parked(ticketv1.ParkReason_PARK_REASON_SHADOW, 0, plan.Far, 0)), live(unseen, shadow), plan.Nothing{}},
		{"... at another server nothing is looked at", ledger(phase(open), ticket(41), server(there), shut), live(unseen, fresh), plan.Renew{Why: "the ticket was closed while the device fails (tickets.onHandClose: new)"}},
		{"... one that was begun is sent", ledger(phase(open), ticket(41), shows(), wanted(2, changed), begunNote(2, 0)), live(unseen, begun(plan.BegunNote)), plan.Note{}},
		{"one that is followed in place of one that people closed", ledger(phase(open), ticket(41), shut), live(unseen, reopen, candidate), glance},
		{"... not the first of an incident", ledger(), live(unseen, candidate), plan.Adopt{Ticket: 60}},
		{"the resolution", ledger(phase(open), ticket(41), shows(), wanted(2, resolved)), live(unseen), glance},
		{"the closed status", ledger(phase(closing), ticket(41), shows(), wanted(2, resolved), func(l *ticketv1.Ledger) { l.Shown = l.Wanted }), live(unseen), glance},
		{"the open status", ledger(phase(reopening), ticket(41), shut), live(unseen, reopen), glance},
		{"... and it is not for one that turns out to be open", ledger(phase(reopening), ticket(41), shows()), live(reopen), plan.Resume{}},
		{"the company", ledger(phase(open), ticket(41), shows(), strayed), live(unseen, home), glance},
		{"the parent", ledger(phase(open), ticket(41), shows(), member), live(unseen, group), glance},
		{"another ticket in its place", ledger(phase(open), ticket(41), shut), live(unseen, fresh), glance},
		{"what is closed needs no look to be left alone", ledger(phase(open), ticket(41), shut, wanted(2, resolved)), live(unseen), plan.End{Why: "the ticket was closed before the device recovered"}},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.Next(c.ledger, c.facts)) })
	}
}

func TestAChangeIsToldWithWhoMadeIt(t *testing.T) {
	us := func(l *ticketv1.Ledger) { l.WrittenAs = "covewiseapi" }
	for _, c := range []struct {
		sentence string
		seen     *ticketv1.Observed
		want     []string
	}{
		{"a closing by who closed it, whoever wrote last", observedAs(closedBy("mreyes", 0), updatedBy("covewiseapi")), []string{`closed with status "Resolved" by mreyes`}},
		{"an edit by who wrote last", observedAs(func(o *ticketv1.Observed) { o.Summary = "ask Bob" }, updatedBy("mreyes")), []string{`summary changed from "ours" to "ask Bob" by mreyes`}},
		{"... by nobody we know when that was us", observedAs(func(o *ticketv1.Observed) { o.Summary = "ask Bob" }, updatedBy("covewiseapi")), []string{`summary changed from "ours" to "ask Bob"`}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			_, changes := plan.Observe(ledger(phase(open), ticket(41), shows(), us), c.seen, now)
			require.Equal(t, c.want, changes)
		})
	}
}

func TestTheAnswerToOurOwnWriteTellsWhatPeopleChangedBeforeIt(t *testing.T) {
	l := ledger(phase(closing), ticket(41), shows(), wanted(2, resolved), func(l *ticketv1.Ledger) { l.CompanyId, l.StandIn = 250, true })
	ours := observedAs(closedBy("covewiseapi", 0), updatedBy("covewiseapi"))
	require.Empty(t, plan.Besides(l, ours, plan.FieldStatus))
	require.Equal(t, "covewiseapi", plan.Closed(l, ours, now).GetOwnCloseBy())

	theirs := observedAs(closedBy("mreyes", time.Minute), updatedBy("covewiseapi"), func(o *ticketv1.Observed) { o.CompanyId, o.Company = 300, "Zeta" })
	require.Equal(t, []string{"closed by mreyes, before Covewise did", `company changed from "Acme" to "Zeta"`}, plan.Besides(l, theirs, plan.FieldStatus))
	after := plan.Closed(l, theirs, now)
	require.Nil(t, after.GetOwnCloseAt())
	require.Equal(t, int64(300), after.GetCompanyId())
	require.False(t, after.GetStandIn())

	moved := observedAs(updatedBy("covewiseapi"), func(o *ticketv1.Observed) { o.CompanyId, o.Company, o.Summary = 300, "Zeta", "ask Bob" })
	require.Equal(t, []string{`summary changed from "ours" to "ask Bob"`}, plan.Besides(l, moved, plan.FieldCompany))
}

func TestATicketThatWasTakenForDeletedComesBack(t *testing.T) {
	gone := shows(func(o *ticketv1.Observed) { o.Deleted = true })
	later := observedAs(func(o *ticketv1.Observed) { o.LastUpdated = stamp(now.Add(time.Hour)) })
	l, changes := plan.Observe(ledger(phase(handedOver), ticket(41), gone), later, now)
	require.Equal(t, []string{"there again after it could not be found"}, changes)
	require.Equal(t, plan.Resume{}, plan.Next(l, live()))

	l, _ = plan.Observe(ledger(phase(closed), ticket(41), gone, wanted(2, resolved)), later, now)
	require.Equal(t, plan.BeginClose{}, plan.Next(l, live()), "nobody has told it the end")
}

func TestSomethingElseThatFailsIsNotSilencedByAClosing(t *testing.T) {
	const failed, stale, silent = incidentv1.ConditionKind_CONDITION_KIND_FAILED, incidentv1.ConditionKind_CONDITION_KIND_STALE, incidentv1.ConditionKind_CONDITION_KIND_SILENT
	condition := func(kind incidentv1.ConditionKind, codes ...string) *incidentv1.Condition {
		c := &incidentv1.Condition{Kind: kind}
		for _, code := range codes {
			c.Findings = append(c.Findings, &incidentv1.Finding{SourceCode: code})
		}
		return c
	}
	for _, c := range []struct {
		sentence string
		now      []*incidentv1.Condition
		silenced bool
	}{
		{"the same", []*incidentv1.Condition{condition(failed, "D01")}, true},
		{"the same source in another way, which comes with time", []*incidentv1.Condition{condition(failed, "D01"), condition(stale, "D01")}, true},
		{"the whole device, which became stale with it", []*incidentv1.Condition{condition(failed, "D01"), condition(stale, "D09")}, true},
		{"another source", []*incidentv1.Condition{condition(failed, "D01", "D02")}, false},
		{"the device does not call any more", []*incidentv1.Condition{condition(failed, "D01"), condition(silent, "D09")}, false},
	} {
		for _, policy := range []plan.Handling{
			{OnHandClose: tenantv1.HandClose_HAND_CLOSE_WONT_FIX},
			{OnHandClose: tenantv1.HandClose_HAND_CLOSE_RESPECT, RespectFor: 24 * time.Hour},
		} {
			t.Run(c.sentence+", "+policy.OnHandClose.String(), func(t *testing.T) {
				l := ledger(phase(open), ticket(41), server(here), shows(closedBy("mreyes", time.Hour)), wanted(2, changed), func(l *ticketv1.Ledger) {
					l.Shown.Conditions, l.Wanted.Conditions = []*incidentv1.Condition{condition(failed, "D01")}, c.now
				})
				step := plan.Next(l, live(func(f *plan.Facts) { f.Handling = policy }))
				if c.silenced {
					require.IsType(t, plan.HandOver{}, step)
				} else {
					require.Equal(t, plan.Renew{Why: "something else has failed since the ticket was closed"}, step)
				}
				policy.ReopenWithin = 2 * time.Hour
				if !c.silenced {
					require.Equal(t, plan.BeginReopen{}, plan.Next(l, live(func(f *plan.Facts) { f.Handling = policy })))
				}
			})
		}
	}
}

func TestATicketThatIsClosedAgainAndAgainIsAnsweredMoreAndMoreRarely(t *testing.T) {
	for _, c := range []struct {
		policy tenantv1.HandClose
		most   int
	}{{tenantv1.HandClose_HAND_CLOSE_REOPEN, 9}, {tenantv1.HandClose_HAND_CLOSE_NEW, 9}} {
		l := ledger(phase(open), ticket(41), server(here), shows())
		answers, at := 0, now
		for range 3 * 24 * 60 { // three days of a rule that closes what we open within a minute
			at = at.Add(time.Minute)
			facts := live(func(f *plan.Facts) { f.Now, f.Handling.OnHandClose = at, c.policy })
			if l.GetPhase() == open {
				l.Observed.Closed, l.Observed.ClosedBy, l.Observed.ClosedAt = true, "a rule", stamp(at)
			}
			for range 5 {
				switch step := plan.Next(l, facts).(type) {
				case plan.BeginReopen:
					l = plan.ReopenBegun(l, at)
				case plan.Reopen:
					l = plan.Reopened(l, observedAs(), at)
					answers++
				case plan.Renew:
					l = plan.Created(plan.Renewed(l, plan.Renew{}, at), observedAs(), at)
					answers++
				case plan.HandOver:
					l = plan.HandedOver(l, step, at)
				}
			}
		}
		require.LessOrEqual(t, answers, c.most, c.policy)
		require.Greater(t, answers, 4, c.policy)
	}
}
