package cove_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/errclass"
)

const fakeFleet = `{"root": 481200,
"partners": [
  {"Id": 73000, "ParentId": 12, "Name": "North America Distribution", "Level": "Distributor", "State": "InProduction"},
  {"Id": 481200, "ParentId": 73000, "Name": "Harbor IT (ops@harborit.example)", "Level": "Reseller", "State": "InProduction"},
  {"Id": 481233, "ParentId": 481200, "Name": "Müller & \"Söhne\" <IT>", "Level": "EndCustomer", "State": "InProduction", "ExternalCode": "CWM:1844:Mueller"},
  {"Id": 481290, "ParentId": 481233, "Name": "Portland", "Level": "Site", "State": "InProduction"}],
"devices": [
  {"AccountId": 11, "PartnerId": 481290, "Settings": {"AN": "srv_1", "MN": "SRV", "AT": "1", "OT": "2", "I78": "D01D02", "CD": "@-400d", "TS": "@-5m",
    "T0": "8", "T7": "3", "TL": "@-1d", "US": "188702358870", "IP": "10.0.0.1,10.0.0.2",
    "D01F00": "8", "D01F06": "3", "D01F09": "@-1d", "D01F15": "@-3h", "D01F17": "8", "D01F18": "@-3h", "D02F00": "5", "D02F06": "0", "D02F09": "@-3h"}},
  {"AccountId": 12, "PartnerId": 481233, "Settings": {"AN": "tenant_1", "AT": "2", "I78": "D05D19", "T0": "5", "T7": "1", "TS": "@-5m", "D19F00": "5", "D19F06": "1", "D19F09": "@-2h", "D05F22": "4"}},
  {"AccountId": 13, "PartnerId": 481233, "Settings": {"AN": "new_1", "AT": "1", "OT": "1", "I78": ""}}],
"sessions": [
  {"AccountId": 11, "plugin": "FileSystem", "sessions": [
    {"Id": 1, "Status": "Completed", "at": "@-1d"},
    {"Id": 2, "Status": "CompletedWithErrors", "at": "@-3h", "errors": [
      {"Code": 5, "Text": "Access denied", "Filename": "D:\\Shares\\a.xlsx", "Count": 2}, {"Text": "Disk full", "Count": 1}]},
    {"Id": 3, "Status": "InProcess", "at": "@-10m"}]},
  {"AccountId": 11, "plugin": "VssSystemState", "sessions": [{"Id": 4, "Status": "Failed", "at": "@-2d"}, {"Id": 5, "Status": "Completed", "at": "@-3h"}]},
  {"AccountId": 12, "m365": "Exchange", "sessions": [{"Id": 6, "Status": "CompletedWithErrors", "at": "@-4h", "errors": [
    {"Item": "j.doe@x.example", "Count": 1, "Description": "{\"description\":\"Graph API request failed: 404 (Not Found); Request: GET https://graph.example; Request body size: 0; ReplyBodyError: { ErrorCode: \\\"Gone\\\", ErrorMessage: \\\"The mailbox is gone.\\\" }\",\"entity\":\"j.doe@x.example\",\"path\":\"/Inbox\"}"}]}]}]}`

type rig struct {
	fake  *covefake.Server
	clock *stopped
	cove.Options
}

func newRig(t *testing.T) *rig {
	t.Helper()
	hands := &stopped{now: start}
	fake := covefake.New(covefake.Options{Clock: hands, Username: "psa-sync", Password: markedPassword})
	require.NoError(t, fake.Load(strings.NewReader(fakeFleet)))
	web := httptest.NewServer(fake)
	t.Cleanup(web.Close)
	return &rig{fake: fake, clock: hands, Options: cove.Options{
		URL: web.URL + "/jsonapi", Partner: "Harbor IT (ops@harborit.example)", Username: "psa-sync",
		Password: func() (string, error) { return markedPassword, nil }, Clock: hands, RequestsPerSecond: 1e6,
	}}
}

