// Command covewise is the whole system in one binary: `covewise up` for real, `covewise demo` against fake servers.
package main

import (
	"context"
	"os"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/platform/run"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "devel"

func main() { os.Exit(covewise()) }

func covewise() int {
	ctx, stop := run.SignalContext(context.Background())
	defer stop()
	return cli.Execute(ctx, os.Args[1:], cli.Surroundings{
		Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv, Version: version,
	})
}
