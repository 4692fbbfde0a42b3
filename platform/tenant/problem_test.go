package tenant_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
)

// wrong is a document that differs from the good one in one place (old becomes new; an empty old means
// that new is the whole file) and the lines that Load must answer it with.
type wrong struct {
	name     string
	old, new string
	want     []string
}

func TestLoadNamesEveryProblem(t *testing.T) {
	tests := slices.Concat(wrongKeys, wrongValues, wrongAddresses, wrongSecrets, wrongFiles)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t)
			text := test.new
			if test.old != "" {
				require.Equal(t, 1, strings.Count(whole, test.old), "the case must change one place")
				text = strings.Replace(whole, test.old, test.new, 1)
			}
			docs, err := load(t, dir, text)
			require.Nil(t, docs)
			requireProblems(t, dir, err, test.want...)
		})
	}
}

// requireProblems compares the whole error, with the test's folder written as DIR and its file without it.
func requireProblems(t *testing.T, dir string, err error, want ...string) {
	t.Helper()
	var problems tenant.Problems
	require.ErrorAs(t, err, &problems)
	require.NotContains(t, err.Error(), mark, "a secret must not be in an error")
	text := strings.ReplaceAll(err.Error(), filepath.Join(dir, "tenants.yaml"), "tenants.yaml")
	text = strings.ReplaceAll(text, dir, "DIR")
	require.Equal(t, want, strings.Split(text, "\n"))
	require.Len(t, problems, len(want), "one line per problem")
}

func TestLoadNamesFilesItCannotRead(t *testing.T) {
	dir := folder(t)
	tests := map[string]string{
		"missing.yaml": "DIR/missing.yaml:1: document: does not exist; name an existing file, or write one after the example in `covewise up --help`",
		"folder":       "DIR/folder:1: document: is a directory; name a file in it",
		"loop":         "DIR/loop:1: document: cannot be read (too many levels of symbolic links); check the path and its permissions",
	}
	for name, want := range tests {
		docs, err := tenant.Load(filepath.Join(dir, name), tenant.Options{})
		require.Nil(t, docs)
		requireProblems(t, dir, err, want)
	}
}
