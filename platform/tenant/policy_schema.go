package tenant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// policyGroup lists the keys of the tenant level: the values, the lists, and what is the same for all devices.
func policyGroup(p *Policy) group {
	fields := append(
		valueFields(p.Values),
		field{"documentsProfiles", optional, "", list(&p.DocumentsProfiles, func(n *yaml.Node) (int64, string) { return wholeNumber(n, 1) })},
		field{"group", optional, "", subgroup(group{fields: []field{
			{"window", optional, "", duration(&p.Group.Window, time.Minute)},
			{"devices", optional, "", number(&p.Group.Devices, 2)},
			{"share", optional, "", percent(&p.Group.Share)},
			{"join", optional, "", oneOf(&p.Group.Join, JoinOff, JoinAttach, JoinHold)},
		}})},
		field{"notSweptAfter", optional, "", number(&p.NotSweptAfter, 1)},
		field{"tags", optional, "", rules(&p.Tags, func(r *Rule) (*Rule, group) { return r, ruleGroup(r, untaggedDevices) })},
		field{"customers", optional, "", rules(&p.Customers, func(o *Override) (*Rule, group) {
			o.Values = map[string]string{}
			return &o.Rule, ruleGroup(&o.Rule, onlyCustomers, valueFields(o.Values)...)
		})},
		field{"devices", optional, "", rules(&p.Devices, func(o *Override) (*Rule, group) {
			o.Values = map[string]string{}
			return &o.Rule, ruleGroup(&o.Rule, someDevices, valueFields(o.Values)...)
		})},
		field{"exclude", optional, "", rules(&p.Exclude, func(e *Exclusion) (*Rule, group) {
			return &e.Rule, ruleGroup(&e.Rule, someDevices, reasonField(&e.Reason))
		})},
		field{"windows", optional, "", rules(&p.Windows, func(w *Window) (*Rule, group) {
			return &w.Rule, ruleGroup(
				&w.Rule, anyDevices, reasonField(&w.Reason),
				field{"cron", required, `cron: "0 2 * * sun", when it begins: minute, hour, day of month, month, day of week`, text(&w.Cron, cronText)},
				field{"duration", required, "duration: TIME, how long it lasts", windowLength(&w.Duration)},
				field{"zone", required, "zone: NAME, the IANA time zone of cron, such as Europe/London", text(&w.Zone, zoneName)},
			)
		})},
		field{"snoozes", optional, "", rules(&p.Snoozes, func(s *Snooze) (*Rule, group) {
			return &s.Rule, ruleGroup(
				&s.Rule, anyDevices, reasonField(&s.Reason), untilField(&s.Until),
				field{"author", required, "author: NAME, of who asked for it", text(&s.Author)},
			)
		})},
		field{"expectedErrors", optional, "", rules(&p.ExpectedErrors, func(e *ExpectedError) (*Rule, group) {
			return &e.Rule, ruleGroup(
				&e.Rule, anyDevices, reasonField(&e.Reason), untilField(&e.Until),
				field{"source", optional, "", texts(&e.Sources, sourceCode)},
				field{"text", optional, "", text(&e.Text)},
				field{"item", optional, "", text(&e.Item)},
				field{"code", optional, "", text(&e.Code)},
			)
		})},
		field{"customConditions", optional, "", rules(&p.CustomConditions, func(c *CustomCondition) (*Rule, group) {
			return &c.Rule, ruleGroup(
				&c.Rule, anyDevices,
				field{"when", required, "when: EXPRESSION, true while the condition holds", text(&c.When, expressionText)},
			)
		})},
	)
	return group{fields: fields, whole: p.check}
}

func reasonField(dst *string) field {
	return field{"reason", required, "reason: TEXT, why, for whoever wonders later", text(dst)}
}

func untilField(dst *time.Time) field {
	return field{"until", required, "until: DATE, the last day, such as 2027-03-31", moment(dst)}
}

// ruleGroup is a rule's name and selector with the fields of its own.
func ruleGroup(r *Rule, who selection, own ...field) group {
	return group{fields: append([]field{
		{"name", required, "name: NAME, one of its own", text(&r.Name)},
		{"select", required, who.remedy(), selector(&r.Select, who)},
	}, own...)}
}

