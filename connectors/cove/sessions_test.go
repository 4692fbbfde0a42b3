package cove_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/errclass"
)

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// account returns a device whose storage node is the server.
func account(s *server) cove.Account {
	return cove.Account{ID: 3785154, Name: "ext1012c_6qwxr", Token: cove.NewSecret(markedToken), Node: strings.TrimPrefix(s.URL, "http://")}
}

func TestAccountGivesTokenAndNode(t *testing.T) {
	s := newServer(t)
	s.answers("GetAccountInfoById", `{"visa":"v","result":{
		"result":{"Id":3785154,"Name":"ext1012c_6qwxr","NameAlias":null,"PartnerId":481290,"ProductId":21266,"Type":"BackupManager","Token":"`+markedToken+`",
			"Password":"9f21c0aa5d","CreationTime":1719000000,"ExpirationTime":2147483647},
		"homeNodeInfo":{"Id":6789,"CommonInfo":{"Name":"us.chi.17.01","Host":"US-CH-0202-12.cloudbackup.management:443"}}}}`)
	got, err := newClient(t, options(s)).Account(t.Context(), 3785154)
	require.NoError(t, err)
	require.Equal(t, cove.Account{
		ID: 3785154, Name: "ext1012c_6qwxr", PartnerID: 481290, ProductID: 21266, Type: "BackupManager", Token: cove.NewSecret(markedToken),
		Created: unix(1719000000), Node: "US-CH-0202-12.cloudbackup.management:443", NodeName: "us.chi.17.01",
	}, got)
	require.Equal(t, map[string]any{"accountId": 3785154.0}, s.seen("GetAccountInfoById")[0].Params)

	for why, body := range map[string]string{"null": `{"result":{"result":null}}`, "without an id": `{"result":{"result":{}}}`} {
		s.answers("GetAccountInfoById", body)
		_, err := newClient(t, options(s)).Account(t.Context(), 3785154)
		require.Equal(t, errclass.Transient, errclass.Of(err), why)
	}
	s.answers("GetAccountInfoById", `{"result":{"result":{"Id":3785154},"homeNodeInfo":null}}`)
	got, err = newClient(t, options(s)).Account(t.Context(), 3785154)
	require.NoError(t, err)
	require.Equal(t, cove.Account{ID: 3785154}, got)
}

func TestSessionErrorsOfASystem(t *testing.T) {
	s := newServer(t)
	s.answers("QuerySessions", `{"visa":"a-visa-of-the-device","result":{"result":[
		{"Id":826,"PluginId":"FileSystem","Type":"BatchBackup","Status":"CompletedWithErrors","StartTime":1780900000,"EndTime":1780902000,"ErrorsCount":18},
		{"Id":827,"PluginId":"FileSystem","Type":"BatchBackup","Status":"InProcess","StartTime":1780990000,"EndTime":0,"ErrorsCount":0}]}}`)
	s.answers("QueryErrors", `{"result":{"result":[
		{"Id":19,"SessionId":826,"Code":1800,"Text":"The process cannot access the file\r\nbecause it is in use","Filename":"C:\\Data\\ledger.mdb","Count":3,"Time":1780901500},
		{"Id":18,"SessionId":826,"Code":1800,"Text":"The process cannot access the file\r\nbecause it is in use","Filename":"C:\\Data\\ledger.mdb","Count":2,"Time":1780901600},
		{"Id":20,"SessionId":826,"Code":0,"Text":"[WebDAV Protocol] Failed to rename resource :  (404)","Filename":null,"Count":null,"Time":0},
		{"Id":21,"SessionId":999,"Code":0,"Text":"another session's","Time":1}]}}`)
	client := newClient(t, options(s))
	got, ok, err := client.SessionErrors(t.Context(), account(s), "D01", unix(1778000000), cove.Limits{})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, cove.TroubledSession{
		SessionID: 826, Source: "D01", Status: "CompletedWithErrors", Started: unix(1780900000), Ended: unix(1780902000), Total: 18,
		Errors: []cove.SessionError{
			{Text: "[WebDAV Protocol] Failed to rename resource :  (404)", Count: 1, Time: unix(1780902000)},
			{Code: "1800", Text: "The process cannot access the file because it is in use", Item: `C:\Data\ledger.mdb`, Count: 5, Time: unix(1780901600)},
		},
	}, got)

	auth := map[string]any{"accountId": 3785154.0, "account": "ext1012c_6qwxr", "token": markedToken}
	with := func(more map[string]any) map[string]any {
		maps.Copy(more, auth)
		return more
	}
	require.Equal(t, []call{{Method: "QuerySessions", Path: "/repserv_json", Params: with(map[string]any{
		"query": "(Plugin == 1) and BackupStartTime >= 1778000000", "orderBy": "BackupStartTime DESC", "range": map[string]any{"Offset": 0.0, "Size": 30.0},
	})}}, s.seen("QuerySessions"))
	require.Equal(t, []call{{Method: "QueryErrors", Path: "/repserv_json", Params: with(map[string]any{
		"sessionId": 826.0, "query": "SessionId == 826", "orderBy": "Time DESC", "groupId": 0.0, "range": map[string]any{"Offset": 0.0, "Size": 100.0},
	})}}, s.seen("QueryErrors"))
	require.Empty(t, s.seen("Login"), "the device's token is all that a node asks for")

	s.answers("GetPartnerInfoById", onePartner)
	_, err = client.Partner(t.Context(), 481233)
	require.NoError(t, err)
	require.Equal(t, markedVisa+"1", s.seen("GetPartnerInfoById")[0].Visa, "a node's visa does not enter the login's chain")
}

