package wording

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"
)

// Kind is a text of a ticket that a tenant may write in its own words.
type Kind string

// The kinds.
const (
	Summary     Kind = "summary"     // the ticket's title; the incident's mark stands before it, and both have 100 characters
	Description Kind = "description" // the ticket's first text; the customer may see it
	Note        Kind = "note"        // the note about a picture that changed
	Resolution  Kind = "resolution"  // the note that ends an incident
)

// Kinds returns every kind.
func Kinds() []Kind { return []Kind{Summary, Description, Note, Resolution} }

// Limits of templates.
const (
	LongestTemplate = 10_000 // characters of a template
	LongestOutput   = 30_000 // characters that a template may write
	deepestRange    = 2      // ranges within one another
)

// Template is a checked template. It may be used by several goroutines.
type Template struct {
	parsed   *template.Template
	internal []string
}

// Internal names the members of the data that it uses and that are not for customers: ConsoleURL, InternalIP.
func (t *Template) Internal() []string { return t.internal }

// CustomersSee reports whether customers can read a text of that kind, as the tenant's tickets.publicNotes is.
func CustomersSee(kind Kind, publicNotes bool) bool {
	return publicNotes || kind == Summary || kind == Description
}

// Error is what is wrong with a template.
type Error struct {
	Line int // of the template, from 1
	Text string
}

// Error returns the text; the line is told apart from it.
func (e *Error) Error() string { return e.Text }

// Parse checks a template. Its error is an *Error. A template is refused that uses what does not exist or what has no
// bound: ranges over anything but the lists of the data, more than two of them within one another, more steps than a
// rendering may take, templates within templates, and functions that make texts longer.
func Parse(kind Kind, text string) (*Template, error) {
	if utf8.RuneCountInString(text) > LongestTemplate {
		return nil, &Error{1, fmt.Sprintf("has more than %d characters; write a shorter one", LongestTemplate)}
	}
	parsed, err := template.New(string(kind)).Funcs(functions()).Parse(text)
	if err != nil {
		return nil, located(err)
	}
	c := checker{tree: parsed.Tree}
	if len(parsed.Templates()) > 1 || parsed.Tree == nil {
		return nil, &Error{1, "defines a template of its own; write everything in one"}
	}
	if c.list(parsed.Root, 0); c.err != nil {
		return nil, c.err
	}
	if (&meter{c: &c}).list(parsed.Root, 1, shortSteps); c.err != nil {
		return nil, c.err
	}
	slices.Sort(c.internal)
	t := &Template{parsed, slices.Compact(c.internal)}
	for _, sample := range []Data{Sample(), GroupSample()} {
		if _, err := t.Render(sample); err != nil {
			return nil, located(err)
		}
	}
	if err := tryBranches(parsed); err != nil {
		return nil, located(fmt.Errorf("rendering: %w", err))
	}
	return t, nil
}

// errTooLong ends a rendering.
var errTooLong = errors.New("writes more than " + strconv.Itoa(LongestOutput) + " characters")

// Render writes the template with the data, of which lists and texts count up to their longest only. What it writes is
// bounded, and so are the steps that it takes, see mostSteps.
func (t *Template) Render(d Data) (string, error) {
	out := &bounded{}
	if err := t.parsed.Execute(out, bound(d)); err != nil {
		return "", fmt.Errorf("rendering: %w", err)
	}
	return out.b.String(), nil
}

// bounded is a text that refuses to become too long.
type bounded struct {
	b     strings.Builder
	count int
}

// Write takes p whole or not at all.
func (b *bounded) Write(p []byte) (int, error) {
	if b.count += utf8.RuneCount(p); b.count > LongestOutput {
		return 0, errTooLong
	}
	return b.b.Write(p)
}

var _ io.Writer = (*bounded)(nil)

// functions are those beside the comparisons of text/template.
func functions() template.FuncMap {
	return template.FuncMap{
		"upper": strings.ToUpper,
		"lower": strings.ToLower,
		"cut": func(most int, text string) string {
			if most < 0 {
				return text
			}
			return cut(most, text)
		},
		"has": func(text, part string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(part)) },
	}
}

// Functions names what a template may call. Those that would make texts longer are not among them, because a text
// that doubles with each step needs few steps to fill the memory.
func Functions() []string {
	return []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "upper", "lower", "cut", "has"}
}

var (
	parsePlace  = regexp.MustCompile(`^template: [a-z]+:(\d+)(?::\d+)?: `)
	renderPlace = regexp.MustCompile(`^rendering: template: [a-z]+:(\d+):\d+: (?:executing "[a-z]+" at )?`)
)

