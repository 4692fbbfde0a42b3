package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
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

// DeadLetters goes through what is filed for a tenant when it begins, oldest first; an empty tenant means all. What is
// filed meanwhile is not among it, so that driving each again comes to an end. An error ends it.
func (b *Bus) DeadLetters(ctx context.Context, tenant string) iter.Seq2[DeadLetter, error] {
	filter := "dlq.*.*"
	if tenant != "" {
		filter = "dlq.*." + Token(tenant)
	}
	return func(yield func(DeadLetter, error) bool) {
		stream, err := b.js.Stream(ctx, deadLetterStream)
		if err != nil {
			yield(DeadLetter{}, fmt.Errorf("read dead letters: %w", classify(err)))
			return
		}
		last := stream.CachedInfo().State.LastSeq
		for next := uint64(1); next <= last; {
			d, err := b.letter(ctx, next, filter)
			switch {
			case errors.Is(err, ErrNoDeadLetter) || err == nil && d.ID > last:
				return
			case err != nil:
				yield(DeadLetter{}, err)
				return
			case !yield(d, nil):
				return
			}
			next = d.ID + 1
		}
	}
}

// DeadLetter returns one dead letter, or ErrNoDeadLetter.
func (b *Bus) DeadLetter(ctx context.Context, id uint64) (DeadLetter, error) {
	return b.letter(ctx, id, "")
}

// letter reads the letter at a position, or with a filter the first one from there on. It asks for an answer whose
// position and time stand apart from the letter's headers. A direct get has all of it in the headers, and nats.go takes
// what a letter brings along for the server's.
func (b *Bus) letter(ctx context.Context, from uint64, filter string) (DeadLetter, error) {
	if from == 0 {
		return DeadLetter{}, fmt.Errorf("%w: %d", ErrNoDeadLetter, from)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	ask, err := json.Marshal(struct {
		Sequence uint64 `json:"seq"`
		Filter   string `json:"next_by_subj,omitempty"`
	}{from, filter})
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", from, err)
	}
	reply, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+deadLetterStream, ask)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", from, classify(err))
	}
	var answer struct {
		Message storedLetter        `json:"message"`
		Error   *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", from, classify(err))
	}
	switch {
	case answer.Error == nil:
		return answer.Message.decoded()
	case errors.Is(answer.Error, jetstream.ErrMsgNotFound):
		return DeadLetter{}, fmt.Errorf("%w: %d", ErrNoDeadLetter, from)
	default:
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", from, classify(answer.Error))
	}
}

// storedLetter is a message as the server's own answer has it.
type storedLetter struct {
	Subject  string    `json:"subject"`
	Sequence uint64    `json:"seq"`
	Header   []byte    `json:"hdrs"`
	Data     []byte    `json:"data"`
	Time     time.Time `json:"time"`
}

func (l storedLetter) decoded() (DeadLetter, error) {
	h := nats.Header{}
	if len(l.Header) > 0 {
		var err error
		if h, err = nats.DecodeHeadersMsg(l.Header); err != nil {
			return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", l.Sequence, classify(err))
		}
	}
	d := DeadLetter{
		ID: l.Sequence, At: l.Time, Data: l.Data, header: h,
		Stream: h.Get(HeaderStream), Subject: h.Get(HeaderSubject), Consumer: h.Get(HeaderConsumer),
		Class: h.Get(HeaderClass), Reason: h.Get(HeaderReason), Trace: h.Get(HeaderTrace), EventID: h.Get(headerOriginal),
	}
	d.Sequence, _ = strconv.ParseUint(h.Get(HeaderSequence), 10, 64) // 0 for a letter not filed by us
	if tokens := strings.Split(l.Subject, "."); len(tokens) == 3 {
		d.Service = tokens[1]
		d.Tenant, _ = id(tokens[2]) // of a letter not filed by us it may be anything
	}
	return d, nil
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
	msg.Header = travelling(d.header)
	msg.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("redriven:%d:%s", d.ID, redriven.ReplaceAllString(d.EventID, "")))
	// First there, then gone: a crash in between leaves the letter, and driving it once more does no harm.
	if err := b.publish(ctx, subject, msg); err != nil {
		return fmt.Errorf("redrive dead letter %d: %w", d.ID, err)
	}
	return b.Discard(ctx, d)
}

// redriven is what driving again put before an id: of a letter that failed again it is put there once.
var redriven = regexp.MustCompile(`^(redriven:\d+:)+`)

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
	if _, gone := b.DeadLetter(ctx, d.ID); errors.Is(gone, ErrNoDeadLetter) {
		return nil
	}
	return fmt.Errorf("discard dead letter %d: %w", d.ID, classify(err))
}