func TestWhichSessionIsTroubled(t *testing.T) {
	session := func(id int, status string, at, errors int) string {
		return fmt.Sprintf(`{"Id":%d,"PluginId":"FileSystem","Status":%q,"StartTime":%d,"EndTime":%d,"ErrorsCount":%d}`, id, status, at, at+10, errors)
	}
	tests := []struct {
		why      string
		sessions []string
		want     int64
		status   string
	}{
		{"none at all", nil, 0, ""},
		{"the newest of several failures", []string{session(1, "Failed", 100, 1), session(2, "Aborted", 200, 0)}, 2, "Aborted"},
		{"none when a later one succeeded", []string{session(1, "Failed", 100, 1), session(2, "Completed", 200, 0)}, 0, ""},
		{"one after a success", []string{session(2, "Failed", 200, 1), session(1, "Completed", 100, 0)}, 2, "Failed"},
		{"a running one says nothing", []string{session(3, "InProcess", 300, 0), session(2, "Failed", 200, 1)}, 2, "Failed"},
		{"nor does it hide a success", []string{session(3, "InProgress", 300, 0), session(2, "Completed", 200, 0), session(1, "Failed", 100, 2)}, 0, ""},
		{"one that runs with faults has errors already", []string{session(3, "InProgressWithFaults", 300, 1), session(2, "Completed", 200, 0)}, 3, "InProgressWithFaults"},
		{"completed with counted errors is not clean", []string{session(2, "Completed", 200, 7), session(1, "Completed", 100, 0)}, 2, "Completed"},
		{"states of configuration count", []string{session(2, "OverQuota", 200, 0)}, 2, "OverQuota"},
		{"a status as a number, ids and times as text", []string{`{"Id":"5","Plugin":1,"Status":"8","StartTime":"500","EndTime":"510","ErrorsCount":"1"}`}, 5, "CompletedWithErrors"},
		{"a status as a bare number", []string{`{"Id":5,"Plugin":1,"Status":2,"StartTime":500}`}, 5, "Failed"},
		{"times under their other names", []string{
			`{"Id":6,"PluginId":"FileSystem","Status":"Failed","BackupStartTime":600,"BackupEndTime":610}`, session(5, "Completed", 500, 0),
		}, 6, "Failed"},
		{"one that never started is placed by its end", []string{`{"Id":6,"PluginId":"FileSystem","Status":"NotStarted","StartTime":0,"EndTime":600}`, session(5, "Completed", 500, 0)}, 6, "NotStarted"},
		{"of the same second the higher id is newer", []string{session(1, "Failed", 100, 1), session(2, "Completed", 100, 0)}, 0, ""},
		{"restores are no backups", []string{`{"Id":9,"PluginId":"FileSystem","Type":"Restore","Status":"Failed","StartTime":900}`, `{"Id":8,"Plugin":1,"Type":2,"Status":"Failed","StartTime":800}`}, 0, ""},
		{"another data source's session is not ours", []string{`{"Id":9,"PluginId":"VssHyperV","Status":"Failed","StartTime":900}`, session(1, "Completed", 100, 0)}, 0, ""},
		{"what is older than asked for does not count", []string{session(1, "Failed", 10, 1)}, 0, ""},
		{"an unknown status is not clean", []string{session(1, "Exploded", 100, 0)}, 1, "Exploded"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.answers("QuerySessions", `{"result":{"result":[`+strings.Join(tt.sessions, ",")+`]}}`)
			s.answers("QueryErrors", `{"result":{"result":null}}`)
			got, ok, err := newClient(t, options(s)).SessionErrors(t.Context(), account(s), "D01", unix(50), cove.Limits{})
			require.NoError(t, err)
			require.Equal(t, tt.want != 0, ok)
			require.Equal(t, tt.want, got.SessionID)
			require.Equal(t, tt.status, got.Status)
		})
	}
}

