package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// The levels, lowest first. A higher one wins.
const (
	LevelSystem   = "system"
	LevelTenant   = "tenant"
	LevelCustomer = "customer"
	LevelDevice   = "device"
)

// classWords are the classes as documents name them.
var classWords = map[incidentv1.DeviceClass]string{
	incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED: "",
	incidentv1.DeviceClass_DEVICE_CLASS_SERVER:      "server",
	incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION: "workstation",
	incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:   "documents",
	incidentv1.DeviceClass_DEVICE_CLASS_M365:        "m365",
}

// layer is a set of values: a level of its own, or one override of a level.
type layer struct {
	level  string
	rule   string
	values map[string]string
}

// lowestLayers are the system's and the tenant's values. A policy of an older version says all it has to say in its
// flat fields; conditions that did not exist then are not judged.
func lowestLayers(p *tenantv1.Policy) []layer {
	if len(p.GetSystem()) > 0 {
		return []layer{{level: LevelSystem, values: p.GetSystem()}, {level: LevelTenant, values: p.GetTenant()}}
	}
	values := map[string]string{
		"openAfter": fmt.Sprint(max(p.GetOpenAfter(), 1)), "closeAfter": fmt.Sprint(max(p.GetCloseAfter(), 1)), "excludeTrial": tenant.Off,
	}
	if p.GetExcludeTrial() {
		values["excludeTrial"] = tenant.On
	}
	for name, d := range map[string]time.Duration{
		"stale.server": p.GetStaleServer().AsDuration(), "stale.workstation": p.GetStaleWorkstation().AsDuration(),
		"stale.documents": p.GetStaleDocuments().AsDuration(), "stale.m365": p.GetStaleM365().AsDuration(),
		"never": p.GetNever().AsDuration(),
	} {
		if d > 0 {
			values[name] = d.String()
		}
	}
	return []layer{{level: LevelTenant, values: values}}
}

