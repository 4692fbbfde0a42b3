// Package identifier makes company identifiers out of names: short, readable and unique. It is pure; what is taken is
// told by the caller.
package identifier

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"
)

// Longest is the number of characters that every ConnectWise takes for an identifier (the limit of its older pages;
// the OpenAPI description of 2025.1 says 30, that of 2026.11 says 156).
const Longest = 25

// shortest is what an abbreviation must have to be readable, in letters: of a first word and of an acronym.
const (
	shortestWord    = 5
	shortestAcronym = 3
)

// Suggest returns the first identifier for a name that is not taken: the whole name, as many whole words as fit, its
// beginning, its first word, its acronym, and at last its beginning with the customer's id, which is unique. Letters of
// other scripts are written in Latin ones. It has 1 to Longest characters, all ASCII letters and digits, whatever the
// name.
func Suggest(name, customer string, taken func(identifier string) bool) string {
	for _, candidate := range Candidates(name, customer) {
		if !taken(candidate) {
			return candidate
		}
	}
	return WithID(name, customer)
}

// Candidates returns the identifiers for a name, best first, each once. The last is WithID.
func Candidates(name, customer string) []string {
	words := latin(name)
	var all []string
	add := func(candidate string, least int) {
		if len(candidate) < max(least, 1) || len(candidate) > Longest {
			return
		}
		for _, known := range all {
			if strings.EqualFold(known, candidate) {
				return
			}
		}
		all = append(all, candidate)
	}
	whole := strings.Join(words, "")
	add(whole, 1)
	fitting := ""
	for _, word := range words {
		if len(fitting)+len(word) > Longest {
			break
		}
		fitting += word
	}
	add(fitting, shortestWord)
	add(whole[:min(Longest, len(whole))], 1)
	if len(words) > 1 {
		add(words[0], shortestWord)
		add(acronym(words), shortestAcronym)
	}
	add(WithID(name, customer), 1)
	return all
}

// WithID returns an identifier that no other customer's name can lead to: the beginning of the name and the customer's
// id.
func WithID(name, customer string) string {
	id := strings.Join(latin(customer), "")
	id = id[max(0, len(id)-Longest+1):]
	whole := strings.Join(latin(name), "")
	if whole == "" {
		whole = "Customer"
	}
	return whole[:min(len(whole), Longest-len(id))] + id
}

func acronym(words []string) string {
	var b strings.Builder
	for _, word := range words {
		b.WriteString(strings.ToUpper(word[:1]))
	}
	return b.String()
}

// latin returns the words of a name in ASCII letters and digits. Apostrophes and dots stand within words, everything
// else between them.
func latin(name string) []string {
	var words []string
	for field := range strings.FieldsFuncSeq(norm.NFC.String(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("'’.", r)
	}) {
		// The transliteration of one word can be several: each sign of Chinese becomes a syllable.
		for word := range strings.FieldsSeq(unidecode.Unidecode(field)) {
			word = strings.Map(func(r rune) rune {
				if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
					return r
				}
				return -1
			}, word)
			if word != "" {
				words = append(words, word)
			}
		}
	}
	return words
}
