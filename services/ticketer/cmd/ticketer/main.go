// Command ticketer runs the ticketer against a NATS cluster.
package main

import (
	"context"
	"os"
	"time"

	"github.com/covewise/covewise/platform/process"
	"github.com/covewise/covewise/services/ticketer/app"
)

func main() {
	var env struct {
		SearchPatience time.Duration `split_words:"true" default:"60s" desc:"how long ConnectWise's search may lag behind a write"`
	}
	os.Exit(process.Main("ticketer", &env, func(ctx context.Context, p process.Process) error {
		return app.Run(ctx, app.Options{
			NATS: p.NATS, Logger: p.Logger, Registerer: p.Registerer, Tracer: p.Tracer, OnHealth: p.OnHealth, LookupEnv: p.LookupEnv,
			SearchPatience: env.SearchPatience,
		})
	}))
}
