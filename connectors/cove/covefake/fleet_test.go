package covefake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

func TestALoadedDeviceHasCanonicalCodesAndRealTimes(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.fake.PutDevice(covefake.Device{AccountID: 7, PartnerID: 7010, Settings: map[string]string{
		"AN": "x", "D5F0": "5", "T7": "1", "TL": "@-1d2h3m4s", "AR": orchard, "PF": "something else", "AU": "8",
	}}))
	d, ok := r.fake.Device(7)
	require.True(t, ok)
	require.Equal(t, covefake.Device{AccountID: 7, PartnerID: 7010, Settings: map[string]string{
		"I1": "x", "D05F00": "5", "D09F06": "1", "I77": "something else",
		"D09F09": before(26*time.Hour + 3*time.Minute + 4*time.Second),
	}}, d, "AR is left to the partner, a contradicting PF is kept, AU cannot be set")

	d.Settings["I1"] = "changed outside"
	again, _ := r.fake.Device(7)
	require.Equal(t, "x", again.Settings["I1"])
}

func TestTheRootsNameIsTheLoginsPartnerUnlessOptionsSayOtherwise(t *testing.T) {
	fake := covefake.New(covefake.Options{Partner: "My MSP"})
	p, ok := fake.Partner(481200)
	require.True(t, ok)
	require.Equal(t, "My MSP", p.Name)
	require.Equal(t, "Reseller", p.Level)
	_, ok = fake.Partner(1)
	require.False(t, ok)
	_, ok = fake.Device(1)
	require.False(t, ok)
}

func TestFleetsThatCannotBeLoaded(t *testing.T) {
	const root = `{"Id":1,"Name":"R","Level":"Reseller"}`
	device := func(members string) string {
		return `{"root":1,"partners":[` + root + `],"devices":[{"AccountId":5,"PartnerId":1` + members + `}]}`
	}
	tests := map[string]struct{ fleet, want string }{
		"No JSON.":                    {`root: 1`, "reading the fleet: invalid character"},
		"An unknown member.":          {`{"root":1,"partner":[]}`, `unknown field "partner"`},
		"No root.":                    {`{"root":2,"partners":[` + root + `]}`, "root 2: no partner has this id"},
		"A partner twice.":            {`{"root":1,"partners":[` + root + `,` + root + `]}`, "partner 1: listed twice"},
		"A partner without a name.":   {`{"root":1,"partners":[{"Id":1,"Level":"Site"}]}`, "partner 1: Name is empty"},
		"A partner without an id.":    {`{"root":1,"partners":[{"Name":"x","Level":"Site"}]}`, `partner "x": Id must be positive`},
		"A partner of no level.":      {`{"root":1,"partners":[{"Id":1,"Name":"x","Level":"Customer"}]}`, `partner 1: Level "Customer" is none of`},
		"A partner below itself.":     {`{"root":1,"partners":[{"Id":1,"ParentId":1,"Name":"x","Level":"Site"}]}`, "partner 1: ParentId 1 makes a circle"},
		"A device twice.":             {`{"root":1,"partners":[` + root + `],"devices":[{"AccountId":5,"PartnerId":1},{"AccountId":5,"PartnerId":1}]}`, "device 5: listed twice"},
		"A device of nobody.":         {`{"root":1,"partners":[` + root + `],"devices":[{"AccountId":5,"PartnerId":2}]}`, "device 5: PartnerId 2: no partner has this id"},
		"A device without an id.":     {`{"root":1,"partners":[` + root + `],"devices":[{"PartnerId":1}]}`, "device 0: AccountId must be positive"},
		"An unknown column.":          {device(`,"Settings":{"D13F00":"5"}`), `device 5: Settings: "D13F00" is no column code`},
		"One column with two values.": {device(`,"Settings":{"T0":"5","D9F0":"2"}`), "device 5: Settings: T0 repeats D09F00 with another value"},
		"A bad time.":                 {device(`,"Settings":{"TL":"@-"}`), `device 5: Settings: TL: time "@-": want a number and a unit d, h, m or s`},
		"A time too long ago.":        {device(`,"Settings":{"TL":"@-9999999999d"}`), "9999999999d is too long"},
		"Sessions of nobody.":         {`{"root":1,"partners":[` + root + `],"sessions":[{"AccountId":5,"plugin":"FileSystem","sessions":[]}]}`, "sessions: AccountId 5: no device has this id"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake := covefake.New(covefake.Options{})
			require.ErrorContains(t, fake.Load(strings.NewReader(tt.fleet)), tt.want)
			_, ok := fake.Partner(481200)
			require.True(t, ok, "the fleet before is still there")
		})
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	r := newRig(t)
	require.EqualError(t, r.fake.UpdateDevice(1, func(*covefake.Device) {}), "device 1: not in the fleet")
	require.EqualError(t, r.fake.UpdateDevice(101, func(d *covefake.Device) { d.AccountID = 2 }), "device 101: AccountId cannot change")
	require.ErrorContains(t, r.fake.UpdateDevice(101, func(d *covefake.Device) { d.Set("XX", "1") }), `"XX" is no column code`)
	require.NoError(t, r.fake.UpdateDevice(101, func(d *covefake.Device) { d.Set("AL", "") }))
	d, _ := r.fake.Device(101)
	require.NotContains(t, d.Settings, "I2")
	require.Equal(t, "server with failed files", d.Story)
}

func TestCompaniesAndRemarksAreIgnored(t *testing.T) {
	fake := covefake.New(covefake.Options{})
	require.NoError(t, fake.Load(strings.NewReader(
		`{"about":"x","root":1,"partners":[{"Id":1,"Name":"R","Level":"Reseller"}],"companies":[{"id":1,"note":"y"}]}`)))
	require.Empty(t, fake.Devices())
}
