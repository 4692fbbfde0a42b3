package tenant_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
)

func TestCallbacksNeedAnAddressAndAToken(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "cw.token")
	require.NoError(t, os.WriteFile(path, []byte("a-token-of-good-length-1234\n"), 0o600))
	with := func(lines string) string {
		head, tail, found := strings.Cut(minimal, "connectwise:\n")
		require.True(t, found)
		return head + "connectwise:\n" + lines + tail
	}
	docs, err := load(t, dir, minimal)
	require.NoError(t, err)
	require.Equal(t, tenant.Callbacks{}, docs[0].ConnectWise.Callbacks)
	require.Nil(t, docs[0].Settings().GetConnectwise().GetCallbacks())

	docs, err = load(t, dir, with("  callbacks:\n    url: https://covewise.example.com/psa/\n    tokenFile: cw.token\n"))
	require.NoError(t, err)
	require.Equal(t, tenant.Callbacks{
		URL: "https://covewise.example.com/psa", Token: tenant.SecretRef{Field: "connectwise.callbacks.token", File: path},
	}, docs[0].ConnectWise.Callbacks)
	settings := docs[0].Settings().GetConnectwise().GetCallbacks()
	require.Equal(t, "https://covewise.example.com/psa", settings.GetUrl())
	require.Equal(t, path, settings.GetToken().GetFile())

	for lines, remedy := range map[string]string{
		"  callbacks:\n    tokenFile: cw.token\n":                                             "add url: https://HOST",
		"  callbacks:\n    url: https://covewise.example.com\n":                               "add tokenFile: PATH or tokenEnv: NAME",
		"  callbacks:\n    url: http://covewise.example.com\n    tokenFile: cw.token\n":       "write https",
		"  callbacks:\n    url: https://covewise.example.com/?a=b\n    tokenFile: cw.token\n": "carries a query",
		"  callbacks:\n    url: https://covewise.example.com\n    token: secret-in-place\n":   "use tokenFile: PATH or tokenEnv: NAME",
	} {
		_, err := load(t, dir, with(lines))
		require.ErrorContains(t, err, remedy, lines)
		require.NotContains(t, err.Error(), "secret-in-place")
	}
}
