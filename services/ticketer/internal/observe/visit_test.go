package observe

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/clock/clocktest"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// shelf is a server on which no ticket is open. One is deleted; the others are closed.
type shelf struct {
	deleted int64
	reads   map[int64]int
}

func (*shelf) Changed(context.Context, string, []int64, time.Time) ([]*ticketv1.Observed, error) {
	return nil, nil
}

func (*shelf) Open(context.Context, string, []int64) ([]*ticketv1.Observed, error) { return nil, nil }

func (s *shelf) Read(_ context.Context, ticket int64) (*ticketv1.Observed, error) {
	s.reads[ticket]++
	return &ticketv1.Observed{TicketId: ticket, Closed: ticket != s.deleted, Deleted: ticket == s.deleted}, nil
}

func TestTicketsThatWaitToBeReplacedHideNoDeletion(t *testing.T) {
	ledgers := map[string]*tracked{"live": {ticket: 999, phase: ticketv1.Phase_PHASE_OPEN, observed: &ticketv1.Observed{TicketId: 999}}}
	for id := range int64(60) {
		ledgers[fmt.Sprint("waits", id)] = &tracked{former: []int64{id + 1}, givenUp: id + 1, phase: ticketv1.Phase_PHASE_NEW}
	}
	server := &shelf{deleted: 999, reads: map[int64]int{}}
	now := clocktest.New(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	w := &Watcher{clock: now, every: DefaultEvery}
	for range 6 {
		seen, err := w.missing(t.Context(), server, "p", nil, ledgers)
		require.NoError(t, err)
		require.Len(t, seen, 1+mostGivenUp)
		require.True(t, seen[0].GetDeleted(), "within the hour")
		now.Add(censusTurns * DefaultEvery)
	}
	require.Len(t, server.reads, 61, "each of them has its turn")
}
