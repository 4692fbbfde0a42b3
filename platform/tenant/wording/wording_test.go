package wording_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant/wording"
)

var update = flag.Bool("update", false, "write docs/templates.md anew")

func TestATemplateWritesTheDataInItsOwnWords(t *testing.T) {
	for _, c := range []struct{ sentence, text, want string }{
		{"plain words stand as they are", "Backup trouble", "Backup trouble"},
		{"members of the data are put in", "{{.Device.Name}} at {{.Customer}}", "SRV-01 at Bluefin Dental Group"},
		{"the built-in text can be wrapped", "Hello,\n{{.Text}}\nYour team", "Hello,\n(the built-in text)\nYour team"},
		{"lists are gone through", "{{range .Sources}}{{.Name}}={{.Status}} {{end}}", "Files and Folders=Failed System State=Completed "},
		{"by their index too", "{{range $i, $s := .Sources}}{{$i}}{{$s.Code}} {{end}}", "0D01 1D02 "},
		{"with comparisons", `{{if and (eq .Severity "critical") .Flapping}}!{{end}}`, "!"},
		{"texts are cut and put in capitals", "{{.Customer | cut 7 | upper}}", "BLUEFIN"},
		{"texts are looked through", `{{if has .Device.OS "windows"}}w{{end}}`, "w"},
		{"lists are counted", "{{len .Sources}}", "2"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			parsed, err := wording.Parse(wording.Description, c.text)
			require.NoError(t, err)
			got, err := parsed.Render(wording.Sample())
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestWhatIsNotForCustomersIsFoundWhereverItStands(t *testing.T) {
	for text, want := range map[string][]string{
		"{{.Device.ExternalIP}} {{.Text}}": nil,
		"{{.InternalIP}}":                  {"InternalIP"},
		"{{if .Flapping}}{{range .Members}}{{$.ConsoleURL}}{{end}}{{end}}":  {"ConsoleURL"},
		"{{with .InternalIP}}{{. | upper}}{{end}} {{cut 9 .ConsoleURL}}":    {"ConsoleURL", "InternalIP"},
		"{{if has .InternalIP \"192.\"}}x{{end}} {{(.InternalIP) | lower}}": {"InternalIP"},
	} {
		parsed, err := wording.Parse(wording.Note, text)
		require.NoError(t, err, text)
		require.Equal(t, want, parsed.Internal(), text)
	}
	for kind, seen := range map[wording.Kind]bool{wording.Summary: true, wording.Description: true, wording.Note: false, wording.Resolution: false} {
		require.Equal(t, seen, wording.CustomersSee(kind, false), kind)
		require.True(t, wording.CustomersSee(kind, true), kind)
	}
}

func TestAWrongTemplateIsRefusedWithItsLine(t *testing.T) {
	const see = "; see docs/templates.md for what it may use"
	for _, c := range []struct {
		sentence, text string
		line           int
		want           string
	}{
		{"an action without an end", "a\n{{.Customer", 2, "does not work (unclosed action)" + see},
		{"a block without an end", "{{if .Flapping}}\n\nx", 3, "does not work (unexpected EOF)" + see},
		{"a member that there is not", "\n{{.Customr}}", 2, "uses .Customr, which there is not" + see},
		{"also where no sample comes by", "{{if false}}\n{{.Device.Nme}}{{end}}", 2, "uses .Nme, which there is not" + see},
		{"a member of another type", "{{range .Sources}}{{.Alias}}{{end}}", 1, "does not work (<.Alias>: can't evaluate field Alias in type wording.Source)" + see},
		{"a use that no sample comes by", "{{if eq .Severity \"warning\"}}\n{{len .Device}}{{end}}", 2, "does not work (<len .Device>: error calling len: len of type wording.Device)" + see},
		{"the other way of a condition that holds", "{{if .Device.Name}}x{{else}}\n\n{{len .Errors}}{{end}}", 3, "does not work (<.Errors>: can't evaluate field Errors in type wording.Data)" + see},
		{"a function that there is not", "{{shell .Customer}}", 1, `does not work (function "shell" not defined)` + see},
		{
			"a function that makes texts longer", `{{printf "%999999d" 1}}`, 1,
			"calls printf; the functions are and, or, not, eq, ne, lt, le, gt, ge, len, upper, lower, cut, has",
		},
		{"another such function, hidden in an argument", "\n\n{{cut 3 (print .Text .Text)}}", 3, "calls print; the functions are and, or, not, eq, ne, lt, le, gt, ge, len, upper, lower, cut, has"},
		{
			"a range over a number", "{{range 1000000000}}{{end}}", 1,
			"ranges over something that is no list of the data; write range with one of .Changes, .Members, .Sources, .Tags, .Troubles",
		},
		{
			"a range over a number of the data", "{{range .MembersTotal}}{{end}}", 1,
			"ranges over something that is no list of the data; write range with one of .Changes, .Members, .Sources, .Tags, .Troubles",
		},
		{
			"ranges within ranges within ranges", "{{range .Members}}{{range $.Members}}\n{{range $.Members}}{{end}}{{end}}{{end}}", 2,
			"has more than 2 ranges within one another; write fewer",
		},
		{"a template within", `{{define "a"}}x{{end}}`, 1, "defines a template of its own; write everything in one"},
		{"a template that calls itself", `{{template "description" .}}`, 1, "uses another template; write everything in one"},
		{"more than a template may have", strings.Repeat("x", 10_001), 1, "has more than 10000 characters; write a shorter one"},
		{"more than a text may have", "{{range .Sources}}{{range $.Sources}}" + strings.Repeat("x", 9_000) + "{{end}}{{end}}", 1, "writes more than 30000 characters; write less"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			_, err := wording.Parse(wording.Description, c.text)
			wrong := new(wording.Error)
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, wording.Error{Line: c.line, Text: c.want}, *wrong)
		})
	}
}

func TestATemplateThatWritesTooMuchOnlyLaterIsStopped(t *testing.T) {
	parsed, err := wording.Parse(wording.Description, "{{range .Members}}{{range $.Members}}"+strings.Repeat("x", 100)+"{{end}}{{end}}")
	require.NoError(t, err)
	d := wording.GroupSample()
	for range 1000 {
		d.Members = append(d.Members, wording.Member{})
	}
	_, err = parsed.Render(d)
	require.ErrorContains(t, err, "writes more than 30000 characters")
}

func FuzzTemplatesAreBounded(f *testing.F) {
	f.Add("{{range $i, $m := .Members}}{{if has $m.Name \"x\"}}{{$m.Name | upper}}{{end}}{{end}}")
	f.Add("{{with .Device}}{{.Name}}{{end}}{{len .Sources}}")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := wording.Parse(wording.Note, text)
		if err != nil {
			return
		}
		for _, d := range []wording.Data{wording.Sample(), wording.GroupSample(), {}} {
			if out, err := parsed.Render(d); err == nil {
				require.LessOrEqual(t, utf8.RuneCountInString(out), wording.LongestOutput)
			}
		}
	})
}

