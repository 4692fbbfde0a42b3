package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// seen are the members of a ticket that Observed is made from.
func seen() []string {
	return []string{
		"id", "summary", "board", "status", "priority", "company", "owner", "closedFlag", "closedDate", "closedBy", "parentTicketId", "mergedParentTicket",
		"hasChildTicket", "hasMergedChildTicketFlag", "customerUpdatedFlag", "externalXRef", "_info",
	}
}

func observed(t connectwise.Ticket) *ticketv1.Observed {
	o := &ticketv1.Observed{
		TicketId: int64(t.ID), StatusId: int64(t.Status.ID), Status: t.Status.Name, Closed: t.ClosedFlag,
		BoardId: int64(t.Board.ID), Board: t.Board.Name, PriorityId: int64(t.Priority.ID), Priority: t.Priority.Name,
		OwnerId: int64(t.Owner.ID), Owner: t.Owner.Identifier, Summary: t.Summary, CompanyId: int64(t.Company.ID), Company: t.Company.Name,
		ParentId: int64(t.ParentTicketID), MergedInto: int64(t.MergedParentTicket.ID), HasMerged: t.HasMergedChildTicketFlag,
		HasChildren: t.HasChildTicket, CustomerUpdated: t.CustomerUpdatedFlag, Reference: t.ExternalXRef, UpdatedBy: t.Info.UpdatedBy,
	}
	if !t.Info.LastUpdated.IsZero() {
		o.LastUpdated = timestamppb.New(t.Info.LastUpdated.Time)
	}
	if t.ClosedFlag && !t.ClosedDate.IsZero() {
		o.ClosedAt, o.ClosedBy = timestamppb.New(t.ClosedDate.Time), t.ClosedBy
	}
	return o
}

// Find returns the tickets with a reference, by ascending id, in one request. One that was made lately may be missing,
// because the server's search may lag.
func (d *Desk) Find(ctx context.Context, reference string) ([]Found, error) {
	rows, err := connectwise.All(d.client.Tickets(ctx, connectwise.Eq("externalXRef", reference), append(seen(), filed()...)...))
	var all []Found
	for _, row := range rows {
		// The server compares without regard to case.
		if row.ExternalXRef == reference {
			all = append(all, Found{observed(row), row})
		}
	}
	slices.SortFunc(all, func(a, b Found) int { return a.whole.ID - b.whole.ID })
	return all, err
}

// filed are the further members of a ticket that drift compares.
func filed() []string {
	return []string{"type", "subType", "item", "team", "source", "site", "contact", "agreement", "impact", "severity", "customFields"}
}

// Read returns a ticket as it is now, in one request; one that was deleted is told as such.
func (d *Desk) Read(ctx context.Context, ticket int64) (*ticketv1.Observed, error) {
	found, err := d.ReadWhole(ctx, ticket)
	return found.Ticket, err
}

// ReadWhole returns a ticket as Read does, for Claim.
func (d *Desk) ReadWhole(ctx context.Context, ticket int64) (Found, error) {
	t, err := d.client.Ticket(ctx, int(ticket))
	switch {
	case err != nil && errclass.Of(err) == errclass.NotFound:
		return Found{Ticket: &ticketv1.Observed{TicketId: ticket, Deleted: true}}, nil
	case err != nil:
		return Found{}, err
	}
	return Found{observed(t), t}, nil
}

// Changed returns the tickets that changed at that time or later, one request for each page: those whose reference begins with
// prefix, those with the ids, and all whose summary tells that they may be ours. Others may have changed the reference since
// ours were seen last, and only the summary shows such a ticket then; who calls knows by its id whether it is one.
func (d *Desk) Changed(ctx context.Context, prefix string, ids []int64, since time.Time) ([]*ticketv1.Observed, error) {
	return d.list(ctx, changed(bearing(prefix, ids), since))
}

// ChangedBeside returns what Changed does, and one ticket besides, whenever it changed and whatever has become of its reference and
// its summary.
func (d *Desk) ChangedBeside(ctx context.Context, ticket int64, prefix string, since time.Time) ([]*ticketv1.Observed, error) {
	return d.list(ctx, connectwise.Or(changed(bearing(prefix, nil), since), connectwise.Eq("id", ticket)))
}

