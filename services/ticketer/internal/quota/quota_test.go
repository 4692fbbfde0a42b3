package quota_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/quota"
)

var (
	now  = time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)
	hour = quota.Hour(now)
)

func ledger(phase ticketv1.Phase, begun time.Time) *ticketv1.Ledger {
	l := &ticketv1.Ledger{Tenant: "harbor", Phase: phase}
	if !begun.IsZero() {
		l.CreateBegunAt = timestamppb.New(begun)
	}
	return l
}

func counter() *quota.Counter {
	c := quota.New()
	c.Complete()
	c.Complete()
	return c
}

func asks(t *testing.T, c *quota.Counter, key string, hour int64, most uint32) bool {
	t.Helper()
	granted, err := c.Ask(t.Context(), "harbor", key, hour, most)
	require.NoError(t, err)
	return granted
}

func TestWhichLedgersHaveUsedAPlaceOfTheHour(t *testing.T) {
	yielded := ledger(ticketv1.Phase_PHASE_NEW, time.Time{})
	yielded.Park = &ticketv1.Park{Reason: ticketv1.ParkReason_PARK_REASON_YIELDED, Until: timestamppb.New(now)}
	capped := ledger(ticketv1.Phase_PHASE_NEW, time.Time{})
	capped.Park = &ticketv1.Park{Reason: ticketv1.ParkReason_PARK_REASON_CAPPED, Until: timestamppb.New(now)}
	group := ledger(ticketv1.Phase_PHASE_OPEN, now)
	group.Wanted = &incidentv1.Event{Scope: incidentv1.Scope_SCOPE_GROUP}
	for _, c := range []struct {
		says   string
		ledger *ticketv1.Ledger
		used   bool
	}{
		{"a ticket made this hour", ledger(ticketv1.Phase_PHASE_OPEN, now.Add(-29*time.Minute)), true},
		{"one that is closed again", ledger(ticketv1.Phase_PHASE_CLOSED, now), true},
		{"a create whose outcome is not known", ledger(ticketv1.Phase_PHASE_CREATING, now), true},
		{"a create that gives way to others", yielded, true},
		{"one of the hour before", ledger(ticketv1.Phase_PHASE_OPEN, now.Add(-31*time.Minute)), false},
		{"a create that was withdrawn", ledger(ticketv1.Phase_PHASE_NEW, time.Time{}), false},
		{"an incident that waits for the next hour", capped, false},
		{"one that ended without a ticket", ledger(ticketv1.Phase_PHASE_DROPPED, now), false},
		{"a ticket that was taken over", ledger(ticketv1.Phase_PHASE_OPEN, time.Time{}), false},
		{"a group's ticket", group, false},
	} {
		t.Run(c.says, func(t *testing.T) {
			counter := counter()
			counter.See("one", 7, c.ledger)
			require.Equal(t, !c.used, asks(t, counter, "other", hour, 1))
			require.True(t, !c.used || asks(t, counter, "one", hour, 1), "who has a place keeps it")
		})
	}
}

func TestAGrantHoldsUntilTheLedgerTells(t *testing.T) {
	c := counter()
	for i := range 2 {
		require.True(t, asks(t, c, fmt.Sprint(i), hour, 2))
	}
	require.False(t, asks(t, c, "2", hour, 2))
	c.Release("0", 5, ledger(ticketv1.Phase_PHASE_NEW, time.Time{})) // it got no ticket
	require.True(t, asks(t, c, "2", hour, 2))
	c.Release("1", 5, ledger(ticketv1.Phase_PHASE_OPEN, now))
	c.Release("1", 5, ledger(ticketv1.Phase_PHASE_NEW, time.Time{})) // nothing is granted any more
	c.See("1", 3, ledger(ticketv1.Phase_PHASE_NEW, time.Time{}))     // the view lags behind
	require.False(t, asks(t, c, "3", hour, 2))
	c.See("1", 6, ledger(ticketv1.Phase_PHASE_DROPPED, now))
	require.True(t, asks(t, c, "3", hour, 2))
	require.False(t, asks(t, c, "4", hour, 2))
	require.True(t, asks(t, c, "4", hour+1, 2), "the next hour")
	granted, err := c.Ask(t.Context(), "pier", "p", hour+1, 1)
	require.NoError(t, err)
	require.True(t, granted, "another tenant's cap is another")
}

func TestNobodyGetsAnAnswerBeforeTheLedgersWereRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := quota.New().Ask(ctx, "harbor", "one", hour, 5)
	require.Equal(t, errclass.Transient, errclass.Of(err))
}
