package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/selector"
)

// overrides finds overrides that say nothing, or nothing of those they choose.
func (c *checker) overrides(list string, all []tenant.Override) {
	for i, o := range all {
		if len(o.Values) == 0 {
			c.report(false, o.Line, entry(list, i), "%q sets nothing; add a value or remove it", o.Name)
		}
		for _, name := range slices.Sorted(maps.Keys(o.Values)) {
			_, class, _ := tenant.KeyOf(name)
			if len(o.Select.Classes) > 0 && slices.Contains(tenant.Classes(), class) && !slices.Contains(o.Select.Classes, class) {
				c.report(true, o.Line, entry(list, i)+"."+name, "%q chooses %s only, so that this is never used; remove it", o.Name, strings.Join(o.Select.Classes, ", "))
			}
			if o.Values[name] == tenant.Inherit && !setBefore(name, all[:i]) {
				c.report(false, o.Line, entry(list, i)+"."+name, "%q inherits what no earlier override of %s sets, which it would anyway; remove it", o.Name, list)
			}
		}
	}
}

// setBefore reports whether one of the overrides sets something that inherit would undo.
func setBefore(name string, before []tenant.Override) bool {
	return slices.ContainsFunc(before, func(o tenant.Override) bool {
		for other := range o.Values {
			if other == name || under(other, name) || under(name, other) {
				return true
			}
		}
		return false
	})
}

// under reports whether a name is a part of a key: "stale.server" of "stale".
func under(name, key string) bool {
	k, part, _ := tenant.KeyOf(name)
	return part != "" && k.Name == key
}

// overridden finds overrides of which everything is always overridden by one that comes later or stands higher.
func (c *checker) overridden() {
	for i, o := range c.policy.Customers {
		later := slices.Concat(c.policy.Customers[i+1:], c.policy.Devices)
		c.always("customers", i, o, later)
	}
	for i, o := range c.policy.Devices {
		c.always("devices", i, o, c.policy.Devices[i+1:])
	}
}

func (c *checker) always(list string, i int, o tenant.Override, later []tenant.Override) {
	for _, other := range later {
		if len(o.Values) > 0 && covers(other.Select, o.Select) && saysAll(other.Values, o.Values) {
			c.report(true, o.Line, entry(list, i), "%q is always overridden by %q on line %d; put it after that, or remove it", o.Name, other.Name, other.Line)
			return
		}
	}
}

// saysAll reports whether an override sets everything that another sets.
func saysAll(values, of map[string]string) bool {
	for name := range of {
		key, part, _ := tenant.KeyOf(name)
		_, same := values[name]
		_, whole := values[key.Name]
		byClass := part == "" && key.ByClass
		for _, class := range tenant.Classes() {
			_, set := values[key.Name+"."+class]
			byClass = byClass && set
		}
		if !same && !whole && !byClass {
			return false
		}
	}
	return true
}

// excluded finds rules for devices that are left out anyway.
func (c *checker) excluded() {
	c.everyRule(func(list string, i int, r tenant.Rule) {
		for j, e := range c.policy.Exclude {
			if list == "exclude" && j >= i {
				break
			}
			if !isEverything(r.Select) && covers(e.Select, r.Select) {
				c.report(list == "exclude", r.Line, entry(list, i), "%q is only for devices that the exclusion %q on line %d leaves out; remove one of them", r.Name, e.Name, e.Line)
				return
			}
		}
	})
}

func isEverything(s tenant.Selector) bool {
	return len(s.Customers)+len(s.Sites)+len(s.Classes)+len(s.Devices)+len(s.Profiles)+len(s.Tags) == 0
}

// covers reports whether a selector surely chooses every device that another one chooses.
func covers(wide, narrow tenant.Selector) bool {
	return coversTexts(wide.Customers, narrow.Customers) && coversTexts(wide.Sites, narrow.Sites) &&
		coversTexts(wide.Classes, narrow.Classes) && coversTexts(wide.Devices, narrow.Devices) &&
		coversTexts(wide.Profiles, narrow.Profiles) && coversTexts(wide.Tags, narrow.Tags)
}

func coversTexts(wide, narrow []string) bool {
	if len(wide) == 0 {
		return true
	}
	for _, text := range narrow {
		if !slices.ContainsFunc(wide, func(w string) bool { return coversText(w, text) }) {
			return false
		}
	}
	return len(narrow) > 0
}

// coversText matches a pattern as if it were a text. That is right only for patterns without "?", because a "*" of
// the text stands for any number of letters.
func coversText(wide, narrow string) bool {
	return strings.EqualFold(wide, narrow) || !strings.Contains(wide, "?") && selector.Matches(wide, narrow)
}
