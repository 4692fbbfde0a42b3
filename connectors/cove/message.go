package cove

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// message is an error text taken out of its wrapping, and what the wrapping said besides.
type message struct {
	text   string
	code   string // the vendor's name of the error ("MailboxNotEnabledForRESTAPI")
	entity string // the mailbox, user or site
	path   string // the place within it
}

// Wrappings seen around texts of Microsoft 365: a JSON document in a string; a Graph failure that quotes the
// reply after ReplyBodyError, with member names that have no quotes; an OAuth answer; an error object.
var (
	graphReply       = regexp.MustCompile(`(?is)ReplyBodyError\s*:\s*(.*)$`)
	graphRequest     = regexp.MustCompile(`(?is);\s*Request\s*:.*$`)
	quotedText       = `\s*[:=]\s*"((?:[^"\\]|\\.)*)`
	looseMessage     = regexp.MustCompile(`(?is)\bErrorMessage"?` + quotedText)
	looseCode        = regexp.MustCompile(`(?is)\bErrorCode"?` + quotedText)
	looseDescription = regexp.MustCompile(`(?is)\berror_description"?` + quotedText)
	controls         = regexp.MustCompile(`\s*[\p{Cc}\x{FFFD}\x{2028}\x{2029}]+\s*`)
)

const maxWrappings = 6

// cleanMessage unwraps an error text. It never loses one: what it does not understand it returns as it came,
// without control characters.
func cleanMessage(raw string) message {
	var m message
	m.unwrap(strings.ToValidUTF8(raw, ""), 0)
	m.text = tidy(m.text)
	if m.text == "" {
		m.text = tidy(raw)
	}
	m.code, m.entity, m.path = tidy(m.code), tidy(m.entity), tidy(m.path)
	return m
}

// unwrap takes one layer off s and goes on with what was in it.
func (m *message) unwrap(s string, depth int) {
	m.text = s
	if depth == maxWrappings {
		return
	}
	trimmed := strings.TrimSpace(s)
	if value, ok := parseJSON(trimmed); ok {
		if text := m.pick(value); text != "" {
			m.unwrap(text, depth+1)
		}
		return
	}
	if reply := graphReply.FindStringSubmatch(s); reply != nil {
		m.unwrap(reply[1], depth+1)
		// A reply that is empty or still in its braces says less than the failure around it.
		if plain := tidy(m.text); plain == "" || plain[0] == '{' {
			m.text = graphRequest.ReplaceAllString(s, "")
		}
		return
	}
	if code := loose(looseCode, s); code != "" && m.code == "" {
		m.code = code
	}
	for _, pattern := range []*regexp.Regexp{looseMessage, looseDescription} {
		if text := loose(pattern, s); text != "" {
			m.unwrap(text, depth+1)
			return
		}
	}
	// A JSON document behind a prefix, such as "Token request failed: {...}".
	if open := strings.IndexByte(s, '{'); open > 0 {
		if value, ok := parseJSON(strings.TrimSpace(s[open:])); ok {
			if text := m.pick(value); text != "" {
				m.unwrap(text, depth+1)
			}
		}
	}
}

// parseJSON reads a JSON object, list or string; other values are plain texts that happen to be JSON.
func parseJSON(s string) (any, bool) {
	if s == "" || !strings.ContainsRune(`{["`, rune(s[0])) {
		return nil, false
	}
	var value any
	if json.Unmarshal([]byte(s), &value) != nil {
		return nil, false
	}
	return value, true
}

// pick finds the text in a parsed value and notes what stands beside it.
func (m *message) pick(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		for _, element := range value {
			if text := m.pick(element); text != "" {
				return text
			}
		}
	case map[string]any:
		return m.pickMember(value)
	}
	return ""
}

func (m *message) pickMember(object map[string]any) string {
	folded := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) { // in order, so that equal errors give equal texts
		if _, taken := folded[strings.ToLower(name)]; !taken {
			folded[strings.ToLower(name)] = object[name]
		}
	}
	m.note(&m.entity, folded, "entity")
	m.note(&m.path, folded, "path")
	m.note(&m.code, folded, "errorcode", "code")
	for _, name := range []string{"description", "errormessage", "error_description", "message", "errortext", "error", "innererror"} {
		member, ok := folded[name]
		if !ok {
			continue
		}
		if text := m.pick(member); strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

func (m *message) note(into *string, object map[string]any, names ...string) {
	for _, name := range names {
		if value, ok := object[name].(string); ok && *into == "" {
			*into = value
		}
	}
}

// loose returns what a pattern captures in text that only resembles JSON, with its escapes resolved.
func loose(pattern *regexp.Regexp, s string) string {
	found := pattern.FindStringSubmatch(s)
	if found == nil {
		return ""
	}
	var plain string
	if json.Unmarshal([]byte(`"`+found[1]+`"`), &plain) != nil {
		plain = strings.ReplaceAll(found[1], `\"`, `"`)
	}
	return strings.TrimSpace(plain)
}

// tidy trims a text and turns line ends and other control characters into single spaces.
func tidy(s string) string {
	return strings.TrimSpace(controls.ReplaceAllString(strings.ToValidUTF8(s, ""), " "))
}
