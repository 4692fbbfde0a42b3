package cli

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/connectors/cove/columns"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
)

// deviceColumn is a column of covewise devices. Keys are a promise to spreadsheets: they are never renamed, moved or
// removed, and new ones come at the end.
type deviceColumn struct {
	report.Column
	about string // for docs/devices-csv.md
	cell  func(d evaluator.DeviceStanding) any
}

// ownSources are the data sources that have a column of their own, whether a device has them or not.
func ownSources() []string {
	return []string{"D01", "D02", "D06", "D08", "D10", "D14", "D15", "D05", "D19", "D20", "D23", "D03", "D04", "D07", "D11", "D12"}
}

func deviceColumns() []deviceColumn {
	col := func(key, title, about string, cell func(d evaluator.DeviceStanding) any) deviceColumn {
		return deviceColumn{report.Column{Key: key, Title: title}, about, cell}
	}
	type dev = evaluator.DeviceStanding
	all := []deviceColumn{
		col("device_id", "ID", "Cove's account id of the device; unique", func(d dev) any { return d.ID }),
		col("device", "DEVICE", "what a person knows it by: alias, else computer name, else device name", func(d dev) any { return d.Label() }),
		col("class", "CLASS", "server, workstation, documents or m365; empty for a type that is not judged", func(d dev) any { return d.Class }),
		col("customer", "CUSTOMER", "name of the customer, or of the partner above customers that owns it", func(d dev) any { return d.Customer.GetName() }),
		col("site", "SITE", "name of the site below the customer; may be empty", func(d dev) any { return d.Site }),
		col("last_success", "LAST GOOD (UTC)", "newest good backup of any data source; empty when there was none", func(d dev) any { return moment(d.Device.GetLastSuccessAt()) }),
		col("state", "STATE", "in trouble, unknown, healthy, excluded or gone", func(d dev) any { return string(d.State) }),
		col("why", "WHY", "conditions and what mutes their news, or why the device is unknown or excluded", func(d dev) any { return why(d) }),
		col("device_name", "", "Cove's device name, unique", func(d dev) any { return d.Device.GetName() }),
		col("computer", "", "name of the computer; not unique, empty for Microsoft 365", func(d dev) any { return d.Device.GetComputerName() }),
		col("alias", "", "alias given in the Cove console", func(d dev) any { return d.Device.GetAlias() }),
		col("customer_id", "", "Cove's partner id of the customer", func(d dev) any { return d.Customer.GetId() }),
		col("customer_level", "", "EndCustomer, or the level of the partner above customers that owns it", func(d dev) any { return d.Customer.GetLevel() }),
		col("customer_state", "", "Cove's word: InProduction, InTrial; others occur", func(d dev) any { return d.Customer.GetState() }),
		col("customer_reference", "", "the customer's own reference in the Cove console", func(d dev) any { return d.Customer.GetReference() }),
		col("incident", "", "id of the open incident; empty when none is open", func(d dev) any { return d.Incident }),
		col("severity", "", "of the open incident by its age: warning, alert or critical; empty before the first step", func(d dev) any { return d.Severity }),
		col("conditions", "", "list: what is wrong, gravest first, with the data sources concerned", func(d dev) any { return conditionTexts(d) }),
		col("conditions_since", "", "observed time of the sweep that saw the oldest of them first", func(d dev) any { return oldest(d) }),
		col("reason", "", "why the device is unknown or excluded", func(d dev) any { return d.Reason }),
		col("muted", "", "reason of the maintenance window or snooze that withholds news of it", func(d dev) any { return d.Muted }),
		col("muted_until", "", "end of that", func(d dev) any { return d.MutedUntil }),
		col("data_sources", "", "list: codes of the configured data sources", func(d dev) any { return sourceTexts(d, func(s *incidentv1.SourceStatus) string { return s.GetCode() }) }),
		col("status_by_source", "", "list: code, name and status of the last session of each", func(d dev) any {
			return sourceTexts(d, func(s *incidentv1.SourceStatus) string {
				return fmt.Sprintf("%s %s %s", s.GetCode(), s.GetName(), s.GetStatus())
			})
		}),
		col("errors_by_source", "", "list: code, name and number of errors, of data sources with errors", func(d dev) any {
			return sourceTexts(d, func(s *incidentv1.SourceStatus) string {
				if s.GetErrors() == 0 {
					return ""
				}
				return fmt.Sprintf("%s %s %d", s.GetCode(), s.GetName(), s.GetErrors())
			})
		}),
		col("last_success_by_source", "", "list: code, name and time of the last good backup of each, or never", func(d dev) any {
			return sourceTexts(d, func(s *incidentv1.SourceStatus) string {
				when := "never"
				if s.GetLastSuccessAt() != nil {
					when = s.GetLastSuccessAt().AsTime().UTC().Format(time.RFC3339)
				}
				return fmt.Sprintf("%s %s %s", s.GetCode(), s.GetName(), when)
			})
		}),
	}
	for _, code := range ownSources() {
		about, _ := columns.SourceOf(code)
		all = append(all, col("last_success_"+strings.ToLower(code), "", "last good backup of "+about.Name+"; empty when not configured or never",
			func(d dev) any { return moment(sourceOf(d, code).GetLastSuccessAt()) }))
	}
	return append(
		all,
		col("selected_bytes", "", "selected size of all data sources; 0 when unknown", func(d dev) any {
			total := int64(0)
			for _, s := range d.Device.GetSources() {
				total += s.GetSelectedBytes()
			}
			return total
		}),
		col("created", "", "when the device was created in Cove", func(d dev) any { return moment(d.Device.GetCreatedAt()) }),
		col("last_contact", "", "last sign of life; up to a day late while nothing else changes", func(d dev) any { return d.LastContact }),
		col("product", "", "product, which is the retention policy", func(d dev) any { return d.Device.GetProduct() }),
		col("profile", "", "backup profile", func(d dev) any { return d.Device.GetProfile() }),
		col("storage_location", "", "where the backups are stored", func(d dev) any { return d.Device.GetStorageLocation() }),
		col("client_version", "", "version of the backup client", func(d dev) any { return d.Device.GetClientVersion() }),
		col("os", "", "operating system with version", func(d dev) any { return d.Device.GetOs() }),
		col("physicality", "", "Physical or Virtual; empty when not reported", func(d dev) any { return d.Device.GetPhysicality() }),
		col("manufacturer", "", "of the hardware", func(d dev) any { return d.Device.GetManufacturer() }),
		col("model", "", "of the hardware", func(d dev) any { return d.Device.GetModel() }),
		col("internal_ip", "", "internal addresses as Cove lists them", func(d dev) any { return d.Device.GetInternalIp() }),
		col("external_ip", "", "external address", func(d dev) any { return d.Device.GetExternalIp() }),
		col("console_url", "", "link to the device in the Cove console", func(d dev) any { return d.Device.GetConsoleUrl() }),
		col("observed_at", "", "sweep that last saw a change of it", func(d dev) any { return d.ObservedAt }),
	)
}

// sourceTexts makes a text of each data source; empty ones are left out.
func sourceTexts(d evaluator.DeviceStanding, text func(*incidentv1.SourceStatus) string) []string {
	var texts []string
	for _, s := range d.Device.GetSources() {
		if one := text(s); one != "" {
			texts = append(texts, one)
		}
	}
	return texts
}

// sourceOf returns a configured data source by its code, or nil.
func sourceOf(d evaluator.DeviceStanding, code string) *incidentv1.SourceStatus {
	for _, s := range d.Device.GetSources() {
		if s.GetCode() == code {
			return s
		}
	}
	return nil
}

func moment(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func oldest(d evaluator.DeviceStanding) time.Time {
	var first time.Time
	for _, c := range d.Conditions {
		if first.IsZero() || c.Since.Before(first) {
			first = c.Since
		}
	}
	return first
}
