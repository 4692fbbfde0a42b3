package app_test

import (
	"flag"
	"fmt"
	"runtime"
	"testing"
)

// TestMain lets more tests run side by side than there are processors: each has a bus and a server of its own, and waits more
// than it works.
func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", fmt.Sprint(2*runtime.GOMAXPROCS(0))); err != nil {
			panic(err)
		}
	}
	m.Run()
}
