package plan_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

var update = flag.Bool("update", false, "write docs/ticket-plan.md anew")

// action is a step in words and what it costs; steps without words only put something on record.
type action struct {
	words    string
	requests int
}

func wordsOf(s plan.Step) action {
	switch s := s.(type) {
	case plan.Create:
		return action{"create", 1}
	case plan.Note:
		return action{"note", 1}
	case plan.Close:
		return action{"set the closed status", 1}
	case plan.Reopen:
		return action{"set the open status", 1}
	case plan.Follow:
		return action{"follow to the ticket it was merged into", 1}
	case plan.Attach:
		return action{"make it a child of the group's ticket", 1}
	case plan.ListOwn:
		return action{"list the device's open tickets of ours", 1}
	case plan.Adopt:
		return action{"take it over", 2}
	case plan.MoveHome:
		return action{"move it to that company", 1}
	case plan.TakeUp:
		return action{"take the last incident's ticket", 0}
	case plan.HandOver:
		if s.Until.IsZero() {
			return action{"leave it to people for good", 0}
		}
		return action{"leave it to people for a time", 0}
	case plan.Resume:
		return action{"take it back", 0}
	case plan.Renew:
		return action{"give it up", 0}
	case plan.Retake:
		return action{"take that ticket back", 0}
	case plan.PointOut:
		if s.Current == 0 {
			return action{"record it", 0}
		}
		return action{"look for a note in it that names the present one, write it", 2}
	case plan.End:
		return action{"end, writing nothing", 0}
	case plan.LeaveOpen:
		return action{"end, leaving it open", 0}
	case plan.Drop:
		return action{"end without a ticket", 0}
	case plan.Look:
		return action{"read it", 1}
	case plan.LookBack:
		return action{"read the one that is to be replaced", 1}
	case plan.FindByReference:
		return action{"look for it by its reference", 1}
	case plan.Unpark:
		return action{"end the wait", 0}
	case plan.Park:
		return action{"wait: " + strings.ToLower(strings.TrimPrefix(s.Reason.String(), "PARK_REASON_")), 0}
	default:
		return action{}
	}
}

// after is the ledger after a step that succeeds, the facts changed as its answer changes them, and false when the
// run ends with it. target is the ticket that others are merged into.
func after(l *ticketv1.Ledger, f *plan.Facts, s plan.Step, target *ticketv1.Observed) (*ticketv1.Ledger, bool) {
	seen := func(closed bool) *ticketv1.Observed {
		o := &ticketv1.Observed{TicketId: 41, BoardId: 1}
		if old := l.GetObserved(); old != nil {
			o = proto.CloneOf(old)
		}
		o.Closed = closed
		return o
	}
	switch s := s.(type) {
	case plan.BeginCreate:
		f.Begun = plan.BegunCreate
		return plan.CreateBegun(l, "r", here, s.Company, now), true
	case plan.Create:
		f.Begun = plan.BegunNothing
		return plan.Created(l, &ticketv1.Observed{TicketId: 42, BoardId: 1}, now), true
	case plan.BeginNote:
		f.Begun = plan.BegunNote
		return plan.NoteBegun(l, now), true
	case plan.BeginClose:
		f.Begun = plan.BegunNote
		return plan.CloseBegun(l, now), true
	case plan.Note:
		f.Begun = plan.BegunNothing
		return plan.Noted(l, now), true
	case plan.Close:
		return plan.Closed(l, seen(true), now), true
	case plan.End, plan.LeaveOpen:
		return plan.Closed(l, nil, now), true
	case plan.BeginReopen:
		return plan.ReopenBegun(l, now), true
	case plan.Reopen:
		return plan.Reopened(l, seen(false), now), true
	case plan.Follow:
		return plan.Followed(l, target, target.GetReference() == "", now), true
	case plan.Renew:
		f.Former, f.Listed = l.GetObserved(), f.Server != here // what follows at another server is that one's
		return plan.Renewed(l, s, now), true
	case plan.LookBack:
		f.Former = target
		return l, true
	case plan.Resume:
		return plan.Resumed(l, now), true
	case plan.Retake:
		o := f.Stray
		if o == nil {
			o = f.Former
		}
		f.Stray = nil
		return plan.Retaken(l, o, now), true
	case plan.PointOut:
		return plan.PointedOut(l, s, now), true
	case plan.Attach:
		return plan.Attached(l, s.Parent, now), true
	case plan.StandAlone:
		return plan.Attached(l, 0, now), true
	case plan.MoveHome:
		o := seen(false)
		o.CompanyId = s.Company
		return plan.Moved(l, o, now), true
	case plan.TakeUp:
		return plan.TakenUp(l, f.Earlier, now), true
	case plan.Adopt:
		return plan.Adopted(l, &ticketv1.Observed{TicketId: s.Ticket, BoardId: 1}, here, "", now), true
	case plan.ListBoard, plan.ListOwn:
		f.Listed = true
		return l, true
	case plan.AskQuota:
		f.Quota = plan.Quota{Asked: true, Granted: true}
		return l, true
	case plan.Drop:
		return plan.Dropped(l, now), true
	case plan.Look:
		return plan.Looked(l, now), true
	case plan.FindByReference:
		if target != nil {
			return plan.Created(l, target, now), true
		}
		f.LookedAt = now
		return l, true
	case plan.Unpark:
		return plan.Unparked(l, now), true
	case plan.HandOver:
		return plan.HandedOver(l, s, now), false
	default:
		return l, false
	}
}

