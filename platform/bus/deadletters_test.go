package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
)

func TestDeadLettersAreListedDrivenAgainAndDiscarded(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	var mended atomic.Bool
	var c collector
	consume(t, b, func(_ context.Context, d bus.Delivery) error {
		if !mended.Load() {
			return errclass.New(errclass.Rejected, "apply", errors.New("no such board"))
		}
		c.add(d.ID + " " + body(t, d))
		return nil
	})
	for tenant, device := range map[string]string{"t1": "one", "t 2": "two"} {
		require.NoError(t, b.Publish(t.Context(), incident(tenant, device, "e-"+device)))
	}
	eventually(t, "two dead letters", func() bool { return stored(t, nc, "DLQ") == 2 })

	require.Len(t, letters(t, b, ""), 2)
	of2 := letters(t, b, "t 2")
	require.Len(t, of2, 1)
	two := of2[0]
	require.Equal(t, []any{"test", "t 2", "INCIDENT", "e-two", "rejected", "apply: no such board"},
		[]any{two.Service, two.Tenant, two.Stream, two.EventID, two.Class, two.Reason})
	require.False(t, two.At.IsZero())
	same, err := b.DeadLetter(t.Context(), two.ID)
	require.NoError(t, err)
	require.Equal(t, two, same)

	mended.Store(true)
	require.NoError(t, b.Redrive(t.Context(), two))
	eventually(t, "handled after all", func() bool { return len(c.all()) == 1 })
	require.Equal(t, []string{fmt.Sprintf("redriven:%d:e-two e-two", two.ID)}, c.all())
	_, err = b.DeadLetter(t.Context(), two.ID)
	require.ErrorIs(t, err, bus.ErrNoDeadLetter)
	require.NoError(t, b.Discard(t.Context(), two), "discarding twice does no harm")

	rest := letters(t, b, "")
	require.Len(t, rest, 1)
	require.NoError(t, b.Discard(t.Context(), rest[0]))
	require.Zero(t, stored(t, nc, "DLQ"))
	require.EqualValues(t, 3, stored(t, nc, "INCIDENT"), "originals stay")
}

// letters returns the dead letters of a tenant.
func letters(t *testing.T, b *bus.Bus, tenant string) []bus.DeadLetter {
	t.Helper()
	var all []bus.DeadLetter
	for d, err := range b.DeadLetters(t.Context(), tenant) {
		require.NoError(t, err)
		all = append(all, d)
	}
	return all
}

func TestALetterThatFailsAgainIsOneNewLetter(t *testing.T) {
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	var handled atomic.Int64
	consume(t, b, func(context.Context, bus.Delivery) error {
		handled.Add(1)
		return errclass.New(errclass.Rejected, "apply", errors.New("no such board"))
	})
	require.NoError(t, b.Publish(t.Context(), incident("t1", "one", "e-one")))
	for id := uint64(1); id <= 3; id++ {
		eventually(t, "the letter", func() bool { all := letters(t, b, ""); return len(all) == 1 && all[0].ID == id })
		d, err := b.DeadLetter(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, id, d.ID)
		require.NoError(t, b.Redrive(t.Context(), d))
	}
	eventually(t, "the last letter", func() bool { return len(letters(t, b, "")) == 1 })
	last := letters(t, b, "")[0]
	require.Equal(t, "redriven:3:e-one", last.EventID)
	require.EqualValues(t, 4, last.Sequence)
	_, err := b.DeadLetter(t.Context(), 1)
	require.ErrorIs(t, err, bus.ErrNoDeadLetter)
	_, err = b.DeadLetter(t.Context(), 0)
	require.ErrorIs(t, err, bus.ErrNoDeadLetter)
	require.NoError(t, b.Discard(t.Context(), last))
	require.Zero(t, stored(t, nc, "DLQ"))
	require.EqualValues(t, 4, handled.Load())
}

func TestALetterThatBringsTheHeadersOfAnotherPlaceIsReadByItsOwn(t *testing.T) {
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	for range 2 {
		msg := nats.NewMsg("dlq.ticketer." + bus.Token("t1"))
		msg.Header.Set(bus.HeaderSubject, incident("t1", "one", "e").Subject.String())
		for name, value := range map[string]string{
			jetstream.SequenceHeader: "1", jetstream.StreamHeader: "DLQ", jetstream.SubjectHeader: "dlq.ticketer." + bus.Token("t2"),
			jetstream.TimeStampHeaer: "2020-01-01T00:00:00Z",
		} {
			msg.Header.Set(name, value)
		}
		_, err := jet(t, nc).PublishMsg(t.Context(), msg)
		require.NoError(t, err)
	}
	all := letters(t, b, "")
	require.Len(t, all, 2)
	second, err := b.DeadLetter(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, all[1], second)
	require.Equal(t, []any{uint64(2), "t1", false}, []any{second.ID, second.Tenant, second.At.Year() == 2020})
	require.NoError(t, b.Discard(t.Context(), all[0]))
	require.NoError(t, b.Redrive(t.Context(), second))
	require.Zero(t, stored(t, nc, "DLQ"))
	raw, err := jet(t, nc).Stream(t.Context(), "INCIDENT")
	require.NoError(t, err)
	put, err := raw.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, put.Header.Values(jetstream.SequenceHeader), "the server's own")
}

func TestDrivingEveryLetterAgainEndsWhenEachFailsAgain(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	var handled atomic.Int64
	consume(t, b, func(context.Context, bus.Delivery) error {
		handled.Add(1)
		return errclass.New(errclass.Rejected, "apply", errors.New("no such board"))
	})
	for _, device := range []string{"one", "two", "three"} {
		require.NoError(t, b.Publish(t.Context(), incident("t1", device, "e-"+device)))
	}
	eventually(t, "three letters", func() bool { return len(letters(t, b, "")) == 3 })
	driven := 0
	for d, err := range b.DeadLetters(t.Context(), "") {
		require.NoError(t, err)
		require.NoError(t, b.Redrive(t.Context(), d))
		driven++
		eventually(t, "it failed again", func() bool { return handled.Load() == int64(3+driven) && len(letters(t, b, "")) == 3 })
	}
	require.Equal(t, 3, driven)
}

func TestALetterOfABatchAndOfAShortLifeIsFiledForLong(t *testing.T) {
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	consume(t, b, func(context.Context, bus.Delivery) error {
		return errclass.New(errclass.Rejected, "apply", errors.New("no such board"))
	})
	var batch []bus.Message
	for i := range 64 {
		m := incident("t1", fmt.Sprint(i), fmt.Sprint("e-", i))
		m.TTL = time.Hour
		batch = append(batch, m)
	}
	require.NoError(t, b.PublishAll(t.Context(), batch))
	eventually(t, "all letters", func() bool { return stored(t, nc, "DLQ") == 64 })
	stream, err := jet(t, nc).Stream(t.Context(), "DLQ")
	require.NoError(t, err)
	for id := range uint64(64) {
		raw, err := stream.GetMsg(t.Context(), id+1)
		require.NoError(t, err)
		require.Empty(t, raw.Header.Get(jetstream.MsgTTLHeader))
		require.Empty(t, raw.Header.Get("Nats-Batch-Id"))
	}
}
