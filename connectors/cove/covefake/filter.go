package covefake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The filter language of statistics and of storage nodes. There is no published grammar; this one is put together
// from the filters that clients in the field send:
//
//	or      = and {("OR" | "||") and}
//	and     = not {("AND" | "&&") not}
//	not     = "!" not | compare
//	compare = mask [("==" | "!=" | ">" | ">=" | "<" | "<=" | "=~") mask | "in" "(" mask {"," mask} ")"]
//	mask    = primary {"&" primary}
//	primary = "(" or ")" | column | number | string | number "." unit "()" ".ago()"
//
// Keywords are case-insensitive. A string stands between single or double quotes and knows no escapes.

// filter is a parsed expression.
type filter struct {
	root expr
	// moves says that the result depends on the time.
	moves bool
}

// resolver turns a column name of the text into the key that values are looked up by.
type resolver func(name string) (key string, ok bool)

const maxDepth = 100

// parseFilter reads an expression; the empty text matches everything.
func parseFilter(text string, columns resolver) (filter, error) {
	tokens, err := lex(text)
	if err != nil {
		return filter{}, err
	}
	if len(tokens) == 1 {
		return filter{root: literal{truth(true)}}, nil
	}
	p := &parser{tokens: tokens, columns: columns}
	root, err := p.or()
	if err != nil {
		return filter{}, err
	}
	if p.peek().kind != endToken {
		return filter{}, p.unexpected("the end or an operator")
	}
	return filter{root, p.moves}, nil
}

type tokenKind int

const (
	endToken tokenKind = iota
	numberToken
	stringToken
	nameToken
	signToken
)

type token struct {
	kind tokenKind
	text string
	at   int // byte offset, from 1
}

var signs = []string{"==", "!=", ">=", "<=", "=~", "&&", "||", ">", "<", "!", "(", ")", ",", ".", "&"}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isNamePart(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || isDigit(c) || c == '@' || c == '_'
}

func lex(text string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(text); {
		start, c := i, text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case isDigit(c) || c == '-' && i+1 < len(text) && isDigit(text[i+1]):
			for i++; i < len(text) && isDigit(text[i]); i++ {
				continue
			}
			tokens = append(tokens, token{numberToken, text[start:i], start + 1})
		case isNamePart(c):
			for i++; i < len(text) && isNamePart(text[i]); i++ {
				continue
			}
			tokens = append(tokens, token{nameToken, text[start:i], start + 1})
		case c == '\'' || c == '"':
			end := strings.IndexByte(text[i+1:], c)
			if end < 0 {
				return nil, fmt.Errorf("position %d: the string does not end", start+1)
			}
			i += end + 2
			tokens = append(tokens, token{stringToken, text[start+1 : i-1], start + 1})
		default:
			n := slices.IndexFunc(signs, func(s string) bool { return strings.HasPrefix(text[i:], s) })
			if n < 0 {
				return nil, fmt.Errorf("position %d: %q means nothing here", start+1, c)
			}
			i += len(signs[n])
			tokens = append(tokens, token{signToken, signs[n], start + 1})
		}
	}
	return append(tokens, token{endToken, "", len(text) + 1}), nil
}

type parser struct {
	tokens  []token
	next    int
	depth   int
	columns resolver
	moves   bool
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) take() {
	if p.peek().kind != endToken {
		p.next++
	}
}

// accept takes the next token if it is one of these signs or keywords.
func (p *parser) accept(any ...string) (string, bool) {
	t := p.peek()
	if t.kind != signToken && t.kind != nameToken {
		return "", false
	}
	for _, want := range any {
		if strings.EqualFold(t.text, want) {
			p.next++
			return want, true
		}
	}
	return "", false
}

func (p *parser) expect(sign string) error {
	if _, ok := p.accept(sign); !ok {
		return p.unexpected(strconv.Quote(sign))
	}
	return nil
}

func (p *parser) unexpected(want string) error {
	t := p.peek()
	if t.kind == endToken {
		return fmt.Errorf("position %d: want %s, found the end", t.at, want)
	}
	return fmt.Errorf("position %d: want %s, found %q", t.at, want, t.text)
}

