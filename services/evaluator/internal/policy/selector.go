package policy

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// look is a subject as patterns see it: in lower case.
type look struct {
	customer [2]string // id, name
	site     [1]string
	device   [4]string // id, name, computer name, alias
	profile  [2]string // id, name
	tags     []string
	class    incidentv1.DeviceClass
}

func lookOf(s Subject) look {
	l := look{
		customer: [...]string{s.CustomerID, strings.ToLower(s.CustomerName)},
		site:     [...]string{strings.ToLower(s.Site)},
		device:   [...]string{s.DeviceID, strings.ToLower(s.Name), strings.ToLower(s.ComputerName), strings.ToLower(s.Alias)},
		profile:  [...]string{"", strings.ToLower(s.Profile)},
		class:    s.Class,
	}
	if s.ProfileID != 0 {
		l.profile[0] = strconv.FormatInt(s.ProfileID, 10)
	}
	for _, tag := range s.Tags {
		l.tags = append(l.tags, strings.ToLower(tag))
	}
	return l
}

// selector chooses devices.
type selector struct {
	customers, sites, devices, profiles, tags []pattern
	classes                                   []incidentv1.DeviceClass
}

func newSelector(s *tenantv1.Selector) selector {
	out := selector{
		customers: patterns(s.GetCustomers()), sites: patterns(s.GetSites()), devices: patterns(s.GetDevices()),
		profiles: patterns(s.GetProfiles()), tags: patterns(s.GetTags()),
	}
	for class, word := range classWords {
		if word != "" && slices.Contains(s.GetClasses(), word) {
			out.classes = append(out.classes, class)
		}
	}
	return out
}

func (s *selector) fits(l *look) bool {
	return fitsAny(s.customers, l.customer[:]) && fitsAny(s.sites, l.site[:]) && fitsAny(s.devices, l.device[:]) &&
		fitsAny(s.profiles, l.profile[:]) && fitsAny(s.tags, l.tags) &&
		(len(s.classes) == 0 || slices.Contains(s.classes, l.class))
}

func fitsAny(patterns []pattern, texts []string) bool {
	for _, p := range patterns {
		for _, text := range texts {
			if text != "" && p.fits(text) {
				return true
			}
		}
	}
	return len(patterns) == 0
}

// pattern is a text in lower case with the wildcards "*" and "?".
type pattern struct {
	text  string
	exact bool
}

func newPattern(s string) pattern {
	return pattern{text: strings.ToLower(s), exact: !strings.ContainsAny(s, "*?")}
}

func patterns(texts []string) []pattern {
	var out []pattern
	for _, text := range texts {
		out = append(out, newPattern(text))
	}
	return out
}

// fits matches the whole text. It goes back to the last "*" only, so that it takes at most len(pattern) * len(text)
// steps.
func (p pattern) fits(text string) bool {
	if p.exact {
		return p.text == text
	}
	pattern := p.text
	star, resume := "", ""
	starred := false
	for text != "" {
		switch {
		case pattern != "" && pattern[0] == '*':
			starred, star, resume = true, pattern[1:], text
			pattern = star
		case pattern != "" && pattern[0] == '?':
			pattern, text = pattern[1:], text[letter(text):]
		case pattern != "" && pattern[0] == text[0]:
			pattern, text = pattern[1:], text[1:]
		case starred && resume != "":
			resume = resume[letter(resume):]
			pattern, text = star, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern, "*") == ""
}

// letter returns the size of the first letter.
func letter(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}

// Matches reports whether a text, whole, fits a pattern with the wildcards "*" and "?". Case is ignored.
func Matches(p, text string) bool { return newPattern(p).fits(strings.ToLower(text)) }

// Fits reports whether a selector of a document chooses a device.
func Fits(s tenant.Selector, device Subject) bool {
	compiled := newSelector(&tenantv1.Selector{
		Customers: s.Customers, Sites: s.Sites, Classes: s.Classes, Devices: s.Devices, Profiles: s.Profiles, Tags: s.Tags,
	})
	look := lookOf(device)
	return compiled.fits(&look)
}
