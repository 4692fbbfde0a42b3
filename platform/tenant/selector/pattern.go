package selector

import (
	"strings"
	"unicode/utf8"
)

// Patterns are texts in which "*" stands for any text and "?" for one letter. Case is ignored.
type Patterns []pattern

// NewPatterns makes patterns ready.
func NewPatterns(texts ...string) Patterns {
	var out Patterns
	for _, text := range texts {
		out = append(out, newPattern(text))
	}
	return out
}

// Fit reports whether one of the patterns fits a whole text; with no patterns every text does.
func (p Patterns) Fit(text string) bool {
	if len(p) == 0 {
		return true
	}
	text = strings.ToLower(text)
	for _, one := range p {
		if one.fits(text) {
			return true
		}
	}
	return false
}

// fitAny reports whether one of the patterns fits one of the texts, which are in lower case. No pattern fits an empty text.
func (p Patterns) fitAny(texts []string) bool {
	for _, one := range p {
		for _, text := range texts {
			if text != "" && one.fits(text) {
				return true
			}
		}
	}
	return len(p) == 0
}

// Matches reports whether a whole text fits a pattern.
func Matches(pattern, text string) bool { return newPattern(pattern).fits(strings.ToLower(text)) }

// pattern is a text in lower case.
type pattern struct {
	text  string
	exact bool
}

func newPattern(s string) pattern {
	return pattern{text: strings.ToLower(s), exact: !strings.ContainsAny(s, "*?")}
}

// fits goes back to the last "*" only, so that it takes at most len(pattern) * len(text) steps.
func (p pattern) fits(text string) bool {
	if p.exact {
		return p.text == text
	}
	pattern := p.text
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

// letter returns the size of the first letter.
func letter(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}
