// Package selector says whether a device is one of those that a rule of a tenant document is for. It is pure.
package selector

import (
	"slices"
	"strings"
	"unicode/utf8"

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
	Profile      string // name of the backup profile
	Tags         []string
}

// Fits reports whether a selector chooses a subject: each list that is not empty must hold something that fits.
func Fits(s *tenantv1.Selector, of Subject) bool {
	return fitsAny(s.GetCustomers(), of.CustomerID, of.CustomerName) &&
		fitsAny(s.GetSites(), of.Site) &&
		fitsAny(s.GetDevices(), append([]string{of.DeviceID}, of.DeviceNames...)...) &&
		fitsAny(s.GetProfiles(), of.Profile) &&
		fitsAny(s.GetTags(), of.Tags...) &&
		(len(s.GetClasses()) == 0 || slices.Contains(s.GetClasses(), of.Class))
}

func fitsAny(patterns []string, texts ...string) bool {
	if len(patterns) == 0 {
		return true
	}
	for _, pattern := range patterns {
		for _, text := range texts {
			if text != "" && Matches(pattern, text) {
				return true
			}
		}
	}
	return false
}

// Matches reports whether a whole text fits a pattern, in which "*" stands for any text and "?" for one letter. Case is
// ignored. It goes back to the last "*" only, so that it takes at most len(pattern) * len(text) steps.
func Matches(pattern, text string) bool {
	pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	star, resume := "", ""
	starred := false
	for text != "" {
		switch {
		case strings.HasPrefix(pattern, "*"):
			starred, star, resume = true, pattern[1:], text
			pattern = star
		case strings.HasPrefix(pattern, "?"):
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

func letter(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}
