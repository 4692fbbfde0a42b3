package trace

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove/columns"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Fields of a data source that runs give.
const (
	fieldStatus         = 0
	fieldErrors         = 6
	fieldSuccess        = 9
	fieldLast           = 15
	fieldSuccessStatus  = 16
	fieldFinishedStatus = 17
	fieldFinished       = 18
)

// heartbeat is how often a device that is on tells the vendor that it is.
const heartbeat = 15 * time.Minute

const tenantID = "harbor"

// Listed reports whether the vendor lists the device.
func (t Trace) Listed(at time.Duration) bool { return !holds(t.Gone, at) }

// Columns returns the raw values that a sweep sees, by canonical code.
func (t Trace) Columns(at time.Duration) map[string]string {
	c := maps.Clone(classColumns[t.Class])
	c["AN"], c["MN"] = t.Name, t.Name
	c["CD"] = t.unix(t.Created)
	c["TS"] = t.unix(t.lastContact(at))

	var configured strings.Builder
	var total totals
	for _, source := range t.Sources {
		if source.In != nil && !holds(source.In, at) {
			continue
		}
		configured.WriteString(source.Code)
		s := source.at(at)
		if s.last == nil {
			continue
		}
		set := func(field int, value string) { c[columns.FieldCode(source.Code, field)] = value }
		set(fieldStatus, strconv.Itoa(s.status))
		set(fieldErrors, strconv.FormatInt(s.errors, 10))
		set(fieldLast, t.unix(s.last.Start))
		if s.finished != nil {
			set(fieldFinishedStatus, strconv.Itoa(s.finished.Status))
			set(fieldFinished, t.unix(s.finished.End))
		}
		if s.success != nil {
			set(fieldSuccessStatus, strconv.Itoa(s.success.Status))
			set(fieldSuccess, t.unix(s.success.End))
		}
		total.add(s)
	}
	c["I78"] = configured.String()
	c["T0"], c["T7"] = strconv.Itoa(total.status), strconv.FormatInt(total.errors, 10)
	if total.success != nil {
		c["TL"] = t.unix(total.success.End)
	}
	for _, setting := range t.Set {
		if setting.Holds(at) {
			for code, value := range setting.Columns {
				c[code] = t.value(value, at)
			}
		}
	}
	maps.DeleteFunc(c, func(_, value string) bool { return value == "" })
	return c
}

// classColumns are the columns that make a device one of a class.
var classColumns = map[incidentv1.DeviceClass]map[string]string{
	incidentv1.DeviceClass_DEVICE_CLASS_SERVER:      {"AT": "1", "OT": "2", "OS": "Windows Server 2022 Standard (20348), 64-bit", "OI": "123456", "PN": "All-In"},
	incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION: {"AT": "1", "OT": "1", "OS": "Windows 11 Pro (22631), 64-bit", "OI": "33843", "PN": "All-In"},
	incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:   {"AT": "1", "OT": "1", "OS": "Windows 11 Pro (22631), 64-bit", "OI": "5038", "PN": "Documents"},
	incidentv1.DeviceClass_DEVICE_CLASS_M365:        {"AT": "2", "OT": "0"},
}

// Snapshot returns what the poller would publish at a sweep.
func (t Trace) Snapshot(at time.Duration, sweep uint64) *statusv1.Snapshot {
	values := t.Columns(at)
	s := &statusv1.Snapshot{
		SchemaVersion: 1, Tenant: tenantID, DeviceId: t.Device, Source: "cove", Sweep: sweep,
		ObservedAt: timestamppb.New(t.Start.Add(at)), PartnerId: "481233", Customer: t.customer(at),
	}
	for _, code := range slices.Sorted(maps.Keys(values)) {
		s.Columns = append(s.Columns, &statusv1.Column{Code: code, Value: values[code]})
	}
	for _, source := range t.Sources {
		if errors := source.sessionErrors(at, t.Start); errors != nil {
			s.SourceErrors = append(s.SourceErrors, errors)
		}
	}
	return s
}

