package wording

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// longestData has every list and text as long as they count, and longer.
func longestData() Data {
	d := fullSample()
	long := strings.Repeat("ab ", longestText)
	for range LongestList + 50 {
		d.Members = append(d.Members, Member{ID: "1", Name: long, Customer: long})
		d.Sources = append(d.Sources, Source{Name: long})
		d.Troubles = append(d.Troubles, Trouble{Name: long, What: long, Cause: long})
		d.Changes = append(d.Changes, long)
		d.Tags = append(d.Tags, long)
	}
	d.Headline, d.Customer, d.Device.Name = long, long, long
	d.Text = strings.Repeat("ab ", LongestOutput)
	return d
}

// measured renders a copy of a template that counts its steps: the nodes of every list that it goes through, and the
// characters that functions are handed.
func measured(t *Template, d Data) int {
	steps := 0
	through := func(texts ...string) {
		for _, text := range texts {
			steps += 1 + utf8.RuneCountInString(text)/40
		}
	}
	all := functions()
	upper, lower := strings.ToUpper, strings.ToLower
	cut, _ := all["cut"].(func(int, string) string)
	has, _ := all["has"].(func(string, string) bool)
	counting := template.FuncMap{
		"steps": func(n int) string { steps += n; return "" },
		"upper": func(s string) string { through(s); return upper(s) },
		"lower": func(s string) string { through(s); return lower(s) },
		"cut":   func(n int, s string) string { through(s); return cut(n, s) },
		"has":   func(s, part string) bool { through(s, part); return has(s, part) },
	}
	tree := &parse.Tree{Name: "counted", ParseName: "counted", Root: counted(t.parsed.Root)}
	copied := template.Must(template.New("counted").Funcs(all).Funcs(counting).AddParseTree("counted", tree))
	_ = copied.Execute(&bounded{}, bound(d)) // one that writes too much is stopped
	return steps
}

// counted copies a list and counts its nodes whenever it is gone through.
func counted(l *parse.ListNode) *parse.ListNode {
	if l == nil {
		return nil
	}
	number := strconv.Itoa(len(l.Nodes))
	step := &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{
		parse.NewIdentifier("steps"), &parse.NumberNode{NodeType: parse.NodeNumber, IsInt: true, Int64: int64(len(l.Nodes)), Text: number},
	}}
	out := &parse.ListNode{NodeType: parse.NodeList, Nodes: []parse.Node{
		&parse.ActionNode{NodeType: parse.NodeAction, Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Cmds: []*parse.CommandNode{step}}},
	}}
	branch := func(b parse.BranchNode) parse.BranchNode {
		b.List, b.ElseList = counted(b.List), counted(b.ElseList)
		return b
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			out.Nodes = append(out.Nodes, &parse.IfNode{BranchNode: branch(n.BranchNode)})
		case *parse.WithNode:
			out.Nodes = append(out.Nodes, &parse.WithNode{BranchNode: branch(n.BranchNode)})
		case *parse.RangeNode:
			out.Nodes = append(out.Nodes, &parse.RangeNode{BranchNode: branch(n.BranchNode)})
		default:
			out.Nodes = append(out.Nodes, n)
		}
	}
	return out
}

func TestATemplateThatWouldTakeTooLongIsRefusedWithItsLine(t *testing.T) {
	refused := fmt.Sprintf("may take more than %d steps", mostSteps)
	for sentence, text := range map[string]string{
		"the built-in text is looked through for every pair of devices": "\n{{range .Members}}{{range $.Members}}" +
			strings.Repeat(`{{if has $.Text "zzzz"}}{{end}}`, 300) + "{{end}}{{end}}",
		"by another name":         "\n{{$t := .Text}}{{range .Members}}{{range $.Members}}{{if has $t \"z\"}}{{end}}{{end}}{{end}}",
		"as the dot":              "\n{{with .Text}}{{range $.Members}}{{range $.Members}}{{if has $.Text \"z\"}}{{end}}{{end}}{{end}}{{end}}",
		"given to a name later":   "\n{{$t := \"\"}}{{range .Members}}{{range $.Members}}{{if has $t \"z\"}}{{end}}{{$t = $.Text}}{{end}}{{end}}",
		"through a pipe":          "\n{{range .Members}}{{range $.Members}}{{if $.Text | lower | upper}}{{end}}{{end}}{{end}}",
		"within parentheses":      "\n{{range .Members}}{{range $.Members}}{{if eq (upper (or .Name $.Text)) .ID}}{{end}}{{end}}{{end}}",
		"many small actions":      "\n{{range .Members}}{{range $.Members}}" + strings.Repeat("{{if .ID}}{{end}}", 300) + "{{end}}{{end}}",
		"a long text of its own":  "\n{{range .Members}}{{range $.Members}}{{if has .ID \"" + strings.Repeat("x", 8000) + "\"}}{{end}}{{end}}{{end}}",
		"in what is hardly taken": "\n{{range .Members}}{{if false}}{{range $.Members}}{{if has $.Text \"z\"}}{{end}}{{end}}{{end}}{{end}}",
	} {
		_, err := Parse(Description, text)
		wrong := new(Error)
		require.ErrorAs(t, err, &wrong, sentence)
		require.Equal(t, 2, wrong.Line, sentence)
		require.Contains(t, wrong.Text, refused, sentence)
	}
}

