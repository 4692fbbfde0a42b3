package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/poll"
)

// newTold returns a function that looks a sweep's end up in the stream.
func newTold(ctx context.Context, nc *nats.Conn) (func(ctx context.Context, tenant string, sweep uint64) (*statusv1.SweepCompleted, error), error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	stream, err := js.Stream(ctx, "STATUS")
	if err != nil {
		return nil, errclass.New(errclass.Transient, "look up stream STATUS", err)
	}
	return func(ctx context.Context, tenant string, sweep uint64) (*statusv1.SweepCompleted, error) {
		const op = "look up the end of a sweep"
		// The stream puts the partition before the subject, which one is its own affair.
		stored, err := stream.GetLastMsgForSubject(ctx, "p.*."+poll.EndOf(tenant, sweep).String())
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return nil, nil
		case err != nil:
			return nil, errclass.New(errclass.Transient, op, err)
		}
		done := &statusv1.SweepCompleted{}
		if err := proto.Unmarshal(stored.Data, done); err != nil {
			return nil, errclass.New(errclass.Bug, op, err)
		}
		return done, nil
	}, nil
}
