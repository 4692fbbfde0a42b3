package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// listBoard finds the tickets of others that stand for the device among those that were open at the first contact
// with the board, which this may be.
func (r *run) listBoard(ctx context.Context) (done bool, err error) {
	var all *ticketv1.Adoption
	err = r.call(ctx, "check settings", func(ctx context.Context) error {
		all, err = r.adoption(ctx)
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "check settings", r.ledger, err)
	}
	r.facts.Listed = true
	for _, c := range all.GetCandidates() {
		if c.GetDeviceId() == r.ledger.GetDeviceId() {
			r.rest = append(r.rest, c)
		}
	}
	return false, r.nextCandidate(ctx)
}

// adoption returns what the tenant's board held at the first contact. The board is listed once for each installation.
func (r *run) adoption(ctx context.Context) (*ticketv1.Adoption, error) {
	board, err := r.site.desk.Board(ctx)
	if err != nil {
		return nil, err
	}
	r.site.listing.Lock()
	defer r.site.listing.Unlock()
	if a := r.site.adoption; a.GetBoardId() == board {
		return a, nil
	}
	tenant, server := r.ledger.GetTenant(), r.facts.Server
	key := bus.Key(tenant, server, fmt.Sprint(board))
	a, _, err := r.adopted.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if a == nil {
		if a, err = List(ctx, r.site.desk, tenant); err != nil {
			return nil, err
		}
		a.Server, a.ListedAt = server, timestamppb.New(r.clock.Now())
		// Another process may have been faster; what it recorded stands.
		a, err = r.adopted.Update(ctx, key, func(old *ticketv1.Adoption) (*ticketv1.Adoption, error) {
			if old != nil {
				return nil, bus.ErrKeep
			}
			return a, nil
		})
		if err != nil {
			return nil, err
		}
		r.log.InfoContext(ctx, "first contact with a board", "tenant", tenant, "board", a.GetBoardId(), "candidates", len(a.GetCandidates()))
	}
	r.site.adoption = a
	return a, nil
}

// List looks at the open tickets of the settings' board for such as stand for a tenant's devices.
func List(ctx context.Context, d *desk.Desk, tenant string) (*ticketv1.Adoption, error) {
	board, open, err := d.OnBoard(ctx)
	if err != nil {
		return nil, err
	}
	return &ticketv1.Adoption{SchemaVersion: 1, Tenant: tenant, BoardId: board, Candidates: adopt.Match(tenant, open)}, nil
}

// nextCandidate offers the newest candidate that is no other incident's ticket.
func (r *run) nextCandidate(ctx context.Context) error {
	r.facts.Candidate = nil
	for len(r.rest) > 0 {
		c := r.rest[0]
		r.rest = r.rest[1:]
		other, err := r.belongs(ctx, c.GetReference())
		if err != nil {
			return err
		}
		if !other {
			r.facts.Candidate = c
			return nil
		}
	}
	return nil
}

// belongs reports whether a reference is that of a ticket which another incident of this installation has on record.
func (r *run) belongs(ctx context.Context, reference string) (bool, error) {
	if !strings.HasPrefix(reference, adopt.Prefix(r.bus.Installation(), r.ledger.GetTenant())) {
		return false, nil
	}
	device, incident, ours := adopt.Incident(reference, r.ledger.GetTenant())
	if !ours || incident == r.ledger.GetIncidentId() {
		return false, nil
	}
	l, _, err := r.ledgers.Get(ctx, bus.Key(r.ledger.GetTenant(), device, incident))
	return l != nil, err
}

// adopt takes the candidate over if it still is what it was when the board was listed. It gets our reference, unless
// it bears one of others, so that it can be followed.
func (r *run) adopt(ctx context.Context) (done bool, err error) {
	c := r.facts.Candidate
	var o *ticketv1.Observed
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		o, err = r.site.desk.Read(ctx, c.GetTicketId())
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "read ticket", r.ledger, err)
	}
	other, err := r.belongs(ctx, o.GetReference())
	if err != nil {
		return true, err
	}
	still := adopt.Match(r.ledger.GetTenant(), []*ticketv1.Observed{o})
	if other || !slices.ContainsFunc(still, func(s *ticketv1.Candidate) bool { return s.GetDeviceId() == c.GetDeviceId() }) {
		return false, r.nextCandidate(ctx)
	}
	if o.GetReference() == "" || c.GetBy() == adopt.ByReference && o.GetReference() != r.reference() {
		err = r.call(ctx, "mark ticket", func(ctx context.Context) error {
			o, err = r.site.desk.Mark(ctx, c.GetTicketId(), r.reference())
			return err
		})
		switch {
		case err != nil && errclass.Of(err) == errclass.NotFound:
			return false, r.nextCandidate(ctx)
		case err != nil:
			return true, r.failed(ctx, "mark ticket", r.ledger, err)
		}
	}
	rest := ""
	if len(r.rest) > 0 {
		ids := make([]string, 0, len(r.rest))
		for _, more := range r.rest {
			ids = append(ids, fmt.Sprint(more.GetTicketId()))
		}
		rest = "Also open for this device, and left alone: ticket " + strings.Join(ids, ", ") + "."
	}
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_ADOPTED, TicketId: o.GetTicketId(), CompanyId: o.GetCompanyId(), Summary: o.GetSummary(), Observed: o,
		Reason: strings.TrimSpace("known by " + c.GetBy() + ". " + rest),
	}
	if err := r.publish(ctx, event, ""); err != nil {
		return true, err
	}
	if err := r.put(ctx, "record adoption", plan.Adopted(r.ledger, o, r.facts.Server, rest, r.clock.Now())); err != nil {
		return true, err
	}
	r.log.InfoContext(ctx, "adopted", r.about("summary", o.GetSummary(), "by", c.GetBy(), "rest", rest)...)
	return false, nil
}
