// Command companysync runs company-sync against a NATS cluster.
package main

import (
	"context"
	"os"

	"github.com/covewise/covewise/platform/process"
	"github.com/covewise/covewise/services/companysync/app"
)

func main() {
	var env struct{} // the shared environment is all it needs
	os.Exit(process.Main("companysync", &env, func(ctx context.Context, p process.Process) error {
		return app.Run(ctx, app.Options{
			NATS: p.NATS, Logger: p.Logger, Registerer: p.Registerer, Tracer: p.Tracer, OnHealth: p.OnHealth, LookupEnv: p.LookupEnv,
		})
	}))
}
