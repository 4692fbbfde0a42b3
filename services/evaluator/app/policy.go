package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
	"github.com/covewise/covewise/services/evaluator/internal/policy/lint"
	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

// PolicyFinding is one thing that a policy says in vain, or that will surprise.
type PolicyFinding = lint.Finding

// Device is what a policy's selectors look at.
type Device = policy.Subject

// LintPolicy returns what a document's policy says in vain at a time. known are the devices that are known; none
// means that rules that fit nobody are not looked for.
func LintPolicy(doc tenant.Document, now time.Time, known []Device) []PolicyFinding {
	return lint.Check(doc, now, known)
}

// KnownDevices returns a tenant's devices, as its policy sees them, with what was last heard of them. Devices that the
// vendor no longer lists are left out.
func KnownDevices(ctx context.Context, b *bus.Bus, settings *tenantv1.Settings) ([]Device, error) {
	states, err := bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState)
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	var known []Device
	err = states.Each(ctx, bus.Key(settings.GetId())+".>", func(e bus.Entry[*incidentv1.DeviceState]) error {
		if snapshot := e.Value.GetSnapshot(); snapshot != nil && !e.Value.GetGone() {
			seen := decode.Observe(snapshot, snapshot.GetObservedAt().AsTime())
			known = append(known, judge.SubjectOf(settings.GetPolicy().GetDocumentsProfiles(), seen))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	slices.SortFunc(known, func(a, b Device) int { return strings.Compare(a.DeviceID, b.DeviceID) })
	return known, nil
}

// ParseClass reads a class of devices as documents name it.
func ParseClass(word string) (incidentv1.DeviceClass, error) {
	class, known := policy.ClassOf(word)
	if !known {
		return class, fmt.Errorf("%q is none of %s; write one of them", word, strings.Join(tenant.Classes(), ", "))
	}
	return class, nil
}

// EffectiveValue is one value of a policy that is in force for a device.
type EffectiveValue struct {
	Key   string // "stale", "stale.D10", "flap.changes"
	Value string // in the words of the document; "" for none
	Level string // where it comes from: "system", "tenant", "customer", "device"
	Rule  string // name of the override; empty for system and tenant
}

// Effective is what a policy says about one device at one time.
type Effective struct {
	Version  string
	Class    string           // as documents name it; "" for devices that are not judged
	Values   []EffectiveValue // in the order of the reference
	Excluded string           // why the device is not judged; empty when it is
	Muted    string           // why its news are withheld; empty when they are not
	Until    time.Time        // end of that
	Expected int              // expected errors in force
	Custom   []string         // names of the custom conditions that are judged
}

// EffectivePolicy resolves a policy for a device at a time.
func EffectivePolicy(p *tenantv1.Policy, about Device, at time.Time) (Effective, error) {
	compiled, err := policy.Compile(p)
	if err != nil {
		return Effective{}, err
	}
	rules := compiled.For(about, at)
	out := Effective{
		Version: rules.Version, Class: policy.ClassWord(about.Class), Excluded: rules.Excluded, Expected: len(rules.Expected),
	}
	if rules.Mute != nil {
		out.Muted, out.Until = rules.Mute.Reason, rules.Mute.Until
	}
	for _, c := range rules.Custom {
		out.Custom = append(out.Custom, c.Name())
	}
	for _, key := range tenant.PolicyKeys() {
		var names []string
		for name := range rules.Origins {
			if name == key.Name || key.BySource && strings.HasPrefix(name, key.Name+".") {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			origin := rules.Origins[name]
			out.Values = append(out.Values, EffectiveValue{Key: name, Value: origin.Value, Level: origin.Level, Rule: origin.Rule})
		}
	}
	return out, nil
}

// TraceResult says what a policy makes of one trace.
type TraceResult struct {
	Name  string
	Wrong []string // what differs from what the trace expects; empty when nothing does
	Got   []string // the incidents that came, as a trace writes them
}

// TestPolicy plays the traces of a file under a policy. A trace that lists incidents expects exactly those; any other
// expects an incident during each time that it wants one, and none outside of the times in which one may be. name is
// the file's, for errors.
func TestPolicy(p *tenantv1.Policy, name string, text []byte) ([]TraceResult, error) {
	family, err := trace.Read(name, text)
	if err != nil {
		return nil, err
	}
	compiled, err := policy.Compile(p)
	if err != nil {
		return nil, err
	}
	var results []TraceResult
	for _, t := range family.Traces {
		got := t.IncidentsOf(trace.Play(t, p.GetDocumentsProfiles(), compiled.For))
		r := TraceResult{Name: family.Name + ", " + t.Name, Wrong: differences(t, got)}
		for _, incident := range got {
			r.Got = append(r.Got, span(incident.Interval, incident.Open)+" "+incident.Says)
		}
		results = append(results, r)
	}
	return results, nil
}

func differences(t trace.Trace, got []trace.Incident) (wrong []string) {
	if t.Incidents == nil {
		return coarseDifferences(t, got)
	}
	for i, want := range t.Incidents {
		said := span(want.Interval, want.Open) + " " + want.Says
		switch {
		case i >= len(got):
			wrong = append(wrong, "expected "+said+", and it did not come")
		case want.Interval != got[i].Interval || want.Open != got[i].Open || want.Says != "" && want.Says != got[i].Says:
			wrong = append(wrong, "expected "+said+", and "+span(got[i].Interval, got[i].Open)+" "+got[i].Says+" came")
		}
	}
	for _, more := range got[min(len(got), len(t.Incidents)):] {
		wrong = append(wrong, span(more.Interval, more.Open)+" "+more.Says+" came, and was not expected")
	}
	return wrong
}

func coarseDifferences(t trace.Trace, got []trace.Incident) (wrong []string) {
	for _, want := range t.Want {
		if !slices.ContainsFunc(got, func(i trace.Incident) bool { return i.Meets(want) }) {
			wrong = append(wrong, "wanted during "+span(want, want.To == t.Length)+", and none came")
		}
	}
	for _, incident := range got {
		allowed := func(i trace.Interval) bool { return i.Meets(incident.Interval) }
		if !slices.ContainsFunc(t.Want, allowed) && !slices.ContainsFunc(t.May, allowed) {
			wrong = append(wrong, span(incident.Interval, incident.Open)+" "+incident.Says+" came, and was not wanted")
		}
	}
	return wrong
}

// span writes an interval as traces do.
func span(i trace.Interval, open bool) string {
	if open {
		return sinceStart(i.From) + "-"
	}
	return sinceStart(i.From) + "-" + sinceStart(i.To)
}

// sinceStart writes a time as "12d6h30m", without what is zero.
func sinceStart(d time.Duration) string {
	var text strings.Builder
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			fmt.Fprintf(&text, "%d%s", n, unit.name)
			d %= unit.size
		}
	}
	if text.Len() == 0 {
		return "0d"
	}
	return text.String()
}
