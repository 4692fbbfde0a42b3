package tenant

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/covewise/covewise/platform/tenant/agreement"
	"github.com/covewise/covewise/platform/tenant/wording"
)

// longestAppend bounds what rules add to the texts of a ticket, in characters.
const longestAppend = 2000

func filingFields(f *Filing) []field {
	return []field{
		{"publicNotes", optional, "", boolean(&f.PublicNotes)},
		{"zeroBillTime", optional, "", boolean(&f.ZeroBillTime)},
		{"attachConfigurations", optional, "", boolean(&f.AttachConfigurations)},
		{"mapSites", optional, "", boolean(&f.MapSites)},
		{"templates", optional, "", subgroup(group{fields: templateFields(f)})},
		{"agreement", optional, "", agreementCondition(&f.Agreement)},
		{"agreements", optional, "", rules(&f.Agreements, func(o *AgreementOverride) (*Rule, group) {
			return &o.Rule, ruleGroup(&o.Rule, onlyCustomers, field{
				"where", required, `where: 'name like "%Backup%"', a condition over agreements, or where: none`, agreementCondition(&o.Where),
			})
		})},
		{"routing", optional, "", rules(&f.Routing, func(o *Route) (*Rule, group) {
			return &o.Rule, ruleGroup(
				&o.Rule, anyDevices,
				field{"condition", optional, "", texts(&o.Conditions, oneWordOf(RouteConditions()...))},
				field{"severity", optional, "", texts(&o.Severities, oneWordOf("warning", "alert", "critical"))},
				field{"source", optional, "", texts(&o.Sources, sourceCode)},
				field{"set", required, "set with one or more of " + strings.Join(RouteFields(), ", ") + ", customFields", routeSet(o)},
			)
		})},
	}
}

// templateFields parse templates. An empty one is the built-in text.
func templateFields(f *Filing) []field {
	var all []field
	for _, which := range wording.Kinds() {
		all = append(all, field{key: string(which), parse: func(r *reader, at place, n *yaml.Node) {
			switch {
			case isNull(n):
				return
			case n.Kind != yaml.ScalarNode || kind(n) != "text":
				r.report(at, "is %s, not a template; write text, below a | when it has several lines", kind(n))
				return
			case strings.TrimSpace(n.Value) == "":
				return
			}
			if _, err := wording.Parse(which, n.Value); err != nil {
				// The lines of a text below a | are those of the file.
				if wrong, ok := errors.AsType[*wording.Error](err); ok && n.Style&yaml.LiteralStyle != 0 {
					at.line = n.Line + wrong.Line
				}
				r.report(at, "%s", err)
				return
			}
			if f.Templates == nil {
				f.Templates = map[wording.Kind]string{}
			}
			f.Templates[which] = n.Value
		}})
	}
	return all
}

// agreementCondition parses a condition over agreements; none and an empty text stand for no agreement.
func agreementCondition(dst *Condition) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if isNull(n) {
			return
		}
		value, complaint := textOf(n)
		if complaint == "" && value != "" && value != "none" {
			if _, err := agreement.Parse(value); err != nil {
				complaint = err.Error()
			}
		}
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		if value == "none" {
			value = ""
		}
		*dst = Condition{Line: n.Line, Text: value}
	}
}

// oneWordOf checks that a text is one of a few words.
func oneWordOf(words ...string) check {
	return func(s string) string {
		if slices.Contains(words, s) {
			return ""
		}
		remedy := "write one of them"
		if meant := nearest(s, words); meant != "" {
			remedy = "did you mean " + meant + "?"
		}
		return fmt.Sprintf("%s is none of %s; %s", quote(s), strings.Join(words, ", "), remedy)
	}
}

// routeSet parses what a routing rule sets.
func routeSet(o *Route) parser {
	o.Set = map[string]string{}
	levels := oneWordOf("Low", "Medium", "High")
	var fields []field
	for _, name := range RouteFields() {
		fields = append(fields, field{key: name, parse: func(r *reader, at place, n *yaml.Node) {
			if strings.HasSuffix(name, "Append") {
				routeAppend(o, name)(r, at, n)
				return
			}
			var value string
			checks := []check{}
			if name == "impact" || name == "urgency" {
				checks = append(checks, levels)
			}
			if text(&value, checks...)(r, at, n); value != "" {
				o.Set[name] = value
			}
		}})
	}
	fields = append(fields, field{"customFields", optional, "", customFields(&o.CustomFields)})
	return subgroup(group{fields: fields, whole: func(r *reader, at place, n *yaml.Node) {
		there := func(key string) bool {
			for i := 0; i < len(n.Content); i += 2 {
				if n.Content[i].Value == key {
					return true
				}
			}
			return false
		}
		priority, impact, urgency := there("priority"), there("impact"), there("urgency")
		switch {
		case len(n.Content) == 0:
			r.report(at, "sets nothing; write one or more of %s, customFields", strings.Join(RouteFields(), ", "))
		case priority && (impact || urgency):
			r.report(at, "sets a priority and what ConnectWise makes a priority of; keep priority, or impact and urgency")
		case impact != urgency:
			r.report(at, "sets only one of impact and urgency; write both, because the priority follows from the two")
		}
	}})
}

// routeAppend parses a text of several lines that is added to those of a ticket.
func routeAppend(o *Route, name string) parser {
	return func(r *reader, at place, n *yaml.Node) {
		value := strings.TrimSpace(n.Value)
		switch {
		case n.Kind != yaml.ScalarNode || kind(n) != "text":
			r.report(at, "is %s, not text; put it in quotes", kind(n))
		case value == "":
			r.report(at, "is empty; write a value or remove the line")
		case utf8.RuneCountInString(value) > longestAppend:
			r.report(at, "has more than %d characters; write a shorter text", longestAppend)
		default:
			o.Set[name] = value
		}
	}
}

// customFields parses values by the id of their field.
func customFields(dst *map[string]string) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			r.report(at, "is %s, not a group of keys; write {ID: VALUE} with the ids of the custom fields", kind(n))
			return
		}
		values := map[string]string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			here := at.child(printable(key.Value), key.Line)
			if id, err := strconv.Atoi(key.Value); err != nil || id < 1 || strconv.Itoa(id) != key.Value {
				r.report(here, "is not the id of a custom field; write its number, as ConnectWise's setup of custom fields shows it")
				continue
			}
			if _, twice := values[key.Value]; twice {
				r.report(here, "is written twice; keep one of them")
				continue
			}
			var written any
			switch kind(value) {
			case "text":
				written = value.Value
			case "true or false":
				written = strings.EqualFold(value.Value, "true")
			case "a number":
				number, err := strconv.ParseFloat(value.Value, 64)
				if err != nil {
					r.report(here, "%s is not a number in plain digits; write digits only", printable(value.Value))
					continue
				}
				written = number
			default:
				r.report(here, "is %s, not a value; write text, a number, or true or false", kind(value))
				continue
			}
			raw, err := json.Marshal(written)
			if err != nil {
				r.report(here, "%s is not a number that can be sent; write another", printable(value.Value))
				continue
			}
			values[key.Value] = string(raw)
		}
		*dst = values
	}
}
