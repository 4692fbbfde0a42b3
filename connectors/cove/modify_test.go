package cove_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

func TestAReferenceIsWrittenAndNothingElse(t *testing.T) {
	s := newServer(t)
	s.answers("ModifyPartner", `{"visa":"v","result":null}`)
	c := newClient(t, options(s))
	require.NoError(t, c.SetReference(t.Context(), 481233, `OLD | "CWM":1844 & <x>`))
	require.Equal(t, map[string]any{"partnerInfo": map[string]any{"Id": 481233.0, "ExternalCode": `OLD | "CWM":1844 & <x>`}}, s.seen("ModifyPartner")[0].Params)

	s.answers("ModifyPartner", `{"error":{"code":-32603,"data":13501,"message":"Operation failed because of security reasons"}}`)
	err := c.SetReference(t.Context(), 481233, "x")
	require.Error(t, err)
	require.NotEqual(t, errclass.Bug, errclass.Of(err))
}
