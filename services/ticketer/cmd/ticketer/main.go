// Command ticketer runs the ticketer against a NATS cluster.
package main

import (
	"context"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/process"
	"github.com/covewise/covewise/services/ticketer/app"
)

func main() {
	var env struct {
		SearchPatience time.Duration `split_words:"true" default:"60s" desc:"how long ConnectWise's search may lag behind a write"`
		ObserveEvery   time.Duration `split_words:"true" default:"5m" desc:"time between two looks at what people did with a tenant's tickets"`
	}
	os.Exit(process.Main("ticketer", &env, func(ctx context.Context, p process.Process) error {
		options := app.Options{
			NATS: p.NATS, Logger: p.Logger, Registerer: p.Registerer, Tracer: p.Tracer, OnHealth: p.OnHealth, LookupEnv: p.LookupEnv,
			SearchPatience: env.SearchPatience, ObserveEvery: env.ObserveEvery,
			Limits: connectwise.NewLimits(connectwise.LimitsOptions{}),
		}
		var hooks *app.Hooks
		if p.Listen != "" {
			var err error
			if hooks, err = app.NewHooks(ctx, options); err != nil {
				return err
			}
			p.Handle(app.HooksPath, hooks.Handler())
		}
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error { return app.Run(ctx, options) })
		if hooks != nil {
			parts.Go(func() error { return hooks.Run(ctx) })
		}
		return parts.Wait()
	}))
}
