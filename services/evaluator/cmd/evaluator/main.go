// Command evaluator runs the evaluator against a NATS cluster.
package main

import (
	"context"
	"os"

	"github.com/covewise/covewise/platform/process"
	"github.com/covewise/covewise/services/evaluator/app"
)

func main() {
	var env struct{} // the shared environment is all it needs
	os.Exit(process.Main("evaluator", &env, func(ctx context.Context, p process.Process) error {
		return app.Run(ctx, app.Options{NATS: p.NATS, Logger: p.Logger, Registerer: p.Registerer, Tracer: p.Tracer, OnHealth: p.OnHealth, LookupEnv: os.LookupEnv})
	}))
}
