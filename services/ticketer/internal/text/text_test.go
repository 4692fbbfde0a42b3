package text_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

var observed = time.Date(2026, 11, 21, 3, 10, 0, 0, time.UTC)

func ago(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(observed.Add(-d)) }

// writer writes the built-in texts with the times of New York.
func writer(t *testing.T) *text.Writer {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	return text.NewWriter(nil, zone, nil)
}

func utc() *text.Writer { return text.NewWriter(nil, time.UTC, nil) }

const (
	day  = 24 * time.Hour
	hour = time.Hour
)

func source(code, name, status string, errors int64, good *timestamppb.Timestamp) *incidentv1.SourceStatus {
	return &incidentv1.SourceStatus{Code: code, Name: name, Status: status, Errors: errors, LastSuccessAt: good, SelectedBytes: 52_310_000_000, DurationSeconds: 1440}
}

func condition(kind incidentv1.ConditionKind, since *timestamppb.Timestamp, findings ...*incidentv1.Finding) *incidentv1.Condition {
	return &incidentv1.Condition{Kind: kind, Since: since, Findings: findings}
}

// page is where Cove shows a device.
func page(id string, class incidentv1.DeviceClass) string {
	if class == incidentv1.DeviceClass_DEVICE_CLASS_M365 {
		return "https://backup.management/#/device/" + id + "/cloud-properties/office365/history"
	}
	return "https://backup.management/#/backup/overview/view/1662(panel:device-properties/" + id + "/summary)"
}

func event(device, customer string, d *incidentv1.Device, conditions ...*incidentv1.Condition) *incidentv1.Event {
	if d != nil {
		d.ConsoleUrl = page(device, d.GetClass())
	}
	return &incidentv1.Event{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: device, IncidentId: device + "-1", Revision: 1,
		Kind: incidentv1.EventKind_EVENT_KIND_FAILED, OccurredAt: timestamppb.New(observed), OpenedAt: timestamppb.New(observed),
		Sweep: 12, Device: d, Customer: &statusv1.Customer{Id: "481233", Name: customer, Level: "EndCustomer"},
		Conditions: conditions, PolicyVersion: "5f0c21",
	}
}

