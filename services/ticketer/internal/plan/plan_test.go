package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/tenant"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

const (
	failed   = incidentv1.EventKind_EVENT_KIND_FAILED
	changed  = incidentv1.EventKind_EVENT_KIND_CHANGED
	resolved = incidentv1.EventKind_EVENT_KIND_RESOLVED
)

func TestNext(t *testing.T) {
	const (
		creating, open = ticketv1.Phase_PHASE_CREATING, ticketv1.Phase_PHASE_OPEN
		closing        = ticketv1.Phase_PHASE_CLOSING
		shadowPark     = ticketv1.ParkReason_PARK_REASON_SHADOW
		noTenant       = ticketv1.ParkReason_PARK_REASON_NO_TENANT
		companyPark    = ticketv1.ParkReason_PARK_REASON_COMPANY
		outcome        = ticketv1.ParkReason_PARK_REASON_OUTCOME
		unavailable    = ticketv1.ParkReason_PARK_REASON_UNAVAILABLE
		rejected       = ticketv1.ParkReason_PARK_REASON_REJECTED
		elsewhere      = "%s belongs to harbor@eu.example; the tenant's settings now name harbor@na.example. Set connectwise.url and " +
			"connectwise.company back to have it finished, or let a person finish it there"
		refused          = companyv1.LinkState_LINK_STATE_AMBIGUOUS
		shadowDetail     = "the tenant is in shadow mode; set mode: live to have this done"
		noTenantDetail   = "the tenant has no settings; apply its document"
		unfoundTicket    = "it is not known whether ConnectWise created the ticket, and it cannot be found yet"
		unfoundNote      = "it is not known whether ConnectWise stored the note, and it cannot be found yet"
		noCompany        = `customer "Acme" has no ConnectWise company: two have the name; ` + plan.LinkIt
		patience, second = time.Minute, time.Second
	)
	missed := func(detail string, ago, patience time.Duration) plan.Step {
		return plan.Miss{Park: plan.Park{outcome, detail, now.Add(patience)}, At: now.Add(-ago)}
	}
	missedTicket := func(ago, patience time.Duration) plan.Step { return missed(unfoundTicket, ago, patience) }
	missedNote := func(ago, patience time.Duration) plan.Step { return missed(unfoundNote, ago, patience) }
	for _, c := range []struct {
		sentence string
		ledger   *ticketv1.Ledger
		facts    plan.Facts
		want     plan.Step
	}{
		{"a new incident of a linked customer begins a create", ledger(), live(), plan.BeginCreate{Company: 250}},
		{"a changed one that was never seen does, too", ledger(wanted(2, changed)), live(), plan.BeginCreate{Company: 250}},
		{"a resolved one that never began is dropped", ledger(wanted(2, resolved)), live(), plan.Drop{}},
		{"... in shadow mode, too", ledger(wanted(2, resolved), parked(shadowPark, 0, plan.Far, 0)), live(shadow), plan.Drop{}},
		{"... without a tenant, too", ledger(wanted(2, resolved)), live(unknown), plan.Drop{}},
		{"... while parked, too", ledger(wanted(2, resolved), parked(unavailable, 0, time.Hour, 3)), live(), plan.Drop{}},
		{"in shadow mode a new incident is parked", ledger(), live(shadow), plan.Park{shadowPark, shadowDetail, now.Add(plan.Far)}},
		{"... once", ledger(parked(shadowPark, -time.Hour, plan.Far, 0)), live(shadow, woken), plan.Nothing{}},
		{"shadow mode replaces another wait", ledger(parked(companyPark, -time.Hour, time.Hour, 0)), live(shadow), plan.Park{shadowPark, shadowDetail, now.Add(plan.Far)}},
		{"going live ends the wait for it", ledger(parked(shadowPark, -time.Hour, plan.Far, 0)), live(woken), plan.BeginCreate{Company: 250}},
		{"without settings it is parked", ledger(), live(unknown), plan.Park{noTenant, noTenantDetail, now.Add(plan.Far)}},
		{"... once", ledger(parked(noTenant, 0, plan.Far, 0)), live(unknown), plan.Nothing{}},
		{"settings end the wait for them", ledger(parked(noTenant, 0, plan.Far, 0)), live(), plan.BeginCreate{Company: 250}},
		{"an unanswered customer is asked for", ledger(), live(link(nil)), plan.AskCompany{now.Add(time.Minute)}},
		{"... again, more and more rarely", ledger(parked(companyPark, -time.Hour, 0, 1)), live(link(nil)), plan.AskCompany{now.Add(4 * time.Minute)}},
		{"... but at least every ten minutes", ledger(parked(companyPark, -time.Hour, 0, 50)), live(link(nil)), plan.AskCompany{now.Add(10 * time.Minute)}},
		{"a fresh refusal is waited out", ledger(), live(link(linked(0, refused, 4*time.Minute))), plan.Park{companyPark, noCompany, now.Add(6 * time.Minute)}},
		{"a stale refusal is asked for again", ledger(), live(link(linked(0, refused, 10*time.Minute))), plan.AskCompany{now.Add(time.Minute)}},
		{"a catch-all company stands in while the answer is fresh", ledger(), live(link(standIn(4 * time.Minute))), plan.BeginCreate{Company: 250}},
		{"an old catch-all answer is asked for again before it is used", ledger(), live(link(standIn(10 * time.Minute))), plan.AskCompany{now.Add(time.Minute)}},
		{"a proposed company is none", ledger(), live(link(linked(250, companyv1.LinkState_LINK_STATE_PROPOSED, 0))), plan.Park{companyPark, noCompany, now.Add(10 * time.Minute)}},
		{"a link ends the wait for it at once", ledger(parked(companyPark, -second, time.Hour, 0)), live(), plan.BeginCreate{Company: 250}},
		{"a device without a customer waits for one", ledger(func(l *ticketv1.Ledger) { l.Wanted.Customer = nil }), live(), plan.Park{companyPark, "the device belongs to no customer; assign it to one in Cove", now.Add(10 * time.Minute)}},
		{"a link of another server is none", ledger(), live(link(madeAt(there))), plan.AskCompany{now.Add(time.Minute)}},
		{"... one of this server is, however it is written", ledger(), live(link(madeAt("Harbor@NA.example"))), plan.BeginCreate{Company: 250}},
		{"a reference that changed since is asked about", ledger(seen(0, "CWM:9")), live(link(referring("CWM:250", time.Hour))), plan.AskCompany{now.Add(time.Minute)}},
		{"... one that is gone, too", ledger(seen(0, "")), live(link(referring("CWM:250", time.Hour))), plan.AskCompany{now.Add(time.Minute)}},
		{"... also after a refusal", ledger(seen(0, "CWM:9")), live(link(linked(0, refused, time.Minute))), plan.AskCompany{now.Add(time.Minute)}},
		{"... not by an incident with an older picture", ledger(seen(2*time.Hour, "CWM:9")), live(link(referring("CWM:250", time.Hour))), plan.BeginCreate{Company: 250}},
		{"... nor by one of the same age", ledger(seen(time.Hour, "CWM:9")), live(link(referring("CWM:250", time.Hour))), plan.BeginCreate{Company: 250}},
		{"a reference that agrees is not asked about", ledger(seen(0, "CWM:250")), live(link(referring("CWM:250", time.Hour))), plan.BeginCreate{Company: 250}},
		{"a server that failed is left alone until it is time", ledger(parked(unavailable, -second, second, 0)), live(), plan.Nothing{}},
		{"... then tried again", ledger(parked(unavailable, -second, 0, 0)), live(), plan.BeginCreate{Company: 250}},
		{"... or at once when the clock was set back by hours", ledger(parked(unavailable, time.Hour, 3*time.Hour, 0)), live(), plan.BeginCreate{Company: 250}},
		{"... or when woken", ledger(parked(unavailable, -second, second, 0)), live(woken), plan.BeginCreate{Company: 250}},

		{"what this run began is sent", ledger(begunCreate(0, 1)), live(begun(plan.BegunCreate)), plan.Create{}},
		{"... although an old wait stands", ledger(begunCreate(0, 1), parked(unavailable, 0, second, 3)), live(begun(plan.BegunCreate)), plan.Create{}},
		{"... not after the process slept", ledger(begunCreate(patience/4, 1)), live(begun(plan.BegunCreate)), plan.FindByReference{}},
		{"... not when the tenant left live mode", ledger(begunCreate(0, 1)), live(begun(plan.BegunCreate), shadow), plan.Park{shadowPark, shadowDetail, now.Add(plan.Far)}},
		{"what another run began is looked for", ledger(begunCreate(0, 1)), live(), plan.FindByReference{}},
		{"... although long ago", ledger(begunCreate(time.Hour, 1)), live(), plan.FindByReference{}},
		{"... also when the incident is over", ledger(begunCreate(0, 1), wanted(2, resolved)), live(), plan.FindByReference{}},
		{"... not before its time", ledger(begunCreate(0, 1), parked(outcome, 0, patience, 0)), live(), plan.Nothing{}},
		{"nothing found at first is waited for", ledger(begunCreate(second, 1)), live(looked(0)), missedTicket(0, patience)},
		{"... from when it was looked for by the server's clock", ledger(begunCreate(second, 1)), live(looked(2 * second)), missedTicket(2*second, patience)},
		{"... although the create was begun long ago by our clock", ledger(begunCreate(time.Hour, 1)), live(looked(0)), missedTicket(0, patience)},
		{"... or in the future", ledger(begunCreate(-time.Hour, 1)), live(looked(0)), missedTicket(0, patience)},
		{"nothing found after patience begins again", ledger(begunCreate(patience, 1), missedBefore(patience)), live(looked(0)), plan.BeginCreate{Company: 250}},
		{"... not while the server's clock says that there was none", ledger(begunCreate(2*time.Hour, 1), missedBefore(second), parked(outcome, -2*time.Hour, -time.Hour, 0)), live(looked(0)), plan.Park{outcome, unfoundTicket, now.Add(patience - second)}},
		{"... also after a wait for something else", ledger(begunCreate(time.Hour, 1), missedBefore(patience), parked(unavailable, -patience, 0, 0)), live(looked(0)), plan.BeginCreate{Company: 250}},
		{"... or for the company", ledger(begunCreate(time.Hour, 1), missedBefore(patience), parked(companyPark, -patience, 0, 0)), live(looked(0)), plan.BeginCreate{Company: 250}},
		{"a look that lies in the future is none: the server's clock was set back", ledger(begunCreate(patience, 1), missedBefore(-second)), live(looked(0)), missedTicket(0, patience)},
		{"patience doubles with the second attempt", ledger(begunCreate(patience, 2), missedBefore(patience)), live(looked(0)), plan.Park{outcome, unfoundTicket, now.Add(patience)}},
		{"... up to eight times", ledger(begunCreate(8*patience, 40), missedBefore(8*patience)), live(looked(0)), plan.BeginCreate{Company: 250}},
		{"an incident over and nothing found at first waits", ledger(begunCreate(0, 1), wanted(2, resolved)), live(looked(0)), missedTicket(0, patience)},
		{"an incident over and nothing found is dropped", ledger(begunCreate(patience, 1), wanted(2, resolved), missedBefore(patience)), live(looked(0)), plan.Drop{}},
		{"a second create needs the company, too", ledger(begunCreate(patience, 1), missedBefore(patience)), live(looked(0), link(nil)), plan.AskCompany{now.Add(time.Minute)}},
		{"in shadow mode a begun create stays as it is", ledger(begunCreate(time.Hour, 1)), live(shadow), plan.Park{shadowPark, shadowDetail, now.Add(plan.Far)}},

		{"a ticket that shows what is wanted needs nothing", ledger(phase(open)), live(), plan.Nothing{}},
		{"... in shadow mode, too", ledger(phase(open)), live(shadow), plan.Nothing{}},
		{"a change begins a note", ledger(phase(open), wanted(2, changed)), live(), plan.BeginNote{}},
		{"an end begins the close", ledger(phase(open), wanted(2, resolved)), live(), plan.BeginClose{}},
		{"in shadow mode an open ticket is left alone", ledger(phase(open), wanted(2, changed)), live(shadow), plan.Park{shadowPark, shadowDetail, now.Add(plan.Far)}},
		{"... also at the end", ledger(phase(open), wanted(2, resolved)), live(shadow), plan.Park{shadowPark, shadowDetail, now.Add(plan.Far)}},
		{"a note that this run began is sent", ledger(phase(open), wanted(2, changed), begunNote(2, 0)), live(begun(plan.BegunNote)), plan.Note{}},
		{"... not after the process slept", ledger(phase(open), wanted(2, changed), begunNote(2, patience/4)), live(begun(plan.BegunNote)), plan.FindNote{}},
		{"a note that another run began is looked for", ledger(phase(open), wanted(2, changed), begunNote(2, time.Hour)), live(), plan.FindNote{}},
		{"... not before its time", ledger(phase(open), wanted(2, changed), begunNote(2, 0), parked(outcome, 0, second, 0)), live(), plan.Nothing{}},
		{"a note not found is waited for", ledger(phase(open), wanted(2, changed), begunNote(2, time.Hour)), live(looked(0)), missedNote(0, patience)},
		{"... from the first look on", ledger(phase(open), wanted(2, changed), begunNote(2, 0), missedBefore(second)), live(looked(0)), plan.Park{outcome, unfoundNote, now.Add(patience - second)}},
		{"a note not found after patience begins again", ledger(phase(open), wanted(2, changed), begunNote(2, 0), missedBefore(patience)), live(looked(0)), plan.BeginNote{}},
		{"a newer picture needs no old note", ledger(phase(open), wanted(3, changed), begunNote(2, 0)), live(), plan.BeginNote{}},
		{"... nor does the end", ledger(phase(open), wanted(3, resolved), begunNote(2, 0)), live(), plan.BeginClose{}},
		{"a wait that has nothing left to wait for ends when its time comes", ledger(phase(open), parked(unavailable, -second, 0, 0)), live(), plan.Unpark{}},
		{"... or when it is woken", ledger(phase(open), parked(ticketv1.ParkReason_PARK_REASON_RATE_LIMITED, -second, second, 0)), live(woken), plan.Unpark{}},
		{"... not before", ledger(phase(open), parked(unavailable, -second, second, 0)), live(), plan.Nothing{}},
		{"... one for live mode in live mode", ledger(phase(open), parked(shadowPark, -second, plan.Far, 0)), live(), plan.Unpark{}},
		{"... and also when the incident is over", ledger(phase(ticketv1.Phase_PHASE_CLOSED), parked(unavailable, -second, 0, 0)), live(), plan.Unpark{}},
		{"a ticket that has changed in a way that is not known is read", ledger(phase(open), ticket(41), lookDue), live(), plan.Look{}},
		{"... before anything else is done", ledger(phase(open), ticket(41), wanted(2, changed), lookDue), live(), plan.Look{}},
		{"... also in shadow mode", ledger(phase(open), ticket(41), lookDue), live(shadow), plan.Look{}},
		{"... also when the incident is over", ledger(phase(ticketv1.Phase_PHASE_CLOSED), ticket(41), lookDue), live(), plan.Look{}},
		{"... not before its time", ledger(phase(open), ticket(41), wanted(2, changed), lookDue, parked(unavailable, 0, second, 0)), live(), plan.Nothing{}},
		{"... not without settings", ledger(phase(open), ticket(41), lookDue), live(unknown), plan.Park{noTenant, noTenantDetail, now.Add(plan.Far)}},
		{"a server that failed holds notes back", ledger(phase(open), wanted(2, changed), parked(unavailable, 0, second, 0)), live(), plan.Nothing{}},

		{"a resolution note that this run began is sent", ledger(phase(closing), wanted(2, resolved), begunNote(2, 0)), live(begun(plan.BegunNote)), plan.Note{}},
		{"one that another run began is looked for", ledger(phase(closing), wanted(2, resolved), begunNote(2, 0)), live(), plan.FindNote{}},
		{"... waited for", ledger(phase(closing), wanted(2, resolved), begunNote(2, 0)), live(looked(0)), missedNote(0, patience)},
		{"... and begun again", ledger(phase(closing), wanted(2, resolved), begunNote(2, 0), missedBefore(patience)), live(looked(0)), plan.BeginNote{}},
		{"one that was withdrawn is begun again", ledger(phase(closing), wanted(2, resolved)), live(), plan.BeginNote{}},
		{
			"after the resolution note the status is set",
			ledger(phase(closing), wanted(2, resolved), func(l *ticketv1.Ledger) { l.Shown = l.Wanted }), live(),
			plan.Close{},
		},
		{
			"... not in shadow mode",
			ledger(phase(closing), wanted(2, resolved), func(l *ticketv1.Ledger) { l.Shown = l.Wanted }), live(shadow),
			plan.Park{shadowPark, shadowDetail, now.Add(plan.Far)},
		},
		{
			"... not before its time",
			ledger(phase(closing), wanted(2, resolved), func(l *ticketv1.Ledger) { l.Shown = l.Wanted }, parked(unavailable, 0, second, 0)), live(),
			plan.Nothing{},
		},
		{
			"a ticket of another server is left alone",
			ledger(phase(open), wanted(2, changed), server(there), ticket(41)), live(),
			plan.Park{rejected, fmt.Sprintf(elsewhere, "ticket 41"), now.Add(15 * time.Minute)},
		},
		{
			"... also at the end",
			ledger(phase(open), wanted(2, resolved), server(there), ticket(41), parked(outcome, 0, 0, 0)), live(looked(0)),
			plan.Park{rejected, fmt.Sprintf(elsewhere, "ticket 41"), now.Add(15 * time.Minute)},
		},
		{
			"... also in the middle of a close",
			ledger(phase(closing), wanted(2, resolved), server(there), ticket(41)), live(woken),
			plan.Park{rejected, fmt.Sprintf(elsewhere, "ticket 41"), now.Add(15 * time.Minute)},
		},
		{
			"... and not looked for",
			ledger(begunCreate(time.Hour, 1), server(there)), live(),
			plan.Park{rejected, fmt.Sprintf(elsewhere, "a ticket that may have been created"), now.Add(15 * time.Minute)},
		},
		{"... and not talked about again before its time", ledger(phase(open), wanted(2, changed), server(there), parked(rejected, 0, second, 0)), live(), plan.Nothing{}},
		{"... nor when it needs nothing", ledger(phase(open), server(there)), live(), plan.Nothing{}},
		{"a ticket of the tenant's server is written to", ledger(phase(open), wanted(2, changed), server(here)), live(), plan.BeginNote{}},
		{"a new incident does not mind where earlier tickets were", ledger(server(there)), live(), plan.BeginCreate{Company: 250}},
		{"a creating ledger in an unknown tenant waits", ledger(begunCreate(0, 1), phase(creating)), live(unknown), plan.Park{noTenant, noTenantDetail, now.Add(plan.Far)}},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.Next(c.ledger, c.facts)) })
	}
}

