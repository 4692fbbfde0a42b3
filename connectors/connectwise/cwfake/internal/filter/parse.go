package filter

import (
	"fmt"
	"strings"
)

// maxDepth bounds the nesting of parentheses, so that a hostile text cannot exhaust the stack.
const maxDepth = 100

type parser[R any] struct {
	tokens  []token
	at      int
	resolve Resolve[R]
}

func (p *parser[R]) peek() token { return p.tokens[p.at] }

func (p *parser[R]) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser[R]) unexpected(t token, wanted string) error {
	found := "the end"
	if t.kind != tokenEnd {
		found = "'" + t.text + "'"
	}
	return &Error{Offset: t.offset, Message: fmt.Sprintf("Expected %s but found %s", wanted, found)}
}

func (p *parser[R]) expression(depth int) (func(R) bool, error) {
	return p.joined("or", func(left, right func(R) bool) func(R) bool {
		return func(r R) bool { return left(r) || right(r) }
	}, func() (func(R) bool, error) {
		return p.joined("and", func(left, right func(R) bool) func(R) bool {
			return func(r R) bool { return left(r) && right(r) }
		}, func() (func(R) bool, error) { return p.term(depth) })
	})
}

func (p *parser[R]) joined(word string, join func(left, right func(R) bool) func(R) bool, operand func() (func(R) bool, error)) (func(R) bool, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for p.peek().isWord(word) {
		p.next()
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = join(left, right)
	}
	return left, nil
}

func (p *parser[R]) term(depth int) (func(R) bool, error) {
	if t := p.peek(); t.isSymbol("(") {
		if depth >= maxDepth {
			return nil, &Error{Offset: t.offset, Message: "Too many parentheses"}
		}
		p.next()
		inner, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		if t := p.next(); !t.isSymbol(")") {
			return nil, p.unexpected(t, "')'")
		}
		return inner, nil
	}
	column, err := p.column()
	if err != nil {
		return nil, err
	}
	return p.comparison(column)
}

func (p *parser[R]) column() (Column[R], error) {
	t := p.next()
	if t.kind != tokenWord || strings.HasSuffix(t.text, "/") || strings.Contains(t.text, "//") {
		return Column[R]{}, p.unexpected(t, "a field name")
	}
	return p.resolve(strings.Split(t.text, "/"))
}

func (p *parser[R]) comparison(column Column[R]) (func(R) bool, error) {
	t := p.next()
	negated := t.isWord("not")
	if negated {
		t = p.next()
	}
	switch {
	case t.isWord("in"):
		return p.list(column, negated)
	case t.isWord("like"), t.isWord("contains"):
		return p.pattern(column, t, negated)
	case !negated && t.kind == tokenSymbol && strings.Contains("= != < <= > >=", t.text):
		literal, err := p.literal(column.Kind)
		if err != nil {
			return nil, err
		}
		return compare(column, t, literal)
	case negated:
		return nil, p.unexpected(t, "in, like or contains")
	default:
		return nil, p.unexpected(t, "an operator")
	}
}

func (p *parser[R]) list(column Column[R], negated bool) (func(R) bool, error) {
	if t := p.next(); !t.isSymbol("(") {
		return nil, p.unexpected(t, "'('")
	}
	values := map[any]bool{}
	for {
		t, err := p.literal(column.Kind)
		if err != nil {
			return nil, err
		}
		values[fold(t.literal)] = true
		separator := p.next()
		if separator.isSymbol(")") {
			break
		}
		if !separator.isSymbol(",") {
			return nil, p.unexpected(separator, "',' or ')'")
		}
	}
	return func(r R) bool {
		value := column.Value(r)
		if value == nil {
			return !negated && values[nil]
		}
		return values[fold(value)] != negated
	}, nil
}

func (p *parser[R]) pattern(column Column[R], operator token, negated bool) (func(R) bool, error) {
	if column.Kind != Text {
		return nil, &Error{Offset: operator.offset, Message: fmt.Sprintf("The operator %s needs a text field", operator.text)}
	}
	t := p.next()
	if t.kind != tokenLiteral || t.literalKind != Text {
		return nil, p.unexpected(t, "text in quotes")
	}
	wanted, _ := fold(t.literal).(string)
	matches := func(value string) bool { return strings.Contains(value, wanted) }
	if operator.isWord("like") {
		like := compileLike(wanted)
		matches = like.match
	}
	return func(r R) bool {
		value, present := fold(column.Value(r)).(string)
		return present && matches(value) != negated
	}, nil
}

// literal reads a value that a column of the kind can be compared with; null fits every kind and has the literal nil.
func (p *parser[R]) literal(kind Kind) (token, error) {
	t := p.next()
	switch {
	case t.isWord("null"):
		t.literal, t.literalKind = nil, Null
		return t, nil
	case t.isWord("true"), t.isWord("false"):
		t.literal, t.literalKind = t.isWord("true"), Bool
	case t.kind != tokenLiteral:
		return t, p.unexpected(t, "a value")
	}
	if t.literalKind != kind {
		return t, p.unexpected(t, kind.String())
	}
	return t, nil
}
