package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// listBoard finds the tickets of others that stand for the device among those that were open at the first contact
// with the board, which this may be.
func (r *run) listBoard(ctx context.Context) (done bool, err error) {
	var all *ticketv1.Adoption
	err = r.call(ctx, "list tickets", func(ctx context.Context) error {
		all, err = r.adoption(ctx)
		return err
	})
	if err != nil {
		return true, r.failed(ctx, "list tickets", r.ledger, err)
	}
	r.facts.Listed = true
	r.rest = r.site.offered(r.ledger, all.GetCandidates())
	return false, r.nextCandidate(ctx)
}

// adoption returns what the tenant's boards held at the first contact, which is made once for each installation. What bears
// our own reference is listed once for each process besides: the record may be older than that, or a ticket may have come to
// light late.
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
	a, first, err := r.contact(ctx, board)
	if err != nil {
		return nil, err
	}
	if !first {
		tenant := r.ledger.GetTenant()
		own, err := r.site.desk.Ours(ctx, adopt.Prefix(r.bus.Installation(), tenant))
		if err != nil {
			return nil, err
		}
		r.site.offer(adopt.Match(tenant, own, nil)...)
	}
	r.site.adoption = a
	return a, nil
}

// contact reads the record of the first contact with the settings' board, or makes it. Boards that routing names since are
// added to it.
func (r *run) contact(ctx context.Context, board int64) (a *ticketv1.Adoption, first bool, err error) {
	tenant, server := r.ledger.GetTenant(), r.facts.Server
	key := bus.Key(tenant, server, fmt.Sprint(board))
	if a, _, err = r.adopted.Get(ctx, key); err != nil {
		return nil, false, err
	}
	if a != nil {
		a, err = r.furtherBoards(ctx, key, a)
		return a, false, err
	}
	if a, err = List(ctx, r.site.desk, tenant, r.devices); err != nil {
		return nil, false, err
	}
	a.Server, a.ListedAt = server, timestamppb.New(r.clock.Now())
	if err := r.leaveStrangers(ctx, a); err != nil {
		return nil, false, err
	}
	// Another process may have been faster; what it recorded stands.
	a, err = r.adopted.Update(ctx, key, func(old *ticketv1.Adoption) (*ticketv1.Adoption, error) {
		if old != nil {
			return nil, bus.ErrKeep
		}
		return a, nil
	})
	if err != nil {
		return nil, false, err
	}
	r.log.InfoContext(ctx, "first contact with a board", "tenant", tenant, "board", a.GetBoardId(), "candidates", len(a.GetCandidates()))
	return a, true, nil
}

// furtherBoards adds to the record of the first contact what boards hold that were not listed then.
func (r *run) furtherBoards(ctx context.Context, key string, a *ticketv1.Adoption) (*ticketv1.Adoption, error) {
	all := r.site.desk.Boards()
	listed := a.GetBoards()
	if len(listed) == 0 {
		listed = all[:1]
	}
	further := slices.DeleteFunc(slices.Clone(all), func(board string) bool { return slices.Contains(listed, board) })
	if len(further) == 0 {
		return a, nil
	}
	open, err := r.site.desk.OnBoards(ctx, further)
	if err != nil {
		return nil, err
	}
	known, err := devicesOf(ctx, r.devices, r.ledger.GetTenant())
	if err != nil {
		return nil, err
	}
	found := adopt.Match(r.ledger.GetTenant(), open, known)
	return r.adopted.Update(ctx, key, func(a *ticketv1.Adoption) (*ticketv1.Adoption, error) {
		if a == nil {
			return nil, bus.ErrKeep
		}
		a = proto.CloneOf(a)
		a.Boards = append(slices.Clone(listed), further...)
		for _, c := range found {
			known := slices.ContainsFunc(a.GetCandidates(), func(k *ticketv1.Candidate) bool { return k.GetTicketId() == c.GetTicketId() })
			if c.GetBy() != adopt.ByReference && !known {
				a.Candidates = append(a.Candidates, c)
			}
		}
		return a, nil
	})
}