func TestWhatIsOverStaysOver(t *testing.T) {
	for _, p := range []ticketv1.Phase{ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_HANDED_OVER, ticketv1.Phase_PHASE_DROPPED} {
		for _, kind := range []incidentv1.EventKind{failed, changed, resolved} {
			for _, f := range []plan.Facts{live(), live(woken), live(shadow), live(unknown)} {
				require.Equal(t, plan.Nothing{}, plan.Next(ledger(phase(p), wanted(5, kind)), f), "%s %s", p, kind)
			}
		}
	}
}

// Whatever the ledger says, nothing is sent that this run did not begin, and nothing at all outside of live mode.
func TestNothingIsSentWithoutHavingBeenBegunNorOutsideLiveMode(t *testing.T) {
	for p := range ticketv1.Phase_name {
		for _, kind := range []incidentv1.EventKind{failed, changed, resolved} {
			for reason := range ticketv1.ParkReason_name {
				for _, note := range []uint32{0, 1, 2} {
					for _, f := range []plan.Facts{live(), live(woken), live(looked(0)), live(woken, looked(0)), live(shadow, woken), live(unknown, woken, looked(0))} {
						l := ledger(begunCreate(time.Hour, 1), phase(ticketv1.Phase(p)), wanted(2, kind), begunNote(note, time.Hour), parked(ticketv1.ParkReason(reason), -time.Hour, 0, 1))
						step := plan.Next(l, f)
						name := fmt.Sprintf("%s %s %s note %d: %T", ticketv1.Phase(p), kind, ticketv1.ParkReason(reason), note, step)
						require.IsNotType(t, plan.Create{}, step, name)
						require.IsNotType(t, plan.Note{}, step, name)
						if !f.Known || !f.Live {
							switch step.(type) {
							case plan.Nothing, plan.Park, plan.Unpark, plan.Drop:
							default:
								require.Fail(t, "a step outside live mode", name)
							}
						}
					}
				}
			}
		}
	}
}

