package filter

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenSymbol
	tokenLiteral
)

type token struct {
	kind   tokenKind
	offset int
	text   string
	// literal is the value of a tokenLiteral: string, float64 or time.Time.
	literal     any
	literalKind Kind
}

func (t token) isWord(word string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, word)
}

func (t token) isSymbol(symbol string) bool {
	return t.kind == tokenSymbol && t.text == symbol
}

func scan(text string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(text); {
		c := text[i]
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			i++
			continue
		}
		t, next, err := scanOne(text, i)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		i = next
	}
	return append(tokens, token{kind: tokenEnd, offset: len(text)}), nil
}

func scanOne(text string, i int) (token, int, error) {
	switch c := text[i]; {
	case c == '"' || c == '\'':
		return scanText(text, i)
	case c == '[':
		return scanTime(text, i)
	case isDigit(c) || c == '-' || c == '.':
		return scanNumber(text, i)
	case isNameStart(c):
		j := i + 1
		for j < len(text) && (isNameStart(text[j]) || isDigit(text[j]) || text[j] == '/') {
			j++
		}
		return token{kind: tokenWord, offset: i, text: text[i:j]}, j, nil
	case strings.IndexByte("!<>", c) >= 0 && i+1 < len(text) && text[i+1] == '=':
		return token{kind: tokenSymbol, offset: i, text: text[i : i+2]}, i + 2, nil
	case strings.IndexByte("=<>(),", c) >= 0:
		return token{kind: tokenSymbol, offset: i, text: text[i : i+1]}, i + 1, nil
	default:
		return token{}, 0, &Error{Offset: i, Message: fmt.Sprintf("Unexpected character %q", c)}
	}
}

// scanText reads a quoted text. A backslash before either quote or before a backslash stands for that character.
func scanText(text string, start int) (token, int, error) {
	quote := text[start]
	var value strings.Builder
	for i := start + 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == quote:
			return token{kind: tokenLiteral, offset: start, text: text[start : i+1], literal: value.String(), literalKind: Text}, i + 1, nil
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\'' || text[i+1] == '\\'):
			i++
			value.WriteByte(text[i])
		default:
			value.WriteByte(c)
		}
	}
	return token{}, 0, &Error{Offset: start, Message: "Expected a closing quote"}
}

func scanTime(text string, start int) (token, int, error) {
	length := strings.IndexByte(text[start:], ']')
	if length < 0 {
		return token{}, 0, &Error{Offset: start, Message: "Expected a closing bracket"}
	}
	inner := text[start+1 : start+length]
	for _, layout := range []string{"2006-01-02T15:04:05Z", "2006-01-02"} {
		if at, err := time.Parse(layout, inner); err == nil {
			return token{kind: tokenLiteral, offset: start, text: text[start : start+length+1], literal: at, literalKind: Time}, start + length + 1, nil
		}
	}
	return token{}, 0, &Error{Offset: start, Message: fmt.Sprintf("Expected a date-time but found [%s]", inner)}
}

func scanNumber(text string, start int) (token, int, error) {
	i := start + 1
	for i < len(text) && (isDigit(text[i]) || text[i] == '.') {
		i++
	}
	value, err := strconv.ParseFloat(text[start:i], 64)
	if err != nil || (i < len(text) && isNameStart(text[i])) {
		return token{}, 0, &Error{Offset: start, Message: fmt.Sprintf("Expected a number but found %q", text[start:i])}
	}
	return token{kind: tokenLiteral, offset: start, text: text[start:i], literal: value, literalKind: Number}, i, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}