// fleet are the kinds of trouble that a fleet has, each as the event that opens its incident.
func fleet() map[string]*incidentv1.Event {
	failed, stale := incidentv1.ConditionKind_CONDITION_KIND_FAILED, incidentv1.ConditionKind_CONDITION_KIND_STALE
	errs, never := incidentv1.ConditionKind_CONDITION_KIND_ERRORS, incidentv1.ConditionKind_CONDITION_KIND_NEVER
	server := func(name string, sources ...*incidentv1.SourceStatus) *incidentv1.Device {
		return &incidentv1.Device{
			Name: strings.ToLower(name), ComputerName: name, Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER,
			Os: "Windows Server 2019 Standard (17763), 64-bit", Profile: "Server Full Backup", Product: "30 Day Retention",
			StorageLocation: "United States", ClientVersion: "25.10.0", CreatedAt: ago(400 * day), LastContactAt: ago(6 * time.Minute),
			LastSuccessAt: ago(2 * hour), Sources: sources,
		}
	}
	cloud := func(name string, sources ...*incidentv1.SourceStatus) *incidentv1.Device {
		return &incidentv1.Device{
			Name: name, Class: incidentv1.DeviceClass_DEVICE_CLASS_M365, StorageLocation: "United States", Sources: sources,
			LastSuccessAt: ago(2 * hour), SelectedBytes: 2_110_000_000_000, UsedBytes: 934_000_000_000, UtcOffsetMinutes: proto.Int32(0),
		}
	}
	denied := event("2345678", "Bluefin Dental Group", server(
		"SRV-01",
		source("D01", "Files and Folders", "Failed", 15, ago(29*hour)),
		source("D02", "System State", "Completed", 0, ago(2*hour)),
	), condition(failed, ago(0), &incidentv1.Finding{
		SourceCode: "D01", SourceName: "Files and Folders", Summary: "Failed", LastSuccessAt: ago(29 * hour), ErrorsTotal: 17,
		Rule: "conditions.failed = on (default)", SessionId: "826", SessionStatus: "Failed", SessionStartedAt: ago(84 * time.Minute),
		Errors: []*statusv1.SessionError{
			{Text: "Access denied", Item: `D:\Shares\Accounting\file.xlsx`, Count: 15, Code: "5"},
			{Text: "The process cannot access the file", Item: `D:\Shares\Accounting\ledger with a very long name that people gave it once upon a time\2026\november\draft.xlsx`, Count: 1},
		},
	}))
	denied.Device.Alias, denied.Device.Manufacturer, denied.Device.Model = "Production File Server", "Dell Inc.", "PowerEdge R740"
	denied.Device.Physicality, denied.Device.InternalIp, denied.Device.ExternalIp = "Physical", "192.0.2.100;192.0.2.101", "203.0.113.25"
	denied.Site = "Harbour Street"
	denied.Customer.Reference, denied.Device.Reference = "CWM:1844:BluefinDental", "site 2"
	denied.Device.CpuCores, denied.Device.MemoryBytes, denied.Device.UtcOffsetMinutes = 16, 64<<30, proto.Int32(-300)
	denied.Device.SelectedBytes, denied.Device.UsedBytes = 104_620_000_000, 188_702_358_870
	denied.Device.ProfileId, denied.Device.ProductId = 123456, 21266
	denied.Device.Notes = "Reboots on Sundays.\r\nIn the rack behind the reception; key at the front desk."
	files := denied.GetDevice().GetSources()[0]
	files.LastStartedAt, files.LastCompletedAt, files.ProcessedBytes, files.SentBytes = ago(84*time.Minute), ago(hour), 1_200_000_000, 310_000_000
	for _, s := range denied.GetDevice().GetSources() {
		s.StaleAfterSeconds = int64(day / time.Second)
	}
	acme := cloud(
		"acme.onmicrosoft.com ",
		source("D19", "Exchange", "Completed", 0, ago(2*hour+45*time.Minute)),
		source("D20", "OneDrive", "Completed", 0, ago(2*hour+47*time.Minute)),
		source("D05", "SharePoint", "Completed", 0, ago(3*hour+21*time.Minute)),
		source("D23", "Teams", "Completed", 0, ago(2*hour)),
	)
	exchange, oneDrive, sharePoint, teams := acme.GetSources()[0], acme.GetSources()[1], acme.GetSources()[2], acme.GetSources()[3]
	exchange.UserMailboxes, exchange.SharedMailboxes, exchange.AutoAdd, exchange.InPlaceArchive = 36, 4, new(true), new(false)
	oneDrive.Users, oneDrive.AutoAdd, sharePoint.Sites = 36, new(false), 12
	teams.Teams, teams.Channels = 5, 21

	wedged := server("SRV-04", source("D01", "Files and Folders", "Completed -> In process", 0, ago(9*day+2*hour)))
	wedged.Sources[0].LastStartedAt, wedged.Sources[0].LastCompletedAt = ago(9*day), wedged.GetSources()[0].GetLastSuccessAt()

	return map[string]*incidentv1.Event{
		"server-failed": denied,
		"workstation-failed-stale-errors": event("3148735", "Alpha Clinics", &incidentv1.Device{
			Name: "ws-admin_abc123", ComputerName: "WS-ADMIN", Class: incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION,
			Os: "Windows 10 Pro (19045), 64-bit", LastSuccessAt: ago(12*day + 10*hour), Sources: []*incidentv1.SourceStatus{
				source("D01", "Files and Folders", "Completed with errors", 1, ago(10*hour)),
				source("D02", "System State", "Failed", 1, ago(12*day+10*hour)),
			},
		}, condition(failed, ago(12*day), &incidentv1.Finding{
			SourceCode: "D02", SourceName: "System State", Summary: "Failed", LastSuccessAt: ago(12*day + 10*hour), ErrorsTotal: 1,
			Errors: []*statusv1.SessionError{{Text: "There is no data available for the backup. Please check your settings and environment.", Count: 1}},
		}), condition(stale, ago(9*day), &incidentv1.Finding{
			SourceCode: "D02", SourceName: "System State", Summary: "Stale", LastSuccessAt: ago(12*day + 10*hour), ThresholdSeconds: 259200,
		}), condition(errs, ago(0), &incidentv1.Finding{
			SourceCode: "D01", SourceName: "Files and Folders", Summary: "1 error", LastSuccessAt: ago(10 * hour), ErrorsTotal: 1,
			Errors: []*statusv1.SessionError{{Text: "Insufficient disk space for backup", Count: 1}},
		})),
		"server-stale": event("2345683", "Acme Technologies", server(
			"SQL-01",
			source("D01", "Files and Folders", "Completed", 0, ago(2*hour)),
			source("D10", "MS SQL", "Completed", 0, ago(6*day+3*hour)),
		), condition(stale, ago(5*day), &incidentv1.Finding{
			SourceCode: "D10", SourceName: "MS SQL", Summary: "Stale", LastSuccessAt: ago(6*day + 3*hour), ThresholdSeconds: 86400,
			Rule: "stale = 24h (tenant)",
		})),
		"server-wedged": event("2345681", "Bluefin Dental Group", wedged, condition(stale, ago(8*day), &incidentv1.Finding{
			SourceCode: "D01", SourceName: "Files and Folders", Summary: "Stale", LastSuccessAt: ago(9*day + 2*hour), ThresholdSeconds: 86400,
		})),
		"server-over-quota": event("2345685", "TechServ", server(
			"APP-02", source("D01", "Files and Folders", "Over quota", 0, ago(29*hour)),
		), condition(failed, ago(0), &incidentv1.Finding{
			SourceCode: "D01", SourceName: "Files and Folders", Summary: "Over quota", LastSuccessAt: ago(29 * hour),
			ErrorsUnavailable: "the storage node did not answer within 10 s",
		})),
		"server-never": event("2345687", `Müller & Söhne "Logistik" GmbH`, func() *incidentv1.Device {
			d := server("MX-01", source("D01", "Files and Folders", "Not started", 0, nil), source("D02", "System State", "Not started", 0, nil))
			d.LastSuccessAt, d.CreatedAt = nil, ago(4*day)
			for _, s := range d.GetSources() {
				s.SelectedBytes, s.DurationSeconds = 0, 0
			}
			return d
		}(), condition(never, ago(2*day), &incidentv1.Finding{SourceCode: "D09", SourceName: "All data sources", Summary: "Never backed up", ThresholdSeconds: 172800})),
		"m365-errors-device-wide": event("5131534", "Acme Technologies", acme, condition(errs, ago(0), &incidentv1.Finding{
			SourceCode: "D09", SourceName: "All data sources", Summary: "62 errors", ErrorsTotal: 62,
		})),
		"m365-errors-mailbox": event("2345690", "Клиника", cloud(
			"klinika.onmicrosoft.com",
			source("D19", "Exchange", "Completed with errors", 1, ago(20*day)),
			source("D20", "OneDrive", "Completed", 0, ago(3*hour)),
		), condition(errs, ago(20*day), &incidentv1.Finding{
			SourceCode: "D19", SourceName: "Exchange", Summary: "1 error", LastSuccessAt: ago(20 * day), ErrorsTotal: 1,
			Errors: []*statusv1.SessionError{{
				Text: "MailboxNotEnabledForRESTAPI: The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
				Item: "j.doe@klinika.example", Count: 1,
			}},
		})),
	}
}

