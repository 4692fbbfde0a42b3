// Package roster says how each device of a tenant stands: what is known of it, whether it is in trouble, and why it
// is not judged if it is not. It reads what the judge decided and asks it for the outcome; it decides nothing itself,
// and it is pure: no I/O, no clock, no bus.
package roster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// State is how a device stands.
type State string

// The states. A device that the vendor lists is in exactly one of the first four.
const (
	InTrouble State = "in trouble"
	Unknown   State = "unknown" // too little is known of it; never counted as healthy
	Healthy   State = "healthy"
	Excluded  State = "excluded" // policy judges neither it nor any of its data sources
	Gone      State = "gone"     // the vendor no longer lists it
)

// States returns all states, those first that a person looks for.
func States() []State { return []State{InTrouble, Unknown, Healthy, Excluded, Gone} }

// NotDescribed is why a device is unknown that the vendor lists and that no snapshot has described.
const NotDescribed = "not described yet"

// Device is one device as it stands.
type Device struct {
	ID          string
	State       State
	Reason      string             // why it is unknown or excluded; empty otherwise
	Class       string             // as documents name it: "server"; empty for a type that is not judged
	Device      *incidentv1.Device // decoded; nil for a device that no snapshot has described
	Customer    *statusv1.Customer // nil as above
	Site        string             // below the customer; may be empty
	LastContact time.Time          // by any trace, up to a day late while nothing else changes; zero when unknown
	Conditions  []Condition        // gravest first; empty unless in trouble
	Severity    string             // of the open incident by its age: "warning", "alert", "critical"; empty before the first step
	Incident    string             // id of the open incident; empty when none is open
	Muted       string             // why news of it are withheld; empty when they are not
	MutedUntil  time.Time          // end of that
	ObservedAt  time.Time          // of the snapshot: nothing but a heartbeat changed since; zero when there is none
}

// Condition is one thing that is wrong with a device.
type Condition struct {
	Kind    string    // "failed", "stale"; for one that policy defines, its name
	Sources []string  // names of the data sources concerned, in order; empty for the device as a whole
	Since   time.Time // observed time of the first sweep that saw it
	Pending bool      // it was not there for as long as policy asks before it is told
}

// Judge tells how devices stand by one policy at one time.
type Judge struct {
	policy   *policy.Policy
	profiles []int64
	at       time.Time
	lacking  decode.Lacking
}

// NewJudge compiles a policy. at is the observed time of the last complete sweep, lacking the columns that it lacked.
func NewJudge(p *tenantv1.Policy, at time.Time, lacking decode.Lacking) (*Judge, error) {
	compiled, err := policy.Compile(p)
	if err != nil {
		return nil, err
	}
	return &Judge{policy: compiled, profiles: p.GetDocumentsProfiles(), at: at, lacking: lacking}, nil
}

// Look tells how a device stands by what the evaluator remembers of it.
func (j *Judge) Look(state *incidentv1.DeviceState) Device {
	// Sweep 0 is older than any: the state is taken as it was decided, and not carried a sweep further. Only a
	// snapshot that is not judged yet is, as its own sweep is about to.
	sweep := judge.Sweep{At: j.at}
	observed := timeOf(state.GetSnapshot().GetObservedAt())
	if observed.After(j.at) {
		sweep = judge.Sweep{Number: state.GetSnapshot().GetSweep(), At: observed}
	}
	seen := decode.ObserveLacking(state.GetSnapshot(), sweep.At, j.lacking)
	subject := judge.SubjectOf(j.profiles, seen)
	rules := j.policy.For(subject, sweep.At)
	decision := judge.Decide(rules, state, seen, sweep)
	d := Device{
		ID: state.GetDeviceId(), State: stateOf(decision.Outcome), Class: policy.ClassWord(subject.Class), Device: seen.Device,
		Customer: seen.Customer, Site: seen.Site, ObservedAt: observed,
	}
	if seen.Contact.Known {
		d.LastContact = seen.Contact.Value
	}
	if d.State == Unknown || d.State == Excluded {
		d.Reason = decision.Reason
	}
	if d.State != InTrouble {
		return d
	}
	d.Conditions = conditions(decision.State, seen)
	if open := decision.State.GetOpen(); open != nil {
		d.Incident, d.Severity = open.GetIncidentId(), word(open.GetSeverity().String(), "SEVERITY_")
	}
	if rules.Mute != nil {
		d.Muted, d.MutedUntil = rules.Mute.Reason, rules.Mute.Until
	}
	return d
}

