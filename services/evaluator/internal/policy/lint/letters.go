package lint

import (
	"slices"
	"strings"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/letters"
)

// wildcards finds signs that are wildcards elsewhere.
func (c *checker) wildcards(list string, i int, r tenant.Rule) {
	for _, text := range patternsOf(r.Select) {
		if strings.Contains(text, "%") {
			c.report(false, r.Line, entry(list, i)+".select", "%q holds %%, which is no wildcard here; write * for any text", text)
		}
	}
}

func patternsOf(s tenant.Selector) []string {
	return slices.Concat(s.Customers, s.Sites, s.Devices, s.Profiles, s.Tags)
}

// letters finds letters that look like others, in everything that is compared or read.
func (c *checker) letters() {
	look := func(line int, key string, texts ...string) {
		for _, text := range texts {
			if complaint := letters.LookAlike(text); complaint != "" {
				c.report(false, line, key, "%q %s; type it anew", text, complaint)
			}
		}
	}
	c.everyRule(func(list string, i int, r tenant.Rule) {
		look(r.Line, entry(list, i)+".name", r.Name)
		look(r.Line, entry(list, i)+".select", patternsOf(r.Select)...)
	})
	for i, e := range c.policy.ExpectedErrors {
		look(e.Line, entry("expectedErrors", i), e.Text, e.Item, e.Code)
	}
	for i, q := range c.policy.CustomConditions {
		look(q.Line, entry("customConditions", i)+".when", q.When)
	}
}
