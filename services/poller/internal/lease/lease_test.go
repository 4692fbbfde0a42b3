package lease_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/lease"
)

var terms = lease.Terms{Interval: 15 * time.Minute, Lease: time.Minute}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestClaim(t *testing.T) {
	held := func(owner string, until, due time.Duration) *statusv1.PollLease {
		return &statusv1.PollLease{SchemaVersion: 1, Owner: owner, Until: timestamppb.New(noon.Add(until)), NextDue: timestamppb.New(noon.Add(due)), Sweep: 4}
	}
	cases := []struct {
		says  string
		lease *statusv1.PollLease
		force bool
		want  uint64 // number of the sweep claimed; 0: not claimed
	}{
		{"a tenant nobody swept yet", nil, false, uint64(noon.Unix()) + 1},
		{"free and due", held("", 0, -time.Second), false, 5},
		{"free and not due", held("", 0, time.Second), false, 0},
		{"free and not due, but forced", held("", 0, time.Second), true, 5},
		{"held by another", held("b", time.Second, -time.Hour), false, 0},
		{"held by another, forced", held("b", time.Second, -time.Hour), true, 0},
		{"held by another that died", held("b", -time.Second, -time.Hour), false, 5},
		{"held by ourselves before a crash", held("a", time.Second, -time.Hour), false, 5},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			got, ok := lease.Claim(c.lease, "a", noon, terms, c.force)
			require.Equal(t, c.want != 0, ok)
			if !ok {
				return
			}
			require.Equal(t, c.want, got.GetSweep())
			require.Equal(t, "a", got.GetOwner())
			require.Equal(t, noon.Add(terms.Lease), got.GetUntil().AsTime())
		})
	}
}

func TestNextWaitsForTheOtherPollersLeaseAndForTheSlot(t *testing.T) {
	l := &statusv1.PollLease{Owner: "b", Until: timestamppb.New(noon.Add(time.Minute)), NextDue: timestamppb.New(noon)}
	require.Equal(t, noon.Add(time.Minute), lease.Next(l, "a", noon, terms))
	require.Equal(t, noon, lease.Next(l, "b", noon, terms))
	require.True(t, lease.Next(nil, "a", noon, terms).IsZero())
}

func TestNoWaitIsLongerThanTheTermsAllow(t *testing.T) {
	stamp := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(noon.Add(d)) }
	const year = 365 * 24 * time.Hour
	ahead := &statusv1.PollLease{BeganAt: stamp(year), NextDue: stamp(year + 15*time.Minute)}
	require.Equal(t, noon, lease.Next(ahead, "a", noon, terms), "swept once by a clock a year ahead")
	held := &statusv1.PollLease{Owner: "b", Until: stamp(year), NextDue: stamp(0)}
	require.Equal(t, noon.Add(terms.Lease), lease.Next(held, "a", noon, terms), "held by a poller whose clock was ahead")
	daily := &statusv1.PollLease{BeganAt: stamp(-time.Hour), NextDue: stamp(23 * time.Hour)}
	require.Equal(t, noon.Add(-45*time.Minute), lease.Next(daily, "a", noon, terms), "the interval was a day when it was last swept")
}

func TestReleaseKeepsTheAccountAndTheSlot(t *testing.T) {
	l, _ := lease.Claim(nil, "a", noon, terms, false)
	done := &statusv1.SweepCompleted{Sweep: l.GetSweep(), Complete: true, ObservedAt: timestamppb.New(noon), Devices: 3, NewDeviceIds: []string{"1", "2", "3"}, DeviceIds: []string{"1", "2", "3"}}
	free, ok := lease.Release(l, "a", noon, 15*time.Minute, done)
	require.True(t, ok)
	require.Empty(t, free.GetOwner())
	require.Equal(t, noon.Add(15*time.Minute), free.GetNextDue().AsTime())
	require.EqualValues(t, 3, free.GetLast().GetDevices())
	require.Empty(t, free.GetLast().GetNewDeviceIds())
	require.Empty(t, free.GetLast().GetDeviceIds())
	require.Equal(t, noon, free.GetLastCompleteAt().AsTime())
	require.Len(t, done.GetNewDeviceIds(), 3, "the account itself is left alone")

	_, renewed := lease.Renew(l, "b", l.GetSweep(), noon, terms)
	require.False(t, renewed)
	_, renewed = lease.Renew(l, "a", l.GetSweep()+1, noon, terms)
	require.False(t, renewed)

	broken, ok := lease.Release(l, "a", noon, 15*time.Minute, nil)
	require.True(t, ok)
	require.Nil(t, broken.GetNextDue(), "a sweep that was broken off stays due")
}
