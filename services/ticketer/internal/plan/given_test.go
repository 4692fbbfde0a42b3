package plan_test

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

var now = time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

func event(revision uint32, kind incidentv1.EventKind) *incidentv1.Event {
	return &incidentv1.Event{
		Tenant: "harbor", DeviceId: "7", IncidentId: "7-1", Revision: revision, Kind: kind,
		Customer: &statusv1.Customer{Id: "70", Name: "Acme"},
	}
}

// ledger is one that received revision 1, changed by what a case needs.
func ledger(changes ...func(*ticketv1.Ledger)) *ticketv1.Ledger {
	l, _ := plan.Receive(nil, event(1, failed), now)
	for _, change := range changes {
		change(l)
	}
	return l
}

func wanted(revision uint32, kind incidentv1.EventKind) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) { l.Wanted = event(revision, kind) }
}

func parked(reason ticketv1.ParkReason, since, until time.Duration, times uint32) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) {
		l.Park = &ticketv1.Park{Reason: reason, Detail: "why", Since: stamp(now.Add(since)), Until: stamp(now.Add(until)), Times: times}
	}
}

// here and there are servers.
const here, there = "harbor@na.example", "harbor@eu.example"

func server(name string) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) { l.Server = name }
}

// seen gives the wanted picture a time and its customer a reference.
func seen(ago time.Duration, reference string) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) {
		l.Wanted.OccurredAt, l.Wanted.Customer.Reference = stamp(now.Add(-ago)), reference
	}
}

func phase(p ticketv1.Phase) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) {
		l.Phase = p
		if p != ticketv1.Phase_PHASE_NEW {
			l.Shown = event(1, failed)
		}
	}
}

func begunCreate(ago time.Duration, attempts uint32) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) {
		phase(ticketv1.Phase_PHASE_CREATING)(l)
		l.CreateBegunAt, l.CreateAttempts = stamp(now.Add(-ago)), attempts
	}
}

// missedBefore says that the trace of what is under way was looked for in vain before, by the server's clock.
func missedBefore(ago time.Duration) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) { l.MissedAt = stamp(now.Add(-ago)) }
}

func lookDue(l *ticketv1.Ledger) { l.LookDue = true }

func ticket(id int64) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) { l.TicketId = id }
}

func begunNote(revision uint32, ago time.Duration) func(*ticketv1.Ledger) {
	return func(l *ticketv1.Ledger) { l.NoteBegunRevision, l.UpdatedAt = revision, stamp(now.Add(-ago)) }
}

func linked(id int64, state companyv1.LinkState, checkedAgo time.Duration) *companyv1.Link {
	return &companyv1.Link{State: state, Company: &companyv1.Company{Id: id}, Reason: "two have the name", CheckedAt: stamp(now.Add(-checkedAgo))}
}

func standIn(checkedAgo time.Duration) *companyv1.Link {
	l := linked(250, companyv1.LinkState_LINK_STATE_LINKED, checkedAgo)
	l.Method = companyv1.LinkMethod_LINK_METHOD_CATCH_ALL
	return l
}

// referring is a link made for a customer with a reference.
func referring(reference string, observedAgo time.Duration) *companyv1.Link {
	l := linked(250, companyv1.LinkState_LINK_STATE_LINKED, 0)
	l.Customer, l.ObservedAt = &statusv1.Customer{Id: "70", Reference: reference}, stamp(now.Add(-observedAgo))
	return l
}

func madeAt(server string) *companyv1.Link {
	l := linked(250, companyv1.LinkState_LINK_STATE_LINKED, 0)
	l.Server = server
	return l
}

// live are the facts of a live tenant whose customer has company 250.
func live(changes ...func(*plan.Facts)) plan.Facts {
	f := plan.Facts{
		Known: true, Live: true, Server: here, Now: now, Patience: time.Minute, Listed: true, Seen: true,
		Link: linked(250, companyv1.LinkState_LINK_STATE_LINKED, time.Hour),
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

func shadow(f *plan.Facts) { f.Live = false }

func unknown(f *plan.Facts) { f.Known = false }

func woken(f *plan.Facts) { f.Woken = true }

func looked(ago time.Duration) func(*plan.Facts) {
	return func(f *plan.Facts) { f.LookedAt = now.Add(-ago) }
}

func begun(b plan.Begun) func(*plan.Facts) { return func(f *plan.Facts) { f.Begun = b } }

func link(l *companyv1.Link) func(*plan.Facts) {
	return func(f *plan.Facts) { f.Link = l }
}
