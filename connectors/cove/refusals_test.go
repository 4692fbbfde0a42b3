package cove_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/errclass"
)

const statistics = "EnumerateAccountStatistics"

func lightQuery() cove.Query {
	return cove.Query{PartnerID: 481200, Columns: columns.Light(), OrderBy: "AU ASC", Count: 1000}
}

func TestRefusedColumnsAreFoundLeftOutAndRemembered(t *testing.T) {
	r := newRig(t)
	var logged bytes.Buffer
	r.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{RefusedColumns: []string{"D12F*", "I10"}}))
	client := newClient(t, r.Options)
	refused := []string{"PN", "D12F00", "D12F06", "D12F09", "D12F15", "D12F17", "D12F18"}

	page, err := client.Statistics(t.Context(), lightQuery())
	require.NoError(t, err)
	require.Equal(t, refused, page.Refused, "under their canonical codes, in the order asked for")
	require.Len(t, page.Rows, 3)
	require.Equal(t, "8", page.Rows[0].Columns["D01F00"])
	require.Contains(t, logged.String(), "cove refuses columns")
	cost := r.fake.Counts()[statistics]
	require.Less(t, cost, 60, "by bisection, not one by one")

	page, err = client.Statistics(t.Context(), lightQuery())
	require.NoError(t, err)
	require.Equal(t, refused, page.Refused)
	page, err = client.Statistics(t.Context(), cove.Query{PartnerID: 481200, Columns: []string{"AN", "I10"}, Count: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"PN"}, page.Refused, "whatever the query and the spelling")
	require.Equal(t, cost+2, r.fake.Counts()[statistics], "found once, remembered from then on")

	r.clock.move(24 * time.Hour)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{RefusedColumns: []string{"D12F06"}}))
	page, err = client.Statistics(t.Context(), lightQuery())
	require.NoError(t, err)
	require.Equal(t, []string{"D12F06"}, page.Refused, "after a day Cove is asked again")
	require.Less(t, r.fake.Counts()[statistics], cost+2+12, "and only for what was refused")

	again := r.fake.Counts()[statistics]
	_, err = client.Statistics(t.Context(), lightQuery())
	require.NoError(t, err)
	require.Equal(t, again+1, r.fake.Counts()[statistics])
}

func TestConcurrentQueriesShareTheSearchForARefusedColumn(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{RefusedColumns: []string{"D12F06"}}))
	client := newClient(t, r.Options)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			page, err := client.Statistics(t.Context(), lightQuery())
			if err != nil || len(page.Refused) != 1 {
				t.Errorf("page refuses %v, error %v", page.Refused, err)
			}
		})
	}
	group.Wait()
	require.Less(t, r.fake.Counts()[statistics], 16+8+8*3, "one bisection; each other query fails once, makes sure and is repeated")
}

func TestARefusalThatIsNotAColumnsStaysOne(t *testing.T) {
	forbidden := `{"error":{"code":-32603,"data":13501,"message":"Operation failed because of security reasons"}}`
	tests := []struct {
		why      string
		q        cove.Query
		refuse   func(call) bool
		requests int
	}{
		{"a method or partner out of reach costs one probe", lightQuery(), func(call) bool { return true }, 2},
		{
			"so does an aggregate, and a search that finds nothing",
			cove.Query{PartnerID: 1, Columns: []string{"AN", "MN"}, Count: 10, Totals: []string{"SUM(US)"}},
			func(c call) bool { return c.Params["query"].(map[string]any)["Totals"] != nil }, 3,
		},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.handle(statistics, func(c call, w http.ResponseWriter) {
				if tt.refuse(c) {
					write(w, forbidden)
					return
				}
				write(w, `{"result":{"result":[]}}`)
			})
			_, err := newClient(t, options(s)).Statistics(t.Context(), tt.q)
			require.ErrorIs(t, err, cove.ErrForbidden)
			require.Equal(t, errclass.AuthTenant, errclass.Of(err))
			require.Len(t, s.seen(statistics), tt.requests)
		})
	}
}

func TestASearchThatBreaksOffRemembersNothing(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{RefusedColumns: []string{"D12F06"}}))
	_, err := r.fake.AddFault(covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 500, Match: statistics, Skip: 4, Times: 1})
	require.NoError(t, err)
	client := newClient(t, r.Options)
	_, err = client.Statistics(t.Context(), lightQuery())
	require.Equal(t, errclass.Transient, errclass.Of(err))
	require.NotErrorIs(t, err, cove.ErrForbidden)
	page, err := client.Statistics(t.Context(), lightQuery())
	require.NoError(t, err)
	require.Equal(t, []string{"D12F06"}, page.Refused)
}

