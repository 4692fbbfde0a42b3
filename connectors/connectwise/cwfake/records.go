package cwfake

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// scopeOf finds the owning record that the path names with {parentId}; 0 where the path has none.
func (c *call) scopeOf(owner string) (int, error) {
	if owner == "" {
		return 0, nil
	}
	r, err := c.named(owner, "parentId")
	if err != nil {
		return 0, err
	}
	return r.id, nil
}

// named finds the record whose id is a parameter of the path.
func (c *call) named(resource, param string) (*record, error) {
	t := c.store.tables[resource]
	id, err := strconv.Atoi(c.params[param])
	if err != nil || t.byID[id] == nil {
		return nil, absent(t.resource, c.params[param])
	}
	return t.byID[id], nil
}

// member finds the record {id} of a resource below its owner.
func (c *call) member(resource, owner string) (*record, error) {
	parent, err := c.scopeOf(owner)
	if err != nil {
		return nil, err
	}
	t := c.store.tables[resource]
	if rows := t.find(0, "identifier", c.params["id"]); resource == memberResource && len(rows) == 1 {
		return rows[0], nil
	}
	r, err := c.named(resource, "id")
	if err == nil && parent != 0 && r.ownerID(t.resource) != parent {
		return nil, absent(t.resource, c.params["id"])
	}
	return r, err
}

func (c *call) view() view {
	return view{store: c.store, root: c.root, only: fieldsOf(parameter(c.values, "fields"))}
}

func (c *call) show(status int, res *resource, r *record) answer {
	return answer{status: status, body: c.view().record(res, r)}
}

// visible leaves out the tickets that the lagging search index does not have yet.
func (c *call) visible(res *resource) func(*record) bool {
	if res.name != ticketResource {
		return func(*record) bool { return true }
	}
	c.store.listings++
	listing, switches, now := c.store.listings, c.store.switches, c.stamp.at
	return func(r *record) bool {
		return now.Sub(r.entered) >= switches.SearchLag && listing-r.createdAtListing > switches.SearchLagRequests
	}
}

// index keeps a copy of a ticket as a change at that time has left it, and forgets those that no list will show any more.
func (s *store) index(ticket *record, at time.Time) {
	entry := *ticket
	entry.values, entry.indexed = maps.Clone(ticket.values), nil
	ticket.indexed = append(ticket.indexed, &entry)
	if shown := ticket.position(at.Add(-s.switches.ChangeLag)); shown > 0 {
		ticket.indexed = slices.Clone(ticket.indexed[shown:])
	}
}

// position is that of the last copy from that time or before, or else of the first.
func (r *record) position(at time.Time) int {
	for i := len(r.indexed) - 1; i > 0; i-- {
		if !r.indexed[i].updated.After(at) {
			return i
		}
	}
	return 0
}

// listed is a row as the search index has it.
func (c *call) listed(res *resource, r *record) *record {
	lag := c.store.switches.ChangeLag
	if res.name != ticketResource || lag == 0 || len(r.indexed) == 0 {
		return r
	}
	if i := r.position(c.stamp.at.Add(-lag)); i < len(r.indexed)-1 {
		return r.indexed[i]
	}
	return r
}

// selectRows applies the conditions, and the lag of the search, to rows.
func (c *call) selectRows(res *resource, rows []*record, q query) ([]*record, error) {
	match, err := c.store.match(res, q)
	if err != nil {
		return nil, err
	}
	visible := c.visible(res)
	selected := []*record{}
	for _, r := range rows {
		if r = c.listed(res, r); visible(r) && match(r) {
			selected = append(selected, r)
		}
	}
	return selected, nil
}

