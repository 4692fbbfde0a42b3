package judge_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// cols are the columns of a device. A value "@-2h" is that time before the snapshot, "@+3d" one after it.
type cols map[string]string

// with returns a copy with other values; "" takes a column out.
func (c cols) with(pairs ...string) cols {
	next := maps.Clone(c)
	for i := 0; i < len(pairs); i += 2 {
		next[pairs[i]] = pairs[i+1]
	}
	maps.DeleteFunc(next, func(_, value string) bool { return value == "" })
	return next
}

var relative = regexp.MustCompile(`^@([+-])(?:(\d+)d)?(.*)$`)

func (c cols) at(now time.Time) []*statusv1.Column {
	var all []*statusv1.Column
	for _, code := range slices.Sorted(maps.Keys(c)) {
		value := c[code]
		if m := relative.FindStringSubmatch(value); m != nil {
			days, _ := strconv.Atoi(m[2])
			rest, _ := time.ParseDuration(m[3])
			offset := time.Duration(days)*day + rest
			if m[1] == "-" {
				offset = -offset
			}
			value = strconv.FormatInt(now.Add(offset).Unix(), 10)
		}
		all = append(all, &statusv1.Column{Code: code, Value: value})
	}
	return all
}

// A server, a workstation and a Microsoft 365 tenant on which all is well.
var (
	server = cols{
		"AN": "srv-01", "MN": "SRV-01", "AT": "1", "OT": "2", "OS": "Windows Server 2019 Standard (17763), 64-bit", "CD": "@-400d",
		"I78": "D01D02", "T0": "5", "T7": "0", "TL": "@-2h", "TS": "@-3m",
		"D01F00": "5", "D01F06": "0", "D01F09": "@-2h", "D01F17": "5", "D01F18": "@-2h",
		"D02F00": "5", "D02F06": "0", "D02F09": "@-2h50m", "D02F17": "5", "D02F18": "@-2h50m",
	}
	workstation = cols{
		"AN": "nb-17", "MN": "NB-17", "AT": "1", "OT": "1", "OS": "Windows 10 Pro (19045), 64-bit", "OI": "33843", "PN": "All-In", "CD": "@-400d",
		"I78": "D01", "T0": "5", "T7": "0", "TL": "@-2h", "D01F00": "5", "D01F06": "0", "D01F09": "@-2h", "D01F17": "5", "D01F18": "@-2h",
	}
	m365 = cols{
		"AN": "acme.onmicrosoft.com", "AT": "2", "OT": "0", "CD": "@-400d",
		"I78": "D19D20D05D23", "T0": "5", "T7": "0", "TL": "@-2h",
		"D19F00": "5", "D19F06": "0", "D19F09": "@-2h45m", "D19F17": "5",
		"D20F00": "5", "D20F06": "0", "D20F09": "@-2h47m", "D20F17": "5",
		"D05F00": "5", "D05F06": "0", "D05F09": "@-3h21m", "D05F17": "5",
		"D23F00": "5", "D23F06": "0", "D23F09": "@-2h", "D23F17": "5",
	}
	running = []string{"T0", "1", "D01F00", "1", "D01F06", "0"}
	broken  = []string{"T0", "2", "T7", "15", "D01F00", "2", "D01F06", "15", "D01F17", "2"}
)

// rules are the rules of every device of a test; the age limit of its class is filled in for each.
func rules(openAfter, closeAfter uint32) policy.Rules {
	return policy.Rules{Version: "p1", Never: 48 * hour, OpenAfter: openAfter, CloseAfter: closeAfter}
}

var staleByClass = map[incidentv1.DeviceClass]time.Duration{
	incidentv1.DeviceClass_DEVICE_CLASS_SERVER:      24 * hour,
	incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION: 72 * hour,
	incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:   14 * day,
	incidentv1.DeviceClass_DEVICE_CLASS_M365:        24 * hour,
}

// device lives through sweeps as the evaluator would carry it.
type device struct {
	rules    policy.Rules
	trials   bool // customers in trial are judged
	customer *statusv1.Customer
	errors   []*statusv1.SourceErrors // of the next snapshots
	lacking  decode.Lacking           // columns that the next sweeps lack
	state    *incidentv1.DeviceState
	sweep    uint64
	now      time.Time
	events   []*incidentv1.Event
}

