package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

var now = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// server is the device of most of these tests.
var server = policy.Subject{
	DeviceID: "5001", Name: "srv-01", ComputerName: "SRV01", Alias: "Front desk", CustomerID: "4711", CustomerName: "Bluefin Dental Group",
	Site: "Portland", Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER, Profile: "Servers daily", ProfileID: 9012, Tags: []string{"Gold"},
}

func compile(t testing.TB, change func(*tenantv1.Policy)) *policy.Policy {
	t.Helper()
	doc := tenant.Defaults()
	p := doc.Settings().GetPolicy()
	if change != nil {
		change(p)
	}
	compiled, err := policy.Compile(p)
	require.NoError(t, err)
	return compiled
}

func override(name string, s *tenantv1.Selector, values map[string]string) *tenantv1.PolicyOverride {
	return &tenantv1.PolicyOverride{Name: name, Select: s, Values: values}
}

var (
	bluefin = &tenantv1.Selector{Customers: []string{"*dental*"}}
	srv01   = &tenantv1.Selector{Devices: []string{"SRV-01"}}
	nobody  = &tenantv1.Selector{Customers: []string{"9999"}}
)

func TestTheSystemsValuesAreEffectiveWithoutAnyPolicy(t *testing.T) {
	p := compile(t, nil)
	rules := p.For(server, now)
	require.NotEmpty(t, rules.Version)
	require.Equal(t, p.Version(), rules.Version)
	require.Equal(t, 36*hour, rules.StaleOf("D01"))
	require.Equal(t, 48*hour, rules.Overrun)
	require.Equal(t, 48*hour, rules.Never)
	require.Equal(t, 48*hour, rules.Silent)
	require.Zero(t, rules.NoErrorFree)
	require.Equal(t, 12*hour, rules.Persist)
	require.Equal(t, incidentv1.Urgency_URGENCY_CRITICAL, rules.Urgency)
	require.Equal(t, []policy.Step{
		{7 * day, incidentv1.Severity_SEVERITY_WARNING}, {14 * day, incidentv1.Severity_SEVERITY_ALERT}, {30 * day, incidentv1.Severity_SEVERITY_CRITICAL},
	}, rules.Ladder)
	require.Equal(t, []uint32{1, 1}, []uint32{rules.OpenAfter, rules.CloseAfter})
	require.Equal(t, []time.Duration{0, 0}, []time.Duration{rules.OpenFor, rules.CloseFor})
	require.Equal(t, policy.Flap{Changes: 3, Within: 7 * day, Calm: 72 * hour}, rules.Flap)
	require.Empty(t, rules.Off)
	require.Empty(t, rules.IgnoreSources)
	require.Empty(t, rules.Excluded)
	require.Nil(t, rules.Mute)
	require.Equal(t, policy.Origin{Level: "system", Value: "36h"}, rules.Origins["stale"])
	require.Equal(t, server.Class, rules.Class)
	require.Equal(t, server.Tags, rules.Tags)

	for class, urgency := range map[incidentv1.DeviceClass]incidentv1.Urgency{
		incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION: incidentv1.Urgency_URGENCY_HIGH,
		incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS:   incidentv1.Urgency_URGENCY_HIGH,
		incidentv1.DeviceClass_DEVICE_CLASS_M365:        incidentv1.Urgency_URGENCY_MEDIUM,
	} {
		require.Equal(t, urgency, p.For(policy.Subject{Class: class}, now).Urgency)
	}
}

