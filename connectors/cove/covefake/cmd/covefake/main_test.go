package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCommandServesAFleetUntilItIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"-fleet", filepath.Join("..", "..", "testdata", "fleet.json")}, in, io.Discard)
	}()
	line := make([]byte, 200)
	n, err := out.Read(line)
	require.NoError(t, err)
	found := regexp.MustCompile(`^covefake ready at (http://127\.0\.0\.1:\d+)/jsonapi \(control API at \S+/control/\)\n$`).FindSubmatch(line[:n])
	require.NotNil(t, found, "%s", line[:n])

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(found[1])+"/control/health", http.NoBody)
	require.NoError(t, err)
	res, err := new(http.Client).Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.JSONEq(t, `{"status":"ok","partners":7,"devices":6}`, string(body))

	cancel()
	require.Equal(t, 0, <-done)
}

func TestTheCommandSaysWhatIsWrong(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	require.NoError(t, os.WriteFile(bad, []byte(`{"root":1}`), 0o600))
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"Help.":                   {[]string{"--help"}, 0, "Usage: covefake [flags]"},
		"An unknown flag.":        {[]string{"-x"}, 2, "flag provided but not defined: -x"},
		"An argument.":            {[]string{"fleet.json"}, 2, `unexpected argument "fleet.json"`},
		"A fleet that is absent.": {[]string{"-fleet", bad + ".none"}, 1, "opening the fleet"},
		"A fleet that is bad.":    {[]string{"-fleet", bad}, 1, "root 1: no partner has this id"},
		"An address that is bad.": {[]string{"-listen", "nowhere"}, 1, "opening the address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			require.Equal(t, tt.code, run(t.Context(), tt.args, io.Discard, &stderr))
			require.Contains(t, stderr.String(), tt.want)
		})
	}
}
