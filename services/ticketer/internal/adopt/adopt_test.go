package adopt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
)

func TestWhichTicketsStandForADevice(t *testing.T) {
	devices := func(ids ...string) func(string) bool {
		return func(device string) bool { return slices.Contains(ids, device) }
	}
	for _, c := range []struct {
		says, summary, reference string
		known                    func(string) bool
		device, by               string
	}{
		{"the script's present format", "COVE SVR FILESRV01 #1234567 - FS Failed(3)", "", nil, "1234567", adopt.ByScript},
		{"with more than one blank", "COVE WKS PC #12   - Stale", "", nil, "12", adopt.ByScript},
		{"a tenant without a name", "COVE 365  #12 - Failed", "", nil, "12", adopt.ByScript},
		{"the script's earlier format", "Cove: [Server] FILESRV01 (ID: 1234567) - Critical - Failed", "", nil, "1234567", adopt.ByLegacyScript},
		{"... which quotes what looks like the present one", "Cove: [Server] SRV (ID: 8) - Critical - parts #12 - see Bob", "", nil, "8", adopt.ByLegacyScript},
		{"a number without the dash is no marker", "COVE SVR FILESRV01 #1234567", "", nil, "", ""},

		{"words that a technician put before it", "URGENT: COVE SVR SRV-7 #7 - Failed", "", nil, "7", adopt.ByScript},
		{"... without a blank", "[Bob]COVE DOC LAPTOP #7 - Stale", "", nil, "7", adopt.ByScript},
		{"... before the earlier format", "[Bob] Cove: [Server] SRV-7 (ID: 7) - Critical - Failed", "", nil, "7", adopt.ByLegacyScript},
		{"... with a number of their own", "Order #12 - COVE SVR SRV-7 #7 - Failed", "", devices("12", "7"), "7", adopt.ByScript},

		{"words that a technician put into it, with a number", "COVE SVR SRV-7 #7 - Failed (parts #12 - see Bob)", "", nil, "7", adopt.ByScript},
		{"... that is a device's, too", "COVE SVR SRV-7 #7 - Failed (as on #12 - see Bob)", "", devices("7", "12"), "7", adopt.ByScript},
		{"a name that looks like a marker, where the devices are known", "COVE SVR DB #1 - old #22 - Failed", "", devices("22"), "22", adopt.ByScript},
		{"... in the earlier format", "Cove: [Server] DB (ID: 1) (ID: 22) - Critical", "", devices("22"), "22", adopt.ByLegacyScript},
		{"... where they are not", "COVE SVR DB #1 - old #22 - Failed", "", nil, "1", adopt.ByScript},
		{"one number alone counts although no device has it yet", "COVE SVR A #7 - Failed", "", devices("8"), "7", adopt.ByScript},

		{"a ticket about something else", "Printer #7 - on fire", "", devices("7"), "", ""},
		{"... that speaks of a recovery", "Recover file server, order #7 - urgent", "", devices("7"), "", ""},
		{"a person's ticket that speaks of Cove", "Please look at Cove #7", "", devices("7"), "", ""},
		{"... with a number as the script writes it", "Renew Cove licence, order #7 - urgent", "", devices("7"), "", ""},
		{"... or as it wrote it", "Invoice for Cove: see (ID: 7)", "", devices("7"), "", ""},
		{"mail about the script's ticket is its sender's", "RE: COVE SVR SRV-7 #7 - Failed", "", devices("7"), "", ""},
		{"... as about ours", "RE: [CW-7-12] Cove SVR SRV-7 - Failed", "", nil, "", ""},
		{"... in other words", " Fwd: Cove: [Server] SRV-7 (ID: 7) - Critical - Failed", "", devices("7"), "", ""},

		{"our reference, of any installation", "renamed by a person", "covewise:OLD:harbor:7-3", nil, "7", adopt.ByReference},
		{"our reference of a later ticket of one incident", "x", "covewise:OLD:harbor:7-3:2", nil, "7", adopt.ByReference},
		{"our reference of another tenant, whatever the summary", "COVE SVR A #7 - Failed", "covewise:OLD:other:7-3", nil, "", ""},
		{"a reference of others does not matter", "COVE SVR A #7 - Failed", "rmm:4711", nil, "7", adopt.ByScript},
		{"our own badge, when the reference was emptied", "[CW-7-12] Cove SVR A - Failed", "", nil, "7", adopt.ByBadge},
		{"our own badge before the tenant's own words", "[CW-7-12] SRV-01 at Bluefin", "", nil, "7", adopt.ByBadge},
		{"our own badge behind a person's words", "URGENT [CW-7-12] Cove SVR A - Failed", "rmm:1", nil, "7", adopt.ByBadge},
		{"the badge of a group, which no device takes over", "[CW-group-9f-1] Cove GRP - Failed", "", nil, "", ""},
		{"the reference of a roll-up, for the next one", "[CW-rollup-49-1] Cove ALL", "covewise:OLD:harbor:rollup-49", nil, "rollup", adopt.ByReference},
		{"the reference of a group, for its next incident", "renamed", "covewise:OLD:harbor:group-9f-1", nil, "group-9f", adopt.ByReference},
		{"a broken reference of ours", "COVE SVR A #7 - Failed", "covewise:OLD", nil, "", ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			got := adopt.Match("harbor", []*ticketv1.Observed{{TicketId: 1, Summary: c.summary, Reference: c.reference}}, c.known)
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
	}, nil)
	var ids []int64
	for _, c := range got {
		ids = append(ids, c.GetTicketId())
	}
	require.Equal(t, []int64{9, 3, 5}, ids)
}

func TestTheScriptsOwnTicketComesBeforeOneWithOtherWordsBeforeIt(t *testing.T) {
	got := adopt.Match("harbor", []*ticketv1.Observed{
		{TicketId: 3, Summary: "COVE SVR A #7 - Failed"},
		{TicketId: 9, Summary: "Ask Bob about COVE SVR A #7 - Failed"},
		{TicketId: 10, Summary: "URGENT Cove: [Server] A (ID: 7) - Critical"},
		{TicketId: 5, Summary: "URGENT [CW-7-1] Cove SVR A"},
	}, nil)
	var ids []int64
	for _, c := range got {
		ids = append(ids, c.GetTicketId())
	}
	require.Equal(t, []int64{5, 3, 10, 9}, ids)
}

func TestWhichInstallationAReferenceNames(t *testing.T) {
	for reference, want := range map[string]string{
		"covewise:HERE:harbor:7-1": "", "covewise:THERE:harbor:7-1:2": "THERE", "covewise:THERE:quay:7-1": "", "covewise:THERE": "", "rmm:1": "", "": "",
	} {
		require.Equal(t, want, adopt.Stranger(reference, "HERE", "harbor"), reference)
	}
}
