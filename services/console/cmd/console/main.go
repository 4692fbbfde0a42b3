// Command console runs the web page against a NATS cluster, on the listener that LISTEN names.
package main

import (
	"context"
	"os"

	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/process"
	"github.com/covewise/covewise/services/console/app"
)

func main() {
	var env struct{} // the shared environment is all it needs
	os.Exit(process.Main("console", &env, func(ctx context.Context, p process.Process) error {
		if p.Listen == "" {
			return errclass.Newf(errclass.Rejected, "start console", "LISTEN is not set; name an address such as 127.0.0.1:8080")
		}
		c, err := app.New(ctx, app.Options{
			NATS: p.NATS, Logger: p.Logger, Registerer: p.Registerer, Tracer: p.Tracer, OnHealth: p.OnHealth, Listen: p.Listen,
		})
		if err != nil {
			return err
		}
		p.Handle("/", c.Handler())
		return c.Run(ctx)
	}))
}
