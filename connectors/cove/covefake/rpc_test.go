package covefake_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

func TestLoginAcceptsOnlyTheExactCredentials(t *testing.T) {
	tests := map[string]struct {
		params   obj
		switches covefake.Switches
		data     int // 0: good
	}{
		"The full name, user and password are good.": {params: obj{"partner": goodPartner, "username": goodUser, "password": goodPassword}},
		"The partner may be left out.":               {params: obj{"username": goodUser, "password": goodPassword}},
		"The partner is required by a switch.": {
			params: obj{"username": goodUser, "password": goodPassword}, switches: covefake.Switches{PartnerRequired: true}, data: 2100,
		},
		"The bare company name is refused.":      {params: obj{"partner": "Lighthouse MSP", "username": goodUser, "password": goodPassword}, data: 2100},
		"The partner's letter case matters.":     {params: obj{"partner": strings.ToUpper(goodPartner), "username": goodUser, "password": goodPassword}, data: 2100},
		"An empty partner is no absent partner.": {params: obj{"partner": "", "username": goodUser, "password": goodPassword}, data: 2100},
		"A wrong password is refused.":           {params: obj{"username": goodUser, "password": "x"}, data: 2100},
		"An empty login is refused.":             {params: obj{}, data: 2100},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			require.NoError(t, r.fake.SetSwitches(tt.switches))
			a := r.call("Login", tt.params)
			if tt.data != 0 {
				requireError(t, a, -32603, tt.data)
				require.Empty(t, a.Visa)
				return
			}
			user := a.inner(t).(obj)
			require.Equal(t, float64(7000), user["PartnerId"])
			require.Equal(t, float64(4), user["RoleId"])
			require.Equal(t, arr{"NonInteractive"}, user["Flags"])
			require.Regexp(t, fmt.Sprintf(`^7000-90331-0-%d-[0-9a-f]{32}$`, noon), a.Visa)
		})
	}
}

func TestBadLoginsLockTheUserForAWhile(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{
		LockAfter: 2, LockSeconds: 60,
		Errors: map[covefake.ErrorKind]covefake.ErrorNumber{covefake.ErrLockedOut: {Code: -32603, Data: 2199}},
	}))
	good := obj{"username": goodUser, "password": goodPassword}
	for range 2 {
		requireError(t, r.call("Login", obj{"username": goodUser, "password": "x"}), -32603, 2100)
	}
	requireError(t, r.call("Login", good), -32603, 2199)
	r.clock.move(time.Minute)
	require.Nil(t, r.call("Login", good).Error)
}

func TestTheEnvelopeIsCheckedStrictly(t *testing.T) {
	r := loggedIn(t)
	json := map[string]string{"Content-Type": "application/json"}
	tests := []struct {
		name, verb, path, body string
		header                 map[string]string
		status, code           int
	}{
		{"GET is not allowed.", http.MethodGet, "/jsonapi", "", nil, http.StatusMethodNotAllowed, 0},
		{"Another content type is refused.", http.MethodPost, "/jsonapi", "{}", nil, http.StatusUnsupportedMediaType, 0},
		{"Another path is not there.", http.MethodPost, "/rpc", "{}", json, http.StatusNotFound, 0},
		{"Bad JSON is a parse error.", http.MethodPost, "/jsonapi", `{"a`, json, 200, -32700},
		{"A batch is no request.", http.MethodPost, "/jsonapi", `[]`, json, 200, -32600},
		{"The version is required.", http.MethodPost, "/jsonapi", `{"id":1,"method":"GetServerInfo"}`, json, 200, -32600},
		{"The id is required.", http.MethodPost, "/jsonapi", `{"jsonrpc":"2.0","method":"GetServerInfo"}`, json, 200, -32600},
		{"The method is required.", http.MethodPost, "/jsonapi", `{"jsonrpc":"2.0","id":1}`, json, 200, -32600},
		{"An unknown member is refused.", http.MethodPost, "/jsonapi", `{"jsonrpc":"2.0","id":1,"method":"GetServerInfo","Visa":"x"}`, json, 200, -32600},
		{"An unknown method has its own number.", http.MethodPost, "/jsonapi", `{"jsonrpc":"2.0","id":1,"method":"RemovePartner"}`, json, 200, -32601},
		{"Methods are case sensitive.", http.MethodPost, "/jsonapi", `{"jsonrpc":"2.0","id":1,"method":"login","params":{}}`, json, 200, -32601},
		{"A method belongs to one service.", http.MethodPost, "/repserv_json", `{"jsonrpc":"2.0","id":1,"method":"Login","params":{}}`, json, 200, -32601},
		{"Parameters are an object.", http.MethodPost, "/jsonapi", `{"jsonrpc":"2.0","id":1,"method":"Login","params":[]}`, json, 200, -32602},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := r.send(tt.verb, tt.path, tt.header, tt.body)
			require.Equal(t, tt.status, a.status, a.raw)
			if tt.code != 0 {
				requireError(t, a, tt.code, 0)
			}
		})
	}
}

