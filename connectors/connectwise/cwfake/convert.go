package cwfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wireTime is the only date-time format that the API writes, and that it reads in every field.
const wireTime = "2006-01-02T15:04:05Z"

// convert turns a JSON value into the stored value of a member. Breaches of a rule come as field errors; an error
// is the refusal of a JSON value of the wrong type or with an unknown member.
func (w *write) convert(f *field, input any) (any, []fieldError, error) {
	if input == nil {
		return nil, nil, nil
	}
	switch f.kind {
	case textField:
		return convertText(f, input)
	case integerField, decimalField:
		return convertNumber(f, input)
	case booleanField:
		if value, ok := input.(bool); ok {
			return value, nil, nil
		}
		return nil, nil, notConvertible(input, "System.Boolean", f.name)
	case dateField:
		return convertDate(f, input)
	case referenceField:
		return w.convertReference(f, input)
	default:
		return w.convertList(f, input)
	}
}

func convertText(f *field, input any) (any, []fieldError, error) {
	value, ok := input.(string)
	if !ok {
		return nil, nil, notConvertible(input, "System.String", f.name)
	}
	if f.limit > 0 && lengthUTF16(value) > f.limit {
		return nil, []fieldError{bad(f.name, "The field %s must be a string with a maximum length of %d.", f.name, f.limit)}, nil
	}
	if f.enum != nil && !slices.Contains(f.enum, value) {
		return nil, nil, notConvertible(value, f.name, f.name)
	}
	return value, nil, nil
}

