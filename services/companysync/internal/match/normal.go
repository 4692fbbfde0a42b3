package match

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normal returns the form in which two names that people take for the same are equal: Unicode NFC, folded case, single
// blanks, one spelling for each legal form, and no e-mail address in brackets at the end. Legal forms are spelled alike
// and not cut off: "Acme Ltd" and "Acme GmbH" are different companies.
func Normal(name string) string {
	stem, forms := parts(name)
	return strings.Join(append(stem, forms...), " ")
}

// core is Normal without the legal form.
func core(name string) string {
	stem, _ := parts(name)
	return strings.Join(stem, " ")
}

// address is an e-mail address in brackets at the end of a name; Cove's console makes customers such names.
var address = regexp.MustCompile(`\s*\([^()\s]*@[^()\s]*\)\s*$`)

// Plain returns the customer's name as people say it: without an e-mail address in brackets at the end and without the
// id of the convention "Name | CWM ~ 1445".
func Plain(name string) string {
	name = strings.TrimSpace(address.ReplaceAllString(name, ""))
	if at := convention.FindStringIndex(name); at != nil {
		name = name[:at[0]]
	}
	return strings.TrimSpace(name)
}

// folded is a name in NFC, folded case and single blanks.
func folded(name string) string {
	// A Caser keeps state between calls, so that each call has its own.
	fold := cases.Fold()
	return strings.Join(strings.Fields(norm.NFC.String(fold.String(norm.NFC.String(name)))), " ")
}

// legalForms are the spellings of legal forms, folded and without dots, with the one that stands for all of them.
func legalForms() map[string]string {
	return map[string]string{
		"ltd": "limited", "limited": "limited", "inc": "incorporated", "incorporated": "incorporated",
		"corp": "corporation", "corporation": "corporation", "co": "company", "company": "company",
		"llc": "llc", "llp": "llp", "lp": "lp", "plc": "plc", "pllc": "pllc", "pc": "pc",
		"pty": "proprietary", "proprietary": "proprietary", "pte": "private", "pvt": "private", "private": "private",
		"gmbh": "gmbh", "mbh": "mbh", "ag": "ag", "aktiengesellschaft": "ag", "kg": "kg", "kommanditgesellschaft": "kg",
		"kgaa": "kgaa", "ohg": "ohg", "ug": "ug", "gbr": "gbr", "ev": "ev", "eg": "eg", "ek": "ek", "se": "se",
		"bv": "bv", "nv": "nv", "vof": "vof", "sa": "sa", "sas": "sas", "sarl": "sarl", "srl": "srl", "spa": "spa", "sl": "sl",
		"ab": "ab", "aktiebolag": "ab", "as": "as", "a/s": "as", "aps": "aps", "oy": "oy", "oyj": "oyj", "sp": "sp", "zoo": "zoo",
	}
}

// longForms are legal forms of several words.
func longForms() [][2]string {
	return [][2]string{
		{"gesellschaft mit beschränkter haftung", "gmbh"},
		{"public limited company", "plc"},
		{"limited liability company", "llc"},
		{"limited liability partnership", "llp"},
		{"besloten vennootschap", "bv"},
		{"naamloze vennootschap", "nv"},
	}
}

// spelled is made once: it is only read.
var spelled = legalForms()

// parts takes a name apart into its words and the legal forms at its end, both in their normal spelling.
func parts(name string) (stem, forms []string) {
	text := folded(Plain(name))
	for _, long := range longForms() {
		if rest, ok := strings.CutSuffix(text, " "+long[0]); ok {
			text = rest + " " + long[1]
			break
		}
	}
	stem = strings.Fields(text)
	for len(stem) > 1 {
		form, known := spelled[strings.Trim(strings.ReplaceAll(stem[len(stem)-1], ".", ""), ",")]
		if !known {
			break
		}
		forms = slices.Insert(forms, 0, form)
		stem = stem[:len(stem)-1]
		if bare := strings.TrimRight(stem[len(stem)-1], ","); bare != "" {
			stem[len(stem)-1] = bare
		}
	}
	return stem, forms
}

// cuts returns the folded beginnings that a name has when people or programs cut it at 50 characters or at 50 UTF-16
// units; none when it is not longer.
func cuts(name string) []string {
	var all []string
	for _, text := range []string{norm.NFC.String(name), norm.NFC.String(Plain(name))} {
		runes := []rune(text)
		if len(utf16.Encode(runes)) <= cutAt {
			continue
		}
		units, end := 0, 0
		for end < len(runes) && units+utf16.RuneLen(runes[end]) <= cutAt {
			units += max(utf16.RuneLen(runes[end]), 1)
			end++
		}
		for _, n := range []int{end, min(cutAt, len(runes))} {
			if cut := folded(string(runes[:n])); n < len(runes) && !slices.Contains(all, cut) {
				all = append(all, cut)
			}
		}
	}
	return all
}

// piece returns what every company that could be the customer's by its name has in its own: the longest run of ASCII
// letters and digits, because servers differ in how they compare others, or else the longest word. It is looked for
// in the first 50 characters, and holds nothing that a condition could misread. It is empty for a name without
// letters and digits.
func piece(name string) string {
	stem, _ := splitStem(name)
	runes := []rune(norm.NFC.String(stem))
	text := string(runes[:min(cutAt, len(runes))])
	longest := func(keep func(rune) bool) (found string) {
		for run := range strings.FieldsFuncSeq(text, func(r rune) bool { return !keep(r) }) {
			if len([]rune(run)) > len([]rune(found)) {
				found = run
			}
		}
		return found
	}
	const telling = 4
	if run := longest(func(r rune) bool { return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) }); len(run) >= telling {
		return run
	}
	return longest(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) })
}

// splitStem separates the legal forms from a name without changing the rest's spelling.
func splitStem(name string) (stem, forms string) {
	words := strings.Fields(Plain(name))
	kept, _ := parts(name)
	n := min(len(kept), len(words))
	return strings.Join(words[:n], " "), strings.Join(words[n:], " ")
}
