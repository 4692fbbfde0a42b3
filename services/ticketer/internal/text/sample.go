package text

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Sample returns an incident to show texts with: as it opened at a time, as it changed and as it ended.
func Sample(at time.Time) (opened, changed, resolved *incidentv1.Event) {
	before := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(at.Add(-d)) }
	const hour, day = time.Hour, 24 * time.Hour
	event := func(revision uint32, kind incidentv1.EventKind, after time.Duration, conditions ...*incidentv1.Condition) *incidentv1.Event {
		return &incidentv1.Event{
			SchemaVersion: 1, DeviceId: "2345678", IncidentId: "2345678-1", Revision: revision, Kind: kind,
			OccurredAt: timestamppb.New(at.Add(after)), OpenedAt: timestamppb.New(at), Conditions: conditions,
			Customer: &statusv1.Customer{Id: "481233", Name: "Bluefin Dental Group"}, Site: "Harbour Street", PolicyVersion: "sample",
			Severity: incidentv1.Severity_SEVERITY_WARNING, Urgency: incidentv1.Urgency_URGENCY_HIGH, Scope: incidentv1.Scope_SCOPE_DEVICE,
			Device: &incidentv1.Device{
				Name: "srv-01_a1b2", ComputerName: "SRV-01", Alias: "Production File Server", Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER,
				Os: "Windows Server 2019 Standard (17763), 64-bit", Manufacturer: "Dell Inc.", Model: "PowerEdge R740", Physicality: "Physical",
				CpuCores: 16, MemoryBytes: 64 << 30, SelectedBytes: 65_210_000_000, UsedBytes: 188_702_358_870, Notes: "Restarts on Sundays.",
				InternalIp: "192.0.2.100", ExternalIp: "203.0.113.25", Profile: "Server Full Backup", Product: "30 Day Retention",
				StorageLocation: "United States", ClientVersion: "25.10.0", CreatedAt: before(400 * day), LastContactAt: before(6 * time.Minute),
				LastSuccessAt: before(2 * hour), ConsoleUrl: "https://backup.management/#/backup/overview/view/1662(panel:device-properties/2345678/summary)",
				Sources: []*incidentv1.SourceStatus{
					{Code: "D01", Name: "Files and Folders", Status: "Failed", Errors: 17, LastSuccessAt: before(29 * hour), SelectedBytes: 52_310_000_000, DurationSeconds: 1440},
					{Code: "D02", Name: "System State", Status: "Completed", LastSuccessAt: before(2 * hour), SelectedBytes: 12_900_000_000, DurationSeconds: 600},
				},
			},
		}
	}
	failed := &incidentv1.Condition{Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, Since: before(0), Findings: []*incidentv1.Finding{{
		SourceCode: "D01", SourceName: "Files and Folders", Summary: "Failed", Since: before(0), LastSuccessAt: before(29 * hour), ErrorsTotal: 17,
		SessionId: "826", SessionStatus: "Failed", SessionStartedAt: before(hour), Rule: "conditions.failed = on (system)",
		Errors: []*statusv1.SessionError{{Text: "Access denied", Item: `D:\Shares\Accounting\file.xlsx`, Count: 15, Code: "5"}},
	}}}
	stale := &incidentv1.Condition{Kind: incidentv1.ConditionKind_CONDITION_KIND_STALE, Since: timestamppb.New(at.Add(20 * hour)), Findings: []*incidentv1.Finding{{
		SourceCode: "D01", SourceName: "Files and Folders", Summary: "Stale", Since: timestamppb.New(at.Add(20 * hour)), LastSuccessAt: before(29 * hour),
		ThresholdSeconds: int64(48 * hour / time.Second),
	}}}
	opened = event(1, incidentv1.EventKind_EVENT_KIND_FAILED, 0, failed)
	changed = event(2, incidentv1.EventKind_EVENT_KIND_CHANGED, 20*hour, failed, stale)
	changed.Severity = incidentv1.Severity_SEVERITY_CRITICAL
	resolved = event(3, incidentv1.EventKind_EVENT_KIND_RESOLVED, 31*hour)
	resolved.Resolution = incidentv1.Resolution_RESOLUTION_RECOVERED
	resolved.Device.LastSuccessAt = timestamppb.New(at.Add(30 * hour))
	resolved.Device.Sources[0].Status, resolved.Device.Sources[0].Errors = "Completed", 0
	resolved.Device.Sources[0].LastSuccessAt = resolved.GetDevice().GetLastSuccessAt()
	return opened, changed, resolved
}
