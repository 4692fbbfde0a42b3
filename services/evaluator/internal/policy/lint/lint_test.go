package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
	"github.com/covewise/covewise/services/evaluator/internal/policy/lint"
)

var now = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// document is a tenant's document of 14 lines, so that its policy begins on line 15.
const document = `id: harbor
cove: {username: psa-sync, passwordFile: cove.secret}
connectwise:
  url: https://na.myconnectwise.net
  company: harbor
  publicKeyFile: cw.pub
  privateKeyFile: cw.key
  clientId: 0f0e0d0c-1111-2222-3333-444455556666
tickets:
  board: Service Desk
  newStatus: New
  closedStatus: Closed
  priorities: {server: P1, workstation: P3, m365: P2}
policy:
`

func load(t *testing.T, text string) tenant.Document {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tenants.yaml")
	require.NoError(t, os.WriteFile(path, []byte(document+text), 0o600))
	docs, err := tenant.Load(path, tenant.Options{WithoutSecrets: true})
	require.NoError(t, err)
	return docs[0]
}

func TestCheck(t *testing.T) {
	known := []policy.Subject{{DeviceID: "5001", Name: "srv-01", CustomerID: "4711", CustomerName: "Bluefin Dental Group", Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER}}
	const (
		isError   = true
		isWarning = false
	)
	for name, test := range map[string]struct {
		policy string
		want   []lint.Finding
	}{
		"nothing to say": {"  never: 3d", nil},
		"two overrides that both count": {`
  customers:
  - {name: a, select: {customer: "*Dental*"}, stale: 2d, never: 3d}
  - {name: b, select: {customer: "*Dental*"}, stale: 3d}`, nil},
		"an override that a later one always overrides": {`
  customers:
  - {name: a, select: {customer: ["Bluefin Dental*", 4711]}, stale: {server: 2d}, openAfter: 3}
  - {name: b, select: {customer: ["*dental*", 4711]}, stale: 3d, openAfter: {server: 1, workstation: 1, documents: 1, m365: 1}}`, []lint.Finding{
			{17, "policy.customers[0]", isError, `"a" is always overridden by "b" on line 18; put it after that, or remove it`},
		}},
		"a customer's override that a device's always overrides": {`
  customers:
  - {name: a, select: {customer: "*Dental*"}, stale: 2d}
  devices:
  - {name: b, select: {customer: "*Dental*"}, stale: 3d}`, []lint.Finding{
			{17, "policy.customers[0]", isError, `"a" is always overridden by "b" on line 19; put it after that, or remove it`},
		}},
		"a later override for some of the devices only": {`
  customers:
  - {name: a, select: {customer: "*Dental*"}, stale: 2d}
  devices:
  - {name: b, select: {customer: "*Dental*", class: server}, stale: 3d}`, nil},
		"a pattern that only looks wider": {`
  devices:
  - {name: a, select: {device: "srv*"}, stale: 2d}
  - {name: b, select: {device: "srv?"}, stale: 3d}
  - {name: c, select: {device: "srv-*"}, stale: 3d}`, []lint.Finding{
			{18, "policy.devices[1].select", isWarning, `"b" fits none of the 1 known devices; check its names`},
		}},
		"a value for a class that is not chosen": {`
  devices:
  - {name: a, select: {class: [server, m365]}, stale: {server: 1d, workstation: 2d, D10: 3d}}`, []lint.Finding{
			{17, "policy.devices[0].stale.workstation", isError, `"a" chooses server, m365 only, so that this is never used; remove it`},
		}},
		"a tag that nobody has": {`
  tags:
  - {name: Gold, select: {device: "srv*"}}
  devices:
  - {name: a, select: {tag: gold}, never: 3d}
  - {name: b, select: {tag: silver}, never: 4d}`, []lint.Finding{
			{20, "policy.devices[1].select.tag", isError, `"b" is for the tag "silver", which policy.tags gives no device; add the tag there`},
			{20, "policy.devices[1].select", isWarning, `"b" fits none of the 1 known devices; check its names`},
		}},
		"an override of nothing": {`
  devices:
  - {name: a, select: {class: server}}`, []lint.Finding{
			{17, "policy.devices[0]", isWarning, `"a" sets nothing; add a value or remove it`},
		}},
		"inherit with and without something to undo": {`
  stale: 30h
  devices:
  - {name: a, select: {class: server}, stale: {server: inherit}}
  - {name: b, select: {class: server}, never: 3d}
  - {name: c, select: {device: "srv*"}, never: {server: inherit}}`, []lint.Finding{
			{18, "policy.devices[0].stale.server", isWarning, `"a" inherits what no earlier override of devices sets, which it would anyway; remove it`},
		}},
		"rules for devices that are left out": {`
  exclude:
  - {name: lab, select: {device: "srv*"}, reason: r}
  - {name: lab too, select: {device: "srv-0*"}, reason: r}
  devices:
  - {name: a, select: {device: "srv-0*", class: server}, never: 3d}
  snoozes:
  - {name: all, select: all, reason: r, author: a, until: 2026-12-01}`, []lint.Finding{
			{18, "policy.exclude[1]", isError, `"lab too" is only for devices that the exclusion "lab" on line 17 leaves out; remove one of them`},
			{20, "policy.devices[0]", isWarning, `"a" is only for devices that the exclusion "lab" on line 17 leaves out; remove one of them`},
		}},
		"what has ended, and what ends too late": {`
  snoozes:
  - {name: old, select: all, reason: r, author: a, until: 2026-11-21}
  - {name: today, select: all, reason: r, author: a, until: 2026-11-22}
  - {name: far, select: all, reason: r, author: a, until: 2028-01-01}
  expectedErrors:
  - {name: gone, select: all, text: x, reason: r, until: 2025-01-01}`, []lint.Finding{
			{17, "policy.snoozes[0].until", isWarning, `"old" ended on 2026-11-22; remove it`},
			{19, "policy.snoozes[2].until", isError, `"far" ends more than 366 days ahead and is not in force before; write an earlier date and renew it then`},
			{21, "policy.expectedErrors[0].until", isWarning, `"gone" ended on 2025-01-02; remove it`},
		}},
		"a window that never ends": {`
  windows:
  - {name: nights, select: all, cron: "0 2 * * *", duration: 4h, zone: UTC, reason: r}
  - {name: always, select: all, cron: "0 */2 * * *", duration: 2h, zone: UTC, reason: r}
  - {name: weekdays, select: all, cron: "0 0 * * mon-fri", duration: 1d, zone: UTC, reason: r}`, []lint.Finding{
			{18, "policy.windows[1]", isError, `"always" begins again before it ends, so that it never ends; write a shorter duration, or exclude the devices`},
		}},
		"conditions that nothing ends or begins": {`
  conditions: {custom: off}
  customConditions:
  - {name: open for ever, select: all, when: "errors >= 0 || errors < 0"}
  - {name: impossible, select: all, when: "class == 'server' && class == 'm365'"}
  devices:
  - {name: on, select: {device: "srv*"}, conditions: {custom: on}}`, []lint.Finding{
			{18, "policy.customConditions[0].when", isError, `"open for ever" holds for every device that can be thought of, so that nothing closes it; make it depend on something that recovers`},
			{19, "policy.customConditions[1].when", isWarning, `"impossible" seems to hold for no device; check it with covewise policy test`},
		}},
		"conditions that never end once they hold": {`
  customConditions:
  - {name: old, select: all, when: "createdHours > 100"}
  - {name: once, select: all, when: "succeeded"}
  - {name: servers, select: all, when: "class == 'server' || name contains 'errors'"}
  - {name: young, select: all, when: "createdHours < 100"}
  - {name: first, select: all, when: "createdHours > 24 && !succeeded"}
  - {name: slow, select: all, when: "class == 'server' && successHours > 7"}`, []lint.Finding{
			{17, "policy.customConditions[0].when", isError, `"old" asks for nothing that a good backup or a contact ends, so that nothing closes it; make it depend on successHours, contactHours, errors or sources`},
			{18, "policy.customConditions[1].when", isError, `"once" asks for nothing that a good backup or a contact ends, so that nothing closes it; make it depend on successHours, contactHours, errors or sources`},
			{19, "policy.customConditions[2].when", isError, `"servers" asks for nothing that a good backup or a contact ends, so that nothing closes it; make it depend on successHours, contactHours, errors or sources`},
		}},
		"every error expected": {`
  expectedErrors:
  - {name: quiet, select: all, text: "*", reason: r, until: 2027-01-01}
  - {name: gone, select: all, text: "*not found", reason: r, until: 2027-01-01}`, []lint.Finding{
			{17, "policy.expectedErrors[0]", isWarning, `"quiet" expects every error, which switches the condition errors off for these devices; name the text, item or code that is expected`},
		}},
		"a name wholly of letters that look like others": {`
  customers:
  - {name: comex, select: {customer: ["СОМЕХ", "Клиника СОМЕХ", 4711]}, never: 3d}`, []lint.Finding{
			{17, "policy.customers[0].select", isWarning, `"СОМЕХ" is of Cyrillic letters that look like Latin ones: 'С' (U+0421); type it anew`},
		}},
		"a condition that is switched off": {`
  conditions: {custom: off}
  customConditions:
  - {name: slow, select: all, when: "successHours > 7"}`, []lint.Finding{
			{18, "policy.customConditions[0]", isWarning, `"slow" is not judged, because conditions.custom is off; switch it on or remove the condition`},
		}},
		"the guide's own example begins with a Cyrillic letter, and a sign that is no wildcard here": {`
  customers:
  - {name: continuity, select: {customer: ["%Сontinuity", 4711]}, never: 3d}`, []lint.Finding{
			{17, "policy.customers[0].select", isWarning, `"%Сontinuity" holds %, which is no wildcard here; write * for any text`},
			{17, "policy.customers[0].select", isWarning, `"%Сontinuity" mixes Cyrillic and Latin letters in one word: 'С' is Cyrillic (U+0421); type it anew`},
		}},
		"letters of one script a word are as they should be": {`
  customers:
  - {name: Ärzte, select: {customer: ["Стоматология Bluefin", "Ωmega Zahnärzte", 4711]}, never: 3d}`, []lint.Finding{
			{17, "policy.customers[0].select", isWarning, "\"Ωmega Zahnärzte\" mixes Greek and Latin letters in one word: 'Ω' is Greek (U+03A9); type it anew"},
		}},
		"signs that cannot be seen": {"\n  expectedErrors:\n  - {name: gone, select: all, text: \"not\\u00a0found\", item: \"a\\u200bb\", reason: r, until: 2027-01-01}", []lint.Finding{
			{17, "policy.expectedErrors[0]", isWarning, "\"not\\u00a0found\" holds a sign that cannot be seen (U+00A0); type it anew"},
			{17, "policy.expectedErrors[0]", isWarning, "\"a\\u200bb\" holds a sign that cannot be seen (U+200B); type it anew"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.TrimPrefix(test.policy, "\n")
			if strings.HasPrefix(test.policy, "\n") {
				text = "\n" + text
				text = strings.Replace(text, "\n", "  # the lists\n", 1)
			}
			require.Equal(t, test.want, lint.Check(load(t, text), now, known))
		})
	}
}
