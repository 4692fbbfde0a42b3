package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise"
)

// customFields are checked by what ConnectWise defines. A role that may not read the definitions keeps no ticket from
// being made; what became of the fields is read back then.
func (l lookup) customFields(ctx context.Context) error {
	if len(l.route.Custom) == 0 {
		return nil
	}
	defined, err := remember(ctx, l, "userDefinedFields", func() ([]connectwise.UserDefinedField, error) { return l.client.UserDefinedFields(ctx) })
	unread := err != nil
	if unread && !l.unreadable("The definitions of custom fields", err) {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(l.route.Custom)) {
		c := l.route.Custom[id]
		number, err := strconv.Atoi(id)
		if err != nil {
			return wrong(where(c), "%q is not the id of a custom field; write its number", id)
		}
		value := json.RawMessage(c.Value)
		l.filing.asked["customField:"+id] = where(c)
		if !unread {
			i := slices.IndexFunc(defined, func(f connectwise.UserDefinedField) bool { return f.ID == number })
			if i < 0 {
				return wrong(where(c), "ConnectWise has no custom field %d; %s", number, listed(defined))
			}
			if err := fitsField(defined[i], value); err != nil {
				return wrong(where(c), "custom field %d, %q, %w", number, defined[i].Caption, err)
			}
		}
		l.filing.ticket.CustomFields = append(l.filing.ticket.CustomFields, connectwise.CustomField{ID: number, Value: value})
	}
	return nil
}

// listed names the custom fields that there are.
func listed(defined []connectwise.UserDefinedField) string {
	if len(defined) == 0 {
		return "it shows none to this API member"
	}
	const most = 20
	names := make([]string, 0, most)
	for _, f := range defined[:min(len(defined), most)] {
		names = append(names, fmt.Sprintf("%d (%q)", f.ID, f.Caption))
	}
	if len(defined) > most {
		names = append(names, fmt.Sprintf("and %d more", len(defined)-most))
	}
	return "there are " + strings.Join(names, ", ")
}

// fitsField says what keeps a value from a field. Dates and check boxes are taken in the forms that servers differ about.
func fitsField(f connectwise.UserDefinedField, value json.RawMessage) error {
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return fmt.Errorf("cannot take a value that is not JSON: %w", err)
	}
	text, isText := v.(string)
	_, isNumber := v.(float64)
	switch f.Type {
	case "Number", "Currency", "Percent":
		if !isNumber {
			return fmt.Errorf("holds a number, and %s is none", value)
		}
	case "Text", "TextArea", "Hyperlink", "IPAddress", "Password":
		if !isText {
			return fmt.Errorf("holds text; write %s in quotation marks", value)
		}
	}
	var options []string
	for _, o := range f.Options {
		if !o.InactiveFlag {
			options = append(options, fmt.Sprintf("%q", o.Value))
		}
	}
	if f.EntryMethod != "List" && f.EntryMethod != "Option" || len(options) == 0 || slices.Contains(options, fmt.Sprintf("%q", fmt.Sprint(v))) {
		return nil
	}
	return fmt.Errorf("has no choice %q; there are %s", orText(text, value), strings.Join(options, ", "))
}

func orText(text string, value json.RawMessage) string {
	if text != "" {
		return text
	}
	return string(value)
}

// customDrift tells which custom fields have other values than were asked for.
func (f filing) customDrift(made []connectwise.CustomField) []string {
	var all []string
	for _, asked := range f.ticket.CustomFields {
		got := "empty"
		if i := slices.IndexFunc(made, func(m connectwise.CustomField) bool { return m.ID == asked.ID }); i >= 0 {
			if equalJSON(made[i].Value, asked.Value) {
				continue
			}
			if v := string(made[i].Value); v != "" && v != "null" {
				got = v
			}
		}
		all = append(all, fmt.Sprintf("custom field %d is %s, asked for was %s by %s", asked.ID, got, asked.Value, f.asked[fmt.Sprintf("customField:%d", asked.ID)]))
	}
	return all
}

func equalJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
