package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/ticketer/internal/route"
)

// filing is where a ticket goes, in ids.
type filing struct {
	ticket                       connectwise.NewTicket // without its texts
	asked                        map[string]string     // names by member, for what was asked for by a name
	configuration                int                   // to be attached; 0 for none
	publicAppend, internalAppend string
	explained                    string   // which rule gave which field
	remarks                      []string // what a person should know
}

// remarksText is what the internal analysis says of the filing.
func (f filing) remarksText() string {
	all := slices.Clone(f.remarks)
	if f.explained != "" {
		all = append(all, "Routing: "+f.explained+".")
	}
	return strings.Join(all, "\n")
}

// file looks up where a ticket for an incident goes. The event may be nil: then the settings without rules decide.
func (d *Desk) file(ctx context.Context, e *incidentv1.Event, company int64) (filing, error) {
	n, err := d.known(ctx, freshNames)
	if err != nil {
		return filing{}, err
	}
	if len(n.wrong) > 0 {
		return filing{}, n.wrong
	}
	r := route.For(d.settings.GetRouting(), e)
	f := filing{
		asked: map[string]string{}, explained: r.Explain(),
		publicAppend: r.Fields["publicAppend"].Value, internalAppend: r.Fields["internalAppend"].Value,
	}
	f.ticket.Company = connectwise.Reference{ID: int(company)}
	l := lookup{Desk: d, names: n, route: r, filing: &f, company: int(company)}
	for _, step := range []func(context.Context) error{l.board, l.parts, l.people, l.urgency, l.customFields} {
		if err := step(ctx); err != nil {
			if found, ok := errors.AsType[SettingErrors](err); ok {
				d.judged(n, found)
			}
			return filing{}, err
		}
	}
	d.judged(n, nil, keysOf(r)...)
	if e == nil {
		return f, nil
	}
	if !r.Urgent() {
		p := n.priorities.of(e)
		f.ticket.Priority, f.asked["priority"] = connectwise.Reference{ID: p.ID}, p.Name
	}
	for _, step := range []func(context.Context, *incidentv1.Event) error{l.mappedSite, l.agreement, l.device} {
		if err := step(ctx, e); err != nil {
			return filing{}, err
		}
	}
	return f, nil
}

// belongings looks up what a ticket of others lacks at a company: the agreement and the device's configuration.
func (d *Desk) belongings(ctx context.Context, e *incidentv1.Event, company int64) (filing, error) {
	n, err := d.known(ctx, freshNames)
	if err != nil {
		return filing{}, err
	}
	f := filing{asked: map[string]string{}}
	l := lookup{Desk: d, names: n, filing: &f, company: int(company)}
	for _, step := range []func(context.Context, *incidentv1.Event) error{l.agreement, l.device} {
		if err := step(ctx, e); err != nil {
			return filing{}, err
		}
	}
	return f, nil
}

// lookup turns the names of one route into ids.
type lookup struct {
	*Desk
	names   *names
	route   route.Route
	filing  *filing
	company int
}

// keysOf are the keys of a route's choices.
func keysOf(r route.Route) []string {
	var keys []string
	for _, all := range []map[string]route.Choice{r.Fields, r.Custom} {
		for _, c := range all {
			keys = append(keys, where(c))
		}
	}
	return keys
}

// where names a choice in errors.
func where(c route.Choice) string { return fmt.Sprintf("%s (rule %q)", c.Key, c.Rule) }

func (l lookup) board(ctx context.Context) error {
	t := &l.filing.ticket
	t.Board, t.Status = l.names.board, l.names.newStatus
	l.filing.asked["board"], l.filing.asked["status"] = l.settings.GetBoard(), l.settings.GetNewStatus()
	if c, set := l.route.Fields["board"]; set {
		board, err := remember(ctx, l, "board:"+c.Value, func() (connectwise.Reference, error) { return l.Desk.board(ctx, where(c), c.Value) })
		if err != nil {
			return err
		}
		t.Board, l.filing.asked["board"] = board, c.Value
		if board.ID != l.names.board.ID {
			here, err := l.statusesOf(ctx, board.ID)
			if err != nil {
				return lookingUp(where(c), err)
			}
			t.Status = here.open
			delete(l.filing.asked, "status")
		}
	}
	c, set := l.route.Fields["status"]
	if !set {
		return nil
	}
	rows, err := remember(ctx, l, fmt.Sprintf("statuses:%d", t.Board.ID), func() ([]connectwise.BoardStatus, error) { return l.activeStatuses(ctx, t.Board.ID) })
	if err != nil {
		return lookingUp(where(c), err)
	}
	s, err := pick(fmt.Sprintf("status of board %q", l.filing.asked["board"]), where(c), c.Value, rows, func(s connectwise.BoardStatus) string { return s.Name })
	if err == nil && s.ClosedStatus {
		err = wrong(where(c), "status %q of board %q closes tickets; a new ticket needs one that does not", s.Name, l.filing.asked["board"])
	}
	t.Status, l.filing.asked["status"] = connectwise.Reference{ID: s.ID}, s.Name
	return err
}

// people are the owner, who works at the MSP, and the customer's site and contact.
func (l lookup) people(ctx context.Context) error {
	t := &l.filing.ticket
	if c, set := l.route.Fields["owner"]; set {
		rows, err := remember(ctx, l, "member:"+c.Value, func() ([]connectwise.Member, error) {
			return l.client.Members(ctx, connectwise.Eq("identifier", c.Value))
		})
		// What cannot be asked for is no identifier either, a Windows login such as ACME\jdoe for example.
		if err != nil && !errors.Is(err, connectwise.ErrNotExpressible) {
			return lookingUp(where(c), err)
		}
		rows = slices.DeleteFunc(slices.Clone(rows), func(m connectwise.Member) bool { return m.InactiveFlag })
		found, err := pick("member", where(c), c.Value, rows, func(m connectwise.Member) string { return m.Identifier })
		if err != nil {
			return wrong(where(c), "ConnectWise has no active member %q; write the identifier of one", c.Value)
		}
		t.Owner, l.filing.asked["owner"] = connectwise.Reference{ID: found.ID}, found.Identifier
	}
	if err := l.site(ctx); err != nil {
		return err
	}
	return l.contact(ctx)
}

// urgency is the priority, or what ConnectWise makes one of, and the source.
func (l lookup) urgency(ctx context.Context) error {
	t := &l.filing.ticket
	t.Impact, t.Severity = l.route.Fields["impact"].Value, l.route.Fields["urgency"].Value
	if c, set := l.route.Fields["priority"]; set {
		rows, err := remember(ctx, l, "priorities", func() ([]connectwise.Priority, error) { return l.client.Priorities(ctx) })
		if err != nil {
			return lookingUp(where(c), err)
		}
		found, err := pick("priority", where(c), c.Value, rows, func(p connectwise.Priority) string { return p.Name })
		if err != nil {
			return err
		}
		t.Priority, l.filing.asked["priority"] = connectwise.Reference{ID: found.ID}, found.Name
	}
	if c, set := l.route.Fields["source"]; set {
		rows, err := remember(ctx, l, "sources", func() ([]connectwise.Source, error) { return l.client.Sources(ctx) })
		if err != nil {
			return lookingUp(where(c), err)
		}
		found, err := pick("source", where(c), c.Value, rows, func(s connectwise.Source) string { return s.Name })
		if err != nil {
			return err
		}
		t.Source, l.filing.asked["source"] = connectwise.Reference{ID: found.ID}, found.Name
	}
	return nil
}