// leaveStrangers takes the tickets of other installations out of what the board held, unless our own record is empty: then it
// may have been lost, and they may be ours. Who has a record has lost nothing, so that another installation must run, or
// have run, for the same tenant.
func (r *run) leaveStrangers(ctx context.Context, a *ticketv1.Adoption) error {
	lost, err := Lost(ctx, r.ledgers, a.GetTenant())
	if err != nil || lost {
		return err
	}
	var left []string
	a.Candidates = slices.DeleteFunc(a.GetCandidates(), func(c *ticketv1.Candidate) bool {
		stranger := adopt.Stranger(c.GetReference(), r.bus.Installation(), a.GetTenant())
		if stranger != "" {
			left = append(left, fmt.Sprintf("%d of %s", c.GetTicketId(), stranger))
		}
		return stranger != ""
	})
	if len(left) == 0 {
		return nil
	}
	const most = 10
	reason := fmt.Sprintf("%d open tickets on the board were made by another installation of Covewise for this tenant, and are left alone: %s. If it still runs, stop one of the two",
		len(left), strings.Join(left[:min(len(left), most)], ", "))
	r.log.WarnContext(ctx, "another installation has tickets on the board", "tenant", a.GetTenant(), "board", a.GetBoardId(), "detail", reason)
	return r.tell(ctx, ticketv1.Action_ACTION_OBSERVED, reason, fmt.Sprintf("strangers:%d", a.GetBoardId()))
}

// Lost reports whether there is no record of any device's ticket of a tenant.
func Lost(ctx context.Context, ledgers *bus.Store[*ticketv1.Ledger], tenant string) (bool, error) {
	lost := true
	err := ledgers.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		lost = lost && (e.Value.GetTicketId() == 0 || !plan.OfDevice(e.Value))
		return nil
	})
	return lost, err
}

// List looks at the open tickets of the boards that the settings send tickets to for such as stand for a tenant's devices, and
// at those of all boards for our references. devices is what the evaluator remembers of devices.
func List(ctx context.Context, d *desk.Desk, tenant string, devices *bus.Store[*incidentv1.DeviceState]) (*ticketv1.Adoption, error) {
	known, err := devicesOf(ctx, devices, tenant)
	if err != nil {
		return nil, err
	}
	board, err := d.Board(ctx)
	if err != nil {
		return nil, err
	}
	open, err := d.OnBoards(ctx, d.Boards())
	if err != nil {
		return nil, err
	}
	return &ticketv1.Adoption{SchemaVersion: 1, Tenant: tenant, BoardId: board, Boards: d.Boards(), Candidates: adopt.Match(tenant, open, known)}, nil
}

// devicesOf tells the ids of a tenant's devices from other numbers.
func devicesOf(ctx context.Context, devices *bus.Store[*incidentv1.DeviceState], tenant string) (known func(device string) bool, err error) {
	all := map[string]bool{}
	err = devices.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*incidentv1.DeviceState]) error {
		all[e.Value.GetDeviceId()] = true
		return nil
	})
	return func(device string) bool { return all[device] }, err
}

// nextCandidate offers the first candidate that no incident owns.
func (r *run) nextCandidate(ctx context.Context) error {
	r.facts.Candidate = nil
	for len(r.rest) > 0 {
		c := r.rest[0]
		r.rest = r.rest[1:]
		owner, err := r.owner(ctx, c.GetTicketId())
		if err != nil {
			return err
		}
		if owner == "" {
			r.facts.Candidate = c
			return nil
		}
	}
	return nil
}

