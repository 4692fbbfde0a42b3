package apply

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// learn reads what plan needs to know of the tenant. Settings and link are read from their buckets and not from
// views, which may lag: a tenant that was turned to shadow a moment ago must not get another ticket.
func (r *run) learn(ctx context.Context) error {
	tenant := r.ledger.GetTenant()
	settings, revision, err := r.tenants.Get(ctx, bus.Key(tenant))
	if err != nil {
		return err
	}
	r.settings = settings
	r.facts.Patience = r.patience
	r.facts.Known = settings != nil
	r.facts.Live = settings.GetMode() == tenantv1.Mode_MODE_LIVE
	r.facts.Server = connectwise.ServerName(settings.GetConnectwise().GetUrl(), settings.GetConnectwise().GetCompany())
	r.facts.MoveHome = settings.GetCompanies().GetMoveHome()
	r.facts.Handling = plan.HandlingOf(settings.GetTickets())
	r.site = r.sites.of(tenant, settings, revision)
	return r.learnPhase(ctx)
}

// learnPhase reads what plan needs to know in the ledger's present phase.
func (r *run) learnPhase(ctx context.Context) error {
	if err := r.learnAdopted(ctx); err != nil {
		return err
	}
	r.learned = topicOf(r.ledger)
	// They are of the ticket as it was before.
	r.facts.Shared, r.facts.Closer = false, plan.CloserPerson
	r.facts.Listed, r.facts.Candidate = false, nil
	var err error
	switch r.learned.phase {
	case ticketv1.Phase_PHASE_UNSPECIFIED, ticketv1.Phase_PHASE_NEW, ticketv1.Phase_PHASE_CREATING:
		if r.facts.Link, _, err = r.links.Get(ctx, bus.Key(r.ledger.GetTenant(), r.ledger.GetWanted().GetCustomer().GetId())); err != nil {
			return err
		}
		if r.learned.phase != ticketv1.Phase_PHASE_CREATING {
			r.announce()
		}
		return r.learnEarlier(ctx)
	case ticketv1.Phase_PHASE_OPEN:
		r.facts.Busy = r.site.busy(r.clock.Now())
		if r.ledger.GetStandIn() && r.facts.MoveHome {
			if r.facts.Link, _, err = r.links.Get(ctx, bus.Key(r.ledger.GetTenant(), r.ledger.GetWanted().GetCustomer().GetId())); err != nil {
				return err
			}
		}
		if err := r.learnGroup(ctx); err != nil {
			return err
		}
		if plan.Open(r.ledger.GetObserved()) {
			return r.learnOthers(ctx)
		}
		return errors.Join(r.learnEarlier(ctx), r.learnOthers(ctx))
	case ticketv1.Phase_PHASE_HANDED_OVER:
		return errors.Join(r.learnEarlier(ctx), r.learnOthers(ctx))
	case ticketv1.Phase_PHASE_CLOSING:
		return r.learnOthers(ctx)
	case ticketv1.Phase_PHASE_CLOSED:
		return r.learnCurrent(ctx)
	default:
	}
	return nil
}

// learnAdopted takes the ticket of others that ours was merged into for one of ours when another device's incident has adopted it
// since: the last of the two closes it.
func (r *run) learnAdopted(ctx context.Context) error {
	l := r.ledger
	if !l.GetForeign() || l.GetObserved() == nil || l.GetPhase() == ticketv1.Phase_PHASE_CLOSED {
		return nil
	}
	foreign, err := r.foreign(ctx, l.GetObserved())
	if err == nil && !foreign {
		r.ledger = proto.CloneOf(l)
		r.ledger.Foreign = false
	}
	return err
}

// topic is what facts are learned for.
type topic struct {
	phase  ticketv1.Phase
	ticket int64
	closed bool
}

func topicOf(l *ticketv1.Ledger) topic {
	return topic{l.GetPhase(), l.GetTicketId(), l.GetObserved().GetClosed()}
}

// mostEarlier bounds how many incidents that ended without a ticket are skipped in the search for the last one.
const mostEarlier = 3