// everything drives each method of the client once and checks what must hold under any switch.
func (r *rig) everything(t *testing.T) {
	t.Helper()
	client := newClient(t, r.Options)
	who, err := client.Login(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 481200, who.PartnerID)

	partners, err := client.Partners(t.Context(), who.PartnerID)
	require.NoError(t, err)
	require.Len(t, partners, 2)
	customer, err := client.Partner(t.Context(), 481233)
	require.NoError(t, err)
	require.Equal(t, `Müller & "Söhne" <IT>`, customer.Name)
	require.Equal(t, "CWM:1844:Mueller", customer.ExternalCode)
	require.Equal(t, "EndCustomer", customer.Level)
	require.Contains(t, partners, customer, "both methods tell the same")

	page, err := client.Statistics(t.Context(), cove.Query{
		PartnerID: who.PartnerID, Columns: columns.Full(), OrderBy: "AU ASC", Count: 1000, Totals: []string{"COUNT(AT==1)"},
	})
	require.NoError(t, err)
	require.Len(t, page.Rows, 3)
	server := page.Rows[0]
	require.Equal(t, []int64{11, 481290}, []int64{server.AccountID, server.PartnerID})
	for code, want := range map[string]string{
		"AN": "srv_1", "AR": "Portland", "T0": "8", "T7": "3", "US": "188702358870", "D01F00": "8", "D01F06": "3", "D02F00": "5", "IP": "10.0.0.1,10.0.0.2",
	} {
		require.Equal(t, want, server.Columns[code], code)
	}
	lastSuccess, ok := columns.Time(server.Columns["D01F09"])
	require.True(t, ok)
	require.Equal(t, start.Add(-24*time.Hour), lastSuccess)
	require.Equal(t, []string{"D01", "D02"}, codesOf(columns.ParseSources(server.Columns["I78"])))
	require.Equal(t, "4", page.Rows[1].Columns["D05F22"])

	device, err := client.Account(t.Context(), 11)
	require.NoError(t, err)
	require.Equal(t, "srv_1", device.Name)
	since := start.Add(-30 * 24 * time.Hour)
	files, found, err := client.SessionErrors(t.Context(), device, "D01", since, cove.Limits{})
	require.NoError(t, err)
	require.True(t, found)
	require.EqualValues(t, 2, files.SessionID)
	require.Equal(t, "CompletedWithErrors", files.Status)
	require.Equal(t, start.Add(-3*time.Hour), files.Started)
	require.EqualValues(t, 3, files.Total)
	require.Len(t, files.Errors, 2)
	require.Contains(t, files.Errors, cove.SessionError{Code: "5", Text: "Access denied", Item: `D:\Shares\a.xlsx`, Count: 2, Time: start.Add(-3 * time.Hour)})
	_, found, err = client.SessionErrors(t.Context(), device, "D02", since, cove.Limits{})
	require.NoError(t, err)
	require.False(t, found, "a later session succeeded")
	_, found, err = client.SessionErrors(t.Context(), device, "D14", since, cove.Limits{})
	require.NoError(t, err)
	require.False(t, found, "no session at all")

	tenant, err := client.Account(t.Context(), 12)
	require.NoError(t, err)
	exchange, found, err := client.SessionErrors(t.Context(), tenant, "D19", since, cove.Limits{})
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, []cove.SessionError{{Code: "Gone", Text: "The mailbox is gone.", Item: "j.doe@x.example", Count: 1, Time: start.Add(-4 * time.Hour)}}, exchange.Errors)
	_, found, err = client.SessionErrors(t.Context(), tenant, "D05", since, cove.Limits{})
	require.NoError(t, err)
	require.False(t, found)
}

func codesOf(sources []columns.Source) []string {
	codes := make([]string, 0, len(sources))
	for _, source := range sources {
		codes = append(codes, source.Code)
	}
	return codes
}

func TestEveryMethodAgainstTheFakeWhateverItsSwitches(t *testing.T) {
	for why, set := range map[string]covefake.Switches{
		"the likeliest reading":                                   {},
		"null for empty lists, flat results, plug-ins as numbers": {NullForEmpty: true, FlatResults: true, PluginAsNumber: true},
		"values as numbers and lists, missing ones as null":       {NumericValues: true, ListValues: true, Missing: covefake.MissingNull},
		"unpadded sources, missing values blank, no totals":       {I78: covefake.I78Unpadded, Missing: covefake.MissingBlank, NoTotals: true},
		"sources with commas, visa in the body only":              {I78: covefake.I78Commas, BodyVisaOnly: true, PartnerRequired: true},
		"an older visa dies with a newer one":                     {VisaMode: covefake.VisaSuperseded, VisaInErrors: true},
		"a visa is good for one call":                             {VisaMode: covefake.VisaSingleUse, VisaInErrors: true},
		"bare partners unless fields are asked for":               {NoFieldsByDefault: true},
	} {
		t.Run(why, func(t *testing.T) {
			r := newRig(t)
			require.NoError(t, r.fake.SetSwitches(set))
			r.everything(t)
		})
	}
}

