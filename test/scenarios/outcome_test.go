package scenarios_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/test/harness"
)

const createRoute = "POST /service/tickets"

// ConnectWise makes the ticket and the answer gets lost, as a dropped connection or as a time-out of the gateway in
// front of it: the ticket is found again and there is one.
func TestALostAnswerOfACreateLeavesOneTicket(t *testing.T) {
	cases := []struct {
		says  string
		fault cwfake.Fault
	}{
		{"the connection drops", cwfake.Fault{Match: createRoute, Times: 1, Kind: cwfake.FaultLostAnswer, Drop: true}},
		{"a gateway gives up", cwfake.Fault{Match: createRoute, Times: 1, Kind: cwfake.FaultLostAnswer}},
		{"the answer is cut off", cwfake.Fault{Match: createRoute, Times: 1, Kind: cwfake.FaultTruncated}},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
				tn := h.AddTenant("lantern", harness.Fleet(1001), harness.Companies(), nil)
				h.WaitCalm()
				require.NoError(t, tn.PSA.AddFaults(c.fault))
				tn.Fail(1001, harness.Denied)
				h.WaitCalm()
				ticket := tn.Ticket()
				require.Equal(t, "NorthgateDental", ticket.CompanyIdentifier)
				require.Equal(t, 1, tn.PSA.Counts()[createRoute], "no second create")
				require.EqualValues(t, ticket.ID, tn.Ledger(1001).GetTicketId())

				tn.Recover(1001)
				h.WaitCalm()
				require.True(t, tn.Ticket().ClosedFlag)
			})
		})
	}
}

// The answer is lost and the search does not show the new ticket yet: Covewise waits until it does and makes no
// second one.
func TestALaggingSearchAfterALostAnswerLeavesOneTicket(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001), harness.Companies(), nil)
		h.WaitCalm()
		require.NoError(t, tn.PSA.Configure(func(s *cwfake.Switches) { s.SearchLag = harness.Patience / 2 }))
		require.NoError(t, tn.PSA.AddFaults(cwfake.Fault{Match: createRoute, Times: 1, Kind: cwfake.FaultLostAnswer, Drop: true}))
		tn.Fail(1001, harness.Denied)
		h.Eventually("the incident waits for the outcome of its create", func() bool {
			for _, l := range tn.Ledgers() {
				return l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_OUTCOME
			}
			return false
		})
		h.WaitCalm()
		tn.Ticket()
		require.Equal(t, 1, tn.PSA.Counts()[createRoute], "no second create")
	})
}

// ConnectWise fails before it has made anything, and nobody can know: after the patience there is one ticket.
func TestACreateThatNeverHappenedIsRepeatedAfterThePatience(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		tn := h.AddTenant("lantern", harness.Fleet(1001), harness.Companies(), nil)
		h.WaitCalm()
		require.NoError(t, tn.PSA.AddFaults(cwfake.Fault{Match: createRoute, Times: 1, Kind: cwfake.FaultErrorBefore, Status: http.StatusInternalServerError}))
		tn.Fail(1001, harness.Denied)
		h.WaitCalm()
		tn.Ticket()
		require.Equal(t, 2, tn.PSA.Counts()[createRoute])
	})
}

// ConnectWise asks for patience: nothing is sent before it is over, and then every device gets its ticket.
func TestTooManyRequestsDelayTicketsAndLoseNone(t *testing.T) {
	harness.Run(t, harness.Options{}, func(t *testing.T, h *harness.Harness) {
		ids := []int64{1001, 1002, 1003, 1004, 1005}
		tn := h.AddTenant("lantern", harness.Fleet(ids...), harness.Companies(), nil)
		h.WaitCalm()
		require.NoError(t, tn.PSA.AddFaults(cwfake.Fault{Match: createRoute, Times: 2, Kind: cwfake.FaultRateLimited, RetryAfter: "2"}))
		for _, id := range ids {
			tn.Fail(id, harness.Denied)
		}
		h.WaitCalm()
		require.Len(t, tn.PSA.OpenTickets(), len(ids))
		var refused time.Time
		for _, r := range tn.PSA.Requests() {
			if r.Status == http.StatusTooManyRequests {
				refused = r.Time
				continue
			}
			// Requests that were on their way when the first was refused may arrive within moments.
			if early := r.Time.Sub(refused); r.Method == http.MethodPost && early > time.Second {
				require.GreaterOrEqual(t, early, 2*time.Second, "%s %s came too early", r.Method, r.Path)
			}
		}
		require.False(t, refused.IsZero(), "the fault was met")
	})
}
