package cove_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/clock"
)

func TestOptionsNameTheFieldAndTheRule(t *testing.T) {
	good := cove.Options{
		URL:      "https://api.backup.management/jsonapi",
		Username: "psa-sync",
		Password: func() (string, error) { return "x", nil },
		Clock:    clock.System(),
	}
	tests := []struct {
		why  string
		set  func(*cove.Options)
		want string
	}{
		{"the vendor's address is good", func(*cove.Options) {}, ""},
		{"http is good for an IPv6 loopback address", func(o *cove.Options) { o.URL = "http://[::1]:8080/jsonapi" }, ""},
		{"http is good for localhost, without a path", func(o *cove.Options) { o.URL = "http://localhost:8080" }, ""},
		{"an address is needed", func(o *cove.Options) { o.URL = "" }, "URL: must be an address such as https://api.backup.management/jsonapi"},
		{"http is refused elsewhere", func(o *cove.Options) { o.URL = "http://api.backup.management/jsonapi" }, "URL: must be https; http is accepted for loopback addresses only, not for api.backup.management"},
		{"a name that only begins like loopback is elsewhere", func(o *cove.Options) { o.URL = "http://127.0.0.1.example/jsonapi" }, "URL: must be https; http is accepted for loopback addresses only, not for 127.0.0.1.example"},
		{"other schemes are refused", func(o *cove.Options) { o.URL = "ftp://api.backup.management/jsonapi" }, "URL: must be https, not ftp"},
		{"credentials do not belong in an address", func(o *cove.Options) { o.URL = "https://u:secret@api.backup.management/jsonapi" }, "URL: must not hold a user or password"},
		{"a query does not belong there", func(o *cove.Options) { o.URL += "?x=1" }, "URL: must not have a query or fragment"},
		{"a user is needed", func(o *cove.Options) { o.Username = " " }, "Username: must not be empty"},
		{"a password is needed", func(o *cove.Options) { o.Password = nil }, "Password: must be given"},
		{"a clock is needed", func(o *cove.Options) { o.Clock = nil }, "Clock: must be given"},
		{"a rate is positive", func(o *cove.Options) { o.RequestsPerSecond = -1 }, "RequestsPerSecond: must be a positive number, or 0 for 4"},
		{"a rate is a number", func(o *cove.Options) { o.RequestsPerSecond = math.NaN() }, "RequestsPerSecond: must be a positive number, or 0 for 4"},
		{"a timeout is positive", func(o *cove.Options) { o.Timeout = -time.Second }, "Timeout: must be positive, or 0 for 1m0s"},
		{"an allowed host is a host", func(o *cove.Options) { o.AllowHosts = []string{"Node.example", "*.nodes.example", "https://x"} }, `AllowHosts: must hold host names or *.domain, without scheme, port or path, not "https://x"`},
		{"everything wrong is named at once", func(o *cove.Options) { o.Username, o.Clock = "", nil }, "Username: must not be empty\nClock: must be given"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			o := good
			tt.set(&o)
			err := o.Validate()
			_, errNew := cove.New(o)
			if tt.want == "" {
				require.NoError(t, err)
				require.NoError(t, errNew)
				return
			}
			require.EqualError(t, err, tt.want)
			require.EqualError(t, errNew, "options of the Cove client: "+tt.want)
		})
	}
}
