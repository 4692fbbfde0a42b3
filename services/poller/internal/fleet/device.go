package fleet

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"github.com/covewise/covewise/connectors/cove/columns"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Device is one enumerated device with its raw columns.
type Device struct {
	ID        int64
	PartnerID int64
	Columns   map[string]string // raw value by canonical code
}

// volatile columns move with time alone, so a change of theirs is no news: TS is the heartbeat.
var volatile = map[string]bool{"TS": true}

// Fingerprint hashes everything about a device that counts as a change: its judged columns and whom it
// belongs to.
func Fingerprint(d Device, o Owner) uint64 {
	h := fnv.New64a()
	write := func(s string) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		_, _ = h.Write(length[:]) // a hash never fails
		_, _ = h.Write([]byte(s))
	}
	for _, code := range slices.Sorted(maps.Keys(d.Columns)) {
		if !volatile[code] {
			write(code)
			write(d.Columns[code])
		}
	}
	write(strconv.FormatInt(d.PartnerID, 10))
	for _, s := range []string{o.Customer.GetId(), o.Customer.GetName(), o.Customer.GetLevel(), o.Customer.GetState(), o.Customer.GetReference(), o.Site} {
		write(s)
	}
	return h.Sum64()
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
		if status == columns.StatusInProcess || status == columns.StatusInProgressWithFaults {
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

// Gravity orders devices for work that may have to stop early: servers first.
func Gravity(d Device) int {
	if d.Columns["OT"] == "2" {
		return 0
	}
	return 1
}

// Type names the vendor's device type (column AT).
func Type(d Device) string {
	switch d.Columns["AT"] {
	case "1":
		return "backup_manager"
	case "2":
		return "m365"
	default:
		return "unknown"
	}
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
