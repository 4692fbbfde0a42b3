// Package decode reads what N-able Cove said about a device, the raw columns of a snapshot, into the judge's
// vendor-neutral observation. It owns what columns mean together and which values are no information; what
// single columns are is owned by the connector's package columns. It judges nothing.
//
// Snapshots are decoded anew at every sweep, because what a time is worth depends on the time of the sweep.
package decode

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove/columns"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// Fields of a data source.
const (
	fieldStatus        = 0
	fieldSelectedSize  = 3
	fieldProcessedSize = 4
	fieldSentSize      = 5
	fieldErrors        = 6
	fieldSuccess       = 9
	fieldDuration      = 12
	fieldStartedAt     = 15
	fieldSuccessStatus = 16
	fieldFinished      = 17
	fieldFinishedAt    = 18
)

// known are the codes of the columns of each known data source, by field: spelling them out takes longer than judging.
var known = func() map[string][]string {
	all := map[string][]string{}
	for _, source := range columns.Sources() {
		all[source.Code] = spell(source.Code)
	}
	return all
}()

// fieldsOf returns the codes of the columns of a data source, by field.
func fieldsOf(source string) []string {
	if fields, ok := known[source]; ok {
		return fields
	}
	return spell(source)
}

func spell(source string) []string {
	fields := make([]string, fieldFinishedAt+1)
	for field := range fields {
		fields[field] = columns.FieldCode(source, field)
	}
	return fields
}

// Columns of the device as a whole.
const (
	columnSources      = "I78"
	columnTotalStatus  = "T0"
	columnTotalErrors  = "T7"
	columnTotalSuccess = "TL"
	columnContact      = "TS"
)

// clockSkew is how far ahead of the sweep a time may be and still be believed, as "just now". A time further
// ahead comes from a device with a wrong clock and is no information.
const clockSkew = 24 * time.Hour

// earliest is older than the vendor: a time before it comes from a device whose clock was reset, and is no information.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Observe decodes a snapshot as of now, when nothing is known of columns that the sweep lacked.
func Observe(snapshot *statusv1.Snapshot, now time.Time) judge.Observation {
	return ObserveLacking(snapshot, now, nil)
}

// ObserveLacking decodes a snapshot as of now, the observed time of the sweep that judges it, which lacked some columns.
// What only they could tell is marked as lacking, and is not taken for a value that does not exist.
func ObserveLacking(snapshot *statusv1.Snapshot, now time.Time, lacking Lacking) judge.Observation {
	r := newRow(snapshot.GetColumns(), now, lacking)
	sources := columns.ParseSources(r.text(columnSources))
	slices.SortFunc(sources, func(a, b columns.Source) int { return cmp.Compare(a.Code, b.Code) })
	seen := judge.Observation{
		DeviceID:     snapshot.GetDeviceId(),
		Kind:         r.kind(),
		OS:           r.osKind(),
		ProfileID:    r.number("OI"),
		Customer:     snapshot.GetCustomer(),
		Site:         snapshot.GetSite(),
		Created:      r.time("CD"),
		SourcesKnown: len(sources) > 0,
		TotalErrors:  r.count(columnTotalErrors),
		TotalSuccess: r.newestSuccess(),
		Errors:       sessionErrors(snapshot.GetSourceErrors()),
	}
	seen.Succeeded = seen.TotalSuccess.Known || r.everCompleted()
	for _, source := range sources {
		fields := fieldsOf(source.Code)
		s := judge.Source{
			Code:     source.Code,
			Name:     source.Name,
			Last:     r.status(fields[fieldStatus]),
			Started:  r.time(fields[fieldStartedAt]),
			Finished: r.status(fields[fieldFinished]),
			EndedAt:  r.time(fields[fieldFinishedAt]),
			Errors:   r.count(fields[fieldErrors]),
			Success:  r.time(fields[fieldSuccess]),
			Selected: r.number(fields[fieldSelectedSize]),
		}
		s.Succeeded = s.Last.Value.Succeeded() || s.Finished.Value.Succeeded() || r.status(fields[fieldSuccessStatus]).Value.Succeeded()
		if !s.Success.Known && s.Success.Lacking == "" {
			s.Success = r.successByRuns(s, len(sources) == 1)
		}
		seen.Sources = append(seen.Sources, s)
	}
	seen.TotalSuccess.Lacking = r.lacks(columnTotalSuccess)
	seen.LackingTexts = r.lackingTexts()
	seen.Contact = r.contact(seen)
	seen.Device = r.device(seen)
	for _, source := range seen.Sources {
		seen.Device.Sources = append(seen.Device.Sources, r.sourceStatus(source))
	}
	return seen
}

// row is a device's columns by canonical code, read as of a time.
type row struct {
	now     time.Time
	values  map[string]*statusv1.Column
	lacking Lacking
}

func newRow(raw []*statusv1.Column, now time.Time, lacking Lacking) row {
	r := row{now: now, values: make(map[string]*statusv1.Column, len(raw)), lacking: lacking}
	for _, column := range raw {
		code := columns.Canonical(column.GetCode())
		if known := r.values[code]; known == nil || known.GetValue() == "" {
			r.values[code] = column
		}
	}
	return r
}

func (r row) text(code string) string { return strings.TrimSpace(r.values[code].GetValue()) }

func (r row) number(code string) judge.Fact[int64] {
	text := r.text(code)
	if text == "" {
		return judge.Fact[int64]{Raw: r.values[code], Lacking: r.lacks(code)}
	}
	value, known := columns.Int(text)
	return judge.Fact[int64]{Value: value, Known: known, Raw: r.values[code]}
}

