package main

import (
	"bufio"
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

func TestServesUntilStopped(t *testing.T) {
	companies := filepath.Join(t.TempDir(), "companies.json")
	require.NoError(t, os.WriteFile(companies, []byte(`[{"id":1844,"identifier":"BluefinDental","name":"Bluefin Dental Group","status":"Active"}]`), 0o600))
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		done <- run(ctx, []string{"-companies", companies, "-company", "acme", "-public-key", "pub", "-private-key", "priv", "-client-id", "c1"}, writer, &stderr)
	}()
	line, err := bufio.NewReader(reader).ReadString('\n')
	require.NoError(t, err)
	url := regexp.MustCompile(`http://[0-9.:]+`).FindString(line)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v2025_1/apis/3.0/company/companies/1844", nil)
	require.NoError(t, err)
	request.SetBasicAuth("acme+pub", "priv")
	request.Header.Set("Clientid", "c1")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Contains(t, string(body), "Bluefin Dental Group")
	stop()
	require.Equal(t, 0, <-done, stderr.String())
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"help", []string{"--help"}, 0, "Usage: cwfake [flags]"},
		{"unknown flag", []string{"-colour"}, 2, "flag provided but not defined: -colour"},
		{"argument", []string{"serve"}, 2, `unexpected argument "serve"; see cwfake --help`},
		{"companies absent", []string{"-companies", "/nonexistent/file"}, 1, "opening the companies"},
		{"companies wrong", []string{"-companies", "main.go"}, 1, "main.go: reading companies"},
		{"address wrong", []string{"-listen", "nowhere"}, 1, "opening the address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, c.code, run(t.Context(), c.args, &stdout, &stderr))
			require.Contains(t, stderr.String(), c.stderr)
			require.Empty(t, stdout.String())
		})
	}
}