// lengthUTF16 counts as the vendor's .NET servers do.
func lengthUTF16(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

func convertNumber(f *field, input any) (any, []fieldError, error) {
	typeName := "System.Double"
	if f.kind == integerField {
		typeName = "System.Int32"
	}
	value, ok := toFloat(input)
	if !ok || (f.kind == integerField && (value != math.Trunc(value) || math.Abs(value) > math.MaxInt32)) {
		return nil, nil, notConvertible(input, typeName, f.name)
	}
	return value, nil, nil
}

func toFloat(input any) (float64, bool) {
	switch v := input.(type) {
	case json.Number:
		value, err := v.Float64()
		return value, err == nil
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

func convertDate(f *field, input any) (any, []fieldError, error) {
	value, ok := input.(string)
	if !ok {
		return nil, nil, notConvertible(input, "System.DateTime", f.name)
	}
	at, err := time.Parse(wireTime, value)
	if err != nil || at.Format(wireTime) != value {
		return nil, []fieldError{bad(f.name, "Unsupported format applied to %s", f.name)}, nil
	}
	return at, nil, nil
}

func (w *write) convertList(f *field, input any) (any, []fieldError, error) {
	items, ok := input.([]any)
	if !ok {
		return nil, nil, notConvertible(input, "System.Collections.Generic.List", f.name)
	}
	list := []any{}
	for i, item := range items {
		var value any
		var errors []fieldError
		var err error
		one := &field{name: fmt.Sprintf("%s[%d]", f.name, i), target: f.target}
		switch f.kind {
		case referencesField:
			one.name = f.name
			value, errors, err = w.convertReference(one, item)
		case integersField:
			one.kind = integerField
			value, errors, err = convertNumber(one, item)
		case customField:
			value, err = convertCustom(f.name, one.name, item)
		default:
			value, errors, err = convertText(one, item)
		}
		if err != nil || len(errors) > 0 {
			return nil, errors, err
		}
		list = append(list, value)
	}
	return list, nil, nil
}

// convertCustom checks the members of a custom field's value, or of a choice of one, which otherwise is kept as it came.
func convertCustom(list, path string, input any) (any, error) {
	typeName, known := "CustomFieldValue", "id caption type entryMethod numberOfDecimals value connectWiseId rowNum userDefinedFieldRecId podId"
	if list == "options" {
		typeName, known = "UserDefinedFieldOption", "id optionValue defaultFlag inactiveFlag sortOrder"
	}
	object, ok := input.(map[string]any)
	if !ok {
		return nil, notConvertible(input, typeName, path)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(strings.Fields(known), name) {
			return nil, unknownMember(name, typeName)
		}
	}
	return object, nil
}

// convertReference finds the record that {id}, {identifier} or {name} points to. The record must exist, be active
// and belong to the record that the member is bound to.
func (w *write) convertReference(f *field, input any) (any, []fieldError, error) {
	object, ok := input.(map[string]any)
	if !ok {
		return nil, nil, notConvertible(input, "Reference", f.name)
	}
	res := &resource{name: f.target, title: titleOf(f.name), typeName: titleOf(f.name)}
	t := w.store.tables[f.target]
	if t != nil {
		res = t.resource
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(append([]string{"id", "name", "identifier", "_info", "sort", "level", "type", "dailyCapacity", "chargeFirmFlag"}, res.shown...), name) {
			return nil, nil, unknownMember(name, res.typeName+"Reference")
		}
	}
	if len(object) == 0 {
		return nil, nil, nil
	}
	key, shown, found, err := w.lookUp(f, t, object)
	if err != nil || key == "" {
		return nil, nil, err
	}
	if w.mayCreate(f, object) {
		return nil, nil, nil
	}
	switch {
	case len(found) == 0:
		return nil, []fieldError{w.notFound(f, res, key, shown)}, nil
	case len(found) > 1:
		return nil, []fieldError{bad(f.name+"/"+key, "%s '%s' is not unique", res.title, shown)}, nil
	}
	value := ref{f.target, found[0].id}
	if reason := w.barred(f, res, found[0]); reason != "" && (w.before == nil || w.before[f.name] != value) {
		return nil, []fieldError{bad(f.name+"/"+key, "%s '%s' %s", res.title, shown, reason)}, nil
	}
	return value, nil, nil
}

// mayCreate tells whether the reference asks for a record that the write itself creates: the first site of a company.
func (w *write) mayCreate(f *field, object map[string]any) bool {
	name, _ := object["name"].(string)
	return w.res.name == companyResource && f.name == "site" && w.before == nil && name != ""
}

// lookUp returns the key by which the reference is made and the records that answer it within the scope.
func (w *write) lookUp(f *field, t *table, object map[string]any) (key, shown string, found []*record, err error) {
	owner := 0
	if f.scope != "" {
		owner = w.draft.ref(f.scope)
	}
	if input, ok := object["id"]; ok && input != nil {
		id, ok := toFloat(input)
		if !ok || id != math.Trunc(id) {
			return "", "", nil, notConvertible(input, "System.Int32", f.name+".id")
		}
		if id == 0 {
			return "", "", nil, nil
		}
		if t != nil && t.byID[int(id)] != nil && (owner == 0 || t.byID[int(id)].ownerID(t.resource) == owner) {
			found = []*record{t.byID[int(id)]}
		}
		return "id", strconv.Itoa(int(id)), found, nil
	}
	for _, member := range []string{"identifier", "name"} {
		input, ok := object[member]
		if !ok || input == nil {
			continue
		}
		value, ok := input.(string)
		if !ok {
			return "", "", nil, notConvertible(input, "System.String", f.name+"."+member)
		}
		if t == nil {
			return member, value, nil, nil
		}
		column := member
		if member == "name" && slices.Equal(t.resource.keys, []string{"description"}) {
			column = "description"
		}
		if slices.Contains(t.resource.keys, column) {
			found = t.find(owner, column, value)
		}
		return member, value, found, nil
	}
	return "", "", nil, nil
}

func (w *write) notFound(f *field, res *resource, key, shown string) fieldError {
	message := fmt.Sprintf("%s '%s' not found", res.title, shown)
	if f.scope != "" {
		scope := w.store.tables[w.res.exact[f.scope].target].resource.title
		message += fmt.Sprintf(" for %s %d", scope, w.draft.ref(f.scope))
	}
	return fieldError{Code: "NotFound", Message: message, Field: f.name + "/" + key}
}

// barred says why a record may not be newly referred to, empty if it may.
func (w *write) barred(f *field, res *resource, target *record) string {
	if res.inactive != "" && target.flag(res.inactive) {
		if res.name == companyResource {
			return "is deleted"
		}
		return "is inactive"
	}
	if res.name == companyResource && f.name == "company" {
		if status := w.store.linked(target, "status"); status != nil && status.flag("disallowSavingFlag") {
			return fmt.Sprintf("has the status '%s', which disallows saving", status.text("name"))
		}
	}
	return ""
}

func titleOf(member string) string {
	return strings.ToUpper(member[:1]) + member[1:]
}
