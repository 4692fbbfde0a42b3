package covefake_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

func before(d time.Duration) string { return strconv.FormatInt(noon-int64(d/time.Second), 10) }

func TestStatisticsAnswerTheColumnsAsTheyWereAskedFor(t *testing.T) {
	r := loggedIn(t)
	rows := r.statistics(obj{
		"Filter":  "AU == 101",
		"Columns": arr{"T7", "D9F6", "D09F06", "F6", "F7", "AU", "AN", "AR", "PF", "I78", "AP", "TL", "TS", "IP", "AL", "ER", "AA77", "I83", "TB", "TZ"},
	}).rows(t)
	require.Equal(t, []statRow{{AccountID: 101, PartnerID: 7010, Settings: []map[string]any{
		{"AL": "Main server"},
		{"AN": "orch-srv_1"},
		{"AP": "FS"},
		{"AR": orchard},
		{"AU": "101"},
		{"D09F06": "3"},
		{"D9F6": "3"},
		{"F6": "900"},
		{"F7": "3"},
		{"I78": "D01D02"},
		{"I83": "7010"},
		{"IP": "192.0.2.10;192.0.2.11"},
		{"PF": "CWM:12:Orchard"},
		{"T7": "3"},
		{"TB": "5552000000000000000000000008"},
		{"TL": before(48 * time.Hour)},
		{"TS": before(5 * time.Minute)},
		{"TZ": "-5"},
	}}}, rows)
	other := r.statistics(obj{"Filter": "AU == 102", "Columns": arr{"AR", "PF"}}).rows(t)
	require.Equal(t, []statRow{{AccountID: 102, PartnerID: 7011, Flags: []string{"AutoDeployed"}, Settings: []map[string]any{
		{"AR": "Orchard - Packing hall"},
	}}}, other, "the reference is that of the immediate partner, here none")
}

func TestStatisticsSelectSortAndPage(t *testing.T) {
	r := loggedIn(t)
	tests := map[string]struct {
		query obj
		want  []int64
	}{
		"All below the root and none next door.": {obj{}, []int64{101, 102, 103, 104, 105}},
		"Only below a customer.":                 {obj{"PartnerId": 7010}, []int64{101, 102}},
		"Without an excluded customer and what is below it.": {
			obj{"ExcludedPartners": arr{7010}}, []int64{103, 104, 105},
		},
		"Filtered.":                                {obj{"Filter": "AT==2 OR T0 == 0"}, []int64{103, 104}},
		"By a text, then by id.":                   {obj{"OrderBy": "AR DESC"}, []int64{103, 104, 105, 102, 101}},
		"By two columns.":                          {obj{"OrderBy": "T0 DESC, AU DESC"}, []int64{103, 102, 105, 101, 104}},
		"By a number that some do not have.":       {obj{"OrderBy": "t3"}, []int64{104, 105, 101, 102, 103}},
		"A page.":                                  {obj{"StartRecordNumber": 1, "RecordsCount": 2}, []int64{102, 103}},
		"The last page is short.":                  {obj{"StartRecordNumber": 4, "RecordsCount": 2}, []int64{105}},
		"Beyond the end there is nothing.":         {obj{"StartRecordNumber": 5, "RecordsCount": 2}, []int64{}},
		"Known selection modes and labels are ok.": {obj{"SelectionMode": "Merged", "Labels": arr{}, "RecordsCount": 1}, []int64{101}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, r.statistics(tt.query).ids(t)) })
	}
	a := r.call("EnumerateAccountStatistics", obj{"query": obj{"PartnerId": 7000, "Columns": arr{"AU"}}})
	require.Equal(t, []int64{101}, a.ids(t), "without RecordsCount there is one row")
}