func TestHigherLevelsAndLaterOverridesWin(t *testing.T) {
	type stale struct {
		d01, d10    time.Duration
		level, rule string
	}
	for name, test := range map[string]struct {
		change func(*tenantv1.Policy)
		want   stale
	}{
		"nobody says anything: the system's": {
			func(*tenantv1.Policy) {}, stale{36 * hour, 36 * hour, "system", ""},
		},
		"the tenant's value for all classes wins over the system's for the class": {
			func(p *tenantv1.Policy) { p.Tenant = map[string]string{"stale": "30h"} }, stale{30 * hour, 30 * hour, "tenant", ""},
		},
		"the tenant's value for the class wins over the tenant's for all": {
			func(p *tenantv1.Policy) { p.Tenant = map[string]string{"stale": "30h", "stale.server": "31h"} },
			stale{31 * hour, 31 * hour, "tenant", ""},
		},
		"a value for another class says nothing": {
			func(p *tenantv1.Policy) { p.Tenant = map[string]string{"stale.m365": "31h"} }, stale{36 * hour, 36 * hour, "system", ""},
		},
		"a data source has its own": {
			func(p *tenantv1.Policy) { p.Tenant = map[string]string{"stale.D10": "off"} }, stale{36 * hour, 0, "system", ""},
		},
		"tenant says inherit: the system's": {
			func(p *tenantv1.Policy) { p.Tenant = map[string]string{"stale": "inherit"} }, stale{36 * hour, 36 * hour, "system", ""},
		},
		"the customer wins over the tenant, for its data sources too": {
			func(p *tenantv1.Policy) {
				p.Tenant = map[string]string{"stale": "30h", "stale.D10": "7d"}
				p.Customers = append(p.Customers, override("dentists", bluefin, map[string]string{"stale.server": "40h"}))
			}, stale{40 * hour, 40 * hour, "customer", "dentists"},
		},
		"a customer that is another's says nothing": {
			func(p *tenantv1.Policy) {
				p.Customers = append(p.Customers, override("others", nobody, map[string]string{"stale": "40h"}))
			}, stale{36 * hour, 36 * hour, "system", ""},
		},
		"of two customers' overrides the later wins": {
			func(p *tenantv1.Policy) {
				p.Customers = append(p.Customers, override("first", bluefin, map[string]string{"stale": "40h"}),
					override("second", bluefin, map[string]string{"stale": "50h"}))
			}, stale{50 * hour, 50 * hour, "customer", "second"},
		},
		"a later override that says nothing of it leaves it": {
			func(p *tenantv1.Policy) {
				p.Customers = append(p.Customers, override("first", bluefin, map[string]string{"stale": "40h"}),
					override("second", bluefin, map[string]string{"never": "50h"}))
			}, stale{40 * hour, 40 * hour, "customer", "first"},
		},
		"inherit undoes earlier overrides of its level": {
			func(p *tenantv1.Policy) {
				p.Tenant = map[string]string{"stale": "30h", "stale.D10": "7d"}
				p.Customers = append(p.Customers, override("first", bluefin, map[string]string{"stale": "40h"}),
					override("second", bluefin, map[string]string{"stale": "inherit"}))
			}, stale{30 * hour, 7 * day, "tenant", ""},
		},
		"the device wins over the customer whatever the order": {
			func(p *tenantv1.Policy) {
				p.Devices = append(p.Devices, override("this one", srv01, map[string]string{"stale": "60h"}))
				p.Customers = append(p.Customers, override("dentists", bluefin, map[string]string{"stale": "40h"}))
			}, stale{60 * hour, 60 * hour, "device", "this one"},
		},
		"a device that inherits has the customer's": {
			func(p *tenantv1.Policy) {
				p.Customers = append(p.Customers, override("dentists", bluefin, map[string]string{"stale": "40h", "stale.D10": "3d"}))
				p.Devices = append(p.Devices, override("wide", srv01, map[string]string{"stale": "60h", "stale.D10": "9d"}),
					override("narrow", srv01, map[string]string{"stale.server": "inherit"}))
			}, stale{40 * hour, 3 * day, "customer", "dentists"},
		},
		"a data source that inherits goes back to what the level above has for it": {
			func(p *tenantv1.Policy) {
				p.Tenant = map[string]string{"stale.D10": "5d"}
				p.Devices = append(p.Devices, override("wide", srv01, map[string]string{"stale.D10": "9d"}),
					override("narrow", srv01, map[string]string{"stale.D10": "inherit"}))
			}, stale{36 * hour, 5 * day, "system", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			rules := compile(t, test.change).For(server, now)
			origin := rules.Origins["stale"]
			require.Equal(t, test.want, stale{rules.StaleOf("D01"), rules.StaleOf("D10"), origin.Level, origin.Rule})
		})
	}
}