func TestSystemStateAsksForBothPlugins(t *testing.T) {
	s := newServer(t)
	s.answers("QuerySessions", `{"result":null}`)
	_, ok, err := newClient(t, options(s)).SessionErrors(t.Context(), account(s), "D02", time.Time{}, cove.Limits{Sessions: 5})
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, "(Plugin == 7 or Plugin == 18)", s.seen("QuerySessions")[0].Params["query"])
	require.Equal(t, map[string]any{"Offset": 0.0, "Size": 5.0}, s.seen("QuerySessions")[0].Params["range"])
}

const wrappedDescription = `{"description":"Graph API request failed: 404 (Not Found); Request: GET https://graph.example/v1.0/users; Request body size: 0; ReplyBodyError: { ErrorCode: \"MailboxNotEnabledForRESTAPI\", ErrorMessage: \"The mailbox is either inactive, soft-deleted, or is hosted on-premise.\" }","entity":"j.doe@bluefin.example","path":"/Inbox"}`

func TestSessionErrorsOfAMicrosoft365Tenant(t *testing.T) {
	s := newServer(t)
	description, err := json.Marshal(wrappedDescription)
	require.NoError(t, err)
	s.answers("EnumerateSessions", `{"jsonrpc":"2.0","visa":"1-1-0-1-next","result":[
		{"Id":99121,"Type":"Restore","DataSourceType":"Exchange","Status":"Failed","StartTime":1780990000,"EndTime":1780991800,"ErrorsCount":9},
		{"Id":99120,"Type":"Backup","DataSourceType":"Exchange","Status":"CompletedWithErrors","StartTime":1780950000,"EndTime":1780951800,"ErrorsCount":2}]}`)
	s.answers("EnumerateSessionErrors", `{"result":{"result":[
		{"Id":5,"SessionId":99120,"Timestamp":1780951000,"Item":"","Count":1,"Description":`+string(description)+`},
		{"Id":6,"SessionId":99120,"Timestamp":1780951001,"Item":"site.example/sites/hr","Count":"4","Description":"plain text"}]}}`)
	o := options(s)
	client := newClient(t, o)
	device := account(s)
	device.Node = "" // a tenant's storage node keeps no sessions
	got, ok, err := client.SessionErrors(t.Context(), device, "D19", unix(1778400000), cove.Limits{Errors: 50})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, cove.TroubledSession{
		SessionID: 99120, Source: "D19", Status: "CompletedWithErrors", Started: unix(1780950000), Ended: unix(1780951800), Total: 5,
		Errors: []cove.SessionError{
			{Text: "plain text", Item: "site.example/sites/hr", Count: 4, Time: unix(1780951001)},
			{Code: "MailboxNotEnabledForRESTAPI", Text: "The mailbox is either inactive, soft-deleted, or is hosted on-premise.", Item: "j.doe@bluefin.example", Count: 1, Time: unix(1780951000)},
		},
	}, got)
	require.Equal(t, []call{{
		Method: "EnumerateSessions", Path: "/reporting_api", Bearer: "Bearer " + markedVisa + "1",
		Params: map[string]any{
			"accountToken": markedToken, "range": map[string]any{"Offset": 0.0, "Size": 200.0},
			"filter": map[string]any{
				"SessionTypes": []any{"Backup"}, "DataSources": []any{"Exchange"},
				"CreatedAfter": 1778400000.0, "CreatedBefore": float64(start.Add(time.Hour).Unix()),
			},
		},
	}}, s.seen("EnumerateSessions"))
	require.Equal(t, []call{{
		Method: "EnumerateSessionErrors", Path: "/reporting_api", Bearer: "Bearer 1-1-0-1-next",
		Params: map[string]any{
			"accountToken": markedToken, "dataSourceType": "Exchange", "range": map[string]any{"Offset": 0.0, "Size": 50.0},
			"filter": map[string]any{"SessionId": 99120.0, "SessionType": "Backup"},
		},
	}}, s.seen("EnumerateSessionErrors"))
}

