package apply

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestEveryErrorClassHasAReasonToWait(t *testing.T) {
	want := map[errclass.Class]ticketv1.ParkReason{
		errclass.Bug:            ticketv1.ParkReason_PARK_REASON_REJECTED,
		errclass.Transient:      ticketv1.ParkReason_PARK_REASON_UNAVAILABLE,
		errclass.RateLimited:    ticketv1.ParkReason_PARK_REASON_RATE_LIMITED,
		errclass.AuthTenant:     ticketv1.ParkReason_PARK_REASON_AUTH,
		errclass.Rejected:       ticketv1.ParkReason_PARK_REASON_REJECTED,
		errclass.NotFound:       ticketv1.ParkReason_PARK_REASON_REJECTED,
		errclass.Conflict:       ticketv1.ParkReason_PARK_REASON_UNAVAILABLE,
		errclass.UnknownOutcome: ticketv1.ParkReason_PARK_REASON_UNAVAILABLE,
	}
	require.Len(t, errclass.All(), len(want))
	for _, class := range errclass.All() {
		require.Equal(t, want[class], failureOf("post ticket", errclass.Newf(class, "try", "it failed")).Reason, class.String())
	}
}