func TestEveryValueReachesTheRules(t *testing.T) {
	p := compile(t, func(p *tenantv1.Policy) {
		p.Tenant = map[string]string{
			"overrun": "1h", "never": "2h", "silent": "3h", "noErrorFree": "4h", "persist": "5h", "openAfter": "6", "openFor": "7h",
			"closeAfter": "8", "closeFor": "9h", "flap.changes": "10", "flap.within": "11h", "flap.calm": "12h", "ladder.warning": "off",
			"ladder.alert": "13h", "ladder.critical": "14h", "urgency": "low", "conditions.errors": "off", "conditions.custom": "off",
			"ignoreSources": "D02 D11", "excludeTrial": "off",
		}
	})
	trial := server
	trial.Trial = true
	rules := p.For(trial, now)
	for name, origin := range rules.Origins {
		if _, set := map[string]bool{"stale": true, "conditions.failed": true, "conditions.never": true, "conditions.stale": true, "conditions.silent": true, "conditions.noErrorFree": true}[name]; !set {
			require.Equal(t, "tenant", origin.Level, name)
		}
	}
	rules.Origins, rules.Version, rules.Stale, rules.StaleSource = nil, "", 0, nil
	require.Equal(t, policy.Rules{
		Class: server.Class, Tags: server.Tags,
		Overrun: hour, Never: 2 * hour, Silent: 3 * hour, NoErrorFree: 4 * hour, Persist: 5 * hour, OpenAfter: 6, OpenFor: 7 * hour,
		CloseAfter: 8, CloseFor: 9 * hour, Flap: policy.Flap{Changes: 10, Within: 11 * hour, Calm: 12 * hour},
		Ladder:  []policy.Step{{13 * hour, incidentv1.Severity_SEVERITY_ALERT}, {14 * hour, incidentv1.Severity_SEVERITY_CRITICAL}},
		Urgency: incidentv1.Urgency_URGENCY_LOW,
		Off: map[incidentv1.ConditionKind]bool{
			incidentv1.ConditionKind_CONDITION_KIND_ERRORS: true, incidentv1.ConditionKind_CONDITION_KIND_CUSTOM: true,
		},
		IgnoreSources: map[string]bool{"D02": true, "D11": true},
	}, rules)
}

