package cwfake

import (
	"slices"
	"strings"
)

// Combination is a type with a subtype and an item that a board allows, by their names. What is left out goes with the type
// alone. A board without any allows all of its own.
type Combination struct {
	Type    string `json:"type"`
	SubType string `json:"subType"`
	Item    string `json:"item"`
}

// CustomField is the definition of a custom field. Options are what a field of the entry methods List and Option may have.
type CustomField struct {
	ID          int      `json:"id"`
	Caption     string   `json:"caption"`
	Type        string   `json:"fieldTypeIdentifier"`
	EntryMethod string   `json:"entryTypeIdentifier"`
	Options     []string `json:"options"`
}

// filingResources are the tables that say what tickets may be filed under.
func filingResources() []*resource {
	return []*resource{
		{
			name: associationResource, title: "Service Type Sub Type Item Association", typeName: "BoardTypeSubTypeItemAssociation", owner: "board",
			fields: join(
				reference("board", boardResource), reference("type", boardTypeResource, within("board")),
				reference("subType", subTypeResource, within("board")), reference("item", itemResource, within("board")),
			),
		},
		{
			name: userFieldResource, title: "User Defined Field", typeName: "UserDefinedField",
			fields: join(
				integer("podId"), text("caption", 25, required), integer("sequenceNumber"),
				enum("fieldTypeIdentifier", "TextArea|Button|Currency|Date|Hyperlink|IPAddress|Checkbox|Number|Percent|Text|Password", required),
				enum("entryTypeIdentifier", "Date|EntryField|List|Option"), build(field{name: "options", kind: customField}, nil),
			),
		},
	}
}

func (l *loader) combinations(board int, all []Combination) {
	for _, c := range all {
		values := map[string]any{}
		for member, name := range map[string]string{"type": c.Type, "subType": c.SubType, "item": c.Item} {
			if name != "" {
				values[member] = byName(name)
			}
		}
		l.add(associationResource, board, 0, values)
	}
}

func (l *loader) customFields(all []CustomField) {
	for i, f := range all {
		options := make([]any, len(f.Options))
		for j, value := range f.Options {
			options[j] = map[string]any{"id": j + 1, "optionValue": value, "sortOrder": j + 1}
		}
		if f.Type == "" {
			f.Type = "Text"
		}
		if f.EntryMethod == "" {
			f.EntryMethod = "EntryField"
		}
		l.add(userFieldResource, 0, f.ID, map[string]any{
			"podId": 3, "caption": f.Caption, "sequenceNumber": i + 1, "fieldTypeIdentifier": f.Type, "entryTypeIdentifier": f.EntryMethod, "options": options,
		})
	}
}

// checkCombination refuses a type, subtype and item that do not go together on the ticket's board.
func (w *write) checkCombination() []fieldError {
	asked := []string{"type", "subType", "item"}
	rows := w.store.tables[associationResource].of(w.draft.ref("board"))
	named := slices.ContainsFunc(asked, func(member string) bool { return w.draft.values[member] != nil })
	touched := w.before == nil || slices.ContainsFunc(append(asked, "board"), w.changed)
	if len(rows) == 0 || !named || !touched {
		return nil
	}
	if slices.ContainsFunc(rows, func(r *record) bool {
		return w.draft.values["type"] != nil && !slices.ContainsFunc(asked, func(member string) bool {
			return w.draft.values[member] != nil && w.draft.ref(member) != r.ref(member)
		})
	}) {
		return nil
	}
	var texts []string
	for _, member := range asked {
		if part := w.store.linked(w.draft, member); part != nil {
			texts = append(texts, member+" '"+part.text("name")+"'")
		}
	}
	return []fieldError{bad("type", "The combination of %s is not valid for the board", strings.Join(texts, ", "))}
}

// checkCustomFields refuses values of custom fields that nobody has defined.
func (w *write) checkCustomFields() []fieldError {
	values, _ := w.draft.values["customFields"].([]any)
	if w.before != nil && !w.named("customFields") {
		return nil
	}
	var errors []fieldError
	for _, value := range values {
		object, _ := value.(map[string]any)
		id, ok := toFloat(object["id"])
		if !ok || w.store.tables[userFieldResource].byID[int(id)] == nil {
			errors = append(errors, bad("customFields/id", "Custom field '%v' not found", object["id"]))
		}
	}
	return errors
}
