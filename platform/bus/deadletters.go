package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/covewise/covewise/platform/errclass"
)

const deadLetterStream = "DLQ"

// DeadLetter is a message that its service could not handle.
type DeadLetter struct {
	ID       uint64    // names it in commands; its position in the stream DLQ
	Service  string    // that gave up
	Tenant   string    // "unknown" when the subject could not be read
	Stream   string    // of the original
	Sequence uint64    // of the original in its stream; it stays there as long as the stream keeps it
	Subject  string    // of the original
	EventID  string    // derived id of the original; empty when it had none
	Consumer string    // the durable that gave up
	Class    string    // class of the error, which says why no redelivery mends it
	Reason   string    // text of the error
	Trace    string    // trace id of the failed handling; empty without tracing
	At       time.Time // when it was filed
	Data     []byte    // body of the original

	header nats.Header
}

// ErrNoDeadLetter means that there is no dead letter with that id (any more).
var ErrNoDeadLetter = errors.New("no such dead letter")

// DeadLetters returns what is filed for a tenant, oldest first; an empty tenant means all. It returns at most limit.
func (b *Bus) DeadLetters(ctx context.Context, tenant string, limit int) ([]DeadLetter, error) {
	stream, err := b.js.Stream(ctx, deadLetterStream)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", classify(err))
	}
	filter := "dlq.*.*"
	if tenant != "" {
		filter = "dlq.*." + Token(tenant)
	}
	var all []DeadLetter
	for next := uint64(1); len(all) < limit; {
		raw, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(filter))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read dead letters: %w", classify(err))
		}
		all = append(all, deadLetter(raw))
		next = raw.Sequence + 1
	}
	return all, nil
}

// DeadLetter returns one dead letter, or ErrNoDeadLetter.
func (b *Bus) DeadLetter(ctx context.Context, id uint64) (DeadLetter, error) {
	stream, err := b.js.Stream(ctx, deadLetterStream)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter: %w", classify(err))
	}
	raw, err := stream.GetMsg(ctx, id)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return DeadLetter{}, fmt.Errorf("%w: %d", ErrNoDeadLetter, id)
	case err != nil:
		return DeadLetter{}, fmt.Errorf("read dead letter: %w", classify(err))
	}
	return deadLetter(raw), nil
}

func deadLetter(raw *jetstream.RawStreamMsg) DeadLetter {
	d := DeadLetter{
		ID: raw.Sequence, At: raw.Time, Data: raw.Data, header: raw.Header,
		Stream: raw.Header.Get(HeaderStream), Subject: raw.Header.Get(HeaderSubject), Consumer: raw.Header.Get(HeaderConsumer),
		Class: raw.Header.Get(HeaderClass), Reason: raw.Header.Get(HeaderReason), Trace: raw.Header.Get(HeaderTrace),
		EventID: raw.Header.Get(headerOriginal),
	}
	d.Sequence, _ = strconv.ParseUint(raw.Header.Get(HeaderSequence), 10, 64) // 0 for a letter not filed by us
	if tokens := strings.Split(raw.Subject, "."); len(tokens) == 3 {
		d.Service = tokens[1]
		d.Tenant, _ = id(tokens[2]) // of a letter not filed by us it may be anything
	}
	return d
}

// Redrive puts the original of a dead letter at the end of its stream, to be handled again, and takes the letter
// from the file. Handlers take a message that is older than what they know for old news. Every consumer of the
// stream sees it again, under an id of its own: under the old one the server would drop it as a repetition.
func (b *Bus) Redrive(ctx context.Context, d DeadLetter) error {
	subject, err := ParseSubject(d.Subject)
	if err != nil {
		return errclass.New(errclass.Rejected, fmt.Sprintf("redrive dead letter %d", d.ID), err)
	}
	msg := nats.NewMsg(subject.String())
	msg.Data = d.Data
	maps.Copy(msg.Header, d.header)
	for _, own := range []string{
		HeaderStream, HeaderSequence, HeaderSubject, HeaderConsumer, HeaderClass, HeaderReason, HeaderTrace, headerOriginal,
	} {
		msg.Header.Del(own)
	}
	msg.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("redriven:%d:%s", d.ID, d.EventID))
	// First there, then gone: a crash in between leaves the letter, and driving it once more does no harm.
	if err := b.publish(ctx, subject, msg); err != nil {
		return fmt.Errorf("redrive dead letter %d: %w", d.ID, err)
	}
	return b.Discard(ctx, d)
}

// Discard takes a dead letter from the file. Its original stays in its stream.
func (b *Bus) Discard(ctx context.Context, d DeadLetter) error {
	stream, err := b.js.Stream(ctx, deadLetterStream)
	if err != nil {
		return fmt.Errorf("discard dead letter %d: %w", d.ID, classify(err))
	}
	if err = stream.DeleteMsg(ctx, d.ID); err == nil {
		return nil
	}
	// nats.go hides why a deletion failed; somebody may have been faster.
	if _, gone := stream.GetMsg(ctx, d.ID); errors.Is(gone, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("discard dead letter %d: %w", d.ID, classify(err))
}
