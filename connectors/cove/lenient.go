package cove

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/covewise/covewise/connectors/cove/columns"
)

// Cove's parser and its writers are lenient: numbers travel as strings, booleans as "true", lists as null,
// and single values as lists of one. The types of this file read all of that.

// number reads a JSON number, a numeric string, true, false, or null as 0. Text that is no number reads as 0,
// because a member nobody expected to be text must not fail the whole answer.
type number int64

// UnmarshalJSON reads the value.
func (n *number) UnmarshalJSON(raw []byte) error {
	text := rawText(raw)
	switch strings.ToLower(text) {
	case "true":
		*n = 1
	default:
		value, _ := columns.Int(text)
		*n = number(value)
	}
	return nil
}

func (n number) time() time.Time {
	if n <= 0 || n > latestUnix {
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}

// latestUnix is the last second of the year 9999, beyond which a time cannot be written as RFC 3339.
const latestUnix = 253402300799

// text reads a JSON string, the digits of a number, "true" or "false", the elements of a list joined by
// commas, or null as "".
type text string

// UnmarshalJSON reads the value.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = text(rawText(raw))
	return nil
}

// rawText returns a complete JSON value as text. An object is returned as it is.
func rawText(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	case '[':
		var elements []json.RawMessage
		if json.Unmarshal(raw, &elements) != nil {
			return ""
		}
		parts := make([]string, 0, len(elements))
		for _, element := range elements {
			if part := rawText(element); part != "" {
				parts = append(parts, part)
			}
		}
		return strings.Join(parts, ",")
	default:
		return string(raw)
	}
}

// printable replaces control and other unprintable characters by spaces.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
