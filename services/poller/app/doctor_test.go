package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	codes "github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/connectors/cove/covefake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/app"
)

// settings are the tenant's Cove settings, to be changed before an examination.
func (w *world) settings() *tenantv1.Cove {
	return &tenantv1.Cove{Url: w.url, Username: "psa-sync", Password: &tenantv1.SecretRef{File: w.secret}}
}

func (w *world) examine(s *tenantv1.Cove) []app.Check { return w.examineUnder(s, nil) }

func (w *world) examineUnder(s *tenantv1.Cove, policy *tenantv1.Policy) []app.Check {
	w.t.Helper()
	opts := w.opts
	opts.NATS = nil
	checks, err := app.Doctor(w.t.Context(), &tenantv1.Settings{Id: "harbor", Cove: s, Policy: policy}, opts)
	require.NoError(w.t, err)
	for _, c := range checks {
		require.NotEmpty(w.t, c.Text, c.Name)
		require.Equal(w.t, c.Level == app.CheckOK, c.Remedy == "", "%+v", c)
	}
	return checks
}

// complaints returns the findings that are not ok, as "level name: text".
func complaints(checks []app.Check) []string {
	var list []string
	for _, c := range checks {
		if c.Level != app.CheckOK {
			list = append(list, fmt.Sprintf("%s %s: %s", c.Level, c.Name, c.Text))
		}
	}
	return list
}

func TestDoctorFindsNothingWrongWithAGoodLogin(t *testing.T) {
	w := newWorld(t, 3)
	w.edit(1001, map[string]string{"D01F00": "2"})
	require.NoError(t, w.cove.PutDevice(covefake.Device{AccountID: 2000, PartnerID: customer, Settings: map[string]string{
		"AN": "m365", "AT": "2", "I78": "D19D20", "CD": covefake.Unix(w.clock.Now()), "T0": "5", "TS": covefake.Unix(w.clock.Now()), "D19F00": "5", "D20F00": "5", "D19F09": covefake.Unix(w.clock.Now()), "D20F09": covefake.Unix(w.clock.Now()),
	}}))
	host := strings.TrimSuffix(strings.TrimPrefix(w.url, "http://"), "/jsonapi")
	require.Equal(t, []app.Check{
		{Name: "login", Level: app.CheckOK, Text: `user "psa-sync" (90331, Operator) in partner 700`},
		{Name: "clock", Level: app.CheckOK, Text: `this machine's clock is that of Cove's server (version "26.1.0.26067")`},
		{Name: "partner", Level: app.CheckOK, Text: `what lies below "Harbor IT" (Reseller, 700) is watched`},
		{Name: "partners", Level: app.CheckOK, Text: "1 Reseller, 1 EndCustomer, 1 Site"},
		{Name: "devices", Level: app.CheckOK, Text: "4 devices: 3 servers, 1 Microsoft 365 tenant; the last session of 1 is not in order"},
		{Name: "columns", Level: app.CheckOK, Text: fmt.Sprintf("%d columns: none refused, all that must be there came", len(codes.Full()))},
		{Name: "placement", Level: app.CheckOK, Text: "every device belongs to a customer"},
		{Name: "trial", Level: app.CheckOK, Text: "no customer in trial has a device"},
		{Name: "recycle bins", Level: app.CheckOK, Text: "no recycle bin holds a device"},
		{Name: "accounts", Level: app.CheckOK, Text: "the account information of 4 devices was read, to try their storage nodes"},
		{Name: "session errors", Level: app.CheckOK, Text: fmt.Sprintf("can be read from %q, %q", host, "reporting service")},
	}, w.examine(w.settings()))
}