func TestColumnsThatNobodyAnsweredAreTold(t *testing.T) {
	row := func(settings ...string) string {
		return `{"AccountId":1,"PartnerId":2,"Settings":[` + strings.Join(settings, ",") + `]}`
	}
	an, at := `{"AN":"x"}`, `{"AT":"1"}`
	tests := []struct {
		why     string
		columns []string
		rows    []string
		want    []string
	}{
		{"everything is there", []string{"AN", "AT"}, []string{row(an, at)}, nil},
		{"one row that has it is enough", []string{"AN", "AT"}, []string{row(at), row(an)}, nil},
		{"a name that no row has", []string{"AN", "I59", "CD"}, []string{row(at), row(at)}, []string{"AN", "CD"}},
		{"without rows nothing is missing", []string{"AN"}, nil, nil},
		{"a blank value is an answer", []string{"AN"}, []string{row(`{"AN":""}`)}, nil},
		{"null is none", []string{"AN"}, []string{row(`{"AN":null}`)}, []string{"AN"}},
		{"a product is of systems only", []string{"AT", "PN"}, []string{row(`{"AT":"2"}`)}, nil},
		{"and each of those has one", []string{"AT", "PN"}, []string{row(at)}, []string{"PN"}},
		{"a device that never ran has no data sources yet", []string{"AN", "I78", "T0", "D01F00", "MN"}, []string{row(an, at)}, nil},
		{"one that ran has", []string{"AN", "I78", "T0", "MN", "D01F00"}, []string{row(an, at, `{"T0":"5"}`)}, []string{"I78", "MN"}},
		{"and its only source has a status", []string{"I78", "T0", "D01F00", "D02F00"}, []string{row(`{"T0":"5"}`, `{"I78":"D1"}`)}, []string{"D01F00"}},
		{"of two sources it is not known which one ran", []string{"I78", "T0", "D01F00"}, []string{row(`{"T0":"5"}`, `{"I78":"D01D02"}`)}, nil},
		{"unless it tells when", []string{"D01F00", "F15", "D02F00", "D02F15"}, []string{row(`{"D02F15":"1780912345"}`, `{"D01F15":"0"}`)}, []string{"D02F00"}},
		{"or its last good backup", []string{"D01F00", "D01F09"}, []string{row(`{"D01F09":"1780912345"}`)}, []string{"D01F00"}},
		{"or how its last session ended", []string{"D01F00", "D01F17"}, []string{row(`{"D01F17":"5"}`)}, []string{"D01F00"}},
		{"a session that left a backup has its time", []string{"D01F00", "D01F09"}, []string{row(`{"D01F00":"8"}`)}, []string{"D01F09"}},
		{"one that failed has none", []string{"D01F00", "D01F09"}, []string{row(`{"D01F00":"2"}`)}, nil},
		{"a device with a good backup has run, also where the overall status is missing", []string{"I78", "T0", "TL"}, []string{row(`{"TL":"1780912345"}`)}, []string{"I78", "T0"}},
		{"a device with a status of any data source has run", []string{"I78", "T0", "TL", "D01F00"}, []string{row(`{"D01F00":"2"}`)}, []string{"I78", "T0"}},
		{"what is not in the table may be missing", []string{"AL", "IP", "D01F06", "AA843", "nonsense"}, []string{row(an, at)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.answers(statistics, `{"result":{"result":[`+strings.Join(tt.rows, ",")+`]}}`)
			page, err := newClient(t, options(s)).Statistics(t.Context(), cove.Query{PartnerID: 1, Columns: tt.columns, Count: 10})
			require.NoError(t, err)
			require.Equal(t, tt.want, page.Unanswered)
		})
	}
}

func TestAnIgnoredColumnIsToldAsUnanswered(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.fake.SetSwitches(covefake.Switches{IgnoredColumns: []string{"I1", "D01F*"}}))
	page, err := newClient(t, r.Options).Statistics(t.Context(), cove.Query{PartnerID: 481200, Columns: []string{"AN", "AR", "D01F00", "D02F00"}, Count: 10})
	require.NoError(t, err)
	require.Equal(t, []string{"AN"}, page.Unanswered, "of a source it shows only beside the time of its session")
	require.Empty(t, page.Refused)

	page, err = newClient(t, r.Options).Statistics(t.Context(), lightQuery())
	require.NoError(t, err)
	require.Equal(t, []string{"AN", "OS", "PN"}, page.Unanswered, "the devices of this fleet have neither system nor product")
}
