package apply

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/notice"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// handleOrphan answers an open ticket whose reference names a device's incident and that may be no ledger's. The partition is
// the device's, so that its incidents stand still meanwhile.
func (r *run) handleOrphan(ctx context.Context, o *ticketv1.Observation) error {
	if r.ledger == nil {
		// Not to be written: it says what the answer is about.
		r.ledger = &ticketv1.Ledger{Tenant: o.GetTenant(), DeviceId: o.GetDeviceId(), IncidentId: o.GetIncidentId(), Phase: ticketv1.Phase_PHASE_DROPPED}
	}
	if err := r.learn(ctx); err != nil {
		return err
	}
	if !r.facts.Known || !r.facts.Live {
		return nil
	}
	ticket := o.GetObserved().GetTicketId()
	owned, self, err := r.owned(ctx, o.GetTenant(), ticket)
	if owned || err != nil {
		return err
	}
	var found desk.Found
	err = r.call(ctx, "read ticket", func(ctx context.Context) (err error) {
		found, err = r.site.desk.ReadWhole(ctx, ticket)
		return err
	})
	if err != nil {
		return r.leftOut(ctx, "an open ticket of ours that no incident owns cannot be read", err)
	}
	device, _, ours := adopt.Incident(found.Ticket.GetReference(), o.GetTenant())
	if !plan.Open(found.Ticket) || !ours || device != o.GetDeviceId() {
		return r.settledOrphan(ctx, ticket)
	}
	orphan, err := r.locate(ctx, found)
	if err != nil {
		return err
	}
	if orphan.Holder != "" && orphan.Server == "" {
		return r.besideHolder(ctx, found, orphan, self)
	}
	return r.decide(ctx, found, orphan, self)
}

// locate says where the incidents of an orphan's device stand.
func (r *run) locate(ctx context.Context, found desk.Found) (plan.Orphan, error) {
	orphan := plan.Orphan{Ticket: found.Ticket.GetTicketId()}
	err := r.ledgers.Each(ctx, bus.Key(r.ledger.GetTenant(), r.ledger.GetDeviceId())+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		orphan.Placed(e.Value, found.Ticket.GetReference(), r.facts.Server)
		return nil
	})
	return orphan, err
}

// besideHolder answers an orphan beside the ticket of the device's incident. That one is read first: it counts only as long as
// it is open, and the picture on record may be minutes old, or a backup's.
func (r *run) besideHolder(ctx context.Context, found desk.Found, orphan plan.Orphan, self string) error {
	holder, err := r.other(ctx, orphan.Holder)
	if holder == nil || err != nil {
		return err
	}
	defer holder.leave()
	if done, err := holder.look(ctx); done || err != nil {
		return err // it waits for the look, and the next comparison of tickets brings the orphan again
	}
	if orphan, err = r.locate(ctx, found); err != nil {
		return err
	}
	if orphan.Lost {
		err = holder.takeOver(ctx, found)
	} else {
		err = r.decide(ctx, found, orphan, self)
	}
	if err != nil {
		return err
	}
	// What was seen of its ticket is to be answered.
	return holder.settle(ctx)
}

// other is a run for another incident of the device; nil when there is none. Whoever asks for it must call leave.
func (r *run) other(ctx context.Context, incident string) (*run, error) {
	other := &run{Applier: r.Applier, key: bus.Key(r.ledger.GetTenant(), r.ledger.GetDeviceId(), incident)}
	var err error
	if other.ledger, other.revision, err = r.ledgers.Get(ctx, other.key); err != nil || other.ledger == nil {
		return nil, err
	}
	if err := other.learn(ctx); err != nil {
		other.leave()
		return nil, err
	}
	return other, nil
}

// takeOver follows an orphan in place of the ticket that people have closed or deleted. One that cannot be claimed is left
// out: the next comparison of tickets with ledgers brings it again.
func (r *run) takeOver(ctx context.Context, found desk.Found) error {
	without := plan.Without(r.ledger, r.clock.Now())
	claimed, err := r.claim(ctx, without, found)
	if err != nil {
		return r.leftOut(ctx, "an open ticket of ours that no incident owns cannot be marked", err)
	}
	for _, c := range adopt.Match(r.ledger.GetTenant(), []*ticketv1.Observed{found.Ticket}, nil) {
		if err := r.recordAdoption(ctx, without, claimed, c, ""); err != nil {
			return err
		}
	}
	return r.settledOrphan(ctx, found.Ticket.GetTicketId())
}

