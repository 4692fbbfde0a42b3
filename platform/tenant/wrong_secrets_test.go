package tenant_test

import "strings"

var wrongAddresses = []wrong{
	{
		"http to the world", "https://na.myconnectwise.net", "http://na.myconnectwise.net",
		[]string{`tenants.yaml:11: connectwise.url: "http://na.myconnectwise.net" is not https (http is accepted for loopback addresses only); write https://na.myconnectwise.net`},
	},
	{
		"http to a name that looks like loopback", "https://na.myconnectwise.net", "http://127.0.0.1.example.net",
		[]string{`tenants.yaml:11: connectwise.url: "http://127.0.0.1.example.net" is not https (http is accepted for loopback addresses only); write https://127.0.0.1.example.net`},
	},
	{
		"http for Cove", "https://api.backup.management/jsonapi", "http://api.backup.management/jsonapi",
		[]string{`tenants.yaml:4: cove.url: "http://api.backup.management/jsonapi" is not https (http is accepted for loopback addresses only); write https://api.backup.management/jsonapi`},
	},
	{
		"another scheme", "https://na.myconnectwise.net", "ftp://na.myconnectwise.net",
		[]string{`tenants.yaml:11: connectwise.url: "ftp://na.myconnectwise.net" is not https; write https://HOST`},
	},
	{
		"no scheme", "https://na.myconnectwise.net", "na.myconnectwise.net",
		[]string{`tenants.yaml:11: connectwise.url: "na.myconnectwise.net" has no scheme; write "https://na.myconnectwise.net"`},
	},
	{
		"no scheme but a port", "https://na.myconnectwise.net", "na.myconnectwise.net:443",
		[]string{`tenants.yaml:11: connectwise.url: "na.myconnectwise.net:443" is not https; write https://HOST`},
	},
	{
		"no host", "https://na.myconnectwise.net", "https:///v4_6_release",
		[]string{`tenants.yaml:11: connectwise.url: "https:///v4_6_release" names no host; write https://HOST`},
	},
	{
		"a port that is none", "https://na.myconnectwise.net", "https://na.myconnectwise.net:70000",
		[]string{`tenants.yaml:11: connectwise.url: "https://na.myconnectwise.net:70000" has no valid port; write 1 to 65535 or leave it out`},
	},
	{
		"a path after the site", "https://na.myconnectwise.net", "https://na.myconnectwise.net/v4_6_release/apis/3.0",
		[]string{`tenants.yaml:11: connectwise.url: "https://na.myconnectwise.net/v4_6_release/apis/3.0" goes on after the host; write https://na.myconnectwise.net`},
	},
	{
		"a password in the address", "https://na.myconnectwise.net", "https://user:" + mark + "@na.myconnectwise.net",
		[]string{"tenants.yaml:11: connectwise.url: carries a user name or password; remove everything up to the @"},
	},
	{
		"a password that breaks the address", "https://na.myconnectwise.net", "https://user:%zz" + mark + "@na.myconnectwise.net",
		[]string{"tenants.yaml:11: connectwise.url: is not an address; write https://HOST"},
	},
	{
		"a query", "https://na.myconnectwise.net", "https://na.myconnectwise.net?token=" + mark,
		[]string{"tenants.yaml:11: connectwise.url: carries a query or fragment; end it before the ? or #"},
	},
	{
		"a fragment", "https://na.myconnectwise.net", "\"https://na.myconnectwise.net#" + mark + "\"",
		[]string{"tenants.yaml:11: connectwise.url: carries a query or fragment; end it before the ? or #"},
	},
	{
		"something behind the address", "https://na.myconnectwise.net", "https://na.myconnectwise.net and more",
		[]string{"tenants.yaml:11: connectwise.url: holds white space; write https://HOST"},
	},
	{
		"an empty address", "https://na.myconnectwise.net", `""`,
		[]string{"tenants.yaml:11: connectwise.url: is empty; write https://HOST"},
	},
	{
		"an address that is a group", "https://na.myconnectwise.net", "{site: na}",
		[]string{"tenants.yaml:11: connectwise.url: is a group of keys, not text; write a single value"},
	},
}

