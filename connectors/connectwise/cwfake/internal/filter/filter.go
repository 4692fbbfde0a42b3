// Package filter reads the text of a `conditions` parameter of the ConnectWise PSA API and makes a predicate of it.
//
// It owns the grammar, the precedence (AND before OR), the comparison rules (text without regard to case, as under a
// SQL Server collation; a null satisfies only `= null` and the negation of `!= null`) and the wildcards of like.
// It does not know which fields a record has: the caller resolves a path to a Column.
//
//	expr  := term { (AND|OR) term }
//	term  := "(" expr ")" | path op value | path [not] in "(" value {"," value} ")" | path [not] (like|contains) string
//	op    := = | != | < | <= | > | >=
//	value := "text" | 'text' | number | True | False | [2025-08-20T18:04:26Z] | null
package filter

import (
	"fmt"
	"strings"
)

// Kind is the type of a column and of a literal.
type Kind int

// The kinds of values that conditions can compare.
const (
	Null Kind = iota
	Text
	Number
	Bool
	Time
)

// String returns the form in which the literal of a kind has to be written, for messages.
func (k Kind) String() string {
	switch k {
	case Text:
		return "text in quotes"
	case Number:
		return "a number written with digits only"
	case Bool:
		return "True or False"
	case Time:
		return "a date-time in brackets"
	default:
		return "null"
	}
}

// Column gives the value of one field of a record of type R.
type Column[R any] struct {
	Kind Kind
	// Value returns a string, float64, bool or time.Time according to Kind, or nil where the record has none.
	Value func(R) any
}

// Resolve finds the column that a path (its members, separated by slashes in the text) names.
type Resolve[R any] func(path []string) (Column[R], error)

// Error is a refusal of the text with the position, in bytes, where reading stopped.
type Error struct {
	Offset  int
	Message string
}

// Error returns the message and the position.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (position %d). Remember: text in quotes, date-times in brackets, digits only for numbers, "+
		"True/False for booleans, null for no value.", e.Message, e.Offset)
}

// Compile reads text and binds it to columns. An empty text accepts every record. Errors are of type *Error, or
// what resolve returned.
func Compile[R any](text string, resolve Resolve[R]) (func(R) bool, error) {
	if strings.TrimSpace(text) == "" {
		return func(R) bool { return true }, nil
	}
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &parser[R]{tokens: tokens, resolve: resolve}
	match, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, p.unexpected(t, "AND, OR or the end of the conditions")
	}
	return match, nil
}
