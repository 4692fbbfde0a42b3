package cove_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/columns"
)

const benchRows = 5000

// benchPage is an answer of 5,000 rows, each with 36 of the columns of a sweep.
func benchPage() string {
	var body strings.Builder
	body.WriteString(`{"visa":"v","result":{"result":[`)
	for i := range benchRows {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"AccountId":%d,"PartnerId":481233,"Flags":null,"Settings":[{"AN":"host%d_abcde"}`, 3000000+i, i)
		for _, code := range columns.Light()[1:36] {
			fmt.Fprintf(&body, `,{%q:"1780912345"}`, code)
		}
		body.WriteString(`]}`)
	}
	body.WriteString(`]}}`)
	return body.String()
}

// BenchmarkPage compares what a page costs, asked for and decoded, with what it costs to receive the same bytes and
// throw them away. The ratio is the figure; the server, which costs the same in both, is in it twice.
func BenchmarkPage(b *testing.B) {
	var discarding float64 // seconds for a page
	page := benchPage()
	s := newServer(b)
	s.answers(statistics, page)
	b.Run("discard", func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		b.ReportAllocs()
		for b.Loop() {
			resp, err := http.Post(s.URL+"/jsonapi", "application/json", strings.NewReader(`{"method":"`+statistics+`"}`))
			require.NoError(b, err)
			n, err := io.Copy(io.Discard, resp.Body)
			require.NoError(b, err)
			require.EqualValues(b, len(page), n)
			require.NoError(b, resp.Body.Close())
		}
		discarding = b.Elapsed().Seconds() / float64(b.N)
	})
	b.Run("statistics", func(b *testing.B) {
		client, err := cove.New(options(s))
		require.NoError(b, err)
		b.SetBytes(int64(len(page)))
		b.ReportAllocs()
		for b.Loop() {
			got, err := client.Statistics(b.Context(), cove.Query{PartnerID: 1, Columns: columns.Light(), Count: benchRows})
			require.NoError(b, err)
			require.Len(b, got.Rows, benchRows)
		}
		if discarding > 0 {
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/discarding, "x-discard")
		}
	})
}

func TestAPageOf5000RowsIsSmallInMemory(t *testing.T) {
	s := newServer(t)
	s.answers(statistics, benchPage())
	client := newClient(t, options(s))
	_, err := client.Login(t.Context())
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	got, err := client.Statistics(t.Context(), cove.Query{PartnerID: 1, Columns: columns.Light(), Count: benchRows})
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Len(t, got.Rows, benchRows)
	allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
	t.Logf("allocated %d MiB in %d pieces", allocated, after.Mallocs-before.Mallocs)
	require.Less(t, allocated, uint64(60), "MiB in all, garbage included, so that the peak is below it")
	require.Less(t, after.Mallocs-before.Mallocs, uint64(20*benchRows), "a row costs its map and one string")
}
