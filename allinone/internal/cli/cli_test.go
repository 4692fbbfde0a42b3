package cli_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/cli"
)

var update = flag.Bool("update", false, "write the golden files anew")

// result is what a command line did.
type result struct {
	code           int
	stdout, stderr string
}

func execute(ctx context.Context, environment map[string]string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := cli.Execute(ctx, args, cli.Surroundings{
		Stdout: &stdout, Stderr: &stderr, Version: "v1.2.3",
		LookupEnv: func(name string) (string, bool) {
			value, ok := environment[name]
			return value, ok
		},
	})
	return result{code, stdout.String(), stderr.String()}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestHelpIsComplete(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"help":         {"--help"},
		"help-up":      {"up", "--help"},
		"help-demo":    {"demo", "--help"},
		"help-version": {"version", "--help"},
	} {
		t.Run(name, func(t *testing.T) {
			got := execute(t.Context(), nil, args...)
			require.Equal(t, cli.ExitOK, got.code)
			require.Empty(t, got.stderr)
			golden(t, name, got.stdout)
		})
	}
	require.Equal(t, execute(t.Context(), nil, "--help").stdout, execute(t.Context(), nil).stdout, "no command at all asks for help")
}

func TestVersionNamesTheBuild(t *testing.T) {
	t.Parallel()
	got := execute(t.Context(), nil, "version")
	require.Equal(t, cli.ExitOK, got.code)
	require.Regexp(t, `^covewise v1\.2\.3 go1\.\S+ \w+/\w+\n$`, got.stdout)
}

func TestAWrongCommandLineIsAnsweredWithTheRemedyOnOneLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	tenants := filepath.Join(dir, "tenants.yaml")
	up := []string{"up", "--tenants", tenants, "--data", data}
	cases := map[string]struct {
		args []string
		want string
	}{
		"an unknown command":    {[]string{"frob"}, `covewise: unknown command "frob" for "covewise"; see covewise --help`},
		"an unknown flag":       {[]string{"up", "--frob"}, "covewise: unknown flag: --frob; see covewise up --help"},
		"an argument too many":  {append(up, "more"), `covewise: unexpected argument "more"; see covewise up --help`},
		"no tenants":            {[]string{"up", "--data", data}, "covewise: --tenants is missing; name the file with the tenants' documents, as shown by covewise up --help"},
		"no data":               {[]string{"up", "--tenants", tenants}, "covewise: --data is missing; name the directory where Covewise keeps what it knows"},
		"an open address":       {append(up, "--listen", "0.0.0.0:80"), `covewise: --listen "0.0.0.0:80" can be reached from other machines, and the page asks for no login yet; use 127.0.0.1:80 and put a reverse proxy on this machine in front of it`},
		"every address":         {append(up, "--listen", ":8080"), `covewise: --listen ":8080" can be reached from other machines, and the page asks for no login yet; use 127.0.0.1:8080 and put a reverse proxy on this machine in front of it`},
		"no address":            {append(up, "--listen", "8080"), `covewise: --listen "8080" is not HOST:PORT; write for example 127.0.0.1:8080`},
		"no port":               {append(up, "--listen", "localhost:http"), `covewise: --listen "localhost:http" has no valid port; write 1 to 65535, or 0 for any free one`},
		"an unknown log level":  {append(up, "--log-level", "loud"), `covewise: --log-level: log level "loud" is none of debug, info, warn, error; choose one of them`},
		"an unknown log format": {append(up, "--log-format", "xml"), `covewise: --log-format: log format "xml" is none of text, json; choose one of them`},
		"no time":               {append(up, "--once", "--timeout", "0s"), "covewise: --timeout 0s is not positive; write for example 10m"},
		"no duration":           {[]string{"demo", "--for", "soon"}, `covewise: invalid argument "soon" for "--for" flag: time: invalid duration "soon"; see covewise demo --help`},
		"too fast":              {[]string{"demo", "--speed", "1e9"}, "covewise: --speed 1e+09 is not between 1 and 7200; 720 lets a day pass in two minutes"},
		"an open demo":          {[]string{"demo", "--listen", "[::]:1"}, `covewise: --listen "[::]:1" can be reached from other machines, and the page asks for no login yet; use 127.0.0.1:1 and put a reverse proxy on this machine in front of it`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, result{cli.ExitUsage, "", c.want + "\n"}, execute(t.Context(), nil, c.args...))
			require.NoDirExists(t, data)
		})
	}
}