var wrongSecrets = []wrong{
	{
		"a secret file that does not exist", "cove.secret", "missing.secret",
		[]string{"tenants.yaml:7: cove.passwordFile: file DIR/missing.secret does not exist; create it with nothing but the secret in it"},
	},
	{
		"a secret file by an absolute path that does not exist", "cove.secret", "/nonexistent/cove.secret",
		[]string{"tenants.yaml:7: cove.passwordFile: file /nonexistent/cove.secret does not exist; create it with nothing but the secret in it"},
	},
	{
		"a secret file that is a directory", "cove.secret", "folder",
		[]string{"tenants.yaml:7: cove.passwordFile: file DIR/folder is a directory; name a file in it"},
	},
	{
		"a secret file that cannot be read", "cove.secret", "loop",
		[]string{"tenants.yaml:7: cove.passwordFile: file DIR/loop cannot be read (too many levels of symbolic links); check the path and its permissions"},
	},
	{
		"a secret file that is no regular file", "cove.secret", "/dev/null",
		[]string{"tenants.yaml:7: cove.passwordFile: file /dev/null is not a regular file; secrets are read again when they are used, so keep them in a file"},
	},
	{
		"an empty secret file", "cove.secret", "empty",
		[]string{"tenants.yaml:7: cove.passwordFile: file DIR/empty is empty; put the secret in it"},
	},
	{
		"a secret file with two lines", "cove.secret", "two-lines",
		[]string{"tenants.yaml:7: cove.passwordFile: file DIR/two-lines holds white space or control characters inside the secret; put the secret alone in it, on one line"},
	},
	{
		"a secret file in UTF-16", "cove.secret", "utf16",
		[]string{"tenants.yaml:7: cove.passwordFile: file DIR/utf16 is not UTF-8 text; save it as UTF-8"},
	},
	{
		"a secret file that is far too large", "cove.secret", "huge",
		[]string{"tenants.yaml:7: cove.passwordFile: file DIR/huge is larger than 64 KiB; name the file that holds nothing but the secret"},
	},
	{
		"an unset environment variable", "CW_KEY", "NOT_SET",
		[]string{"tenants.yaml:14: connectwise.privateKeyEnv: environment variable NOT_SET is not set; set it to the secret, or keep the secret in a file"},
	},
	{
		"an empty environment variable", "CW_KEY", "EMPTY",
		[]string{"tenants.yaml:14: connectwise.privateKeyEnv: environment variable EMPTY is empty; put the secret in it"},
	},
	{
		"an environment variable with a blank inside", "CW_KEY", "WITH_BLANK",
		[]string{"tenants.yaml:14: connectwise.privateKeyEnv: environment variable WITH_BLANK holds white space or control characters inside the secret; put the secret alone in it, on one line"},
	},
	{
		"an environment variable with a control character", "CW_KEY", "WITH_CONTROL",
		[]string{"tenants.yaml:14: connectwise.privateKeyEnv: environment variable WITH_CONTROL holds white space or control characters inside the secret; put the secret alone in it, on one line"},
	},
	{
		"a secret in place of a variable's name", "CW_KEY", mark + "==",
		[]string{"tenants.yaml:14: connectwise.privateKeyEnv: is not the name of an environment variable; write a name such as COVE_PASSWORD"},
	},
	{
		"a file and a variable", "  privateKeyEnv: CW_KEY\n", "  privateKeyEnv: CW_KEY\n  privateKeyFile: cw.key\n",
		[]string{"tenants.yaml:15: connectwise.privateKeyFile: stands beside privateKeyEnv; keep one of them"},
	},
	{
		"neither a file nor a variable", "  privateKeyEnv: CW_KEY\n", "",
		[]string{"tenants.yaml:10: connectwise.privateKeyFile: is missing; add privateKeyFile: PATH or privateKeyEnv: NAME with the private key of the ConnectWise API member"},
	},
	{
		"a slip in the name of the key", "  privateKeyEnv: CW_KEY\n", "  privateKeyFiel: cw.key\n",
		[]string{"tenants.yaml:14: connectwise.privateKeyFiel: is not a key; did you mean privateKeyFile?"},
	},
	{
		"a password written inline", "  passwordFile: cove.secret\n", "  password: " + mark + "\n",
		[]string{"tenants.yaml:7: cove.password: is not a key, because secrets are not written into the document; use passwordFile: PATH or passwordEnv: NAME"},
	},
	{
		"a key written inline beside its file", "  publicKeyFile: cw.pub\n", "  publicKeyFile: cw.pub\n  public_key: " + mark + "\n",
		[]string{"tenants.yaml:14: connectwise.public_key: is not a key, because secrets are not written into the document; use publicKeyFile: PATH or publicKeyEnv: NAME"},
	},
	{
		"an inline password that YAML takes for an alias", "  passwordFile: cove.secret\n", "  password: *" + mark + "\n",
		[]string{`tenants.yaml:7: document: has a value that begins with "*", which YAML takes for an alias; put the value in quotes`},
	},
	{
		"a secret file that is a number", "cove.secret", "7",
		[]string{"tenants.yaml:7: cove.passwordFile: is a number, not text; put it in quotes"},
	},
	{
		"several problems at once", "", strings.NewReplacer("pier\ncove", "Pier\ncove", "cove.secret", "missing", "cw.pub", "empty", "New", "7").Replace(minimal),
		[]string{
			`tenants.yaml:1: id: "Pier" is not a tenant id; write 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit`,
			"tenants.yaml:4: cove.passwordFile: file DIR/missing does not exist; create it with nothing but the secret in it",
			"tenants.yaml:8: connectwise.publicKeyFile: file DIR/empty is empty; put the secret in it",
			"tenants.yaml:13: tickets.newStatus: is a number, not text; put it in quotes",
		},
	},
}