// decide answers an orphan by what is known of its device.
func (r *run) decide(ctx context.Context, found desk.Found, orphan plan.Orphan, self string) error {
	orphan, err := r.examined(ctx, found, orphan, self)
	if err != nil {
		return r.leftOut(ctx, "an open ticket of ours that no incident owns cannot be looked into", err)
	}
	return r.answerOrphan(ctx, found, orphan)
}

// owned reports whether a ticket is, or was, that of any incident of the tenant, and as whom ConnectWise records what we write,
// as far as any of them knows.
func (a *Applier) owned(ctx context.Context, tenant string, ticket int64) (owned bool, self string, err error) {
	err = a.ledgers.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		owned = owned || plan.Owns(e.Value, ticket)
		self = cmp.Or(self, e.Value.GetWrittenAs())
		return nil
	})
	return owned, self, err
}

// examined is an orphan with what else its answer depends on: its device's health, and who has worked in it.
func (r *run) examined(ctx context.Context, found desk.Found, orphan plan.Orphan, self string) (plan.Orphan, error) {
	if orphan.Settling || orphan.Waiting != "" || orphan.Server != "" {
		return orphan, nil
	}
	var err error
	if orphan.Health, err = r.health(ctx, found.Ticket.GetLastUpdated().AsTime()); err != nil {
		return orphan, err
	}
	if orphan.Present == 0 && orphan.Health != plan.HealthWell && orphan.Health != plan.HealthGone {
		return orphan, nil
	}
	var history desk.History
	if self, err = r.self(ctx, found, self); err != nil {
		return orphan, err
	}
	err = r.call(ctx, "find note", func(ctx context.Context) (err error) {
		history, err = r.site.desk.HistoryOf(ctx, found, self, notice.OrphanMarker(r.ledger.GetDeviceId()))
		return err
	})
	orphan.Touched, orphan.Noted, orphan.Ours = history.Touched, history.Noted, history.Ours
	return orphan, err
}

// self returns as whom ConnectWise records what we write. Where no ledger knows, a ticket that bears our reference is written to
// learn it, once for each process.
func (r *run) self(ctx context.Context, found desk.Found, known string) (string, error) {
	if known = cmp.Or(known, r.site.owns.knownSelf()); known != "" {
		return known, nil
	}
	err := r.call(ctx, "mark ticket", func(ctx context.Context) (err error) {
		known, err = r.site.desk.Self(ctx, found)
		return err
	})
	r.site.owns.learnSelf(known)
	return known, err
}

// answerOrphan does what was decided about an orphan. What cannot be done now is left out: the next comparison of tickets with
// ledgers brings it again.
func (r *run) answerOrphan(ctx context.Context, found desk.Found, orphan plan.Orphan) error {
	device := r.ledger.GetDeviceId()
	switch answer := orphan.Answer().(type) {
	case plan.TakeIn:
		return r.takeIn(ctx, answer.Incident, found.Ticket)
	case plan.EndTwin:
		return r.endOrphan(ctx, found.Ticket, orphan.Noted, notice.Twin(device, answer.Present),
			fmt.Sprintf("nobody had worked in it, and it was closed: the trouble is followed in ticket %d", answer.Present))
	case plan.EndWell:
		return r.endOrphan(ctx, found.Ticket, orphan.Noted, notice.Well(device), "its device is well, and it was closed")
	case plan.EndGone:
		return r.endOrphan(ctx, found.Ticket, orphan.Noted, notice.Gone(device), "its device is no longer in Cove, and it was closed")
	case plan.LeaveOrphan:
		return r.tellOrphan(ctx, found.Ticket, answer.Why)
	default:
		return nil
	}
}

