package cove

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

func TestADeviceTokenGoesToStorageNodesOnly(t *testing.T) {
	vendor := nodePolicy{allow: []string{"backup.msp.example", "*.nodes.msp.example"}}
	loopback := nodePolicy{loopback: true}
	const refused = "asking the storage node: "
	tests := []struct {
		why       string
		policy    nodePolicy
		node      string
		url, text string
	}{
		{"a node's port is not that of its reporting service", vendor, "US-CH-0202-12.CloudBackup.Management:443", "https://us-ch-0202-12.cloudbackup.management/repserv_json", ""},
		{"the other domain", vendor, "node.backup.management", "https://node.backup.management/repserv_json", ""},
		{"an allowed host", vendor, "Backup.MSP.example:8443", "https://backup.msp.example/repserv_json", ""},
		{"an allowed domain", vendor, "a.b.nodes.msp.example", "https://a.b.nodes.msp.example/repserv_json", ""},
		{"a domain that only ends like the vendor's", vendor, "evilcloudbackup.management", "", "host evilcloudbackup.management is outside the vendor's domains; allow it for this tenant if it is a storage node you trust"},
		{"the allowed domain itself", vendor, "nodes.msp.example", "", "host nodes.msp.example is outside the vendor's domains; allow it for this tenant if it is a storage node you trust"},
		{"an address inside", vendor, "127.0.0.1:8080", "", "host 127.0.0.1 is outside the vendor's domains; allow it for this tenant if it is a storage node you trust"},
		{"a path before the domain", vendor, "evil.example/.backup.management", "", `"evil.example/.backup.management" is no host name`},
		{"a user before the domain", vendor, "x@node.backup.management", "", `"x@node.backup.management" is no host name`},
		{"no node", vendor, " ", "", "the account information names no storage node"},
		{"loopback keeps its port", loopback, "127.0.0.1:8080", "http://127.0.0.1:8080/repserv_json", ""},
		{"loopback by name", loopback, "LOCALHOST:9", "http://localhost:9/repserv_json", ""},
		{"loopback of IPv6", loopback, "[::1]:9", "http://[::1]:9/repserv_json", ""},
		{"from loopback nothing goes out", loopback, "node.backup.management", "", `host "node.backup.management" is not on loopback, while Cove's URL is`},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			url, err := tt.policy.url(tt.node)
			require.Equal(t, tt.url, url)
			if tt.text == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, refused+tt.text)
			require.Equal(t, errclass.Rejected, errclass.Of(err))
			var skipped *SkippedNodeError
			require.ErrorAs(t, err, &skipped)
			want := SkipHost
			if skipped.Host == "" {
				want = SkipNoNode
			}
			require.Equal(t, want, skipped.Reason)
		})
	}
}
