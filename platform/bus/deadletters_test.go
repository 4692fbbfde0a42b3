package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
)

func TestDeadLettersAreListedDrivenAgainAndDiscarded(t *testing.T) {
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

	all, err := b.DeadLetters(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, all, 2)
	first, err := b.DeadLetters(t.Context(), "", 1)
	require.NoError(t, err)
	require.Equal(t, all[:1], first)
	of2, err := b.DeadLetters(t.Context(), "t 2", 10)
	require.NoError(t, err)
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

	rest, err := b.DeadLetters(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, rest, 1)
	require.NoError(t, b.Discard(t.Context(), rest[0]))
	require.Zero(t, stored(t, nc, "DLQ"))
	require.EqualValues(t, 3, stored(t, nc, "INCIDENT"), "originals stay")
}
