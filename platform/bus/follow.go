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

// Drained reports whether a role has handled everything its stream holds. It compares positions and does not ask
// how many messages are pending, because a consumer counts a new message a moment after its publisher was told
// that it is stored.
func (b *Bus) Drained(ctx context.Context, role Role) (bool, error) {
	spec := b.topology.consumer(role)
	stream, err := b.js.Stream(ctx, streamName(spec.family))
	if err != nil {
		return false, fmt.Errorf("look up stream %s: %w", streamName(spec.family), classify(err))
	}
	for _, cfg := range b.topology.durables(spec, b.partitions, defaultAckWait) {
		consumer, err := stream.Consumer(ctx, cfg.Durable)
		if err != nil {
			return false, fmt.Errorf("look up consumer %s: %w", cfg.Durable, classify(err))
		}
		info := consumer.CachedInfo()
		if info.NumAckPending > 0 {
			return false, nil
		}
		for _, filter := range cfg.FilterSubjects {
			last, err := stream.GetLastMsgForSubject(ctx, filter)
			switch {
			case errors.Is(err, jetstream.ErrMsgNotFound):
			case err != nil:
				return false, fmt.Errorf("find the last message of %s: %w", filter, classify(err))
			case last.Sequence > info.AckFloor.Stream:
				return false, nil
			}
		}
	}
	return true, nil
}
