// Command poller runs the poller against a NATS cluster.
package main

import (
	"context"
	"os"
	"time"

	"github.com/covewise/covewise/platform/process"
	"github.com/covewise/covewise/services/poller/app"
)

func main() {
	var env struct {
		ID                string        `desc:"name of this poller, unique among those that run at once; default random"`
		Lease             time.Duration `default:"1m" desc:"how long a dead poller's tenants wait"`
		Concurrency       int           `default:"16" desc:"tenants swept at once, those whose sweep takes long left out"`
		ErrorsBudget      time.Duration `split_words:"true" default:"30s" desc:"time a sweep may always spend on session errors; half the interval where that is more"`
		RequestsPerSecond float64       `split_words:"true" default:"0" desc:"requests to Cove for each tenant, whatever its settings say; 0: what they say"`
	}
	os.Exit(process.Main("poller", &env, func(ctx context.Context, p process.Process) error {
		return app.Run(ctx, app.Options{
			NATS: p.NATS, Logger: p.Logger, Registerer: p.Registerer, Tracer: p.Tracer, OnHealth: p.OnHealth, LookupEnv: p.LookupEnv,
			ID: env.ID, Lease: env.Lease, Concurrency: env.Concurrency, ErrorsBudget: env.ErrorsBudget, RequestsPerSecond: env.RequestsPerSecond,
		})
	}))
}
