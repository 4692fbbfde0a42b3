package cove_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/errclass"
)

func TestStatisticsAsksAsDocumented(t *testing.T) {
	s := newServer(t)
	s.answers("EnumerateAccountStatistics", `{"result":{"result":[]}}`)
	_, err := newClient(t, options(s)).Statistics(t.Context(), cove.Query{
		PartnerID: 481200, Filter: "AU in (1,2)", Columns: []string{"I1", "F7", "D02F00", "AA843"}, OrderBy: "AU ASC",
		Start: 1000, Count: 500, Totals: []string{"COUNT(AT==1)"},
	})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"query": map[string]any{
		"PartnerId": 481200.0, "Filter": "AU in (1,2)", "SelectionMode": "Merged", "StartRecordNumber": 1000.0, "RecordsCount": 500.0,
		"OrderBy": "AU ASC", "Columns": []any{"AN", "D01F06", "S0", "AA843"}, "Totals": []any{"COUNT(AT==1)"},
	}}, s.seen("EnumerateAccountStatistics")[0].Params)
}

func TestStatisticsNormalisesCodesAndValues(t *testing.T) {
	tests := []struct {
		why, result string
		want        cove.Page
	}{
		{
			"as documented, with totals",
			`{"result":[{"AccountId":3785154,"PartnerId":481290,"Flags":["AutoDeployed"],"Settings":[{"AN":"ext1012c"},{"F0":"8"},{"F7":"14"},{"I78":"D01D02"},{"TL":"1780912345"}]},
			  {"AccountId":3790007,"PartnerId":481233,"Flags":null,"Settings":[{"AN":"bluefin-m365"}]}],
			  "totalStatistics":[{"COUNT(AT==1)":"1"},{"SUM(T3)":73014444032}]}`,
			cove.Page{
				Rows: []cove.Row{
					{AccountID: 3785154, PartnerID: 481290, Columns: map[string]string{"AN": "ext1012c", "D01F00": "8", "D01F06": "14", "I78": "D01D02", "TL": "1780912345"}},
					{AccountID: 3790007, PartnerID: 481233, Columns: map[string]string{"AN": "bluefin-m365"}},
				},
				Totals: map[string]string{"COUNT(AT==1)": "1", "SUM(T3)": "73014444032"},
			},
		},
		{
			"totals before the rows, codes padded, unpadded and in I form",
			`{"totalStatistics":null,"result":[{"AccountId":1,"PartnerId":2,"Settings":[{"D5F0":"5"},{"D09F00":"2"},{"I1":"x"},{"d19f21":"3"}]}]}`,
			cove.Page{Rows: []cove.Row{{AccountID: 1, PartnerID: 2, Columns: map[string]string{"D05F00": "5", "T0": "2", "AN": "x", "D19F21": "3"}}}},
		},
		{
			"values as number, list, boolean and null; ids as text",
			`{"result":[{"AccountId":"7","PartnerId":"2","Settings":[{"US":188702358870},{"IP":["10.0.0.1","10.0.0.2"]},{"I78":[["D01"],null,"D02"]},{"AA3147":true},{"MN":null},{"OS":{"a":[1,{"b":2}]}},{"AL":[]},{"AR":""}]}]}`,
			cove.Page{Rows: []cove.Row{{AccountID: 7, PartnerID: 2, Columns: map[string]string{"US": "188702358870", "IP": "10.0.0.1,10.0.0.2", "I78": "D01,D02", "AA3147": "true", "AR": ""}}}},
		},
		{
			"settings as one object, as null, and several in one; the id out of AU",
			`{"result":[{"PartnerId":2,"Settings":{"AU":"9","AN":"x"}},{"AccountId":1,"PartnerId":2,"Settings":null},{"AccountId":2,"PartnerId":2,"Settings":[{"AN":"y","T0":"5"},null]}]}`,
			cove.Page{Rows: []cove.Row{
				{AccountID: 9, PartnerID: 2, Columns: map[string]string{"AU": "9", "AN": "x"}},
				{AccountID: 1, PartnerID: 2, Columns: map[string]string{}},
				{AccountID: 2, PartnerID: 2, Columns: map[string]string{"AN": "y", "T0": "5"}},
			}},
		},
		{
			"a flat result",
			`[{"AccountId":1,"PartnerId":2,"Settings":[]}]`,
			cove.Page{Rows: []cove.Row{{AccountID: 1, PartnerID: 2, Columns: map[string]string{}}}},
		},
		{"no rows", `{"result":[]}`, cove.Page{Rows: []cove.Row{}}},
		{"null for no rows", `{"result":null,"totalStatistics":[]}`, cove.Page{}},
		{
			"an installation key that nobody asked for is dropped",
			`{"result":[{"AccountId":1,"PartnerId":2,"Settings":[{"QW":"` + markedPassword[:4] + `"},{"I3":"key"},{"AN":"x"}]}]}`,
			cove.Page{Rows: []cove.Row{{AccountID: 1, PartnerID: 2, Columns: map[string]string{"AN": "x"}}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.answers("EnumerateAccountStatistics", `{"id":"1","result":`+tt.result+`,"visa":"v"}`)
			got, err := newClient(t, options(s)).Statistics(t.Context(), cove.Query{PartnerID: 1, Columns: []string{"AL"}, Count: 10})
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestStatisticsTakesNothingUncertainForAnEmptyFleet(t *testing.T) {
	tests := []struct{ why, body, text string }{
		{"no result", `{"result":null}`, "the result is no object"},
		{"a text", `{"result":"maintenance"}`, "the result is no object"},
		{"a result without rows", `{"result":{"totalStatistics":[]}}`, "the result holds no rows member"},
		{"rows that are no list", `{"result":{"result":{"a":[{}]}}}`, `"[" is missing`},
		{"a row that is no object", `{"result":{"result":[{"AccountId":1},7]}}`, "row 2 is no object"},
		{"a row that is null", `{"result":{"result":[null]}}`, "row 1 is no object"},
		{"a row without an id", `{"result":{"result":[{"PartnerId":1,"Settings":[{"AN":"x"}]}]}}`, "row 1 has no account id"},
		{"settings of another kind", `{"result":{"result":[{"AccountId":1,"Settings":"x"}]}}`, "the settings are no list"},
		{"a page that breaks off in a row", `{"result":{"result":[{"AccountId":1,"PartnerId":2,"Settings":[{"AN":"x"},{"A`, "unexpected EOF"},
		{"a page that breaks off after a row", `{"result":{"result":[{"AccountId":1,"PartnerId":2,"Settings":[]}`, "unexpected EOF"},
		{"a page that lacks its last brace", `{"result":{"result":[]}`, "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.answers("EnumerateAccountStatistics", tt.body)
			page, err := newClient(t, options(s)).Statistics(t.Context(), cove.Query{PartnerID: 1, Columns: []string{"AN"}, Count: 10})
			require.ErrorContains(t, err, tt.text)
			require.Equal(t, errclass.Transient, errclass.Of(err))
			require.Equal(t, cove.Page{}, page)
		})
	}
}

func TestStatisticsRepeatedAfterALoginStartsAnew(t *testing.T) {
	s := newServer(t)
	s.inTurn("EnumerateAccountStatistics",
		`{"result":{"result":[{"AccountId":1}]},"error":{"code":-32603,"data":1701,"message":"x"}}`,
		`{"result":{"result":[{"AccountId":2,"PartnerId":3,"Settings":[]}]}}`)
	page, err := newClient(t, options(s)).Statistics(t.Context(), cove.Query{PartnerID: 1, Columns: []string{"AL"}, Count: 10})
	require.NoError(t, err)
	require.Equal(t, cove.Page{Rows: []cove.Row{{AccountID: 2, PartnerID: 3, Columns: map[string]string{}}}}, page)
}

func TestStatisticsRefusesAQueryThatCannotBeMeant(t *testing.T) {
	s := newServer(t)
	client := newClient(t, options(s))
	for text, q := range map[string]cove.Query{
		"building the statistics query: PartnerID must be given":                             {Count: 1},
		"building the statistics query: Count must be at least 1":                            {PartnerID: 1},
		"building the statistics query: Filter must select by ids and numbers, not by text":  {PartnerID: 1, Count: 1, Filter: "AR == 'x'"},
		"building the statistics query: Start must not be negative":                          {PartnerID: 1, Count: 1, Start: -1},
		"building the statistics query: column i3 holds a credential and is never requested": {PartnerID: 1, Count: 1, Columns: []string{"AN", "i3"}},
	} {
		_, err := client.Statistics(t.Context(), q)
		require.EqualError(t, err, text)
		require.Equal(t, errclass.Bug, errclass.Of(err))
	}
	require.Zero(t, client.Requests())
}
