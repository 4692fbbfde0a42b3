package tenant

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unreadableText finds what the YAML parser refuses without giving a line: bytes that are no text.
func unreadableText(text []byte) (line int, complaint string) {
	const nextLine = '\u0085' // allowed by YAML
	for i, l := range bytes.Split(text, []byte("\n")) {
		if !utf8.Valid(l) {
			return i + 1, "is not UTF-8 text; save the file as UTF-8"
		}
		if bytes.ContainsFunc(l, func(c rune) bool { return unicode.IsControl(c) && c != '\t' && c != '\r' && c != nextLine }) {
			return i + 1, "holds a control character; save the file as plain UTF-8 text"
		}
	}
	return 0, ""
}

var (
	parserMessage = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	tabIndented   = regexp.MustCompile(`^ *\t`)
)

// syntaxComplaint turns an error of the YAML parser into a line of the file and a text that repeats
// nothing of its content.
func syntaxComplaint(err error, text []byte) (line int, complaint string) {
	lines := strings.Split(string(text), "\n")
	found := parserMessage.FindStringSubmatch(err.Error())
	if found == nil {
		return 1, "is not YAML; compare it with the example in `covewise up --help`"
	}
	line, _ = strconv.Atoi(found[1])
	message := found[2]

	if anchor := unknownAnchor.FindStringSubmatch(message); anchor != nil {
		return lineWith(lines, "*"+anchor[1]), `has a value that begins with "*", which YAML takes for an alias; put the value in quotes`
	}
	// The library counts from 0 in errors of its parser and from 1 in errors of its scanner, and leaves
	// a line 0 out. Only the parser's begin like this.
	if strings.HasPrefix(message, "did not find expected") {
		line++
	}
	line = min(max(line, 1), len(lines))
	if tabIndented.MatchString(lines[line-1]) {
		return line, "is indented with a tab; indent with blanks"
	}
	return line, fmt.Sprintf("is not YAML (%s); check the indentation, and put values with special characters in quotes", message)
}

// lineWith returns the number of the first line that contains s, or 1.
func lineWith(lines []string, s string) int {
	for i, l := range lines {
		if strings.Contains(l, s) {
			return i + 1
		}
	}
	return 1
}