func TestTheIDIsEchoedAsItCame(t *testing.T) {
	r := loggedIn(t)
	for _, id := range []any{"jsonrpc", float64(12)} {
		a := r.post("/jsonapi", "", obj{"jsonrpc": "2.0", "id": id, "visa": r.visa, "method": "GetServerInfo"}, nil)
		require.Nil(t, a.Error)
		require.Equal(t, id, a.ID)
	}
}

func TestParametersAreCheckedStrictly(t *testing.T) {
	r := loggedIn(t)
	tests := map[string]struct {
		method  string
		params  obj
		message string
	}{
		"An unknown parameter is named.":         {"GetPartnerInfo", obj{"name": goodPartner, "Name": "x"}, "Unknown parameter Name."},
		"A nested one is named with its path.":   {"EnumerateAccountStatistics", obj{"query": obj{"PartnerId": 7000, "Colums": arr{}}}, "Unknown parameter query.Colums."},
		"An account id is no text.":              {"GetAccountInfoById", obj{"accountId": "101"}, "Parameter accountId must be a whole number."},
		"An id is no fraction.":                  {"GetPartnerInfoById", obj{"partnerId": 1.5}, "Parameter partnerId must be a whole number."},
		"A name is no number.":                   {"GetPartnerInfo", obj{"name": 5}, "Parameter name must be a text."},
		"Fields go from 0 to 22.":                {"EnumeratePartners", obj{"parentPartnerId": 7000, "fields": arr{23}}, "Parameter fields must be a list of numbers from 0 to 22."},
		"A flag is true or false.":               {"EnumeratePartners", obj{"parentPartnerId": 7000, "fetchRecursively": "yes"}, "Parameter fetchRecursively must be true or false."},
		"Columns are a list.":                    {"EnumerateAccountStatistics", obj{"query": obj{"PartnerId": 7000, "Columns": "AU"}}, "Parameter query.Columns must be a list of texts."},
		"A record number is not negative.":       {"EnumerateAccountStatistics", obj{"query": obj{"PartnerId": 7000, "StartRecordNumber": -1}}, "Parameter query.StartRecordNumber must be like RecordsCount, not negative."},
		"A selection mode is one of the known.":  {"EnumerateAccountStatistics", obj{"query": obj{"PartnerId": 7000, "SelectionMode": "Count"}}, "Parameter query.SelectionMode must be Undefined, Merged or PerInstallation."},
		"A range is an object of whole numbers.": {"EnumerateChildPartners", obj{"partnerId": 7000, "range": obj{"Offset": "0"}}, "Parameter range.Offset must be a whole number."},
		"A sort order is the known one.":         {"EnumerateChildPartners", obj{"partnerId": 7000, "partnerFilter": obj{"SortOrder": "x"}}, "Parameter partnerFilter.SortOrder must be ByLevelAndName."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := r.call(tt.method, tt.params)
			requireError(t, a, -32602, 0)
			require.Equal(t, tt.message, a.Error.Message)
		})
	}
}

func TestAVisaIsNeededInItsPlace(t *testing.T) {
	r := loggedIn(t)
	body := func(visa any) obj {
		return obj{"jsonrpc": "2.0", "id": 1, "visa": visa, "method": "GetServerInfo", "params": obj{}}
	}
	require.Nil(t, r.post("/jsonapi", "", body(r.visa), nil).Error)
	require.Nil(t, r.post("/jsonapi", r.visa, body(nil), nil).Error, "a bearer alone suffices")
	requireError(t, r.post("/jsonapi", "", body(nil), nil), -32603, 1701)
	requireError(t, r.post("/jsonapi", "", body(""), nil), -32603, 1701)
	requireError(t, r.post("/jsonapi", "", body(7), nil), -32603, 1701)
	requireError(t, r.post("/jsonapi", "", body("7000-90331-0-1780000000-0123"), nil), -32603, 1701)
	requireError(t, r.call("GetServerInfo", obj{"visa": r.visa}), -32603, 1701)

	require.NoError(t, r.fake.SetSwitches(covefake.Switches{BodyVisaOnly: true}))
	requireError(t, r.post("/jsonapi", r.visa, body(nil), nil), -32603, 1701)
}

