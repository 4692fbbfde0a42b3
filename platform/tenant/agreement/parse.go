package agreement

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a condition.
const (
	longest = 2000 // characters
	deepest = 20   // parentheses and negations within one another
)

type tokenKind uint8

const (
	end    tokenKind = iota
	word             // and, or, not, in, like, contains, name, type/name
	symbol           // = != < <= > >= ( ) ,
	quoted
)

type token struct {
	kind tokenKind
	text string // in lower case for words; without quotes
	at   int    // character of the condition, from 1
}

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case quoted:
		return fmt.Sprintf("the text %q", t.text)
	default:
		return fmt.Sprintf("%q", t.text)
	}
}

type parser struct {
	tokens []token
	next   int
	texts  []string
}

// scan cuts a condition into tokens.
func (p *parser) scan(text string) error {
	runes := []rune(text)
	if len(runes) > longest {
		return fmt.Errorf("has more than %d characters; write a shorter condition", longest)
	}
	for i := 0; i < len(runes); {
		at := i + 1
		switch r := runes[i]; {
		case strings.ContainsRune(" \t\r\n", r):
			i++
		case strings.ContainsRune("(),=", r):
			p.tokens = append(p.tokens, token{symbol, string(r), at})
			i++
		case strings.ContainsRune("<>!", r):
			sign := string(r)
			if i+1 < len(runes) && runes[i+1] == '=' {
				sign += "="
			}
			if sign == "!" {
				return fmt.Errorf("has a lone \"!\" at character %d; write != or not", at)
			}
			p.tokens = append(p.tokens, token{symbol, sign, at})
			i += len(sign)
		case r == '"' || r == '\'':
			length := slices.Index(runes[i+1:], r)
			if length < 0 {
				return fmt.Errorf("has a quote at character %d that is not closed; close it", at)
			}
			p.tokens = append(p.tokens, token{quoted, string(runes[i+1 : i+1+length]), at})
			i += length + 2
		case strings.ContainsRune("“”„«»‘’", r):
			return fmt.Errorf("has a typographic quote at character %d; write \" or '", at)
		default:
			from := i
			for i < len(runes) && !strings.ContainsRune(" \t\r\n(),=<>!\"'", runes[i]) {
				i++
			}
			p.tokens = append(p.tokens, token{word, strings.ToLower(string(runes[from:i])), at})
		}
	}
	p.tokens = append(p.tokens, token{kind: end, at: utf8.RuneCountInString(text) + 1})
	return nil
}

func (p *parser) peek() token { return p.tokens[p.next] }

// take goes past the next token if it is that word or symbol.
func (p *parser) take(kind tokenKind, text string) bool {
	if t := p.peek(); t.kind != kind || t.text != text {
		return false
	}
	p.next++
	return true
}

func (p *parser) unexpected(wanted string) error {
	t := p.peek()
	return fmt.Errorf("has %s at character %d; write %s there", t, t.at, wanted)
}

func (p *parser) either(depth int) (node, error) {
	left, err := p.all(depth)
	for err == nil && p.take(word, "or") {
		var right node
		if right, err = p.all(depth); err == nil {
			left = oneOf{left, right}
		}
	}
	return left, err
}

func (p *parser) all(depth int) (node, error) {
	left, err := p.single(depth)
	for err == nil && p.take(word, "and") {
		var right node
		if right, err = p.single(depth); err == nil {
			left = both{left, right}
		}
	}
	return left, err
}

func (p *parser) single(depth int) (node, error) {
	switch {
	case depth > deepest:
		return nil, fmt.Errorf("has more than %d parentheses within one another; write fewer", deepest)
	case p.take(word, "not"):
		inner, err := p.single(depth + 1)
		return negated{inner}, err
	case p.take(symbol, "("):
		inner, err := p.either(depth + 1)
		if err == nil && !p.take(symbol, ")") {
			err = p.unexpected("and, or, or a closing parenthesis")
		}
		return inner, err
	default:
		return p.comparison()
	}
}

func (p *parser) comparison() (node, error) {
	var c comparison
	switch {
	case p.take(word, "name"):
	case p.take(word, "type/name"):
		c.byType = true
	default:
		return nil, p.unexpected("name, type/name, not or an opening parenthesis")
	}
	not := p.take(word, "not")
	t := p.peek()
	switch {
	case t.kind == word && slices.Contains([]string{"contains", "like", "in"}, t.text):
	case t.kind == symbol && strings.ContainsAny(t.text, "=<>") && !not:
	case not:
		return nil, p.unexpected("contains, like or in")
	default:
		return nil, p.unexpected("one of = != < <= > >= contains like in not")
	}
	p.next++
	c.op = t.text
	var err error
	if c.op == "in" {
		err = p.several(&c)
	} else {
		err = p.text(&c)
	}
	if not {
		return negated{c}, err
	}
	return c, err
}

// several reads the texts of in.
func (p *parser) several(c *comparison) error {
	if !p.take(symbol, "(") {
		return p.unexpected("an opening parenthesis and texts in quotes")
	}
	for {
		if err := p.text(c); err != nil {
			return err
		}
		switch {
		case p.take(symbol, ")"):
			return nil
		case !p.take(symbol, ","):
			return p.unexpected("a comma or a closing parenthesis")
		}
	}
}

func (p *parser) text(c *comparison) error {
	t := p.peek()
	if t.kind != quoted {
		return p.unexpected("a text in quotes")
	}
	if t.text == "" {
		return fmt.Errorf("compares with an empty text at character %d; write one that agreements have", t.at)
	}
	p.next++
	p.texts = append(p.texts, t.text)
	c.texts = append(c.texts, strings.ToLower(t.text))
	return nil
}