func TestDoctorSaysWhyItCannotLogIn(t *testing.T) {
	cases := []struct {
		says   string
		change func(w *world, s *tenantv1.Cove)
		want   string // the one finding
		remedy string
	}{
		{
			"a wrong password", func(w *world, _ *tenantv1.Cove) {
				require.NoError(w.t, os.WriteFile(w.secret, []byte("hidden-1"), 0o600))
			},
			`error login: Cove refuses user "psa-sync" with the password in file SECRET: the user, its partner or the password is wrong, or the user is locked`,
			"retype the password",
		},
		{
			"a wrong partner", func(_ *world, s *tenantv1.Cove) { s.Partner = "Harbor" },
			`error login: Cove refuses user "psa-sync" with the password in file SECRET: the user, its partner or the password is wrong, or the user is locked`,
			`cove.partner "Harbor" must be the partner's exact console name, often with its contact in brackets`,
		},
		{
			"no password", func(w *world, s *tenantv1.Cove) { s.Password.File = filepath.Join(filepath.Dir(w.secret), "none") },
			"error password: read secret cove.password: file DIR/none does not exist; create it with nothing but the secret in it",
			"put the API user's token there",
		},
		{
			"a password of two words", func(w *world, _ *tenantv1.Cove) {
				require.NoError(w.t, os.WriteFile(w.secret, []byte("hidden-1 hidden-2"), 0o600))
			},
			"error password: read secret cove.password: file SECRET holds white space or control characters inside the secret; put the secret alone in it, on one line",
			"alone and on one line",
		},
		{
			"an address of nothing", func(_ *world, s *tenantv1.Cove) { s.Url = "http://cove.example" },
			"error settings: options of the Cove client: URL: must be https; http is accepted for loopback addresses only, not for cove.example",
			"mend the tenant's document",
		},
		{
			"a user without API access", func(w *world, _ *tenantv1.Cove) {
				_, err := w.cove.AddFault(covefake.Fault{Match: "Login", Kind: covefake.FaultRPCError, Data: 13501, Message: "security reasons"})
				require.NoError(w.t, err)
			},
			`error login: Cove refuses user "psa-sync": calling Cove: the login has no right to call Login for this partner or these columns; its role must be Operator or higher, ` +
				"in the partner at the root of the devices: Login: Cove answered an error: security reasons (code -32603, data 13501)",
			"allow API authentication",
		},
		{
			"a page in the way", func(w *world, _ *tenantv1.Cove) {
				_, err := w.cove.AddFault(covefake.Fault{Match: "Login", Kind: covefake.FaultHTTPStatus, Status: 407})
				require.NoError(w.t, err)
			},
			"error login: the login failed: calling Cove: Login: ", "",
		},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			w := newWorld(t, 1)
			s := w.settings()
			c.change(w, s)
			checks := w.examine(s)
			require.Len(t, checks, 1)
			want := strings.NewReplacer("SECRET", w.secret, "DIR", filepath.Dir(w.secret)).Replace(c.want)
			require.Contains(t, complaints(checks)[0], want)
			require.Contains(t, checks[0].Remedy, c.remedy)
			require.NotContains(t, fmt.Sprint(checks), "hidden")
		})
	}
}

