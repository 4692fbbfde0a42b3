package desk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func TestWhatChangedIsListedByOurLabelsAndNotByEveryWordWithCoveInIt(t *testing.T) {
	w := newWorld(t)
	var ours []int64
	for summary, listed := range map[string]bool{
		"[CW-7-1] Cove SVR SRV-7 - Failed":            true,
		"Call Bob: [CW-group-0a1b2c3d-4] node is bad": true,
		"COVE SVR SRV-7 #7 - Failed":                  true,
		"urgent: cove wks PC #8 - Stale":              true,
		"Cove DOC LAPTOP #9 - Failed":                 true,
		"COVE 365 Contoso #12 - Failed":               true,
		"Cove GRP node-07":                            true,
		"Cove ALL roll-up - 12 more devices":          true,
		"Cove: [Server] SRV-8 (ID: 8) - Critical":     true,
		"Disaster recovery exercise":                  false,
		"Printer discovered on floor 2":               false,
		"Wi-Fi coverage in the cove room":             false,
	} {
		id, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: summary, CompanyIdentifier: "acme"})
		require.NoError(t, err)
		if listed {
			ours = append(ours, int64(id))
		}
	}
	d := w.desk(func(*tenantv1.Tickets) {})
	rows, err := d.Changed(t.Context(), "covewise:I:harbor:", nil, w.clock.Now().Add(-time.Hour))
	require.NoError(t, err)
	var got []int64
	for _, row := range rows {
		got = append(got, row.GetTicketId())
	}
	require.ElementsMatch(t, ours, got)
}
