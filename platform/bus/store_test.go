package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
)

func store(t *testing.T) (*bus.Bus, *bus.Store[*wrapperspb.Int64Value]) {
	t.Helper()
	b := bustest.Open(t, bustest.Start(t))
	s, err := bus.OpenStore[*wrapperspb.Int64Value](t.Context(), b, bus.DeviceState)
	require.NoError(t, err)
	return b, s
}

func TestPutIsCompareAndSet(t *testing.T) {
	t.Parallel()
	_, s := store(t)
	ctx := t.Context()
	none, rev, err := s.Get(ctx, "t1.d1")
	require.NoError(t, err)
	require.Nil(t, none)
	require.Zero(t, rev)

	first, err := s.Put(ctx, "t1.d1", wrapperspb.Int64(1), 0)
	require.NoError(t, err)
	_, err = s.Put(ctx, "t1.d1", wrapperspb.Int64(2), 0)
	require.Equal(t, errclass.Conflict, errclass.Of(err), "the key exists")
	second, err := s.Put(ctx, "t1.d1", wrapperspb.Int64(2), first)
	require.NoError(t, err)
	_, err = s.Put(ctx, "t1.d1", wrapperspb.Int64(3), first)
	require.Equal(t, errclass.Conflict, errclass.Of(err), "the revision is old")

	require.Equal(t, errclass.Conflict, errclass.Of(s.Delete(ctx, "t1.d1", first)))
	require.NoError(t, s.Delete(ctx, "t1.d1", second))
	_, rev, err = s.Get(ctx, "t1.d1")
	require.NoError(t, err)
	require.Zero(t, rev)
	_, err = s.Put(ctx, "t1.d1", wrapperspb.Int64(4), 0)
	require.NoError(t, err, "a deleted key can be made again")
}

func TestUpdateLosesNoIncrementUnderContention(t *testing.T) {
	t.Parallel()
	_, s := store(t)
	const writers, each = 4, 25
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				for {
					_, err := s.Update(t.Context(), "hot", func(cur *wrapperspb.Int64Value) (*wrapperspb.Int64Value, error) {
						return wrapperspb.Int64(cur.GetValue() + 1), nil
					})
					if err == nil {
						break
					}
					if errclass.Of(err) != errclass.Conflict {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	got, _, err := s.Get(t.Context(), "hot")
	require.NoError(t, err)
	require.EqualValues(t, writers*each, got.GetValue())
}

func TestUpdateCanKeepAndCanFail(t *testing.T) {
	t.Parallel()
	_, s := store(t)
	_, err := s.Put(t.Context(), "k", wrapperspb.Int64(1), 0)
	require.NoError(t, err)
	got, err := s.Update(t.Context(), "k", func(*wrapperspb.Int64Value) (*wrapperspb.Int64Value, error) { return nil, bus.ErrKeep })
	require.NoError(t, err)
	require.EqualValues(t, 1, got.GetValue())
	boom := errors.New("boom")
	_, err = s.Update(t.Context(), "k", func(*wrapperspb.Int64Value) (*wrapperspb.Int64Value, error) { return nil, boom })
	require.ErrorIs(t, err, boom)
}

func TestEachListsOneTenantOnly(t *testing.T) {
	t.Parallel()
	_, s := store(t)
	want := map[string]int64{}
	for i := range 300 {
		key := bus.Key("t1", fmt.Sprint(i))
		want[key] = int64(i)
		_, err := s.Put(t.Context(), key, wrapperspb.Int64(int64(i)), 0)
		require.NoError(t, err)
	}
	_, err := s.Put(t.Context(), bus.Key("t2", "1"), wrapperspb.Int64(7), 0)
	require.NoError(t, err)
	got := map[string]int64{}
	require.NoError(t, s.Each(t.Context(), bus.Key("t1")+".>", func(e bus.Entry[*wrapperspb.Int64Value]) error {
		got[e.Key] = e.Value.GetValue()
		return nil
	}))
	require.Equal(t, want, got)
	require.NoError(t, s.Each(t.Context(), bus.Key("nobody")+".>", func(bus.Entry[*wrapperspb.Int64Value]) error {
		return errors.New("there is nothing to list")
	}))
}

func TestAViewFollowsTheBucket(t *testing.T) {
	t.Parallel()
	b, s := store(t)
	ctx := t.Context()
	first, err := s.Put(ctx, "t1.a", wrapperspb.Int64(1), 0)
	require.NoError(t, err)
	var changed collector
	view := bus.NewView(s, ">", func(e bus.Entry[*wrapperspb.Int64Value]) int64 { return e.Value.GetValue() }, changed.add)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- view.Run(running, b) }()
	<-view.Ready()
	got, ok := view.Get("t1.a")
	require.True(t, ok)
	require.EqualValues(t, 1, got)

	_, err = s.Put(ctx, "t1.b", wrapperspb.Int64(2), 0)
	require.NoError(t, err)
	require.NoError(t, s.Delete(ctx, "t1.a", first))
	eventually(t, "both changes seen", func() bool {
		_, a := view.Get("t1.a")
		_, b := view.Get("t1.b")
		return !a && b
	})
	seen := map[string]int64{}
	view.Each(func(key string, v int64) { seen[key] = v })
	require.Equal(t, map[string]int64{"t1.b": 2}, seen)
	require.Equal(t, []string{"t1.a", "t1.b", "t1.a"}, changed.all())
	stop()
	require.NoError(t, <-done)
}
