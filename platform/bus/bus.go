// Package bus is the JetStream side of Covewise: which streams, subjects, partitions and buckets there are
// (one declaration, see topology.go), and how services publish to them, consume from them and keep state
// in them. It knows no business words beyond the names of subjects and buckets: bodies are protobuf
// messages that it does not look into.
//
// What it promises: a published message is stored when Publish returns nil, at least once, under a derived
// id; messages of one key of a partitioned stream are handled one after the other, in order, at least once;
// a bucket's value changes only by compare-and-set. What it does not promise: exactly-once. An ack is not a
// fence and the dedup window is a courtesy; consumers compare revisions.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
)

// Options configure a service's view of the bus. Service and Logger are required.
type Options struct {
	Service    string                            // name of the service, in dead letters and metrics
	Logger     *slog.Logger                      // where what cannot be returned is said
	Registerer prometheus.Registerer             // nil: no metrics
	Tracer     trace.TracerProvider              // nil: no traces
	Clock      clock.Clock                       // waits between retries of the consume loop; nil: the system's
	OnHealth   func(component string, err error) // told when a consume loop begins to fail (err) and recovers (nil); may be nil
}

// Bus is a service's access to the streams and buckets.
type Bus struct {
	nc           *nats.Conn
	js           jetstream.JetStream
	opts         Options
	log          *slog.Logger
	tracer       trace.Tracer
	metrics      *metrics
	topology     topology
	partitions   int
	installation string
}

// Open looks the provisioned bus up over a connection. It fails with class Rejected and the remedy when the
// bus was not provisioned.
func Open(ctx context.Context, nc *nats.Conn, opts Options) (*Bus, error) {
	if opts.Service == "" || opts.Logger == nil {
		return nil, errclass.Newf(errclass.Bug, "open bus", "Service and Logger are required")
	}
	if opts.Tracer == nil {
		opts.Tracer = noop.NewTracerProvider()
	}
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	if opts.OnHealth == nil {
		opts.OnHealth = func(string, error) {}
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open bus: %w", err)
	}
	b := &Bus{
		nc: nc, js: js, opts: opts, log: opts.Logger, topology: declared(),
		tracer: opts.Tracer.Tracer("github.com/covewise/covewise/platform/bus"),
	}
	if b.metrics, err = newMetrics(opts.Registerer, b.topology); err != nil {
		return nil, fmt.Errorf("open bus: register metrics: %w", err)
	}
	born, err := js.Stream(ctx, streamName(Incident))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, errclass.Newf(errclass.Rejected, "open bus", "the streams do not exist; provision the bus before starting services")
	}
	if err != nil {
		return nil, fmt.Errorf("open bus: %w", classify(err))
	}
	meta := born.CachedInfo().Config.Metadata
	b.installation = meta[metaInstallation]
	if b.partitions, err = strconv.Atoi(meta[metaPartitions]); err != nil {
		return nil, errclass.Newf(errclass.Rejected, "open bus", "stream INCIDENT records no partition count (metadata %s)", metaPartitions)
	}
	return b, nil
}

// Installation returns the id this bus was born with. It is part of every reference we leave in remote
// systems, so that two installations never take each other's tickets for their own.
func (b *Bus) Installation() string { return b.installation }

// Connected returns nil while the connection is up.
func (b *Bus) Connected() error {
	if s := b.nc.Status(); s != nats.CONNECTED {
		return errclass.Newf(errclass.Transient, "bus", "connection is %s", s)
	}
	return nil
}

// codeResourcesExceeded is the server's code for a full account or disk.
const codeResourcesExceeded = 10002

// raced reports whether a write failed because somebody else's came first. A single server and a replicated
// stream report that under different codes, and nats.go under two errors.
func raced(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) || errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// classify gives an error of nats.go its class.
func classify(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case raced(err):
		return errclass.New(errclass.Conflict, "", err)
	// Of the 4xx, 408 and 409 pass with time (a request in flight, a write of the same id under way), and so does a
	// store that is full.
	case errors.As(err, &api) && api.Code >= 400 && api.Code < 500 && api.Code != 408 && api.Code != 409 && api.ErrorCode != codeResourcesExceeded:
		return errclass.New(errclass.Rejected, "", err)
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject), errors.Is(err, jetstream.ErrInvalidKey):
		return errclass.New(errclass.Rejected, "", err)
	default:
		return errclass.New(errclass.Transient, "", err)
	}
}
