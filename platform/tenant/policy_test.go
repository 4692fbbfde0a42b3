package tenant_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
)

// wholePolicy has every key of the policy that the other documents of these tests have not.
const wholePolicy = minimal + `policy:
  stale: {server: 36h, D10: 7d, D19: "off"}
  silent: off
  urgency: {server: critical, m365: low}
  conditions: {errors: off, silent: true}
  ladder: {warning: 5d}
  flap: {changes: 0}
  ignoreSources: [D02, D11]
  group: {window: 1h, devices: 5, share: 100, join: attach}
  notSweptAfter: 4
  tags: [{name: lab, select: {device: "LAB-*"}}]
  customers:
    - name: dentists
      select: {customer: [4711, "*Dental*"]}
      stale: 48h
      openAfter: {server: 2}
  devices:
    - name: lab
      select: {customer: "4711", site: North, class: [workstation, documents], device: "LAB-*", profile: 5038, tag: lab}
      conditions: {errors: inherit, never: off}
      stale: {server: inherit}
  exclude:
    - name: test machines
      select: {device: "TEST-*"}
      reason: never backed up by design
  windows:
    - name: patch night
      select: all
      cron: 0 2 * * sun
      duration: 4h
      zone: Europe/London
      reason: servers restart
  snoozes:
    - name: moving house
      select: {customer: "4711"}
      reason: office moves
      author: ann
      until: 2027-03-31
    - name: new disk
      select: {device: SRV-01}
      reason: disk ordered
      author: ann
      until: "2027-01-02T18:00:00+01:00"
  expectedErrors:
    - name: leavers
      select: {class: m365}
      source: D19
      item: "gone@*"
      reason: mailboxes are gone by design
      until: 2027-06-30
  customConditions:
    - name: old servers
      select: {class: server}
      when: successHours > 36 && os contains "2012"
`

func TestLoadReadsEveryKeyOfAPolicy(t *testing.T) {
	docs, err := load(t, folder(t), wholePolicy)
	require.NoError(t, err)
	rule := func(line int, name string, s tenant.Selector) tenant.Rule {
		return tenant.Rule{Line: line, Name: name, Select: s}
	}
	require.Equal(t, tenant.Policy{
		Values: map[string]string{
			"stale.server": "36h", "stale.D10": "7d", "stale.D19": "off", "silent": "off", "urgency.server": "critical", "urgency.m365": "low",
			"conditions.errors": "off", "conditions.silent": "on", "ladder.warning": "5d", "flap.changes": "0", "ignoreSources": "D02 D11",
		},
		Customers: []tenant.Override{{
			Rule:   rule(31, "dentists", tenant.Selector{Customers: []string{"4711", "*Dental*"}}),
			Values: map[string]string{"stale": "48h", "openAfter.server": "2"},
		}},
		Devices: []tenant.Override{{
			Rule: rule(36, "lab", tenant.Selector{
				Customers: []string{"4711"}, Sites: []string{"North"}, Classes: []string{"workstation", "documents"},
				Devices: []string{"LAB-*"}, Profiles: []string{"5038"}, Tags: []string{"lab"},
			}),
			Values: map[string]string{"conditions.errors": "inherit", "conditions.never": "off", "stale.server": "inherit"},
		}},
		Exclude: []tenant.Exclusion{{
			Rule: rule(41, "test machines", tenant.Selector{Devices: []string{"TEST-*"}}), Reason: "never backed up by design",
		}},
		Windows: []tenant.Window{{
			Rule: rule(45, "patch night", tenant.Selector{}), Cron: "0 2 * * sun", Duration: 4 * time.Hour, Zone: "Europe/London",
			Reason: "servers restart",
		}},
		Snoozes: []tenant.Snooze{
			{
				Rule: rule(52, "moving house", tenant.Selector{Customers: []string{"4711"}}), Reason: "office moves", Author: "ann",
				Until: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC),
			},
			{
				Rule: rule(57, "new disk", tenant.Selector{Devices: []string{"SRV-01"}}), Reason: "disk ordered", Author: "ann",
				Until: time.Date(2027, 1, 2, 17, 0, 0, 0, time.UTC),
			},
		},
		ExpectedErrors: []tenant.ExpectedError{{
			Rule: rule(63, "leavers", tenant.Selector{Classes: []string{"m365"}}), Sources: []string{"D19"}, Item: "gone@*",
			Reason: "mailboxes are gone by design", Until: time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC),
		}},
		CustomConditions: []tenant.CustomCondition{{
			Rule: rule(70, "old servers", tenant.Selector{Classes: []string{"server"}}), When: `successHours > 36 && os contains "2012"`,
		}},
		Tags:              []tenant.Rule{rule(29, "lab", tenant.Selector{Devices: []string{"LAB-*"}})},
		Group:             tenant.Group{Window: time.Hour, Devices: 5, Share: 100, Join: tenant.JoinAttach},
		NotSweptAfter:     4,
		DocumentsProfiles: []int64{5038},
	}, docs[0].Policy)

	settings := docs[0].Settings().GetPolicy()
	require.Equal(t, 36*time.Hour, settings.GetStaleServer().AsDuration(), "readers of older versions find the tenant's values")
	require.Equal(t, 120*time.Hour, settings.GetStaleWorkstation().AsDuration(), "and the system's")
	require.Equal(t, uint32(1), settings.GetOpenAfter())
	require.True(t, settings.GetExcludeTrial())
}