func TestStatisticsTotalsCoverAllMatchesWhateverThePage(t *testing.T) {
	r := loggedIn(t)
	a := r.statistics(obj{
		"RecordsCount": 1, "Filter": "AU != 105",
		"Totals": arr{"COUNT(AT==1)", "COUNT(AU)", "COUNT()", "SUM(T3)", "SUM(US)", "MAX(T3)", "MIN(T3)", "max(AU)", "COUNT(T0 == 5 AND TL > 2.hours().ago())"},
	})
	require.Equal(t, arr{
		obj{"COUNT(AT==1)": "3"},
		obj{"COUNT(AU)": "4"},
		obj{"COUNT()": "4"},
		obj{"SUM(T3)": "7000"},
		obj{"SUM(US)": "1200"},
		obj{"MAX(T3)": "4000"},
		obj{"MIN(T3)": "1000"},
		obj{"max(AU)": "104"},
		obj{"COUNT(T0 == 5 AND TL > 2.hours().ago())": "1"},
	}, a.outer(t)["totalStatistics"])
	require.NotContains(t, r.statistics(obj{}).outer(t), "totalStatistics", "none were asked for")
}

func TestStatisticsRefuseWhatTheyCannotRead(t *testing.T) {
	r := loggedIn(t)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{RefusedColumns: []string{"D02F*", "I3"}}))
	tests := map[string]struct {
		query      obj
		code, data int
	}{
		"An unknown column.":                  {obj{"Columns": arr{"AU", "XX"}}, -32603, 13501},
		"A column in small letters.":          {obj{"Columns": arr{"au"}}, -32603, 13501},
		"A refused column.":                   {obj{"Columns": arr{"D02F00"}}, -32603, 13501},
		"A refused column's legacy spelling.": {obj{"Columns": arr{"S7"}}, -32603, 13501},
		"A refused column by its code.":       {obj{"Columns": arr{"QW"}}, -32603, 13501},
		"A bad filter.":                       {obj{"Filter": "AT == "}, -32602, 0},
		"A bad order.":                        {obj{"OrderBy": "AU DOWN"}, -32602, 0},
		"An order by an unknown column.":      {obj{"OrderBy": "XX"}, -32602, 0},
		"An unknown total.":                   {obj{"Totals": arr{"AVG(T3)"}}, -32602, 0},
		"A total of an unknown column.":       {obj{"Totals": arr{"SUM(XX)"}}, -32602, 0},
		"A total without parentheses.":        {obj{"Totals": arr{"COUNT"}}, -32602, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { requireError(t, r.statistics(tt.query), tt.code, tt.data) })
	}
	require.Equal(t, []int64{101, 102, 103, 104, 105}, r.statistics(obj{"Columns": arr{"D01F00"}}).ids(t))
}

func TestSwitchesOfStatistics(t *testing.T) {
	one := func(r *rig, id int, column string) any {
		rows := r.statistics(obj{"Filter": fmt.Sprintf("AU == %d", id), "Columns": arr{column}}).rows(r.t)
		if len(rows) != 1 || len(rows[0].Settings) == 0 {
			return "absent"
		}
		return rows[0].Settings[0][column]
	}
	tests := map[string]struct {
		switches covefake.Switches
		id       int
		column   string
		want     any
	}{
		"Active data sources are padded.":               {covefake.Switches{}, 103, "I78", "D19D20D05D23"},
		"Active data sources without padding.":          {covefake.Switches{I78: covefake.I78Unpadded}, 103, "I78", "D19D20D5D23"},
		"Active data sources with commas.":              {covefake.Switches{I78: covefake.I78Commas}, 103, "I78", "D19,D20,D5,D23"},
		"A number is a text.":                           {covefake.Switches{}, 103, "T7", "2"},
		"A number is a number.":                         {covefake.Switches{NumericValues: true}, 103, "T7", 2.0},
		"A text that looks like a number stays a text.": {covefake.Switches{NumericValues: true}, 103, "AN", "romashka.example"},
		"Addresses are a text.":                         {covefake.Switches{}, 101, "IP", "192.0.2.10;192.0.2.11"},
		"Addresses are a list.":                         {covefake.Switches{ListValues: true}, 101, "IP", arr{"192.0.2.10", "192.0.2.11"}},
		"A missing value is absent.":                    {covefake.Switches{}, 104, "TL", "absent"},
		"A missing value is null.":                      {covefake.Switches{Missing: covefake.MissingNull}, 104, "TL", nil},
		"A missing value is blank.":                     {covefake.Switches{Missing: covefake.MissingBlank}, 104, "TL", ""},
		"A colour bar has today at the right.":          {covefake.Switches{}, 101, "TB", "5552000000000000000000000008"},
		"A colour bar has today at the left.":           {covefake.Switches{ColourBarNewestFirst: true}, 101, "TB", "8000000000000000000000002555"},
		"TS is the heartbeat.":                          {covefake.Switches{}, 101, "TS", before(5 * time.Minute)},
		"TS is the last session.":                       {covefake.Switches{TimestampIsLastSession: true}, 101, "TS", before(2 * time.Hour)},
		"TS is absent where no session was.":            {covefake.Switches{TimestampIsLastSession: true}, 104, "TS", "absent"},
		"TZ is in hours.":                               {covefake.Switches{}, 101, "TZ", "-5"},
		"TZ is in minutes.":                             {covefake.Switches{OffsetInMinutes: true}, 101, "TZ", "-300"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := loggedIn(t)
			require.NoError(t, r.fake.SetSwitches(tt.switches))
			require.Equal(t, tt.want, one(r, tt.id, tt.column))
		})
	}
}

