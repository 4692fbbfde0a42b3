package tenant_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
)

func TestAHeartbeatsAddressIsReferredToLikeASecret(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "heartbeat.url")
	require.NoError(t, os.WriteFile(path, []byte("https://hc.example.com/"+mark), 0o600))

	docs, err := load(t, dir, minimal)
	require.NoError(t, err)
	require.Equal(t, tenant.Heartbeat{}, docs[0].Heartbeat)
	require.Nil(t, docs[0].Settings().GetHeartbeat())

	docs, err = load(t, dir, minimal+"heartbeat:\n  urlFile: heartbeat.url\n")
	require.NoError(t, err)
	require.Equal(t, tenant.Heartbeat{URL: tenant.SecretRef{Field: "heartbeat.url", File: path}}, docs[0].Heartbeat)
	settings := docs[0].Settings()
	require.Equal(t, path, settings.GetHeartbeat().GetUrl().GetFile())
	require.NotContains(t, settings.String(), mark)

	for text, remedy := range map[string]string{
		"heartbeat:\n  url: https://hc.example.com/" + mark: "use urlFile: PATH or urlEnv: NAME",
		"heartbeat: {}":                        "add urlFile: PATH or urlEnv: NAME",
		"heartbeat:\n  urlFile: nowhere":       "does not exist",
		"heartbeat:\n  urlEnv: NOT_SET_AT_ALL": "is not set",
	} {
		_, err := load(t, dir, minimal+text+"\n")
		require.ErrorContains(t, err, remedy, text)
		require.NotContains(t, err.Error(), mark, text)
	}
}