func TestWhatTemplatesNeedIsFarBelowTheirMostSteps(t *testing.T) {
	for _, text := range []string{
		"{{range .Members}}{{.Name}} of {{.Customer}}\n{{range $.Troubles}}{{if has .What \"failed\"}}{{.Name}}: {{.Cause}}{{end}}{{end}}{{end}}",
		"{{range .Sources}}{{if has $.Text .Name}}{{.Name | upper}}{{end}}{{end}}",
	} {
		parsed, err := Parse(Description, text)
		require.NoError(t, err, text)
		_, err = parsed.Render(GroupSample())
		require.NoError(t, err, text)
	}
}

func FuzzATemplateTakesNoMoreStepsThanWereCounted(f *testing.F) {
	f.Add(`{{range $i, $m := .Members}}{{if has $m.Name "x"}}{{$m.Name | upper}}{{end}}{{end}}`)
	f.Add(`{{range .Members}}{{range $.Tags}}{{if has . "x"}}{{break}}{{end}}{{end}}{{else}}{{len .Sources}}{{end}}`)
	f.Add(`{{with $t := .Text}}{{range $.Sources}}{{if has $t .Name}}{{cut 3 $t | lower}}{{end}}{{end}}{{end}}`)
	f.Add(`{{with .Text}}{{if has . (upper .)}}{{end}}{{end}}{{(.Device).Name | cut 2 | upper | lower}}`)
	f.Add(`{{range .Changes}}{{if and (has . "a") (has $.Text .)}}{{else with .}}{{upper .}}{{end}}{{end}}`)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(Note, text)
		if err != nil {
			return
		}
		m := meter{c: &checker{tree: parsed.parsed.Tree}}
		m.list(parsed.parsed.Root, 1, shortSteps)
		for _, d := range []Data{longestData(), fullSample(), {}} {
			require.LessOrEqual(t, measured(parsed, d), m.steps, text)
		}
		require.LessOrEqual(t, m.steps, mostSteps)
	})
}

func TestListsAndTextsCountUpToTheirLongest(t *testing.T) {
	d := bound(longestData())
	require.Len(t, d.Members, LongestList)
	require.Len(t, d.Tags, LongestList)
	require.Len(t, d.Members[LongestList-1].Name, longestText)
	require.Len(t, d.Device.Name, longestText)
	require.Len(t, d.Text, LongestOutput)
	require.Equal(t, Sample(), bound(Sample()))
}

func TestEveryBranchIsTried(t *testing.T) {
	for _, text := range []string{
		`{{if eq .Severity "warning"}}{{len .Device}}{{end}}`,
		`{{if .Flapping}}{{else}}{{len .Device}}{{end}}`,
		`{{range .Tags}}{{if false}}{{break}}{{end}}{{if false}}{{upper .ID}}{{end}}{{end}}`,
		`{{range .Tags}}{{else}}{{upper .Errors}}{{end}}`,
		`{{with has .Issue "x"}}{{upper .}}{{end}}`,
		`{{if $x := .MembersTotal}}{{else}}{{upper $x}}{{end}}`,
		`{{if and .Flapping (upper .Revision)}}{{end}}`,
		`{{if or .Flapping (upper .Revision)}}{{end}}`,
		`{{if has .Issue "x"}}{{else if has .Issue "y"}}{{lt .Revision "1"}}{{end}}`,
	} {
		_, err := Parse(Note, text)
		wrong := new(Error)
		require.ErrorAs(t, err, &wrong, text)
		require.Contains(t, wrong.Text, "does not work", text)
	}
	for _, text := range []string{
		`{{if $x := .MembersTotal}}{{$x}}{{else}}{{len .Tags}}{{end}}`,
		`{{with $d := .Device}}{{$d.Name}}{{len $d.OS}}{{end}}`,
		`{{range .Tags}}{{if eq . "x"}}{{continue}}{{end}}{{upper .}}{{break}}{{end}}`,
		`{{with or .Reason .Issue}}{{upper .}}{{else with .Device}}{{.Name}}{{else}}{{.Now}}{{end}}`,
		`{{if and (gt .MembersTotal 2) .Members}}{{(len .Members) | eq 2}}{{end}}`,
		`{{if not (eq .Severity "alert" "critical")}}{{cut 3 .Now}}{{end}}`,
	} {
		_, err := Parse(Note, text)
		require.NoError(t, err, text)
	}
}
