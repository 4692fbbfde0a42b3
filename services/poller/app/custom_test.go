package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

func TestCustomColumnsComeWithTheDetailsAndMayBeRefused(t *testing.T) {
	w := newWorld(t, 1)
	w.edit(1000, map[string]string{"AA843": "Restarts on Sundays.", "AA3147": "true"})
	snapshots, _ := w.sweepOf()
	got := columns(snapshots["1000"])
	require.Equal(t, "Restarts on Sundays.", got["AA843"])
	require.Equal(t, "true", got["AA3147"])

	w = newWorld(t, 1)
	w.edit(1000, map[string]string{"AA843": "Restarts on Sundays.", "AA3147": "true"})
	require.NoError(t, w.cove.SetSwitches(covefake.Switches{RefusedColumns: []string{"AA843"}}))
	snapshots, end := w.sweepOf()
	require.True(t, end.GetComplete())
	require.Empty(t, end.GetColumnsRefused(), "no verdict depends on notes")
	got = columns(snapshots["1000"])
	require.NotContains(t, got, "AA843")
	require.Equal(t, "true", got["AA3147"], "the others come")
}
