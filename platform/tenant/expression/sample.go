package expression

import (
	"math/rand/v2"

	"github.com/expr-lang/expr/ast"
)

// samples is how many made-up devices an expression is tried on.
const samples = 4000

// Tried is what an expression said of made-up devices, whose facts take the values that the expression compares them
// with, values beside those, and common ones.
type Tried struct {
	Always bool // it was true of all of them: nothing seems to end it
	Never  bool // it was true of none: nothing seems to begin it
}

// Try tries the expression. It is deterministic. That an expression is never true cannot be told of one that uses
// "matches", because texts that match cannot be made up.
func (e *Expression) Try() Tried {
	p := pool{texts: []string{"", "server", "workstation", "documents", "m365", "Completed", "Failed", "D01", "D19"}, numbers: []float64{0, 1, 1e6}}
	node := e.program.Node()
	p.learn(node)
	rng := rand.New(rand.NewPCG(1, 1))
	tried := Tried{Always: true, Never: !p.patterns}
	for range samples {
		holds, err := e.Holds(p.device(rng))
		if err != nil {
			continue
		}
		tried.Always = tried.Always && holds
		tried.Never = tried.Never && !holds
	}
	return tried
}

// pool holds the values that made-up facts are taken from.
type pool struct {
	texts    []string
	numbers  []float64
	patterns bool
}

func (p *pool) learn(node ast.Node) {
	switch n := node.(type) {
	case *ast.StringNode:
		p.texts = append(p.texts, n.Value)
	case *ast.IntegerNode:
		p.number(float64(n.Value))
	case *ast.FloatNode:
		p.number(n.Value)
	case *ast.ConstantNode:
		p.constant(n.Value)
	case *ast.BinaryNode:
		p.patterns = p.patterns || n.Operator == "matches"
	}
	for _, child := range children(node) {
		p.learn(child)
	}
}

// constant learns what the compiler has folded.
func (p *pool) constant(value any) {
	switch v := value.(type) {
	case string:
		p.texts = append(p.texts, v)
	case int:
		p.number(float64(v))
	case float64:
		p.number(v)
	case []string:
		p.texts = append(p.texts, v...)
	case map[string]struct{}: // a list of texts to look in
		for text := range v {
			p.texts = append(p.texts, text)
		}
	case map[int]struct{}:
		for n := range v {
			p.number(float64(n))
		}
	case []any:
		for _, element := range v {
			p.constant(element)
		}
	}
}

func (p *pool) number(n float64) { p.numbers = append(p.numbers, n, n-1, n+1) }

// device makes up the facts of a device.
func (p *pool) device(rng *rand.Rand) map[string]any {
	text := func() string { return p.texts[rng.IntN(len(p.texts))] }
	number := func() float64 { return p.numbers[rng.IntN(len(p.numbers))] }
	facts := map[string]any{}
	for _, f := range Facts() {
		switch f.zero.(type) {
		case string:
			facts[f.Name] = text()
		case bool:
			facts[f.Name] = rng.IntN(2) == 1
		case float64:
			facts[f.Name] = number()
		case []string:
			facts[f.Name] = []string{text(), text()}[:rng.IntN(3)]
		case []Source:
			sources := make([]Source, rng.IntN(3))
			for i := range sources {
				errors, success, running, selected := number(), number(), number(), number()
				sources[i] = Source{
					Code: text(), Name: text(), Status: text(), Finished: text(),
					Errors: &errors, SuccessHours: &success, RunningHours: &running, SelectedGB: &selected,
				}
			}
			facts[f.Name] = sources
		}
	}
	return facts
}
