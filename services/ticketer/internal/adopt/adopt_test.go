package adopt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
)

func TestWhichTicketsStandForADevice(t *testing.T) {
	for _, c := range []struct {
		says, summary, reference string
		device, by               string
	}{
		{"the script's present format", "COVE SVR FILESRV01 #1234567 - FS Failed(3)", "", "1234567", adopt.ByScript},
		{"with more than one blank", "COVE WKS PC #12   - Stale", "", "12", adopt.ByScript},
		{"a name that looks like a marker", "COVE SVR DB #1 - old #22 - Failed", "", "22", adopt.ByScript},
		{"the script's earlier format", "Cove: [Server] FILESRV01 (ID: 1234567) - Critical - Failed", "", "1234567", adopt.ByLegacyScript},
		{"a number without the dash is no marker", "COVE SVR FILESRV01 #1234567", "", "", ""},
		{"a ticket about something else", "Printer #5 - on fire", "", "", ""},
		{"a person's ticket that speaks of Cove", "Please look at Cove #12", "", "", ""},
		{"our reference, of any installation", "renamed by a person", "covewise:OLD:harbor:7-3", "7", adopt.ByReference},
		{"our reference of a later ticket of one incident", "x", "covewise:OLD:harbor:7-3:2", "7", adopt.ByReference},
		{"our reference of another tenant, whatever the summary", "COVE SVR A #7 - Failed", "covewise:OLD:other:7-3", "", ""},
		{"a reference of others does not matter", "COVE SVR A #7 - Failed", "rmm:4711", "7", adopt.ByScript},
		{"our own badge, when the reference was emptied", "[CW-7-12] Cove SVR A - Failed", "", "7", adopt.ByBadge},
		{"our own badge before the tenant's own words", "[CW-7-12] SRV-01 at Bluefin", "", "7", adopt.ByBadge},
		{"our own badge behind a person's words", "URGENT [CW-7-12] Cove SVR A - Failed", "rmm:1", "7", adopt.ByBadge},
		{"the badge of a group, which no device takes over", "[CW-group-9f-1] Cove GRP - Failed", "", "", ""},
		{"the reference of a roll-up, for the next one", "[CW-rollup-49-1] Cove ALL", "covewise:OLD:harbor:rollup-49", "rollup", adopt.ByReference},
		{"the reference of a group, for its next incident", "renamed", "covewise:OLD:harbor:group-9f-1", "group-9f", adopt.ByReference},
		{"a broken reference of ours", "COVE SVR A #7 - Failed", "covewise:OLD", "", ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			got := adopt.Match("harbor", []*ticketv1.Observed{{TicketId: 1, Summary: c.summary, Reference: c.reference}})
			if c.device == "" {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			require.Equal(t, []string{c.device, c.by}, []string{got[0].GetDeviceId(), got[0].GetBy()})
		})
	}
}

func TestTheNewestComesFirstAndClosedOnesNotAtAll(t *testing.T) {
	got := adopt.Match("harbor", []*ticketv1.Observed{
		{TicketId: 3, Summary: "COVE SVR A #7 - Failed"},
		{TicketId: 9, Summary: "COVE SVR A #7 - Failed"},
		{TicketId: 5, Summary: "COVE SVR B #8 - Failed"},
		{TicketId: 10, Summary: "COVE SVR A #7 - Failed", Closed: true},
		{TicketId: 11, Summary: "COVE SVR A #7 - Failed", MergedInto: 3},
	})
	var ids []int64
	for _, c := range got {
		ids = append(ids, c.GetTicketId())
	}
	require.Equal(t, []int64{9, 3, 5}, ids)
}

func TestWhichInstallationAReferenceNames(t *testing.T) {
	for reference, want := range map[string]string{
		"covewise:HERE:harbor:7-1": "", "covewise:THERE:harbor:7-1:2": "THERE", "covewise:THERE:quay:7-1": "", "covewise:THERE": "", "rmm:1": "", "": "",
	} {
		require.Equal(t, want, adopt.Stranger(reference, "HERE", "harbor"), reference)
	}
}
