package connectwise_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
)

func TestServerNamesAreEqualForTheSameServer(t *testing.T) {
	require.Equal(t, "harbor@na.myconnectwise.net", connectwise.ServerName("https://na.myconnectwise.net", "harbor"))
	require.Equal(t, "harbor@na.myconnectwise.net", connectwise.ServerName(" https://API-na.myconnectwise.net/ ", "harbor"))
	require.Equal(t, "harbor@api-psa.example", connectwise.ServerName("https://api-psa.example", "harbor"), "only the cloud has the prefix")
	require.Equal(t, "harbor@127.0.0.1:8080", connectwise.ServerName("http://127.0.0.1:8080", "harbor"))
	require.Empty(t, connectwise.ServerName("", "harbor"))
}
