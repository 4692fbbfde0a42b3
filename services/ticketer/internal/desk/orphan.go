package desk

import (
	"context"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// entering is how long after a ticket was made a change still counts as a part of that: workflow rules work at once.
const entering = time.Minute

// History is what a ticket and its notes tell of who has worked in it.
type History struct {
	Noted   bool // it has a note with the marker
	Touched bool // somebody else than Covewise has made it, changed it or written in it, or may have
	Ours    bool // Covewise has made it, or has written in it
}

// HistoryOf reads who has worked in a ticket, in one request. self is as whom ConnectWise records what Covewise writes.
// ConnectWise tells the last change only, so that a ticket counts as touched, too, when that comes later than the making; the
// note with the marker, and what followed it, is ours. People copy tickets with their references: such a one is not ours.
func (d *Desk) HistoryOf(ctx context.Context, found Found, self, marker string) (History, error) {
	notes, err := d.client.TicketNotes(ctx, found.whole.ID)
	if err != nil {
		return History{}, err
	}
	info, o := found.whole.Info, found.Ticket
	h := History{Ours: info.EnteredBy == self}
	for _, n := range notes {
		h.Noted = h.Noted || text.HasMarker(n.Text, marker)
		h.Ours = h.Ours || n.CreatedBy == self
		h.Touched = h.Touched || n.CreatedBy != self || n.CustomerUpdatedFlag
	}
	late := info.DateEntered.IsZero() || info.LastUpdated.Sub(info.DateEntered.Time) > entering
	h.Touched = h.Touched || info.EnteredBy != self || info.UpdatedBy != self || late && !h.Noted ||
		o.GetCustomerUpdated() || o.GetHasMerged() || o.GetHasChildren() || o.GetParentId() != 0
	return h, nil
}

// Self returns as whom ConnectWise records what Covewise writes, in one request: no other tells than the answer to a write,
// so that the ticket's reference is written as it is. It may be repeated.
func (d *Desk) Self(ctx context.Context, found Found) (string, error) {
	changed, err := d.client.PatchTicket(ctx, found.whole.ID, connectwise.Replace("externalXRef", found.whole.ExternalXRef))
	return changed.Info.UpdatedBy, err
}

// Ours returns the open tickets of whichever board whose reference contains a part, one request for each page.
func (d *Desk) Ours(ctx context.Context, part string) ([]*ticketv1.Observed, error) {
	return d.list(ctx, connectwise.And(connectwise.Contains("externalXRef", part), connectwise.Eq("closedFlag", false)))
}
