// Package selector says whether a device is one of those that a rule of a tenant document is for. It is pure.
package selector

import (
	"slices"
	"strings"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Subject is a device as rules see it. Empty texts fit no pattern.
type Subject struct {
	DeviceID     string
	DeviceNames  []string // its names: the vendor's, the computer's, the alias
	Class        string   // "server", "workstation", "documents", "m365", or empty
	CustomerID   string
	CustomerName string
	Site         string
	ProfileID    string // of the backup profile
	Profile      string // its name
	Tags         []string
}

// Look is a subject made ready to be compared with many selectors.
type Look struct {
	customer, site, device, profile, tags []string // in lower case
	class                                 string
}

// LookAt makes a subject ready.
func LookAt(of Subject) *Look {
	texts := make([]string, 0, 6+len(of.DeviceNames)+len(of.Tags))
	lower := func(all ...string) []string {
		from := len(texts)
		for _, text := range all {
			texts = append(texts, strings.ToLower(text))
		}
		return texts[from:len(texts):len(texts)]
	}
	return &Look{
		customer: lower(of.CustomerID, of.CustomerName), site: lower(of.Site), device: append(lower(of.DeviceNames...), of.DeviceID),
		profile: lower(of.ProfileID, of.Profile), tags: lower(of.Tags...), class: of.Class,
	}
}

// Tag adds a tag to the subject.
func (l *Look) Tag(name string) { l.tags = append(l.tags, strings.ToLower(name)) }

// Selector chooses devices: each of its lists that is not empty must hold something that fits.
type Selector struct {
	customers, sites, devices, profiles, tags Patterns
	classes                                   []string
}

// Compile makes the selector of a policy or of a rule ready. A nil one chooses all devices.
func Compile(s *tenantv1.Selector) Selector {
	return Selector{
		customers: NewPatterns(s.GetCustomers()...), sites: NewPatterns(s.GetSites()...), devices: NewPatterns(s.GetDevices()...),
		profiles: NewPatterns(s.GetProfiles()...), tags: NewPatterns(s.GetTags()...), classes: s.GetClasses(),
	}
}

// Fits reports whether the selector chooses a device.
func (s *Selector) Fits(l *Look) bool {
	return s.customers.fitAny(l.customer) && s.sites.fitAny(l.site) && s.devices.fitAny(l.device) && s.profiles.fitAny(l.profile) &&
		s.tags.fitAny(l.tags) && (len(s.classes) == 0 || slices.Contains(s.classes, l.class))
}

// Fits reports whether a selector chooses a subject. Who asks often compiles the one and looks at the other once.
func Fits(s *tenantv1.Selector, of Subject) bool {
	compiled := Compile(s)
	return compiled.Fits(LookAt(of))
}
