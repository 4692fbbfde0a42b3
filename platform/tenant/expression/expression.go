// Package expression owns the expressions of custom conditions: the facts they can use, their compilation and their
// bounded evaluation. An expression is pure: it can neither read a clock nor reach anything but its facts.
//
// It does not gather facts and does not judge devices.
package expression

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one expression. Loops cannot be nested deeper than deepest and ranges are refused, so that the work of
// an evaluation is bounded by the number of data sources and of nodes.
const (
	longest      = 1000   // letters
	mostNodes    = 200    // nodes of the syntax tree
	deepest      = 2      // loops inside one another
	memoryBudget = 10_000 // elements that an evaluation may make
)

// builtins are the functions that expressions can call: pure ones whose result is no larger than what they are given.
var builtins = []string{
	"all", "none", "any", "one", "filter", "map", "find", "count", "sum", "len",
	"min", "max", "abs", "round", "floor", "ceil", "lower", "upper", "trim", "hasPrefix", "hasSuffix", "indexOf",
}

// Expression is a compiled expression. It is safe for concurrent use.
type Expression struct {
	text    string
	program *vm.Program
}

// Compile checks an expression against the facts and compiles it. Its errors say on one line what is wrong.
func Compile(text string) (*Expression, error) {
	if len([]rune(text)) > longest {
		return nil, fmt.Errorf("is longer than %d letters", longest)
	}
	env := map[string]any{}
	for _, f := range Facts() {
		env[f.Name] = f.zero
	}
	bounds := &visitor{}
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.MaxNodes(mostNodes), expr.Patch(bounds), expr.DisableAllBuiltins()}
	for _, name := range builtins {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if err != nil {
		return nil, oneLine(err)
	}
	switch {
	case bounds.ranges:
		return nil, errors.New("makes a range of numbers, which expressions do not need")
	case depth(program.Node()) > deepest:
		return nil, fmt.Errorf("nests loops deeper than %d", deepest)
	case !bounds.facts:
		return nil, errors.New("uses no fact, so that it says the same of every device at every time")
	}
	return &Expression{text: text, program: program}, nil
}

// String returns the expression's text.
func (e *Expression) String() string { return e.text }

// Holds evaluates the expression. An error means that it cannot be judged: a fact that it needs is not known, or it
// asked for too much memory.
func (e *Expression) Holds(facts map[string]any) (bool, error) {
	machine := vm.VM{MemoryBudget: memoryBudget}
	out, err := machine.Run(e.program, facts)
	if err != nil {
		return false, fmt.Errorf("evaluate expression: %w", oneLine(err))
	}
	holds, ok := out.(bool)
	if !ok {
		return false, errors.New("evaluate expression: its result is not known")
	}
	return holds, nil
}

// oneLine takes the drawing of the place off the library's errors, and names the column in words.
func oneLine(err error) error {
	located, ok := errors.AsType[*file.Error](err)
	if !ok {
		return errors.New(strings.SplitN(err.Error(), "\n", 2)[0])
	}
	return fmt.Errorf("%s (column %d)", located.Message, located.Column+1)
}

// visitor notes what an expression makes use of. It changes nothing.
type visitor struct{ facts, ranges bool }

// Visit notes one node.
func (v *visitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		for _, f := range Facts() {
			v.facts = v.facts || f.Name == n.Value
		}
	case *ast.BinaryNode:
		v.ranges = v.ranges || n.Operator == ".."
	}
}

// depth returns how deep the loops of an expression are nested.
func depth(node ast.Node) int {
	deepestBelow := 0
	for _, child := range children(node) {
		deepestBelow = max(deepestBelow, depth(child))
	}
	if _, loop := node.(*ast.PredicateNode); loop {
		return deepestBelow + 1
	}
	return deepestBelow
}

// children returns the nodes directly below a node.
func children(node ast.Node) []ast.Node {
	switch n := node.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return present(n.Node, n.From, n.To)
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return append(present(n.Map), n.Arguments...)
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	default:
		return nil
	}
}

func present(nodes ...ast.Node) []ast.Node {
	var there []ast.Node
	for _, n := range nodes {
		if n != nil {
			there = append(there, n)
		}
	}
	return there
}