func TestSwitchesOfStatisticsPages(t *testing.T) {
	r := loggedIn(t)
	none := obj{"Filter": "AU == 1", "Totals": arr{"COUNT(AU)"}}
	require.Equal(t, obj{"result": arr{}, "totalStatistics": arr{obj{"COUNT(AU)": "0"}}}, r.statistics(none).outer(t))

	require.NoError(t, r.fake.SetSwitches(covefake.Switches{NullForEmpty: true, NoTotals: true}))
	require.Equal(t, obj{"result": nil}, r.statistics(none).outer(t))

	require.NoError(t, r.fake.SetSwitches(covefake.Switches{NumericValues: true}))
	require.Equal(t, arr{obj{"COUNT(AU)": 5.0}}, r.statistics(obj{"Totals": arr{"COUNT(AU)"}}).outer(t)["totalStatistics"])

	require.NoError(t, r.fake.SetSwitches(covefake.Switches{RecordsDefault: 3, RecordsMax: 4}))
	require.Len(t, r.statistics(obj{"RecordsCount": nil}).ids(t), 3)
	require.Len(t, r.statistics(obj{"RecordsCount": 100}).ids(t), 4, "capped in silence")

	require.NoError(t, r.fake.SetSwitches(covefake.Switches{I78: covefake.I78Unpadded}))
	require.Equal(t, []int64{103}, r.statistics(obj{"Filter": "I78 =~ '*D5*'"}).ids(t), "filters see what is answered")
}

func TestUnstableTiesChangeTheOrderOfEqualKeysOnly(t *testing.T) {
	r := newRig(t)
	f := covefake.Fleet{Root: 1, Partners: []covefake.Partner{{ID: 1, Name: "R", Level: "Reseller"}}}
	for i := range int64(50) {
		f.Devices = append(f.Devices, covefake.Device{AccountID: i + 1, PartnerID: 1, Settings: map[string]string{"AN": "x", "T7": strconv.FormatInt(i/25, 10)}})
	}
	require.NoError(t, r.fake.SetFleet(f))
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{UnstableTies: true}))
	r.visa = r.call("Login", obj{"username": goodUser, "password": goodPassword}).Visa
	first := r.statistics(obj{"PartnerId": 1, "OrderBy": "T7"}).ids(t)
	second := r.statistics(obj{"PartnerId": 1, "OrderBy": "T7"}).ids(t)
	require.NotEqual(t, first, second)
	require.ElementsMatch(t, first[:25], second[:25])
	first = r.statistics(obj{"PartnerId": 1, "OrderBy": "AU"}).ids(t)
	second = r.statistics(obj{"PartnerId": 1, "OrderBy": "AU"}).ids(t)
	require.Equal(t, first, second)
}

