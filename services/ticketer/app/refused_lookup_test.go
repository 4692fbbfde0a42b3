package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestALookupThatIsRefusedForOneDeviceIsToldOnceUntilItIsMended(t *testing.T) {
	t.Parallel()
	for says, c := range map[string]struct {
		set   map[string]string
		fault cwfake.Fault
		key   string
	}{
		"an owner that cannot be asked for": {
			map[string]string{"owner": `ACME\jdoe`}, cwfake.Fault{}, `tickets.routing[0].set.owner (rule "seven")`,
		},
		"a table that ConnectWise refuses": {
			map[string]string{"owner": "tokafor"},
			cwfake.Fault{Match: "GET /system/members", Kind: cwfake.FaultErrorBefore, Status: http.StatusBadRequest},
			`tickets.routing[0].set.owner (rule "seven")`,
		},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings(forDevice7(c.set))
			if c.fault.Match != "" {
				w.fault(c.fault)
			}
			w.start()
			w.say("7", 1, failed)
			w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
			for _, device := range []string{"8", "9", "10"} {
				w.say(device, 1, failed)
				w.until("created", w.inPhase(device, open, 1))
				w.clock.Add(15 * time.Minute) // also what waits is tried again, by names that are looked up anew
				w.drained()
			}
			require.Len(t, w.troubles(), 1)
			require.Equal(t, c.key, w.troubles()[0].GetAbout())
			require.Contains(t, w.troubles()[0].GetDetail(), c.key+": ")
			w.wasTold("tenant", "parked")

			w.cw.ClearFaults()
			w.settings(forDevice7(map[string]string{"owner": "tokafor"}))
			w.eventually("created", w.inPhase("7", open, 1))
			w.wasTold("tenant", "parked", "resumed")
			require.Empty(t, w.troubles())
		})
	}
}

func TestSitesThatConnectWiseRefusesToTellAreNoTroubleOfTheTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"site": "Main"}}}
	})
	w.fault(cwfake.Fault{Match: "GET /company/companies/{parentId}/sites", Kind: cwfake.FaultErrorBefore, Status: http.StatusBadRequest})
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	require.Len(t, w.ledger("7").GetRemarks(), 1)
	require.Contains(t, w.ledger("7").GetRemarks()[0], "The company's sites could not be read: ")
	require.Empty(t, w.troubles())
	w.wasTold("tenant")
}
