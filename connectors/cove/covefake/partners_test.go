package covefake_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

const orchard = `Orchard & Sons "Fruit" Ltd`

// field lists one member of every element of a list.
func field(t *testing.T, list any, name string) arr {
	t.Helper()
	var out arr
	for _, item := range list.(arr) {
		out = append(out, item.(obj)[name])
	}
	return out
}

func TestPartnerInfoIsFoundByNameIDAndUID(t *testing.T) {
	r := loggedIn(t)
	want := r.call("GetPartnerInfo", obj{"name": orchard}).inner(t).(obj)
	require.Equal(t, float64(7010), want["Id"])
	require.Equal(t, float64(7000), want["ParentId"])
	require.Equal(t, "EndCustomer", want["Level"])
	require.Equal(t, "InProduction", want["State"])
	require.Equal(t, "CWM:12:Orchard", want["ExternalCode"])
	require.Equal(t, orchard, want["Company"].(obj)["LegalCompanyName"])
	require.Nil(t, want["Flags"])
	require.Equal(t, want, r.call("GetPartnerInfoById", obj{"partnerId": 7010}).inner(t))
	require.Equal(t, want, r.call("GetPartnerInfoById", obj{"partnerId": "7010"}).inner(t), "a numeric text is accepted")
	require.Equal(t, want, r.call("GetPartnerInfoByUid", obj{"partnerUid": want["Uid"]}).inner(t))
}

func TestPartnersOutOfReachOrUnknown(t *testing.T) {
	r := loggedIn(t)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{Errors: map[covefake.ErrorKind]covefake.ErrorNumber{
		covefake.ErrUnknownPartner: {Code: -32000, Data: 404},
	}}))
	tests := map[string]struct {
		method     string
		params     obj
		code, data int
	}{
		"The parent must be named.":                    {"EnumeratePartners", obj{"fetchRecursively": true}, -32603, 13501},
		"A sibling of the login is out of reach.":      {"EnumeratePartners", obj{"parentPartnerId": 7001}, -32603, 13501},
		"What is above the login is out of reach.":     {"GetPartnerInfoById", obj{"partnerId": 600}, -32603, 13501},
		"A name out of reach is refused.":              {"GetPartnerInfo", obj{"name": "Next Door MSP"}, -32603, 13501},
		"Names are case sensitive.":                    {"GetPartnerInfo", obj{"name": "tryout cafe"}, -32000, 404},
		"An unknown id has the number of the switch.":  {"EnumerateAncestorPartners", obj{"partnerId": 5}, -32000, 404},
		"The history of a stranger is out of reach.":   {"GetPartnerInfoHistory", obj{"partnerId": 7001}, -32603, 13501},
		"The devices of a stranger are out of reach.":  {"EnumerateAccounts", obj{"partnerId": 7001}, -32603, 13501},
		"Statistics of a stranger are out of reach.":   {"EnumerateAccountStatistics", obj{"query": obj{"PartnerId": 7001}}, -32603, 13501},
		"Statistics need a partner.":                   {"EnumerateAccountStatistics", obj{"query": obj{}}, -32603, 13501},
		"Columns of a stranger are out of reach.":      {"EnumerateColumns", obj{"partnerId": 7001}, -32603, 13501},
		"A stranger cannot be changed.":                {"ModifyPartner", obj{"partnerInfo": obj{"Id": 7001, "Name": "x"}}, -32603, 13501},
		"A customer cannot be moved to a stranger.":    {"ModifyPartner", obj{"partnerInfo": obj{"Id": 7010, "ParentId": 7001}}, -32603, 13501},
		"A change needs an id.":                        {"ModifyPartner", obj{"partnerInfo": obj{"Name": "x"}}, -32603, 13501},
		"A change cannot invent members.":              {"ModifyPartner", obj{"partnerInfo": obj{"Id": 7010, "Nmae": "x"}}, -32602, 0},
		"A change cannot invent levels.":               {"ModifyPartner", obj{"partnerInfo": obj{"Id": 7010, "Level": "endcustomer"}}, -32602, 0},
		"A change cannot put a partner below itself.":  {"ModifyPartner", obj{"partnerInfo": obj{"Id": 7010, "ParentId": 7011}}, -32602, 0},
		"The account of a stranger is out of reach.":   {"GetAccountInfoById", obj{"accountId": 900}, -32603, 13501},
		"The account must exist.":                      {"GetAccountInfoById", obj{"accountId": 1}, -32603, 0},
		"Endpoints of a stranger are out of reach too": {"EnumerateAccountRemoteAccessEndpoints", obj{"accountId": 900}, -32603, 13501},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			requireError(t, r.call(tt.method, tt.params), tt.code, tt.data)
		})
	}
}

