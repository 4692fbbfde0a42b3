package cwfake

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stamp says who writes and when.
type stamp struct {
	by string
	at time.Time
}

// write is one write under way: the stored record (nil on create), the draft that is to replace its values, and the
// members that the request names.
type write struct {
	store   *store
	res     *resource
	stamp   stamp
	record  *record
	before  map[string]any
	draft   *record
	changes map[string]any
	put     bool
}

// changed tells whether a member has another value in the draft than in the stored record.
func (w *write) changed(member string) bool {
	if w.before == nil {
		return w.draft.values[member] != nil
	}
	return w.before[member] != w.draft.values[member]
}

func (w *write) named(member string) bool {
	_, ok := w.changes[member]
	return ok
}

func (w *write) set(member string, value any) {
	if value == nil {
		delete(w.draft.values, member)
		return
	}
	w.draft.values[member] = value
}

// setDefault points an unset reference of the draft to a record, if there is one.
func (w *write) setDefault(member, resource string, to *record) {
	if w.draft.values[member] == nil && to != nil {
		w.draft.values[member] = ref{resource, to.id}
	}
}

// create stores a new record of the resource. owner is the record it belongs to, 0 for none; id asks for a certain
// id, 0 for the next one. Nothing is stored if any rule is broken.
func (s *store) create(res *resource, owner, id int, changes map[string]any, by stamp) (*record, error) {
	draft := &record{id: id, values: map[string]any{}, mergedFrom: map[int]bool{}, attachedTo: map[int]bool{}}
	w := &write{store: s, res: res, stamp: by, draft: draft, changes: changes}
	w.own(owner)
	if err := w.apply(); err != nil {
		return nil, err
	}
	w.record = draft
	draft.entered, draft.enteredBy = by.at, by.by
	draft.updated, draft.updatedBy = by.at, by.by
	draft.createdAtListing = s.listings
	s.tables[res.name].insert(draft)
	s.tell(draft, actionAdded, by)
	w.finish()
	return draft, nil
}

// update changes the named members of a record, all or none; put resets the others to their defaults first.
func (s *store) update(res *resource, r *record, changes map[string]any, put bool, by stamp) error {
	draft := &record{id: r.id, values: maps.Clone(r.values)}
	w := &write{store: s, res: res, stamp: by, record: r, before: r.values, draft: draft, changes: changes, put: put}
	if put {
		owner := r.ownerID(res)
		draft.values = map[string]any{}
		for _, f := range res.fields {
			if f.readOnly || f.kind == customField {
				w.set(f.name, r.values[f.name])
			}
		}
		w.own(owner)
	}
	if err := w.apply(); err != nil {
		return err
	}
	r.values = draft.values
	w.touch(r)
	w.finish()
	return nil
}

// touch marks a record as changed by the writer.
func (w *write) touch(r *record) { w.store.touch(r, w.stamp) }

func (s *store) touch(r *record, by stamp) {
	r.updated, r.updatedBy = by.at, by.by
	s.tell(r, actionUpdated, by)
}

// own writes the owner into the draft, as a reference or as a number.
func (w *write) own(owner int) {
	f := w.res.exact[w.res.owner]
	switch {
	case f == nil || owner == 0:
	case f.kind == referenceField:
		w.draft.values[f.name] = ref{f.target, owner}
	default:
		w.draft.values[f.name] = float64(owner)
	}
}

func (w *write) finish() {
	if w.res.saved != nil {
		w.res.saved(w)
	}
}

// apply carries the changes into the draft in the order of the resource's members, completes and checks it.
func (w *write) apply() error {
	for _, name := range slices.Sorted(maps.Keys(w.changes)) {
		if w.res.exact[name] == nil && name != "id" && name != "_info" {
			return unknownMember(name, w.res.typeName)
		}
	}
	if w.res.begin != nil {
		w.res.begin(w)
	}
	var errors []fieldError
	for i := range w.res.fields {
		f := &w.res.fields[i]
		input, ok := w.changes[f.name]
		if !ok || f.readOnly || (f.name == w.res.owner && w.draft.values[f.name] != nil) {
			continue
		}
		value, problems, err := w.convert(f, input)
		if err != nil {
			return err
		}
		errors = append(errors, problems...)
		if len(problems) == 0 {
			w.set(f.name, value)
		}
	}
	if w.res.prepare != nil && len(errors) == 0 {
		errors = append(errors, w.res.prepare(w)...)
	}
	errors = append(errors, w.missing(errors)...)
	if w.res.check != nil && len(errors) == 0 {
		errors = append(errors, w.res.check(w)...)
	}
	if len(errors) > 0 {
		return invalid(w.res, errors)
	}
	if w.res.name == ticketResource && w.changed("status") {
		return w.store.refuseClosing(w.store.linked(w.draft, "status"))
	}
	return nil
}

// missing lists the required members without a value that are not complained about already.
func (w *write) missing(already []fieldError) []fieldError {
	var errors []fieldError
	for i := range w.res.fields {
		f := &w.res.fields[i]
		value := w.draft.values[f.name]
		lacking := f.required && (value == nil || value == "") || f.requiredOnPut && w.put && w.changes[f.name] == nil
		complained := slices.ContainsFunc(already, func(e fieldError) bool { return e.Field == f.name || strings.HasPrefix(e.Field, f.name+"/") })
		if !lacking || complained {
			continue
		}
		member := f.name
		if f.kind == referenceField {
			member += "/id"
		}
		errors = append(errors, missing(f.name, member))
	}
	return errors
}

// delete removes a record of the resource for good.
func (s *store) delete(res *resource, r *record) { s.tables[res.name].remove(r) }

// byID returns a record or the 404 that names it.
func (s *store) byID(resource string, id int) (*record, error) {
	t := s.tables[resource]
	if r := t.byID[id]; r != nil {
		return r, nil
	}
	return nil, absent(t.resource, strconv.Itoa(id))
}
