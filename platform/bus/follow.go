package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Follow calls f for every message of a family that is stored after the call, in order, until the context
// ends. It leaves no trace on the server and acknowledges nothing: it is for people who watch.
// started, if not nil, is called once messages will be seen.
func (b *Bus) Follow(ctx context.Context, family Family, started func(), f func(Delivery)) error {
	consumer, err := b.js.OrderedConsumer(ctx, streamName(family), jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return fmt.Errorf("follow %s: %w", family, classify(err))
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("follow %s: %w", family, classify(err))
	}
	release := context.AfterFunc(ctx, messages.Stop)
	defer release()
	defer messages.Stop()
	if started != nil {
		started()
	}
	for {
		msg, err := messages.Next()
		switch {
		case ctx.Err() != nil || errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return nil
		case err != nil:
			return fmt.Errorf("follow %s: %w", family, classify(err))
		}
		if d, err := delivered(msg); err == nil {
			f(d)
		}
	}
}

// Drained reports whether a role has handled everything its stream holds.
func (b *Bus) Drained(ctx context.Context, role Role) (bool, error) {
	spec := b.topology.consumer(role)
	for _, cfg := range b.topology.durables(spec, b.partitions, defaultAckWait) {
		consumer, err := b.js.Consumer(ctx, streamName(spec.family), cfg.Durable)
		if err != nil {
			return false, fmt.Errorf("look up consumer %s: %w", cfg.Durable, classify(err))
		}
		info := consumer.CachedInfo()
		if info.NumPending > 0 || info.NumAckPending > 0 {
			return false, nil
		}
	}
	return true, nil
}
