package covefake_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

func TestASavedFleetComesBackAsItWas(t *testing.T) {
	document, err := os.ReadFile("testdata/fleet.json")
	require.NoError(t, err)
	first := covefake.New(covefake.Options{Username: "u", Password: "p"})
	require.NoError(t, first.Load(bytes.NewReader(document)))
	saved, err := json.Marshal(first.Fleet())
	require.NoError(t, err)

	second := covefake.New(covefake.Options{Username: "u", Password: "p"})
	require.NoError(t, second.Load(bytes.NewReader(saved)))
	again, err := json.Marshal(second.Fleet())
	require.NoError(t, err)
	require.JSONEq(t, string(saved), string(again))
	require.NotEmpty(t, second.Fleet().Sessions)
	require.Equal(t, first.Devices(), second.Devices())
}
