package cwfake

import "strings"

// fieldType is the type of a member of a resource.
type fieldType int

const (
	textField fieldType = iota
	integerField
	decimalField
	booleanField
	dateField
	referenceField
	referencesField
	textsField
	integersField
	customField
)

// field describes one member of a resource as the vendor's description gives it.
type field struct {
	name string
	kind fieldType
	// limit is the greatest length of a text in UTF-16 units; 0 is no limit.
	limit int
	enum  []string
	// target is the resource that a reference points to.
	target string
	// scope names the member whose record must own the referenced one ("board" for a status).
	scope string
	// required members must have a value after every write, requiredOnPut ones in the body of a PUT.
	required, requiredOnPut bool
	// writeOnly members are accepted and not given back; readOnly ones are accepted and ignored.
	writeOnly, readOnly bool
}

type option func(*field)

func required(f *field)      { f.required = true }
func requiredOnPut(f *field) { f.requiredOnPut = true }
func writeOnly(f *field)     { f.writeOnly = true }
func readOnly(f *field)      { f.readOnly = true }

func within(scope string) option { return func(f *field) { f.scope = scope } }

func build(f field, options []option) []field {
	for _, o := range options {
		o(&f)
	}
	return []field{f}
}

func text(name string, limit int, options ...option) []field {
	return build(field{name: name, kind: textField, limit: limit}, options)
}

func enum(name, values string, options ...option) []field {
	return build(field{name: name, kind: textField, enum: strings.Split(values, "|")}, options)
}

func date(name string, options ...option) []field {
	return build(field{name: name, kind: dateField}, options)
}

func reference(name, target string, options ...option) []field {
	return build(field{name: name, kind: referenceField, target: target}, options)
}

func references(name, target string, options ...option) []field {
	return build(field{name: name, kind: referencesField, target: target}, options)
}

func flag(name string, options ...option) []field {
	return build(field{name: name, kind: booleanField}, options)
}

func integer(name string, options ...option) []field {
	return build(field{name: name, kind: integerField}, options)
}

// several declares members of one type that differ in nothing but the name.
func several(kind fieldType, names string, options ...option) []field {
	var fields []field
	for name := range strings.FieldsSeq(names) {
		fields = append(fields, build(field{name: name, kind: kind}, options)...)
	}
	return fields
}

// texts declares text members of one length.
func texts(limit int, names string, options ...option) []field {
	fields := several(textField, names, options...)
	for i := range fields {
		fields[i].limit = limit
	}
	return fields
}

func join(groups ...[]field) []field {
	var fields []field
	for _, g := range groups {
		fields = append(fields, g...)
	}
	return fields
}

// resource is one kind of record: its members, how it is referenced and the rules that its writes obey.
type resource struct {
	// name is the key of the resource and its name in error bodies ("ticket").
	name string
	// title is the name in messages ("Ticket 5 not found") and typeName the one of the vendor's description.
	title, typeName string
	fields          []field
	// shown are the members beside id that a reference to the resource carries; keys are those that find one.
	shown, keys []string
	// inactive names the boolean member that bars new references to a record.
	inactive string
	// owner names the member that holds the owning record (a status belongs to its board), empty for none.
	owner string
	// links are sub-resources that `_info` links to.
	links []string
	// firstID is the id of the first record.
	firstID int
	// begin sets what the changes are judged by, prepare completes the draft after them, check refuses it, and saved
	// acts after the record is stored.
	begin   func(w *write)
	prepare func(w *write) []fieldError
	check   func(w *write) []fieldError
	saved   func(w *write)

	exact  map[string]*field
	folded map[string]*field
}

// index makes the members findable by exact and by case-insensitive name.
func (r *resource) index() *resource {
	r.exact, r.folded = map[string]*field{}, map[string]*field{}
	for i := range r.fields {
		f := &r.fields[i]
		r.exact[f.name] = f
		r.folded[strings.ToLower(f.name)] = f
	}
	return r
}
