// Package letters finds letters that look like others in what people wrote into documents: a Cyrillic С in "Сontinuity"
// matches nothing that was typed on a Latin keyboard. It knows no documents; texts are given.
package letters

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scripts are those whose letters are mistaken for one another.
var scripts = []struct {
	name  string
	table *unicode.RangeTable
}{
	{"Latin", unicode.Latin}, {"Cyrillic", unicode.Cyrillic}, {"Greek", unicode.Greek}, {"Armenian", unicode.Armenian}, {"Cherokee", unicode.Cherokee},
}

// LookAlike returns what is suspicious about a text's letters, or "": a word of several scripts, a word of another script
// that looks Latin, or signs that cannot be seen.
func LookAlike(text string) string {
	for _, r := range text {
		if unicode.In(r, unicode.Cf) || unicode.IsSpace(r) && r != ' ' {
			return fmt.Sprintf("holds a sign that cannot be seen (U+%04X)", r)
		}
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if found := scriptsOf(word); len(found) > 1 {
			odd := foreign(word)
			return fmt.Sprintf("mixes %s letters in one word: %q is %s (U+%04X)", strings.Join(found, " and "), odd, scriptOf(odd), odd)
		}
	}
	return disguised(text)
}

// BeyondASCII returns which letter of a text is none of ASCII, or "".
func BeyondASCII(text string) string {
	for _, r := range text {
		if r > unicode.MaxASCII {
			return fmt.Sprintf("holds %q (U+%04X), which is not ASCII", r, r)
		}
	}
	return ""
}

// twins are the Cyrillic and Greek letters that have a Latin twin.
const twins = "АВЕЅІЈКМНОРСТУХаеѕіјорсухԁԛԝ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο"

// shortestDisguise is how many letters a word has at least before it is suspected: initials are no names.
const shortestDisguise = 3

// disguised finds words that are wholly of letters of another script and look Latin all the same. A text with any letter
// that only Cyrillic or Greek has is taken for what it is.
func disguised(text string) string {
	for _, r := range text {
		if s := scriptOf(r); (s == "Cyrillic" || s == "Greek") && !strings.ContainsRune(twins, r) {
			return ""
		}
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) }) {
		first, _ := utf8.DecodeRuneInString(word)
		if s := scriptOf(first); s != "Latin" && s != "" && utf8.RuneCountInString(word) >= shortestDisguise {
			return fmt.Sprintf("is of %s letters that look like Latin ones: %q (U+%04X)", s, first, first)
		}
	}
	return ""
}

func scriptOf(r rune) string {
	for _, s := range scripts {
		if unicode.Is(s.table, r) {
			return s.name
		}
	}
	return ""
}

func scriptsOf(word string) []string {
	var found []string
	for _, r := range word {
		if s := scriptOf(r); s != "" && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	slices.Sort(found)
	return found
}

// foreign returns the first letter of the script that has the fewest letters in the word.
func foreign(word string) rune {
	count := map[string]int{}
	for _, r := range word {
		count[scriptOf(r)]++
	}
	fewest := rune(0)
	for _, r := range word {
		if s := scriptOf(r); s != "" && (fewest == 0 || count[s] < count[scriptOf(fewest)]) {
			fewest = r
		}
	}
	return fewest
}
