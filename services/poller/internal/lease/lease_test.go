package lease_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/internal/lease"
)

// Slots lie at 12:05, 12:20, 12:35 and 12:50.
var terms = lease.Terms{Interval: 15 * time.Minute, Lease: time.Minute, Phase: 5 * time.Minute, Settings: 77}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return noon.Add(d) }

func stamp(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(at(d)) }

func settings(id string, interval time.Duration) *tenantv1.Settings {
	return &tenantv1.Settings{Id: id, PollInterval: durationpb.New(interval), Cove: &tenantv1.Cove{Username: "psa-sync"}}
}

func TestClaim(t *testing.T) {
	held := func(owner string, until, due time.Duration) *statusv1.PollLease {
		return &statusv1.PollLease{SchemaVersion: 1, Owner: owner, Until: stamp(until), NextDue: stamp(due), Sweep: 4, Settings: 77}
	}
	asked := held("", 0, time.Minute)
	asked.Asked = 1
	cases := []struct {
		says  string
		lease *statusv1.PollLease
		force bool
		want  uint64 // number of the sweep claimed; 0: not claimed
	}{
		{"a tenant nobody swept yet", nil, false, uint64(noon.Unix()) + 1},
		{"a tenant asked for before anybody swept it", &statusv1.PollLease{Asked: 1}, false, uint64(noon.Unix()) + 1},
		{"free and due", held("", 0, -time.Second), false, 5},
		{"free and not due", held("", 0, time.Second), false, 0},
		{"free and not due, but forced", held("", 0, time.Second), true, 5},
		{"free and not due, but asked for", asked, false, 5},
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

func TestWhenATenantIsNext(t *testing.T) {
	const year = 365 * 24 * time.Hour
	cases := []struct {
		says  string
		lease *statusv1.PollLease
		want  time.Time
	}{
		{"never swept", nil, time.Time{}},
		{"due", &statusv1.PollLease{NextDue: stamp(-time.Minute), Settings: 77}, at(-time.Minute)},
		{"held by another", &statusv1.PollLease{Owner: "b", Until: stamp(time.Minute), NextDue: stamp(0), Settings: 77}, at(time.Minute)},
		{"held by ourselves", &statusv1.PollLease{Owner: "a", Until: stamp(time.Minute), NextDue: stamp(0), Settings: 77}, noon},
		{"asked for while another holds it", &statusv1.PollLease{Owner: "b", Until: stamp(time.Minute), NextDue: stamp(0), Asked: 1, Settings: 77}, at(time.Minute)},
		{"asked for while backed off from", &statusv1.PollLease{NextDue: stamp(time.Hour), Failures: 4, Asked: 3, Answered: 2, Settings: 77}, time.Time{}},
		{"backed off from", &statusv1.PollLease{NextDue: stamp(time.Hour), Failures: 4, Settings: 77}, at(time.Hour)},
		{"backed off from with settings that are others now", &statusv1.PollLease{NextDue: stamp(time.Hour), Failures: 4, Settings: 1}, time.Time{}},
		{"swept with a longer interval", &statusv1.PollLease{BeganAt: stamp(-time.Hour), NextDue: stamp(23 * time.Hour), Settings: 1}, at(-55 * time.Minute)},
		{"swept by a clock a year ahead", &statusv1.PollLease{BeganAt: stamp(year), NextDue: stamp(year + 5*time.Minute), Settings: 77}, noon},
		{"held by a poller whose clock was ahead", &statusv1.PollLease{Owner: "b", Until: stamp(year), NextDue: stamp(0), Settings: 77}, at(terms.Lease)},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) { require.Equal(t, c.want, lease.Next(c.lease, "a", noon, terms)) })
	}
}

func TestReleaseKeepsTheAccountAndFindsTheNextSlot(t *testing.T) {
	claim, _ := lease.Claim(nil, "a", noon, terms, false)
	done := &statusv1.SweepCompleted{Sweep: claim.GetSweep(), Complete: true, ObservedAt: timestamppb.New(noon), Devices: 3, NewDeviceIds: []string{"1", "2", "3"}, DeviceIds: []string{"1", "2", "3"}}
	free, ok := lease.Release(claim, claim, lease.Outcome{Began: noon, Ended: noon, Done: done}, terms)
	require.True(t, ok)
	require.Empty(t, free.GetOwner())
	require.Equal(t, at(5*time.Minute), free.GetNextDue().AsTime(), "the first slot after the beginning, not a whole interval later")
	require.EqualValues(t, 3, free.GetLast().GetDevices())
	require.Empty(t, free.GetLast().GetNewDeviceIds())
	require.Empty(t, free.GetLast().GetDeviceIds())
	require.Equal(t, noon, free.GetLastCompleteAt().AsTime())
	require.Len(t, done.GetNewDeviceIds(), 3, "the account itself is left alone")

	for says, change := range map[string]func(*statusv1.PollLease){
		"another holds it":             func(l *statusv1.PollLease) { l.Owner = "b" },
		"it is held for a later sweep": func(l *statusv1.PollLease) { l.Sweep++ },
	} {
		other := proto.CloneOf(claim)
		change(other)
		_, released := lease.Release(other, claim, lease.Outcome{Began: noon, Done: done}, terms)
		require.False(t, released, says)
		_, renewed := lease.Renew(other, "a", claim.GetSweep(), noon, terms)
		require.False(t, renewed, says)
	}

	broken, ok := lease.Release(claim, claim, lease.Outcome{Began: noon}, terms)
	require.True(t, ok)
	require.Nil(t, broken.GetNextDue(), "a sweep that was broken off stays due")
}