// listRows answers a list request over rows, which are by ascending id.
func (c *call) listRows(res *resource, rows []*record, q query) (answer, error) {
	w, err := windowOf(c.request, c.values, c.store.switches.PageSizeOverLimitRefused)
	if err != nil {
		return answer{}, err
	}
	selected, err := c.selectRows(res, rows, q)
	if err != nil {
		return answer{}, err
	}
	if !w.forwardOnly {
		if err := c.store.order(res, selected, q.orderBy); err != nil {
			return answer{}, err
		}
	}
	page, link := w.cut(selected, c.address, c.values)
	shown, v := make([]map[string]any, len(page)), c.view()
	for i, r := range page {
		shown[i] = v.record(res, r)
	}
	return answer{status: http.StatusOK, body: shown, link: link}, nil
}

// list, count, get, create, replace, change and remove make the handlers of a resource; owner is the resource of
// {parentId} in the path, empty for none.

func list(resource, owner string) handler {
	return func(c *call) (answer, error) {
		parent, err := c.scopeOf(owner)
		if err != nil {
			return answer{}, err
		}
		t := c.store.tables[resource]
		return c.listRows(t.resource, t.of(parent), queryOf(c.values))
	}
}

func count(resource, owner string) handler {
	return func(c *call) (answer, error) {
		parent, err := c.scopeOf(owner)
		if err != nil {
			return answer{}, err
		}
		t := c.store.tables[resource]
		rows, err := c.selectRows(t.resource, t.of(parent), queryOf(c.values))
		return answer{status: http.StatusOK, body: map[string]int{"count": len(rows)}}, err
	}
}

func get(resource, owner string) handler {
	return func(c *call) (answer, error) {
		r, err := c.member(resource, owner)
		if err != nil {
			return answer{}, err
		}
		return c.show(http.StatusOK, c.store.tables[resource].resource, r), nil
	}
}

func create(resource, owner string) handler {
	return func(c *call) (answer, error) {
		parent, err := c.scopeOf(owner)
		if err != nil {
			return answer{}, err
		}
		res := c.store.tables[resource].resource
		changes, err := decodeObject(c.body, res.typeName)
		if err != nil {
			return answer{}, err
		}
		r, err := c.store.create(res, parent, 0, changes, c.stamp)
		if err != nil {
			return answer{}, err
		}
		return c.show(http.StatusCreated, res, r), nil
	}
}

func replace(resource, owner string) handler {
	return func(c *call) (answer, error) {
		r, err := c.member(resource, owner)
		if err != nil {
			return answer{}, err
		}
		res := c.store.tables[resource].resource
		changes, err := decodeObject(c.body, res.typeName)
		if err != nil {
			return answer{}, err
		}
		if err := c.store.update(res, r, changes, true, c.stamp); err != nil {
			return answer{}, err
		}
		return c.show(http.StatusOK, res, r), nil
	}
}

func change(resource, owner string) handler {
	return func(c *call) (answer, error) {
		r, err := c.member(resource, owner)
		if err != nil {
			return answer{}, err
		}
		res := c.store.tables[resource].resource
		changes, err := decodePatch(c.body, res, c.store.switches.PatchIntoReference)
		if err != nil {
			return answer{}, err
		}
		if len(changes) > 0 {
			if err := c.store.update(res, r, changes, false, c.stamp); err != nil {
				return answer{}, err
			}
		}
		return c.show(http.StatusOK, res, r), nil
	}
}

func remove(resource, owner string) handler {
	return func(c *call) (answer, error) {
		r, err := c.member(resource, owner)
		if err != nil {
			return answer{}, err
		}
		switch {
		case resource == ticketResource:
			c.store.deleteTicket(r, c.stamp)
		case resource == companyResource && c.store.usedByTickets(r.id):
			return answer{}, refuse(http.StatusConflict, "Conflict", "Company %d cannot be deleted because it is used by tickets", r.id)
		case resource == companyResource:
			c.store.deleteCompany(r, c.stamp)
		default:
			c.store.delete(c.store.tables[resource].resource, r)
		}
		return answer{status: http.StatusNoContent}, nil
	}
}