var wrongFiles = []wrong{
	{
		"an empty file", "", "\n",
		[]string{"tenants.yaml:1: document: holds no tenant document; write one, for example after the one in `covewise up --help`"},
	},
	{
		"nothing but comments", "", "# id: harbor\n",
		[]string{"tenants.yaml:1: document: holds no tenant document; write one, for example after the one in `covewise up --help`"},
	},
	{
		"nothing but separators", "", "---\n---\n",
		[]string{"tenants.yaml:1: document: holds no tenant document; write one, for example after the one in `covewise up --help`"},
	},
	{
		"a tab as indentation", "  username:", "\tusername:",
		[]string{"tenants.yaml:6: document: is indented with a tab; indent with blanks"},
	},
	{
		"a tab on the first line", "", "\tid: harbor\n",
		[]string{"tenants.yaml:1: document: is indented with a tab; indent with blanks"},
	},
	{
		"indentation that does not fit", "  username:", " username:",
		[]string{"tenants.yaml:6: document: is not YAML (did not find expected key); check the indentation, and put values with special characters in quotes"},
	},
	{
		"a value that needs quotes", "board: Service Desk", "board: Service: Desk",
		[]string{"tenants.yaml:19: document: is not YAML (mapping values are not allowed in this context); check the indentation, and put values with special characters in quotes"},
	},
	{
		"a quote that is not closed", "board: Service Desk", `board: "Service Desk`,
		[]string{"tenants.yaml:22: document: is not YAML (mapping values are not allowed in this context); check the indentation, and put values with special characters in quotes"},
	},
	{
		"a value that begins with @", "psa-sync", "@psa-sync",
		[]string{"tenants.yaml:6: document: is not YAML (found character that cannot start any token); check the indentation, and put values with special characters in quotes"},
	},
	{
		"text between the keys", "mode: live", "live",
		[]string{"tenants.yaml:2: document: is not YAML (could not find expected ':'); check the indentation, and put values with special characters in quotes"},
	},
	{
		"a list between the keys", "mode: live", "- live",
		[]string{"tenants.yaml:2: document: is not YAML (did not find expected key); check the indentation, and put values with special characters in quotes"},
	},
	{
		"an unclosed brace", `m365: "Priority 2 - Quick Response"}`, `m365: "Priority 2 - Quick Response"`,
		[]string{"tenants.yaml:22: document: is not YAML (did not find expected ',' or '}'); check the indentation, and put values with special characters in quotes"},
	},
	{
		"a wrong escape", "board: Service Desk", `board: "Service \Desk"`,
		[]string{"tenants.yaml:19: document: is not YAML (found unknown escape character); check the indentation, and put values with special characters in quotes"},
	},
	{
		"bytes that are no UTF-8", "psa-sync", "psa-\xff",
		[]string{"tenants.yaml:6: document: is not UTF-8 text; save the file as UTF-8"},
	},
	{
		"a NUL byte", "psa-sync", "psa-\x00",
		[]string{"tenants.yaml:6: document: holds a control character; save the file as plain UTF-8 text"},
	},
	{
		"a control character", "psa-sync", "psa-\x01",
		[]string{"tenants.yaml:6: document: holds a control character; save the file as plain UTF-8 text"},
	},
	{
		"an error in the second document hides none in the first", "", strings.Replace(minimal, "pier\ncove", "Pier\ncove", 1) + "---\nid: quay\n  mode: live\n",
		[]string{
			`tenants.yaml:1: id: "Pier" is not a tenant id; write 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit`,
			"tenants.yaml:21: document: is not YAML (mapping values are not allowed in this context); check the indentation, and put values with special characters in quotes",
		},
	},
}
