package tenant_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTemplatesThatShowCustomersWhatIsNotForThemAreWarnedOf(t *testing.T) {
	const templates = "  templates:\n    summary: \"{{.Issue}}\"\n    description: \"{{.ConsoleURL}}\"\n" +
		"    note: \"{{.Text}} {{.InternalIP}} {{.ConsoleURL}}\"\n    resolution: \"{{.Text}}\"\n"
	const told = ", which is not for customers, and customers see this text; leave it out"
	for keys, want := range map[string][]string{
		"":                      nil,
		"  publicNotes: true\n": nil,
		templates:               {"tickets.templates.description: uses .ConsoleURL" + told},
		"  publicNotes: true\n" + templates: {
			"tickets.templates.description: uses .ConsoleURL" + told,
			"tickets.templates.note: uses .ConsoleURL" + told, "tickets.templates.note: uses .InternalIP" + told,
		},
	} {
		docs, err := load(t, folder(t), minimal+keys)
		require.NoError(t, err)
		var got []string
		for _, w := range docs[0].Warnings() {
			if strings.HasPrefix(w.Key, "tickets.templates.") {
				got = append(got, w.Key+": "+w.Text)
			}
		}
		require.Equal(t, want, got, keys)
	}
}
