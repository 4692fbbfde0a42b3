package judge

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/platform/tenant/expression"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// custom: the tenant's own expression holds. One that needs a fact which is not known cannot be judged. Which texts and
// data sources an expression looks at is not known, so none is judged while one of those is lacking.
func (e evidence) custom(c policy.CustomCondition) judgement {
	j := judgement{key: key{kind: custom, source: DeviceWide, name: c.Name()}}
	if e.rules.Off[custom] {
		return j
	}
	switch holds, err := c.Holds(e.facts()); {
	case e.seen.lackingFacts() != "":
		return j.without(e.seen.lackingFacts())
	case err != nil:
		return j.without(cmp.Or(e.seen.TotalErrors.Lacking, e.seen.Contact.Lacking, e.seen.Created.Lacking))
	case holds:
		j.verdict = bad
		j.finding = finding(DeviceWide, deviceWideName, c.Name(), e.seen.TotalSuccess, e.rawFacts(c.When())...)
		j.finding.Rule = e.rule("customConditions", c.Name()+": "+c.When())
	default:
		j.verdict = good
	}
	return j
}

var words = regexp.MustCompile(`\w+`)

// rawFacts returns the raw values of those facts of an expression that are numbers or data sources.
func (e evidence) rawFacts(when string) []*statusv1.Column {
	asked := words.FindAllString(when, -1)
	var raw []*statusv1.Column
	for _, f := range []struct {
		name string
		raw  *statusv1.Column
	}{
		{"createdHours", e.seen.Created.Raw},
		{"contactHours", e.seen.Contact.Raw},
		{"successHours", e.seen.TotalSuccess.Raw},
		{"errors", e.seen.TotalErrors.Raw},
	} {
		if slices.Contains(asked, f.name) {
			raw = append(raw, f.raw)
		}
	}
	if slices.Contains(asked, "sources") {
		for _, s := range e.seen.Sources {
			raw = append(raw, s.Last.Raw, s.Finished.Raw, s.Errors.Raw, s.Success.Raw)
		}
	}
	return raw
}

var classNames = map[incidentv1.DeviceClass]string{
	incidentv1.DeviceClass_DEVICE_CLASS_SERVER:      "server",
	incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION: "workstation",
	incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:   "documents",
	incidentv1.DeviceClass_DEVICE_CLASS_M365:        "m365",
}

// facts are what expressions can use, as expression.Facts lists them: what is not known is absent or, for a
// text, empty.
func (e evidence) facts() map[string]any {
	d := e.seen.Device
	facts := map[string]any{
		"class":         classNames[e.rules.Class],
		"name":          d.GetName(),
		"computer":      d.GetComputerName(),
		"alias":         d.GetAlias(),
		"customer":      e.seen.Customer.GetName(),
		"customerId":    e.seen.Customer.GetId(),
		"site":          e.seen.Site,
		"profile":       d.GetProfile(),
		"product":       d.GetProduct(),
		"os":            d.GetOs(),
		"location":      d.GetStorageLocation(),
		"clientVersion": d.GetClientVersion(),
		"tags":          append([]string{}, e.rules.Tags...),
		"trial":         e.seen.Customer.GetState() == trialState,
		"succeeded":     e.seen.Succeeded,
	}
	for name, at := range map[string]Fact[time.Time]{
		"createdHours": e.seen.Created, "contactHours": e.seen.Contact, "successHours": e.seen.TotalSuccess,
	} {
		if at.Known && (name != "contactHours" || at.Lacking == "") {
			facts[name] = e.now.Sub(at.Value).Hours()
		}
	}
	if e.seen.TotalErrors.Known {
		facts["errors"] = float64(e.seen.TotalErrors.Value)
	}
	if e.seen.SourcesKnown {
		sources := make([]expression.Source, len(e.seen.Sources))
		for i, s := range e.seen.Sources {
			sources[i] = e.sourceFacts(s)
		}
		facts["sources"] = sources
	}
	return facts
}

// lackingFacts says what the sweep could not learn of the facts that are never absent, or "": an expression would take
// their zero values for known.
func (o Observation) lackingFacts() string {
	var lacking []string
	for _, s := range o.Sources {
		lacking = append(lacking, s.lacking())
	}
	if !o.Succeeded {
		lacking = append(lacking, o.TotalSuccess.Lacking)
	}
	return cmp.Or(append(lacking, slices.Sorted(maps.Values(o.LackingTexts))...)...)
}

func (s Source) lacking() string {
	return cmp.Or(s.Last.Lacking, s.lastFinished().Lacking, s.Success.Lacking, s.Errors.Lacking, s.Started.Lacking, s.EndedAt.Lacking, s.Selected.Lacking)
}

func (e evidence) sourceFacts(s Source) expression.Source {
	facts := expression.Source{Code: s.Code, Name: s.Name, Status: s.Last.Value.String()}
	if done := s.lastFinished(); done.Known {
		facts.Finished = done.Value.String()
	}
	if s.Errors.Known {
		facts.Errors = new(float64(s.Errors.Value))
	}
	if s.Success.Known {
		facts.SuccessHours = new(e.now.Sub(s.Success.Value).Hours())
	}
	if !s.Last.Value.Running() || s.running(e.now) > 0 {
		facts.RunningHours = new(s.running(e.now).Hours())
	}
	if s.Selected.Known {
		facts.SelectedGB = new(float64(s.Selected.Value) / 1e9)
	}
	return facts
}

// conditionName names a condition, for a person.
func conditionName(k key) string {
	if k.kind == custom {
		return k.name
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(k.kind.String(), "CONDITION_KIND_")), "_", " ")
}

// cannotJudge returns the name of a custom condition that needs what is not known, or "".
func cannotJudge(all []judgement) string {
	for _, j := range all {
		if j.kind == custom && j.verdict == unknown {
			return j.name
		}
	}
	return ""
}
