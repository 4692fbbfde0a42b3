package columns

import (
	"strconv"
	"strings"
)

// Status is one code of Cove's session status (N-able documentation; 0, 4 and 13 observed).
type Status struct {
	Code   int
	Name   string // the vendor's name, as storage nodes and the reporting API write it
	Phrase string // for people, to be read after "the last backup"
}

// The session status codes.
const (
	StatusNoData               = 0
	StatusInProcess            = 1
	StatusFailed               = 2
	StatusAborted              = 3
	StatusUnknown              = 4
	StatusCompleted            = 5
	StatusInterrupted          = 6
	StatusNotStarted           = 7
	StatusCompletedWithErrors  = 8
	StatusInProgressWithFaults = 9
	StatusOverQuota            = 10
	StatusNoSelection          = 11
	StatusRestarted            = 12
	StatusBlocked              = 13
)

var statuses = [...]Status{
	{StatusNoData, "NoData", "has left no data yet"},
	{StatusInProcess, "InProcess", "is running"},
	{StatusFailed, "Failed", "failed"},
	{StatusAborted, "Aborted", "was aborted"},
	{StatusUnknown, "Unknown", "is in an unknown state"},
	{StatusCompleted, "Completed", "completed"},
	{StatusInterrupted, "Interrupted", "was interrupted"},
	{StatusNotStarted, "NotStarted", "did not start"},
	{StatusCompletedWithErrors, "CompletedWithErrors", "completed with errors"},
	{StatusInProgressWithFaults, "InProgressWithFaults", "is running with faults"},
	{StatusOverQuota, "OverQuota", "exceeds the quota"},
	{StatusNoSelection, "NoSelection", "has nothing selected"},
	{StatusRestarted, "Restarted", "was restarted"},
	{StatusBlocked, "Blocked", "is blocked"},
}

// Statuses returns every known session status, in the order of their codes.
func Statuses() []Status {
	return append([]Status(nil), statuses[:]...)
}

// StatusOf returns the status with a code. It reports false for an unknown code, with a Status whose name
// and phrase carry the code.
func StatusOf(code int) (Status, bool) {
	if code >= 0 && code < len(statuses) {
		return statuses[code], true
	}
	number := strconv.Itoa(code)
	return Status{Code: code, Name: "Status" + number, Phrase: "has the unknown status " + number}, false
}

// ParseStatus reads a status as statistics columns give it (a code, "8") or as sessions do (the vendor's
// name, "CompletedWithErrors", in any case; InProgress is InProcess). It reports false for anything else.
func ParseStatus(value string) (Status, bool) {
	if code, ok := Int(value); ok {
		if code < 0 || code >= int64(len(statuses)) {
			return Status{}, false
		}
		return statuses[code], true
	}
	name := strings.TrimSpace(value)
	if strings.EqualFold(name, "InProgress") {
		return statuses[StatusInProcess], true
	}
	for _, status := range statuses {
		if strings.EqualFold(name, status.Name) {
			return status, true
		}
	}
	return Status{}, false
}