// rules parses a list of rules. Names must be unique, because findings and events name rules by them.
func rules[T any](dst *[]T, of func(*T) (*Rule, group)) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			r.report(at, "is %s, not a list; write each entry below it, beginning with a hyphen", kind(n))
			return
		}
		if len(n.Content) == 0 {
			return
		}
		items := make([]T, len(n.Content))
		lines := map[string]int{} // of names
		for i, c := range n.Content {
			here := place{key: fmt.Sprintf("%s[%d]", at.key, i), line: c.Line}
			rule, g := of(&items[i])
			rule.Line = c.Line
			r.value(here, c, subgroup(g))
			if first, taken := lines[rule.Name]; taken && rule.Name != "" {
				r.report(here.child("name", keyLine(c, "name")), "%s is already the name of the entry on line %d; give each its own", quote(rule.Name), first)
			}
			lines[rule.Name] = c.Line
		}
		*dst = items
	}
}

// selection is which selectors a list takes.
type selection uint8

const (
	anyDevices      selection = iota // also all
	someDevices                      // but not all
	untaggedDevices                  // not all, and not by tag
	onlyCustomers                    // customers, but not all
)

func (s selection) remedy() string {
	switch s {
	case onlyCustomers:
		return "select: {customer: ID or NAME}, whom it is for"
	case untaggedDevices:
		return "select with one or more of customer, site, class, device, profile: whom it is for"
	case someDevices:
		return "select with one or more of customer, site, class, device, profile, tag: whom it is for"
	default:
		return "select with one or more of customer, site, class, device, profile, tag, or select: all"
	}
}

func selector(dst *Selector, who selection) parser {
	fields := []field{{"customer", optional, "", texts(&dst.Customers)}}
	if who != onlyCustomers {
		fields = append(
			fields,
			field{"site", optional, "", texts(&dst.Sites)},
			field{"class", optional, "", texts(&dst.Classes, className)},
			field{"device", optional, "", texts(&dst.Devices)},
			field{"profile", optional, "", texts(&dst.Profiles)},
		)
	}
	if who == anyDevices || who == someDevices {
		fields = append(fields, field{"tag", optional, "", texts(&dst.Tags)})
	}
	return func(r *reader, at place, n *yaml.Node) {
		switch {
		case n.Kind == yaml.ScalarNode && n.Value == "all" && who == anyDevices:
		case n.Kind == yaml.ScalarNode && n.Value == "all":
			r.report(at, "chooses everything, where some is meant; write %s", strings.TrimPrefix(who.remedy(), "select: "))
		case n.Kind == yaml.MappingNode && len(n.Content) == 0, isNull(n):
			r.report(at, "chooses nothing; write %s", who.remedy())
		default:
			r.group(at, n, group{fields: fields})
		}
	}
}

func className(s string) string {
	if slices.Contains(Classes(), s) {
		return ""
	}
	remedy := "write one of them"
	if meant := nearest(s, Classes()); meant != "" {
		remedy = "did you mean " + meant + "?"
	}
	return fmt.Sprintf("%s is none of %s; %s", quote(s), strings.Join(Classes(), ", "), remedy)
}

// texts parses a text or a list of texts, none of them empty. Whole numbers are taken as they are written, because
// ids are numbers.
func texts(dst *[]string, checks ...check) parser {
	item := func(n *yaml.Node) (string, string) {
		if _, complaint := wholeNumber(n, 0); complaint == "" {
			return n.Value, ""
		}
		value, complaint := textOf(n)
		if complaint == "" && value == "" {
			complaint = "is empty; write a value"
		}
		for _, c := range checks {
			if complaint == "" {
				complaint = c(value)
			}
		}
		return value, complaint
	}
	many := list(dst, item)
	return func(r *reader, at place, n *yaml.Node) {
		if n.Kind == yaml.SequenceNode {
			if len(n.Content) == 0 {
				r.report(at, "is an empty list; write a value or remove the line")
			}
			many(r, at, n)
			return
		}
		value, complaint := item(n)
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		*dst = []string{value}
	}
}

func percent(dst *int) parser {
	return func(r *reader, at place, n *yaml.Node) {
		value, complaint := wholeNumber(n, 1)
		if complaint == "" && value > 100 {
			complaint = strconv.FormatInt(value, 10) + " is more than 100 percent; write 1 to 100"
		}
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		*dst = int(value)
	}
}