func TestAVisaLastsFifteenMinutesAndEachAnswerCarriesANewOne(t *testing.T) {
	r := loggedIn(t)
	first := r.visa
	r.clock.move(899 * time.Second)
	a := r.call("GetServerInfo", obj{})
	require.Nil(t, a.Error)
	require.NotEqual(t, first, a.Visa)
	require.Nil(t, r.call("GetServerInfo", obj{}).Error, "the first visa is good until it is too old")

	r.clock.move(time.Second)
	requireError(t, r.call("GetServerInfo", obj{}), -32603, 1701)
	r.visa = a.Visa
	require.Nil(t, r.call("GetServerInfo", obj{}).Error)

	r.fake.ExpireVisas()
	requireError(t, r.call("GetServerInfo", obj{}), -32603, 1701)
}

func TestManyVisasAreForgottenWhenTheyAreTooOld(t *testing.T) {
	r := loggedIn(t)
	for range 3000 {
		a := r.call("GetServerInfo", obj{})
		require.Nil(t, a.Error)
		r.visa = a.Visa
		r.clock.move(2 * time.Second)
	}
}

func TestSwitchesOfVisas(t *testing.T) {
	t.Run("A superseded visa is useless.", func(t *testing.T) {
		r := loggedIn(t)
		require.NoError(t, r.fake.SetSwitches(covefake.Switches{VisaMode: covefake.VisaSuperseded}))
		old := r.visa
		r.visa = r.call("GetServerInfo", obj{}).Visa
		newest := r.visa
		r.visa = old
		requireError(t, r.call("GetServerInfo", obj{}), -32603, 1701)
		r.login()
		require.Nil(t, r.call("GetServerInfo", obj{}).Error)
		r.visa = newest
		require.Nil(t, r.call("GetServerInfo", obj{}).Error, "another login does not end this chain")
	})
	t.Run("A single-use visa is good once.", func(t *testing.T) {
		r := loggedIn(t)
		require.NoError(t, r.fake.SetSwitches(covefake.Switches{VisaMode: covefake.VisaSingleUse}))
		a := r.call("GetServerInfo", obj{})
		require.Nil(t, a.Error)
		requireError(t, r.call("GetServerInfo", obj{}), -32603, 1701)
		r.visa = a.Visa
		require.Nil(t, r.call("GetServerInfo", obj{}).Error)
	})
	t.Run("An error answer may carry a visa that is good.", func(t *testing.T) {
		r := loggedIn(t)
		bad := obj{"partnerId": 1}
		require.Empty(t, r.call("GetPartnerInfoById", bad).Visa)
		require.NoError(t, r.fake.SetSwitches(covefake.Switches{VisaInErrors: true}))
		a := r.call("GetPartnerInfoById", bad)
		requireError(t, a, -32603, 0)
		require.NotEmpty(t, a.Visa)
		r.visa = a.Visa
		require.Nil(t, r.call("GetServerInfo", obj{}).Error)
	})
	t.Run("The life of a visa can be shorter.", func(t *testing.T) {
		r := loggedIn(t)
		require.NoError(t, r.fake.SetSwitches(covefake.Switches{VisaSeconds: 10}))
		r.clock.move(10 * time.Second)
		requireError(t, r.call("GetServerInfo", obj{}), -32603, 1701)
	})
}

func TestRequestsAreListedAndCounted(t *testing.T) {
	r := loggedIn(t)
	r.call("GetAccountInfoById", obj{"accountId": 101})
	r.tenant("EnumerateSessions", 103, obj{})
	r.send(http.MethodGet, "/jsonapi", nil, "")
	at := time.Unix(noon, 0)
	require.Equal(t, []covefake.Request{
		{Time: at, Verb: "POST", Path: "/jsonapi", Method: "Login"},
		{Time: at, Verb: "POST", Path: "/jsonapi", Method: "GetAccountInfoById", Device: 101},
		{Time: at, Verb: "POST", Path: "/jsonapi", Method: "GetAccountInfoById", Device: 103},
		{Time: at, Verb: "POST", Path: "/reporting_api", Method: "EnumerateSessions", Device: 103},
		{Time: at, Verb: "GET", Path: "/jsonapi"},
	}, r.fake.Requests())
	require.Equal(t, map[string]int{"Login": 1, "GetAccountInfoById": 2, "EnumerateSessions": 1, "": 1}, r.fake.Counts())
	r.fake.ResetCounts()
	require.Empty(t, r.fake.Requests())
	require.Empty(t, r.fake.Counts())
}