func TestTheFakeCountsWhatTheClientCounts(t *testing.T) {
	r := newRig(t)
	client := newClient(t, r.Options)
	for range 3 {
		_, err := client.Statistics(t.Context(), cove.Query{PartnerID: 481200, Columns: columns.Light(), OrderBy: "AU ASC", Count: 2})
		require.NoError(t, err)
	}
	require.EqualValues(t, 4, client.Requests())
	require.Equal(t, map[string]int{"Login": 1, "EnumerateAccountStatistics": 3}, r.fake.Counts())
}

func TestALoginWithoutPartnerAndAWrongPasswordAtTheFake(t *testing.T) {
	r := newRig(t)
	r.Partner = ""
	_, err := newClient(t, r.Options).Login(t.Context())
	require.NoError(t, err)
	r.Password = func() (string, error) { return "wrong", nil }
	_, err = newClient(t, r.Options).Login(t.Context())
	require.Equal(t, errclass.AuthTenant, errclass.Of(err))
	var rpc *cove.RPCError
	require.ErrorAs(t, err, &rpc)
	require.Equal(t, cove.DataLogin, rpc.Data)
}

func TestASweepOf40MinutesKeepsItsVisas(t *testing.T) {
	r := newRig(t)
	client := newClient(t, r.Options)
	for range 40 {
		_, err := client.Partner(t.Context(), 481233)
		require.NoError(t, err)
		r.clock.move(time.Minute)
	}
	require.Equal(t, 1, r.fake.Counts()["Login"], "each answer renews the visa")
	r.clock.move(16 * time.Minute)
	_, err := client.Partner(t.Context(), 481233)
	require.NoError(t, err)
	require.Equal(t, 2, r.fake.Counts()["Login"])
}

func TestFaultsOfTheFake(t *testing.T) {
	tests := []struct {
		why   string
		fault covefake.Fault
		class errclass.Class // of the first call; the second one is good
		ok    bool
	}{
		{"an expired visa is repaired", covefake.Fault{Kind: covefake.FaultExpiredVisa, Times: 1}, 0, true},
		{"a dropped connection is tried again", covefake.Fault{Kind: covefake.FaultDrop, Times: 1}, 0, true},
		{"a gateway's trouble is tried again", covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 503, Times: 1}, 0, true},
		{"an RPC error", covefake.Fault{Kind: covefake.FaultRPCError, Message: "internal", Times: 1}, errclass.Rejected, false},
		{"a page in HTML", covefake.Fault{Kind: covefake.FaultHTML, Times: 1}, errclass.Transient, false},
		{"a truncated page", covefake.Fault{Kind: covefake.FaultTruncated, Times: 1}, errclass.Transient, false},
		{"nothing", covefake.Fault{Kind: covefake.FaultEmpty, Times: 1}, errclass.Transient, false},
		{"a rate limit", covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 429, RetryAfter: 60, Times: 1}, errclass.RateLimited, false},
		{"an internal error", covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 500, Times: 1}, errclass.Transient, false},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			r := newRig(t)
			client := newClient(t, r.Options)
			tt.fault.Match = "EnumerateAccountStatistics"
			_, err := r.fake.AddFault(tt.fault)
			require.NoError(t, err)
			query := cove.Query{PartnerID: 481200, Columns: columns.Light(), OrderBy: "AU ASC", Count: 1000}
			page, err := client.Statistics(t.Context(), query)
			if tt.ok {
				require.NoError(t, err)
				require.Len(t, page.Rows, 3)
				return
			}
			require.Error(t, err)
			require.Equal(t, tt.class, errclass.Of(err))
			require.Empty(t, page.Rows)
			page, err = client.Statistics(t.Context(), query)
			require.NoError(t, err)
			require.Len(t, page.Rows, 3)
		})
	}
}
