// Package corpus_test measures what the default policy makes of labelled lives of devices, beside what the rules of the
// script that many providers use today make of them. It owns the lives (testdata, one file for each family, in the
// format of package trace), the labels, the simulation of the script's rules and the report docs/corpus.md.
//
// The labels say what a technician would want: trouble that must be heard of while it lasts, times at which a ticket is
// tolerated, and everything else, where a ticket is needless. They were written by hand beside the lives, not derived
// from what the judge says. A ticket here is an incident; correlated outages, companies and reopening are not played.
package corpus_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

// families reads the corpus, in order of file name.
func families(t *testing.T) []trace.Family {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	var all []trace.Family
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		family, err := trace.Read(filepath.Base(file), text)
		require.NoError(t, err)
		all = append(all, family)
	}
	return all
}

func TestCorpusIsLargeAndLabelled(t *testing.T) {
	traces, wanted, quiet := 0, 0, 0
	for _, family := range families(t) {
		require.NotEmpty(t, family.About, family.Name)
		names := map[string]bool{}
		for _, life := range family.Traces {
			require.False(t, names[life.Name], "%s has two traces %q", family.Name, life.Name)
			names[life.Name] = true
			for _, label := range slices.Concat(life.Want, life.May) {
				require.True(t, label.From < label.To && label.To <= life.Length, "%s / %s: a label is outside of the life", family.Name, life.Name)
			}
			traces++
			wanted += len(life.Want)
			if len(life.Want)+len(life.May) == 0 {
				quiet++
			}
		}
	}
	require.GreaterOrEqual(t, traces, 200)
	require.Greater(t, wanted, 100, "trouble to be found")
	require.Greater(t, quiet, 50, "devices that must stay without a ticket")
}