func TestAnOrderDuringASweepIsNotAnsweredByIt(t *testing.T) {
	claim, _ := lease.Claim(lease.Ask(nil), "a", noon, terms, false)
	done := lease.Outcome{Began: noon, Ended: noon, Done: &statusv1.SweepCompleted{Complete: true}}
	free, _ := lease.Release(claim, claim, done, terms)
	require.Equal(t, at(5*time.Minute), lease.Next(free, "a", noon, terms), "the order was seen when the sweep began")
	free, _ = lease.Release(lease.Ask(claim), claim, done, terms)
	require.True(t, lease.Next(free, "a", noon, terms).IsZero(), "the order came later")
}

func TestAFailingTenantIsBackedOffFrom(t *testing.T) {
	day := terms
	day.Interval, day.Phase = 24*time.Hour, 5*time.Hour
	minute := terms
	minute.Interval, minute.Phase = time.Minute, 30*time.Second
	cases := []struct {
		says       string
		terms      lease.Terms
		before     uint32 // failures before this one
		retryAfter time.Duration
		want       time.Duration // due after the slot in which the sweep began
	}{
		{"once: the next slot", terms, 0, 0, 15 * time.Minute},
		{"twice: doubled", terms, 1, 0, 30 * time.Minute},
		{"three times: an hour is the most", terms, 2, 0, time.Hour},
		{"a hundred times", terms, 100, 0, time.Hour},
		{"a short interval: eight of them are the most", minute, 100, 0, 8 * time.Minute},
		{"a long interval: tried again after an hour", day, 0, 0, time.Hour},
		{"Cove asks for more patience", terms, 0, 40 * time.Minute, 41 * time.Minute},
		{"Cove asks for less", terms, 1, time.Minute, 30 * time.Minute},
		{"Cove asks for a day", terms, 0, 24 * time.Hour, 61 * time.Minute},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			began := noon.Add(c.terms.Phase)
			l := &statusv1.PollLease{Owner: "a", Sweep: 9, Failures: c.before}
			o := lease.Outcome{Began: began, Ended: began.Add(time.Minute), Done: &statusv1.SweepCompleted{Sweep: 9}, RetryAfter: c.retryAfter}
			if c.terms.Interval == day.Interval {
				began = noon.Add(-12 * time.Hour).Add(c.terms.Phase)
				o.Began, o.Ended = began, began
			}
			free, ok := lease.Release(l, l, o, c.terms)
			require.True(t, ok)
			require.Equal(t, began.Add(c.want), free.GetNextDue().AsTime())
			require.Equal(t, c.before+1, free.GetFailures())
			o.Done = &statusv1.SweepCompleted{Sweep: 9, Complete: true}
			free, _ = lease.Release(l, l, o, c.terms)
			require.Zero(t, free.GetFailures(), "a complete sweep ends it")
		})
	}
}

func TestTenantsSpreadOverTheInterval(t *testing.T) {
	const tenants, tenths = 2000, 10
	counts := make([]int, tenths)
	for i := range tenants {
		terms := lease.For(settings(fmt.Sprintf("tenant-%d", i), 15*time.Minute), time.Minute)
		free := lease.Settle(&statusv1.PollLease{}, lease.Outcome{Began: noon, Done: &statusv1.SweepCompleted{Complete: true}}, terms)
		wait := free.GetNextDue().AsTime().Sub(noon)
		require.Greater(t, wait, 10*time.Second, "nobody starts at the full hour")
		require.Less(t, wait, 15*time.Minute-10*time.Second)
		counts[wait*tenths/(15*time.Minute)]++
	}
	for _, n := range counts {
		require.InDelta(t, tenants/tenths, n, 60)
	}
	again := lease.For(settings("harbor", time.Hour), time.Minute)
	require.Equal(t, again, lease.For(settings("harbor", time.Hour), time.Minute))
}

func TestTheHashOfSettingsMovesWithWhatASweepDependsOn(t *testing.T) {
	base := lease.For(settings("harbor", time.Hour), time.Minute).Settings
	other := settings("harbor", time.Hour)
	other.Cove.Password = &tenantv1.SecretRef{File: "/etc/new"}
	require.NotEqual(t, base, lease.For(other, time.Minute).Settings)
	require.NotEqual(t, base, lease.For(settings("harbor", time.Minute), time.Minute).Settings)
	policy := settings("harbor", time.Hour)
	policy.Policy = &tenantv1.Policy{OpenAfter: 3}
	require.Equal(t, base, lease.For(policy, time.Minute).Settings)
}
