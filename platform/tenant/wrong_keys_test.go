package tenant_test

import "strings"

var wrongKeys = []wrong{
	{
		"an unknown key has a near one", "  username:", "  usernmae:",
		[]string{"tenants.yaml:6: cove.usernmae: is not a key; did you mean username?"},
	},
	{
		"another spelling of a known key", "  clientId:", "  client_id:",
		[]string{"tenants.yaml:15: connectwise.client_id: is not a key; did you mean clientId?"},
	},
	{
		"an unknown key with no near one", "poll:\n", "colour: red\npoll:\n",
		[]string{"tenants.yaml:16: colour: is not a key; the keys here are id, mode, cove, connectwise, poll, tickets, companies, policy, heartbeat"},
	},
	{
		"a key of another group", "id: harbor\n", "id: harbor\nboard: Service Desk\n",
		[]string{"tenants.yaml:2: board: is not a key; the keys here are id, mode, cove, connectwise, poll, tickets, companies, policy, heartbeat"},
	},
	{
		"a key twice", "  username: psa-sync\n", "  username: psa-sync\n  username: other\n",
		[]string{"tenants.yaml:7: cove.username: is written twice (first on line 6); keep one of them"},
	},
	{
		"a group twice", "poll:\n  interval: 15m\n", "poll:\n  interval: 15m\npoll:\n  interval: 5s\n",
		[]string{"tenants.yaml:18: poll: is written twice (first on line 16); keep one of them"},
	},
	{
		"a required key left out", "  username: psa-sync\n", "",
		[]string{"tenants.yaml:3: cove.username: is missing; add username: NAME, the login name of the Cove API user"},
	},
	{
		"a required group left out", "  priorities: {server: \"Priority 1 - Critical\", workstation: \"Priority 3 - Normal\", m365: \"Priority 2 - Quick Response\"}\n", "",
		[]string{"tenants.yaml:18: tickets.priorities: is missing; add the group with server, workstation and m365"},
	},
	{
		"one priority left out", `, m365: "Priority 2 - Quick Response"`, "",
		[]string{"tenants.yaml:22: tickets.priorities.m365: is missing; add m365: NAME, the priority of Microsoft 365 tickets"},
	},
	{
		"an id left out", "id: harbor\n", "",
		[]string{"tenants.yaml:1: id: is missing; add id: NAME, the short name of the tenant"},
	},
	{
		"only an id", "", "id: harbor\n",
		[]string{
			"tenants.yaml:1: cove: is missing; add the group with the Cove login",
			"tenants.yaml:1: connectwise: is missing; add the group with the ConnectWise login",
			"tenants.yaml:1: tickets: is missing; add the group with board, statuses and priorities",
		},
	},
	{
		"a required group that is empty", "", strings.Replace(minimal, "cove:\n  username: psa-sync\n  passwordFile: cove.secret\n", "cove:\n", 1),
		[]string{
			"tenants.yaml:2: cove.username: is missing; add username: NAME, the login name of the Cove API user",
			"tenants.yaml:2: cove.passwordFile: is missing; add passwordFile: PATH or passwordEnv: NAME with the password of the Cove API user",
		},
	},
	{
		"a group that is text", "poll:\n  interval: 15m\n", "poll: 15m\n",
		[]string{"tenants.yaml:16: poll: is text, not a group of keys; write its keys below it as in `covewise up --help`"},
	},
	{
		"a group that is a list", "poll:\n  interval: 15m\n", "poll:\n  - interval: 15m\n",
		[]string{"tenants.yaml:16: poll: is a list, not a group of keys; write its keys below it as in `covewise up --help`"},
	},
	{
		"a document that is a list", "", "- id: harbor\n- id: quay\n",
		[]string{"tenants.yaml:1: document: is a list, not a group of keys; write its keys below it as in `covewise up --help`"},
	},
	{
		"a document that is text, perhaps a secret", "", mark + "\n",
		[]string{"tenants.yaml:1: document: is text, not a group of keys; write its keys below it as in `covewise up --help`"},
	},
	{
		"a merge key", "id: harbor\n", "id: harbor\n<<: {mode: live}\n",
		[]string{"tenants.yaml:2: <<: is a merge key, which tenant documents do not use; write the keys out"},
	},
	{
		"an alias", "  board: Service Desk\n  newStatus: New\n", "  board: &b New\n  newStatus: *b\n",
		[]string{"tenants.yaml:20: tickets.newStatus: is an alias (*name), which tenant documents do not use; write the value out"},
	},
	{
		"a list as a key", "poll:\n", "? [a]\n: b\npoll:\n",
		[]string{"tenants.yaml:16: document: has a list as a key; write keys as plain text"},
	},
	{
		"a key with a line break", "poll:\n", "\"a\\nb\": c\npoll:\n",
		[]string{`tenants.yaml:16: "a\nb": is not a key; the keys here are id, mode, cove, connectwise, poll, tickets, companies, policy, heartbeat`},
	},
	{
		"an empty key", "poll:\n", "\"\": c\npoll:\n",
		[]string{`tenants.yaml:16: "": is not a key; the keys here are id, mode, cove, connectwise, poll, tickets, companies, policy, heartbeat`},
	},
}

