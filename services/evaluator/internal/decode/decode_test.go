package decode_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove/columns"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func snapshot(pairs ...string) *statusv1.Snapshot {
	s := &statusv1.Snapshot{Tenant: "harbor", DeviceId: "2345678"}
	for i := 0; i < len(pairs); i += 2 {
		s.Columns = append(s.Columns, &statusv1.Column{Code: pairs[i], Value: pairs[i+1]})
	}
	return s
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func TestADeviceIsDecodedForPeople(t *testing.T) {
	created, finished := now.Add(-400*24*time.Hour), now.Add(-20*time.Hour)
	got := decode.Observe(snapshot(
		"AN", "srv-03", "MN", "SRV-03", "AL", "File server", "AT", "1", "OT", "2", "OS", "Windows Server 2019 Standard (17763), 64-bit",
		"MF", "Dell Inc.", "MO", "PowerEdge R740", "I81", "Physical", "IP", "192.0.2.100", "EI", "203.0.113.25", "OI", "123456", "OP", "Server Full Backup",
		"PN", "30 Day Retention", "LN", "United States", "VN", "26.1.0.26067", "CD", unix(created), "TS", unix(now.Add(time.Minute)), "TL", unix(finished),
		"I78", "D02D01", "D01F00", "1", "D01F03", "483720000000", "D01F06", "0", "D01F09", unix(finished), "D01F12", "345", "D01F17", "5", "D01F18", unix(finished),
		"D02F00", "8", "D02F06", "4", "PD", "21266", "PF", "CWM:1844", "AA843", " Reboots on Sundays. ", "I84", "16", "I85", "68719476736", "TZ", "-5",
		"T3", "483720000000", "US", "188702358870", "D01F04", "1200000000", "D01F05", "310000000", "D01F15", unix(now.Add(-time.Hour)), "D01F16", "8",
	), now)

	want := &incidentv1.Device{
		Name: "srv-03", ComputerName: "SRV-03", Alias: "File server", Os: "Windows Server 2019 Standard (17763), 64-bit",
		Manufacturer: "Dell Inc.", Model: "PowerEdge R740", Physicality: "Physical", InternalIp: "192.0.2.100", ExternalIp: "203.0.113.25",
		Profile: "Server Full Backup", ProfileId: 123456, Product: "30 Day Retention", ProductId: 21266, Reference: "CWM:1844", Notes: "Reboots on Sundays.",
		CpuCores: 16, MemoryBytes: 64 << 30, UtcOffsetMinutes: proto.Int32(-300), SelectedBytes: 483720000000, UsedBytes: 188702358870, StorageLocation: "United States", ClientVersion: "26.1.0.26067",
		CreatedAt: timestamppb.New(created), LastContactAt: timestamppb.New(now), LastSuccessAt: timestamppb.New(finished),
		ConsoleUrl: "https://backup.management/#/backup/overview/view/1662(panel:device-properties/2345678/summary)",
		Sources: []*incidentv1.SourceStatus{
			{
				Code: "D01", Name: "Files and Folders", Status: "Completed -> In process", LastSuccessAt: timestamppb.New(finished),
				LastCompletedAt: timestamppb.New(finished), SelectedBytes: 483720000000, DurationSeconds: 345,
				LastStartedAt: timestamppb.New(now.Add(-time.Hour)), ProcessedBytes: 1200000000, SentBytes: 310000000, LastSuccessHadErrors: true,
			},
			{Code: "D02", Name: "System State", Status: "Completed with errors", Errors: 4},
		},
	}
	require.Empty(t, compare(want, got.Device))
	require.Equal(t, judge.KindComputer, got.Kind)
	require.Equal(t, judge.OSServer, got.OS)
	require.Equal(t, int64(123456), got.ProfileID.Value)
	require.True(t, got.Succeeded)
}

func compare(want, got proto.Message) string {
	if proto.Equal(want, got) {
		return ""
	}
	return "want " + want.(interface{ String() string }).String() + "\ngot  " + got.(interface{ String() string }).String()
}

