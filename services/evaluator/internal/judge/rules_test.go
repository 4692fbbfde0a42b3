package judge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// One look at a device, with an incident after the first bad sweep.
func TestOneSweep(t *testing.T) {
	for _, c := range []struct {
		sentence string
		device   cols
		want     string // the picture; "" for no incident
		outcome  judge.Outcome
		reason   string
	}{
		{sentence: "a server on which all is well", device: server, outcome: judge.Healthy},
		{sentence: "a Microsoft 365 tenant on which all is well", device: m365, outcome: judge.Healthy},

		{
			sentence: "62 errors counted on the device behind data sources that all completed", device: m365.with("T7", "62"),
			want: "errors D09 62 errors", outcome: judge.InTrouble,
		},
		{
			sentence: "Exchange completed with errors accounts for the device's count", device: m365.with("T0", "8", "T7", "1", "D19F00", "8", "D19F06", "1", "D19F17", "8"),
			want: "errors D19 1 error", outcome: judge.InTrouble,
		},
		{
			sentence: "completed with errors without a count", device: m365.with("D19F00", "8"),
			want: "errors D19 Completed with errors", outcome: judge.InTrouble,
		},
		{
			sentence: "errors counted behind a Completed data source", device: server.with("T7", "3", "D02F06", "3"),
			want: "errors D02 3 errors", outcome: judge.InTrouble,
		},
		{sentence: "the device's count stands while a data source runs: not judged", device: m365.with("T7", "62", "D23F00", "1"), outcome: judge.Healthy},

		{
			sentence: "files failed while the system state is fine", device: server.with(broken...),
			want: "failed D01 Failed", outcome: judge.InTrouble,
		},
		{
			sentence: "Hyper-V failed behind a Completed device", device: server.with("I78", "D01D14", "T7", "3", "D14F00", "2", "D14F06", "3", "D14F09", "@-4d", "D14F17", "2"),
			want: "failed D14 Failed; stale D14 Last good backup is too old", outcome: judge.InTrouble,
		},
		{
			sentence: "aborted is a failure, not a completion with warnings", device: server.with("T0", "3", "D01F00", "3", "D01F17", "3"),
			want: "failed D01 Aborted", outcome: judge.InTrouble,
		},
		{sentence: "interrupted is a failure", device: server.with("D01F00", "6", "D01F17", "6"), want: "failed D01 Interrupted", outcome: judge.InTrouble},
		{sentence: "over quota is a failure", device: server.with("D01F00", "10", "D01F17", "10"), want: "failed D01 Over quota", outcome: judge.InTrouble},
		{sentence: "nothing selected is a failure", device: server.with("D01F00", "11", "D01F17", "11"), want: "failed D01 No selection", outcome: judge.InTrouble},
		{sentence: "blocked is a failure", device: server.with("D01F00", "13", "D01F17", "13"), want: "failed D01 Blocked", outcome: judge.InTrouble},
		{sentence: "not started says nothing yet", device: server.with("D01F00", "7", "D01F17", "5"), outcome: judge.Healthy},
		{sentence: "restarted says nothing yet", device: server.with("D01F00", "12", "D01F17", "5"), outcome: judge.Healthy},
		{sentence: "a status that no table knows says nothing", device: server.with("D01F00", "99"), outcome: judge.Unknown, reason: "the status of Files and Folders has no known meaning"},
		{
			sentence: "statuses arrive unpadded and as legacy codes too", device: server.with("D01F00", "", "D1F0", "2", "D02F00", "", "S0", "3"),
			want: "failed D01 Failed, D02 Aborted", outcome: judge.InTrouble,
		},
		{sentence: "an unpadded list of data sources with commas", device: server.with("I78", "D1,D2", "D02F00", "2"), want: "failed D02 Failed", outcome: judge.InTrouble},
		{sentence: "an unpadded SharePoint failure", device: m365.with("D05F00", "", "D5F0", "2"), want: "failed D05 Failed", outcome: judge.InTrouble},
		{sentence: "a data source that is not configured any more is not judged by what is left of it", device: server.with("D10F00", "2", "D10F09", "@-90d"), outcome: judge.Healthy},

		{sentence: "a running session is judged by the good one before it", device: server.with(running...), outcome: judge.Healthy},
		{
			sentence: "a running session does not hide the failed one before it", device: server.with(running...).with("D01F17", "2"),
			want: "failed D01 Failed", outcome: judge.InTrouble,
		},
		{sentence: "a session running with faults is judged by the one before it", device: server.with("D01F00", "9", "D01F06", "4"), outcome: judge.Healthy},
		{
			sentence: "a running session does not hide that the one before it had errors", device: server.with(running...).with("D01F17", "8"),
			want: "errors D01 Completed with errors", outcome: judge.InTrouble,
		},
		{sentence: "a first session that runs says nothing", device: server.with("I78", "D01D02D10", "D10F00", "1"), outcome: judge.Unknown, reason: "no finished backup of MS SQL (VSS)"},
		{
			sentence: "a session wedged for 9 days is stale although the status says that it runs", device: server.with(running...).with("TL", "@-9d2h", "D01F09", "@-9d2h"),
			want: "stale D01 Last good backup is too old", outcome: judge.InTrouble,
		},
		{
			sentence: "SQL dead for 6 days behind fresh files", device: server.with("I78", "D01D10", "D10F00", "5", "D10F09", "@-6d", "D10F17", "5"),
			want: "stale D10 Last good backup is too old", outcome: judge.InTrouble,
		},
		{sentence: "a server's backup is exactly as old as allowed", device: server.with("D01F09", "@-24h"), outcome: judge.Healthy},
		{
			sentence: "a server's backup is a second older than allowed", device: server.with("D01F09", "@-24h1s"),
			want: "stale D01 Last good backup is too old", outcome: judge.InTrouble,
		},
		{sentence: "a workstation may be silent over a weekend", device: workstation.with("TL", "@-71h", "D01F09", "@-71h"), outcome: judge.Healthy},
		{
			sentence: "an iMac whose last run was fine, 137.9 h ago", device: workstation.with("TL", "@-137h54m", "D01F09", "@-137h54m"),
			want: "stale D01 Last good backup is too old", outcome: judge.InTrouble,
		},
		{
			sentence: "a workstation silent for 44 days", device: workstation.with("TS", "@-44d", "TL", "@-44d", "D01F09", "@-44d"),
			want: "stale D01 Last good backup is too old", outcome: judge.InTrouble,
		},
		{sentence: "a Documents profile may wait 14 days", device: workstation.with("OI", "5038", "D01F09", "@-5d"), outcome: judge.Healthy},
		{sentence: "so may the Documents product", device: workstation.with("PN", "Documents", "D01F09", "@-5d"), outcome: judge.Healthy},
		{sentence: "but not 15", device: workstation.with("OI", "5038", "D01F09", "@-15d"), want: "stale D01 Last good backup is too old", outcome: judge.InTrouble},
		{
			sentence: "a Documents profile does not make a server patient", device: server.with("OI", "5038", "D01F09", "@-5d"),
			want: "stale D01 Last good backup is too old", outcome: judge.InTrouble,
		},
		{
			sentence: "a server known as one by its operating system only", device: server.with("OT", "0", "D01F09", "@-25h"),
			want: "stale D01 Last good backup is too old", outcome: judge.InTrouble,
		},
		{sentence: "a computer of no kind is a workstation", device: workstation.with("OT", "", "D01F09", "@-25h"), outcome: judge.Healthy},
		{
			sentence: "a dead laptop disk: files with errors, system state failed, both old", device: workstation.with(
				"I78", "D01D02", "T0", "2", "T7", "2", "D01F00", "8", "D01F06", "1", "D01F09", "@-12d10h", "D01F17", "8", "D02F00", "2", "D02F06", "1", "D02F09", "@-17d10h", "D02F17", "2"),
			want: "failed D02 Failed; stale D01 Last good backup is too old, D02 Last good backup is too old; errors D01 1 error", outcome: judge.InTrouble,
		},

		{sentence: "a success an hour ahead of us was just now", device: server.with("D01F09", "@+1h"), outcome: judge.Healthy},
		{sentence: "a data source without any usable success counts from when it was first seen: today", device: server.with("D01F09", "@+30h"), outcome: judge.Healthy},
		{sentence: "2147483647 is no time", device: server.with("D01F09", "2147483647", "TL", "2147483647"), outcome: judge.Healthy},
		{sentence: "neither are 0, nothing and words", device: server.with("D01F09", "0", "D02F09", "soon", "TL", ""), outcome: judge.Healthy},
		{
			sentence: "a server created 4 days ago that never had a backup", device: server.with(
				"CD", "@-4d", "T0", "0", "TL", "", "D01F00", "", "D01F09", "", "D01F17", "", "D02F00", "", "D02F09", "0", "D02F17", ""),
			want: "never D09 Never backed up", outcome: judge.InTrouble,
		},
		{sentence: "the same within its grace", device: server.with(
			"CD", "@-47h", "T0", "0", "TL", "", "D01F00", "", "D01F09", "", "D01F17", "", "D02F00", "", "D02F09", "", "D02F17", ""), outcome: judge.Unknown, reason: judge.UnknownFirst},
		{
			sentence: "never, and failing each time", device: server.with(
				"I78", "D01", "CD", "@-4d", "T0", "2", "TL", "", "D01F00", "2", "D01F09", "", "D01F17", "2", "D02F00", "", "D02F09", "", "D02F17", ""),
			want: "failed D01 Failed; never D09 Never backed up", outcome: judge.InTrouble,
		},
		{sentence: "no creation date: the grace runs from when it was first seen", device: server.with(
			"CD", "2147483647", "T0", "0", "TL", "", "D01F00", "", "D01F09", "", "D01F17", "", "D02F00", "", "D02F09", "", "D02F17", ""), outcome: judge.Unknown, reason: judge.UnknownFirst},
		{sentence: "new without a data source", device: cols{"AN": "x", "AT": "1", "OT": "2", "CD": "@-1h"}, outcome: judge.Unknown, reason: judge.UnknownFirst},
		{sentence: "old without a data source", device: cols{"AN": "x", "AT": "1", "OT": "2", "CD": "@-3d"}, want: "never D09 Never backed up", outcome: judge.InTrouble},

		{sentence: "the data sources are not reported", device: server.with("I78", ""), outcome: judge.Unknown, reason: "data sources not reported"},
		{sentence: "the device type is not reported", device: server.with("AT", ""), outcome: judge.Unknown, reason: "device type not reported"},
		{sentence: "a device type that nobody knows", device: server.with("AT", "7").with(broken...), outcome: judge.Excluded, reason: "unknown type"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(1, 1))
			decision := d.sees(c.device)
			require.Equal(t, c.want, picture(decision.Event.GetConditions()))
			require.Equal(t, c.outcome, decision.Outcome)
			require.Equal(t, c.reason, decision.Reason)
		})
	}
}