func TestDoctorJudgesThePartnerThatIsWatched(t *testing.T) {
	const above = 600
	cases := []struct {
		says  string
		level string // of the login's partner, 600
		root  int64
		want  []string
	}{
		{"a distributor is refused", "Distributor", 0, []string{
			`error partner: "Top" (Distributor, 600) is above a single service provider: the devices of other providers would be watched too`,
		}},
		{"so is the top", "Root", 0, []string{
			`error partner: "Top" (Root, 600) is above a single service provider: the devices of other providers would be watched too`,
		}},
		{"and what is below it", "SubRoot", above, []string{
			`error partner: "Top" (SubRoot, 600) is above a single service provider: the devices of other providers would be watched too`,
		}},
		{"a reseller below a distributor is watched, with a login that reaches too far", "Distributor", root, []string{
			`warning partner: the login belongs to "Top" (Distributor, 600) and reaches far more than is watched`,
		}},
		{"a subdistributor is fine", "SubDistributor", 0, nil},
		{"a customer is fine", "SubDistributor", customer, nil},
		{"a site stands for a customer", "SubDistributor", site, []string{
			`warning partner: only the site "Kiel" (Site, 711) is watched, and stands for a customer`,
			`warning placement: 1 device belongs to no customer, but directly to what is above: "Kiel" (Site, 711) with 1 device`,
		}},
		{"a root elsewhere", "SubDistributor", 999, []string{
			"error partner: the partner of cove.root, 999, could not be read: reading partner 999: calling Cove: GetPartnerInfoById: Cove answered an error: Partner 999 does not exist. (code -32603)",
		}},
		{"a root that is not below", "SubDistributor", 500, []string{"error partner: cove.root 500 does not lie below the login's partner 600"}},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			w := newWorld(t, 1)
			tree := partners()
			tree[0].ParentID = above
			require.NoError(t, w.cove.SetFleet(covefake.Fleet{
				Root: above, Devices: []covefake.Device{healthy(w.clock, 1000)},
				Partners: append(tree, covefake.Partner{ID: above, ParentID: 500, Name: "Top", Level: c.level}, covefake.Partner{ID: 500, Name: "Vendor", Level: "Root"}),
			}))
			s := w.settings()
			s.Root = c.root
			require.Equal(t, c.want, complaints(w.examine(s)))
		})
	}
}

