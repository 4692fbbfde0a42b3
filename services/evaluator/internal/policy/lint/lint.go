// Package lint finds what a policy says in vain: rules that are always overridden or fit nobody, windows and
// conditions without an end, what has ended, and letters that look like others. It is pure: the time and the known
// devices are given.
//
// It does not check the form of documents; package tenant does that when it reads them.
package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/expression"
	"github.com/covewise/covewise/platform/tenant/selector"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// Finding is one thing that a policy says in vain, or that will surprise.
type Finding struct {
	Line  int    // in the tenant's document
	Key   string // dotted path
	Error bool   // false: a warning
	Text  string // what is wrong, a semicolon, and the remedy
}

// Check returns the findings about a document's policy at a time, in the order of their lines. known are the devices
// that are known; none means that nobody can be looked for.
func Check(doc tenant.Document, now time.Time, known []policy.Subject) []Finding {
	c := &checker{now: now, known: known, policy: doc.Policy}
	c.overrides("customers", doc.Policy.Customers)
	c.overrides("devices", doc.Policy.Devices)
	c.overridden()
	c.excluded()
	c.withheld()
	c.windows()
	c.conditions()
	c.everyRule(func(list string, i int, r tenant.Rule) {
		c.noTag(list, i, r)
		c.fitsKnown(list, i, r)
		c.wildcards(list, i, r)
	})
	c.letters()
	slices.SortStableFunc(c.findings, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	return c.findings
}

type checker struct {
	now      time.Time
	known    []policy.Subject
	policy   tenant.Policy
	findings []Finding
}

func (c *checker) report(isError bool, line int, key, format string, args ...any) {
	c.findings = append(c.findings, Finding{Line: line, Key: key, Error: isError, Text: fmt.Sprintf(format, args...)})
}

func entry(list string, i int) string { return fmt.Sprintf("policy.%s[%d]", list, i) }

// everyRule calls f for each entry of each list.
func (c *checker) everyRule(f func(list string, i int, r tenant.Rule)) {
	p := c.policy
	each(p.Tags, "tags", func(r tenant.Rule) tenant.Rule { return r }, f)
	each(p.Customers, "customers", func(o tenant.Override) tenant.Rule { return o.Rule }, f)
	each(p.Devices, "devices", func(o tenant.Override) tenant.Rule { return o.Rule }, f)
	each(p.Exclude, "exclude", func(e tenant.Exclusion) tenant.Rule { return e.Rule }, f)
	each(p.Windows, "windows", func(w tenant.Window) tenant.Rule { return w.Rule }, f)
	each(p.Snoozes, "snoozes", func(s tenant.Snooze) tenant.Rule { return s.Rule }, f)
	each(p.ExpectedErrors, "expectedErrors", func(e tenant.ExpectedError) tenant.Rule { return e.Rule }, f)
	each(p.CustomConditions, "customConditions", func(q tenant.CustomCondition) tenant.Rule { return q.Rule }, f)
}

func each[T any](all []T, list string, rule func(T) tenant.Rule, f func(list string, i int, r tenant.Rule)) {
	for i, x := range all {
		f(list, i, rule(x))
	}
}

// withheld finds snoozes and expected errors that have ended, or end too late.
func (c *checker) withheld() {
	look := func(list string, i int, r tenant.Rule, until time.Time) {
		switch {
		case !c.now.Before(until):
			c.report(false, r.Line, entry(list, i)+".until", "%q ended on %s; remove it", r.Name, until.Format(time.DateOnly))
		case until.Sub(c.now) > tenant.LongestWithheld:
			c.report(true, r.Line, entry(list, i)+".until", "%q ends more than 366 days ahead and is not in force before; write an earlier date and renew it then", r.Name)
		}
	}
	anything := func(pattern string) bool { return strings.Trim(pattern, "*") == "" }
	for i, s := range c.policy.Snoozes {
		look("snoozes", i, s.Rule, s.Until)
	}
	for i, e := range c.policy.ExpectedErrors {
		look("expectedErrors", i, e.Rule, e.Until)
		if anything(e.Text) && anything(e.Item) && anything(e.Code) {
			c.report(false, e.Line, entry("expectedErrors", i), "%q expects every error, which switches the condition errors off for these devices; name the text, item or code that is expected", e.Name)
		}
	}
}

// beginnings is how many beginnings of a window are looked at.
const beginnings = 400

// windows finds windows that begin again before they end, every time.
func (c *checker) windows() {
	for i, w := range c.policy.Windows {
		schedule, err := tenant.ParseCron(w.Cron)
		if err != nil { // reported when the document was read
			continue
		}
		closes := false
		at := schedule.Next(c.now)
		for range beginnings {
			next := schedule.Next(at)
			closes = closes || next.IsZero() || next.Sub(at) > w.Duration
			at = next
		}
		if !closes {
			c.report(true, w.Line, entry("windows", i), "%q begins again before it ends, so that it never ends; write a shorter duration, or exclude the devices", w.Name)
		}
	}
}

// conditions finds custom conditions that nothing ends or begins, and those that are switched off.
func (c *checker) conditions() {
	off := c.policy.Values["conditions.custom"] == tenant.Off
	for i, q := range c.policy.CustomConditions {
		e, err := expression.Compile(q.When)
		if err != nil { // reported when the document was read
			continue
		}
		key := entry("customConditions", i) + ".when"
		switch tried := e.Try(); {
		case tried.Always:
			c.report(true, q.Line, key, "%q holds for every device that can be thought of, so that nothing closes it; make it depend on something that recovers", q.Name)
		case tried.Never:
			c.report(false, q.Line, key, "%q seems to hold for no device; check it with covewise policy test", q.Name)
		case forLife(q.When):
			c.report(true, q.Line, key, "%q asks for nothing that a good backup or a contact ends, so that nothing closes it; make it depend on successHours, contactHours, errors or sources", q.Name)
		}
		if off && !c.switchedOn() {
			c.report(false, q.Line, entry("customConditions", i), "%q is not judged, because conditions.custom is off; switch it on or remove the condition", q.Name)
		}
	}
}

var (
	literals = regexp.MustCompile("\"[^\"]*\"|'[^']*'|`[^`]*`")
	// Facts that a backup, a contact or time changes for the better.
	recovers = regexp.MustCompile(`\b(successHours|contactHours|errors|sources|trial)\b|\bcreatedHours\s*<|>=?\s*createdHours\b|(!|\bnot)\s*succeeded\b|\bsucceeded\s*==\s*false\b`)
)

// forLife reports whether an expression uses only facts of a device that stay as they are once it holds.
func forLife(when string) bool { return !recovers.MatchString(literals.ReplaceAllString(when, "")) }

// switchedOn reports whether some override switches custom conditions on again.
func (c *checker) switchedOn() bool {
	on := func(o tenant.Override) bool { return o.Values["conditions.custom"] == tenant.On }
	return slices.ContainsFunc(c.policy.Customers, on) || slices.ContainsFunc(c.policy.Devices, on)
}

// noTag finds rules for tags that the policy gives nobody.
func (c *checker) noTag(list string, i int, r tenant.Rule) {
	for _, text := range r.Select.Tags {
		if !slices.ContainsFunc(c.policy.Tags, func(tag tenant.Rule) bool { return selector.Matches(text, tag.Name) }) {
			c.report(true, r.Line, entry(list, i)+".select.tag", "%q is for the tag %q, which policy.tags gives no device; add the tag there", r.Name, text)
		}
	}
}

// tagged returns a device with the tags that the policy gives it.
func (c *checker) tagged(s policy.Subject) policy.Subject {
	for _, tag := range c.policy.Tags {
		if policy.Fits(tag.Select, s) {
			s.Tags = append(slices.Clip(s.Tags), tag.Name)
		}
	}
	return s
}

// fitsKnown finds rules that fit no known device.
func (c *checker) fitsKnown(list string, i int, r tenant.Rule) {
	fits := func(s policy.Subject) bool { return policy.Fits(r.Select, c.tagged(s)) }
	if len(c.known) > 0 && !slices.ContainsFunc(c.known, fits) {
		c.report(false, r.Line, entry(list, i)+".select", "%q fits none of the %d known devices; check its names", r.Name, len(c.known))
	}
}