func TestTrialCustomersOpenNothingByPolicy(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.customer = &statusv1.Customer{Id: "481312", Name: "Trial & Error Bakery", State: "InTrial"}
	decision := d.sees(server.with(broken...))
	require.Equal(t, judge.Excluded, decision.Outcome)
	require.Equal(t, "trial", decision.Reason)
	require.Equal(t, "trial", d.state.GetExcluded())
	require.False(t, d.sweeps().Changed, "an exclusion is written once")

	d.trials = true
	d.sweeps()
	require.Equal(t, []string{"2345678-1 r1 failed: failed D01 Failed"}, d.told())
}

func TestADataSourceWithoutSuccessCountsFromWhenItWasFirstSeen(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.sees(server)
	added := server.with("I78", "D01D02D10", "TL", "@-1h", "D01F09", "@-1h", "D02F09", "@-1h")
	d.passes(10 * day)
	d.sees(added)
	d.passes(23 * hour)
	d.sees(added)
	require.Empty(t, d.told(), "added 23 h ago")
	d.passes(2 * hour)
	d.sees(added)
	require.Equal(t, []string{"2345678-1 r1 failed: stale D10 No good backup on record"}, d.told())

	again := newDevice(rules(1, 1))
	again.sees(added)
	again.passes(20 * hour).sees(server.with("TL", "@-1h", "D01F09", "@-1h", "D02F09", "@-1h"))
	again.passes(20 * hour).sees(added)
	require.Empty(t, again.told(), "configured again, it starts anew")
}

