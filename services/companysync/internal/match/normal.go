package match

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// Normal returns the form in which two names that people take for the same are equal: Unicode NFC, folded case, single
// blanks, one spelling for each legal form, and no e-mail address in brackets at the end. Legal forms are spelled alike
// and not cut off: "Acme Ltd" and "Acme GmbH" are different companies.
func Normal(name string) string {
	stem, forms := parts(name)
	return strings.Join(append(stem, forms...), " ")
}

// SameName says whether two names are equal but for what Normal levels. Names of which nothing is left, such as an e-mail
// address alone, are like no other.
func SameName(a, b string) bool {
	normal := Normal(a)
	return normal != "" && normal == Normal(b)
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
		name = address.ReplaceAllString(name[:at[0]], "")
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
		"pty": "proprietary", "proprietary": "proprietary", "pvt": "private", "private": "private",
		// Spelled alike, these are forms of different countries: a Singapore Pte is no Indian Private, a Danish A/S no Norwegian AS.
		"pte": "pte", "as": "as", "a/s": "a/s",
		"gmbh": "gmbh", "mbh": "mbh", "ag": "ag", "aktiengesellschaft": "ag", "kg": "kg", "kommanditgesellschaft": "kg",
		"kgaa": "kgaa", "ohg": "ohg", "ug": "ug", "gbr": "gbr", "ev": "ev", "eg": "eg", "ek": "ek", "se": "se",
		"bv": "bv", "nv": "nv", "vof": "vof", "sa": "sa", "sas": "sas", "sarl": "sarl", "srl": "srl", "spa": "spa", "sl": "sl",
		"ab": "ab", "aktiebolag": "ab", "aps": "aps", "oy": "oy", "oyj": "oyj", "spzoo": "spzoo",
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
		{"spółka z ograniczoną odpowiedzialnością", "spzoo"},
		{"sp. z o.o.", "spzoo"},
		{"sp. z o. o.", "spzoo"},
		{"sp.z o.o.", "spzoo"},
		{"sp z o.o.", "spzoo"},
		{"sp z oo", "spzoo"},
		{"sp. z oo", "spzoo"},
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

// telling is how long a piece of a name must be to be looked for alone.
const telling = 4

// pieces returns what is looked for in companies' names: every company that could be the customer's by its name has one
// of them in its own, in whatever case. They are taken from the first 50 characters and hold nothing that a condition
// could misread. The best is the longest run of ASCII letters and digits that no other spelling of an equal name
// changes; a name without such a run is looked for by its longest word in each of the word's spellings, because servers
// differ in how they compare what is not ASCII. There is none for a name without letters and digits.
func pieces(name string) []string {
	stem, _ := splitStem(name)
	runes := []rune(norm.NFC.String(stem))
	runes = runes[:min(cutAt, len(runes))]
	if run := longest(steady(runes)); len(run) >= telling {
		return []string{run}
	}
	word := longestWord(runes)
	if word == "" {
		return nil
	}
	written := []rune(stem) // composing replaces some signs for good: the customer's own spelling is another one
	var all []string
	for _, spelling := range []string{
		word, longestWord(written[:min(cutAt, len(written))]), norm.NFC.String(cases.Fold().String(word)), norm.NFD.String(word), cases.Upper(language.Und).String(word),
		strings.ReplaceAll(strings.ReplaceAll(word, "ss", "ß"), "SS", "ß"), strings.ReplaceAll(strings.ToLower(word), "ss", "ß"),
	} {
		if !slices.ContainsFunc(all, func(known string) bool { return strings.EqualFold(known, spelling) }) {
			all = append(all, spelling)
		}
	}
	return all
}

// steady returns the runs of ASCII letters and digits that are the same, but for case, in every name that is equal
// when folded: without s and k (ß, long s and the Kelvin sign fold to them), without f and what follows it
// (ligatures), and without a letter that a combining mark belongs to.
func steady(runes []rune) []string {
	var runs []string
	var run []rune
	end := func() {
		runs, run = append(runs, string(run)), nil
	}
	for i, r := range runes {
		switch {
		case r >= unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r), strings.ContainsRune("sSkKfF", r),
			i+1 < len(runes) && unicode.IsMark(runes[i+1]),
			i > 0 && strings.ContainsRune("fFsS", runes[i-1]) && strings.ContainsRune("iIlLtT", r):
			end()
		default:
			run = append(run, r)
		}
	}
	end()
	return runs
}

// longest returns the first of the longest texts.
func longest(texts []string) (found string) {
	for _, text := range texts {
		if len([]rune(text)) > len([]rune(found)) {
			found = text
		}
	}
	return found
}

func longestWord(runes []rune) string {
	return longest(strings.FieldsFunc(string(runes), func(r rune) bool { return !isWordRune(r) }))
}

// splitStem separates the legal forms from a name without changing the rest's spelling.
func splitStem(name string) (stem, forms string) {
	words := strings.Fields(Plain(name))
	kept, _ := parts(name)
	n := min(len(kept), len(words))
	return strings.Join(words[:n], " "), strings.Join(words[n:], " ")
}
