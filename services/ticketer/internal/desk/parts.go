package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/services/ticketer/internal/route"
)

// parts are the type, subtype, item and team, which belong to the board.
func (l lookup) parts(ctx context.Context) error {
	t, board := &l.filing.ticket, l.filing.ticket.Board.ID
	for _, p := range []struct {
		field, what string
		kind        connectwise.BoardPartKind
		into        *connectwise.Reference
	}{
		{"type", "type", connectwise.BoardTypes, &t.Type},
		{"subType", "subtype", connectwise.BoardSubTypes, &t.SubType},
		{"item", "item", connectwise.BoardItems, &t.Item},
		{"team", "team", connectwise.BoardTeams, &t.Team},
	} {
		c, set := l.route.Fields[p.field]
		if !set {
			continue
		}
		rows, err := remember(ctx, l, fmt.Sprintf("%s:%d", p.kind, board), func() ([]connectwise.BoardPart, error) {
			rows, err := l.client.BoardParts(ctx, board, p.kind)
			return slices.DeleteFunc(rows, func(r connectwise.BoardPart) bool { return r.InactiveFlag }), err
		})
		if err != nil {
			return lookingUp(where(c), err)
		}
		found, err := pick(fmt.Sprintf("%s of board %q", p.what, l.filing.asked["board"]), where(c), c.Value, rows, func(r connectwise.BoardPart) string { return r.Name })
		if err != nil {
			return err
		}
		if len(found.TypeAssociationIDs) > 0 && t.Type.ID != 0 && !slices.Contains(found.TypeAssociationIDs, t.Type.ID) {
			return wrong(where(c), "subtype %q does not go with type %q on board %q; choose two that do",
				found.Name, l.filing.asked["type"], l.filing.asked["board"])
		}
		*p.into, l.filing.asked[p.field] = connectwise.Reference{ID: found.ID}, found.Name
	}
	return l.combination(ctx)
}

// combination checks that the board has the subtype and the item under the type. A board that tells of no associations is
// believed; the create shows whether it takes them.
func (l lookup) combination(ctx context.Context) error {
	t := l.filing.ticket
	c, what, name := l.narrowest()
	if what == "" {
		return nil
	}
	if t.Type.ID == 0 {
		return wrong(where(c), "%s %q goes with a type, and no rule sets one; set \"type\" beside it", what, name)
	}
	rows, err := remember(ctx, l, fmt.Sprintf("associations:%d", t.Board.ID), func() ([]connectwise.BoardAssociation, error) {
		return l.client.BoardAssociations(ctx, t.Board.ID)
	})
	if err != nil {
		return lookingUp(where(c), err)
	}
	goes := func(asked, has connectwise.Reference) bool { return asked.ID == 0 || asked.ID == has.ID }
	if len(rows) == 0 || slices.ContainsFunc(rows, func(r connectwise.BoardAssociation) bool {
		return goes(t.Type, r.Type) && goes(t.SubType, r.SubType) && goes(t.Item, r.Item)
	}) {
		return nil
	}
	under := fmt.Sprintf("type %q", l.filing.asked["type"])
	if what == "item" && t.SubType.ID != 0 {
		under += fmt.Sprintf(" and subtype %q", l.filing.asked["subType"])
	}
	return wrong(where(c), "%s %q does not go with %s on board %q; choose what does, or associate them in the board's setup in ConnectWise",
		what, name, under, l.filing.asked["board"])
}

// narrowest is the choice that depends on the others: the item, else the subtype, else none.
func (l lookup) narrowest() (c route.Choice, what, name string) {
	if c, set := l.route.Fields["item"]; set {
		return c, "item", cmp.Or(l.filing.asked["item"], c.Value)
	}
	if c, set := l.route.Fields["subType"]; set {
		return c, "subtype", cmp.Or(l.filing.asked["subType"], c.Value)
	}
	return route.Choice{}, "", ""
}
