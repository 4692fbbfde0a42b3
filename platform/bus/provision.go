package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/covewise/covewise/platform/errclass"
)

// Metadata keys of the INCIDENT and STATUS streams.
const (
	metaPartitions   = "covewise-partitions"
	metaInstallation = "covewise-installation"
)

// ProvisionOptions shape a new bus. Partitions is fixed at the bus's birth.
type ProvisionOptions struct {
	Partitions int // parts of the partitioned streams; the parallelism of evaluator and ticketer; at least 1
	Replicas   int // copies of each stream; 1 for the embedded server, 3 for a cluster
	// AckWait bounds how long a message is lost to the others when its handler dies; 0: 10 s. Handlers that live
	// report progress three times in it, so a long handler needs no long wait, but it should cover the
	// election of a leader (about four seconds), during which no progress can be reported.
	AckWait time.Duration
}

const defaultAckWait = 10 * time.Second

// Provision creates every stream, consumer and bucket, or brings an existing one to the declared
// configuration. It is idempotent and meant to be run by one owner before any service starts. It refuses
// another number of partitions than the bus was born with, because that would scatter a device's events
// over two partitions and lose their order.
func Provision(ctx context.Context, js jetstream.JetStream, opts ProvisionOptions) error {
	if opts.Partitions < 1 || opts.Replicas < 1 {
		return errclass.Newf(errclass.Rejected, "provision bus", "partitions and replicas must be at least 1, got %d and %d", opts.Partitions, opts.Replicas)
	}
	t := declared()
	for _, s := range t.streams {
		if err := provisionStream(ctx, js, s, opts); err != nil {
			return fmt.Errorf("provision stream %s: %w", s.name, err)
		}
	}
	for _, c := range t.consumers {
		for _, cfg := range t.durables(c, opts.Partitions, cmp.Or(opts.AckWait, defaultAckWait)) {
			if _, err := js.CreateOrUpdateConsumer(ctx, streamName(c.family), cfg); err != nil {
				return fmt.Errorf("provision consumer %s: %w", cfg.Durable, classify(err))
			}
		}
	}
	for _, cfg := range t.buckets {
		cfg.Replicas = opts.Replicas
		cfg.Storage = jetstream.FileStorage
		if _, err := js.CreateOrUpdateKeyValue(ctx, cfg); err != nil {
			return fmt.Errorf("provision bucket %s: %w", cfg.Bucket, classify(err))
		}
	}
	return nil
}

func provisionStream(ctx context.Context, js jetstream.JetStream, s streamSpec, opts ProvisionOptions) error {
	cfg := s.config(opts.Partitions, opts.Replicas)
	cfg.Metadata = map[string]string{
		metaPartitions:   strconv.Itoa(opts.Partitions),
		metaInstallation: nuid.Next(),
	}
	existing, err := js.Stream(ctx, s.name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		_, err = js.CreateStream(ctx, cfg)
		return classify(err)
	case err != nil:
		return classify(err)
	}
	born := existing.CachedInfo().Config.Metadata
	if len(s.partitionBy) > 0 && born[metaPartitions] != cfg.Metadata[metaPartitions] {
		return partitionMismatch(s.name, born[metaPartitions], opts.Partitions)
	}
	// What the bus was born with stays: a new installation id would orphan the references in existing tickets.
	cfg.Metadata = born
	_, err = js.UpdateStream(ctx, cfg)
	return classify(err)
}

func partitionMismatch(stream, born string, wanted int) error {
	return errclass.Newf(errclass.Rejected, "check partitions",
		"stream %s was created with %s partitions and cannot work with %d; start with the number it was created with", stream, born, wanted)
}
