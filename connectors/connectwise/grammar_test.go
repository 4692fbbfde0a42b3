package connectwise

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// tree is a condition as a server would read it.
type tree struct {
	op     string
	field  string
	values []string
	kids   []tree
}

type row struct {
	id   int
	name string
}

func (n tree) matches(r row) (bool, error) {
	field := map[string]string{"id": strconv.Itoa(r.id), "name": r.name}[n.field]
	switch n.op {
	case "and", "or":
		left, err := n.kids[0].matches(r)
		if err != nil {
			return false, err
		}
		right, err := n.kids[1].matches(r)
		return n.op == "and" && left && right || n.op == "or" && (left || right), err
	case "=":
		return field == n.values[0], nil
	case "!=":
		return field != n.values[0], nil
	case "<", ">=":
		limit, err := strconv.Atoi(n.values[0])
		return (r.id < limit) == (n.op == "<"), err
	case "in":
		return slices.Contains(n.values, field), nil
	case "not in":
		return !slices.Contains(n.values, field), nil
	case "contains":
		return strings.Contains(field, n.values[0]), nil
	case "not contains":
		return !strings.Contains(field, n.values[0]), nil
	default:
		return false, fmt.Errorf("%w: operator %q", errGrammar, n.op)
	}
}

type token struct {
	text   string
	quoted bool
}

var errGrammar = errors.New("not in the grammar")

// tokens reads a backslash inside quotes as an escape when escapes is set: one client reports that servers do.
func tokens(s string, escapes bool) ([]token, error) {
	var all []token
	for s != "" {
		switch {
		case s[0] == ' ':
			s = s[1:]
		case s[0] == '"' || s[0] == '\'':
			text, rest, err := quoted(s, escapes)
			if err != nil {
				return nil, err
			}
			all, s = append(all, token{text, true}), rest
		case strings.IndexByte("(),", s[0]) >= 0:
			all, s = append(all, token{s[:1], false}), s[1:]
		case strings.IndexByte("=!<>", s[0]) >= 0:
			n := 1
			if len(s) > 1 && s[1] == '=' {
				n = 2
			}
			all, s = append(all, token{s[:n], false}), s[n:]
		default:
			n := strings.IndexAny(s, ` "'(),=!<>`)
			if n < 0 {
				n = len(s)
			}
			all, s = append(all, token{s[:n], false}), s[n:]
		}
	}
	return all, nil
}

func quoted(s string, escapes bool) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\' && i+1 < len(s):
			i++
		case s[i] == s[0]:
			return b.String(), s[i+1:], nil
		}
		b.WriteByte(s[i])
	}
	return "", "", fmt.Errorf("%w: open quote", errGrammar)
}

func parse(s string, escapes bool) (tree, error) {
	all, err := tokens(s, escapes)
	if err != nil {
		return tree{}, err
	}
	p := parser{rest: all}
	n, err := p.expression("or")
	if err == nil && len(p.rest) > 0 {
		err = fmt.Errorf("%w: left over %v", errGrammar, p.rest)
	}
	return n, err
}

type parser struct{ rest []token }

func (p *parser) take(want string) bool {
	if len(p.rest) > 0 && !p.rest[0].quoted && p.rest[0].text == want {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

func (p *parser) expression(op string) (tree, error) {
	next := p.term
	if op == "or" {
		next = func() (tree, error) { return p.expression("and") }
	}
	n, err := next()
	for err == nil && p.take(op) {
		var right tree
		right, err = next()
		n = tree{op: op, kids: []tree{n, right}}
	}
	return n, err
}

func (p *parser) term() (tree, error) {
	if p.take("(") {
		n, err := p.expression("or")
		if err == nil && !p.take(")") {
			err = errGrammar
		}
		return n, err
	}
	if len(p.rest) < 3 || p.rest[0].quoted {
		return tree{}, fmt.Errorf("%w: %v", errGrammar, p.rest)
	}
	n := tree{field: p.rest[0].text}
	p.rest = p.rest[1:]
	if p.take("not") {
		n.op = "not "
	}
	n.op += p.rest[0].text
	p.rest = p.rest[1:]
	list := strings.HasSuffix(n.op, "in")
	if list && !p.take("(") {
		return n, errGrammar
	}
	for more := true; more; more = list && p.take(",") {
		if len(p.rest) == 0 {
			return n, errGrammar
		}
		n.values = append(n.values, p.rest[0].text)
		p.rest = p.rest[1:]
	}
	if list && !p.take(")") {
		return n, errGrammar
	}
	return n, nil
}
