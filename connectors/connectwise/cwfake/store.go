package cwfake

import (
	"slices"
	"strings"
	"time"
)

// ref is the stored form of a reference: the record it points to, looked up anew whenever it is shown, so that a
// renamed board is renamed in every ticket.
type ref struct {
	resource string
	id       int
}

// record is one stored row. values holds string, float64, bool, time.Time, ref or []any by member name; a member
// without a value is absent.
type record struct {
	id                   int
	values               map[string]any
	entered, updated     time.Time
	enteredBy, updatedBy string
	createdAtListing     int
	// mergedFrom and attachedTo are the ids of the tickets merged into this one and of its children.
	mergedFrom, attachedTo map[int]bool
	configurations         []int
	// indexed are copies from after its changes, oldest first, for ChangeLag; tickets only.
	indexed []*record
}

func (r *record) text(name string) string {
	s, _ := r.values[name].(string)
	return s
}

func (r *record) flag(name string) bool {
	b, _ := r.values[name].(bool)
	return b
}

func (r *record) number(name string) int {
	n, _ := r.values[name].(float64)
	return int(n)
}

func (r *record) ref(name string) int {
	target, _ := r.values[name].(ref)
	return target.id
}

// ownerID is the record that a record of the resource belongs to, 0 for none.
func (r *record) ownerID(res *resource) int {
	if id := r.ref(res.owner); id != 0 {
		return id
	}
	return r.number(res.owner)
}

// table holds the records of one resource by ascending id.
type table struct {
	resource *resource
	rows     []*record
	byID     map[int]*record
	byOwner  map[int][]*record
	nextID   int
}

func newTable(res *resource) *table {
	return &table{resource: res, byID: map[int]*record{}, byOwner: map[int][]*record{}, nextID: max(res.firstID, 1)}
}

// insert stores a record under its id, or under the next one if it has none. Ids are never used again.
func (t *table) insert(r *record) {
	if r.id == 0 {
		r.id = t.nextID
	}
	t.nextID = max(t.nextID, r.id+1)
	t.byID[r.id] = r
	t.rows = insertByID(t.rows, r)
	if owner := r.ownerID(t.resource); owner != 0 {
		t.byOwner[owner] = insertByID(t.byOwner[owner], r)
	}
}

func insertByID(rows []*record, r *record) []*record {
	at, found := slices.BinarySearchFunc(rows, r.id, func(row *record, id int) int { return row.id - id })
	if found {
		rows[at] = r
		return rows
	}
	return slices.Insert(rows, at, r)
}

func (t *table) remove(r *record) {
	same := func(row *record) bool { return row.id == r.id }
	delete(t.byID, r.id)
	t.rows = slices.DeleteFunc(t.rows, same)
	if owner := r.ownerID(t.resource); owner != 0 {
		t.byOwner[owner] = slices.DeleteFunc(t.byOwner[owner], same)
	}
}

// rehome moves a record to another owner.
func (t *table) rehome(r *record, value any) {
	t.remove(r)
	r.values[t.resource.owner] = value
	t.insert(r)
}

// of returns the records of an owner, or all records for the owner 0.
func (t *table) of(owner int) []*record {
	if owner == 0 {
		return t.rows
	}
	return t.byOwner[owner]
}

// find returns the records of an owner whose member has the text, without regard to case.
func (t *table) find(owner int, member, text string) []*record {
	var found []*record
	for _, r := range t.of(owner) {
		if strings.EqualFold(r.text(member), text) {
			found = append(found, r)
		}
	}
	return found
}

// preferred returns the active record of an owner whose flag is set, else the first active one, else nil.
func (t *table) preferred(owner int, flagName string) *record {
	var first *record
	for _, r := range t.of(owner) {
		if t.resource.inactive != "" && r.flag(t.resource.inactive) {
			continue
		}
		if r.flag(flagName) {
			return r
		}
		if first == nil {
			first = r
		}
	}
	return first
}

// store is the whole data of one server. It is not safe for concurrent use; Server guards it.
type store struct {
	tables       map[string]*table
	switches     Switches
	defaultBoard int
	// listings counts the lists, searches and counts of tickets.
	listings int
	// closing tells whether the request under way may set a closed status.
	closing closing
	// changes are those that callbacks have yet to tell.
	changes []ticketChange
}

type closing int

const (
	closingAllowed closing = iota
	closingForbidden
	closingRefused
)

// refuseClosing is the 403 for a request that would set a closed status without the right to.
func (s *store) refuseClosing(status *record) error {
	if s.closing == closingAllowed || status == nil || !status.flag("closedStatus") {
		return nil
	}
	s.closing = closingRefused
	return forbidden(RightCloseTickets)
}

func newStore(switches Switches) *store {
	s := &store{tables: map[string]*table{}, switches: switches}
	for _, res := range slices.Concat(serviceResources(), filingResources(), companyResources(), systemResources()) {
		s.tables[res.name] = newTable(res.index())
	}
	return s
}

// target returns the record that a reference points to, nil if it is gone.
func (s *store) target(r ref) *record {
	t := s.tables[r.resource]
	if t == nil {
		return nil
	}
	return t.byID[r.id]
}

// linked returns the record that a member of a record refers to, nil for none.
func (s *store) linked(r *record, member string) *record {
	if target, ok := r.values[member].(ref); ok {
		return s.target(target)
	}
	return nil
}
