package connectwise

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrNotExpressible says that a value or a combination cannot be written as a condition that every server
// reads in the same way. For text, ask for ContainsPart of it and compare the answers locally.
var ErrNotExpressible = errors.New("not expressible as a condition")

// Value is what a field can be compared with. Absence is asked for with IsNull.
type Value interface {
	string | int | int64 | bool | time.Time
}

// Ordered is what a field can be ranked against.
type Ordered interface {
	string | int | int64 | time.Time
}

// Condition is a filter in the grammar of the `conditions` parameter. It is built from constructors only, so
// that no value can add a term to it. The zero Condition matches every record. A mistake in one part
// (ErrNotExpressible) makes the whole Condition unusable: see Err.
//
// A field is a path such as "board/name"; "lastUpdated" and "dateEntered" are written bare. The server
// compares text without regard to case, and whether Ne also gives records without the field is not documented.
type Condition struct {
	op    string // an operator of the grammar, "and", "or", or "" for everything
	field string
	value string // as written in the condition
	parts []Condition
	err   error
}

// Eq asks for records whose field equals v.
func Eq[V Value](field string, v V) Condition { return compare(field, "=", v) }

// Ne asks for records whose field differs from v.
func Ne[V Value](field string, v V) Condition { return compare(field, "!=", v) }

// Lt asks for records whose field is below v. Times are cut to whole seconds here and in Le, Gt and Ge.
func Lt[V Ordered](field string, v V) Condition { return compare(field, "<", v) }

// Le asks for records whose field is at most v.
func Le[V Ordered](field string, v V) Condition { return compare(field, "<=", v) }

// Gt asks for records whose field is above v.
func Gt[V Ordered](field string, v V) Condition { return compare(field, ">", v) }

// Ge asks for records whose field is at least v.
func Ge[V Ordered](field string, v V) Condition { return compare(field, ">=", v) }

// IsNull asks for records that lack the field; Not(IsNull(field)) asks for those that have it.
func IsNull(field string) Condition { return leaf(field, "=", "null", nil) }

// In asks for records whose field is one of the values, of which there must be at least one.
func In[V Value](field string, values ...V) Condition {
	if len(values) == 0 {
		return Condition{err: fmt.Errorf("%w: no values for %q", ErrNotExpressible, field)}
	}
	written := make([]string, 0, len(values))
	for _, v := range values {
		w, err := write(v)
		if err != nil {
			return leaf(field, "in", "", err)
		}
		written = append(written, w)
	}
	return leaf(field, "in", "("+strings.Join(written, ",")+")", nil)
}

// Contains asks for records whose field contains part. The server may read % _ * and brackets in it as
// wildcards; ContainsPart gives text without them.
func Contains(field, part string) Condition {
	w, err := writeText(part)
	if err == nil && part == "" {
		err = fmt.Errorf("%w: contains nothing", ErrNotExpressible)
	}
	return leaf(field, "contains", w, err)
}

// And asks for records that every condition matches; And() matches every record.
func And(conditions ...Condition) Condition {
	parts := slices.DeleteFunc(slices.Clone(conditions), Condition.all)
	return join("and", parts)
}

// Or asks for records that at least one condition matches.
func Or(conditions ...Condition) Condition {
	if len(conditions) == 0 {
		return Condition{err: fmt.Errorf("%w: or of nothing", ErrNotExpressible)}
	}
	either := join("or", slices.Clone(conditions))
	if either.err == nil && slices.ContainsFunc(conditions, Condition.all) {
		return Condition{}
	}
	return either
}

// Not asks for the records that c does not match. The grammar negates single operators only, so the negation
// is carried down to them.
func Not(c Condition) Condition {
	if c.err != nil {
		return c
	}
	if c.all() {
		return Condition{err: fmt.Errorf("%w: not everything", ErrNotExpressible)}
	}
	negated, word := strings.CutPrefix(c.op, "not ")
	switch {
	case word:
		c.op = negated
	case c.op == "in", c.op == "contains":
		c.op = "not " + c.op
	case c.op == "=":
		c.op = "!="
	case c.op == "!=":
		c.op = "="
	case c.op == "<":
		c.op = ">="
	case c.op == ">=":
		c.op = "<"
	case c.op == ">":
		c.op = "<="
	case c.op == "<=":
		c.op = ">"
	case c.op == "and":
		c.op, c.parts = "or", negate(c.parts)
	case c.op == "or":
		c.op, c.parts = "and", negate(c.parts)
	}
	return c
}

// Err returns why the condition cannot be used (ErrNotExpressible), or nil.
func (c Condition) Err() error { return c.err }

