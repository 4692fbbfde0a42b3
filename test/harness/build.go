package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// binaries are the programs of this test binary: built when first wanted, removed by Main.
var binaries struct {
	mu    sync.Mutex
	dir   string
	built []string // packages
}

// Main runs a package's tests and removes what Build built. Call it from TestMain.
func Main(m *testing.M) int {
	code := m.Run()
	binaries.mu.Lock()
	defer binaries.mu.Unlock()
	if binaries.dir != "" {
		_ = os.RemoveAll(binaries.dir) // a folder of the system's temporary ones: it goes sooner or later
	}
	return code
}

// Build compiles main packages, each once per test binary, and returns the folder that holds the programs.
func Build(t testing.TB, packages ...string) string {
	t.Helper()
	binaries.mu.Lock()
	defer binaries.mu.Unlock()
	if binaries.dir == "" {
		// Where Go itself puts programs, because the folder of tests' files may not allow to run any.
		dir, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "covewise-test-*") //nolint:usetesting // it outlives the test that wants it first
		require.NoError(t, err)
		binaries.dir = dir
	}
	missing := slices.DeleteFunc(slices.Clone(packages), func(p string) bool { return slices.Contains(binaries.built, p) })
	if len(missing) == 0 {
		return binaries.dir
	}
	args := append([]string{"build", "-o", binaries.dir + string(filepath.Separator)}, missing...)
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), out)
	binaries.built = append(binaries.built, missing...)
	return binaries.dir
}
