package cwfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// saved is a whole store as JSON.
type saved struct {
	Version      int                   `json:"version"`
	Switches     Switches              `json:"switches"`
	DefaultBoard int                   `json:"defaultBoard"`
	Listings     int                   `json:"listings"`
	Tables       map[string]savedTable `json:"tables"`
}

type savedTable struct {
	NextID int           `json:"nextId"`
	Rows   []savedRecord `json:"rows"`
}

type savedRecord struct {
	ID             int                   `json:"id"`
	Values         map[string]savedValue `json:"values"`
	Entered        time.Time             `json:"entered"`
	Updated        time.Time             `json:"updated"`
	EnteredBy      string                `json:"enteredBy,omitempty"`
	UpdatedBy      string                `json:"updatedBy,omitempty"`
	Listing        int                   `json:"createdAtListing,omitempty"`
	MergedFrom     []int                 `json:"mergedFrom,omitempty"`
	AttachedTo     []int                 `json:"attachedTo,omitempty"`
	Configurations []int                 `json:"configurations,omitempty"`
}

// savedValue is a stored value with its type; exactly one member is set.
type savedValue struct {
	Text   *string         `json:"text,omitempty"`
	Number *float64        `json:"number,omitempty"`
	Flag   *bool           `json:"flag,omitempty"`
	Time   *time.Time      `json:"time,omitempty"`
	Ref    *savedRef       `json:"ref,omitempty"`
	List   *[]savedValue   `json:"list,omitempty"`
	Object json.RawMessage `json:"object,omitempty"` // a custom field's value
}

type savedRef struct {
	Resource string `json:"resource"`
	ID       int    `json:"id"`
}

const saveVersion = 1

// Save writes all records, the ids given so far and the switches as JSON, as Restore reads it. Faults and the
// requests seen are not saved.
func (s *Server) Save(w io.Writer) error {
	s.mu.Lock()
	out := saved{
		Version: saveVersion, Switches: s.data.switches, DefaultBoard: s.data.defaultBoard, Listings: s.data.listings, Tables: map[string]savedTable{},
	}
	var err error
	for name, t := range s.data.tables {
		if out.Tables[name], err = t.save(); err != nil {
			break
		}
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("saving: %w", err)
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		return fmt.Errorf("saving: %w", err)
	}
	return nil
}

// Restore replaces everything that the server holds by what Save wrote. lost is how many ids of each resource may
// have been given after the save; they are not given again. Nothing changes when it errs.
func (s *Server) Restore(r io.Reader, lost int) error {
	var in saved
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	if in.Version != saveVersion {
		return fmt.Errorf("restoring: version %d is not %d", in.Version, saveVersion)
	}
	if err := in.Switches.validate(); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	fresh := newStore(in.Switches)
	fresh.defaultBoard, fresh.listings = in.DefaultBoard, in.Listings
	for name, rows := range in.Tables {
		t := fresh.tables[name]
		if t == nil {
			return fmt.Errorf("restoring: there is no resource %q", name)
		}
		if err := t.restore(rows, lost); err != nil {
			return fmt.Errorf("restoring: %w", err)
		}
	}
	for _, ticket := range fresh.tables[ticketResource].rows {
		fresh.index(ticket, ticket.updated)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = fresh
	return nil
}

func (t *table) save() (savedTable, error) {
	out := savedTable{NextID: t.nextID, Rows: make([]savedRecord, len(t.rows))}
	for i, r := range t.rows {
		row := savedRecord{
			ID: r.id, Values: make(map[string]savedValue, len(r.values)), Entered: r.entered, Updated: r.updated, EnteredBy: r.enteredBy,
			UpdatedBy: r.updatedBy, Listing: r.createdAtListing, MergedFrom: slices.Sorted(maps.Keys(r.mergedFrom)),
			AttachedTo: slices.Sorted(maps.Keys(r.attachedTo)), Configurations: slices.Clone(r.configurations),
		}
		for member, value := range r.values {
			var err error
			if row.Values[member], err = saveValue(value); err != nil {
				return out, fmt.Errorf("%s %d: %s: %w", t.resource.name, r.id, member, err)
			}
		}
		out.Rows[i] = row
	}
	return out, nil
}

func (t *table) restore(in savedTable, lost int) error {
	for _, row := range in.Rows {
		r := &record{
			id: row.ID, values: make(map[string]any, len(row.Values)), entered: row.Entered, updated: row.Updated, enteredBy: row.EnteredBy,
			updatedBy: row.UpdatedBy, createdAtListing: row.Listing, mergedFrom: set(row.MergedFrom), attachedTo: set(row.AttachedTo),
			configurations: row.Configurations,
		}
		for member, value := range row.Values {
			var err error
			if r.values[member], err = value.restore(); err != nil {
				return fmt.Errorf("%s %d: %s: %w", t.resource.name, r.id, member, err)
			}
		}
		if r.id <= 0 || t.byID[r.id] != nil {
			return fmt.Errorf("%s: the id %d is not positive or there twice", t.resource.name, r.id)
		}
		t.insert(r)
	}
	t.nextID = max(t.nextID, in.NextID) + lost
	return nil
}

func set(ids []int) map[int]bool {
	members := make(map[int]bool, len(ids))
	for _, id := range ids {
		members[id] = true
	}
	return members
}

func saveValue(value any) (savedValue, error) {
	switch v := value.(type) {
	case string:
		return savedValue{Text: &v}, nil
	case float64:
		return savedValue{Number: &v}, nil
	case bool:
		return savedValue{Flag: &v}, nil
	case time.Time:
		return savedValue{Time: &v}, nil
	case ref:
		return savedValue{Ref: &savedRef{v.resource, v.id}}, nil
	case []any:
		list := make([]savedValue, len(v))
		for i, item := range v {
			var err error
			if list[i], err = saveValue(item); err != nil {
				return savedValue{}, err
			}
		}
		return savedValue{List: &list}, nil
	case map[string]any:
		raw, err := json.Marshal(v)
		return savedValue{Object: raw}, err
	default:
		return savedValue{}, fmt.Errorf("a %T cannot be saved", value)
	}
}

func (v savedValue) restore() (any, error) {
	switch {
	case v.Text != nil:
		return *v.Text, nil
	case v.Number != nil:
		return *v.Number, nil
	case v.Flag != nil:
		return *v.Flag, nil
	case v.Time != nil:
		return *v.Time, nil
	case v.Ref != nil:
		return ref{v.Ref.Resource, v.Ref.ID}, nil
	case v.List != nil:
		list := make([]any, len(*v.List))
		for i, item := range *v.List {
			var err error
			if list[i], err = item.restore(); err != nil {
				return nil, err
			}
		}
		return list, nil
	case v.Object != nil:
		var object map[string]any
		err := json.Unmarshal(v.Object, &object)
		return object, err
	default:
		return nil, errors.New("a value without a type")
	}
}