// learnEarlier finds the device's last incident that ended with a ticket, and the last since that gave its own up. Incidents of a
// device are numbered from 1.
func (r *run) learnEarlier(ctx context.Context) error {
	if rollup.Is(r.ledger) || r.learned.phase == ticketv1.Phase_PHASE_CREATING {
		return nil
	}
	i := strings.LastIndex(r.ledger.GetIncidentId(), "-")
	number, err := strconv.Atoi(r.ledger.GetIncidentId()[i+1:])
	if err != nil || i < 0 {
		return nil //nolint:nilerr // an id of another kind has no earlier one
	}
	r.facts.Earlier, r.facts.GaveUp = nil, nil
	for n := number - 1; n >= max(1, number-mostEarlier); n-- {
		incident := fmt.Sprintf("%s-%d", r.ledger.GetIncidentId()[:i], n)
		earlier, _, err := r.ledgers.Get(ctx, bus.Key(r.ledger.GetTenant(), r.ledger.GetDeviceId(), incident))
		if err != nil {
			return err
		}
		if earlier.GetPhase() != ticketv1.Phase_PHASE_DROPPED {
			r.facts.Earlier = earlier
			return nil
		}
		if r.facts.GaveUp == nil && len(earlier.GetFormerTicketIds()) > 0 {
			r.facts.GaveUp = earlier
		}
	}
	return nil
}

// learnGroup finds the ticket of the incident's group. The id of a group's incident is its device id and a number.
func (r *run) learnGroup(ctx context.Context) error {
	group := r.ledger.GetWanted().GetGroupIncidentId()
	i := strings.LastIndex(group, "-")
	if i <= 0 || r.ledger.GetAttachedTo() != 0 || r.ledger.GetAttachOver() {
		return nil
	}
	l, _, err := r.ledgers.Get(ctx, bus.Key(r.ledger.GetTenant(), group[:i], group))
	if err != nil || l == nil {
		return err
	}
	r.facts.Group.Over = plan.Resolved(l) || l.GetPhase() == ticketv1.Phase_PHASE_HANDED_OVER || l.GetObserved().GetClosed()
	if l.GetPhase() == ticketv1.Phase_PHASE_OPEN {
		r.facts.Group.Ticket = l.GetTicketId()
	}
	return nil
}

// learnOthers looks for other incidents that stand, or stood, in a ticket that is closed or is about to be. Only merging
// brings them there, and a later incident of the device where a late request of ours had opened the ticket, so that the
// tenant's ledgers are read then alone.
func (r *run) learnOthers(ctx context.Context) error {
	o, closing := r.ledger.GetObserved(), r.learned.phase == ticketv1.Phase_PHASE_CLOSING
	merged := o.GetHasMerged() || len(r.ledger.GetFormerTicketIds()) > 0
	if !(merged && (closing || o.GetClosed())) && !(closing && r.ledger.GetClosedAt() != nil) {
		return nil
	}
	return r.ledgers.Each(ctx, bus.Key(r.ledger.GetTenant())+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		other := e.Value
		switch {
		case e.Key == r.key || other.GetTicketId() != r.ledger.GetTicketId() || differs(other.GetServer(), r.ledger.GetServer()):
		case !plan.Resolved(other):
			r.facts.Shared = true
		case plan.OwnClosing(other, o):
			r.facts.Closer = plan.CloserOurs
		case other.GetPhase() == ticketv1.Phase_PHASE_CLOSING && r.facts.Closer == plan.CloserPerson:
			r.facts.Closer = plan.CloserUnsure
		}
		return nil
	})
}

// differs reports whether two servers are known and not the same.
func differs(recorded, present string) bool {
	return recorded != "" && present != "" && !strings.EqualFold(recorded, present)
}

// writer writes the tenant's texts.
func (r *run) writer() *text.Writer {
	if r.site == nil || r.site.desk == nil {
		return text.NewWriter(r.settings.GetTickets(), time.UTC, nil)
	}
	return r.site.desk.Writer().Listening(r.fellBack)
}