// String returns the condition as it is sent, or the reason why it cannot be.
func (c Condition) String() string {
	switch {
	case c.err != nil:
		return "invalid: " + c.err.Error()
	case c.op == "and" || c.op == "or":
		written := make([]string, 0, len(c.parts))
		for _, part := range c.parts {
			if part.parts == nil {
				written = append(written, part.String())
			} else {
				written = append(written, "("+part.String()+")")
			}
		}
		return strings.Join(written, " "+c.op+" ")
	case strings.ContainsAny(c.op, "=<>"):
		return c.field + c.op + c.value
	case c.all():
		return ""
	default:
		return c.field + " " + c.op + " " + c.value
	}
}

// ContainsPart returns the longest piece of text that Contains takes on every server: free of quotes,
// backslashes, control characters and wildcards, and without blanks around it. It is empty when nothing is left.
func ContainsPart(text string) string {
	var longest string
	for piece := range strings.FieldsFuncSeq(strings.ToValidUTF8(text, "\x00"), func(r rune) bool {
		return unexpressible(r) || strings.ContainsRune(`"'%_*[]^`, r)
	}) {
		piece = strings.TrimSpace(piece)
		if utf8.RuneCountInString(piece) > utf8.RuneCountInString(longest) {
			longest = piece
		}
	}
	return longest
}

func (c Condition) all() bool { return c.op == "" && c.err == nil }

func compare[V Value](field, op string, v V) Condition {
	w, err := write(v)
	return leaf(field, op, w, err)
}

func leaf(field, op, value string, err error) Condition {
	if err == nil {
		err = checkField(field)
	}
	if err != nil {
		return Condition{err: fmt.Errorf("field %q: %w", field, err)}
	}
	return Condition{op: op, field: field, value: value}
}

func join(op string, parts []Condition) Condition {
	for _, part := range parts {
		if part.err != nil {
			return Condition{err: part.err}
		}
	}
	switch len(parts) {
	case 0:
		return Condition{}
	case 1:
		return parts[0]
	default:
		return Condition{op: op, parts: parts}
	}
}

func negate(parts []Condition) []Condition {
	negated := make([]Condition, 0, len(parts))
	for _, part := range parts {
		negated = append(negated, Not(part))
	}
	return negated
}

func checkField(field string) error {
	keywords := []string{"and", "or", "not", "in", "like", "contains", "null", "true", "false"}
	if !isPath(field) || slices.Contains(keywords, strings.ToLower(field)) {
		return fmt.Errorf("%w: not a field path", ErrNotExpressible)
	}
	return nil
}

// isPath says whether s is made of names of letters and digits, joined by slashes.
func isPath(s string) bool {
	if len(s) > 200 {
		return false
	}
	for name := range strings.SplitSeq(s, "/") {
		if !isName(name) {
			return false
		}
	}
	return true
}

func isName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		digit := r >= '0' && r <= '9'
		if !letter && (!digit || i == 0) {
			return false
		}
	}
	return s != ""
}

func write[V Value](v V) (string, error) {
	switch v := any(v).(type) {
	case string:
		return writeText(v)
	case int:
		return writeInt(int64(v))
	case int64:
		return writeInt(v)
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case time.Time:
		return writeTime(v)
	default:
		return "", fmt.Errorf("%w: value of type %T", ErrNotExpressible, v)
	}
}

// The service's own message on a bad condition recalls "digits only for numbers", so a sign is not offered.
func writeInt(n int64) (string, error) {
	if n < 0 {
		return "", fmt.Errorf("%w: negative number %d", ErrNotExpressible, n)
	}
	return strconv.FormatInt(n, 10), nil
}

// SQL Server's datetime begins with the year 1753, and a zero time here is a forgotten one.
func writeTime(t time.Time) (string, error) {
	t = t.UTC()
	if t.Year() < 1753 || t.Year() > 9999 {
		return "", fmt.Errorf("%w: year %d", ErrNotExpressible, t.Year())
	}
	return t.Format("[2006-01-02T15:04:05Z]"), nil
}

// writeText puts text between the kind of quotes that it does not hold. Whether a backslash escapes is
// reported by one client and denied by the grammar, so text that holds one would be read in two ways.
func writeText(s string) (string, error) {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unexpressible) {
		return "", fmt.Errorf("%w: text with a control character, a backslash or broken UTF-8", ErrNotExpressible)
	}
	switch {
	case !strings.Contains(s, `"`):
		return `"` + s + `"`, nil
	case !strings.Contains(s, `'`):
		return `'` + s + `'`, nil
	default:
		return "", fmt.Errorf("%w: text with both kinds of quotes", ErrNotExpressible)
	}
}

func unexpressible(r rune) bool {
	return r == '\\' || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp)
}