func changed(ours connectwise.Condition, since time.Time) connectwise.Condition {
	return connectwise.And(connectwise.Ge("lastUpdated", since), connectwise.Or(ours, labelled()))
}

// Open returns our open tickets, one request for each page: those whose reference begins with prefix, and those with the ids.
func (d *Desk) Open(ctx context.Context, prefix string, ids []int64) ([]*ticketv1.Observed, error) {
	all, err := d.list(ctx, connectwise.And(connectwise.Eq("closedFlag", false), bearing(prefix, ids)))
	return slices.DeleteFunc(all, func(o *ticketv1.Observed) bool {
		return !strings.HasPrefix(o.GetReference(), prefix) && !slices.Contains(ids, o.GetTicketId())
	}), err
}

func bearing(prefix string, ids []int64) connectwise.Condition {
	// Contains is read alike by every server, other than the wildcards of like.
	mine := connectwise.Contains("externalXRef", prefix)
	if len(ids) > 0 {
		mine = connectwise.Or(mine, connectwise.In("id", ids...))
	}
	return mine
}

// labelled asks for the tickets whose summary has a badge of ours or a label, ours or the script's. Where people have much to do
// with recoveries and coverage, "cove" alone is in too many for a list every few seconds.
func labelled() connectwise.Condition {
	// The bracket before "CW-" may be a wildcard to the server.
	labels := []connectwise.Condition{connectwise.Contains("summary", "CW-"), connectwise.Contains("summary", "cove:")}
	for _, label := range []string{"svr", "wks", "doc", "365", "grp", "all"} {
		labels = append(labels, connectwise.Contains("summary", "cove "+label))
	}
	return connectwise.Or(labels...)
}

// ofDevices asks for the tickets whose summary speaks of Cove, as the script's do, or has a badge of ours.
func ofDevices() connectwise.Condition {
	// The bracket before "CW-" may be a wildcard to the server.
	return connectwise.Or(connectwise.Contains("summary", "cove"), connectwise.Contains("summary", "CW-"))
}

// OnBoards returns the open tickets that may stand for devices: of the boards of those names, the ones whose summary speaks of
// Cove, as the script's do, or has a badge of ours; and of whichever board, the ones with a reference of ours, of whichever
// installation.
func (d *Desk) OnBoards(ctx context.Context, boards []string) ([]*ticketv1.Observed, error) {
	return d.list(ctx, connectwise.And(
		connectwise.Eq("closedFlag", false),
		connectwise.Or(
			connectwise.Contains("externalXRef", "covewise:"),
			connectwise.And(
				connectwise.In("board/name", boards...),
				ofDevices(),
			),
		),
	))
}

// Boards are the names of the boards that the settings send tickets to: the settings' own first, and those of routing rules.
func (d *Desk) Boards() []string {
	all := []string{d.settings.GetBoard()}
	for _, rule := range d.settings.GetRouting() {
		if board := rule.GetSet()["board"]; board != "" && !slices.Contains(all, board) {
			all = append(all, board)
		}
	}
	return all
}

// Board returns the id of the settings' board.
func (d *Desk) Board(ctx context.Context) (int64, error) {
	n, err := d.known(ctx, freshNames)
	if err == nil {
		err = n.wrong.about(keyBoard)
	}
	if err != nil {
		return 0, err
	}
	return int64(n.board.ID), nil
}

func (d *Desk) list(ctx context.Context, where connectwise.Condition) ([]*ticketv1.Observed, error) {
	rows, err := connectwise.All(d.client.Tickets(ctx, where, seen()...))
	if err != nil {
		return nil, err
	}
	all := make([]*ticketv1.Observed, 0, len(rows))
	for _, row := range rows {
		all = append(all, observed(row))
	}
	slices.SortFunc(all, func(a, b *ticketv1.Observed) int { return int(a.GetTicketId() - b.GetTicketId()) })
	return all, nil
}