func TestReceive(t *testing.T) {
	t.Run("the first event makes the ledger", func(t *testing.T) {
		got, news := plan.Receive(nil, event(2, changed), now)
		require.True(t, news)
		want := &ticketv1.Ledger{
			SchemaVersion: 1, Tenant: "harbor", DeviceId: "7", IncidentId: "7-1", Phase: ticketv1.Phase_PHASE_NEW,
			Wanted: event(2, changed), UpdatedAt: stamp(now),
		}
		require.True(t, proto.Equal(want, got), "%v", got)
	})
	t.Run("the same and older revisions are no news", func(t *testing.T) {
		l := ledger(wanted(3, changed))
		for _, revision := range []uint32{0, 1, 3} {
			got, news := plan.Receive(l, event(revision, resolved), now)
			require.False(t, news)
			require.Same(t, l, got)
		}
	})
	t.Run("nothing follows the end", func(t *testing.T) {
		_, news := plan.Receive(ledger(wanted(3, resolved)), event(4, changed), now)
		require.False(t, news)
	})
	t.Run("news end the wait for live mode, because their plan is to be recorded, and no other wait", func(t *testing.T) {
		for reason := range ticketv1.ParkReason_name {
			got, news := plan.Receive(ledger(parked(ticketv1.ParkReason(reason), 0, time.Hour, 2)), event(2, changed), now)
			require.True(t, news)
			require.Equal(t, ticketv1.ParkReason(reason) == ticketv1.ParkReason_PARK_REASON_SHADOW, got.GetPark() == nil)
		}
	})
}

