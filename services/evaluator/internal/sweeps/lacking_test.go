package sweeps_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// A login that loses the right to a column loses what it tells, not the incidents that were opened by it.
func TestColumnsThatTheSweepLackedAreSaidAndCloseNothing(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "5")
	w.snapshot("harbor", "2", 1, "10")
	w.complete(completed("harbor", 1, 2))
	w.settled()
	require.Equal(t, []string{"harbor 2-1 r1 FAILED"}, told(w.events()))

	for _, device := range []string{"1", "2"} {
		s := server("harbor", device, 2, "")
		var kept []*statusv1.Column
		for _, c := range s.GetColumns() {
			if c.GetCode() != "D01F00" {
				kept = append(kept, c)
			}
		}
		s.Columns = append(kept, &statusv1.Column{Code: "D01F17", Value: "5"})
		w.publish(bus.Message{Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: device}, ID: "snapshot:" + device + ":2", Body: s})
	}
	end := completed("harbor", 2, 2)
	end.ColumnsRefused, end.ColumnsUnanswered = []string{"D01F00"}, []string{"CD"}
	w.complete(end)
	w.settled()
	require.Len(t, w.events(), 1, "nothing is opened or closed")
	account := w.accounts()[1]
	require.Equal(t, []uint32{0, 1, 1}, []uint32{account.GetHealthy(), account.GetInTrouble(), account.GetUnknown()})
	require.Len(t, account.GetUnknownReasons(), 1)
	require.True(t, proto.Equal(&incidentv1.ReasonCount{Reason: "not known without column D01F00 (refused)", Devices: 1}, account.GetUnknownReasons()[0]))
	state, _, err := w.tenants.Get(t.Context(), bus.Key("harbor"))
	require.NoError(t, err)
	require.Equal(t, []string{"D01F00"}, state.GetColumnsRefused())
	require.Equal(t, []string{"CD"}, state.GetColumnsUnanswered())
}
