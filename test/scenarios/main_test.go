// Package scenarios_test tells what Covewise promises as stories about one MSP's servers, each run in one process and
// as a process per service.
package scenarios_test

import (
	"os"
	"testing"

	"github.com/covewise/covewise/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