func TestLedgersAreNotChangedInPlace(t *testing.T) {
	l := ledger(begunCreate(0, 1), parked(ticketv1.ParkReason_PARK_REASON_COMPANY, 0, 0, 0))
	before := proto.CloneOf(l)
	plan.Receive(l, event(2, changed), now)
	plan.Parked(l, plan.Park{}, now)
	plan.Unparked(l, now)
	plan.Missed(l, now, now)
	plan.LookNeeded(l, now)
	plan.Looked(l, now)
	plan.CreateBegun(l, "r", "harbor@na.example", 1, now)
	plan.CreateWithdrawn(l, ledger(), now)
	plan.Created(l, &ticketv1.Observed{TicketId: 1}, now)
	plan.NoteBegun(l, now)
	plan.NoteWithdrawn(l, now)
	plan.Noted(l, now)
	plan.CloseBegun(l, now)
	plan.Closed(l, nil, now)
	plan.Dropped(l, now)
	plan.HandedOver(l, plan.HandOver{}, now)
	require.True(t, proto.Equal(before, l))
}

func TestAWithdrawnCreateLeavesTheLedgerAsItWas(t *testing.T) {
	for _, before := range []*ticketv1.Ledger{ledger(), ledger(begunCreate(time.Hour, 3)), ledger(begunCreate(time.Hour, 1), server(here), missedBefore(time.Minute), parked(ticketv1.ParkReason_PARK_REASON_OUTCOME, 0, 0, 1))} {
		got := plan.CreateWithdrawn(plan.CreateBegun(before, before.GetReference(), "harbor@na.example", 250, now.Add(time.Second)), before, now)
		require.True(t, proto.Equal(before, withUpdated(got, before)), "%v", got)
	}
}