// changed is the next revision of an incident's event.
func changed(e *incidentv1.Event, later time.Duration, conditions ...*incidentv1.Condition) *incidentv1.Event {
	next := proto.CloneOf(e)
	next.Kind, next.Revision = incidentv1.EventKind_EVENT_KIND_CHANGED, e.GetRevision()+1
	next.OccurredAt = timestamppb.New(e.GetOccurredAt().AsTime().Add(later))
	next.Conditions = conditions
	return next
}

func resolved(e *incidentv1.Event, later time.Duration, why incidentv1.Resolution) *incidentv1.Event {
	next := changed(e, later)
	next.Kind, next.Resolution = incidentv1.EventKind_EVENT_KIND_RESOLVED, why
	return next
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got+"\n"), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update to write the golden files")
	require.Equal(t, string(want), got+"\n")
}

func TestEachKindOfTroubleReadsAsTheGoldenFileShows(t *testing.T) {
	for name, e := range fleet() {
		t.Run(name, func(t *testing.T) {
			golden(t, name, strings.Join([]string{
				"[summary]", utc().Summary(e), "", "[description]", writer(t).Description(e),
				"", "[internal analysis]", writer(t).Analysis(e, "covewise:inst:harbor:"+e.GetIncidentId()),
			}, "\n"))
		})
	}
}

func TestANoteSaysWhatChangedSinceThePictureShown(t *testing.T) {
	first := fleet()["workstation-failed-stale-errors"]
	second := changed(first, 5*hour,
		condition(incidentv1.ConditionKind_CONDITION_KIND_FAILED, ago(12*day),
			&incidentv1.Finding{
				SourceCode: "D01", SourceName: "Files and Folders", Summary: "Aborted", LastSuccessAt: ago(10 * hour),
			},
			&incidentv1.Finding{
				SourceCode: "D02", SourceName: "System State", Summary: "Failed", LastSuccessAt: ago(12*day + 10*hour), ErrorsTotal: 1,
				Errors: []*statusv1.SessionError{{Text: "VSS error 0x800423F4", Count: 1}},
			}),
		first.GetConditions()[1])
	golden(t, "note-changed", writer(t).Change(first, second))
}

func TestANoteAboutParticularsOnlySaysSo(t *testing.T) {
	first := fleet()["server-stale"]
	second := changed(first, 24*hour, first.GetConditions()...)
	require.Contains(t, utc().Change(first, second), "SINCE THE LAST NOTE\nThe particulars changed; what is wrong is the same.\n")
}