// count reads a number of errors. Less than none, and the largest number of 32 bits, which stands for "not known" as it
// does in times, is no information.
func (r row) count(code string) judge.Fact[int64] {
	fact := r.number(code)
	if fact.Value < 0 || fact.Value >= math.MaxInt32 {
		return judge.Fact[int64]{Raw: fact.Raw, Lacking: fact.Lacking}
	}
	return fact
}

func (r row) time(code string) judge.Fact[time.Time] {
	text := r.text(code)
	if text == "" {
		return judge.Fact[time.Time]{Raw: r.values[code], Lacking: r.lacks(code)}
	}
	value, known := columns.Time(text)
	if !known || value.Before(earliest) || value.Sub(r.now) > clockSkew {
		return judge.Fact[time.Time]{Raw: r.values[code]}
	}
	if value.After(r.now) {
		value = r.now
	}
	return judge.Fact[time.Time]{Value: value, Known: true, Raw: r.values[code]}
}

// translate turns the vendor's session states into the judge's.
func translate(code int) judge.Status {
	switch code {
	case columns.StatusInProcess:
		return judge.StatusRunning
	case columns.StatusFailed:
		return judge.StatusFailed
	case columns.StatusAborted:
		return judge.StatusAborted
	case columns.StatusCompleted:
		return judge.StatusCompleted
	case columns.StatusInterrupted:
		return judge.StatusInterrupted
	case columns.StatusNotStarted:
		return judge.StatusNotStarted
	case columns.StatusCompletedWithErrors:
		return judge.StatusCompletedWithErrors
	case columns.StatusInProgressWithFaults:
		return judge.StatusRunningWithFaults
	case columns.StatusOverQuota:
		return judge.StatusOverQuota
	case columns.StatusNoSelection:
		return judge.StatusNoSelection
	case columns.StatusRestarted:
		return judge.StatusRestarted
	case columns.StatusBlocked:
		return judge.StatusBlocked
	default:
		return judge.StatusUnknown
	}
}

// status reads a session status. Nothing and 0 mean that there was no session to speak of: no information.
func (r row) status(code string) judge.Fact[judge.Status] {
	fact := judge.Fact[judge.Status]{Raw: r.values[code], Lacking: r.lacks(code)}
	value := r.text(code)
	if value == "" {
		return fact
	}
	status, ok := columns.ParseStatus(value)
	switch {
	case ok && status.Code == columns.StatusNoData:
	case ok:
		fact.Value, fact.Known = translate(status.Code), true
	default:
		fact.Value, fact.Known = judge.StatusUnknown, true
	}
	return fact
}

func (r row) kind() judge.Kind {
	switch r.text("AT") {
	case "":
		return judge.KindUnreported
	case "1":
		return judge.KindComputer
	case "2":
		return judge.KindM365
	default:
		return judge.KindOther
	}
}

func (r row) osKind() judge.OSKind {
	switch r.text("OT") {
	case "1":
		return judge.OSWorkstation
	case "2":
		return judge.OSServer
	default:
		return judge.OSUnreported
	}
}

// everCompleted reports whether the status of any data source, configured or not, tells of a good backup: the times
// may be unusable.
func (r row) everCompleted() bool {
	if r.status(columnTotalStatus).Value.Succeeded() {
		return true
	}
	for _, fields := range known {
		for _, field := range []int{fieldStatus, fieldSuccessStatus, fieldFinished} {
			if r.status(fields[field]).Value.Succeeded() {
				return true
			}
		}
	}
	return false
}

// newestSuccess is the vendor's total, or the newest of any data source where that is newer or the total unusable.
func (r row) newestSuccess() judge.Fact[time.Time] {
	newest := r.time(columnTotalSuccess)
	for _, source := range columns.Sources() {
		if fact := r.time(fieldsOf(source.Code)[fieldSuccess]); fact.Known && fact.Value.After(newest.Value) {
			newest = fact
		}
	}
	return newest
}

// successByRuns is the last good backup of a data source whose own time of it is unusable: the end of the last session
// that ended, if that was good, or the vendor's total if there is no other data source.
func (r row) successByRuns(s judge.Source, only bool) judge.Fact[time.Time] {
	done := s.Last
	if !done.Known || done.Value.Running() {
		done = s.Finished
	}
	if done.Value.Succeeded() && s.EndedAt.Known {
		return s.EndedAt
	}
	if total := r.time(columnTotalSuccess); only && (total.Known || total.Lacking != "") {
		return total
	}
	return s.Success
}

// contact is the vendor's heartbeat or, where that is older or unusable, the newest thing a session told.
func (r row) contact(seen judge.Observation) judge.Fact[time.Time] {
	newest := r.time(columnContact)
	take := func(fact judge.Fact[time.Time]) {
		if fact.Known && (!newest.Known || fact.Value.After(newest.Value)) {
			newest = fact
		}
	}
	take(seen.TotalSuccess)
	for _, s := range seen.Sources {
		take(s.Started)
		take(s.EndedAt)
	}
	newest.Lacking = r.lacks(columnContact)
	return newest
}

// sessionErrors spells the codes of data sources canonically and puts them in order.
func sessionErrors(raw []*statusv1.SourceErrors) []*statusv1.SourceErrors {
	all := make([]*statusv1.SourceErrors, len(raw))
	for i, e := range raw {
		source, _ := columns.SourceOf(e.GetSourceCode())
		all[i] = e
		if source.Code != e.GetSourceCode() {
			all[i] = proto.CloneOf(e)
			all[i].SourceCode = source.Code
		}
	}
	slices.SortStableFunc(all, func(a, b *statusv1.SourceErrors) int { return cmp.Compare(a.GetSourceCode(), b.GetSourceCode()) })
	return all
}

func stamp(fact judge.Fact[time.Time]) *timestamppb.Timestamp {
	if !fact.Known {
		return nil
	}
	return timestamppb.New(fact.Value)
}