func withUpdated(l, like *ticketv1.Ledger) *ticketv1.Ledger {
	l.UpdatedAt = like.GetUpdatedAt()
	return l
}

func TestAWaitForTheSameReasonIsRenewed(t *testing.T) {
	l := ledger()
	for i := range 3 {
		l = plan.Parked(l, plan.Park{ticketv1.ParkReason_PARK_REASON_AUTH, "keys", now.Add(time.Hour)}, now.Add(time.Duration(i)*time.Minute))
	}
	require.True(t, proto.Equal(&ticketv1.Park{
		Reason: ticketv1.ParkReason_PARK_REASON_AUTH, Detail: "keys", Since: stamp(now), Until: stamp(now.Add(time.Hour)), Times: 2,
	}, l.GetPark()))
	l = plan.Parked(l, plan.Park{ticketv1.ParkReason_PARK_REASON_COMPANY, "who", now.Add(time.Hour)}, now.Add(time.Hour))
	require.Equal(t, uint32(0), l.GetPark().GetTimes())
	require.Equal(t, now.Add(time.Hour), l.GetPark().GetSince().AsTime())
}

func TestEveryFailureLeadsToOneWait(t *testing.T) {
	const unavailable, rateLimited = ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, ticketv1.ParkReason_PARK_REASON_RATE_LIMITED
	const auth, rejected = ticketv1.ParkReason_PARK_REASON_AUTH, ticketv1.ParkReason_PARK_REASON_REJECTED
	for reason, want := range map[ticketv1.ParkReason]plan.Park{
		unavailable: {unavailable, "words", now.Add(15 * time.Second)},
		rateLimited: {rateLimited, "ConnectWise asked for patience: words", now.Add(time.Second)},
		auth:        {auth, "words. Check the keys, the client id, the company and the API member's role", now.Add(5 * time.Minute)},
		rejected:    {rejected, "words. Correct the tenant's settings or the record in ConnectWise", now.Add(15 * time.Minute)},
		ticketv1.ParkReason_PARK_REASON_UNSPECIFIED: {unavailable, "words", now.Add(15 * time.Second)},
	} {
		require.Equal(t, want, plan.After(ledger(), plan.Failure{Reason: reason, Text: "words"}, now), reason.String())
	}
}

