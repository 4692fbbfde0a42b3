package wording

import (
	"slices"
	"text/template/parse"
	"unicode/utf8"
)

// What bounds the time of a rendering. A template has no loop but range, and ranges go through lists of a bounded length,
// so how many steps it takes at most is known before it is ever rendered.
const (
	LongestList = 100       // entries of a list of the data; later ones are left out
	longestText = 2_000     // characters of a text of the data but the built-in one, which has LongestOutput; the rest is cut
	mostSteps   = 2_000_000 // of one rendering; measured, a step takes up to a microsecond
)

// Steps of a function that goes through a text, beside the one of every action: measured, a step is about as much as
// changing the case of 40 letters that are not of the Latin alphabet.
const (
	shortSteps = longestText / 40
	longSteps  = LongestOutput / 40
)

// meter counts the steps that a template takes at most.
type meter struct {
	c     *checker
	steps int
}

// spend counts steps of a node that is met a number of times.
func (m *meter) spend(n parse.Node, steps, times int) {
	if m.steps += steps * times; m.steps > mostSteps {
		m.c.refuse(n, "may take more than %d steps, because a list has up to %d entries and a range within a range goes through all of them for each of the outer; write less within ranges",
			mostSteps, LongestList)
	}
}

// list counts the nodes of a list. dot is the steps of going through what the dot holds.
func (m *meter) list(l *parse.ListNode, times, dot int) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		if m.c.err != nil {
			return
		}
		m.spend(n, 1, times)
		switch n := n.(type) {
		case *parse.ActionNode:
			m.pipe(n.Pipe, times, dot)
		case *parse.IfNode:
			m.pipe(n.Pipe, times, dot)
			m.list(n.List, times, dot)
			m.list(n.ElseList, times, dot)
		case *parse.WithNode:
			inner := m.pipe(n.Pipe, times, dot)
			m.list(n.List, times, inner)
			m.list(n.ElseList, times, dot)
		case *parse.RangeNode:
			m.pipe(n.Pipe, times, dot)
			m.list(n.List, times*LongestList, shortSteps)
			m.list(n.ElseList, times, dot)
		}
	}
}

// pipe counts a pipeline and returns the steps of going through its value.
func (m *meter) pipe(p *parse.PipeNode, times, dot int) int {
	value := 0
	for _, command := range p.Cmds {
		value = m.command(command, value, times, dot)
	}
	return value
}

// command counts a command that is handed the value of the one before it.
func (m *meter) command(c *parse.CommandNode, value, times, dot int) int {
	name := ""
	if f, ok := c.Args[0].(*parse.IdentifierNode); ok {
		name = f.Ident
	}
	through := slices.Contains([]string{"upper", "lower", "cut", "has"}, name)
	steps, most := len(c.Args), value
	for _, arg := range c.Args {
		whole := m.argument(arg, times, dot)
		if most = max(most, whole); through {
			steps += whole
		}
	}
	if through {
		steps += value
	}
	m.spend(c, steps, times)
	if slices.Contains([]string{"", "and", "or", "upper", "lower", "cut"}, name) {
		return most
	}
	return 0 // a number or a truth
}

// argument counts an argument and returns the steps of going through its value.
func (m *meter) argument(n parse.Node, times, dot int) int {
	field := func(names []string) int {
		if names[len(names)-1] == "Text" {
			return longSteps
		}
		return shortSteps
	}
	switch n := n.(type) {
	case *parse.PipeNode:
		return m.pipe(n, times, dot)
	case *parse.ChainNode:
		m.argument(n.Node, times, dot)
		return field(n.Field)
	case *parse.FieldNode:
		return field(n.Ident)
	case *parse.VariableNode:
		if len(n.Ident) > 1 {
			return field(n.Ident)
		}
		return longSteps // it may have been given any text
	case *parse.DotNode:
		return dot
	case *parse.StringNode:
		return 1 + utf8.RuneCountInString(n.Text)/40
	default:
		return 0
	}
}