func TestMicrosoft365SessionsThatAreNotNewestFirstArePaged(t *testing.T) {
	s := newServer(t)
	s.inTurn("EnumerateSessions",
		`{"result":{"result":[{"Id":1,"Status":"Completed","StartTime":100},{"Id":2,"Status":"Failed","StartTime":200}]}}`,
		`{"result":{"result":[{"Id":3,"Status":"Completed","StartTime":300}]}}`)
	_, ok, err := newClient(t, options(s)).SessionErrors(t.Context(), account(s), "D23", unix(50), cove.Limits{Sessions: 2})
	require.NoError(t, err)
	require.False(t, ok, "the success is on the second page")
	calls := s.seen("EnumerateSessions")
	require.Len(t, calls, 2)
	require.Equal(t, map[string]any{"Offset": 2.0, "Size": 2.0}, calls[1].Params["range"])
}

func TestARefusedVisaIsRepairedForMicrosoft365Too(t *testing.T) {
	s := newServer(t)
	s.inTurn("EnumerateSessions", visaRefused, `{"result":[]}`)
	_, ok, err := newClient(t, options(s)).SessionErrors(t.Context(), account(s), "D20", unix(50), cove.Limits{})
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, "Bearer "+markedVisa+"2", s.seen("EnumerateSessions")[1].Bearer)
}

func TestAFailingNodeConcernsItsDeviceOnly(t *testing.T) {
	tests := []struct {
		why    string
		answer func(call, http.ResponseWriter)
		class  errclass.Class
	}{
		{"a refused token", func(_ call, w http.ResponseWriter) { write(w, visaRefused) }, errclass.Rejected},
		{"a missing right", func(_ call, w http.ResponseWriter) { write(w, `{"error":{"data":13501}}`) }, errclass.Rejected},
		{"a gate", func(_ call, w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, errclass.Rejected},
		{"a broken node", func(_ call, w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, errclass.Transient},
		{"an oversize answer", func(_ call, w http.ResponseWriter) {
			write(w, `{"result":"`+strings.Repeat("x", 8<<20)+`"}`)
		}, errclass.Rejected},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.handle("QuerySessions", tt.answer)
			_, _, err := newClient(t, options(s)).SessionErrors(t.Context(), account(s), "D01", unix(50), cove.Limits{})
			require.Equal(t, tt.class, errclass.Of(err))
			require.Empty(t, s.seen("Login"))
			require.Len(t, s.seen("QuerySessions"), 1)
		})
	}
}

func TestSourcesWithoutSessions(t *testing.T) {
	client := newClient(t, options(newServer(t)))
	for _, source := range []string{"D09", "D16", "D42", ""} {
		_, _, err := client.SessionErrors(t.Context(), cove.Account{}, source, time.Time{}, cove.Limits{})
		require.Equal(t, errclass.Rejected, errclass.Of(err), source)
	}
	require.Zero(t, client.Requests())
}
