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

func TestThePaceTowardsConnectWiseIsKeptInBounds(t *testing.T) {
	with := func(line string) string {
		return strings.Replace(minimal, "connectwise:\n", "connectwise:\n  "+line+"\n", 1)
	}
	docs, err := load(t, folder(t), with("requestsPerMinute: 300\n  burst: 5"))
	require.NoError(t, err)
	s := docs[0].Settings().GetConnectwise()
	require.Equal(t, []uint32{300, 5}, []uint32{s.GetRequestsPerMinute(), s.GetBurst()})
	docs, err = load(t, folder(t), minimal)
	require.NoError(t, err)
	s = docs[0].Settings().GetConnectwise()
	require.Equal(t, []uint32{800, 20}, []uint32{s.GetRequestsPerMinute(), s.GetBurst()}, "nothing said")
	for line, want := range map[string]string{
		"requestsPerMinute: 6001":  "connectwise.requestsPerMinute: 6001 is more than 6000; write 6000 or less",
		"requestsPerMinute: 0":     "connectwise.requestsPerMinute: 0 is less than 1; write 1 or more",
		"requestsPerMinute: 800/m": "connectwise.requestsPerMinute: is text, not a whole number; write the number without quotes or units",
		"burst: 201":               "connectwise.burst: 201 is more than 200; write 200 or less",
		"burst: 0":                 "connectwise.burst: 0 is less than 1; write 1 or more",
	} {
		_, err := load(t, folder(t), with(line))
		require.ErrorContains(t, err, want)
	}
}

func TestNumbersThatAreTooLargeAreRefusedAndNotCutOff(t *testing.T) {
	for keys, want := range map[string]string{
		"  hourlyCap: 4294967297\n":                   "tickets.hourlyCap: 4294967297 is more than 2147483647; write 2147483647 or less",
		"  hourlyCap: 4294967296\n":                   "tickets.hourlyCap: 4294967296 is more than 2147483647; write 2147483647 or less",
		"  hourlyCap: 18446744073709551617\n":         "tickets.hourlyCap: 18446744073709551617 is not a whole number in plain digits",
		"companies: {new: {nameLimit: 4294967306}}\n": "companies.new.nameLimit: 4294967306 is more than 2147483647",
		"policy: {group: {devices: 4294967298}}\n":    "policy.group.devices: 4294967298 is more than 2147483647",
		"policy: {group: {share: 4294967297}}\n":      "policy.group.share: 4294967297 is more than 100 percent",
		"policy: {notSweptAfter: 4294967297}\n":       "policy.notSweptAfter: 4294967297 is more than 2147483647",
		"policy: {openAfter: 4294967297}\n":           "policy.openAfter: \"4294967297\" is not a whole number from 1 to",
	} {
		_, err := load(t, folder(t), minimal+keys)
		require.ErrorContains(t, err, want, keys)
	}
	docs, err := load(t, folder(t), minimal+"  hourlyCap: 2147483647\n")
	require.NoError(t, err)
	require.Equal(t, uint32(2147483647), docs[0].Settings().GetTickets().GetHourlyCap())
}