// right is a document that loads when its secrets are there.
const right = `id: harbor
cove:
  username: psa-sync
  passwordEnv: COVE_PASSWORD
connectwise:
  url: https://na.myconnectwise.net
  company: harbor
  publicKeyEnv: CW_PUBLIC
  privateKeyEnv: CW_PRIVATE
  clientId: 0f0e0d0c-1111-2222-3333-444455556666
tickets:
  board: Service Desk
  newStatus: New
  closedStatus: Closed
  priorities: {server: A, workstation: B, m365: C}
`

func TestWrongDocumentsAreRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{"COVE_PASSWORD": "hidden-1", "CW_PUBLIC": "hidden-2", "CW_PRIVATE": "hidden-3"}
	cases := map[string]struct {
		text string
		want []string // one for each line
	}{
		"an unknown key":       {strings.Replace(right, "id: harbor", "id: harbor\nmodus: live", 1), []string{`tenants.yaml:2: modus: `}},
		"a missing secret":     {strings.Replace(right, "passwordEnv: COVE_PASSWORD", "passwordFile: none.secret", 1), []string{`tenants.yaml:4: cove.passwordFile: `}},
		"an unset variable":    {strings.Replace(right, "CW_PUBLIC", "CW_MISSING", 1), []string{`tenants.yaml:8: connectwise.publicKeyEnv: `}},
		"an insecure address":  {strings.Replace(right, "https://na", "http://na", 1), []string{`tenants.yaml:6: connectwise.url: `}},
		"a bad duration":       {right + "poll:\n  interval: 15\n", []string{`tenants.yaml:17: poll.interval: `}},
		"too short a duration": {right + "poll:\n  interval: 1s\n", []string{`tenants.yaml:17: poll.interval: `}},
		"an id twice":          {right + "---\n" + right, []string{`tenants.yaml:17: id: `}},
		"an empty file":        {"", []string{`tenants.yaml:1: document: `}},
		"two things": {
			strings.Replace(right, "id: harbor", "id: Harbor!", 1) + "poll:\n  interval: never\n",
			[]string{`tenants.yaml:1: id: `, `tenants.yaml:17: poll.interval: `},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, data := filepath.Join(dir, "tenants.yaml"), filepath.Join(dir, "data")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			got := execute(t.Context(), secrets, "up", "--tenants", path, "--data", data, "--once")
			require.Equal(t, cli.ExitUsage, got.code)
			require.Empty(t, got.stdout)
			require.NoDirExists(t, data)
			lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
			require.Len(t, lines, len(c.want), got.stderr)
			for i, line := range lines {
				require.Regexp(t, "^"+regexp.QuoteMeta(filepath.Join(dir, c.want[i]))+".+; .+$", line, "file, line, key, what is wrong and the remedy")
				require.NotContains(t, line, "hidden")
			}
		})
	}
	t.Run("a directory", func(t *testing.T) {
		dir := t.TempDir()
		got := execute(t.Context(), nil, "up", "--tenants", dir, "--data", filepath.Join(dir, "data"))
		require.Equal(t, result{cli.ExitUsage, "", dir + ":1: document: is a directory; name a file in it\n"}, got)
	})
}

func TestAnUnusableDataDirectoryIsExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tenants, file := filepath.Join(dir, "tenants.yaml"), filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(tenants, []byte(right), 0o600))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	secrets := map[string]string{"COVE_PASSWORD": "a", "CW_PUBLIC": "b", "CW_PRIVATE": "c"}
	got := execute(t.Context(), secrets, "up", "--tenants", tenants, "--data", file)
	require.Equal(t, result{cli.ExitFailed, "", "covewise: data directory " + file + " is a file; name a directory with --data\n"}, got)
	got = execute(t.Context(), secrets, "up", "--tenants", tenants, "--data", filepath.Join(file, "below"))
	require.Equal(t, result{cli.ExitFailed, "", "covewise: data directory " + filepath.Join(file, "below") +
		" cannot be created (not a directory); name another directory with --data\n"}, got)
}