func (p *parser) or() (expr, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, fmt.Errorf("position %d: too many nested parentheses", p.peek().at)
	}
	return p.chain(p.and, false, "OR", "||")
}

func (p *parser) and() (expr, error) { return p.chain(p.not, true, "AND", "&&") }

func (p *parser) chain(operand func() (expr, error), all bool, words ...string) (expr, error) {
	first, err := operand()
	if err != nil {
		return nil, err
	}
	terms := []expr{first}
	for {
		if _, ok := p.accept(words...); !ok {
			break
		}
		term, err := operand()
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	if len(terms) == 1 {
		return first, nil
	}
	return junction{terms, all}, nil
}

func (p *parser) not() (expr, error) {
	negate := false
	for {
		if _, ok := p.accept("!"); !ok {
			break
		}
		negate = !negate
	}
	e, err := p.compare()
	if err != nil || !negate {
		return e, err
	}
	return negation{e}, nil
}

func (p *parser) compare() (expr, error) {
	left, err := p.mask()
	if err != nil {
		return nil, err
	}
	if _, ok := p.accept("in"); ok {
		return p.set(left)
	}
	op, ok := p.accept("==", "!=", ">=", "<=", "=~", ">", "<")
	if !ok {
		return left, nil
	}
	right, err := p.mask()
	if err != nil {
		return nil, err
	}
	if _, any := right.(anyColumn); any {
		return nil, fmt.Errorf("ANY must stand left of %s", op)
	}
	return comparison{left, right, op}, nil
}

func (p *parser) set(left expr) (expr, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	in := membership{left: left, numbers: map[float64]bool{}}
	for {
		e, err := p.mask()
		if err != nil {
			return nil, err
		}
		in.items = append(in.items, e)
		if l, ok := e.(literal); ok && l.value.kind == numberValue && in.numbers != nil {
			in.numbers[l.value.number] = true
		} else {
			in.numbers = nil
		}
		if _, more := p.accept(","); more {
			continue
		}
		return in, p.expect(")")
	}
}

func (p *parser) mask() (expr, error) {
	left, err := p.primary()
	for err == nil {
		if _, ok := p.accept("&"); !ok {
			break
		}
		var right expr
		right, err = p.primary()
		left = masked{left, right}
	}
	return left, err
}

func (p *parser) primary() (expr, error) {
	switch t := p.peek(); t.kind {
	case numberToken:
		p.take()
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("position %d: the number %s is too large", t.at, t.text)
		}
		if _, dot := p.accept("."); dot {
			return p.relative(n)
		}
		return literal{number(float64(n))}, nil
	case stringToken:
		p.take()
		return literal{value{kind: stringValue, text: t.text}}, nil
	case nameToken:
		if slices.ContainsFunc([]string{"and", "or", "in"}, func(w string) bool { return strings.EqualFold(w, t.text) }) {
			return nil, p.unexpected("a column or a value")
		}
		p.take()
		if strings.EqualFold(t.text, "ANY") {
			return anyColumn{}, nil
		}
		key, ok := p.columns(t.text)
		if !ok {
			return nil, fmt.Errorf("position %d: unknown column %s", t.at, t.text)
		}
		return columnValue{key}, nil
	default:
		if _, ok := p.accept("("); !ok {
			return nil, p.unexpected("a column or a value")
		}
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	}
}

// unitSeconds are the units of relative times, in the singular.
var unitSeconds = map[string]int64{
	"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600, "week": 7 * 24 * 3600, "month": 30 * 24 * 3600,
}

// relative reads what follows the number and the dot in 30.day().ago().
func (p *parser) relative(n int64) (expr, error) {
	seconds := unitSeconds[strings.TrimSuffix(strings.ToLower(p.peek().text), "s")]
	if p.peek().kind != nameToken || seconds == 0 {
		return nil, p.unexpected("a unit of time")
	}
	p.take()
	for _, want := range []string{"(", ")", ".", "ago", "(", ")"} {
		if err := p.expect(want); err != nil {
			return nil, err
		}
	}
	p.moves = true
	return ago{n * seconds}, nil
}