// takeIn lets the incident that has no ticket look at this one before it creates.
func (r *run) takeIn(ctx context.Context, incident string, o *ticketv1.Observed) error {
	candidates := adopt.Match(r.ledger.GetTenant(), []*ticketv1.Observed{o}, nil)
	r.site.offer(candidates...)
	taker, err := r.other(ctx, incident)
	if taker == nil || err != nil {
		return err
	}
	defer taker.leave()
	taker.facts.Woken = true
	if len(candidates) > 0 && taker.ledger.GetRenewals() > 0 {
		taker.facts.Candidate = candidates[0] // it may wait for something else than the listing
	}
	if err := taker.settle(ctx); err != nil {
		return err
	}
	return r.settledOrphan(ctx, o.GetTicketId())
}

// endOrphan notes why, unless that was noted before, and closes the ticket.
func (r *run) endOrphan(ctx context.Context, o *ticketv1.Observed, noted bool, note, what string) error {
	ticket := o.GetTicketId()
	if !noted {
		if err := r.call(ctx, "post note", func(ctx context.Context) error { return r.site.desk.Tell(ctx, ticket, note) }); err != nil {
			return r.leftOut(ctx, "an open ticket of ours that no incident owns cannot be noted", err)
		}
	}
	var closed *ticketv1.Observed
	err := r.call(ctx, "close ticket", func(ctx context.Context) (err error) {
		closed, err = r.site.desk.CloseTicket(ctx, ticket, o.GetBoardId())
		return err
	})
	if err != nil {
		return r.leftOut(ctx, "an open ticket of ours that no incident owns cannot be closed", err)
	}
	if err := r.observedOrphan(ctx, closed, what, "closed"); err != nil {
		return err
	}
	return r.settledOrphan(ctx, ticket)
}

// tellOrphan tells a person of an orphan, once, and keeps it on the desk's record.
func (r *run) tellOrphan(ctx context.Context, o *ticketv1.Observed, why string) error {
	tenant, first := r.ledger.GetTenant(), false
	_, err := r.desks.Update(ctx, bus.Key(tenant), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
		d = deskOf(d, tenant)
		i := orphanAt(d, o.GetTicketId())
		first = i < 0
		entry := &ticketv1.Orphan{
			TicketId: o.GetTicketId(), DeviceId: r.ledger.GetDeviceId(), IncidentId: r.ledger.GetIncidentId(), Summary: o.GetSummary(), Detail: why,
			Since: timestamppb.New(r.clock.Now()),
		}
		if first {
			d.Orphans = append(d.Orphans, entry)
			return d, nil
		}
		entry.Since = d.Orphans[i].GetSince()
		if proto.Equal(entry, d.Orphans[i]) {
			return nil, bus.ErrKeep
		}
		d.Orphans[i] = entry
		return d, nil
	})
	if err != nil || !first {
		return err
	}
	return r.observedOrphan(ctx, o, why, "told")
}

// observedOrphan tells of an orphan. n tells one such event of a ticket from another.
func (r *run) observedOrphan(ctx context.Context, o *ticketv1.Observed, what, n string) error {
	reason := fmt.Sprintf("ticket %d is open with the reference of incident %s, which has no record of it: %s", o.GetTicketId(), r.ledger.GetIncidentId(), what)
	r.log.WarnContext(ctx, "observed", r.about("ticket", o.GetTicketId(), "reason", reason)...)
	event := &ticketv1.Event{Action: ticketv1.Action_ACTION_OBSERVED, TicketId: o.GetTicketId(), Reason: reason, Observed: o}
	return r.publish(ctx, event, fmt.Sprintf("orphan:%d:%s", o.GetTicketId(), n))
}

// settledOrphan takes a ticket off the desk's record of orphans.
func (r *run) settledOrphan(ctx context.Context, ticket int64) error {
	_, err := r.desks.Update(ctx, bus.Key(r.ledger.GetTenant()), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
		if d == nil || orphanAt(d, ticket) < 0 {
			return nil, bus.ErrKeep
		}
		d.Orphans = slices.DeleteFunc(d.Orphans, func(known *ticketv1.Orphan) bool { return known.GetTicketId() == ticket })
		return d, nil
	})
	return err
}

func orphanAt(d *ticketv1.Desk, ticket int64) int {
	return slices.IndexFunc(d.GetOrphans(), func(o *ticketv1.Orphan) bool { return o.GetTicketId() == ticket })
}