func (t Trace) customer(at time.Duration) *statusv1.Customer {
	c := &statusv1.Customer{Id: "481233", Name: "Bluefin Dental Group", Level: "EndCustomer", State: "InProduction"}
	for _, setting := range t.Set {
		if setting.Customer != "" && setting.Holds(at) {
			c.Id, c.Name = "481234", setting.Customer
		}
	}
	return c
}

// lastContact is the last heartbeat at or before a time.
func (t Trace) lastContact(at time.Duration) time.Duration {
	for _, off := range t.Off {
		if off.Holds(at) {
			at = off.From
			return t.lastContact(at - 1)
		}
	}
	return at.Truncate(heartbeat)
}

func (t Trace) unix(at time.Duration) string { return strconv.FormatInt(t.Start.Add(at).Unix(), 10) }

// value resolves a value that is relative to the sweep or to the start; the reader has checked its form.
func (t Trace) value(text string, at time.Duration) string {
	rest, relative := strings.CutPrefix(text, "@")
	if !relative {
		return text
	}
	sign := rest[:1]
	offset, _ := parseDuration(strings.TrimLeft(rest, "+-"))
	switch sign {
	case "-":
		return t.unix(at - offset)
	case "+":
		return t.unix(at + offset)
	default:
		return t.unix(offset)
	}
}

// standing is how a data source stands at a time.
type standing struct {
	status   int
	errors   int64
	last     *Run // running or not
	finished *Run // last that ended; not one that never started
	success  *Run
}

func (s Source) at(at time.Duration) standing {
	next, _ := slices.BinarySearchFunc(s.Runs, at, func(r Run, at time.Duration) int {
		if r.Start <= at {
			return -1
		}
		return 1
	})
	var now standing
	for i := next - 1; i >= 0 && now.success == nil; i-- {
		run := &s.Runs[i]
		ended := run.End <= at && run.Status != columns.StatusInProcess
		if now.last == nil {
			now.last, now.status = run, columns.StatusInProcess
			if ended {
				now.status, now.errors = run.Status, run.Errors
			}
		}
		if !ended || run.Status == columns.StatusNotStarted || run.Status == columns.StatusRestarted {
			continue
		}
		if now.finished == nil {
			now.finished = run
		}
		if run.succeeded() {
			now.success = run
		}
	}
	return now
}

func (r Run) succeeded() bool {
	return r.Status == columns.StatusCompleted || r.Status == columns.StatusCompletedWithErrors
}

// sessionErrors is what session history says of the last run that ended, when it was bad.
func (s Source) sessionErrors(at time.Duration, start time.Time) *statusv1.SourceErrors {
	if len(s.Causes) == 0 || s.In != nil && !holds(s.In, at) {
		return nil
	}
	run := s.at(at).finished
	if run == nil || run.Status == columns.StatusCompleted && run.Errors == 0 {
		return nil
	}
	number := slices.Index(s.Runs, *run)
	status, _ := columns.StatusOf(run.Status)
	return &statusv1.SourceErrors{
		SourceCode: s.Code, SessionId: strconv.Itoa(number + 1), SessionStatus: status.Name,
		SessionStartedAt: timestamppb.New(start.Add(run.Start)), ErrorsTotal: max(run.Errors, 1),
		Errors: []*statusv1.SessionError{{Text: s.Causes[number%len(s.Causes)], Count: max(run.Errors, 1)}},
	}
}

// totals are the device's totals over its data sources. The vendor does not say how it totals the status; here a running
// session wins, and else the gravest. A trace that needs another total sets it.
type totals struct {
	status  int
	errors  int64
	success *Run
}

// gravity is the order in which states win the total, least first.
var gravity = []int{
	columns.StatusNoData, columns.StatusCompleted, columns.StatusNotStarted, columns.StatusRestarted, columns.StatusCompletedWithErrors,
	columns.StatusInterrupted, columns.StatusNoSelection, columns.StatusOverQuota, columns.StatusBlocked, columns.StatusAborted,
	columns.StatusFailed, columns.StatusInProcess,
}

func (t *totals) add(s standing) {
	if slices.Index(gravity, s.status) > slices.Index(gravity, t.status) {
		t.status = s.status
	}
	t.errors += s.errors
	if s.success != nil && (t.success == nil || s.success.End > t.success.End) {
		t.success = s.success
	}
}