// check reports values that cannot be read.
func (l layer) check() error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(l.values)) {
		key, _, known := tenant.KeyOf(name)
		if !known {
			wrong = append(wrong, fmt.Errorf("%s is not a key of policies; it may be of a newer version", name))
			continue
		}
		if text := l.values[name]; text != tenant.Inherit {
			if _, err := key.Parse(text); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	return errors.Join(wrong...)
}

// setting is an effective value with where it comes from.
type setting struct {
	tenant.Value
	origin Origin
}

// resolve lays the layers over one another for a class. A value for the class wins over one for all classes of the
// same layer. A value for a data source stands beside them until a higher layer says something of the whole key.
func resolve(class incidentv1.DeviceClass, layers []layer) map[string]setting {
	keys := tenant.PolicyKeys()
	word := classWords[class]
	var above, now map[string]setting // above: at the end of the level before
	level := ""
	for _, l := range layers {
		if l.level != level || now == nil {
			above, level = now, l.level
			now = maps.Clone(above)
			if now == nil {
				now = map[string]setting{}
			}
		}
		for _, key := range keys {
			text, set := l.values[key.Name+"."+word]
			if !set || !key.ByClass || word == "" {
				text, set = l.values[key.Name]
			}
			if !set {
				continue
			}
			if key.BySource {
				maps.DeleteFunc(now, func(name string, _ setting) bool { return strings.HasPrefix(name, key.Name+".") })
			}
			l.put(now, above, key, key.Name, text)
			if key.BySource && text == tenant.Inherit {
				for name, before := range above {
					if strings.HasPrefix(name, key.Name+".") {
						now[name] = before
					}
				}
			}
		}
		for name, text := range l.values {
			if key, part, ok := tenant.KeyOf(name); ok && key.BySource && part != "" && !slices.Contains(tenant.Classes(), part) {
				l.put(now, above, key, name, text)
			}
		}
	}
	return now
}

// put sets one value, or gives it back to the level above.
func (l layer) put(now, above map[string]setting, key tenant.PolicyKey, name, text string) {
	if text == tenant.Inherit {
		delete(now, name)
		if before, there := above[name]; there {
			now[name] = before
		}
		return
	}
	value, err := key.Parse(text)
	if err != nil { // reported by check
		return
	}
	now[name] = setting{value, Origin{Level: l.level, Rule: l.rule, Value: text}}
}

var conditionKinds = map[string]incidentv1.ConditionKind{
	"conditions.failed":      incidentv1.ConditionKind_CONDITION_KIND_FAILED,
	"conditions.never":       incidentv1.ConditionKind_CONDITION_KIND_NEVER,
	"conditions.stale":       incidentv1.ConditionKind_CONDITION_KIND_STALE,
	"conditions.errors":      incidentv1.ConditionKind_CONDITION_KIND_ERRORS,
	"conditions.silent":      incidentv1.ConditionKind_CONDITION_KIND_SILENT,
	"conditions.noErrorFree": incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE,
	"conditions.custom":      incidentv1.ConditionKind_CONDITION_KIND_CUSTOM,
}

var urgencies = map[string]incidentv1.Urgency{
	"low": incidentv1.Urgency_URGENCY_LOW, "medium": incidentv1.Urgency_URGENCY_MEDIUM,
	"high": incidentv1.Urgency_URGENCY_HIGH, "critical": incidentv1.Urgency_URGENCY_CRITICAL,
}

// rulesOf writes effective values as rules.
func rulesOf(version string, values map[string]setting) *Rules {
	rules := &Rules{
		Version:       version,
		Off:           map[incidentv1.ConditionKind]bool{},
		IgnoreSources: map[string]bool{},
		Stale:         values["stale"].Duration,
		StaleSource:   map[string]time.Duration{},
		Overrun:       values["overrun"].Duration,
		Never:         values["never"].Duration,
		Silent:        values["silent"].Duration,
		NoErrorFree:   values["noErrorFree"].Duration,
		Persist:       values["persist"].Duration,
		Urgency:       urgencies[values["urgency"].Word],
		OpenAfter:     uint32(max(values["openAfter"].Count, 1)),
		CloseAfter:    uint32(max(values["closeAfter"].Count, 1)),
		OpenFor:       values["openFor"].Duration,
		CloseFor:      values["closeFor"].Duration,
		Flap: Flap{
			Changes: uint32(values["flap.changes"].Count), Within: values["flap.within"].Duration, Calm: values["flap.calm"].Duration,
		},
		Origins:      map[string]Origin{},
		excludeTrial: values["excludeTrial"].Switch,
	}
	for name, s := range values {
		rules.Origins[name] = s.origin
		if code, source := strings.CutPrefix(name, "stale."); source {
			rules.StaleSource[code] = s.Duration
		}
		if kind, condition := conditionKinds[name]; condition && !s.Switch {
			rules.Off[kind] = true
		}
	}
	for _, source := range values["ignoreSources"].Sources {
		rules.IgnoreSources[source] = true
	}
	for _, step := range []struct {
		name     string
		severity incidentv1.Severity
	}{
		{"ladder.warning", incidentv1.Severity_SEVERITY_WARNING},
		{"ladder.alert", incidentv1.Severity_SEVERITY_ALERT},
		{"ladder.critical", incidentv1.Severity_SEVERITY_CRITICAL},
	} {
		if after := values[step.name].Duration; after > 0 {
			rules.Ladder = append(rules.Ladder, Step{After: after, Severity: step.severity})
		}
	}
	// Overrides of several levels together may turn the ladder round; the gravest severity must then win.
	slices.SortStableFunc(rules.Ladder, func(a, b Step) int { return int(a.After - b.After) })
	return rules
}

// ClassWord returns a class as documents name it; "" for devices that are not judged.
func ClassWord(class incidentv1.DeviceClass) string { return classWords[class] }

// ClassOf returns the class that documents name so.
func ClassOf(word string) (class incidentv1.DeviceClass, known bool) {
	for class, known := range classWords {
		if known == word && word != "" {
			return class, true
		}
	}
	return incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED, false
}
