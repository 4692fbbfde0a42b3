package hooks

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock/clocktest"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestTheNextLookComesSoonerForTicketsOfOurs(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](t.Context(), b, bus.TicketLedger)
	require.NoError(t, err)
	_, err = ledgers.Put(t.Context(), bus.Key("harbor", "d", "i"), &ticketv1.Ledger{Tenant: "harbor", DeviceId: "d", IncidentId: "i", TicketId: 48211}, 0)
	require.NoError(t, err)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s, err := NewSooner(t.Context(), b, clocktest.New(now))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	<-s.ledgers.Ready()

	for name, c := range map[string]struct {
		ticket     int64
		next, want time.Duration // of the next look, from now; 0: there was none yet
	}{
		"it is brought forward":            {48211, 4 * time.Minute, settle},
		"it is near enough":                {48211, 3 * time.Second, 3 * time.Second},
		"it is overdue":                    {48211, -time.Minute, -time.Minute},
		"a ticket that is not ours":        {48212, 4 * time.Minute, 4 * time.Minute},
		"nobody has looked at this tenant": {48211, 0, 0},
	} {
		before := &ticketv1.Desk{SchemaVersion: 1, Tenant: "harbor", Creates: 7}
		if c.next != 0 {
			before.NextPollAt = timestamppb.New(now.Add(c.next))
		}
		_, err := s.desks.Update(t.Context(), bus.Key("harbor"), func(*ticketv1.Desk) (*ticketv1.Desk, error) { return before, nil })
		require.NoError(t, err)
		require.NoError(t, s.Changed(t.Context(), "harbor", c.ticket), name)
		after, _, err := s.desks.Get(t.Context(), bus.Key("harbor"))
		require.NoError(t, err)
		require.EqualValues(t, 7, after.GetCreates())
		if c.want == 0 {
			require.Nil(t, after.GetNextPollAt(), name)
			continue
		}
		require.Equal(t, now.Add(c.want), after.GetNextPollAt().AsTime(), name)
	}
	require.NoError(t, s.Changed(t.Context(), "nobody", 48211))
}
