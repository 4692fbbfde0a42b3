package connectwise_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/errclass"
)

func TestChildrenAreAttachedAllOrNone(t *testing.T) {
	server, c := fake(t)
	parent, err := c.CreateTicket(t.Context(), newTicket(1))
	require.NoError(t, err)
	first, err := c.CreateTicket(t.Context(), newTicket(2))
	require.NoError(t, err)
	second, err := c.CreateTicket(t.Context(), newTicket(3))
	require.NoError(t, err)

	requireClass(t, errclass.Rejected, c.AttachChildren(t.Context(), parent.ID))
	requireClass(t, errclass.Rejected, c.AttachChildren(t.Context(), parent.ID, first.ID, 4711))
	requireClass(t, errclass.NotFound, c.AttachChildren(t.Context(), 4711, first.ID))
	got, err := c.Ticket(t.Context(), first.ID)
	require.NoError(t, err)
	require.Zero(t, got.ParentTicketID)

	require.NoError(t, c.AttachChildren(t.Context(), parent.ID, first.ID, second.ID))
	for _, child := range []int{first.ID, second.ID} {
		got, err = c.Ticket(t.Context(), child)
		require.NoError(t, err)
		require.Equal(t, parent.ID, got.ParentTicketID)
	}
	require.NoError(t, server.AddFaults(cwfake.Fault{Match: "POST /service/tickets/{parentId}/attachChildren", Times: 1, Kind: cwfake.FaultLostAnswer}))
	requireClass(t, errclass.UnknownOutcome, c.AttachChildren(t.Context(), parent.ID, first.ID))
	require.NoError(t, server.AddFaults(cwfake.Fault{Match: "POST /service/tickets/{parentId}/attachChildren", Times: 1, Kind: cwfake.FaultEmpty}))
	requireClass(t, errclass.Rejected, c.AttachChildren(t.Context(), parent.ID, first.ID))
}