func TestSelectors(t *testing.T) {
	for name, test := range map[string]struct {
		selector *tenantv1.Selector
		want     bool
	}{
		"nothing chooses everything":                 {&tenantv1.Selector{}, true},
		"the customer's id":                          {&tenantv1.Selector{Customers: []string{"4711"}}, true},
		"a part of an id is another id":              {&tenantv1.Selector{Customers: []string{"471"}}, false},
		"the customer's name in other case":          {&tenantv1.Selector{Customers: []string{"BLUEFIN dental group"}}, true},
		"a part of a name is another name":           {&tenantv1.Selector{Customers: []string{"Bluefin"}}, false},
		"any text before and after":                  {&tenantv1.Selector{Customers: []string{"*fin dent*"}}, true},
		"several wildcards":                          {&tenantv1.Selector{Customers: []string{"*b*d*g*p"}}, true},
		"several wildcards in another order":         {&tenantv1.Selector{Customers: []string{"*g*d*b*"}}, false},
		"one letter":                                 {&tenantv1.Selector{Devices: []string{"srv-0?"}}, true},
		"one letter is one letter":                   {&tenantv1.Selector{Devices: []string{"srv-?"}}, false},
		"the device's id":                            {&tenantv1.Selector{Devices: []string{"5001"}}, true},
		"the computer's name":                        {&tenantv1.Selector{Devices: []string{"srv01"}}, true},
		"the alias":                                  {&tenantv1.Selector{Devices: []string{"front*"}}, true},
		"one of several":                             {&tenantv1.Selector{Devices: []string{"x", "y*", "srv*"}}, true},
		"the site":                                   {&tenantv1.Selector{Sites: []string{"port*"}}, true},
		"another site":                               {&tenantv1.Selector{Sites: []string{"salem"}}, false},
		"the class":                                  {&tenantv1.Selector{Classes: []string{"m365", "server"}}, true},
		"another class":                              {&tenantv1.Selector{Classes: []string{"workstation"}}, false},
		"the profile's name":                         {&tenantv1.Selector{Profiles: []string{"servers *"}}, true},
		"the profile's id":                           {&tenantv1.Selector{Profiles: []string{"9012"}}, true},
		"the tag":                                    {&tenantv1.Selector{Tags: []string{"gold"}}, true},
		"another tag":                                {&tenantv1.Selector{Tags: []string{"silver"}}, false},
		"everything must fit":                        {&tenantv1.Selector{Customers: []string{"4711"}, Classes: []string{"m365"}}, false},
		"a star alone is anything that is there":     {&tenantv1.Selector{Tags: []string{"*"}}, true},
		"an expression of another language is plain": {&tenantv1.Selector{Customers: []string{"%dental%", ".*dental.*"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := compile(t, func(p *tenantv1.Policy) {
				p.Exclude = []*tenantv1.Exclusion{{Name: "x", Select: test.selector, Reason: "by design"}}
			})
			want := ""
			if test.want {
				want = "by design"
			}
			require.Equal(t, want, p.For(server, now).Excluded)
		})
	}
	cyrillic := server
	cyrillic.CustomerName = "Стоматология"
	p := compile(t, func(p *tenantv1.Policy) {
		p.Exclude = []*tenantv1.Exclusion{{Select: &tenantv1.Selector{Customers: []string{"стомато?ог*"}}, Reason: "by design"}}
	})
	require.Equal(t, "by design", p.For(cyrillic, now).Excluded, "letters of other scripts are letters")
}

func TestDevicesHaveTheTagsThatPolicyGivesThem(t *testing.T) {
	p := compile(t, func(p *tenantv1.Policy) {
		p.Tags = []*tenantv1.DeviceTag{{Name: "Lab", Select: srv01}, {Name: "other", Select: nobody}}
		p.Devices = append(p.Devices, override("lab", &tenantv1.Selector{Tags: []string{"lab"}}, map[string]string{"never": "9d"}))
	})
	rules := p.For(server, now)
	require.Equal(t, []string{"Gold", "Lab"}, rules.Tags)
	require.Equal(t, 9*day, rules.Never)
	require.Equal(t, []string{"Gold"}, server.Tags, "the subject is left as it was")
}

func TestTrialIsAReasonOfItsOwn(t *testing.T) {
	trial := server
	trial.Trial = true
	require.Equal(t, policy.ExcludedTrial, compile(t, nil).For(trial, now).Excluded)
	p := compile(t, func(p *tenantv1.Policy) {
		p.Customers = append(p.Customers, override("dentists", bluefin, map[string]string{"excludeTrial": "off"}))
	})
	require.Empty(t, p.For(trial, now).Excluded, "a customer can be judged though it is in trial")
}

func TestSnoozesAndExpectedErrorsEnd(t *testing.T) {
	end := now.Add(10 * day)
	p := compile(t, func(p *tenantv1.Policy) {
		p.Snoozes = []*tenantv1.Snooze{
			{Name: "short", Select: srv01, Reason: "disk ordered", Author: "ann", Until: timestamppb.New(now.Add(day))},
			{Name: "long", Select: bluefin, Reason: "office moves", Author: "bob", Until: timestamppb.New(end)},
			{Name: "others", Select: nobody, Reason: "none of ours", Author: "bob", Until: timestamppb.New(now.Add(99 * day))},
		}
		p.ExpectedErrors = []*tenantv1.ExpectedError{{
			Name: "leavers", Select: srv01, Sources: []string{"D19"}, Text: "*not found*", Item: "gone@*", Reason: "left", Until: timestamppb.New(end),
		}}
	})
	gone := &statusv1.SessionError{Text: "Mailbox was NOT found.", Item: "Gone@bluefin.example"}
	for at, want := range map[time.Time]bool{now: true, end.Add(-1): true, end: false, end.Add(-400 * day): false} {
		rules := p.For(server, at)
		if !want {
			require.Nil(t, rules.Mute, "ended, or not in force yet: nobody withholds news for more than a year")
			require.Empty(t, rules.Expected)
			continue
		}
		require.Equal(t, &policy.Mute{Reason: "snoozed by bob: office moves", Until: end}, rules.Mute, "the one that ends last")
		require.Len(t, rules.Expected, 1)
		require.True(t, rules.Expected[0].Expects("D19", gone))
		require.False(t, rules.Expected[0].Expects("D20", gone), "another data source")
		require.False(t, rules.Expected[0].Expects("D19", &statusv1.SessionError{Text: gone.GetText(), Item: "here@bluefin.example"}))
		require.False(t, rules.Expected[0].Expects("D19", &statusv1.SessionError{Text: "Access denied", Item: gone.GetItem()}))
		require.False(t, rules.Expected[0].Expects("D19", &statusv1.SessionError{Text: gone.GetText()}), "no item is no match")
	}
}

func TestCustomConditionsAreForWhomTheyAreMeant(t *testing.T) {
	p := compile(t, func(p *tenantv1.Policy) {
		p.CustomConditions = []*tenantv1.CustomCondition{
			{Name: "slow", Select: bluefin, When: "successHours > 10"}, {Name: "others", Select: nobody, When: "errors > 1"},
		}
	})
	custom := p.For(server, now).Custom
	require.Len(t, custom, 1)
	require.Equal(t, "slow", custom[0].Name())
	holds, err := custom[0].Holds(map[string]any{"successHours": 11.0})
	require.NoError(t, err)
	require.True(t, holds)
	_, err = custom[0].Holds(map[string]any{})
	require.Error(t, err, "what is not known is not judged")
}

func TestPoliciesOfOlderVersionsSayWhatTheySaid(t *testing.T) {
	p, err := policy.Compile(&tenantv1.Policy{
		Version: "old", StaleServer: durationpb.New(36 * hour), Never: durationpb.New(2 * day), OpenAfter: 2, CloseAfter: 3, ExcludeTrial: true,
	})
	require.NoError(t, err)
	rules := p.For(server, now)
	require.Equal(t, policy.Origin{Level: "tenant", Value: "36h0m0s"}, rules.Origins["stale"])
	rules.Origins = nil
	require.Equal(t, "old", rules.Version)
	require.Equal(t, []time.Duration{36 * hour, 2 * day, 0, 0}, []time.Duration{rules.Stale, rules.Never, rules.Silent, rules.Overrun})
	require.Equal(t, []uint32{2, 3}, []uint32{rules.OpenAfter, rules.CloseAfter})
	trial := server
	trial.Trial = true
	require.Equal(t, policy.ExcludedTrial, p.For(trial, now).Excluded)
}

func TestCompileNamesWhatItCannotUnderstand(t *testing.T) {
	p := tenant.Defaults().Settings().GetPolicy()
	p.Tenant = map[string]string{"stale": "soon", "colour": "red"}
	p.Customers = append(p.Customers, override("x", bluefin, map[string]string{"openAfter": "0"}))
	p.Windows = append(p.Windows, &tenantv1.MaintenanceWindow{Name: "w", Cron: "never", Zone: "UTC"}, &tenantv1.MaintenanceWindow{Name: "z", Cron: "0 2 * * *", Zone: "Nowhere"})
	p.CustomConditions = append(p.CustomConditions, &tenantv1.CustomCondition{Name: "c", When: "1"})
	_, err := policy.Compile(p)
	require.Equal(t, errclass.Rejected, errclass.Of(err))
	for _, want := range []string{
		`level "tenant": colour is not a key of policies; it may be of a newer version`, `stale: "soon" is not a duration`,
		`customer "x": openAfter: "0" is not a whole number`, `window "w": "never" is not a cron line`, `window "z": zone "Nowhere" is not known`,
		`custom condition "c": expected bool, but got int`,
	} {
		require.ErrorContains(t, err, want)
	}
}

func BenchmarkFor(b *testing.B) {
	doc := tenant.Defaults()
	p := doc.Settings().GetPolicy()
	for i := range 20 {
		name := string(rune('a' + i))
		p.Customers = append(p.Customers, override("c"+name, &tenantv1.Selector{Customers: []string{"*" + name + "dental*"}}, map[string]string{"stale": "40h"}))
		p.Devices = append(p.Devices, override("d"+name, &tenantv1.Selector{Devices: []string{name + "*"}}, map[string]string{"never": "40h"}))
		p.Snoozes = append(p.Snoozes, &tenantv1.Snooze{Select: &tenantv1.Selector{Devices: []string{name + "-*"}}, Until: timestamppb.New(now.Add(day))})
		p.Windows = append(p.Windows, &tenantv1.MaintenanceWindow{Cron: "0 2 * * *", Zone: "Europe/London", Duration: durationpb.New(hour), Select: bluefin})
	}
	compiled, err := policy.Compile(p)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		compiled.For(server, now)
	}
}
