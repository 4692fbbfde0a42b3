package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/telemetry"
)

// Delivery is a message handed to a Handler.
type Delivery struct {
	Subject   Subject
	ID        string // the publisher's derived id
	Data      []byte
	Sequence  uint64    // position in the stream
	Attempt   uint64    // 1 on the first delivery
	Published time.Time // when the stream stored it
}

// Decode reads the body into a message. Bytes that are no such message are Rejected: no redelivery mends them.
func (d Delivery) Decode(into proto.Message) error {
	if err := proto.Unmarshal(d.Data, into); err != nil {
		return errclass.New(errclass.Rejected, "decode "+d.Subject.String(), err)
	}
	return nil
}

// Handler handles one message. A nil error acknowledges it; otherwise the error's class decides whether it
// is delivered again later or becomes a dead letter.
type Handler func(ctx context.Context, d Delivery) error

// Consume takes a role's messages until the context ends, and then returns nil after the handlers have
// returned. Messages of one partition are handled one at a time, across all processes that consume. A
// handler may take up to timeout; while it works the server is told so.
func (b *Bus) Consume(ctx context.Context, role Role, timeout time.Duration, handle Handler) error {
	spec := b.topology.consumer(role)
	if spec.role == "" {
		return errclass.Newf(errclass.Bug, "consume", "role %q is not declared", role)
	}
	loops, ctx := errgroup.WithContext(ctx)
	for _, cfg := range b.topology.durables(spec, b.partitions, defaultAckWait) {
		for range cfg.MaxAckPending {
			l := &loop{bus: b, role: role, stream: streamName(spec.family), durable: cfg.Durable, timeout: timeout, handle: handle}
			loops.Go(func() error { return l.run(ctx) })
		}
	}
	return loops.Wait()
}

// loop pulls from one durable, one message at a time.
type loop struct {
	bus     *Bus
	role    Role
	stream  string
	durable string
	timeout time.Duration
	handle  Handler
	ackWait time.Duration // of the durable as it was provisioned
}

// A lost consumer or connection is looked up again after retryPause.
const retryPause = time.Second

func (l *loop) run(ctx context.Context) error {
	said := ""
	for ctx.Err() == nil {
		err := l.pull(ctx)
		if ctx.Err() != nil {
			break
		}
		// Said once for each new reason, not for every try.
		if reason := fmt.Sprint(err); reason != said {
			said = reason
			l.bus.log.Warn("consumer interrupted, trying again", "consumer", l.durable, "err", err)
		}
		l.bus.opts.OnHealth("consumer "+l.durable, err)
		if l.bus.opts.Clock.Sleep(ctx, retryPause) != nil {
			break
		}
	}
	return nil
}

// pull handles messages until something fails or the context ends. Each message is asked for on its own,
// after the one before was answered: the continuous iterator of nats.go 1.55 with one message at a time
// now and then forgets to ask for the next and stands still until its request expires.
func (l *loop) pull(ctx context.Context) error {
	consumer, err := l.bus.js.Consumer(ctx, l.stream, l.durable)
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", l.durable, classify(err))
	}
	l.ackWait = cmp.Or(consumer.CachedInfo().Config.AckWait, defaultAckWait)
	l.bus.opts.OnHealth("consumer "+l.durable, nil)
	for {
		batch, err := consumer.Fetch(1, jetstream.FetchContext(ctx))
		if err != nil {
			return fmt.Errorf("pull from %s: %w", l.durable, classify(err))
		}
		for msg := range batch.Messages() {
			l.take(ctx, msg)
		}
		// A request that expires without a message is no error.
		if err := batch.Error(); err != nil {
			return fmt.Errorf("pull from %s: %w", l.durable, classify(err))
		}
	}
}

