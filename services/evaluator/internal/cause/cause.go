// Package cause evens out the texts of session errors, so that two texts of one cause are equal. It owns what counts
// as a particular of a device or of a run: names, paths, addresses, hosts, ids, times, numbers. It judges nothing.
package cause

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longest is how much of a text tells causes apart, in characters.
const longest = 300

// particular is a pattern of what differs in texts of one cause. Whatever it matches holds one of its marks, and a text
// that holds none is not searched: every text of a device in trouble is evened out in every sweep, and most hold few.
type particular struct {
	marks   string // of which each match has at least one
	pattern *regexp.Regexp
	with    string
}

// particulars are in the order in which they are taken out. Codes of errors (0x800423F4, error 404) stay: they are the
// cause.
var particulars = []particular{
	{"@", regexp.MustCompile(`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+`), "<address>"},
	{"-", regexp.MustCompile(`\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?`), "<id>"},
	{"-", regexp.MustCompile(`\d{4}-\d{2}-\d{2}([t ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(z|[+-]\d{2}:?\d{2})?)?`), "<time>"},
	{":", regexp.MustCompile(`\b\d{1,2}:\d{2}:\d{2}(\.\d+)?\b`), "<time>"},
	{":", regexp.MustCompile(`\bhttps?://[^\s"',;)]+`), "<host>"},
	{"[.", regexp.MustCompile(`(\[[0-9a-f:]*:[0-9a-f:]+\]|\b\d{1,3}(\.\d{1,3}){3})(:\d+)?`), "<host>"},
	// A folder may have blanks in its name, because a backslash ends it; the last name ends at the first blank.
	{`\`, regexp.MustCompile(`\b[a-z]:\\([^\\"',;:]+\\)*[^\s"',;:]*`), "<path>"},
	{`\`, regexp.MustCompile(`\\\\([^\\"',;:]+\\)*[^\s"',;:]+`), "<path>"},
	{"/", regexp.MustCompile(`(^|[\s"'(=])/[^\s"',;:)]+`), "$1<path>"},
	{".", regexp.MustCompile(`\b([a-z0-9-]+\.)+[a-z]{2,}(:\d+)\b`), "<host>"},
	{".", regexp.MustCompile(`\b([a-z0-9-]+\.){2,}[a-z]{2,}\b`), "<host>"},
}

// Marks, as those of a particular, of what is quoted and of codes, ids and numbers.
const (
	quotes = `"'`
	digits = "0123456789"
)

var (
	// A number after one of these words is a code, and so is one in hexadecimal with its mark.
	codes = regexp.MustCompile(`\b(0x[0-9a-f]+|((error|code|status|hresult|errno|event|http)( id| code| number)?[ :=#(]*-?\d+))\b`)
	// An id has a digit; a word made of a to f has none.
	ids     = regexp.MustCompile(`\b([0-9a-f]*\d[0-9a-f]*[a-f][0-9a-f]*|[0-9a-f]*[a-f][0-9a-f]*\d[0-9a-f]*)\b`)
	numbers = regexp.MustCompile(`\d+`)
	quoted  = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// shortestID is how many characters an id has at least; shorter ones are parts of names, such as d1.
const shortestID = 4

// Text evens out a text for the comparison of devices: in lower case and without particulars, at most 300 characters.
// names are the device's own, which are taken out too.
func Text(text string, names ...string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, name := range names {
		text = withoutWord(text, strings.ToLower(name))
	}
	for _, x := range particulars {
		if strings.ContainsAny(text, x.marks) {
			text = x.pattern.ReplaceAllString(text, x.with)
		}
	}
	if strings.ContainsAny(text, digits) {
		text = betweenCodes(text, withoutNumbers)
	}
	if utf8.RuneCountInString(text) > longest {
		text = string([]rune(text)[:longest])
	}
	return text
}

// Run evens out a text for the comparison of one device's runs. What is quoted is then the item of that run; between
// devices it may be all that tells two causes apart, so Text keeps it.
func Run(text string) string {
	if strings.ContainsAny(text, quotes) {
		text = quoted.ReplaceAllString(text, "#")
	}
	return Text(text)
}

// withoutNumbers takes ids and numbers out of what is no code.
func withoutNumbers(text string) string {
	text = ids.ReplaceAllStringFunc(text, func(id string) string {
		if len(id) < shortestID {
			return id
		}
		return "<id>"
	})
	return numbers.ReplaceAllString(text, "#")
}

// betweenCodes applies f to what is no code of an error.
func betweenCodes(text string, f func(string) string) string {
	var b strings.Builder
	end := 0
	for _, at := range codes.FindAllStringIndex(text, -1) {
		b.WriteString(f(text[end:at[0]]))
		b.WriteString(text[at[0]:at[1]])
		end = at[1]
	}
	b.WriteString(f(text[end:]))
	return b.String()
}

// withoutWord takes a device's name out of a text where it stands for itself: in "connection reset", a device called
// "set" is not meant.
func withoutWord(text, name string) string {
	if utf8.RuneCountInString(name) < 3 {
		return text
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, name)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		last, _ := utf8.DecodeLastRuneInString(b.String())
		next, _ := utf8.DecodeRuneInString(after)
		if inWord(last) || inWord(next) {
			b.WriteString(name)
		} else {
			b.WriteString("<device>")
		}
		text = after
	}
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' }
