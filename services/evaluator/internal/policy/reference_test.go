package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/expression"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
	"github.com/covewise/covewise/services/evaluator/internal/policy/lint"
	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

// The reference names every key with its default and every fact, as the program has them.
func TestTheReferenceHasEveryKeyAndEveryFact(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/policy.md")
	require.NoError(t, err)
	reference := string(text)
	for _, k := range tenant.PolicyKeys() {
		require.Contains(t, reference, keyRow(k)+"\n")
	}
	for _, f := range expression.Facts() {
		require.Contains(t, reference, fmt.Sprintf("| `%s` | %s | %s |\n", f.Name, f.Type, f.Text))
	}
}

// The examples of the reference are documents and traces that load, and lint has nothing against them.
func TestTheExamplesOfTheReferenceWork(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/policy.md")
	require.NoError(t, err)
	const head = `id: harbor
cove: {username: psa-sync, passwordFile: cove.secret}
connectwise: {url: "https://na.myconnectwise.net", company: h, publicKeyFile: a, privateKeyFile: b, clientId: 0f0e0d0c-1111-2222-3333-444455556666}
tickets: {board: b, newStatus: n, closedStatus: c, priorities: {server: a, workstation: b, m365: c}}
`
	documents, traces := 0, 0
	for _, block := range examples(string(text)) {
		first, _, _ := strings.Cut(block, "\n")
		switch first {
		case "family: nights":
			_, err := trace.Read("policy.md", []byte(block))
			require.NoError(t, err, block)
			traces++
			continue
		case "policy:":
		case "tags:", "exclude:", "windows:", "expectedErrors:", "customConditions:":
			block = "policy:\n  " + strings.ReplaceAll(block, "\n", "\n  ")
		default:
			continue
		}
		path := filepath.Join(t.TempDir(), "tenants.yaml")
		require.NoError(t, os.WriteFile(path, []byte(head+block+"\n"), 0o600))
		docs, err := tenant.Load(path, tenant.Options{WithoutSecrets: true})
		require.NoError(t, err, block)
		_, err = policy.Compile(docs[0].Settings().GetPolicy())
		require.NoError(t, err)
		require.Empty(t, lint.Check(docs[0], now, nil), block)
		documents++
	}
	require.Equal(t, []int{7, 1}, []int{documents, traces})
}

// examples returns the indented blocks of a text, without their indentation.
func examples(text string) []string {
	var blocks []string
	var block []string
	for line := range strings.Lines(text + "\n") {
		line = strings.TrimSuffix(line, "\n")
		if rest, indented := strings.CutPrefix(line, "    "); indented {
			block = append(block, rest)
			continue
		}
		if len(block) > 0 {
			blocks = append(blocks, strings.Join(block, "\n"))
			block = nil
		}
	}
	return blocks
}

// keyRow is the row of a key in the reference.
func keyRow(k tenant.PolicyKey) string {
	name := "`" + k.Name + "`"
	switch {
	case k.BySource:
		name += " by class or source"
	case k.ByClass:
		name += " by class"
	}
	var defaults []string
	for _, class := range append([]string{""}, tenant.Classes()...) {
		value, set := k.Default[class]
		switch {
		case set && class == "" && value == "":
			defaults = append(defaults, "none")
		case set && class == "":
			defaults = append(defaults, value)
		case set:
			defaults = append(defaults, class+" "+value)
		}
	}
	return fmt.Sprintf("| %s | %s | %s |", name, strings.Join(defaults, ", "), k.About)
}