// documented are the doc comments of the package's data, by type and in order.
func documented(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "data.go", nil, parser.ParseComments)
	require.NoError(t, err)
	var b strings.Builder
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		spec := decl.Specs[0].(*ast.TypeSpec)
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| member | type | meaning |\n|---|---|---|\n", spec.Name.Name, strings.Join(strings.Fields(decl.Doc.Text()), " "))
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			require.NotEmpty(t, f.Comment.Text(), "%s.%s", spec.Name.Name, f.Names[0].Name)
			fmt.Fprintf(&b, "| `.%s` | %s | %s |\n", f.Names[0].Name, typeName(f.Type), strings.ReplaceAll(strings.TrimSpace(f.Comment.Text()), "|", `\|`))
		}
	}
	return b.String()
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.ArrayType:
		return "list of " + typeName(e.Elt)
	case *ast.Ident:
		return map[string]string{"string": "text", "int": "number", "bool": "true or false"}[e.Name] + map[bool]string{true: "[" + e.Name + "](#" + strings.ToLower(e.Name) + ")"}[ast.IsExported(e.Name)]
	default:
		return "?"
	}
}

const head = `# Tickets in your own words

Generated by a test of package wording; do not edit. Tenants may write four texts of their tickets with templates, in the
syntax of [Go's text/template](https://pkg.go.dev/text/template):

    tickets:
      templates:
        summary: "{{.Device.Label}} {{.Device.Name}}: {{.Issue}}"
        description: |
          Dear {{.Customer}},
          {{range .Troubles}}{{.Name}}: {{.What}}, last good backup {{.LastGood}}
          {{end}}
        note: "{{.Text}}"
        resolution: "Over after {{.Duration}}."

- **summary** is the ticket's title. The mark of the incident stands before it whatever the template says, and both together are
  cut to the 100 characters that ConnectWise takes. A summary is given once: people may change it, and Covewise does not fight them.
- **description** is the first text. The customer may see it, as well as the summary: leave ` + "`.ConsoleURL` and `.InternalIP`" + ` out.
- **note** is written when the picture changes, **resolution** when the incident is over. Both are internal unless
  ` + "`tickets.publicNotes`" + ` says otherwise; then leave ` + "`.ConsoleURL` and `.InternalIP`" + ` out of them too.

` + "`covewise up` and `covewise policy lint`" + ` warn of a template that uses one of the two where customers see it. ` + "`.Text`" + ` has neither there.

The last line of each text is the mark by which Covewise finds it again; it is added whatever the template says. What a rule of
` + "`tickets.routing`" + ` appends stands below it.

A template is checked when the document is read, by its grammar and by writing it with sample data, and refused with its line.
Every branch is tried then, also those whose condition the sample data does not meet.
One that fails nevertheless when a ticket is written falls back to the built-in text, with one warning for each template in the
log and a remark at the ticket (` + "`covewise tickets`, `covewise ticket show`" + `).
A template has at most 10,000 characters and writes at most 30,000; of a list it sees the first 100 entries, of a text the first
2,000 characters, and 30,000 of ` + "`.Text`" + `. It may go through the lists below (` + "`range`" + `, at most two
within one another, and not with more in the inner one than would take seconds) and call ` + "%s" + `; it defines and uses no other templates.
`

func TestTheDocumentationIsThatOfTheData(t *testing.T) {
	want := fmt.Sprintf(head, "`"+strings.Join(wording.Functions(), "`, `")+"`") + documented(t)
	path := filepath.Join("..", "..", "..", "docs", "templates.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update to write the documentation")
	require.Equal(t, want, string(got))
}
