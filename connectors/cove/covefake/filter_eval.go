package covefake

import (
	"cmp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// record is what a filter looks at: one device, or one session of a storage node.
type record interface {
	// value returns the text under a key and whether there is any.
	value(key string) (string, bool)
	// values calls f with every value until it returns true, and returns whether it did.
	values(f func(string) bool) bool
}

// matches says whether a record passes.
func (f filter) matches(r record, now time.Time) bool { return f.root.eval(r, now).isTrue() }

type valueKind int

const (
	nullValue   valueKind = iota // a column without a value
	textValue                    // a column's value: a number if it looks like one
	stringValue                  // a quoted string
	numberValue
)

type value struct {
	kind   valueKind
	text   string
	number float64
}

func number(n float64) value { return value{kind: numberValue, number: n} }

func truth(b bool) value {
	if b {
		return number(1)
	}
	return number(0)
}

// isTrue makes a bare column true when it is not empty [observed].
func (v value) isTrue() bool {
	switch v.kind {
	case numberValue:
		return v.number != 0
	default:
		return v.text != ""
	}
}

// asNumber reads a value as a number; a column without a value is 0, so that F0 != 5 is true for it [observed].
func (v value) asNumber() (float64, bool) {
	switch v.kind {
	case nullValue:
		return 0, true
	case numberValue:
		return v.number, true
	default:
		if v.text == "" {
			return 0, v.kind == textValue
		}
		n, err := strconv.ParseFloat(v.text, 64)
		return n, err == nil
	}
}

func (v value) asText() string {
	if v.kind == numberValue {
		return strconv.FormatFloat(v.number, 'f', -1, 64)
	}
	return v.text
}

// order compares as numbers where both sides are and neither is a quoted string, and as texts otherwise.
func order(a, b value) int {
	if a.kind != stringValue && b.kind != stringValue {
		x, okX := a.asNumber()
		y, okY := b.asNumber()
		if okX && okY {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(a.asText(), b.asText())
}

type expr interface {
	eval(r record, now time.Time) value
}

type literal struct{ value value }

func (e literal) eval(record, time.Time) value { return e.value }

type ago struct{ seconds int64 }

func (e ago) eval(_ record, now time.Time) value { return number(float64(now.Unix() - e.seconds)) }

type columnValue struct{ key string }

func (e columnValue) eval(r record, _ time.Time) value {
	text, ok := r.value(e.key)
	if !ok {
		return value{}
	}
	return value{kind: textValue, text: text}
}

// anyColumn stands for every column in turn.
type anyColumn struct{}

func (anyColumn) eval(r record, _ time.Time) value {
	return truth(r.values(func(text string) bool { return text != "" }))
}

type junction struct {
	terms []expr
	all   bool // and; otherwise or
}

func (e junction) eval(r record, now time.Time) value {
	for _, term := range e.terms {
		if term.eval(r, now).isTrue() != e.all {
			return truth(!e.all)
		}
	}
	return truth(e.all)
}

type negation struct{ of expr }

func (e negation) eval(r record, now time.Time) value { return truth(!e.of.eval(r, now).isTrue()) }

type masked struct{ left, right expr }

func (e masked) eval(r record, now time.Time) value {
	a, _ := e.left.eval(r, now).asNumber()
	b, _ := e.right.eval(r, now).asNumber()
	return number(float64(int64(a) & int64(b)))
}

type comparison struct {
	left, right expr
	op          string
}

func (e comparison) eval(r record, now time.Time) value {
	right := e.right.eval(r, now)
	if _, any := e.left.(anyColumn); any {
		return truth(r.values(func(text string) bool {
			return holds(value{kind: textValue, text: text}, e.op, right)
		}))
	}
	return truth(holds(e.left.eval(r, now), e.op, right))
}

func holds(a value, op string, b value) bool {
	if op == "=~" {
		return glob(strings.ToLower(b.asText()), strings.ToLower(a.asText()))
	}
	switch c := order(a, b); op {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	default:
		return c <= 0
	}
}

// membership is a set test. Detail queries list hundreds of account ids, so a set of mere numbers is looked up.
type membership struct {
	left    expr
	items   []expr
	numbers map[float64]bool // nil unless all items are
}

func (e membership) eval(r record, now time.Time) value {
	left := e.left.eval(r, now)
	if n, ok := left.asNumber(); ok && left.kind != stringValue && e.numbers != nil {
		return truth(e.numbers[n])
	}
	for _, item := range e.items {
		if holds(left, "==", item.eval(r, now)) {
			return truth(true)
		}
	}
	return truth(false)
}

// glob matches a whole text: * is any run of characters, ? is one. Brackets mean themselves.
func glob(pattern, text string) bool {
	star, retry := -1, 0
	p, t := 0, 0
	for t < len(text) {
		_, width := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			t += width
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			_, step := utf8.DecodeRuneInString(text[retry:])
			retry += step
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