// owner returns the incident of the device whose ticket this is, or was; empty when there is none. The reference alone
// owns nothing: it may be left from a mark that was never recorded, of an incident that ended meanwhile. Nor does an incident
// that ended without a ticket own the one that it had given up: open, that is the device's.
func (r *run) owner(ctx context.Context, ticket int64) (owner string, err error) {
	err = r.ledgers.Each(ctx, bus.Key(r.ledger.GetTenant(), r.ledger.GetDeviceId())+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		if plan.Owns(e.Value, ticket) && e.Value.GetPhase() != ticketv1.Phase_PHASE_DROPPED {
			owner = e.Value.GetIncidentId()
		}
		return nil
	})
	return owner, err
}

// adopt takes the candidate over if it still is what it was when it was listed, in place of a ticket that people have closed
// where the incident has one. It gets our reference, unless it bears one of others, so that it can be followed.
func (r *run) adopt(ctx context.Context) (done bool, err error) {
	c, l := proto.CloneOf(r.facts.Candidate), r.ledger
	if l.GetTicketId() != 0 {
		l = plan.Without(l, r.clock.Now())
	}
	var found desk.Found
	err = r.call(ctx, "read ticket", func(ctx context.Context) error {
		found, err = r.site.desk.ReadWhole(ctx, c.GetTicketId())
		return err
	})
	if err != nil {
		return r.notAdopted(ctx, "read ticket", err)
	}
	still := adopt.Match(r.ledger.GetTenant(), []*ticketv1.Observed{found.Ticket}, func(device string) bool { return device == c.GetDeviceId() })
	own := r.referenceOf(l)
	// One that was listed with the incident's reference, and closed before the incident began, is from a record that was lost.
	older := c.GetReference() == own && plan.ClosedBefore(l, found.Ticket)
	var claimed desk.Filed
	switch {
	case found.Ticket.GetReference() == own && !plan.Open(found.Ticket) && !older:
		// It is the incident's that people have closed; where it was not listed with the reference, the answer to our marking was lost.
		claimed.Ticket = found.Ticket
	case !slices.ContainsFunc(still, func(s *ticketv1.Candidate) bool { return s.GetDeviceId() == c.GetDeviceId() }):
		return false, r.nextCandidate(ctx)
	default:
		claimed, err = r.claim(ctx, l, found)
		c.Reference = found.Ticket.GetReference() // people may have changed it since
	}
	switch {
	case err != nil && errclass.Of(err) == errclass.NotFound:
		return false, r.nextCandidate(ctx)
	case err != nil:
		return r.notAdopted(ctx, "mark ticket", err)
	}
	rest := ""
	if len(r.rest) > 0 {
		ids := make([]string, 0, len(r.rest))
		for _, more := range r.rest {
			ids = append(ids, fmt.Sprint(more.GetTicketId()))
		}
		rest = "Also open for this device, and left alone: ticket " + strings.Join(ids, ", ") + "."
	}
	return false, r.recordAdoption(ctx, l, claimed, c, rest)
}

// notAdopted waits with the adoption. Where the incident has a ticket, one that ConnectWise goes on refusing is let be: the other is
// answered as if this one were not there.
func (r *run) notAdopted(ctx context.Context, action string, err error) (done bool, failed error) {
	p := r.ledger.GetPark()
	if r.ledger.GetTicketId() != 0 && refused(err) && p.GetReason() == ticketv1.ParkReason_PARK_REASON_REJECTED && p.GetTimes() >= 2 {
		r.log.WarnContext(ctx, "a ticket of the device cannot be followed, and is left alone", r.about("left", r.facts.Candidate.GetTicketId(), "err", err)...)
		return false, r.nextCandidate(ctx)
	}
	return true, r.failed(ctx, action, r.ledger, err)
}

