package cwfake

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/connectwise/cwfake/internal/filter"
)

// query is what a list, count or search request asks for.
type query struct {
	conditions, childConditions, customFieldConditions, orderBy string
}

// parameter returns a query parameter; the API does not mind the case of its name.
func parameter(values url.Values, name string) string {
	if value := values.Get(name); value != "" {
		return value
	}
	for key, list := range values {
		if strings.EqualFold(key, name) && len(list) > 0 {
			return list[0]
		}
	}
	return ""
}

func queryOf(values url.Values) query {
	return query{
		conditions: parameter(values, "conditions"), childConditions: parameter(values, "childConditions"),
		customFieldConditions: parameter(values, "customFieldConditions"), orderBy: parameter(values, "orderBy"),
	}
}

func badQuery(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "InvalidQuery", format, args...)
}

// match compiles the conditions for the records of a resource.
func (s *store) match(res *resource, q query) (func(*record) bool, error) {
	if strings.TrimSpace(q.childConditions+q.customFieldConditions) != "" {
		return nil, badQuery("childConditions and customFieldConditions are not supported by this server")
	}
	match, err := filter.Compile(q.conditions, func(path []string) (filter.Column[*record], error) { return s.column(res, path) })
	if err != nil {
		return nil, badQuery("The conditions are not valid: %s", err)
	}
	return match, nil
}

// column finds the field that a path of a condition or of orderBy names, without regard to case. Only what GET
// returns can be named; a reference must be taken by a member of its.
func (s *store) column(res *resource, path []string) (filter.Column[*record], error) {
	none := filter.Column[*record]{}
	name := strings.Join(path, "/")
	switch strings.ToLower(name) {
	case "id":
		return filter.Column[*record]{Kind: filter.Number, Value: func(r *record) any { return float64(r.id) }}, nil
	case "lastupdated":
		return filter.Column[*record]{Kind: filter.Time, Value: func(r *record) any { return r.updated.Truncate(time.Second) }}, nil
	case "dateentered":
		return filter.Column[*record]{Kind: filter.Time, Value: func(r *record) any { return r.entered.Truncate(time.Second) }}, nil
	}
	f := res.folded[strings.ToLower(path[0])]
	switch {
	case f == nil || f.writeOnly:
		return none, fmt.Errorf("the field '%s' does not exist on %s", name, res.typeName)
	case f.kind == referenceField && len(path) == 1:
		return none, fmt.Errorf("the field '%s' is a reference; compare one of its members, such as %s/id", name, name)
	case f.kind == referenceField:
		return s.referenceColumn(f, path, name)
	case len(path) > 1:
		return none, fmt.Errorf("the field '%s' has no members", path[0])
	}
	kinds := map[fieldType]filter.Kind{textField: filter.Text, integerField: filter.Number, decimalField: filter.Number, booleanField: filter.Bool, dateField: filter.Time}
	kind, ok := kinds[f.kind]
	if !ok {
		return none, fmt.Errorf("the field '%s' is a list and cannot be compared", name)
	}
	if kind == filter.Bool {
		return filter.Column[*record]{Kind: kind, Value: func(r *record) any { return r.flag(f.name) }}, nil
	}
	return filter.Column[*record]{Kind: kind, Value: func(r *record) any { return r.values[f.name] }}, nil
}

func (s *store) referenceColumn(f *field, path []string, name string) (filter.Column[*record], error) {
	if strings.EqualFold(path[1], "id") && len(path) == 2 {
		return filter.Column[*record]{Kind: filter.Number, Value: func(r *record) any {
			if target, ok := r.values[f.name].(ref); ok {
				return float64(target.id)
			}
			return nil
		}}, nil
	}
	shown := []string{"name"}
	if t := s.tables[f.target]; t != nil {
		shown = t.resource.shown
	}
	at := slices.IndexFunc(shown, func(member string) bool { return strings.EqualFold(member, path[1]) })
	if at < 0 || len(path) > 2 {
		return filter.Column[*record]{}, fmt.Errorf("the field '%s' does not exist", name)
	}
	member := shown[at]
	return filter.Column[*record]{Kind: filter.Text, Value: func(r *record) any {
		if target := s.linked(r, f.name); target != nil {
			return target.values[member]
		}
		return nil
	}}, nil
}

// sorter is one item of orderBy.
type sorter struct {
	column     filter.Column[*record]
	descending bool
}

// order sorts rows (ascending by id as they come) by the orderBy parameter; rows that are equal stay in order of id.
func (s *store) order(res *resource, rows []*record, orderBy string) error {
	if strings.TrimSpace(orderBy) == "" {
		return nil
	}
	var sorters []sorter
	for item := range strings.SplitSeq(orderBy, ",") {
		words := strings.Fields(item)
		if len(words) == 0 || len(words) > 2 || (len(words) == 2 && !strings.EqualFold(words[1], "asc") && !strings.EqualFold(words[1], "desc")) {
			return badQuery("The orderBy is not valid: expected 'field asc' or 'field desc' but found '%s'", strings.TrimSpace(item))
		}
		column, err := s.column(res, strings.Split(words[0], "/"))
		if err != nil {
			return badQuery("The orderBy is not valid: %s", err)
		}
		sorters = append(sorters, sorter{column, len(words) == 2 && strings.EqualFold(words[1], "desc")})
	}
	slices.SortStableFunc(rows, func(a, b *record) int {
		for _, by := range sorters {
			order := filter.Order(by.column.Value(a), by.column.Value(b))
			if by.descending {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return cmp.Compare(a.id, b.id)
	})
	return nil
}
