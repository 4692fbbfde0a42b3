package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/telemetry"
)

// Message is something to publish. ID is derived from what the message says (never random), so that a
// repeated publish after a crash carries the same id.
type Message struct {
	Subject Subject
	ID      string
	Body    proto.Message
	TTL     time.Duration // the message vanishes after this time; 0: it stays as long as its stream keeps messages
}

// answerTimeout bounds the wait for an answer of the server. A request that went down with a broker is never answered,
// and a handler that waited for it as long as it may would hold its partition. It covers the election of a new
// stream leader, which takes about four seconds.
const answerTimeout = 10 * time.Second

// A batch smaller than minBatch costs more than single publishes, a larger one than maxBatch is refused by
// the server (both measured with nats-server 2.15).
const (
	minBatch = 64
	maxBatch = 500
)

// Publish stores one message and returns when it is safe. An error of class Transient may be answered by
// publishing again: the id makes the repetition harmless.
func (b *Bus) Publish(ctx context.Context, m Message) error {
	msg, err := b.encode(ctx, m)
	if err != nil {
		return err
	}
	return b.publish(ctx, m.Subject, msg)
}

func (b *Bus) publish(ctx context.Context, s Subject, msg *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if _, err := b.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("publish %s: %w", msg.Subject, classify(err))
	}
	b.metrics.published.WithLabelValues(streamName(s.Family)).Inc()
	return nil
}

// PublishAll stores messages of one family, in order, each at least once. Many go out in atomic batches,
// which share one write to disk; few go out one by one.
func (b *Bus) PublishAll(ctx context.Context, all []Message) error {
	for len(all) > 0 {
		n := min(len(all), maxBatch)
		if err := b.publishSome(ctx, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (b *Bus) publishSome(ctx context.Context, batch []Message) error {
	msgs := make([]*nats.Msg, len(batch))
	for i, m := range batch {
		if m.Subject.Family != batch[0].Subject.Family {
			return errclass.Newf(errclass.Bug, "publish batch", "families %s and %s in one batch", batch[0].Subject.Family, m.Subject.Family)
		}
		var err error
		if msgs[i], err = b.encode(ctx, m); err != nil {
			return err
		}
	}
	if len(msgs) >= minBatch {
		if err := b.publishAtomic(ctx, msgs); err == nil {
			b.metrics.published.WithLabelValues(streamName(batch[0].Subject.Family)).Add(float64(len(msgs)))
			return nil
		}
		// The batch was refused (a repetition whose ids are known already refuses the whole batch) or its
		// outcome is unknown. One by one, each message is either stored or recognised as stored.
	}
	for i, msg := range msgs {
		if err := b.publish(ctx, batch[i].Subject, msg); err != nil {
			return err
		}
	}
	return nil
}

// publishAtomic stores messages all or nothing (JetStream ADR-50: three headers; nats.go has no call for it).
// The first message is acknowledged at once, which tells that the server takes batches; the last commits.
func (b *Bus) publishAtomic(ctx context.Context, msgs []*nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	batch := nuid.Next()
	for i, msg := range msgs {
		m := nats.NewMsg(msg.Subject)
		m.Data = msg.Data
		maps.Copy(m.Header, msg.Header)
		m.Header.Set("Nats-Batch-Id", batch)
		m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
		last := i == len(msgs)-1
		if last {
			m.Header.Set("Nats-Batch-Commit", "1")
		}
		if i > 0 && !last {
			if err := b.nc.PublishMsg(m); err != nil {
				return fmt.Errorf("publish batch: %w", classify(err))
			}
			continue
		}
		reply, err := b.nc.RequestMsgWithContext(ctx, m)
		if err != nil {
			return fmt.Errorf("publish batch: %w", classify(err))
		}
		if err := refusal(reply.Data); err != nil {
			return fmt.Errorf("publish batch: %w", err)
		}
	}
	return nil
}

// refusal reads the server's answer to a publish; the first message of a batch is answered with an empty body.
func refusal(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var ack struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return errclass.New(errclass.Transient, "read publish answer", err)
	}
	if ack.Error != nil {
		return classify(ack.Error)
	}
	return nil
}

func (b *Bus) encode(ctx context.Context, m Message) (*nats.Msg, error) {
	msg := nats.NewMsg(m.Subject.String())
	if m.ID == "" {
		return nil, errclass.Newf(errclass.Bug, "publish "+msg.Subject, "message without an id")
	}
	var err error
	// Deterministic, so that the same decision gives the same bytes when it is replayed.
	if msg.Data, err = (proto.MarshalOptions{Deterministic: true}).Marshal(m.Body); err != nil {
		return nil, errclass.New(errclass.Bug, "encode "+msg.Subject, err)
	}
	msg.Header.Set(jetstream.MsgIDHeader, m.ID)
	if m.TTL > 0 {
		msg.Header.Set(jetstream.MsgTTLHeader, m.TTL.String())
	}
	telemetry.Inject(ctx, msg.Header)
	return msg, nil
}