func TestAChangeShowsOnTheNextPage(t *testing.T) {
	r := loggedIn(t)
	query := obj{"OrderBy": "T7 DESC", "Filter": "T7 > 0"}
	require.Equal(t, []int64{101, 103}, r.statistics(query).ids(t))
	require.NoError(t, r.fake.UpdateDevice(102, func(d *covefake.Device) { d.Set("T7", "9") }))
	require.Equal(t, []int64{102, 101, 103}, r.statistics(query).ids(t))
	require.True(t, r.fake.RemoveDevice(101))
	require.False(t, r.fake.RemoveDevice(101))
	require.Equal(t, []int64{102, 103}, r.statistics(query).ids(t))
	require.NoError(t, r.fake.PutDevice(covefake.Device{AccountID: 106, PartnerID: 7010, Settings: map[string]string{"T7": "5", "TL": "@-1h"}}))
	require.Equal(t, []int64{102, 106, 103}, r.statistics(query).ids(t))
	require.NoError(t, r.fake.UpdateDevice(106, func(d *covefake.Device) { d.PartnerID = 7001 }))
	require.Equal(t, []int64{102, 103}, r.statistics(query).ids(t), "moved out of sight")
	ago := obj{"Filter": "TL > 90.minutes().ago() AND AT == 1"}
	require.Equal(t, []int64{102}, r.statistics(ago).ids(t))
	r.clock.move(40 * time.Minute)
	r.login()
	require.Empty(t, r.statistics(ago).ids(t), "a relative time moves with the clock")
}

func TestEnumerateColumns(t *testing.T) {
	r := loggedIn(t)
	ask := func() reply { return r.call("EnumerateColumns", obj{"partnerId": 7000}) }
	list := ask().inner(t).(arr)
	require.Contains(t, list, obj{"Code": "I78", "Description": "Active data sources"})
	require.Contains(t, list, obj{"Code": "D09F06", "Description": "Total: errors count"})
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{FlatResults: true}))
	var flat arr
	require.NoError(t, json.Unmarshal(ask().Result, &flat))
	require.Equal(t, list, flat)
}

func TestPagingOverManyDevices(t *testing.T) {
	const total, size = 12_345, 1_000
	f := covefake.Fleet{Root: 1, Partners: []covefake.Partner{{ID: 1, Name: goodPartner, Level: "Reseller"}}}
	for i := range int64(30) {
		f.Partners = append(f.Partners, covefake.Partner{ID: 2 + i, ParentID: 1 + i/10, Name: fmt.Sprintf("Customer %d", i), Level: "EndCustomer"})
	}
	for i := range int64(total) {
		id := 1 + (i*7919)%total // a permutation
		f.Devices = append(f.Devices, covefake.Device{AccountID: id, PartnerID: 2 + id%30, Settings: map[string]string{
			"AN": fmt.Sprintf("pc-%d", id), "AT": "1", "I78": "D01", "T0": "5", "T3": "10", "CD": fmt.Sprintf("@-%dh", id%100), "TL": "@-2h",
		}})
	}
	r := newRig(t)
	require.NoError(t, r.fake.SetFleet(f))
	r.login()
	seen := map[int64]bool{}
	pages := 0
	for start := 0; ; start += size {
		a := r.statistics(obj{
			"PartnerId": 1, "StartRecordNumber": start, "RecordsCount": size, "OrderBy": "CD DESC", "Columns": arr{"AU", "AN", "TL", "I78", "T0"},
			"Filter": "AT == 1", "Totals": arr{"COUNT(AT==1)", "SUM(T3)"},
		})
		ids := a.ids(t)
		for _, id := range ids {
			require.False(t, seen[id], "device %d came twice", id)
			seen[id] = true
		}
		require.Equal(t, arr{obj{"COUNT(AT==1)": "12345"}, obj{"SUM(T3)": "123450"}}, a.outer(t)["totalStatistics"])
		pages++
		if len(ids) < size {
			break
		}
	}
	require.Len(t, seen, total)
	require.Equal(t, 13, pages)
	require.Equal(t, map[string]int{"Login": 1, "EnumerateAccountStatistics": 13}, r.fake.Counts())
}

func BenchmarkPage(b *testing.B) {
	fake := covefake.New(covefake.Options{Username: goodUser, Password: goodPassword})
	for i := range int64(15_000) {
		require.NoError(b, fake.PutDevice(covefake.Device{AccountID: i + 1, PartnerID: 481200, Settings: map[string]string{"AN": "x", "T0": "5", "TL": "@-1h"}}))
	}
	server := newBenchServer(b, fake)
	for b.Loop() {
		require.Equal(b, http.StatusOK, server.page(b))
	}
}