func TestDoctorTellsWhatHindersTheWatch(t *testing.T) {
	switches := func(s covefake.Switches) func(*world, *tenantv1.Cove) {
		return func(w *world, _ *tenantv1.Cove) { require.NoError(w.t, w.cove.SetSwitches(s)) }
	}
	fault := func(f covefake.Fault) func(*world, *tenantv1.Cove) {
		return func(w *world, _ *tenantv1.Cove) {
			_, err := w.cove.AddFault(f)
			require.NoError(w.t, err)
		}
	}
	partner := func(p covefake.Partner, devices ...int64) func(*world, *tenantv1.Cove) {
		return func(w *world, _ *tenantv1.Cove) {
			require.NoError(w.t, w.cove.PutPartner(p))
			for _, id := range devices {
				d := healthy(w.clock, id)
				d.PartnerID = p.ID
				require.NoError(w.t, w.cove.PutDevice(d))
			}
		}
	}
	cases := []struct {
		says   string
		change func(w *world, s *tenantv1.Cove)
		want   []string // their beginnings
	}{
		{"a clock that is a minute wrong is let pass", switches(covefake.Switches{ClockAheadSeconds: 60}), nil},
		{"two minutes behind", switches(covefake.Switches{ClockAheadSeconds: 120}), []string{"warning clock: this machine's clock is 2m0s behind that of Cove's server"}},
		{"six minutes ahead", switches(covefake.Switches{ClockAheadSeconds: -360}), []string{"error clock: this machine's clock is 6m0s ahead of that of Cove's server"}},
		{"a refused column that can be done without", switches(covefake.Switches{RefusedColumns: []string{"D02F*"}}), []string{
			"warning columns: Cove refuses this login D02F00, D02F03, D02F04, D02F05, D02F06 and 6 more; what they tell is not known of any device",
		}},
		{"one that cannot", switches(covefake.Switches{RefusedColumns: []string{"I78"}}), []string{"error columns: an indispensable column is missing: devices cannot be judged without column I78 (refused to this login)"}},
		{"a column that never comes", switches(covefake.Switches{IgnoredColumns: []string{"I10"}}), []string{"warning columns: PN should be there and came for no device"}},
		{"no right to devices", fault(covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultRPCError, Data: 13501, Message: "security reasons"}), []string{
			"error devices: the devices could not be read: ", "error columns: the descriptive columns could not be read: ",
		}},
		{"no right to customers", fault(covefake.Fault{Match: "EnumeratePartners", Kind: covefake.FaultRPCError, Data: 13501, Message: "security reasons"}), []string{"error partners: the customers could not be read: "}},
		{"no right to accounts", fault(covefake.Fault{Match: "GetAccountInfoById", Kind: covefake.FaultRPCError, Data: 13501, Message: "security reasons"}), []string{
			"warning accounts: the account information of device 1000, which leads to its session errors, could not be read: ",
		}},
		{"a storage node elsewhere", switches(covefake.Switches{NodeHost: "node.example:443"}), []string{
			`warning storage node: "node.example", that of device 1000, is outside the vendor's domains and is not asked`,
		}},
		{"a storage node that is down", fault(covefake.Fault{Kind: covefake.FaultNodeDown, Match: "QuerySessions"}), []string{"warning storage node: "}},
		{"pages that do not fit", fault(covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultMissingRow}), []string{
			"warning devices: the pages of devices do not fit together: the pages held 2 devices and Cove counts 3",
		}},
		{"no devices", func(w *world, _ *tenantv1.Cove) {
			require.NoError(w.t, w.cove.SetFleet(covefake.Fleet{Root: root, Partners: partners()}))
		}, []string{`warning devices: there is no device below "Harbor IT" (Reseller, 700)`}},
		{"a device directly under the reseller", partner(partners()[0], 1900), []string{
			`warning placement: 1 device belongs to no customer, but directly to what is above: "Harbor IT" (Reseller, 700) with 1 device`,
		}},
		{"a customer in trial", partner(covefake.Partner{ID: 720, ParentID: root, Name: "Try\u202eme\n=1+1", Level: "EndCustomer", State: "InTrial"}, 1900, 1901), []string{
			`warning trial: 1 customer is in trial: "Try\u202eme\n=1+1" (EndCustomer, 720) with 2 devices; their devices are watched like others`,
		}},
		{"a trial without a device is no matter", partner(covefake.Partner{ID: 720, ParentID: root, Name: "Try", Level: "EndCustomer", State: "InTrial"}), nil},
		{"a recycle bin", partner(covefake.Partner{ID: 721, ParentID: root, Name: "001ABCDEFGHIJKLMNO- Recycle Bin", Level: "EndCustomer", State: "InProduction"}, 1900), []string{
			`warning recycle bins: devices in recycle bins are watched like others: "001ABCDEFGHIJKLMNO- Recycle Bin" (EndCustomer, 721) with 1 device`,
		}},
		{"devices of no known type", func(w *world, _ *tenantv1.Cove) {
			w.edit(1000, map[string]string{"AT": "9"})
			w.edit(1001, map[string]string{"AT": "9"})
		}, []string{"warning devices: 3 devices: 1 server, 2 devices of unknown type; the last session of 0 is not in order"}},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			w := newWorld(t, 3)
			s := w.settings()
			c.change(w, s)
			got := complaints(w.examine(s))
			require.Len(t, got, len(c.want), "%q", got)
			for i, want := range c.want {
				require.True(t, strings.HasPrefix(got[i], want), "%q does not begin with %q", got[i], want)
			}
		})
	}
}

func TestDoctorReadsNothingItNeedNot(t *testing.T) {
	w := newWorld(t, 2500)
	began := w.clock.Now()
	w.examine(w.settings())
	require.Equal(t, map[string]int{
		"Login": 1, "GetServerInfo": 1, "GetPartnerInfoById": 1, "EnumeratePartners": 1, "EnumerateAccountStatistics": 4, "EnumerateColumns": 1,
		"GetAccountInfoById": 20, "QuerySessions": 1,
	}, w.cove.Counts())
	require.Equal(t, time.Duration(0), w.clock.Now().Sub(began))
}

func TestDoctorTellsThatPolicyLeavesTrialsOut(t *testing.T) {
	w := newWorld(t, 1)
	require.NoError(t, w.cove.PutPartner(covefake.Partner{ID: customer, ParentID: root, Name: "Try", Level: "EndCustomer", State: "InTrial"}))
	require.Equal(t, []string{`warning trial: 1 customer is in trial: "Try" (EndCustomer, 710) with 1 device; policy leaves their devices out`},
		complaints(w.examineUnder(w.settings(), &tenantv1.Policy{ExcludeTrial: true})))
}