func TestWaitsForAServerGrowAndHonourRetryAfter(t *testing.T) {
	const unavailable, rateLimited = ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, ticketv1.ParkReason_PARK_REASON_RATE_LIMITED
	wait := func(times uint32, reason ticketv1.ParkReason, after time.Duration) time.Duration {
		l := ledger(parked(unavailable, -time.Hour, 0, times))
		return plan.After(l, plan.Failure{Reason: reason, RetryAfter: after}, now).Until.Sub(now)
	}
	require.Equal(t, 30*time.Second, wait(0, unavailable, 0))
	require.Equal(t, 2*time.Minute, wait(2, unavailable, 0))
	require.Equal(t, 5*time.Minute, wait(60, unavailable, 0))
	require.Equal(t, 7*time.Minute, wait(60, unavailable, 7*time.Minute))
	require.Equal(t, 40*time.Second, wait(60, rateLimited, 40*time.Second))
}

func TestANoteOrACreateThatIsBegunAnewIsWaitedForAnew(t *testing.T) {
	outcome := parked(ticketv1.ParkReason_PARK_REASON_OUTCOME, -time.Hour, 0, 4)
	unavailable := parked(ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, -time.Hour, 0, 4)
	for name, begin := range map[string]func(*ticketv1.Ledger) *ticketv1.Ledger{
		"note":   func(l *ticketv1.Ledger) *ticketv1.Ledger { return plan.NoteBegun(l, now) },
		"close":  func(l *ticketv1.Ledger) *ticketv1.Ledger { return plan.CloseBegun(l, now) },
		"create": func(l *ticketv1.Ledger) *ticketv1.Ledger { return plan.CreateBegun(l, "r", here, 250, now) },
	} {
		require.Nil(t, begin(ledger(outcome)).GetPark(), name)
		require.Equal(t, uint32(4), begin(ledger(unavailable)).GetPark().GetTimes(), "%s: the waits for a server go on growing", name)
	}
	begun := plan.CreateBegun(ledger(), "r", here, 250, now)
	require.Equal(t, []string{"r", here}, []string{begun.GetReference(), begun.GetServer()})
}