func TestAMicrosoft365TenantLinksToItsOwnPage(t *testing.T) {
	got := decode.Observe(snapshot("AN", "acme.onmicrosoft.com", "AT", "2", "I81", "Undefined", "I78", "D19D5"), now)
	require.Equal(t, judge.KindM365, got.Kind)
	require.Equal(t, "https://backup.management/#/device/2345678/cloud-properties/office365/history", got.Device.GetConsoleUrl())
	require.Empty(t, got.Device.GetPhysicality())
	require.Equal(t, []string{"D05", "D19"}, []string{got.Sources[0].Code, got.Sources[1].Code})
	require.Equal(t, "No data", got.Device.GetSources()[0].GetStatus())
}

func TestWhatIsProtectedOfMicrosoft365(t *testing.T) {
	got := decode.Observe(snapshot("AT", "2", "I78", "D05D19D20D23", "D05F22", "12", "D05F20", "7", "D19F20", "36", "D19F21", "4", "D20F20", "35",
		"D23F23", "5", "D23F24", "21", "AA3147", "true", "AA3148", "false", "AA3149", "", "AA3150", "yes", "AA3347", "false"), now).Device.GetSources()
	want := []*incidentv1.SourceStatus{
		{Code: "D05", Name: "Microsoft 365 SharePoint", Status: "No data", Sites: 12},
		{Code: "D19", Name: "Microsoft 365 Exchange", Status: "No data", UserMailboxes: 36, SharedMailboxes: 4, AutoAdd: new(true), InPlaceArchive: new(false)},
		{Code: "D20", Name: "Microsoft 365 OneDrive", Status: "No data", Users: 35, AutoAdd: new(false)},
		{Code: "D23", Name: "Microsoft 365 Teams", Status: "No data", Teams: 5, Channels: 21},
	}
	require.Len(t, got, len(want))
	for i := range want {
		require.Empty(t, compare(want[i], got[i]))
	}
}

func TestTheTimeOffsetOfADevice(t *testing.T) {
	for value, want := range map[string]*int32{
		"-5": proto.Int32(-300), "0": proto.Int32(0), "5.5": proto.Int32(330), "14": proto.Int32(840), "-300": proto.Int32(-300), "330": proto.Int32(330),
		"": nil, "UTC": nil, "100000": nil, "NaN": nil, "Inf": nil, "15": proto.Int32(15),
	} {
		got := decode.Observe(snapshot("TZ", value), now).Device
		require.Equal(t, want, got.UtcOffsetMinutes, value)
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		sentence, value string
		known           bool
		want            time.Time
	}{
		{"a usual time", unix(now.Add(-time.Hour)), true, now.Add(-time.Hour)},
		{"nothing", "", false, time.Time{}},
		{"zero is never", "0", false, time.Time{}},
		{"no expiry", "2147483647", false, time.Time{}},
		{"a word", "never", false, time.Time{}},
		{"a negative number", "-5", false, time.Time{}},
		{"a clock that was reset", "86400", false, time.Time{}},
		{"an old time is a time", "946684800", true, time.Unix(946684800, 0).UTC()},
		{"a little ahead is now", unix(now.Add(time.Hour)), true, now},
		{"a day ahead is now", unix(now.Add(24 * time.Hour)), true, now},
		{"more is no information", unix(now.Add(24*time.Hour + time.Second)), false, time.Time{}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got := decode.Observe(snapshot("I78", "D01", "D01F09", c.value), now).Sources[0].Success
			require.Equal(t, c.known, got.Known)
			require.Equal(t, c.want, got.Value)
			require.Equal(t, c.value, got.Raw.GetValue(), "what the vendor wrote is evidence all the same")
		})
	}
}

func TestCountsOfErrors(t *testing.T) {
	for value, want := range map[string]judge.Fact[int64]{
		"3": {Value: 3, Known: true}, "0": {Known: true}, "": {}, "-1": {}, "2147483647": {}, "many": {},
	} {
		got := decode.Observe(snapshot("I78", "D01", "D01F06", value), now).Sources[0].Errors
		require.Equal(t, want, judge.Fact[int64]{Value: got.Value, Known: got.Known}, value)
	}
}

