package wording

import (
	"io"
	"reflect"
	"text/template"
	"text/template/parse"
)

// tryBranches executes every branch of a template once with full data, whatever its condition says: a branch that no
// sample takes would fail for the first time when a ticket is written. In the copy that it executes a condition stands
// twice, once as if it held and once as if it did not; its value keeps its type, for a branch may use it.
func tryBranches(t *template.Template) error {
	tree := &parse.Tree{Name: t.Name(), ParseName: t.Name(), Root: forced(t.Root)}
	both, err := template.New(t.Name()).Funcs(functions()).Funcs(template.FuncMap{
		"taken": taken, "passed": passed,
		// Those of text/template look at no argument after the one that decides.
		"and": func(first reflect.Value, more ...reflect.Value) reflect.Value {
			return append(more, first)[max(len(more)-1, 0)]
		},
		"or": func(first reflect.Value, _ ...reflect.Value) reflect.Value { return first },
	}).AddParseTree(t.Name(), tree)
	if err != nil {
		return err
	}
	return both.Execute(io.Discard, fullSample())
}

// forced copies a list, with every condition standing twice.
func forced(l *parse.ListNode) *parse.ListNode {
	if l == nil {
		return nil
	}
	out := &parse.ListNode{NodeType: parse.NodeList, Pos: l.Pos}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			out.Nodes = append(out.Nodes, &parse.IfNode{BranchNode: forcedBranch(&n.BranchNode, true)}, &parse.IfNode{BranchNode: forcedBranch(&n.BranchNode, false)})
		case *parse.WithNode:
			out.Nodes = append(out.Nodes, &parse.WithNode{BranchNode: forcedBranch(&n.BranchNode, true)}, &parse.WithNode{BranchNode: forcedBranch(&n.BranchNode, false)})
		case *parse.RangeNode:
			out.Nodes = append(out.Nodes, &parse.RangeNode{BranchNode: forcedBranch(&n.BranchNode, true)}, &parse.RangeNode{BranchNode: forcedBranch(&n.BranchNode, false)})
		case *parse.BreakNode, *parse.ContinueNode: // what stands behind them is to be tried, too
		default:
			out.Nodes = append(out.Nodes, n)
		}
	}
	return out
}

// forcedBranch copies a branch as if its condition held, or as if it did not. Only the part that is then executed is there.
func forcedBranch(b *parse.BranchNode, holds bool) parse.BranchNode {
	force, out := "passed", *b
	if holds {
		force = "taken"
	}
	pipe := *b.Pipe
	pipe.Cmds = append(append([]*parse.CommandNode{}, pipe.Cmds...), &parse.CommandNode{
		NodeType: parse.NodeCommand, Pos: pipe.Pos, Args: []parse.Node{parse.NewIdentifier(force).SetPos(pipe.Pos)},
	})
	out.Pipe, out.List, out.ElseList = &pipe, &parse.ListNode{NodeType: parse.NodeList, Pos: b.Pos}, nil
	if holds {
		out.List = forced(b.List)
	} else {
		out.ElseList = forced(b.ElseList)
	}
	return out
}

// taken returns a value of the same type for which a condition holds.
func taken(v reflect.Value) reflect.Value {
	if !v.IsValid() {
		return reflect.ValueOf(true)
	}
	return full(v.Type())
}

// passed returns a value of the same type for which a condition does not hold; for a structure there is none.
func passed(v reflect.Value) reflect.Value {
	if !v.IsValid() {
		return reflect.ValueOf(false)
	}
	return reflect.Zero(v.Type())
}

// fullSample is data with a value in every member.
func fullSample() Data {
	d, _ := reflect.TypeAssert[Data](full(reflect.TypeFor[Data]())) // of that type
	return d
}

// full returns a value of a type of the data of which nothing is empty.
func full(t reflect.Type) reflect.Value {
	out := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			out.Field(i).Set(full(t.Field(i).Type))
		}
	case reflect.Slice:
		out = reflect.Append(out, full(t.Elem()))
	case reflect.String:
		out.SetString("x")
	case reflect.Int:
		out.SetInt(1)
	case reflect.Bool:
		out.SetBool(true)
	}
	return out
}
