package fleet

import (
	"maps"
	"slices"
	"strconv"

	"github.com/covewise/covewise/connectors/cove/columns"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Device is one enumerated device with its raw columns.
type Device struct {
	ID          int64
	PartnerID   int64
	PartnerName string            // as the device's row has it (column AR)
	Type        string            // see Type
	Columns     map[string]string // raw value by canonical code; nil once they are no longer needed
}

// NewDevice makes a device of a row.
func NewDevice(id, partnerID int64, raw map[string]string) Device {
	return Device{ID: id, PartnerID: partnerID, PartnerName: raw["AR"], Type: typeOf(raw["AT"]), Columns: raw}
}

// Names of the vendor's device types (column AT).
const (
	typeBackupManager = "backup_manager"
	typeM365          = "m365"
	typeUnknown       = "unknown"
)

// Types returns the names of the device types.
func Types() []string { return []string{typeBackupManager, typeM365, typeUnknown} }

func typeOf(at string) string {
	switch at {
	case "1":
		return typeBackupManager
	case "2":
		return typeM365
	default:
		return typeUnknown
	}
}

// Troubled returns the codes of the data sources whose session history is worth asking for, in order. It is
// generous on purpose: what is wrong is decided later, by the evaluator.
func Troubled(d Device) []string {
	var codes []string
	configured := columns.ParseSources(d.Columns["I78"])
	for _, source := range configured {
		status, _ := columns.Int(d.Columns[columns.FieldCode(source.Code, 0)])
		finished, _ := columns.Int(d.Columns[columns.FieldCode(source.Code, 17)])
		errors, _ := columns.Int(d.Columns[columns.FieldCode(source.Code, 6)])
		if runs(status) {
			status = finished
		}
		if errors > 0 || (status != columns.StatusCompleted && status != columns.StatusNoData) {
			codes = append(codes, source.Code)
		}
	}
	// Errors that only the total counts can be in any source.
	if all, _ := columns.Int(d.Columns["T7"]); all > 0 && len(codes) == 0 {
		for _, source := range configured {
			codes = append(codes, source.Code)
		}
	}
	return codes
}

func runs(status int64) bool {
	return status == columns.StatusInProcess || status == columns.StatusInProgressWithFaults
}

// Session tells which session of a data source a device's row speaks of, so that what is known of it can be known
// again. Both texts hold raw values.
type Session struct {
	Last     string // status and time of the last session
	Finished string // status, time and errors of the last one that finished
	running  bool
}

// SessionOf reads the session of a data source from a device's columns.
func SessionOf(d Device, source string) Session {
	field := func(n int) string { return d.Columns[columns.FieldCode(source, n)] }
	status, _ := columns.Int(field(0))
	return Session{
		Last:     field(0) + " " + field(15),
		Finished: field(17) + " " + field(18) + " " + field(6),
		running:  runs(status),
	}
}

// Known reports whether an answer that was given for another look at the data source still stands. A session that
// runs has told nothing yet, so until it ends the one before it stands.
func (s Session) Known(c *statusv1.KnownCause) bool {
	return c != nil && c.GetFinished() == s.Finished && (s.running || c.GetLast() == s.Last)
}

// Gravity orders devices for work that may have to stop early: servers first.
func Gravity(d Device) int {
	if d.Columns["OT"] == "2" {
		return 0
	}
	return 1
}

// Snapshot makes a device's raw picture; its columns are sorted by code.
func Snapshot(tenant string, sweep uint64, d Device, o Owner) *statusv1.Snapshot {
	s := &statusv1.Snapshot{
		SchemaVersion: 1, Tenant: tenant, DeviceId: strconv.FormatInt(d.ID, 10), Source: "cove", Sweep: sweep,
		Customer: o.Customer, PartnerId: strconv.FormatInt(d.PartnerID, 10), Site: o.Site,
		Columns: make([]*statusv1.Column, 0, len(d.Columns)),
	}
	for _, code := range slices.Sorted(maps.Keys(d.Columns)) {
		s.Columns = append(s.Columns, &statusv1.Column{Code: code, Value: d.Columns[code]})
	}
	return s
}