// course is everything that follows, when every request succeeds.
func course(t *testing.T, l *ticketv1.Ledger, f plan.Facts, target *ticketv1.Observed) (*ticketv1.Ledger, []plan.Step) {
	t.Helper()
	var steps []plan.Step
	for range 40 {
		s := plan.Next(l, f)
		steps = append(steps, s)
		next, more := after(l, &f, s, target)
		if l = next; !more {
			return l, steps
		}
	}
	require.Fail(t, "no end", "%v", steps)
	return nil, nil
}

// told is a course in words, and its requests.
func told(steps []plan.Step) (string, int) {
	var words []string
	requests := 0
	for _, s := range steps {
		if a := wordsOf(s); a.words != "" {
			words = append(words, a.words)
			requests += a.requests
		}
	}
	if len(words) == 0 {
		words = []string{"nothing"}
	}
	return strings.Join(words, ", "), requests
}

// particularCase is a row about something that only some incidents have.
type particularCase struct {
	phase, picture, ticket, policy string
	ledger                         *ticketv1.Ledger
	facts                          plan.Facts
	seen                           *ticketv1.Observed // what a look at a ticket shows
}

func particular() []particularCase {
	const open = ticketv1.Phase_PHASE_OPEN
	again := func(f *plan.Facts) {
		f.Handling.ReopenWithin = 24 * time.Hour
		f.Earlier = ledger(ticket(40), server(here), func(l *ticketv1.Ledger) {
			l.Phase, l.ClosedAt, l.Observed = ticketv1.Phase_PHASE_CLOSED, stamp(now.Add(-time.Hour)), &ticketv1.Observed{TicketId: 40, Closed: true}
		})
	}
	member := func(l *ticketv1.Ledger) { l.Wanted.GroupIncidentId = "group-9f-1" }
	seen := func(l *ticketv1.Ledger) { l.Observed = &ticketv1.Observed{TicketId: 41, BoardId: 1} }
	group := func(g plan.Group) func(*plan.Facts) { return func(f *plan.Facts) { f.Group = g } }
	cap := func(q plan.Quota) func(*plan.Facts) {
		return func(f *plan.Facts) { f.Handling.Capped, f.Quota = true, q }
	}
	foreign := func(l *ticketv1.Ledger) { l.Foreign = true }
	strayed := func(l *ticketv1.Ledger) { l.StandIn = true }
	home := func(f *plan.Facts) { f.MoveHome = true }
	shared := func(f *plan.Facts) { f.Shared = true }
	wontFix := func(f *plan.Facts) { f.Handling.OnHandClose = tenantv1.HandClose_HAND_CLOSE_WONT_FIX }
	closer := func(c plan.Closer) func(*plan.Facts) { return func(f *plan.Facts) { f.Closer = c } }
	shut := func(l *ticketv1.Ledger) { l.Observed.Closed, l.Observed.ClosedAt = true, stamp(now.Add(-time.Hour)) }
	replaced := func(l *ticketv1.Ledger) { l.FormerTicketIds = []int64{40} }
	stray := func(f *plan.Facts) { f.Stray = &ticketv1.Observed{TicketId: 40, BoardId: 1} }
	ended := func(l *ticketv1.Ledger) {
		phase(ticketv1.Phase_PHASE_CLOSED)(l)
		wanted(2, resolved)(l)
	}
	later := func(f *plan.Facts) { f.Current = 60 }
	given := func(l *ticketv1.Ledger) { l.FormerTicketIds, l.Renewals, l.Server = []int64{40}, 1, here }
	unlisted := func(f *plan.Facts) { f.Listed = false }
	companyless := parked(ticketv1.ParkReason_PARK_REASON_COMPANY, -time.Minute, time.Minute, 0)
	unable := parked(ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, -time.Minute, time.Minute, 0)
	lastOpened := func(f *plan.Facts) {
		f.Earlier = ledger(ticket(40), server(here), func(l *ticketv1.Ledger) {
			l.Phase, l.Observed = ticketv1.Phase_PHASE_CLOSED, &ticketv1.Observed{TicketId: 40}
		})
	}
	waits := parked(ticketv1.ParkReason_PARK_REASON_RATE_LIMITED, -time.Minute, 0, 0)
	made := func(changes ...func(*ticketv1.Ledger)) *ticketv1.Ledger {
		return ledger(append([]func(*ticketv1.Ledger){phase(open), ticket(41), server(here), seen}, changes...)...)
	}
	return []particularCase{
		{"no ticket yet", "unchanged", "others made one for the device", "first contact with the board", ledger(), live(func(f *plan.Facts) { f.Candidate = &ticketv1.Candidate{TicketId: 39} }), nil},
		{"no ticket yet", "unchanged", "the device's last one was closed an hour ago", "reopenWithin: 24h", ledger(), live(again), nil},
		{"no ticket yet", "unchanged", "none", "hourlyCap, reached", ledger(), live(cap(plan.Quota{Asked: true, Until: now.Add(time.Hour)})), nil},
		{"no ticket yet", "unchanged", "none", "hourlyCap, not reached", ledger(), live(cap(plan.Quota{})), nil},
		{"open", "unchanged", "its group has a ticket", "join: attach", made(member), live(group(plan.Group{Ticket: 50})), nil},
		{"open", "unchanged", "its group has no ticket yet", "join: attach", made(member), live(), nil},
		{"open", "unchanged", "its group is over", "join: attach", made(member), live(group(plan.Group{Ticket: 50, Over: true})), nil},
		{"open", "unchanged", "at the catch-all company, and there is another", "moveHome: true", made(strayed), live(home), nil},
		{"open", "unchanged", "at the catch-all company, and there is another", "moveHome: false", made(strayed), live(), nil},
		{"open", "recovered", "a person's, ours was merged into it", "any", made(wanted(2, resolved), foreign), live(), nil},
		{"open", "recovered", "another device's, which still fails", "any", made(wanted(2, resolved)), live(shared), nil},
		{"open", "unchanged", "another device's too, closed by us for that one", "onHandClose: wontFix", made(shut), live(wontFix, closer(plan.CloserOurs)), nil},
		{"left to people", "unchanged", "another device's too, closed by us for that one", "onHandClose: wontFix", made(shut, phase(ticketv1.Phase_PHASE_HANDED_OVER)), live(wontFix, closer(plan.CloserOurs)), nil},
		{"open", "unchanged", "another device's too, which is just being closed", "onHandClose: wontFix", made(shut), live(wontFix, closer(plan.CloserUnsure)), nil},
		{"open", "unchanged", "people opened one again that it has replaced", "any", made(replaced), live(stray), nil},
		{"left to people", "unchanged", "closed, and people opened one again that it has replaced", "any", made(replaced, shut, phase(ticketv1.Phase_PHASE_HANDED_OVER)), live(stray), nil},
		{"closed", "recovered", "people opened one again that it has replaced", "any", made(replaced, ended, shut), live(stray), nil},
		{"closed", "recovered", "people opened it again, and the device's next incident has another", "any", made(ended), live(later), nil},
		{"open", "unchanged", "closed, and people opened the one of the device's last incident again", "any", made(shut), live(lastOpened), nil},
		{"gave its ticket up, waits for a company", "unchanged", "people opened it again", "any", ledger(given, companyless), live(stray, link(nil)), nil},
		{"gave its ticket up, waits for ConnectWise", "unchanged", "people opened it again", "any", ledger(given, unable), live(stray), nil},
		{"gave its ticket up, waits for ConnectWise", "unchanged", "people opened it again, in shadow mode", "any", ledger(given, unable), live(stray, shadow), nil},
		{"gave its ticket up, has waited", "unchanged", "as it was given up", "any", ledger(given), live(unlisted), &ticketv1.Observed{TicketId: 40, Closed: true}},
		{"gave its ticket up, has waited", "unchanged", "people opened it again, which was not seen yet", "any", ledger(given), live(unlisted), &ticketv1.Observed{TicketId: 40}},
		{"gave its ticket up, has waited", "recovered", "people opened it again, which was not seen yet", "any", ledger(given, wanted(2, resolved)), live(), &ticketv1.Observed{TicketId: 40}},
		{"ended without a ticket", "recovered", "people opened one again that was given up", "any", ledger(given, phase(ticketv1.Phase_PHASE_DROPPED), wanted(2, resolved)), live(stray), nil},
		{"open", "unchanged", "changed and not read yet", "any", made(lookDue), live(), nil},
		{"open", "unchanged", "as we left it, waiting for something that is done", "any", made(waits), live(), nil},
	}
}

