package tenant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader collects the problems of one file while its documents are read.
type reader struct {
	file      string // as given to Load
	dir       string // absolute folder of the file; relative secret files start here
	lookupEnv func(string) (string, bool)
	problems  Problems

	withoutSecrets bool
}

// place is where a value stands.
type place struct {
	key  string // dotted path; empty for a document's root
	line int    // of the key
}

func (p place) child(key string, line int) place {
	if p.key != "" {
		key = p.key + "." + key
	}
	return place{key: key, line: line}
}

func (r *reader) report(at place, format string, args ...any) {
	key := at.key
	if key == "" {
		key = wholeDocument
	}
	r.problems = append(r.problems, Problem{File: r.file, Line: at.line, Key: key, Text: fmt.Sprintf(format, args...)})
}

// parser reads one value into the place of the document it was made for, or reports what is wrong with it.
type parser func(r *reader, at place, n *yaml.Node)

// group is a mapping with fixed keys.
type group struct {
	fields  []field
	secrets []secret
	whole   func(r *reader, at place, n *yaml.Node) // checks what the fields are together; nil for nothing
}

// field is one key of a group.
type field struct {
	key      string
	required bool
	about    string // what to write there: the remedy when the key is missing
	parse    parser
}

// secret is a pair of keys, nameFile and nameEnv, of which exactly one must be there.
type secret struct {
	name  string
	about string
	ref   *SecretRef
}

// all returns the fields of the group with those of its secrets.
func (g group) all() []field {
	fields := slices.Clone(g.fields)
	for _, s := range g.secrets {
		fields = append(
			fields,
			field{key: s.name + "File", parse: secretFile(s.ref)},
			field{key: s.name + "Env", parse: secretEnv(s.ref)},
		)
	}
	return fields
}

// subgroup parses a mapping that is the value of a key. A key without a value is an empty mapping, so
// that every missing key below it is named.
func subgroup(g group) parser {
	return func(r *reader, at place, n *yaml.Node) { r.group(at, n, g) }
}

func (r *reader) group(at place, n *yaml.Node, g group) {
	if n.Kind != yaml.MappingNode && !isNull(n) {
		r.report(at, "is %s, not a group of keys; write its keys below it as in `covewise up --help`", kind(n))
		return
	}
	fields := g.all()
	lines := map[string]int{}  // line of each key that is there, right or wrong
	meant := map[string]bool{} // keys that are there under a misspelt name, and so are not missing
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.report(place{key: at.key, line: key.Line}, "has %s as a key; write keys as plain text", kind(key))
			continue
		}
		here := at.child(printable(key.Value), key.Line)
		if first, twice := lines[key.Value]; twice {
			r.report(here, "is written twice (first on line %d); keep one of them", first)
			continue
		}
		index := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		if index < 0 {
			meant[r.unknownKey(here, key, g, fields)] = true
			lines[key.Value] = key.Line
			continue
		}
		lines[key.Value] = key.Line
		r.value(here, value, fields[index].parse)
	}

	for _, f := range g.fields {
		if _, there := lines[f.key]; f.required && !there && !meant[f.key] {
			r.report(at.child(f.key, at.line), "is missing; add %s", f.about)
		}
	}
	for _, s := range g.secrets {
		if !meant[s.name+"File"] && !meant[s.name+"Env"] {
			r.exactlyOne(at, s, lines)
		}
	}
	if g.whole != nil {
		g.whole(r, at, n)
	}
}

// value refuses aliases before they reach a parser: what an alias stands for may be anywhere in the
// file, and a document that is stored and compared key by key must hold its values itself.
func (r *reader) value(at place, n *yaml.Node, parse parser) {
	if n.Kind == yaml.AliasNode {
		r.report(at, "is an alias (*name), which tenant documents do not use; write the value out")
		return
	}
	parse(r, at, n)
}

// unknownKey reports a key that is none of the fields, and returns the one that was meant, if any.
func (r *reader) unknownKey(at place, key *yaml.Node, g group, fields []field) (meant string) {
	if key.ShortTag() == "!!merge" {
		r.report(at, "is a merge key, which tenant documents do not use; write the keys out")
		return ""
	}
	for _, s := range g.secrets {
		if plain(key.Value) == plain(s.name) {
			r.report(at, "is not a key, because secrets are not written into the document; use %sFile: PATH or %sEnv: NAME", s.name, s.name)
			return s.name + "File"
		}
	}
	allowed := make([]string, len(fields))
	for i, f := range fields {
		allowed[i] = f.key
	}
	if meant = nearest(key.Value, allowed); meant != "" {
		r.report(at, "is not a key; did you mean %s?", meant)
		return meant
	}
	r.report(at, "is not a key; the keys here are %s", strings.Join(allowed, ", "))
	return ""
}

func (r *reader) exactlyOne(at place, s secret, lines map[string]int) {
	file, hasFile := lines[s.name+"File"]
	env, hasEnv := lines[s.name+"Env"]
	switch {
	case hasFile && hasEnv && file > env:
		r.report(at.child(s.name+"File", file), "stands beside %sEnv; keep one of them", s.name)
	case hasFile && hasEnv:
		r.report(at.child(s.name+"Env", env), "stands beside %sFile; keep one of them", s.name)
	case !hasFile && !hasEnv:
		r.report(at.child(s.name+"File", at.line), "is missing; add %sFile: PATH or %sEnv: NAME with %s", s.name, s.name, s.about)
	}
}

// kind names what a value is, for people.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of keys"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.ShortTag() {
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "empty"
	case "!!timestamp":
		return "a date"
	default:
		return "a value with a YAML tag"
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// printable returns s as it is, or quoted where that would break the rule of one line per problem.
func printable(s string) string {
	quoted := strconv.Quote(s)
	if s != "" && quoted[1:len(quoted)-1] == s {
		return s
	}
	return quoted
}

// quote returns s in quotes, on one line and not too long to read.
func quote(s string) string {
	const longest = 80
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "..."
	}
	return strconv.Quote(s)
}