// Missing is a device that the vendor lists and that is not described.
func Missing(id string) Device { return Device{ID: id, State: Unknown, Reason: NotDescribed} }

// Sort puts devices in the order of their states, and in each by customer, name and id.
func Sort(all []Device) {
	rank := map[State]int{}
	for i, s := range States() {
		rank[s] = i
	}
	slices.SortFunc(all, func(a, b Device) int {
		return cmp.Or(
			cmp.Compare(rank[a.State], rank[b.State]),
			strings.Compare(strings.ToLower(a.Customer.GetName()), strings.ToLower(b.Customer.GetName())),
			strings.Compare(strings.ToLower(a.Label()), strings.ToLower(b.Label())),
			cmp.Compare(len(a.ID), len(b.ID)), strings.Compare(a.ID, b.ID),
		)
	})
}

// Label is the name that a person knows a device by: its alias, its computer's name or the vendor's name.
func (d Device) Label() string {
	return cmp.Or(d.Device.GetAlias(), d.Device.GetComputerName(), d.Device.GetName())
}

func stateOf(o judge.Outcome) State {
	switch o {
	case judge.Healthy:
		return Healthy
	case judge.InTrouble:
		return InTrouble
	case judge.Excluded:
		return Excluded
	case judge.Gone:
		return Gone
	case judge.Unknown:
	}
	return Unknown
}

// conditions returns what was told of a device's incident, and what is on its way in.
func conditions(state *incidentv1.DeviceState, seen judge.Observation) []Condition {
	var all []Condition
	told := map[string]bool{}
	for _, c := range state.GetOpen().GetConditions() {
		for _, f := range c.GetFindings() {
			kind := kindOf(c.GetKind(), f.GetSummary())
			told[kind+" "+f.GetSourceCode()] = true
			all = add(all, Condition{Kind: kind, Since: timeOf(cmp.Or(f.GetSince(), c.GetSince()))}, f.GetSourceCode(), f.GetSourceName())
		}
	}
	names := map[string]string{}
	for _, s := range seen.Sources {
		names[s.Code] = s.Name
	}
	for _, track := range state.GetTracks() {
		kind := kindOf(track.GetKind(), track.GetName())
		if !told[kind+" "+track.GetSourceCode()] {
			all = add(all, Condition{Kind: kind, Since: timeOf(track.GetSince()), Pending: true}, track.GetSourceCode(), cmp.Or(names[track.GetSourceCode()], track.GetSourceCode()))
		}
	}
	return all
}

// add adds a data source to the condition of its kind.
func add(all []Condition, c Condition, code, name string) []Condition {
	i := slices.IndexFunc(all, func(o Condition) bool { return o.Kind == c.Kind && o.Pending == c.Pending })
	if i < 0 {
		i = len(all)
		all = append(all, c)
	}
	if code != judge.DeviceWide {
		all[i].Sources = append(all[i].Sources, name)
	}
	if c.Since.Before(all[i].Since) {
		all[i].Since = c.Since
	}
	return all
}

func kindOf(kind incidentv1.ConditionKind, name string) string {
	if kind == incidentv1.ConditionKind_CONDITION_KIND_CUSTOM {
		return name
	}
	return word(kind.String(), "CONDITION_KIND_")
}

// word turns the name of an enumeration's value into words: "no error free".
func word(name, prefix string) string {
	w := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", " ")
	if w == "unspecified" {
		return ""
	}
	return w
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// String writes a condition for a person: "failed (Files and Folders)".
func (c Condition) String() string {
	text := c.Kind
	if len(c.Sources) > 0 {
		text = fmt.Sprintf("%s (%s)", c.Kind, strings.Join(c.Sources, ", "))
	}
	if c.Pending {
		text += ", not told yet"
	}
	return text
}