func TestLoadNamesEveryProblemOfAPolicy(t *testing.T) {
	for _, test := range wrongPolicies {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t)
			require.Equal(t, 1, strings.Count(wholePolicy, test.old), "the case must change one place")
			docs, err := load(t, dir, strings.Replace(wholePolicy, test.old, test.new, 1))
			require.Nil(t, docs)
			requireProblems(t, dir, err, test.want...)
		})
	}
}

func TestEveryDefaultOfThePolicyIsAValueOfItsKey(t *testing.T) {
	for name, value := range tenant.SystemPolicy() {
		key, _, known := tenant.KeyOf(name)
		require.True(t, known, name)
		_, err := key.Parse(value)
		require.NoError(t, err, name)
	}
}

func TestThePolicyVersionChangesWithEveryPartOfThePolicy(t *testing.T) {
	docs, err := load(t, folder(t), wholePolicy)
	require.NoError(t, err)
	versions := map[string]string{"": docs[0].Settings().GetPolicy().GetVersion()}
	for name, change := range map[string]func(*tenant.Policy){
		"a value":            func(p *tenant.Policy) { p.Values["silent"] = "2d" },
		"an override":        func(p *tenant.Policy) { p.Customers[0].Values["stale"] = "49h" },
		"a selector":         func(p *tenant.Policy) { p.Devices[0].Select.Tags = nil },
		"an exclusion":       func(p *tenant.Policy) { p.Exclude = nil },
		"a window":           func(p *tenant.Policy) { p.Windows[0].Duration = time.Hour },
		"a snooze":           func(p *tenant.Policy) { p.Snoozes[0].Author = "bob" },
		"an expected error":  func(p *tenant.Policy) { p.ExpectedErrors[0].Item = "left@*" },
		"a custom condition": func(p *tenant.Policy) { p.CustomConditions[0].When = "trial" },
		"group incidents":    func(p *tenant.Policy) { p.Group.Join = tenant.JoinOff },
		"a tag":              func(p *tenant.Policy) { p.Tags[0].Name = "laboratory" },
		"missed sweeps":      func(p *tenant.Policy) { p.NotSweptAfter = 9 },
	} {
		docs, err := load(t, folder(t), wholePolicy)
		require.NoError(t, err)
		change(&docs[0].Policy)
		versions[name] = docs[0].Settings().GetPolicy().GetVersion()
	}
	distinct := map[string]bool{}
	for _, v := range versions {
		distinct[v] = true
	}
	require.Len(t, distinct, len(versions), "%v", versions)
}

func TestDocumentsCanBeLookedAtWithoutTheirSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tenants.yaml")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(wholePolicy, "publicKeyFile: cw.pub", "publicKeyEnv: NOT_SET", 1)), 0o600))
	_, err := tenant.Load(path, tenant.Options{})
	require.Error(t, err)
	docs, err := tenant.Load(path, tenant.Options{WithoutSecrets: true})
	require.NoError(t, err)
	require.Len(t, docs[0].Policy.Customers, 1)
}
