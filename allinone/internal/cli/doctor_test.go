package cli_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/connectors/cove/covefake"
)

// described is outside with devices that show all that a sweep insists on.
func described(t *testing.T) *outside {
	t.Helper()
	o := newOutside(t)
	for _, d := range o.cove.Devices() {
		require.NoError(t, o.cove.PutDevice(whole(d)))
	}
	text, err := os.ReadFile(o.tenants)
	require.NoError(t, err)
	text = []byte(strings.Replace(string(text), "\ncove:\n", "\ncove:\n  requestsPerSecond: 50\n", 1))
	require.NoError(t, os.WriteFile(o.tenants, text, 0o600))
	return o
}

func whole(d covefake.Device) covefake.Device {
	d.Set("CD", "@-5000h")
	d.Set("PN", "All-In")
	return d
}

// steady replaces what differs between runs.
func steady(s string) string {
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(s, "NODE")
}

func TestDoctorExaminesCoveBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	o := described(t)
	o.set(1000, "2")
	got := execute(t.Context(), o.secrets, "doctor", "cove", "-f", o.tenants, "--tenant", "harbor")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Empty(t, got.stderr)
	golden(t, "doctor-cove", steady(got.stdout))
	require.NoDirExists(t, o.data)

	var findings []map[string]any
	got = execute(t.Context(), o.secrets, "doctor", "cove", "--tenants", o.tenants, "--output", "json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &findings))
	require.Equal(t, map[string]any{"check": "login", "level": "ok", "text": `user "psa-sync" (90331, Operator) in partner 700`, "remedy": ""}, findings[0])
}

func TestDoctorTellsHostileNamesHarmlessly(t *testing.T) {
	t.Parallel()
	o := described(t)
	const hostile = "=cmd|' /C calc'!A0 \x1b[31m\u202eevil\u2028\u0000 Müller 漢字"
	require.NoError(t, o.cove.PutPartner(covefake.Partner{ID: 800, ParentID: 700, Name: hostile, Level: "EndCustomer", State: "InTrial"}))
	d := whole(device(1900))
	d.PartnerID = 800
	require.NoError(t, o.cove.PutDevice(d))

	got := execute(t.Context(), o.secrets, "doctor", "cove", "-f", o.tenants)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, `warning  trial           1 customer is in trial: "=cmd|' /C calc'!A0 \x1b[31m\u202eevil\u2028\x00 Müller 漢字" (EndCustomer, 800) with 1 device; policy leaves their devices out`)
	for _, bad := range []string{"\x1b", "\u202e", "\u2028", "\x00"} {
		require.NotContains(t, got.stdout, bad)
	}

	got = execute(t.Context(), o.secrets, "doctor", "cove", "-f", o.tenants, "--output", "csv")
	rows, err := csv.NewReader(strings.NewReader(got.stdout)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"check", "level", "text", "remedy"}, rows[0])
	for _, row := range rows[1:] {
		require.NotRegexp(t, `^[=+\-@|%]`, strings.Join(row, "\n"))
	}
}

func TestDoctorEndsWithOneForAnErrorAndPrintsNoSecret(t *testing.T) {
	t.Parallel()
	marks := map[string]string{"COVE_PASSWORD": "mark-password-1", "CW_PUBLIC": "mark-public-2", "CW_PRIVATE": "mark-private-3"}
	o := described(t)
	cases := map[string]struct {
		secrets map[string]string
		fault   *covefake.Fault
		want    string
	}{
		"a wrong password": {marks, nil, `error    login           Cove refuses user "psa-sync" with the password in environment variable COVE_PASSWORD: the user, its partner or the password is wrong, or the user is locked` + "\n" +
			`                         -> retype the password, as pasted text often has a part too much or too little; check cove.username; ` +
			`cove.partner "Harbor IT" must be the partner's exact console name, often with its contact in brackets; wait some minutes before the next try, as repeated bad logins lock the user` + "\n" +
			"\n0 ok, 0 warnings, 1 errors\n"},
		"no password": {nil, nil, "error    password        read secret cove.password: environment variable COVE_PASSWORD is not set; set it to the secret, or keep the secret in a file\n" +
			"                         -> put the API user's token there, alone and on one line\n\n0 ok, 0 warnings, 1 errors\n"},
		"an echo of the password": {
			marks, &covefake.Fault{Match: "Login", Kind: covefake.FaultRPCError, Message: "no mark-password-1 here"},
			"error    login           the login failed: calling Cove: Login: Cove answered an error: no [redacted] here (code -32603)\n",
		},
	}
	for says, c := range cases {
		t.Run(says, func(t *testing.T) {
			o.cove.ClearFaults()
			if c.fault != nil {
				_, err := o.cove.AddFault(*c.fault)
				require.NoError(t, err)
			}
			got := execute(t.Context(), c.secrets, "doctor", "cove", "-f", o.tenants)
			require.Equal(t, cli.ExitFailed, got.code)
			require.Contains(t, got.stdout, c.want)
			require.Empty(t, got.stderr)
			require.NotContains(t, got.stdout, "mark-")
		})
	}
}

func TestDoctorTakesTheSettingsThatACovewiseKnows(t *testing.T) {
	t.Parallel()
	o := described(t)
	require.Equal(t, cli.ExitOK, o.once().code)
	got := execute(t.Context(), o.secrets, "doctor", "cove", "--data", o.data)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "\n11 ok, 0 warnings, 0 errors\n")
}

func TestDoctorIsToldWhatToExamine(t *testing.T) {
	t.Parallel()
	o := described(t)
	two := o.tenants + ".two"
	text, err := os.ReadFile(o.tenants)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(two, []byte(string(text)+"---\n"+strings.Replace(string(text), "id: harbor", "id: quay", 1)), 0o600))
	cases := map[string]struct {
		args []string
		want string
	}{
		"nothing named":      {nil, "covewise: -f is missing; name the file with the tenants' documents, or a covewise with --data or --nats\n"},
		"two places":         {[]string{"-f", o.tenants, "--data", o.data}, "covewise: -f excludes --data and --nats; give one of them\n"},
		"two tenants":        {[]string{"-f", two}, "covewise: --tenant is missing; " + two + " holds 2 tenants, so name one\n"},
		"an unknown tenant":  {[]string{"-f", two, "--tenant", "pier"}, "covewise: --tenant pier is not in " + two + "; choose one of harbor, quay\n"},
		"an unknown format":  {[]string{"-f", o.tenants, "--output", "xml"}, `covewise: --output: "xml" is none of table, csv and json; choose one of them` + "\n"},
		"a file of nothing":  {[]string{"-f", o.data}, o.data + ":1: document: does not exist; name an existing file, or write one after the example in `covewise up --help`\n"},
		"something else":     {[]string{"more"}, `covewise: unexpected argument "more"; see covewise doctor cove --help` + "\n"},
		"an unknown tenant ": {[]string{"-f", o.tenants, "--tenant", "pier"}, "covewise: --tenant pier is not in " + o.tenants + "; choose one of harbor\n"},
	}
	for says, c := range cases {
		t.Run(says, func(t *testing.T) {
			require.Equal(t, result{cli.ExitUsage, "", c.want}, execute(t.Context(), o.secrets, append([]string{"doctor", "cove"}, c.args...)...))
		})
	}
}
