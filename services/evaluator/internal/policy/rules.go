// Package policy resolves what a tenant's policy says about one device at one time. It owns inheritance (system,
// tenant, customer, device), selectors, exclusions, maintenance windows, snoozes, expected errors and where
// each effective value comes from. It is pure: no I/O, no clock, no bus.
//
// It does not judge devices, and it does not read documents: package tenant does that.
package policy

import (
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Subject is what selectors look at.
type Subject struct {
	DeviceID     string
	Name         string
	ComputerName string
	Alias        string
	CustomerID   string
	CustomerName string
	Site         string
	Trial        bool // the customer does not pay yet
	Class        incidentv1.DeviceClass
	Profile      string
	ProfileID    int64 // 0 when unknown
	Tags         []string
}

// Rules are what policy says about one device at one time: every value is effective, nothing is left to inherit.
// A duration of 0 means that the condition is not judged.
type Rules struct {
	Version  string // of the policy, named in every event
	Excluded string // why the device is not judged; empty when it is
	Mute     *Mute  // a maintenance window or snooze in force; nil when there is none

	Class incidentv1.DeviceClass // of the subject: what the values below are for, named in every event
	Tags  []string               // of the subject, named in every event

	Off           map[incidentv1.ConditionKind]bool // conditions that are not judged
	IgnoreSources map[string]bool                   // data sources that are not judged, by code

	Stale       time.Duration            // age of the last good backup from which it is too old
	StaleSource map[string]time.Duration // the same by code of the data source, over Stale
	Overrun     time.Duration            // a session that runs for longer counts as stale
	Never       time.Duration            // grace of a new device for its first backup
	Silent      time.Duration            // time without contact
	NoErrorFree time.Duration            // time without a backup free of errors
	Persist     time.Duration            // how long "not started" and "restarted" must last to be failures

	Urgency incidentv1.Urgency
	Ladder  []Step // in order of After; the severity of an incident by its age

	OpenAfter, CloseAfter uint32        // sweeps in a row; at least 1
	OpenFor, CloseFor     time.Duration // and at least this time

	Flap Flap

	Expected []ExpectedError
	Custom   []CustomCondition

	Origins map[string]Origin // by key of the value ("stale", "stale.D01", "openAfter", "flap.changes"), for explanations

	excludeTrial bool
}

// StaleOf returns the age limit of a data source.
func (r Rules) StaleOf(source string) time.Duration {
	if limit, own := r.StaleSource[source]; own {
		return limit
	}
	return r.Stale
}

// Mute withholds news of a device.
type Mute struct {
	Reason string
	Until  time.Time
}

// Step is a severity reached at an age.
type Step struct {
	After    time.Duration
	Severity incidentv1.Severity
}

// Flap says when an incident counts as flapping: after Changes openings and closings Within, until it was Calm.
// Changes 0 means never.
type Flap struct {
	Changes uint32
	Within  time.Duration
	Calm    time.Duration
}

// Origin is where an effective value comes from.
type Origin struct {
	Level string // "system", "tenant", "customer" or "device"
	Rule  string // name of the override; empty for system and tenant
	Value string // the value in the words of the document, for example "24h"
}

// ExpectedError recognises session errors that are so by design.
type ExpectedError interface {
	Expects(source string, e *statusv1.SessionError) bool
}

// CustomCondition is a condition that the tenant defines by an expression.
type CustomCondition interface {
	Name() string
	When() string // the expression, as the document has it
	// Holds evaluates the expression over the facts of a device, which are those of expression.Facts in package
	// platform/tenant/expression, by name; an error means that it cannot be judged.
	Holds(facts map[string]any) (bool, error)
}