func newDevice(r policy.Rules) *device {
	return &device{rules: r, customer: &statusv1.Customer{Id: "481233", Name: "Bluefin Dental Group", Level: "EndCustomer", State: "InProduction"}, now: noon}
}

// with changes the rules from now on.
func (d *device) with(change func(r *policy.Rules)) *device {
	change(&d.rules)
	return d
}

// sees runs a sweep that brings a new snapshot.
func (d *device) sees(c cols) judge.Decision {
	d.receives(d.sweep+1, c)
	return d.sweeps()
}

// receives takes a snapshot without the end of its sweep.
func (d *device) receives(sweep uint64, c cols) {
	snapshot := &statusv1.Snapshot{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: "2345678", Source: "cove", Sweep: sweep, ObservedAt: timestamppb.New(d.now),
		Columns: c.at(d.now), Customer: d.customer, SourceErrors: d.errors,
	}
	d.state, _ = judge.Remember(d.state, snapshot, decode.Observe(snapshot, d.now))
}

// sweeps runs a complete sweep in which the device has not changed.
func (d *device) sweeps() judge.Decision {
	d.sweep++
	return d.decides(d.sweep)
}

func (d *device) decides(sweep uint64) judge.Decision {
	return d.apply(d.decision(sweep))
}

func (d *device) decision(sweep uint64) judge.Decision {
	seen := decode.ObserveLacking(d.state.GetSnapshot(), d.now, d.lacking)
	return judge.Decide(d.judgedBy(seen), d.state, seen, judge.Sweep{Number: sweep, At: d.now})
}

// judgedBy returns the device's rules at a look at it.
func (d *device) judgedBy(seen judge.Observation) policy.Rules {
	subject := judge.SubjectOf([]int64{5038}, seen)
	r := d.rules
	r.Class = subject.Class
	if r.Stale == 0 {
		r.Stale = staleByClass[subject.Class]
	}
	if subject.Trial && !d.trials {
		r.Excluded = "trial"
	}
	return r
}

// vanishes runs a complete sweep that no longer lists the device.
func (d *device) vanishes() judge.Decision {
	d.sweep++
	seen := decode.Observe(d.state.GetSnapshot(), d.now)
	return d.apply(judge.Remove(d.judgedBy(seen), d.state, seen, judge.Sweep{Number: d.sweep, At: d.now}))
}

func (d *device) apply(decision judge.Decision) judge.Decision {
	d.state = decision.State
	if decision.Event != nil {
		d.events = append(d.events, decision.Event)
	}
	return decision
}

func (d *device) passes(t time.Duration) *device {
	d.now = d.now.Add(t)
	return d
}

// told returns the device's events, one line each.
func (d *device) told() []string {
	lines := []string{}
	for _, e := range d.events {
		lines = append(lines, tell(e))
	}
	return lines
}

// tell writes an event as "<incident> r<revision> <kind>[, severity][, flapping]: <picture or resolution>".
func tell(e *incidentv1.Event) string {
	what := picture(e.GetConditions())
	if e.GetKind() == incidentv1.EventKind_EVENT_KIND_RESOLVED {
		what = strings.ToLower(strings.TrimPrefix(e.GetResolution().String(), "RESOLUTION_"))
	}
	var marks string
	if e.GetSeverity() != incidentv1.Severity_SEVERITY_UNSPECIFIED {
		marks = ", " + strings.ToLower(strings.TrimPrefix(e.GetSeverity().String(), "SEVERITY_"))
	}
	if e.GetFlapping() {
		marks += ", flapping"
	}
	kind := strings.ToLower(strings.TrimPrefix(e.GetKind().String(), "EVENT_KIND_"))
	return fmt.Sprintf("%s r%d %s%s: %s", e.GetIncidentId(), e.GetRevision(), kind, marks, what)
}

// picture writes conditions as "<kind> <source> <summary>, <source> <summary>; <kind> ...".
func picture(all []*incidentv1.Condition) string {
	var parts []string
	for _, c := range all {
		var findings []string
		for _, f := range c.GetFindings() {
			findings = append(findings, f.GetSourceCode()+" "+f.GetSummary())
		}
		parts = append(parts, strings.ToLower(strings.TrimPrefix(c.GetKind().String(), "CONDITION_KIND_"))+" "+strings.Join(findings, ", "))
	}
	return strings.Join(parts, "; ")
}

func encode(m proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	return data
}