func TestACreationLaterThanTheFirstLookCounts(t *testing.T) {
	d := newDevice(rules(1, 1))
	partial := server.with("CD", "@+20h", "D02F09", "", "D02F00", "", "D02F17", "")
	d.sees(partial) // the creation is ahead of us by clock skew and reads as now
	d.passes(23 * hour)
	d.sees(server.with("CD", "@-3h", "D02F09", "", "D02F00", "", "D02F17", ""))
	d.passes(2 * hour)
	d.sees(server.with("CD", "@-5h", "D02F09", "", "D02F00", "", "D02F17", ""))
	require.Empty(t, d.told())
}

func TestTheEventCarriesTheWholePicture(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.errors = []*statusv1.SourceErrors{
		{SourceCode: "D1", SessionId: "826", SessionStatus: "Failed", ErrorsTotal: 15, Errors: []*statusv1.SessionError{
			{Text: "Access denied", Item: `D:\Shares\file.xlsx`, Count: 15, Code: "5"},
		}},
	}
	e := d.sees(server.with(broken...).with("D01F09", "@-2d2h", "TL", "@-2h50m")).Event

	require.Equal(t, "harbor", e.GetTenant())
	require.Equal(t, "2345678", e.GetDeviceId())
	require.Equal(t, "p1", e.GetPolicyVersion())
	require.Equal(t, noon, e.GetOccurredAt().AsTime())
	require.Equal(t, noon, e.GetOpenedAt().AsTime())
	require.Equal(t, uint64(1), e.GetSweep())
	require.Equal(t, "Bluefin Dental Group", e.GetCustomer().GetName())
	require.Equal(t, "DEVICE_CLASS_SERVER", e.GetDevice().GetClass().String())
	require.Equal(t, "SRV-01", e.GetDevice().GetComputerName())
	require.Len(t, e.GetDevice().GetSources(), 2)

	require.Equal(t, "failed D01 Failed; stale D01 Last good backup is too old", picture(e.GetConditions()))
	failure, stale := e.GetConditions()[0].GetFindings()[0], e.GetConditions()[1].GetFindings()[0]
	require.Equal(t, "Files and Folders", failure.GetSourceName())
	require.Equal(t, "Access denied", failure.GetErrors()[0].GetText())
	require.Equal(t, int64(15), failure.GetErrorsTotal())
	require.Equal(t, noon.Add(-50*hour), failure.GetLastSuccessAt().AsTime())
	require.Equal(t, "D01F00=2", raw(failure.GetEvidence()))
	require.Empty(t, stale.GetErrors(), "errors are told once")
	require.Equal(t, int64(24*3600), stale.GetThresholdSeconds())
	require.Contains(t, raw(stale.GetEvidence()), "D01F09=")
	require.Equal(t, noon, e.GetConditions()[0].GetSince().AsTime())
}

func TestADeviceWideFindingQuotesEveryDataSource(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.errors = []*statusv1.SourceErrors{
		{SourceCode: "D23", Unavailable: "node unreachable"},
		{SourceCode: "D19", ErrorsTotal: 40, Errors: []*statusv1.SessionError{{Text: "mailbox not found", Item: "j.doe@klinika.example", Count: 40}}},
		{SourceCode: "D20", ErrorsTotal: 2, Errors: []*statusv1.SessionError{{Text: "throttled", Count: 2}}},
	}
	f := d.sees(m365.with("T7", "62")).Event.GetConditions()[0].GetFindings()[0]
	require.Equal(t, "All data sources", f.GetSourceName())
	require.Equal(t, []string{"mailbox not found", "throttled"}, []string{f.GetErrors()[0].GetText(), f.GetErrors()[1].GetText()})
	require.Equal(t, int64(42), f.GetErrorsTotal())
	require.Equal(t, "node unreachable", f.GetErrorsUnavailable())
	require.Equal(t, "T7=62", raw(f.GetEvidence()))
}

func raw(all []*statusv1.Column) string {
	var parts []string
	for _, column := range all {
		parts = append(parts, column.GetCode()+"="+column.GetValue())
	}
	return strings.Join(parts, " ")
}