// claim marks a ticket as that of an incident, whose ledger without it is l. One with a reference of others keeps it, and so
// does one that names the incident already; one of ours that names another incident is left from before, also when it was
// marked since the board was listed.
func (r *run) claim(ctx context.Context, l *ticketv1.Ledger, found desk.Found) (claimed desk.Filed, err error) {
	own := adopt.Prefix(r.bus.Installation(), l.GetTenant()) + l.GetIncidentId()
	reference, had := "", found.Ticket.GetReference()
	if had == "" || strings.HasPrefix(had, "covewise:") && had != own && !strings.HasPrefix(had, own+":") {
		reference = r.referenceOf(l)
	}
	err = r.call(ctx, "mark ticket", func(ctx context.Context) (err error) {
		claimed, err = r.site.desk.Claim(ctx, found, reference, l.GetWanted())
		return err
	})
	return claimed, err
}

// unclaim gives a ticket the reference back that it had, where another process went on with the incident while this one stood
// still, and has taken another ticket. refused is why the adoption could not be recorded.
func (r *run) unclaim(ctx context.Context, o *ticketv1.Observed, had string, refused error) error {
	if errclass.Of(refused) != errclass.Conflict || o.GetReference() == had {
		return nil
	}
	l, _, err := r.ledgers.Get(ctx, r.key)
	if err != nil || l.GetTicketId() == 0 || l.GetTicketId() == o.GetTicketId() || slices.Contains(l.GetFormerTicketIds(), o.GetTicketId()) {
		return err
	}
	if owner, err := r.owner(ctx, o.GetTicketId()); owner != "" || err != nil {
		return err
	}
	r.log.WarnContext(ctx, "adopted late, and given back: the incident has another ticket by now", r.about("given", o.GetTicketId(), "present", l.GetTicketId())...)
	return r.call(ctx, "give ticket back", func(ctx context.Context) error { return r.site.desk.Unclaim(ctx, o.GetTicketId(), had) })
}

// recordAdoption tells and records that a ticket that was claimed is the incident's, whose ledger without it is l.
func (r *run) recordAdoption(ctx context.Context, l *ticketv1.Ledger, claimed desk.Filed, c *ticketv1.Candidate, rest string) error {
	o, n, why := claimed.Ticket, "", rest
	if replaced := l.GetReplaced(); replaced != nil && !differs(l.GetServer(), r.facts.Server) {
		why = strings.TrimSpace("It is followed " + plan.InPlaceOf(replaced) + ". " + rest)
		// Customers may read the note: it tells neither names nor settings.
		rest = strings.TrimSpace(fmt.Sprintf("It is followed in place of ticket %d. %s", replaced.GetTicketId(), rest))
	}
	if len(l.GetFormerTicketIds()) > 0 {
		n = fmt.Sprint(o.GetTicketId())
	}
	if stranger := adopt.Stranger(c.GetReference(), r.bus.Installation(), r.ledger.GetTenant()); stranger != "" {
		made := fmt.Sprintf("It was made by another installation of Covewise, %s, whose record is taken for lost; if that one still runs, stop one of the two. ", stranger)
		why, rest = strings.TrimSpace(made+why), strings.TrimSpace(made+rest)
		r.log.WarnContext(ctx, "taking over the ticket of another installation", r.about("ticket", o.GetTicketId(), "installation", stranger)...)
	}
	event := &ticketv1.Event{
		Action: ticketv1.Action_ACTION_ADOPTED, TicketId: o.GetTicketId(), CompanyId: o.GetCompanyId(), Summary: o.GetSummary(), Observed: o,
		Reason: strings.TrimSpace("known by " + c.GetBy() + ". " + why),
	}
	if err := r.publish(ctx, event, n); err != nil {
		return err
	}
	next := plan.Adopted(l, o, r.facts.Server, rest, r.clock.Now())
	if err := r.remark(ctx, next, claimed.Remarks); err != nil {
		return err
	}
	if err := r.put(ctx, "record adoption", next); err != nil {
		return errors.Join(err, r.unclaim(ctx, o, c.GetReference(), err))
	}
	r.facts.Candidate = nil
	r.log.InfoContext(ctx, "adopted", r.about("summary", o.GetSummary(), "by", c.GetBy(), "rest", why)...)
	return nil
}
