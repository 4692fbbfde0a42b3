// Package judge decides whether devices are in trouble. It owns the conditions, their rules, the hysteresis,
// the lifecycle of incidents and the text of findings. It is pure: no I/O, no clock, no bus; time is the
// observed time of a sweep, so that a replay of the same sweeps gives the same events, byte for byte.
//
// It knows no vendor: what a vendor's columns mean is for the package decode to say, which hands over an
// Observation. It does not make tickets, and it does not know who is told about its events.
package judge

import (
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// DeviceWide is the source code of findings that concern a device as a whole.
const DeviceWide = "D09"

const deviceWideName = "All data sources"

// Kind is what sort of device the vendor says it is.
type Kind uint8

// The kinds of devices.
const (
	KindUnreported Kind = iota // the vendor did not say; nothing can be judged
	KindComputer               // a server or a workstation
	KindM365                   // a Microsoft 365 tenant
	KindOther                  // a kind that is not judged
)

// OSKind is what sort of operating system the vendor says a computer has.
type OSKind uint8

// The kinds of operating systems.
const (
	OSUnreported OSKind = iota
	OSWorkstation
	OSServer
)

// Status is the state of a backup session.
type Status uint8

// The session states. The zero value says nothing about any session.
const (
	StatusNoData Status = iota
	StatusRunning
	StatusRunningWithFaults
	StatusFailed
	StatusAborted
	StatusUnknown
	StatusCompleted
	StatusCompletedWithErrors
	StatusInterrupted
	StatusNotStarted
	StatusOverQuota
	StatusNoSelection
	StatusRestarted
	StatusBlocked
)

var statusNames = [...]string{
	"No data", "In process", "In process with faults", "Failed", "Aborted", "Unknown", "Completed", "Completed with errors",
	"Interrupted", "Not started", "Over quota", "No selection", "Restarted", "Blocked",
}

// String returns the status in words, for a person.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "Unknown"
}

// Running reports whether the session has not ended yet.
func (s Status) Running() bool { return s == StatusRunning || s == StatusRunningWithFaults }

// Succeeded reports whether a session in this state left a good backup, with or without errors.
func (s Status) Succeeded() bool { return s == StatusCompleted || s == StatusCompletedWithErrors }

// waiting reports whether the session should run and does not: a failure only when it lasts.
func (s Status) waiting() bool { return s == StatusNotStarted || s == StatusRestarted }

// failure reports whether a finished session in this state left no backup.
func (s Status) failure() bool {
	switch s {
	case StatusFailed, StatusAborted, StatusInterrupted, StatusOverQuota, StatusNoSelection, StatusBlocked:
		return true
	default:
		return false
	}
}

// unsettled reports whether the session is on its way: its counters are not those of a finished one.
func (s Status) unsettled() bool {
	return s.Running() || s.waiting()
}

// Fact is a value that the vendor reported, or did not.
type Fact[T any] struct {
	Value T                // the zero value when not known
	Known bool             // false when the vendor gave no information
	Raw   *statusv1.Column // what the vendor wrote, usable or not; nil when nothing was
	// Lacking says, for a person, what kept the sweep from learning the value of any device, as "column D01F09
	// (refused)". It is empty when the vendor was asked and answered: then no value means that there is none.
	Lacking string
}

// Source is one configured data source of a device.
type Source struct {
	Code     string
	Name     string
	Last     Fact[Status]    // last session, which may be running
	Started  Fact[time.Time] // when that session began
	Finished Fact[Status]    // last session that ended
	EndedAt  Fact[time.Time] // when it ended
	Errors   Fact[int64]     // errors of the last session; while it runs, of the running one
	Success  Fact[time.Time] // last good backup, never later than now
	Selected Fact[int64]     // bytes selected for backup
	// Succeeded is true when a status tells of a good backup at any time. Without a usable time in Success its age is
	// not known, which is not the same as that there is none.
	Succeeded bool
}

// Observation is a device as it stands at a sweep, decoded.
type Observation struct {
	DeviceID  string
	Kind      Kind
	OS        OSKind
	ProfileID Fact[int64]
	Device    *incidentv1.Device // for people; its class is left for the judge to fill in
	Customer  *statusv1.Customer
	Site      string
	Created   Fact[time.Time]
	// Contact is when the vendor last heard of the device, by any trace. The poller brings a new heartbeat only
	// once a day as long as nothing else changes, so it may be heartbeatStep too old.
	Contact Fact[time.Time]

	// SourcesKnown is false when the vendor did not say which data sources are configured.
	SourcesKnown bool
	Sources      []Source // in order of code
	// Succeeded is true when anything, on any data source, tells of a good backup at any time.
	Succeeded    bool
	TotalErrors  Fact[int64]     // errors counted on the device as a whole
	TotalSuccess Fact[time.Time] // newest good backup of any data source, as the vendor totals it

	// LackingTexts says of texts about the device, by their names in expressions, what kept the sweep from learning them.
	LackingTexts map[string]string

	Errors []*statusv1.SourceErrors // session errors, in order of data source code
}