// check holds what must be true of every course.
func check(t *testing.T, name string, l, end *ticketv1.Ledger, into *ticketv1.Observed, steps []plan.Step, requests int) {
	t.Helper()
	has := func(s plan.Step) bool {
		return slices.ContainsFunc(steps, func(other plan.Step) bool { return fmt.Sprintf("%T", other) == fmt.Sprintf("%T", s) })
	}
	o := l.GetObserved()
	if o.GetClosed() && !o.GetDeleted() && o.GetMergedInto() == 0 && has(plan.Note{}) {
		require.True(t, has(plan.Reopen{}) || has(plan.Create{}), "%s: a note in a closed ticket hides an outage", name)
	}
	if o.GetMergedInto() != 0 {
		require.False(t, has(plan.Create{}) && !into.GetClosed(), "%s: never a second ticket", name)
		require.False(t, has(plan.Reopen{}) && end.GetForeign(), "%s: a person's ticket is not opened again", name)
		require.False(t, has(plan.Close{}) && end.GetForeign(), "%s: a person's ticket is closed by people", name)
	}
	if o.GetClosed() && plan.Resolved(l) && o.GetMergedInto() == 0 {
		require.Zero(t, requests, "%s: nothing is written to a ticket that is closed already", name)
	}
	if o.GetClosed() && l.GetForeign() {
		require.False(t, has(plan.Reopen{}), "%s: a person's ticket is not opened again", name)
	}
	if plan.Resolved(l) {
		require.Contains(t, []ticketv1.Phase{ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_DROPPED}, end.GetPhase(), name)
	}
	untouched := o != nil && !o.GetClosed() && !o.GetDeleted() && o.GetMergedInto() == 0
	switch {
	case !untouched:
	case l.GetPhase() == ticketv1.Phase_PHASE_OPEN && plan.Resolved(l):
		require.LessOrEqual(t, requests, 2, "%s: a close", name)
	case l.GetPhase() == ticketv1.Phase_PHASE_OPEN && l.GetWanted().GetKind() == incidentv1.EventKind_EVENT_KIND_CHANGED:
		require.Equal(t, 1, requests, "%s: an update", name)
	case l.GetPhase() == ticketv1.Phase_PHASE_OPEN:
		require.Zero(t, requests, "%s: an unchanged incident", name)
	}
}

