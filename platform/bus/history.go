package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// History calls f for every message of one verb and tenant that a family's stream holds, oldest first; the verb "*" and an
// empty tenant mean all. It leaves no trace on the server and acknowledges nothing: it is for looking back. f must not
// keep the data.
func (b *Bus) History(ctx context.Context, family Family, verb, tenant string, f func(Delivery) error) error {
	token := "*"
	if tenant != "" {
		token = Token(tenant)
	}
	filter := string(family) + ".v1." + verb + "." + token
	if family != Settings { // whose subjects have no key
		filter += ".>"
	}
	if len(b.topology.stream(family).partitionBy) > 0 {
		filter = "p.*." + filter
	}
	stream, err := b.js.Stream(ctx, streamName(family))
	if err != nil {
		return fmt.Errorf("look back at %s: %w", family, classify(err))
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		return fmt.Errorf("look back at %s: %w", family, classify(err))
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("look back at %s: %w", family, classify(err))
	}
	if info.NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("look back at %s: %w", family, classify(err))
	}
	defer messages.Stop()
	release := context.AfterFunc(ctx, messages.Stop)
	defer release()
	for {
		msg, err := messages.Next()
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("look back at %s: %w", family, ctx.Err())
		case err != nil:
			return fmt.Errorf("look back at %s: %w", family, classify(err))
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("look back at %s: %w", family, classify(err))
		}
		if d, err := delivered(msg); err == nil {
			if err := f(d); err != nil {
				return err
			}
		}
		if meta.NumPending == 0 {
			return nil
		}
	}
}
