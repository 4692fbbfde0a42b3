// Package fleet_test takes a whole fleet through Covewise and asks of every device whether it is where it belongs.
package fleet_test

import (
	"os"
	"testing"

	"github.com/covewise/covewise/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
