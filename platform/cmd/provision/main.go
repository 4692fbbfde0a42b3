// Command provision creates the streams, consumers and buckets of the bus, or brings existing ones to the
// declared configuration, and exits. It is run once before the services start, and again at an upgrade.
package main

import (
	"context"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/process"
)

func main() {
	var env struct {
		Partitions int `default:"32" desc:"parts of the partitioned streams; fixed at the bus's birth"`
		Replicas   int `default:"3" desc:"copies of each stream"`
	}
	os.Exit(process.Main("provision", &env, func(ctx context.Context, p process.Process) error {
		js, err := jetstream.New(p.NATS)
		if err != nil {
			return err
		}
		if err := bus.Provision(ctx, js, bus.ProvisionOptions{Partitions: env.Partitions, Replicas: env.Replicas}); err != nil {
			return err
		}
		p.Logger.Info("bus provisioned", "partitions", env.Partitions, "replicas", env.Replicas)
		return nil
	}))
}
