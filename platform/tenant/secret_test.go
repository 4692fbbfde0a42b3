package tenant_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
)

func TestSecretPrintsOnlyItsMask(t *testing.T) {
	secret := tenant.NewSecret(mark)
	type holder struct{ hidden, Shown tenant.Secret }
	held := holder{hidden: secret, Shown: secret}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", secret, held, &held)
	}
	fmt.Fprintln(&out, errors.New(secret.String()))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("login", "secret", secret, "held", held, "map", map[string]tenant.Secret{"a": secret})
	}
	asJSON, err := json.Marshal(held)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(map[string]tenant.Secret{"a": secret})
	require.NoError(t, err)

	require.NotContains(t, out.String(), mark)
	require.JSONEq(t, `{"Shown":"[secret]"}`, string(asJSON))
	require.YAMLEq(t, "a: '[secret]'\n", string(asYAML))
	require.Equal(t, mark, secret.Reveal())
	require.Empty(t, tenant.Secret{}.Reveal())
}

func TestSecretRefShowsWhereNotWhat(t *testing.T) {
	file := tenant.SecretRef{Field: "cove.password", File: "/etc/covewise/cove.secret"}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("login", "password", file)
	require.Contains(t, out.String(), `password="file /etc/covewise/cove.secret"`)
	require.Equal(t, "file /etc/covewise/cove.secret", file.String())
	require.Equal(t, "environment variable CW_KEY", tenant.SecretRef{Env: "CW_KEY"}.String())
	require.Equal(t, "no secret", tenant.SecretRef{}.String())
}

func TestResolveReadsTheSecretAsItIsNow(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "cove.secret")
	ref := tenant.SecretRef{Field: "cove.password", File: path}

	secret, err := ref.Resolve(nil)
	require.NoError(t, err)
	require.Equal(t, mark, secret.Reveal())

	require.NoError(t, os.WriteFile(path, []byte("rotated\n"), 0o600))
	secret, err = ref.Resolve(nil)
	require.NoError(t, err)
	require.Equal(t, "rotated", secret.Reveal())

	secret, err = tenant.SecretRef{Field: "connectwise.privateKey", Env: "CW_KEY"}.Resolve(lookupEnv)
	require.NoError(t, err)
	require.Equal(t, mark+"-env", secret.Reveal())
}

func TestResolveFailsAsTheTenantsFault(t *testing.T) {
	dir := folder(t)
	tests := map[string]struct {
		ref  tenant.SecretRef
		want string
	}{
		"the file has gone": {
			tenant.SecretRef{Field: "cove.password", File: "/nonexistent/cove.secret"},
			"read secret cove.password: file /nonexistent/cove.secret does not exist; create it with nothing but the secret in it",
		},
		"the file is spoilt": {
			tenant.SecretRef{Field: "cove.password", File: filepath.Join(dir, "two-lines")},
			"read secret cove.password: file " + filepath.Join(dir, "two-lines") +
				" holds white space or control characters inside the secret; put the secret alone in it, on one line",
		},
		"the variable is spoilt": {
			tenant.SecretRef{Field: "connectwise.privateKey", Env: "WITH_BLANK"},
			"read secret connectwise.privateKey: environment variable WITH_BLANK" +
				" holds white space or control characters inside the secret; put the secret alone in it, on one line",
		},
		"the reference is empty": {
			tenant.SecretRef{Field: "connectwise.publicKey"},
			"read secret connectwise.publicKey: no secret is referred to; name a file or an environment variable",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			secret, err := test.ref.Resolve(lookupEnv)
			require.EqualError(t, err, test.want)
			require.Equal(t, errclass.AuthTenant, errclass.Of(err))
			require.Equal(t, tenant.Secret{}, secret)
		})
	}
}