func TestAResolutionSaysWhatWasWrongAndHowLong(t *testing.T) {
	first := fleet()["workstation-failed-stale-errors"]
	last := resolved(first, 31*hour, incidentv1.Resolution_RESOLUTION_RECOVERED)
	last.Device.Sources = []*incidentv1.SourceStatus{
		source("D01", "Files and Folders", "Completed", 0, ago(-30*hour)),
		source("D02", "System State", "Completed", 0, ago(-29*hour)),
	}
	golden(t, "note-recovered", writer(t).Resolution(first, last))
	golden(t, "note-removed", writer(t).Resolution(first, resolved(first, 31*hour, incidentv1.Resolution_RESOLUTION_REMOVED)))
	golden(t, "note-excluded", writer(t).Resolution(first, resolved(first, 31*hour, incidentv1.Resolution_RESOLUTION_EXCLUDED)))
}

func TestSummary(t *testing.T) {
	named := func(name, issue string) *incidentv1.Event {
		return event("2345678", "Acme", &incidentv1.Device{ComputerName: name, Class: incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS},
			condition(incidentv1.ConditionKind_CONDITION_KIND_FAILED, ago(0), &incidentv1.Finding{SourceCode: "D01", SourceName: issue, Summary: "Failed"}))
	}
	for _, c := range []struct {
		sentence    string
		event       *incidentv1.Event
		want        string
		wantLongest bool
	}{
		{"a short one stands as it is", named("SRV", "Files"), "[CW-2345678-1] Cove DOC SRV - Failed: Files", false},
		{
			"a long name is cut before the issue is", named(strings.Repeat("n", 120), "Files and Folders"),
			"[CW-2345678-1] Cove DOC " + strings.Repeat("n", 47) + "… - Failed: Files and Folders", true,
		},
		{
			"a long issue is cut when the name is short", named("SRV", strings.Repeat("i", 120)),
			"[CW-2345678-1] Cove DOC SRV - Failed: " + strings.Repeat("i", 61) + "…", true,
		},
		{
			"both are cut, and the badge is not", named(strings.Repeat("n", 120), strings.Repeat("i", 120)),
			"[CW-2345678-1] Cove DOC " + strings.Repeat("n", 14) + "… - Failed: " + strings.Repeat("i", 49) + "…", true,
		},
		{
			"letters outside the basic plane count twice and are not halved", named("SRV", strings.Repeat("𝔸", 60)),
			"[CW-2345678-1] Cove DOC SRV - Failed: " + strings.Repeat("𝔸", 30) + "…", false,
		},
		{"newlines, tabs and marks that turn the text around vanish", named("SR\r\nV\t\u202e1", "Fi\x00les"), "[CW-2345678-1] Cove DOC SR V 1 - Failed: Fi les", false},
		{
			"without a computer the vendor's name stands",
			event("7", "Acme", &incidentv1.Device{Name: "acme.onmicrosoft.com ", Class: incidentv1.DeviceClass_DEVICE_CLASS_M365}),
			"[CW-7-1] Cove 365 acme.onmicrosoft.com - In trouble", false,
		},
		{"without any name it says so", event("7", "Acme", nil), "[CW-7-1] Cove WKS unnamed device - In trouble", false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got := utc().Summary(c.event)
			require.Equal(t, c.want, got)
			require.LessOrEqual(t, len(utf16.Encode([]rune(got))), 100)
			require.True(t, utf8.ValidString(got))
			if c.wantLongest {
				require.Equal(t, 100, utf8.RuneCountInString(got))
			}
		})
	}
}

func TestATextThatIsTooLongIsCutBeforeItsMarker(t *testing.T) {
	e := fleet()["server-failed"]
	for range 500 {
		e.Device.Sources = append(e.Device.Sources, source("D01", "Files and Folders", "Completed", 0, ago(hour)))
	}
	got := utc().Description(e)
	require.LessOrEqual(t, utf8.RuneCountInString(got), 30_000)
	require.True(t, strings.HasSuffix(got, "too long)\n\n"+text.Marker("2345678-1", 1)))
}

func TestTextsEndWithTheMarkerAndKeepTheLinkFromCustomers(t *testing.T) {
	for name, e := range fleet() {
		description := writer(t).Description(e)
		require.NotContains(t, description, "http", name)
		for _, s := range []string{description, utc().Analysis(e, "r"), utc().Change(e, changed(e, hour)), utc().Resolution(e, resolved(e, hour, 1))} {
			lines := strings.Split(s, "\n")
			require.Regexp(t, `^Covewise \d+-1 r[12]$`, lines[len(lines)-1], name)
		}
	}
}

func TestAMarkerIsFoundAsAWholeLineOnly(t *testing.T) {
	require.True(t, text.HasMarker("text\r\n\r\nCovewise 7-1 r2\r\n", text.Marker("7-1", 2)))
	require.False(t, text.HasMarker("text\nCovewise 7-1 r21", text.Marker("7-1", 2)))
	require.False(t, text.HasMarker("see Covewise 7-1 r2", text.Marker("7-1", 2)))
}