// located takes the line out of an error of text/template.
func located(err error) *Error {
	if errors.Is(err, errTooLong) {
		return &Error{1, errTooLong.Error() + "; write less"}
	}
	text, line := err.Error(), 1
	for _, place := range []*regexp.Regexp{parsePlace, renderPlace} {
		if m := place.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			line, _ = strconv.Atoi(m[1]) // digits only
		}
	}
	return &Error{line, "does not work (" + strings.Join(strings.Fields(text), " ") + "); see docs/templates.md for what it may use"}
}

// checker looks through a template for what has no bound.
type checker struct {
	tree     *parse.Tree
	err      error
	internal []string // see Template.Internal
}

func (c *checker) refuse(n parse.Node, format string, args ...any) {
	if c.err == nil {
		c.err = &Error{c.line(n), fmt.Sprintf(format, args...)}
	}
}

// line is that of a node.
func (c *checker) line(n parse.Node) int {
	place, _ := c.tree.ErrorContext(n)
	parts := strings.Split(place, ":")
	if len(parts) < 2 {
		return 1
	}
	line, err := strconv.Atoi(parts[1])
	if err != nil {
		return 1
	}
	return line
}

func (c *checker) list(l *parse.ListNode, depth int) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		c.node(n, depth)
	}
}

func (c *checker) node(n parse.Node, depth int) {
	switch n := n.(type) {
	case *parse.ActionNode:
		c.pipe(n.Pipe)
	case *parse.IfNode:
		c.branch(&n.BranchNode, depth)
	case *parse.WithNode:
		c.branch(&n.BranchNode, depth)
	case *parse.RangeNode:
		switch {
		case depth == deepestRange:
			c.refuse(n, "has more than %d ranges within one another; write fewer", deepestRange)
		case !overList(n.Pipe):
			c.refuse(n, "ranges over something that is no list of the data; write range with one of .%s", strings.Join(lists(), ", ."))
		}
		c.branch(&n.BranchNode, depth+1)
	case *parse.TemplateNode:
		c.refuse(n, "uses another template; write everything in one")
	}
}

func (c *checker) branch(b *parse.BranchNode, depth int) {
	c.pipe(b.Pipe)
	c.list(b.List, depth)
	c.list(b.ElseList, depth)
}

func (c *checker) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, command := range p.Cmds {
		for _, arg := range command.Args {
			c.argument(arg)
		}
	}
}

func (c *checker) argument(n parse.Node) {
	switch n := n.(type) {
	case *parse.PipeNode:
		c.pipe(n)
	case *parse.ChainNode:
		c.argument(n.Node)
		c.known(n, n.Field)
	case *parse.FieldNode:
		c.known(n, n.Ident)
	case *parse.VariableNode:
		c.known(n, n.Ident[1:])
	case *parse.IdentifierNode:
		if !slices.Contains(Functions(), n.Ident) {
			c.refuse(n, "calls %s; the functions are %s", n.Ident, strings.Join(Functions(), ", "))
		}
	}
}

// known refuses names that the data does not have anywhere: a branch that no sample takes is not tried.
func (c *checker) known(n parse.Node, names []string) {
	all := fields(reflect.TypeFor[Data]())
	for _, name := range names {
		if _, there := all[name]; !there {
			c.refuse(n, "uses .%s, which there is not; see docs/templates.md for what it may use", name)
		}
		if name == "ConsoleURL" || name == "InternalIP" {
			c.internal = append(c.internal, name)
		}
	}
}

// overList reports whether a range goes over one of the data's lists, and not over a number or a made value.
func overList(p *parse.PipeNode) bool {
	if len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return false
	}
	var names []string
	switch n := p.Cmds[0].Args[0].(type) {
	case *parse.FieldNode:
		names = n.Ident
	case *parse.VariableNode:
		names = n.Ident[1:]
	}
	return len(names) > 0 && slices.Contains(lists(), names[len(names)-1])
}

// lists names the lists of the data.
func lists() []string {
	var names []string
	for name, t := range fields(reflect.TypeFor[Data]()) {
		if t.Kind() == reflect.Slice {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// fields returns the members of a type and of those within it, by name.
func fields(t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for f := range t.Fields() {
		all[f.Name] = f.Type
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			for name, typ := range fields(inner) {
				if _, there := all[name]; !there {
					all[name] = typ
				}
			}
		}
	}
	return all
}
