package bus

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/covewise/covewise/platform/errclass"
)

// Headers of a dead letter, beside the original's own. The body is the original's body.
const (
	HeaderStream   = "Covewise-Stream"   // stream of the original
	HeaderSequence = "Covewise-Sequence" // its sequence there
	HeaderSubject  = "Covewise-Subject"  // its subject, without the partition
	HeaderConsumer = "Covewise-Consumer" // the durable that gave up
	HeaderClass    = "Covewise-Class"    // class of the error
	HeaderReason   = "Covewise-Reason"   // text of the error
	HeaderTrace    = "Covewise-Trace"    // trace id of the failed handling; empty without tracing

	headerOriginal = "Covewise-Id" // derived id of the original
)

// bury files a message that no redelivery can mend and takes it off the consumer. If it cannot be filed it
// stays: a message is never dropped without a trace.
func (l *loop) bury(ctx context.Context, msg jetstream.Msg, d Delivery, cause error) {
	class := errclass.Of(cause)
	l.bus.log.Error("message cannot be handled, filed as dead letter", "consumer", l.durable, "subject", msg.Subject(),
		"event_id", d.ID, "sequence", d.Sequence, "class", class.String(), "err", cause)
	tenant := d.Subject.Tenant
	if tenant == "" {
		tenant = "unknown"
	}
	dead := nats.NewMsg("dlq." + l.bus.opts.Service + "." + Token(tenant))
	dead.Data = msg.Data()
	dead.Header = travelling(msg.Headers())
	dead.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("%s:%d:%s", l.stream, d.Sequence, l.durable))
	dead.Header.Set(headerOriginal, d.ID)
	dead.Header.Set(HeaderStream, l.stream)
	dead.Header.Set(HeaderSequence, strconv.FormatUint(d.Sequence, 10))
	dead.Header.Set(HeaderSubject, d.Subject.String())
	dead.Header.Set(HeaderConsumer, l.durable)
	dead.Header.Set(HeaderClass, class.String())
	dead.Header.Set(HeaderReason, headerText(cause.Error()))
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		dead.Header.Set(HeaderTrace, span.TraceID().String())
	}
	if _, err := l.bus.js.PublishMsg(ctx, dead); err != nil {
		l.bus.log.Error("dead letter not filed, the message will come again", "consumer", l.durable, "err", err)
		l.nak(msg, maxRedeliverDelay)
		return
	}
	if err := msg.TermWithReason(class.String()); err != nil {
		l.bus.log.Debug("termination not sent; the message comes again", "consumer", l.durable, "err", err)
	}
}

// travelling returns the headers that a message keeps on its way into the file and out of it: its author's. Those of the
// broker are about one place of storage. Taken along, a sequence would name the letter by another's id, the number in a
// batch would make the server wait for the batch's rest, and a time to live would end the letter.
func travelling(h nats.Header) nats.Header {
	kept := nats.Header{}
	for name, values := range h {
		if !strings.HasPrefix(strings.ToLower(name), "nats-") && !slices.Contains([]string{
			HeaderStream, HeaderSequence, HeaderSubject, HeaderConsumer, HeaderClass, HeaderReason, HeaderTrace, headerOriginal,
		}, name) {
			kept[name] = slices.Clone(values)
		}
	}
	return kept
}

// headerText keeps a reason inside one header line.
func headerText(s string) string {
	const most = 1000
	clean := make([]rune, 0, min(len(s), most))
	for _, r := range s {
		if len(clean) == most {
			break
		}
		if r < ' ' {
			r = ' '
		}
		clean = append(clean, r)
	}
	return string(clean)
}
