package redrive

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock/clocktest"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

var start = time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)

// redriver returns one whose views stay empty and which knows one incident.
func redriver(t *testing.T, b *bus.Bus, reason ticketv1.ParkReason, until, updated time.Duration) *Redriver {
	t.Helper()
	r, err := New(t.Context(), b, clocktest.New(start), bustest.Logger(t), time.Minute, nil)
	require.NoError(t, err)
	r.parked["k"] = &waiting{
		tenant: "harbor", device: "7", incident: "7-1", updated: start.Add(updated),
		park: &ticketv1.Park{Reason: reason, Until: timestamppb.New(start.Add(until))},
	}
	return r
}

func TestTheRedriverNeverRunsWithoutAPause(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	for n := range ticketv1.ParkReason_name {
		reason := ticketv1.ParkReason(n)
		for _, until := range []time.Duration{-time.Minute, 0, time.Second, 1000 * time.Hour} {
			r := redriver(t, b, reason, until, -time.Hour)
			for _, passed := range []time.Duration{0, time.Second, spread, time.Minute, time.Hour} {
				_, wakes, next := r.due(start.Add(passed))
				require.Positive(t, next, "%s until %s, after %s", reason, until, passed)
				maps.Copy(r.sent, wakes)
			}
		}
	}
}

func TestAStartHasAnotherLookAtWhatPeopleMayHaveMended(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	for n := range ticketv1.ParkReason_name {
		reason := ticketv1.ParkReason(n)
		before := redriver(t, b, reason, time.Minute, -time.Second)
		early, _, next := before.due(start)
		late, _, _ := before.due(start.Add(spread))
		since, _, _ := redriver(t, b, reason, time.Minute, 0).due(start.Add(spread))
		require.Empty(t, since, "what was parked since the start: %s", reason)
		if !mendable(reason) {
			require.Empty(t, append(early, late...), reason)
			continue
		}
		require.LessOrEqual(t, next, spread)
		require.Len(t, late, 1)
		require.Regexp(t, "^redrive:k:[0-9]+:[0-9]+:0:start$", late[0].ID, "the same from every process, and after every start")
	}
}

func TestWaitsWithinASecondAreWokenOneAfterTheOther(t *testing.T) {
	r := redriver(t, bustest.Open(t, bustest.Start(t)), ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, time.Second, 0)
	now, ids := start.Add(time.Second), map[string]bool{}
	for _, next := range []*ticketv1.Park{
		{Reason: ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, Until: timestamppb.New(now), Times: 1},
		{Reason: ticketv1.ParkReason_PARK_REASON_YIELDED, Until: timestamppb.New(now), Times: 1},
		{Reason: ticketv1.ParkReason_PARK_REASON_YIELDED, Until: timestamppb.New(now.Add(75 * time.Millisecond)), Times: 1},
	} {
		now = next.GetUntil().AsTime()
		r.parked["k"] = &waiting{tenant: "harbor", device: "7", incident: "7-1", updated: start, park: next}
		messages, wakes, _ := r.due(now)
		require.Len(t, messages, 1, "%v", next)
		maps.Copy(r.sent, wakes)
		ids[messages[0].ID] = true
	}
	require.Len(t, ids, 3)
}

func TestAnUnfinishedIncidentIsWokenWhenItStandsStill(t *testing.T) {
	ledger := &ticketv1.Ledger{
		Tenant: "harbor", DeviceId: "7", IncidentId: "7-1", Phase: ticketv1.Phase_PHASE_OPEN, UpdatedAt: timestamppb.New(start),
		Wanted: &incidentv1.Event{Revision: 2}, Shown: &incidentv1.Event{Revision: 1},
	}
	r := redriver(t, bustest.Open(t, bustest.Start(t)), 0, 0, 0)
	r.parked["k"] = project(bus.Entry[*ticketv1.Ledger]{Key: "k", Value: ledger})
	none, _, next := r.due(start.Add(9 * time.Minute))
	require.Empty(t, none)
	require.Equal(t, time.Minute, next)
	one, _, _ := r.due(start.Add(10 * time.Minute))
	require.Len(t, one, 1)

	ledger.Shown = ledger.Wanted
	require.Nil(t, project(bus.Entry[*ticketv1.Ledger]{Key: "k", Value: ledger}), "what is finished is not")
}
