// Package route decides where a ticket goes: it reads a tenant's routing rules for an incident and says which value each
// field gets and which rule gave it. It is pure, and knows names only: what ConnectWise has under them is the desk's.
package route

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/covewise/covewise/platform/tenant/selector"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Choice is a value and where it is from.
type Choice struct {
	Value string
	Key   string // path in the tenant's document, "tickets.routing[2].set.board"
	Rule  string // name of the rule
}

// Route is what the rules say about one incident. Fields that no rule sets are absent.
type Route struct {
	Fields map[string]Choice // by name, as tenant.RouteFields in package platform/tenant has them
	Custom map[string]Choice // custom fields by id; values as JSON
}

// For returns the route of an incident: of the rules that fit, the first that sets a field decides it. Priority on the
// one hand, and impact and urgency on the other, are one field, because ConnectWise makes one of the other.
func For(rules []*tenantv1.TicketRoute, e *incidentv1.Event) Route {
	r := Route{Fields: map[string]Choice{}, Custom: map[string]Choice{}}
	subject := subjectOf(e)
	for i, rule := range rules {
		if !fits(rule, e, subject) {
			continue
		}
		choice := func(path, value string) Choice {
			return Choice{Value: value, Key: fmt.Sprintf("tickets.routing[%d].set.%s", i, path), Rule: rule.GetName()}
		}
		decided := r.Urgent()
		for field, value := range rule.GetSet() {
			if _, there := r.Fields[field]; !there && (!decided || !isUrgent(field)) {
				r.Fields[field] = choice(field, value)
			}
		}
		for id, value := range rule.GetCustomFields() {
			if _, there := r.Custom[id]; !there {
				r.Custom[id] = choice("customFields."+id, value)
			}
		}
	}
	return r
}

func isUrgent(field string) bool {
	return slices.Contains([]string{"priority", "impact", "urgency"}, field)
}

// Urgent reports whether a rule set the priority, or what ConnectWise makes one of.
func (r Route) Urgent() bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(r.Fields)), isUrgent)
}

// Explain tells which rule gave which fields, in the order of their names: `board, team by "noc"; owner by "sql"`. It is
// empty when no rule gave any.
func (r Route) Explain() string {
	byRule := map[string][]string{}
	for field, c := range r.Fields {
		byRule[c.Rule] = append(byRule[c.Rule], field)
	}
	for id, c := range r.Custom {
		byRule[c.Rule] = append(byRule[c.Rule], "custom field "+id)
	}
	parts := make([]string, 0, len(byRule))
	for rule, fields := range byRule {
		slices.Sort(fields)
		parts = append(parts, fmt.Sprintf("%s by %q", strings.Join(fields, ", "), rule))
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

func fits(rule *tenantv1.TicketRoute, e *incidentv1.Event, subject selector.Subject) bool {
	return selector.Fits(rule.GetSelect(), subject) && fitsConditions(rule.GetConditions(), e) && fitsSources(rule.GetSources(), e) &&
		(len(rule.GetSeverities()) == 0 || slices.Contains(rule.GetSeverities(), severityWord(e.GetSeverity())))
}

func fitsConditions(words []string, e *incidentv1.Event) bool {
	return len(words) == 0 || slices.ContainsFunc(e.GetConditions(), func(c *incidentv1.Condition) bool {
		return slices.Contains(words, conditionWord(c.GetKind()))
	})
}

func fitsSources(codes []string, e *incidentv1.Event) bool {
	return len(codes) == 0 || slices.ContainsFunc(e.GetConditions(), func(c *incidentv1.Condition) bool {
		return slices.ContainsFunc(c.GetFindings(), func(f *incidentv1.Finding) bool { return slices.Contains(codes, f.GetSourceCode()) })
	})
}

func subjectOf(e *incidentv1.Event) selector.Subject {
	d := e.GetDevice()
	return selector.Subject{
		DeviceID: e.GetDeviceId(), DeviceNames: []string{d.GetName(), d.GetComputerName(), d.GetAlias()}, Class: classWord(d.GetClass()),
		CustomerID: e.GetCustomer().GetId(), CustomerName: e.GetCustomer().GetName(), Site: e.GetSite(), Profile: d.GetProfile(), Tags: e.GetTags(),
	}
}

func classWord(c incidentv1.DeviceClass) string {
	return map[incidentv1.DeviceClass]string{
		incidentv1.DeviceClass_DEVICE_CLASS_SERVER: "server", incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION: "workstation",
		incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS: "documents", incidentv1.DeviceClass_DEVICE_CLASS_M365: "m365",
	}[c]
}

func severityWord(s incidentv1.Severity) string {
	return map[incidentv1.Severity]string{
		incidentv1.Severity_SEVERITY_WARNING: "warning", incidentv1.Severity_SEVERITY_ALERT: "alert", incidentv1.Severity_SEVERITY_CRITICAL: "critical",
	}[s]
}

func conditionWord(k incidentv1.ConditionKind) string {
	return map[incidentv1.ConditionKind]string{
		incidentv1.ConditionKind_CONDITION_KIND_FAILED: "failed", incidentv1.ConditionKind_CONDITION_KIND_NEVER: "never",
		incidentv1.ConditionKind_CONDITION_KIND_STALE: "stale", incidentv1.ConditionKind_CONDITION_KIND_ERRORS: "errors",
		incidentv1.ConditionKind_CONDITION_KIND_SILENT: "silent", incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE: "noErrorFree",
		incidentv1.ConditionKind_CONDITION_KIND_CUSTOM: "custom", incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT: "notSwept",
		incidentv1.ConditionKind_CONDITION_KIND_CORRELATED: "correlated",
	}[k]
}