func TestAWaitThatBeganInTheFutureBeginsNow(t *testing.T) {
	l := plan.Parked(ledger(parked(ticketv1.ParkReason_PARK_REASON_AUTH, time.Hour, 0, 4)), plan.Park{Reason: ticketv1.ParkReason_PARK_REASON_AUTH}, now)
	require.Equal(t, now, l.GetPark().GetSince().AsTime())
	require.Equal(t, uint32(5), l.GetPark().GetTimes())
}

func TestDue(t *testing.T) {
	for reason := range ticketv1.ParkReason_name {
		reason := ticketv1.ParkReason(reason)
		timed := reason != ticketv1.ParkReason_PARK_REASON_RESPECTED && reason != ticketv1.ParkReason_PARK_REASON_SHADOW && reason != ticketv1.ParkReason_PARK_REASON_NO_TENANT
		due := func(until, patience time.Duration) bool {
			return plan.Due(ledger(parked(reason, 0, until, 0)).GetPark(), patience, now)
		}
		require.Equal(t, timed || reason == ticketv1.ParkReason_PARK_REASON_RESPECTED, due(0, time.Minute), reason)
		require.False(t, due(time.Second, time.Minute), reason)
		require.False(t, due(2*time.Hour, time.Minute), reason)
		require.Equal(t, timed, due(2*time.Hour+time.Second, time.Minute), reason)
		require.False(t, due(10*time.Hour, time.Hour), reason)
	}
}

