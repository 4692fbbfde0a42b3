package covefake_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

func TestAccountInfoNamesTheNodeUnderWhichTheRequestCame(t *testing.T) {
	r := loggedIn(t)
	a := r.call("GetAccountInfoById", obj{"accountId": 101})
	outer := a.outer(t)
	account := outer["result"].(obj)
	token := account["Token"]
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`, token)
	require.Len(t, account["Password"], 8)
	delete(account, "Password")
	require.Equal(t, obj{
		"Id": 101.0, "Name": "orch-srv_1", "NameAlias": "Main server", "PartnerId": 7010.0, "ProductId": 4711.0, "Type": "BackupManager",
		"Token": token, "CreationTime": float64(noon - 400*24*3600), "ExpirationTime": 2147483647.0, "RemovalTime": 0.0,
		"LocationId": 18.0, "StorageLocationId": 18.0,
	}, account)
	host := func() any {
		return r.call("GetAccountInfoById", obj{"accountId": 101}).outer(t)["homeNodeInfo"].(obj)["CommonInfo"].(obj)["Host"]
	}
	require.Equal(t, strings.TrimPrefix(r.web.URL, "http://"), host())
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{NodeHost: "NODE-1.example:8443"}))
	require.Equal(t, "NODE-1.example:8443", host())

	tenant := r.call("GetAccountInfoById", obj{"accountId": 103}).inner(t).(obj)
	require.NotEqual(t, "BackupManager", tenant["Type"])
	require.Equal(t, arr{101.0, 102.0}, field(t, r.call("EnumerateAccounts", obj{"partnerId": 7010}).inner(t), "Id"))
}

func TestAwayFromLoopbackTheNodeIsAHostThatCannotExist(t *testing.T) {
	r := loggedIn(t)
	body, err := json.Marshal(obj{"jsonrpc": "2.0", "id": 1, "visa": r.visa, "method": "GetAccountInfoById", "params": obj{"accountId": 101}})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.web.URL+"/jsonapi", strings.NewReader(string(body)))
	require.NoError(t, err)
	req.Host = "cove.example:80"
	req.Header.Set("Content-Type", "application/json")
	res, err := r.web.Client().Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	var a reply
	require.NoError(t, json.NewDecoder(res.Body).Decode(&a))
	require.Equal(t, "NODE-0202-12.cloudbackup.invalid:443", a.outer(t)["homeNodeInfo"].(obj)["CommonInfo"].(obj)["Host"])
}

func TestRemoteAccessEndpointsNameTheNodeToo(t *testing.T) {
	r := loggedIn(t)
	list := r.call("EnumerateAccountRemoteAccessEndpoints", obj{"accountId": 101}).inner(t).(arr)
	require.Len(t, list, 1)
	require.True(t, strings.HasPrefix(list[0].(obj)["WebRcgUrl"].(string), r.web.URL+"/rcg/"))
	require.Equal(t, arr{}, r.call("EnumerateAccountRemoteAccessEndpoints", obj{"accountId": 103}).inner(t), "a tenant has none")
}

func TestQuerySessions(t *testing.T) {
	r := loggedIn(t)
	all := r.node("QuerySessions", 101, obj{}).inner(t).(arr)
	require.Equal(t, arr{10.0, 12.0, 13.0}, field(t, all, "Id"))
	require.Equal(t, obj{
		"Id": 12.0, "PluginId": "FileSystem", "Type": "BatchBackup", "Status": "Failed", "StartTime": float64(noon - 3*3600),
		"EndTime": float64(noon - 3*3600 + 120), "ErrorsCount": 3.0, "Flags": arr{"Synchronized", "Accelerated"}, "SelectedSize": 0.0,
		"ProcessedSize": 0.0, "ChangedSize": 0.0, "SentSize": 0.0, "SelectedCount": 0.0, "ProcessedCount": 0.0, "ChangedCount": 0.0,
		"RemovedFilesCount": 0.0, "BuildVersion": "26.1.0.26067", "TransientValues": obj{},
	}, all[1])

	tests := map[string]struct {
		params obj
		want   arr
	}{
		"The script's query.":       {obj{"query": "0 != 1 and Plugin == 1 and (Status == 2 or Status == 8)", "orderBy": "BackupStartTime DESC", "range": obj{"Offset": 0, "Size": 5}}, arr{12.0}},
		"Newest first.":             {obj{"orderBy": "BackupStartTime DESC"}, arr{13.0, 12.0, 10.0}},
		"By id, second page.":       {obj{"orderBy": "Id", "range": obj{"Offset": 1, "Size": 1}}, arr{12.0}},
		"Backup sessions only.":     {obj{"query": "(Type & 1) == 1 and ErrorsCount > 0"}, arr{12.0}},
		"One data source.":          {obj{"query": "Plugin == 7"}, arr{13.0}},
		"A visa inside is allowed.": {obj{"visa": "x", "query": "Id == 10"}, arr{10.0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, field(t, r.node("QuerySessions", 101, tt.params).inner(t), "Id"))
		})
	}
	require.Equal(t, arr{}, r.node("QuerySessions", 103, obj{}).inner(t), "a tenant has no sessions on a node")
	requireError(t, r.node("QuerySessions", 101, obj{"query": "plugin == 1"}), -32602, 0)
	requireError(t, r.node("QuerySessions", 101, obj{"orderBy": "Status DESC"}), -32602, 0)
	requireError(t, r.node("QuerySessions", 101, obj{"sessionId": 1}), -32602, 0)
}

func TestANodeAsksForNameTokenAndID(t *testing.T) {
	r := loggedIn(t)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{Errors: map[covefake.ErrorKind]covefake.ErrorNumber{
		covefake.ErrNodeRefused: {Code: -32001, Data: 55},
	}}))
	for _, wrong := range []obj{
		{"token": "x"}, {"token": nil}, {"account": "x"}, {"account": nil}, {"accountId": 102}, {"accountId": nil},
	} {
		requireError(t, r.node("QuerySessions", 101, wrong), -32001, 55)
	}
}

func TestQueryErrors(t *testing.T) {
	r := loggedIn(t)
	ledger := obj{"Id": 1.0, "SessionId": 12.0, "Code": 5.0, "Text": "Access denied", "Filename": `D:\Books\ledger.mdb`, "Count": 2.0, "Time": float64(noon - 3*3600)}
	full := obj{"Id": 2.0, "SessionId": 12.0, "Code": 112.0, "Text": "Disk full", "Filename": "", "Count": 1.0, "Time": float64(noon - 3*3600 + 1)}
	tests := map[string]struct {
		params obj
		want   arr
	}{
		"Newest first of one session.": {obj{"sessionId": 12, "query": "SessionId == 12", "orderBy": "Time DESC", "groupId": 0}, arr{full, ledger}},
		"Zero means all sessions.":     {obj{"sessionId": 0, "query": "0 != 1"}, arr{ledger, full}},
		"By text.":                     {obj{"query": "Filename =~ '*ledger*' and Code == 5"}, arr{ledger}},
		"A page.":                      {obj{"orderBy": "Id", "range": obj{"Offset": 1, "Size": 9}}, arr{full}},
		"A session without errors.":    {obj{"sessionId": 10}, arr{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, r.node("QueryErrors", 101, tt.params).inner(t)) })
	}

	details := r.node("EnumerateSessionErrorsGroupDetails", 101, obj{"sessionId": 12, "groupId": 1}).inner(t).(arr)
	require.Len(t, details, 1)
	require.Equal(t, `D:\Books\ledger.mdb`, details[0].(obj)["Filename"])
	require.Equal(t, `D:\Books\ledger.mdb`, details[0].(obj)["Path"])
	require.Equal(t, "Access denied", details[0].(obj)["ErrorText"])
	require.Equal(t, 1.0, details[0].(obj)["GroupId"])
	requireError(t, r.node("EnumerateSessionErrorsGroupDetails", 101, obj{}), -32602, 0)
}

func TestSwitchesOfNodes(t *testing.T) {
	r := loggedIn(t)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{PluginAsNumber: true, FlatResults: true, NullForEmpty: true}))
	var flat []obj
	require.NoError(t, json.Unmarshal(r.node("QuerySessions", 101, obj{"query": "Plugin == 7"}).Result, &flat))
	require.Equal(t, 7.0, flat[0]["Plugin"])
	require.NotContains(t, flat[0], "PluginId")
	require.Equal(t, "null", string(r.node("QueryErrors", 101, obj{"sessionId": 10}).Result))
}

func TestMicrosoft365Sessions(t *testing.T) {
	r := loggedIn(t)
	require.Equal(t, obj{
		"Id": 51.0, "Type": "Backup", "DataSourceType": "Exchange", "Status": "CompletedWithErrors", "StartTime": float64(noon - 4*3600),
		"EndTime": float64(noon - 4*3600 + 60), "Duration": 60.0, "AccountsCount": 42.0, "SiteCollectionsCount": 0.0, "ErrorsCount": 2.0,
	}, r.tenant("EnumerateSessions", 103, obj{"filter": obj{"DataSources": arr{"Exchange"}}, "range": obj{"Offset": 0, "Size": 1}}).inner(t).(arr)[0])

	tests := map[string]struct {
		params obj
		want   arr
	}{
		"Newest first, none that runs.": {obj{}, arr{53.0, 51.0, 50.0}},
		"Of one data source.":           {obj{"filter": obj{"DataSources": arr{"Exchange"}, "SessionTypes": arr{"Backup"}}}, arr{51.0, 50.0}},
		"Within a time.":                {obj{"filter": obj{"CreatedAfter": noon - 5*3600, "CreatedBefore": noon - 3*3600 - 1}}, arr{51.0}},
		"A page.":                       {obj{"range": obj{"Offset": 1, "Size": 1}}, arr{51.0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, field(t, r.tenant("EnumerateSessions", 103, tt.params).inner(t), "Id"))
		})
	}
	require.Equal(t, arr{}, r.tenant("EnumerateSessions", 103, obj{"filter": obj{"SessionTypes": arr{"Restore"}}}).inner(t))
	require.Equal(t, arr{}, r.tenant("EnumerateSessions", 101, obj{}).inner(t))
	requireError(t, r.tenant("EnumerateSessions", 103, obj{"filter": obj{"DataSources": arr{"exchange"}}}), -32602, 0)
	requireError(t, r.tenant("EnumerateSessions", 103, obj{"accountToken": "x"}), -32603, 0)
}

func TestMicrosoft365CallsNeedABearer(t *testing.T) {
	r := loggedIn(t)
	body := obj{"jsonrpc": "2.0", "id": 1, "visa": r.visa, "method": "EnumerateSessions", "params": obj{"accountToken": "x"}}
	requireError(t, r.post("/reporting_api", "", body, nil), -32603, 1701)
	requireError(t, r.post("/reporting_api", "x", body, nil), -32603, 1701)
	require.Empty(t, r.tenant("EnumerateSessions", 103, obj{}).Visa)
}

func TestMicrosoft365Errors(t *testing.T) {
	r := loggedIn(t)
	want := arr{obj{
		"Id": 1.0, "SessionId": 51.0, "Timestamp": float64(noon - 4*3600), "Item": "owner@romashka.example", "Count": 2.0,
		"Description": `{"description":"404 (Not Found)","entity":"owner@romashka.example","path":"/Inbox"}`,
	}}
	page := obj{"Offset": 0, "Size": 100}
	ask := func(params obj) reply { return r.tenant("EnumerateSessionErrors", 103, params) }
	require.Equal(t, want, ask(obj{"dataSourceType": "Exchange", "filter": obj{"SessionId": 51, "SessionType": "Backup"}, "range": page}).inner(t))
	require.Equal(t, want, ask(obj{"dataSourceType": "Exchange", "filter": obj{"TimestampFrom": noon - 4*3600}}).inner(t))
	require.Equal(t, arr{}, ask(obj{"dataSourceType": "Exchange", "filter": obj{"TimestampFrom": noon}}).inner(t))
	require.Equal(t, arr{}, ask(obj{"dataSourceType": "Teams"}).inner(t), "never one data source's error on another")
	requireError(t, ask(obj{}), -32603, 0)
	requireError(t, ask(obj{"dataSourceType": "Exchange", "filter": obj{"SessionType": "x"}}), -32602, 0)
}

func TestAddSession(t *testing.T) {
	r := loggedIn(t)
	require.NoError(t, r.fake.AddSession(101, covefake.Session{
		Plugin: "FileSystem", Status: "NotStarted", At: covefake.Unix(r.clock.Now().Add(-time.Minute)), Errors: []covefake.SessionError{{Text: "No", Count: 1}},
	}))
	require.Equal(t, arr{14.0}, field(t, r.node("QuerySessions", 101, obj{"query": "Status == 7"}).inner(t), "Id"), "the next free id")
	got := r.node("QueryErrors", 101, obj{"sessionId": 14}).inner(t)
	require.Equal(t, arr{0.0}, field(t, got, "Time"), "errors of sessions that never started have no time")
	require.Equal(t, arr{3.0}, field(t, got, "Id"))

	good := covefake.Session{Plugin: "FileSystem", Status: "Failed", At: "@-1h"}
	for name, tt := range map[string]struct {
		account int64
		change  func(*covefake.Session)
		want    string
	}{
		"An unknown device.": {1, func(*covefake.Session) {}, "session of device 1: not in the fleet"},
		"No data source.":    {101, func(s *covefake.Session) { s.Plugin = "" }, "session of device 101: give one of plugin and m365"},
		"Two data sources.":  {101, func(s *covefake.Session) { s.M365 = "Teams" }, "session of device 101: give one of plugin and m365"},
		"An unknown plugin.": {101, func(s *covefake.Session) { s.Plugin = "Files" }, `session of device 101: "Files" is no data source`},
		"A bad time.":        {101, func(s *covefake.Session) { s.At = "yesterday" }, `session of device 101: at "yesterday" is neither unix seconds nor @- and a duration`},
		"A bad duration.":    {101, func(s *covefake.Session) { s.At = "@-5" }, `session of device 101: at: time "@-5": want numbers, each with a unit d, h, m or s`},
		"An id twice.":       {101, func(s *covefake.Session) { s.ID = 10 }, "session of device 101: Id 10 exists already"},
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			tt.change(&s)
			require.EqualError(t, r.fake.AddSession(tt.account, s), tt.want)
		})
	}
	bad := good
	bad.Status = "failed"
	require.ErrorContains(t, r.fake.AddSession(101, bad), `Status "failed" is none of`)
}