func TestWhereATicketComesFrom(t *testing.T) {
	within := func(f *plan.Facts) { f.Handling.ReopenWithin = 24 * time.Hour }
	capped := func(q plan.Quota) func(*plan.Facts) {
		return func(f *plan.Facts) { f.Handling.Capped, f.Quota = true, q }
	}
	earlier := func(ago time.Duration, changes ...func(*ticketv1.Ledger)) func(*plan.Facts) {
		e := ledger(ticket(40), server(here))
		e.Phase, e.ClosedAt, e.Observed = ticketv1.Phase_PHASE_CLOSED, stamp(now.Add(-ago)), &ticketv1.Observed{TicketId: 40, Closed: true}
		for _, change := range changes {
			change(e)
		}
		return func(f *plan.Facts) { f.Earlier = e }
	}
	unlisted := func(f *plan.Facts) { f.Listed = false }
	candidate := func(f *plan.Facts) { f.Candidate = &ticketv1.Candidate{TicketId: 39} }
	group := func(l *ticketv1.Ledger) { l.Wanted.Scope = incidentv1.Scope_SCOPE_GROUP }
	renewed := func(l *ticketv1.Ledger) { l.Renewals = 1 }
	hour := now.Add(time.Hour)
	create := plan.BeginCreate{Company: 250}
	for _, c := range []struct {
		sentence string
		ledger   *ticketv1.Ledger
		facts    plan.Facts
		want     plan.Step
	}{
		{"a board that was never looked at is listed first", ledger(), live(unlisted), plan.ListBoard{}},
		{"... not while the company is asked for", ledger(), live(unlisted, link(nil)), plan.AskCompany{now.Add(time.Minute)}},
		{"... also for what is no device", ledger(group), live(unlisted), plan.ListBoard{}},
		{"before a ticket that replaces another our own are listed anew", ledger(renewed), live(unlisted), plan.ListOwn{}},
		{"... and one that no incident owns is taken over instead", ledger(renewed), live(candidate), plan.Adopt{39}},
		{"... also where no company is known", ledger(renewed), live(candidate, link(nil)), plan.Adopt{39}},
		{"... not listed while the company is asked for", ledger(renewed), live(unlisted, link(nil)), plan.AskCompany{now.Add(time.Minute)}},
		{"... nor while a place of the hour is", ledger(renewed), live(unlisted, capped(plan.Quota{})), plan.AskQuota{}},
		{"a ticket of others is taken over", ledger(), live(candidate), plan.Adopt{39}},
		{"... also where no company is known", ledger(), live(candidate, link(linked(0, 0, time.Minute))), plan.Adopt{39}},
		{"the last ticket serves again soon after it was closed", ledger(), live(within, earlier(23*time.Hour)), plan.TakeUp{40}},
		{"... not later", ledger(), live(within, earlier(24*time.Hour)), create},
		{"... however late if the policy says so", ledger(), live(func(f *plan.Facts) { f.Handling.ReopenAlways = true }, earlier(9000*time.Hour)), plan.TakeUp{40}},
		{"... not where tickets are never opened again", ledger(), live(earlier(time.Minute)), create},
		{"... but if a person has opened it again", ledger(), live(earlier(time.Minute, func(l *ticketv1.Ledger) { l.Observed.Closed = false })), plan.TakeUp{40}},
		{"... not if it was deleted", ledger(), live(within, earlier(time.Minute, func(l *ticketv1.Ledger) { l.Observed.Deleted = true })), create},
		{"... nor if it was merged", ledger(), live(within, earlier(time.Minute, func(l *ticketv1.Ledger) { l.Observed.MergedInto = 5 })), create},
		{"... nor if it is a person's", ledger(), live(within, earlier(time.Minute, func(l *ticketv1.Ledger) { l.Foreign = true })), create},
		{"... nor if it is another server's", ledger(), live(within, earlier(time.Minute, server(there))), create},
		{"... nor for a ticket that replaces another", ledger(renewed), live(within, earlier(time.Minute)), create},
		{"under a cap the hour's share is asked for", ledger(), live(capped(plan.Quota{})), plan.AskQuota{}},
		{"... and used", ledger(), live(capped(plan.Quota{Asked: true, Granted: true})), create},
		{
			"... or waited for", ledger(), live(capped(plan.Quota{Asked: true, Until: hour})),
			plan.Park{
				ticketv1.ParkReason_PARK_REASON_CAPPED,
				"this hour has had as many tickets as tickets.hourlyCap allows; until the device gets its own, the roll-up ticket stands for it", hour,
			},
		},
		{"... not again before its time", ledger(parked(ticketv1.ParkReason_PARK_REASON_CAPPED, 0, time.Minute, 0)), live(capped(plan.Quota{})), plan.Nothing{}},
		{"what is no device has no cap", ledger(group), live(capped(plan.Quota{})), create},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.Next(c.ledger, c.facts)) })
	}
}
