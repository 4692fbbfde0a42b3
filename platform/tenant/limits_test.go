package tenant_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLimitsTowardsCoveAreKeptInBounds(t *testing.T) {
	cases := []struct {
		says, line string
		want       string // the complaint; empty: it loads
	}{
		{"a fraction", "requestsPerSecond: 0.5", ""},
		{"the greatest", "concurrency: 16", ""},
		{"too fast", "requestsPerSecond: 51", "cove.requestsPerSecond: 51 is not from 0.1 to 50; write a number in between"},
		{"nothing at all", "requestsPerSecond: 0", "cove.requestsPerSecond: 0 is not from 0.1 to 50; write a number in between"},
		{"infinite", "requestsPerSecond: .inf", "cove.requestsPerSecond: .inf is not from 0.1 to 50; write a number in between"},
		{"with a unit", "requestsPerSecond: 4/s", "cove.requestsPerSecond: is text, not a number; write a number from 0.1 to 50 without quotes or units"},
		{"too many at once", "concurrency: 17", "cove.concurrency: 17 is more than 16; write 16 or less"},
		{"none at once", "concurrency: 0", "cove.concurrency: 0 is less than 1; write 1 or more"},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			docs, err := load(t, folder(t), strings.Replace(whole, "  username: psa-sync\n", "  username: psa-sync\n  "+c.line+"\n", 1))
			if c.want == "" {
				require.NoError(t, err)
				require.Len(t, docs, 1)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}
