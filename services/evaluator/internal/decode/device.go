package decode

import (
	"math"
	"strconv"

	"github.com/covewise/covewise/connectors/cove/columns"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// Pages of a device in Cove's console; the id stands in the middle.
const (
	pageOfM365, endOfM365         = "https://backup.management/#/device/", "/cloud-properties/office365/history"
	pageOfComputer, endOfComputer = "https://backup.management/#/backup/overview/view/1662(panel:device-properties/", "/summary)"
)

// device tells people about a device.
func (r row) device(seen judge.Observation) *incidentv1.Device {
	d := &incidentv1.Device{
		Name:             r.text("AN"),
		ComputerName:     r.text("MN"),
		Alias:            r.text("AL"),
		Os:               r.text("OS"),
		Manufacturer:     r.text("MF"),
		Model:            r.text("MO"),
		InternalIp:       r.text("IP"),
		ExternalIp:       r.text("EI"),
		Profile:          r.text("OP"),
		ProfileId:        r.amount("OI"),
		Product:          r.text("PN"),
		ProductId:        r.amount("PD"),
		StorageLocation:  r.text("LN"),
		ClientVersion:    r.text("VN"),
		CreatedAt:        stamp(seen.Created),
		LastContactAt:    stamp(r.time(columnContact)),
		LastSuccessAt:    stamp(seen.TotalSuccess),
		Notes:            r.text(columns.Notes),
		Reference:        r.text("PF"),
		CpuCores:         r.amount("I84"),
		MemoryBytes:      r.amount("I85"),
		UtcOffsetMinutes: r.offset("TZ"),
		SelectedBytes:    r.amount("T3"),
		UsedBytes:        r.amount("US"),
	}
	if physicality := r.text("I81"); physicality != "Undefined" {
		d.Physicality = physicality
	}
	switch seen.Kind {
	case judge.KindM365:
		d.ConsoleUrl = pageOfM365 + seen.DeviceID + endOfM365
	case judge.KindComputer:
		d.ConsoleUrl = pageOfComputer + seen.DeviceID + endOfComputer
	}
	return d
}

// sourceStatus tells people how a data source stands.
func (r row) sourceStatus(s judge.Source) *incidentv1.SourceStatus {
	status := s.Last.Value.String()
	if s.Last.Value.Running() && s.Finished.Known {
		status = s.Finished.Value.String() + " -> " + status
	}
	fields := fieldsOf(s.Code)
	told := &incidentv1.SourceStatus{
		Code:                 s.Code,
		Name:                 s.Name,
		Status:               status,
		Errors:               s.Errors.Value,
		LastSuccessAt:        stamp(s.Success),
		LastCompletedAt:      stamp(s.EndedAt),
		LastStartedAt:        stamp(s.Started),
		SelectedBytes:        s.Selected.Value,
		ProcessedBytes:       r.amount(fields[fieldProcessedSize]),
		SentBytes:            r.amount(fields[fieldSentSize]),
		DurationSeconds:      r.number(fields[fieldDuration]).Value,
		LastSuccessHadErrors: r.status(fields[fieldSuccessStatus]).Value == judge.StatusCompletedWithErrors,
		AutoAdd:              r.flag(columns.AutoAdd(s.Code)),
	}
	switch s.Code {
	case "D05":
		told.Sites = r.amount("D05F22")
	case "D19":
		told.UserMailboxes, told.SharedMailboxes = r.amount("D19F20"), r.amount("D19F21")
		told.InPlaceArchive = r.flag(columns.InPlaceArchive)
	case "D20":
		told.Users = r.amount("D20F20")
	case "D23":
		told.Teams, told.Channels = r.amount("D23F23"), r.amount("D23F24")
	}
	return told
}

// amount reads how much there is of something; less than nothing is no information.
func (r row) amount(code string) int64 { return max(0, r.number(code).Value) }

// flag reads a custom column that says "true" or "false"; nil for anything else.
func (r row) flag(code string) *bool {
	switch r.text(code) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	default:
		return nil
	}
}

// furthestHours bounds the time zones of the earth, in hours.
const furthestHours = 14

// offset reads a time offset in minutes; nil when there is none. Production scripts print Cove's value as hours, and no
// document says so: what is too much for hours is minutes.
func (r row) offset(code string) *int32 {
	value, err := strconv.ParseFloat(r.text(code), 64)
	if err != nil || math.IsNaN(value) {
		return nil
	}
	minutes := value
	if math.Abs(value) <= furthestHours {
		minutes = value * 60
	}
	if math.Abs(minutes) > furthestHours*60 {
		return nil
	}
	return new(int32(math.Round(minutes)))
}