// take handles one message and tells the server what became of it. The answer to the server is not fenced
// by anything: a handler that overran is protected by compare-and-set, not by its ack.
func (l *loop) take(ctx context.Context, msg jetstream.Msg) {
	began := time.Now()
	delivery, err := delivered(msg)
	if err == nil {
		err = l.call(ctx, msg, delivery)
	}
	l.bus.metrics.seconds.WithLabelValues(string(l.role)).Observe(time.Since(began).Seconds())

	outcome := outcomeAcked
	// The answer must reach the server although the service is being stopped.
	answerCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	switch {
	case err == nil:
		if err := msg.DoubleAck(answerCtx); err != nil {
			l.bus.log.Debug("ack not confirmed; the message may come again", "consumer", l.durable, "err", err)
		}
	case ctx.Err() != nil:
		outcome = outcomeRedelivered
		l.nak(msg, redeliverDelay(1))
	case errclass.ActionOf(errclass.Of(err)) == errclass.Redeliver:
		outcome = outcomeRedelivered
		delay := max(redeliverDelay(delivery.Attempt), min(errclass.RetryAfter(err), maxRedeliverDelay))
		l.bus.log.Warn("message will be tried again", "consumer", l.durable, "subject", msg.Subject(), "event_id", delivery.ID,
			"attempt", delivery.Attempt, "delay", delay, "class", errclass.Of(err).String(), "err", err)
		l.nak(msg, delay)
	default:
		outcome = outcomeDead
		l.bury(answerCtx, msg, delivery, err)
	}
	l.bus.metrics.handled.WithLabelValues(string(l.role), outcome).Inc()
}

// call runs the handler under its deadline, in a span linked to the publisher's, and turns a panic into an error.
func (l *loop) call(ctx context.Context, msg jetstream.Msg, d Delivery) (err error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	publisher := trace.SpanContextFromContext(telemetry.Extract(ctx, msg.Headers()))
	ctx, span := l.bus.tracer.Start(ctx, string(l.role)+" "+string(d.Subject.Family)+"."+d.Subject.Verb,
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(trace.Link{SpanContext: publisher}),
		trace.WithAttributes(attribute.String("tenant", d.Subject.Tenant), attribute.String("event_id", d.ID)))
	defer span.End()

	beating := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		l.heartbeat(beating, msg)
	}()
	defer func() {
		close(beating)
		<-stopped
		if p := recover(); p != nil {
			err = errclass.Newf(errclass.Bug, "handle "+d.Subject.String(), "panic: %v\n%s", p, debug.Stack())
		}
		if err != nil {
			span.RecordError(err)
		}
	}()
	return l.handle(ctx, d)
}

// heartbeat tells the server that the handler still works, three times in an ack wait.
func (l *loop) heartbeat(done <-chan struct{}, msg jetstream.Msg) {
	tick := time.NewTicker(l.ackWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if err := msg.InProgress(); err != nil {
				l.bus.log.Debug("progress not reported", "consumer", l.durable, "err", err)
			}
		}
	}
}

// nak hands a message back. Never without a delay: a bare nak is redelivered at once and for ever.
func (l *loop) nak(msg jetstream.Msg, delay time.Duration) {
	if err := msg.NakWithDelay(delay); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		l.bus.log.Debug("nak not sent; the message comes again after the ack wait", "consumer", l.durable, "err", err)
	}
}

const maxRedeliverDelay = 30 * time.Second

// redeliverDelay doubles from 250 ms with every delivery and is capped, because a message in its delay
// holds its partition.
func redeliverDelay(attempt uint64) time.Duration {
	return min(250*time.Millisecond<<min(attempt-1, 10), maxRedeliverDelay)
}

func delivered(msg jetstream.Msg) (Delivery, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return Delivery{Attempt: 1}, errclass.New(errclass.Bug, "read message metadata", err)
	}
	d := Delivery{
		ID: msg.Headers().Get(jetstream.MsgIDHeader), Data: msg.Data(),
		Sequence: meta.Sequence.Stream, Attempt: meta.NumDelivered, Published: meta.Timestamp,
	}
	d.Subject, err = ParseSubject(msg.Subject())
	return d, err
}