func TestContactIsTheNewestTrace(t *testing.T) {
	for _, c := range []struct {
		sentence string
		columns  []string
		want     time.Duration // before now; 0 for not known
	}{
		{"the heartbeat", []string{"TS", unix(now.Add(-time.Hour)), "TL", unix(now.Add(-2 * time.Hour))}, time.Hour},
		{"a session that began since", []string{"TS", unix(now.Add(-9 * time.Hour)), "I78", "D01", "D01F15", unix(now.Add(-time.Hour))}, time.Hour},
		{"a session that ended since", []string{"TS", "0", "I78", "D01", "D01F18", unix(now.Add(-3 * time.Hour))}, 3 * time.Hour},
		{"a good backup", []string{"D10F09", unix(now.Add(-5 * time.Hour))}, 5 * time.Hour},
		{"a heartbeat from a wrong clock", []string{"TS", unix(now.Add(900 * time.Hour)), "TL", unix(now.Add(-2 * time.Hour))}, 2 * time.Hour},
		{"nothing", nil, 0},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got := decode.Observe(snapshot(c.columns...), now).Contact
			require.Equal(t, c.want != 0, got.Known)
			if got.Known {
				require.Equal(t, c.want, now.Sub(got.Value))
			}
		})
	}
}

func TestADataSourceThatNoTableKnows(t *testing.T) {
	got := decode.Observe(snapshot("I78", "D01D31", "D31F00", "2", "D31F09", unix(now.Add(-time.Hour)), "D31F15", unix(now)), now)
	require.Len(t, got.Sources, 2)
	require.Equal(t, "D31", got.Sources[1].Code)
	require.Equal(t, judge.StatusFailed, got.Sources[1].Last.Value)
	require.True(t, got.Sources[1].Started.Known)
}

func TestEveryStatusOfTheVendorIsTranslated(t *testing.T) {
	want := map[int]judge.Status{
		0: judge.StatusNoData, 1: judge.StatusRunning, 2: judge.StatusFailed, 3: judge.StatusAborted, 4: judge.StatusUnknown, 5: judge.StatusCompleted,
		6: judge.StatusInterrupted, 7: judge.StatusNotStarted, 8: judge.StatusCompletedWithErrors, 9: judge.StatusRunningWithFaults,
		10: judge.StatusOverQuota, 11: judge.StatusNoSelection, 12: judge.StatusRestarted, 13: judge.StatusBlocked,
	}
	require.Len(t, want, len(columns.Statuses()))
	for code, status := range want {
		got := decode.Observe(snapshot("I78", "D01", "D01F00", strconv.Itoa(code)), now).Sources[0].Last
		require.Equal(t, status, got.Value, "status %d", code)
		require.Equal(t, code != 0, got.Known, "status %d", code)
	}
	for _, value := range []string{"14", "-1", "Peculiar"} {
		require.Equal(t, judge.StatusUnknown, decode.Observe(snapshot("I78", "D01", "D01F00", value), now).Sources[0].Last.Value)
	}
}

func TestSuccessIsKnownByAnyTrace(t *testing.T) {
	for _, c := range []struct {
		sentence string
		columns  []string
		want     bool
	}{
		{"no trace", []string{"I78", "D01", "D01F00", "2", "D01F09", "0", "TL", ""}, false},
		{"the total time", []string{"TL", unix(now)}, true},
		{"the time of a data source", []string{"D10F09", unix(now)}, true},
		{"the status, where the time comes from a wrong clock", []string{"D01F09", unix(now.Add(900 * time.Hour)), "D01F16", "5"}, true},
		{"only a time from a wrong clock", []string{"D01F09", unix(now.Add(900 * time.Hour))}, false},
		{"a completion with errors", []string{"D1F17", "8"}, true},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			require.Equal(t, c.want, decode.Observe(snapshot(c.columns...), now).Succeeded)
		})
	}
}

func TestSessionErrorsAreSpelledCanonicallyAndOrdered(t *testing.T) {
	s := snapshot()
	s.SourceErrors = []*statusv1.SourceErrors{{SourceCode: "D19"}, {SourceCode: "D5", SessionId: "1"}}
	got := decode.Observe(s, now).Errors
	require.Equal(t, []string{"D05", "D19"}, []string{got[0].GetSourceCode(), got[1].GetSourceCode()})
	require.Equal(t, "D5", s.GetSourceErrors()[1].GetSourceCode(), "the snapshot stays as it was received")
}

func TestAnEmptySnapshotTellsNothing(t *testing.T) {
	got := decode.Observe(nil, now)
	require.Equal(t, judge.KindUnreported, got.Kind)
	require.False(t, got.SourcesKnown)
	require.False(t, got.Succeeded)
}
