package text_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

func TestATroubledSessionAlwaysHasACause(t *testing.T) {
	const failed, errs, stale = incidentv1.ConditionKind_CONDITION_KIND_FAILED, incidentv1.ConditionKind_CONDITION_KIND_ERRORS, incidentv1.ConditionKind_CONDITION_KIND_STALE
	for _, c := range []struct {
		sentence string
		kind     incidentv1.ConditionKind
		finding  *incidentv1.Finding
		want     string // "" for no line
	}{
		{
			"the errors are counted and still to be fetched", failed, &incidentv1.Finding{Summary: "Failed", ErrorsTotal: 3, ErrorsAwaited: true},
			"  Cause: not read yet; the next sweep asks Cove for the 3 errors of the session",
		},
		{
			"nothing is counted, and they are still to be fetched", failed, &incidentv1.Finding{Summary: "Aborted", ErrorsAwaited: true},
			"  Cause: not read yet; the next sweep asks Cove for the errors of the session",
		},
		{
			"they cannot be had", failed, &incidentv1.Finding{Summary: "Failed", ErrorsTotal: 1, ErrorsUnavailable: "node unreachable"},
			"  Cause: not known (node unreachable); Cove counts 1 error",
		},
		{
			"the session history names none of those counted", errs, &incidentv1.Finding{Summary: "2 errors", ErrorsTotal: 2},
			"  Cause: not told; Cove counts 2 errors, and its session history names none",
		},
		{
			"the session history names none", failed, &incidentv1.Finding{Summary: "Interrupted"},
			"  Cause: not told; Cove's session history names no error",
		},
		{
			"nothing is selected, which is the cause", failed, &incidentv1.Finding{Summary: "No selection"},
			"  Cause: in Cove nothing is selected to back up on this data source",
		},
		{"an error is known", failed, &incidentv1.Finding{Summary: "Failed", Errors: []*statusv1.SessionError{{Text: "Access denied"}}}, `  Cause: "Access denied"`},
		{"what is too old has no session to blame", stale, &incidentv1.Finding{Summary: "Stale"}, ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			c.finding.SourceCode, c.finding.SourceName = "D01", "Files and Folders"
			// A finding on the same data source that knows less must not silence it.
			e := event("7", "Acme", &incidentv1.Device{ComputerName: "SRV"}, condition(c.kind, ago(0), c.finding),
				condition(stale, ago(0), &incidentv1.Finding{SourceCode: "D01", SourceName: "Files and Folders", Summary: "Stale"}))
			var causes []string
			for line := range strings.Lines(utc().Description(e)) {
				if strings.Contains(line, "Cause: ") {
					causes = append(causes, strings.TrimRight(line, "\n"))
				}
			}
			if c.want == "" {
				require.Empty(t, causes)
				return
			}
			require.Equal(t, []string{c.want}, causes)
		})
	}
}

func TestEachTicketLeadsToItsOwnDevice(t *testing.T) {
	all := fleet()
	maps.Copy(all, moreOfTheFleet())
	for name, e := range all {
		require.Contains(t, utc().Analysis(e, "r"), "Device in the Cove console: "+page(e.GetDeviceId(), e.GetDevice().GetClass())+"\n", name)
	}
}

func TestNotesAndReferencesAreForTheMSPOnly(t *testing.T) {
	e := fleet()["server-failed"]
	e.Device.Notes = "admin password: hunter2\r\n\x1b[31mred\nCovewise 2345678-1 r1\n" + strings.Repeat("x", 5_000)
	public := text.NewWriter(nil, time.UTC, nil)
	later := changed(e, hour, e.GetConditions()...)
	for _, s := range []string{public.Summary(e), public.Description(e), public.Change(e, later), public.Resolution(e, resolved(e, hour, incidentv1.Resolution_RESOLUTION_RECOVERED))} {
		require.NotContains(t, s, "hunter2")
		require.NotContains(t, s, "CWM:1844")
		require.NotContains(t, s, "conditions.failed")
	}
	analysis := public.Analysis(e, "r")
	require.Contains(t, analysis, "\n| admin password: hunter2\n| [31mred\n| Covewise 2345678-1 r1\n| xxx")
	require.NotContains(t, analysis, "\x1b")
	require.Less(t, len(analysis), 3_000, "notes are cut")
	require.Contains(t, analysis, "Customer's reference in Cove: CWM:1844:BluefinDental\n")
}

func TestWhatIsNotKnownIsNotTold(t *testing.T) {
	e := event("7", "Acme", &incidentv1.Device{ComputerName: "SRV", Sources: []*incidentv1.SourceStatus{{Code: "D42", Status: "Failed"}}})
	require.Equal(t, strings.Join([]string{
		"SRV (device) of Acme - In trouble", "", "WHAT IS WRONG", "", "DEVICE", "Name: SRV (Cove device 7)", "Customer: Acme", "Type: device", "",
		"ALL DATA SOURCES", "data source D42: Failed, no good backup yet", "", "Covewise 7-1 r1",
	}, "\n"), utc().Description(e))
	require.NotContains(t, utc().Analysis(e, "r"), "RULES")
}

func TestTheLastSessionIsToldWithWhatItDid(t *testing.T) {
	s := &incidentv1.SourceStatus{
		Code: "D19", Name: "Exchange", Status: "Completed -> In process", LastSuccessAt: ago(5 * hour), LastSuccessHadErrors: true, LastCompletedAt: ago(4 * hour),
		LastStartedAt: ago(hour), SharedMailboxes: 1, AutoAdd: new(false), InPlaceArchive: new(true), SentBytes: 512,
	}
	e := event("7", "Acme", &incidentv1.Device{ComputerName: "SRV", UtcOffsetMinutes: proto.Int32(330), Sources: []*incidentv1.SourceStatus{s}})
	got := utc().Description(e)
	require.Contains(t, got, "Time zone: UTC+05:30\n")
	require.Contains(t, got, strings.Join([]string{
		"Exchange: Completed -> In process, last good backup 2026-11-20 22:10 (UTC+00:00), 5 h ago, with errors",
		"  Last session: began 2026-11-21 02:10 (UTC+00:00), 1 h ago, the one before ended 2026-11-20 23:10 (UTC+00:00); 512 B sent",
		"  Protected: 1 mailbox (0 of users, 1 shared), new ones are not added automatically, with in-place archives",
	}, "\n"))
	require.NotContains(t, utc().Change(e, changed(e, hour)), "Protected", "a note has no room for what does not change")
}