func TestAServerIsNotWaitedForLongerThanAnHour(t *testing.T) {
	for _, reason := range []ticketv1.ParkReason{ticketv1.ParkReason_PARK_REASON_RATE_LIMITED, ticketv1.ParkReason_PARK_REASON_UNAVAILABLE} {
		require.Equal(t, now.Add(time.Hour), plan.After(ledger(), plan.Failure{Reason: reason, RetryAfter: 30 * time.Hour}, now).Until)
	}
}

func TestUnfinished(t *testing.T) {
	const open = ticketv1.Phase_PHASE_OPEN
	for p := range ticketv1.Phase_name {
		over := p == int32(ticketv1.Phase_PHASE_CLOSED) || p == int32(ticketv1.Phase_PHASE_HANDED_OVER) || p == int32(ticketv1.Phase_PHASE_DROPPED) || p == int32(open)
		require.Equal(t, !over, plan.Unfinished(ledger(phase(ticketv1.Phase(p)))), ticketv1.Phase(p))
	}
	require.True(t, plan.Unfinished(ledger(phase(open), wanted(2, changed))))
	require.True(t, plan.Unfinished(ledger(phase(ticketv1.Phase_PHASE_CLOSED), lookDue)))
	for _, o := range []*ticketv1.Observed{{Closed: true}, {Deleted: true}, {MergedInto: 77}} {
		require.True(t, plan.Unfinished(ledger(phase(open), func(l *ticketv1.Ledger) { l.Observed = o })), "what people did is not answered: %v", o)
	}
}

func TestTheMSPItselfIsTheSameCustomerEverywhere(t *testing.T) {
	require.Equal(t, tenant.OwnCustomer, plan.OwnCustomer)
}