func TestEnumeratePartners(t *testing.T) {
	r := loggedIn(t)
	direct := r.call("EnumeratePartners", obj{"parentPartnerId": 7000}).inner(t)
	require.Equal(t, arr{7010.0, 7020.0, 7030.0}, field(t, direct, "Id"), "one level, without the parent")
	require.Equal(t, arr{orchard, "Аптека Ромашка", "Tryout Cafe"}, field(t, direct, "Name"), "all fields by default")

	all := r.call("EnumeratePartners", obj{"parentPartnerId": "7000", "fetchRecursively": "true", "fields": arr{0, 1}}).inner(t)
	require.Equal(t, arr{7010.0, 7011.0, 7020.0, 7030.0}, field(t, all, "Id"))
	require.Equal(t, arr{7000.0, 7010.0, 7000.0, 7000.0}, field(t, all, "ParentId"))
	require.Equal(t, arr{"EndCustomer", "Site", "EndCustomer", "EndCustomer"}, field(t, all, "Level"))
	first := all.(arr)[0].(obj)
	require.Nil(t, first["State"], "a field that was not asked for is null")
	require.Equal(t, obj{"PostAddress": nil}, first["Company"], "the company degrades")

	require.Equal(t, arr{}, r.call("EnumeratePartners", obj{"parentPartnerId": 7030}).inner(t))
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{NullForEmpty: true, NoFieldsByDefault: true}))
	require.Nil(t, r.call("EnumeratePartners", obj{"parentPartnerId": 7030}).inner(t))
	require.Equal(t, arr{nil, nil, nil}, field(t, r.call("EnumeratePartners", obj{"parentPartnerId": 7000}).inner(t), "Name"))
}

func TestEnumerateChildPartners(t *testing.T) {
	r := loggedIn(t)
	ask := func(size int) obj {
		return r.call("EnumerateChildPartners", obj{
			"partnerId": 7000, "fields": arr{0, 1}, "range": obj{"Offset": 1, "Size": size}, "partnerFilter": obj{"SortOrder": "ByLevelAndName"},
		}).inner(t).(obj)
	}
	tree := ask(1)
	require.Equal(t, 3.0, tree["ActualChildCount"])
	require.Equal(t, goodPartner, tree["Info"].(obj)["Name"])
	require.Len(t, tree["Children"], 1)
	child := tree["Children"].(arr)[0].(obj)
	require.Equal(t, "Tryout Cafe", child["Info"].(obj)["Name"], "the second by name")
	require.Nil(t, child["Children"])
	require.Nil(t, ask(0)["Children"], "without a usable range there are no children")
}

func TestEnumerateAncestorPartnersBeginsWithThePartnerAndGoesAboveTheLogin(t *testing.T) {
	r := loggedIn(t)
	chain := r.call("EnumerateAncestorPartners", obj{"partnerId": 7011}).inner(t)
	require.Equal(t, arr{7011.0, 7010.0, 7000.0, 600.0}, field(t, chain, "Id"))
	require.Equal(t, arr{"Site", "EndCustomer", "Reseller", "Distributor"}, field(t, chain, "Level"))
}

func TestARemovedPartnerHasOnlyItsHistory(t *testing.T) {
	r := loggedIn(t)
	p, ok := r.fake.Partner(7030)
	require.True(t, ok)
	p.Removed, p.Name = true, "<anonymized>"
	r.clock.move(time.Hour)
	require.NoError(t, r.fake.PutPartner(p))
	r.login() // the old visa is an hour old

	requireError(t, r.call("EnumerateAncestorPartners", obj{"partnerId": 7030}), -32603, 0)
	requireError(t, r.call("GetPartnerInfoById", obj{"partnerId": 7030}), -32603, 0)
	all := r.call("EnumeratePartners", obj{"parentPartnerId": 7000, "fetchRecursively": true}).inner(t)
	require.Equal(t, arr{7010.0, 7011.0, 7020.0}, field(t, all, "Id"))

	pairs := r.call("GetPartnerInfoHistory", obj{"partnerId": 7030, "fields": arr{0, 1, 4, 7}}).inner(t).(arr)
	require.Len(t, pairs, 2)
	require.Equal(t, "Tryout Cafe", pairs[0].(arr)[0].(obj)["Name"], "oldest first")
	last := pairs[1].(arr)
	require.Equal(t, "<anonymized>", last[0].(obj)["Name"])
	require.Equal(t, 7000.0, last[0].(obj)["ParentId"])
	require.Equal(t, obj{"Timestamp": float64(noon + 3600)}, last[1])
	bare := r.call("GetPartnerInfoHistory", obj{"partnerId": 7030}).inner(t).(arr)
	require.Nil(t, bare[0].(arr)[0].(obj)["Name"], "names are null unless field 0 was asked for")
}

func TestModifyPartnerChangesOnlyWhatIsPresent(t *testing.T) {
	r := loggedIn(t)
	before, _ := r.fake.Partner(7010)
	a := r.call("ModifyPartner", obj{"partnerInfo": obj{"Id": 7010, "ExternalCode": "OLD | CWM:13:Orchard"}})
	require.Nil(t, a.Error)
	require.Contains(t, a.raw, `"result":null`)
	require.NotEmpty(t, a.Visa)
	after, _ := r.fake.Partner(7010)
	want := before
	want.ExternalCode = "OLD | CWM:13:Orchard"
	require.Equal(t, want, after)
	rows := r.statistics(obj{"Columns": arr{"PF"}, "Filter": "AU == 101"}).rows(t)
	require.Equal(t, []map[string]any{{"PF": "OLD | CWM:13:Orchard"}}, rows[0].Settings, "the devices' reference follows")

	require.Nil(t, r.call("ModifyPartner", obj{"partnerInfo": obj{"Id": 7010, "Name": "New", "Company": obj{"PhoneNumber": "1"}}}).Error)
	after, _ = r.fake.Partner(7010)
	require.Equal(t, "New", after.Name)
	require.Equal(t, "1", after.Company.PhoneNumber)
	rows = r.statistics(obj{"Columns": arr{"AR"}, "Filter": "AU == 101"}).rows(t)
	require.Equal(t, []map[string]any{{"AR": "New"}}, rows[0].Settings, "the devices' customer name follows")
}
