package apply

import (
	"context"
	"slices"

	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// listOwn finds the device's open tickets of ours before one is made that replaces another, or one that people closed is opened again:
// those that no incident owns, and those that the incident had before. It is done anew each time: it is rare, and the record may have
// been restored under a process that goes on.
func (r *run) listOwn(ctx context.Context) (done bool, err error) {
	l := r.ledger
	var own []*ticketv1.Observed
	err = r.call(ctx, "list tickets", func(ctx context.Context) error {
		own, err = r.site.desk.Open(ctx, adopt.Prefix(r.bus.Installation(), l.GetTenant())+l.GetDeviceId()+"-", l.GetFormerTicketIds())
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "list tickets", l, err)
	}
	r.facts.Listed = true
	if done, err = r.meetListed(ctx, own); done || err != nil || r.facts.Stray != nil {
		return done, err
	}
	r.rest = adopt.Match(l.GetTenant(), own, nil)
	if l.GetTicketId() == 0 {
		r.rest = r.site.offered(l, r.rest)
	}
	return false, r.nextCandidate(ctx)
}

// meetListed takes in that tickets which the incident had before are listed as open: people opened one again, and closed the present
// one. That is read by itself, because a list may show a change late.
func (r *run) meetListed(ctx context.Context, own []*ticketv1.Observed) (done bool, err error) {
	l := r.ledger
	for _, o := range slices.Backward(own) {
		ticket := o.GetTicketId()
		theirs := slices.Contains(l.GetForeignFormerIds(), ticket) && len(adopt.Match(l.GetTenant(), []*ticketv1.Observed{o}, nil)) == 0
		if !former(l, ticket) || theirs {
			continue
		}
		held, err := r.elsewhere(ctx, ticket)
		if err != nil {
			return true, err
		}
		if held {
			continue
		}
		now, err := r.read(ctx, ticket)
		switch {
		case refused(err):
			continue // as in lookBack
		case err != nil:
			return true, r.failed(ctx, "read ticket", l, err)
		case !plan.Open(now):
			continue
		}
		r.facts.Stray = now
		if l.GetTicketId() != 0 {
			return r.look(ctx)
		}
		return false, nil
	}
	return false, nil
}

// elsewhere reports whether another incident of the tenant that is not over stands in a ticket.
func (r *run) elsewhere(ctx context.Context, ticket int64) (there bool, err error) {
	err = r.ledgers.Each(ctx, bus.Key(r.ledger.GetTenant())+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		there = there || e.Key != r.key && e.Value.GetTicketId() == ticket && e.Value.GetPhase() != ticketv1.Phase_PHASE_CLOSED &&
			!differs(e.Value.GetServer(), r.facts.Server)
		return nil
	})
	return there, err
}

// read returns a ticket as it is now. That there is none is believed when it is said twice.
func (r *run) read(ctx context.Context, ticket int64) (now *ticketv1.Observed, err error) {
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		if now, err = r.site.desk.Read(ctx, ticket); err == nil && now.GetDeleted() {
			now, err = r.site.desk.Read(ctx, ticket)
		}
		return err
	})
	if err == nil {
		r.saw(ticket)
	}
	return now, err
}