var wrongValues = []wrong{
	{
		"an id in capitals", "id: harbor", "id: Harbor",
		[]string{`tenants.yaml:1: id: "Harbor" is not a tenant id; write 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit`},
	},
	{
		"an id that is too long", "id: harbor", "id: " + strings.Repeat("a", 33),
		[]string{`tenants.yaml:1: id: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not a tenant id; write 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit`},
	},
	{
		"an id that begins with a hyphen", "id: harbor", "id: -harbor",
		[]string{`tenants.yaml:1: id: "-harbor" is not a tenant id; write 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit`},
	},
	{
		"an id that is a number", "id: harbor", "id: 4711",
		[]string{"tenants.yaml:1: id: is a number, not text; put it in quotes"},
	},
	{
		"an id that is a date", "id: harbor", "id: 2026-01-31",
		[]string{"tenants.yaml:1: id: is a date, not text; put it in quotes"},
	},
	{
		"an empty id", "id: harbor", `id: ""`,
		[]string{"tenants.yaml:1: id: is empty; write a value"},
	},
	{
		"an id without a value", "id: harbor", "id:",
		[]string{"tenants.yaml:1: id: has no value; write one or remove the line"},
	},
	{
		"the same id in two documents", "", minimal + "---\n# the next one\n" + minimal,
		[]string{`tenants.yaml:21: id: "pier" is already the id of the document on line 1; give each tenant its own`},
	},
	{
		"a slip in the mode", "mode: live", "mode: shadwo",
		[]string{`tenants.yaml:2: mode: "shadwo" is none of shadow, live; did you mean shadow?`},
	},
	{
		"an unknown mode", "mode: live", "mode: production",
		[]string{`tenants.yaml:2: mode: "production" is none of shadow, live; write one of them`},
	},
	{
		"a mode in capitals", "mode: live", "mode: LIVE",
		[]string{`tenants.yaml:2: mode: "LIVE" is none of shadow, live; did you mean live?`},
	},
	{
		"an interval without a unit", "interval: 15m", "interval: 15",
		[]string{"tenants.yaml:17: poll.interval: 15 has no unit; write a number with its unit, such as 90s, 15m, 24h or 14d"},
	},
	{
		"an interval in words", "interval: 15m", "interval: 15 minutes",
		[]string{`tenants.yaml:17: poll.interval: "15 minutes" is not a duration; write a number with its unit, such as 90s, 15m, 24h or 14d`},
	},
	{
		"an interval that is too short", "interval: 15m", "interval: 5s",
		[]string{"tenants.yaml:17: poll.interval: 5s is shorter than 10s; write 10s or more"},
	},
	{
		"an interval below zero", "interval: 15m", "interval: -15m",
		[]string{"tenants.yaml:17: poll.interval: -15m is shorter than 10s; write 10s or more"},
	},
	{
		"an interval that is a list", "interval: 15m", "interval: [15m]",
		[]string{"tenants.yaml:17: poll.interval: is a list, not a duration; write a number with its unit, such as 90s, 15m, 24h or 14d"},
	},
	{
		"an interval without a value", "interval: 15m", "interval:",
		[]string{"tenants.yaml:17: poll.interval: is empty, not a duration; write a number with its unit, such as 90s, 15m, 24h or 14d"},
	},
	{
		"a duration that overflows", "never: 3d", "never: 99999999999h",
		[]string{`tenants.yaml:31: policy.never: "99999999999h" is not a duration; write a number with its unit, such as 90s, 15m, 24h or 14d`},
	},
	{
		"days that overflow", "never: 3d", "never: 999999999d",
		[]string{`tenants.yaml:31: policy.never: "999999999d" is not a duration; write a number with its unit, such as 90s, 15m, 24h or 14d`},
	},
	{
		"a threshold of zero", "server: 24h", "server: 0s",
		[]string{"tenants.yaml:28: policy.stale.server: 0s is not above zero; write a number with its unit, such as 90s, 15m, 24h or 14d"},
	},
	{
		"a bare zero", "server: 24h", "server: 0",
		[]string{"tenants.yaml:28: policy.stale.server: 0 has no unit; write a number with its unit, such as 90s, 15m, 24h or 14d"},
	},
	{
		"a threshold below zero", "workstation: 72h", "workstation: -1h",
		[]string{"tenants.yaml:28: policy.stale.workstation: -1h is not above zero; write a number with its unit, such as 90s, 15m, 24h or 14d"},
	},
	{
		"a threshold in fractions of days", "documents: 336h", "documents: 1.5d",
		[]string{`tenants.yaml:28: policy.stale.documents: "1.5d" is not a duration; write a number with its unit, such as 90s, 15m, 24h or 14d`},
	},
	{
		"openAfter of zero", "openAfter: 1", "openAfter: 0",
		[]string{"tenants.yaml:29: policy.openAfter: 0 is less than 1; write 1 or more"},
	},
	{
		"closeAfter in quotes", "closeAfter: 2", `closeAfter: "2"`,
		[]string{"tenants.yaml:30: policy.closeAfter: is text, not a whole number; write the number without quotes or units"},
	},
	{
		"closeAfter as a fraction", "closeAfter: 2", "closeAfter: 1.5",
		[]string{"tenants.yaml:30: policy.closeAfter: 1.5 is not a whole number in plain digits; write digits only"},
	},
	{
		"closeAfter in octal", "closeAfter: 2", "closeAfter: 010",
		[]string{"tenants.yaml:30: policy.closeAfter: 010 is not a whole number in plain digits; write digits only"},
	},
	{
		"a root that is not positive", "root: 481200", "root: -1",
		[]string{"tenants.yaml:8: cove.root: -1 is less than 1; write 1 or more"},
	},
	{
		"a root that is too large", "root: 481200", "root: 99999999999999999999",
		[]string{"tenants.yaml:8: cove.root: 99999999999999999999 is not a whole number in plain digits; write digits only"},
	},
	{
		"a root that is a name", "root: 481200", "root: Harbor IT",
		[]string{"tenants.yaml:8: cove.root: is text, not a whole number; write the number without quotes or units"},
	},
	{
		"companies.create is true", `create: "off"`, "create: true",
		[]string{`tenants.yaml:25: companies.create: is true, which does not say how companies are created; write "off", approve or auto`},
	},
	{
		"companies.create is unknown", `create: "off"`, "create: always",
		[]string{`tenants.yaml:25: companies.create: "always" is none of off, approve, auto; write one of them`},
	},
	{
		"companies.create is a list", `create: "off"`, "create: [auto]",
		[]string{"tenants.yaml:25: companies.create: is a list, not text; write a single value"},
	},
	{
		"a switch in YAML 1.1 style", "excludeTrial: false", "excludeTrial: no",
		[]string{`tenants.yaml:33: policy.excludeTrial: "no" is neither on nor off; write one of them`},
	},
	{
		"a profile that is text", "[5038, 7]", "[5038, documents]",
		[]string{"tenants.yaml:32: policy.documentsProfiles[1]: is text, not a whole number; write the number without quotes or units"},
	},
	{
		"profiles that are no list", "[5038, 7]", "5038",
		[]string{"tenants.yaml:32: policy.documentsProfiles: is a number, not a list; write [ONE, TWO]"},
	},
	{
		"an unknown time zone", "Europe/London", "Europe/Londonium",
		[]string{`tenants.yaml:23: tickets.timeZone: "Europe/Londonium" is not a time zone; write an IANA name such as Europe/London`},
	},
	{
		"the machine's own time zone", "Europe/London", "Local",
		[]string{`tenants.yaml:23: tickets.timeZone: "Local" is not a time zone; write an IANA name such as Europe/London`},
	},
	{
		"a client id that is no GUID", "0f0e0d0c-1111-2222-3333-444455556666", mark,
		[]string{"tenants.yaml:15: connectwise.clientId: is not a GUID; copy the client id from developer.connectwise.com, such as 0f0e0d0c-1111-2222-3333-444455556666"},
	},
	{
		"a board over two lines", "board: Service Desk", "board: \"Service\\nDesk\"",
		[]string{"tenants.yaml:19: tickets.board: holds line breaks or control characters; write it on one line"},
	},
	{
		"a board with blanks around it", "board: Service Desk", `board: "Service Desk "`,
		[]string{"tenants.yaml:19: tickets.board: begins or ends with white space; remove it"},
	},
	{
		"a board that is a group", "board: Service Desk", "board: {name: Service Desk}",
		[]string{"tenants.yaml:19: tickets.board: is a group of keys, not text; write a single value"},
	},
	{
		"a board with a YAML tag", "board: Service Desk", "board: !name Service Desk",
		[]string{"tenants.yaml:19: tickets.board: is a value with a YAML tag, not text; put it in quotes"},
	},
	{
		"a company that is a number", "company: harbor", "company: 4711",
		[]string{"tenants.yaml:12: connectwise.company: is a number, not text; put it in quotes"},
	},
	{
		"a partner that is a number", `partner: "Harbor IT (ops@harborit.example)"`, "partner: 7",
		[]string{"tenants.yaml:5: cove.partner: is a number, not text; put it in quotes"},
	},
	{
		"a host with a scheme", "10.1.2.3", "https://10.1.2.3",
		[]string{"tenants.yaml:9: cove.allowHosts[1]: is not a host name or address; write the name alone, without scheme, port or path"},
	},
	{
		"a host that is a number", "10.1.2.3", "7",
		[]string{"tenants.yaml:9: cove.allowHosts[1]: is a number, not text; put it in quotes"},
	},
}
