package tenant

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/covewise/covewise/platform/tenant/expression"
)

// valueFields are the fields for the values of PolicyKeys, to be read into dst. Dotted names are groups.
func valueFields(dst map[string]string) []field {
	var fields []field
	groups := map[string][]field{} // by the part before the dot
	for _, k := range PolicyKeys() {
		before, after, dotted := strings.Cut(k.Name, ".")
		if !dotted {
			fields = append(fields, field{k.Name, optional, "", valueParser(dst, k)})
			continue
		}
		if groups[before] == nil {
			fields = append(fields, field{before, optional, "", nil})
		}
		groups[before] = append(groups[before], field{after, optional, "", single(dst, k.Name, k)})
	}
	for i, f := range fields {
		if below := groups[f.key]; below != nil {
			fields[i].parse = subgroup(group{fields: below})
		}
	}
	return fields
}

// valueParser parses the value of a key: one for all classes, or a group with classes and codes of data sources.
func valueParser(dst map[string]string, k PolicyKey) parser {
	one := single(dst, k.Name, k)
	if !k.ByClass {
		return one
	}
	var parts []field
	for _, class := range Classes() {
		parts = append(parts, field{class, optional, "", single(dst, joined(k.Name, class), k)})
	}
	return func(r *reader, at place, n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			one(r, at, n)
			return
		}
		fields := slices.Clone(parts)
		if k.BySource {
			for i := 0; i < len(n.Content); i += 2 {
				code := n.Content[i].Value
				if sourcePattern.MatchString(code) && !slices.ContainsFunc(fields, func(f field) bool { return f.key == code }) {
					fields = append(fields, field{code, optional, "", single(dst, joined(k.Name, code), k)})
				}
			}
		}
		r.group(at, n, group{fields: fields})
	}
}

// single parses one value, or the word inherit, and keeps it in the words it was written in.
func single(dst map[string]string, name string, k PolicyKey) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Value == Inherit {
			dst[name] = Inherit
			return
		}
		value, complaint := k.words(r, at, n)
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		dst[name] = value
	}
}

// words returns a value's words as Parse reads them.
func (k PolicyKey) words(r *reader, at place, n *yaml.Node) (words, complaint string) {
	switch k.Kind {
	case DurationValue:
		if off(n) {
			return Off, ""
		}
		_, complaint := durationOf(n, positive)
		return n.Value, complaint
	case CountValue:
		if _, complaint := wholeNumber(n, int64(k.Least)); complaint != "" {
			return "", complaint
		}
	case SwitchValue:
		if n.ShortTag() == "!!bool" {
			return map[bool]string{true: On, false: Off}[strings.EqualFold(n.Value, "true")], ""
		}
		if kind(n) != "text" {
			return "", fmt.Sprintf("is %s, not on or off; write one of them", kind(n))
		}
	case SourcesValue:
		var codes []string
		problems := len(r.problems)
		list(&codes, func(n *yaml.Node) (string, string) {
			code, complaint := textOf(n)
			if complaint == "" {
				complaint = sourceCode(code)
			}
			return code, complaint
		})(r, at, n)
		if len(r.problems) > problems {
			return "", ""
		}
		return strings.Join(codes, " "), ""
	default:
		text, complaint := textOf(n)
		if complaint != "" {
			return "", complaint
		}
		if meant := nearest(text, k.Words); meant != "" && meant != text {
			return "", fmt.Sprintf("%s is none of %s; did you mean %s?", quote(text), strings.Join(k.Words, ", "), meant)
		}
	}
	if _, err := k.Parse(n.Value); err != nil {
		return "", err.Error()
	}
	return n.Value, ""
}

// off recognises the word off, also where a tool has written it back as YAML 1.1 reads it.
func off(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Value == Off || n.ShortTag() == "!!bool" && strings.EqualFold(n.Value, "false"))
}

// moment parses a time, or a date that stands for its end in UTC.
func moment(dst *time.Time) parser {
	return func(r *reader, at place, n *yaml.Node) {
		const remedy = "write the last day, such as 2027-03-31, or a time with its zone, such as 2027-03-31T18:00:00Z"
		if n.Kind != yaml.ScalarNode || kind(n) != "text" && kind(n) != "a date" {
			r.report(at, "is %s, not a date; %s", kind(n), remedy)
			return
		}
		if day, err := time.Parse(time.DateOnly, n.Value); err == nil {
			*dst = day.AddDate(0, 0, 1)
			return
		}
		t, err := time.Parse(time.RFC3339, n.Value)
		if err != nil {
			r.report(at, "%s is not a date; %s", quote(n.Value), remedy)
			return
		}
		*dst = t.UTC()
	}
}

func expressionText(s string) string {
	if _, err := expression.Compile(s); err != nil {
		return err.Error() + "; see the facts in docs/policy.md"
	}
	return ""
}

// check finds what is wrong with values together.
func (p *Policy) check(r *reader, at place, n *yaml.Node) {
	base := SystemPolicy()
	maps.Copy(base, p.Values)
	for name, value := range p.Values {
		if value == Inherit {
			base[name] = SystemPolicy()[name]
		}
	}
	if complaint := ladder(base); complaint != "" {
		r.report(at.child("ladder", keyLine(n, "ladder")), "%s", complaint)
		return
	}
	for listName, overrides := range map[string][]Override{"customers": p.Customers, "devices": p.Devices} {
		for i, o := range overrides {
			values := maps.Clone(base)
			for name, value := range o.Values {
				if value != Inherit {
					values[name] = value
				}
			}
			if complaint := ladder(values); complaint != "" {
				r.report(place{key: fmt.Sprintf("%s.%s[%d].ladder", at.key, listName, i), line: o.Line}, "%s", complaint)
			}
		}
	}
	for i, e := range p.ExpectedErrors {
		if e.Text == "" && e.Item == "" && e.Code == "" {
			r.report(place{key: fmt.Sprintf("%s.expectedErrors[%d]", at.key, i), line: e.Line}, "would expect every error; add text, item or code")
		}
	}
}

// ladder returns what is wrong with the steps of severity, or "".
func ladder(values map[string]string) string {
	before, beforeName := time.Duration(0), ""
	for _, name := range []string{"warning", "alert", "critical"} {
		after, err := parseDuration(values["ladder."+name])
		if err != nil { // off, or reported already
			continue
		}
		if after <= before {
			return fmt.Sprintf("reaches %s after %s, which is not later than %s; write ages that grow", name, values["ladder."+name], beforeName)
		}
		before, beforeName = after, name
	}
	return ""
}
