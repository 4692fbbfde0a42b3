package tenant_test

import "strings"

var wrongPolicies = []wrong{
	{
		"a key that is none", "  silent: off\n", "  silnt: off\n",
		[]string{"tenants.yaml:21: policy.silnt: is not a key; did you mean silent?"},
	},
	{
		"a class that is none", "stale: {server: 36h", "stale: {servers: 36h",
		[]string{"tenants.yaml:20: policy.stale.servers: is not a key; did you mean server?"},
	},
	{
		"the total is no data source", "D10: 7d", "D09: 7d",
		[]string{"tenants.yaml:20: policy.stale.D09: is not a key; did you mean D19?"},
	},
	{
		"an age that is a number", "stale: 48h", "stale: 48",
		[]string{"tenants.yaml:33: policy.customers[0].stale: 48 has no unit; write a number with its unit, such as 90s, 15m, 24h or 14d"},
	},
	{
		"an age of nothing", "stale: 48h", "stale: 0s",
		[]string{"tenants.yaml:33: policy.customers[0].stale: 0s is not above zero; write a number with its unit, such as 90s, 15m, 24h or 14d"},
	},
	{
		"an urgency that is none", "m365: low", "m365: lowest",
		[]string{`tenants.yaml:22: policy.urgency.m365: "lowest" is none of low, medium, high, critical; write one of them`},
	},
	{
		"a slip in an urgency", "m365: low", "m365: Low",
		[]string{`tenants.yaml:22: policy.urgency.m365: "Low" is none of low, medium, high, critical; did you mean low?`},
	},
	{
		"a condition that is none", "{errors: off, silent: true}", "{error: off}",
		[]string{"tenants.yaml:23: policy.conditions.error: is not a key; did you mean errors?"},
	},
	{
		"a condition that is neither on nor off", "{errors: off, silent: true}", "{errors: maybe}",
		[]string{`tenants.yaml:23: policy.conditions.errors: "maybe" is neither on nor off; write one of them`},
	},
	{
		"a condition that is a list", "{errors: off, silent: true}", "{errors: [off]}",
		[]string{"tenants.yaml:23: policy.conditions.errors: is a list, not on or off; write one of them"},
	},
	{
		"a ladder that goes down", "ladder: {warning: 5d}", "ladder: {warning: 15d}",
		[]string{"tenants.yaml:24: policy.ladder: reaches alert after 14d, which is not later than warning; write ages that grow"},
	},
	{
		"a ladder that an override turns round", "      stale: 48h\n", "      ladder: {critical: 3d}\n",
		[]string{"tenants.yaml:31: policy.customers[0].ladder: reaches critical after 3d, which is not later than alert; write ages that grow"},
	},
	{
		"a number of changes that is too large", "changes: 0", "changes: 10000000",
		[]string{`tenants.yaml:25: policy.flap.changes: "10000000" is not a whole number from 0 to 1000000; write one`},
	},
	{
		"a data source that is none", "[D02, D11]", "[D02, Exchange]",
		[]string{`tenants.yaml:26: policy.ignoreSources[1]: "Exchange" is not the code of a data source; write a code such as D01 (Files and Folders) or D19 (Exchange Online)`},
	},
	{
		"data sources that are no list", "[D02, D11]", "D02",
		[]string{"tenants.yaml:26: policy.ignoreSources: is text, not a list; write [ONE, TWO]"},
	},
	{
		"a group of one", "devices: 5", "devices: 1",
		[]string{"tenants.yaml:27: policy.group.devices: 1 is less than 2; write 2 or more"},
	},
	{
		"more than all", "share: 100", "share: 101",
		[]string{"tenants.yaml:27: policy.group.share: 101 is more than 100 percent; write 1 to 100"},
	},
	{
		"a join that is none", "join: attach", "join: atach",
		[]string{`tenants.yaml:27: policy.group.join: "atach" is none of off, attach, hold; did you mean attach?`},
	},
	{
		"no interval", "notSweptAfter: 4", "notSweptAfter: 0",
		[]string{"tenants.yaml:28: policy.notSweptAfter: 0 is less than 1; write 1 or more"},
	},
	{
		"an override without a name", "    - name: dentists\n      select:", "    - select:",
		[]string{"tenants.yaml:31: policy.customers[0].name: is missing; add name: NAME, one of its own"},
	},
	{
		"an override without a selector", "      select: {customer: [4711, \"*Dental*\"]}\n", "",
		[]string{"tenants.yaml:31: policy.customers[0].select: is missing; add select: {customer: ID or NAME}, whom it is for"},
	},
	{
		"an override of everything", "select: {customer: [4711, \"*Dental*\"]}", "select: all",
		[]string{"tenants.yaml:32: policy.customers[0].select: chooses everything, where some is meant; write {customer: ID or NAME}, whom it is for"},
	},
	{
		"a selector of nothing", "select: {customer: [4711, \"*Dental*\"]}", "select: {}",
		[]string{"tenants.yaml:32: policy.customers[0].select: chooses nothing; write select: {customer: ID or NAME}, whom it is for"},
	},
	{
		"a selector without customers", "{customer: [4711, \"*Dental*\"]}", "{customer: []}",
		[]string{"tenants.yaml:32: policy.customers[0].select.customer: is an empty list; write a value or remove the line"},
	},
	{
		"a selector of customers by class", "{customer: [4711, \"*Dental*\"]}", "{class: server}",
		[]string{"tenants.yaml:32: policy.customers[0].select.class: is not a key; the keys here are customer"},
	},
	{
		"a class of devices that is none", "[workstation, documents]", "[workstations]",
		[]string{`tenants.yaml:37: policy.devices[0].select.class[0]: "workstations" is none of server, workstation, documents, m365; did you mean workstation?`},
	},
	{
		"a pattern that is a date", "device: \"TEST-*\"", "device: 2026-01-01",
		[]string{"tenants.yaml:42: policy.exclude[0].select.device: is a date, not text; put it in quotes"},
	},
	{
		"an exclusion of everything", "select: {device: \"TEST-*\"}", "select: all",
		[]string{"tenants.yaml:42: policy.exclude[0].select: chooses everything, where some is meant; write select with one or more of customer, site, class, device, profile, tag: whom it is for"},
	},
	{
		"an exclusion without a reason", "      reason: never backed up by design\n", "",
		[]string{"tenants.yaml:41: policy.exclude[0].reason: is missing; add reason: TEXT, why, for whoever wonders later"},
	},
	{
		"two of one name", "    - name: new disk", "    - name: moving house",
		[]string{`tenants.yaml:57: policy.snoozes[1].name: "moving house" is already the name of the entry on line 52; give each its own`},
	},
	{
		"a list that is a group", "  exclude:\n    - name: test machines\n      select: {device: \"TEST-*\"}\n      reason: never backed up by design\n", "  exclude: {name: x}\n",
		[]string{"tenants.yaml:40: policy.exclude: is a group of keys, not a list; write each entry below it, beginning with a hyphen"},
	},
	{
		"an entry that is text", "    - name: test machines\n      select: {device: \"TEST-*\"}\n      reason: never backed up by design\n", "    - test machines\n",
		[]string{"tenants.yaml:41: policy.exclude[0]: is text, not a group of keys; write its keys below it as in `covewise up --help`"},
	},
	{
		"no cron line", "cron: 0 2 * * sun", "cron: every sunday",
		[]string{`tenants.yaml:47: policy.windows[0].cron: "every sunday" is not a cron line (expected exactly 5 fields, found 2: [every sunday]); write minute, hour, day of month, month and day of week, such as 0 2 * * sun`},
	},
	{
		"a cron line with seconds", "cron: 0 2 * * sun", "cron: 0 0 2 * * sun",
		[]string{`tenants.yaml:47: policy.windows[0].cron: "0 0 2 * * sun" is not a cron line (expected exactly 5 fields, found 6: [0 0 2 * * sun]); write minute, hour, day of month, month and day of week, such as 0 2 * * sun`},
	},
	{
		"a cron line with a zone", "cron: 0 2 * * sun", "cron: CRON_TZ=UTC 0 2 * * sun",
		[]string{`tenants.yaml:47: policy.windows[0].cron: "CRON_TZ=UTC 0 2 * * sun" names a time zone; write it under zone`},
	},
	{
		"a cron line without a beginning", "cron: 0 2 * * sun", `cron: "@every 1h"`,
		[]string{`tenants.yaml:47: policy.windows[0].cron: "@every 1h" has no fixed beginning; write minute, hour, day of month, month and day of week, such as 0 2 * * sun`},
	},
	{
		"a date that never comes", "cron: 0 2 * * sun", "cron: 0 2 30 2 *",
		[]string{`tenants.yaml:47: policy.windows[0].cron: "0 2 30 2 *" names a date that never comes; correct the day or the month`},
	},
	{
		"a window of no length", "duration: 4h", "duration: 30s",
		[]string{"tenants.yaml:48: policy.windows[0].duration: 30s is shorter than 1m0s; write 1m0s or more"},
	},
	{
		"a window longer than a week", "duration: 4h", "duration: 8d",
		[]string{"tenants.yaml:48: policy.windows[0].duration: 8d is longer than 7d; write less, or a snooze"},
	},
	{
		"a window in an unknown zone", "zone: Europe/London", "zone: Europe/Londn",
		[]string{`tenants.yaml:49: policy.windows[0].zone: "Europe/Londn" is not a time zone; write an IANA name such as Europe/London`},
	},
	{
		"a window without a zone", "      zone: Europe/London\n", "",
		[]string{"tenants.yaml:45: policy.windows[0].zone: is missing; add zone: NAME, the IANA time zone of cron, such as Europe/London"},
	},
	{
		"a snooze without an end", "      until: 2027-03-31\n", "",
		[]string{"tenants.yaml:52: policy.snoozes[0].until: is missing; add until: DATE, the last day, such as 2027-03-31"},
	},
	{
		"a snooze with an end in words", "until: 2027-03-31", "until: next year",
		[]string{`tenants.yaml:56: policy.snoozes[0].until: "next year" is not a date; write the last day, such as 2027-03-31, or a time with its zone, such as 2027-03-31T18:00:00Z`},
	},
	{
		"a snooze with an end without a zone", "until: 2027-03-31", "until: 2027-03-31T18:00:00",
		[]string{`tenants.yaml:56: policy.snoozes[0].until: "2027-03-31T18:00:00" is not a date; write the last day, such as 2027-03-31, or a time with its zone, such as 2027-03-31T18:00:00Z`},
	},
	{
		"a snooze with a number for an end", "until: 2027-03-31", "until: 2027",
		[]string{"tenants.yaml:56: policy.snoozes[0].until: is a number, not a date; write the last day, such as 2027-03-31, or a time with its zone, such as 2027-03-31T18:00:00Z"},
	},
	{
		"a snooze of nobody", "      reason: office moves\n      author: ann\n", "      reason: office moves\n",
		[]string{"tenants.yaml:52: policy.snoozes[0].author: is missing; add author: NAME, of who asked for it"},
	},
	{
		"an expected error of every text", "      item: \"gone@*\"\n", "",
		[]string{"tenants.yaml:63: policy.expectedErrors[0]: would expect every error; add text, item or code"},
	},
	{
		"an expected error of no data source", "source: D19", "source: Exchange",
		[]string{`tenants.yaml:65: policy.expectedErrors[0].source: "Exchange" is not the code of a data source; write a code such as D01 (Files and Folders) or D19 (Exchange Online)`},
	},
	{
		"an expression with an unknown fact", "when: successHours > 36 && os contains \"2012\"", "when: sucessHours > 36",
		[]string{"tenants.yaml:72: policy.customConditions[0].when: unknown name sucessHours (column 1); see the facts in docs/policy.md"},
	},
	{
		"an expression that is no answer", "when: successHours > 36 && os contains \"2012\"", "when: successHours",
		[]string{"tenants.yaml:72: policy.customConditions[0].when: expected bool, but got float64; see the facts in docs/policy.md"},
	},
	{
		"an expression that says the same of everything", "when: successHours > 36 && os contains \"2012\"", "when: 1 < 2",
		[]string{"tenants.yaml:72: policy.customConditions[0].when: uses no fact, so that it says the same of every device at every time; see the facts in docs/policy.md"},
	},
	{
		"an expression that reads the clock", "when: successHours > 36 && os contains \"2012\"", "when: now().Year() > 2026",
		[]string{"tenants.yaml:72: policy.customConditions[0].when: unknown name now (column 1); see the facts in docs/policy.md"},
	},
	{
		"an expression that is too large", "when: successHours > 36 && os contains \"2012\"", "when: " + strings.Repeat("trial || ", 120) + "trial",
		[]string{"tenants.yaml:72: policy.customConditions[0].when: is longer than 1000 letters; see the facts in docs/policy.md"},
	},
	{
		"a custom condition without an expression", "      when: successHours > 36 && os contains \"2012\"\n", "",
		[]string{"tenants.yaml:70: policy.customConditions[0].when: is missing; add when: EXPRESSION, true while the condition holds"},
	},
	{
		"a tag by tag", "tags: [{name: lab, select: {device: \"LAB-*\"}}]", "tags: [{name: lab, select: {tag: x}}]",
		[]string{"tenants.yaml:29: policy.tags[0].select.tag: is not a key; the keys here are customer, site, class, device, profile"},
	},
	{
		"a tag of everything", "tags: [{name: lab, select: {device: \"LAB-*\"}}]", "tags: [{name: lab, select: all}]",
		[]string{"tenants.yaml:29: policy.tags[0].select: chooses everything, where some is meant; write select with one or more of customer, site, class, device, profile: whom it is for"},
	},
}
