package policy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant/expression"
	"github.com/covewise/covewise/platform/tenant/selector"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// ExcludedTrial is why a device of a customer in trial is excluded. Other exclusions have the reason that the
// document gives.
const ExcludedTrial = "trial"

// Policy is one version of a tenant's policy, ready to be asked about devices. It is safe for concurrent use.
type Policy struct {
	version   string
	below     []layer // system and tenant
	tags      []deviceTag
	overrides []override // those of customers, then those of devices
	exclude   []exclusion
	windows   []window
	snoozes   []snooze
	expected  []expectedError
	custom    []customCondition

	plain    map[incidentv1.DeviceClass]*Rules // of devices without overrides
	resolved sync.Map                          // combination -> *Rules: resolving takes longer than judging
	moment   atomic.Pointer[moment]            // what is in force at the time last asked about; a sweep has one time
}

type override struct {
	layer
	selector selector.Selector
}

type deviceTag struct {
	selector selector.Selector
	name     string
}

type exclusion struct {
	selector selector.Selector
	reason   string
}

type customCondition struct {
	selector   selector.Selector
	name       string
	expression *expression.Expression
}

// Name returns the condition's name.
func (c customCondition) Name() string { return c.name }

// When is the expression.
func (c customCondition) When() string { return c.expression.String() }

// Holds evaluates the condition's expression.
func (c customCondition) Holds(facts map[string]any) (bool, error) { return c.expression.Holds(facts) }

// Compile makes a policy ready to be asked. Its error, of class Rejected, names everything that cannot be understood;
// a policy that package tenant has read has nothing of that kind.
func Compile(p *tenantv1.Policy) (*Policy, error) {
	var wrong []error
	note := func(list, name string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s %q: %w", list, name, err))
		}
	}
	out := &Policy{version: p.GetVersion(), below: lowestLayers(p), plain: map[incidentv1.DeviceClass]*Rules{}}
	for _, l := range out.below {
		note("level", l.level, l.check())
	}
	overrides := func(level string, all []*tenantv1.PolicyOverride) (out []override) {
		for _, o := range all {
			l := layer{level: level, rule: o.GetName(), values: o.GetValues()}
			note(level, l.rule, l.check())
			out = append(out, override{layer: l, selector: selector.Compile(o.GetSelect())})
		}
		return out
	}
	out.overrides = append(overrides(LevelCustomer, p.GetCustomers()), overrides(LevelDevice, p.GetDevices())...)
	for _, t := range p.GetTags() {
		out.tags = append(out.tags, deviceTag{selector.Compile(t.GetSelect()), t.GetName()})
	}
	for _, e := range p.GetExclude() {
		out.exclude = append(out.exclude, exclusion{selector.Compile(e.GetSelect()), e.GetReason()})
	}
	for _, w := range p.GetWindows() {
		compiled, err := newWindow(w)
		note("window", w.GetName(), err)
		out.windows = append(out.windows, compiled)
	}
	for _, s := range p.GetSnoozes() {
		out.snoozes = append(out.snoozes, snooze{
			selector: selector.Compile(s.GetSelect()), until: s.GetUntil().AsTime(),
			reason: fmt.Sprintf("snoozed by %s: %s", s.GetAuthor(), s.GetReason()),
		})
	}
	for _, e := range p.GetExpectedErrors() {
		out.expected = append(out.expected, newExpectedError(e))
	}
	for _, c := range p.GetCustomConditions() {
		compiled, err := expression.Compile(c.GetWhen())
		note("custom condition", c.GetName(), err)
		out.custom = append(out.custom, customCondition{selector.Compile(c.GetSelect()), c.GetName(), compiled})
	}
	if len(wrong) > 0 {
		return nil, errclass.New(errclass.Rejected, "compile policy", errors.Join(wrong...))
	}
	for class := range classWords {
		out.plain[class] = rulesOf(out.version, resolve(class, out.below))
	}
	return out, nil
}

// Version returns the version that was compiled.
func (p *Policy) Version() string { return p.version }

// For returns what the policy says about a device at a time of the data. Maps and slices in it are shared: they are
// to be read only.
func (p *Policy) For(s Subject, at time.Time) Rules {
	look := lookAt(s)
	tags := s.Tags
	for _, t := range p.tags {
		if t.selector.Fits(look) {
			tags = append(slices.Clip(tags), t.name)
			look.Tag(t.name)
		}
	}
	rules := *p.values(s.Class, look)
	rules.Class, rules.Tags = s.Class, tags
	if rules.excludeTrial && s.Trial {
		rules.Excluded = ExcludedTrial
	}
	for _, e := range p.exclude {
		if rules.Excluded == "" && e.selector.Fits(look) {
			rules.Excluded = e.reason
		}
	}
	now := p.at(at)
	rules.Mute = now.mute(look)
	for _, e := range now.expected {
		if e.selector.Fits(look) {
			rules.Expected = append(rules.Expected, e)
		}
	}
	for _, c := range p.custom {
		if c.selector.Fits(look) {
			rules.Custom = append(rules.Custom, c)
		}
	}
	return rules
}

// values returns the rules by the overrides that fit a device, resolved once for each combination of them.
func (p *Policy) values(class incidentv1.DeviceClass, look *selector.Look) *Rules {
	var room [64]byte
	fitting := room[:0] // positions of the overrides that fit
	for i := range p.overrides {
		if p.overrides[i].selector.Fits(look) {
			fitting = binary.AppendUvarint(fitting, uint64(i))
		}
	}
	if len(fitting) == 0 {
		return p.plain[class]
	}
	key := combination{class, string(fitting)}
	if known, ok := p.resolved.Load(key); ok {
		return known.(*Rules) //nolint:forcetypeassert // nothing else is stored there
	}
	layers := slices.Clone(p.below)
	for len(fitting) > 0 {
		i, size := binary.Uvarint(fitting)
		layers, fitting = append(layers, p.overrides[i].layer), fitting[size:]
	}
	rules := rulesOf(p.version, resolve(class, layers))
	p.resolved.Store(key, rules)
	return rules
}

// combination is what the effective values depend on.
type combination struct {
	class     incidentv1.DeviceClass
	overrides string // their positions, written as varints
}
