package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/test/harness"
)

// Fifty servers fail, and while their tickets are being made every service is killed and started again, one after the
// other: fifty tickets, none twice. Then the same while they are closed. What a killed service had in hand comes again
// after ten seconds, the bus's ack wait.
func TestServicesThatAreKilledLoseNothingAndRepeatNothing(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		const devices = 50
		var ids []int64
		for id := int64(1001); id <= 1000+devices; id++ {
			ids = append(ids, id)
		}
		tn := h.AddTenant("lantern", harness.Fleet(ids...), harness.Companies(), harness.TicketPerDevice)
		h.WaitCalm()
		for _, id := range ids {
			tn.Fail(id, harness.Denied)
		}
		h.Restart(harness.Poller)
		for i, s := range []harness.Service{harness.Evaluator, harness.Ticketer, harness.CompanySync, harness.Console, harness.Poller} {
			h.Eventually("more tickets are made", func() bool { return len(tn.PSA.Tickets()) >= 8*i })
			h.Restart(s)
		}
		h.WaitCalm()
		require.Len(t, tn.PSA.OpenTickets(), devices)
		require.Len(t, tn.PSA.Tickets(), devices)

		for _, id := range ids {
			tn.Recover(id)
		}
		for i, s := range []harness.Service{harness.Ticketer, harness.Poller} {
			h.Eventually("more tickets are closed", func() bool { return len(tn.PSA.OpenTickets()) <= devices-10*i })
			h.Restart(s)
		}
		h.WaitCalm()
		require.Empty(t, tn.PSA.OpenTickets())
		for _, ticket := range tn.PSA.Tickets() {
			require.Len(t, ticket.Notes, 3, "ticket %d: description, analysis, resolution", ticket.ID)
		}
	})
}
