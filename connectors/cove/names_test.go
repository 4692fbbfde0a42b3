package cove_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/covefake"
)

// oddNames are names that people give and programs break on.
var oddNames = []string{
	`O'Brien "& Sons" <IT> [x] {y} (z)`,
	`' OR 1 == 1 OR AR =~ '*`,
	`") or (0 == 0`,
	`AU in (1,2,3)`,
	"Аптека Ромашка № 7",
	"株式会社テスト 北京分公司",
	"\u202bشركة النور\u202c בע״מ",
	"Cafe\u0301 🦀👩‍👩‍👧 ﷽",
	"control \x01\x02\t\r\n\x1b[31m\x7f end",
	`back\slash \u0041 %41 &amp; $(x) {{.}}`,
	" leading and trailing ",
	strings.Repeat("長い名前", 75),
	"line\u2028separator\u2029 \ufeff \u00a0",
}

// overheard is a fake that keeps every filter, order and query it is sent.
func overheard(t *testing.T, r *rig) *[]string {
	t.Helper()
	var mu sync.Mutex
	heard := &[]string{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var sent struct {
			Params struct {
				Query   json.RawMessage
				OrderBy string
			}
		}
		if json.Unmarshal(body, &sent) == nil && sent.Params.Query != nil {
			var text string
			var statistics struct{ Filter, OrderBy string }
			if json.Unmarshal(sent.Params.Query, &text) != nil {
				_ = json.Unmarshal(sent.Params.Query, &statistics) // an object of another shape has neither
			}
			mu.Lock()
			*heard = append(*heard, text, sent.Params.OrderBy, statistics.Filter, statistics.OrderBy)
			mu.Unlock()
		}
		req.Body = io.NopCloser(strings.NewReader(string(body)))
		r.fake.ServeHTTP(w, req)
	}))
	t.Cleanup(web.Close)
	r.URL = web.URL + "/jsonapi"
	return heard
}

func TestNamesTravelUnharmedAndNeverIntoAFilter(t *testing.T) {
	plain := regexp.MustCompile(`^[A-Za-z0-9 ,()=>]*$`)
	breaks := regexp.MustCompile(`\s*[\p{Cc}\x{2028}\x{2029}]+\s*`)
	words := regexp.MustCompile(`[A-Za-z]+`)
	known := map[string]bool{
		"Plugin": true, "or": true, "and": true, "BackupStartTime": true, "DESC": true, "ASC": true, "SessionId": true, "Time": true, "AU": true, "in": true,
	}
	for i, name := range oddNames {
		t.Run(fmt.Sprintf("%q", name[:min(len(name), 24)]), func(t *testing.T) {
			r := newRig(t)
			heard := overheard(t, r)
			partner, id := int64(900+i), int64(5000+i)
			require.NoError(t, r.fake.PutPartner(covefake.Partner{ID: partner, ParentID: 481200, Name: name, Level: "EndCustomer", ExternalCode: name}))
			require.NoError(t, r.fake.PutDevice(covefake.Device{AccountID: id, PartnerID: partner, Settings: map[string]string{
				"AN": name, "MN": name, "AL": name, "AT": "1", "I78": "D01", "T0": "2", "D01F00": "2",
			}}))
			require.NoError(t, r.fake.AddSession(id, covefake.Session{Plugin: "FileSystem", Status: "Failed", At: "@-3h", Errors: []covefake.SessionError{{Text: "x", Filename: name, Count: 1}}}))
			client := newClient(t, r.Options)

			page, err := client.Statistics(t.Context(), cove.Query{
				PartnerID: partner, Columns: []string{"AN", "MN", "AL", "AR", "PF"}, Filter: fmt.Sprintf("AU in (%d)", id), OrderBy: "AU ASC", Count: 5,
			})
			require.NoError(t, err)
			require.Equal(t, []cove.Row{{AccountID: id, PartnerID: partner, Columns: map[string]string{"AN": name, "MN": name, "AL": name, "AR": name, "PF": name}}}, page.Rows)

			one, err := client.Partner(t.Context(), partner)
			require.NoError(t, err)
			require.Equal(t, []string{name, name, name}, []string{one.Name, one.ExternalCode, one.LegalName})
			all, err := client.Partners(t.Context(), 481200)
			require.NoError(t, err)
			require.Contains(t, all, one)
			past, err := client.PartnerHistory(t.Context(), partner)
			require.NoError(t, err)
			require.Equal(t, name, past.Name)

			device, err := client.Account(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, []string{name, name}, []string{device.Name, device.Alias})
			got, found, err := client.SessionErrors(t.Context(), device, "D01", start.AddDate(0, 0, -30), cove.Limits{})
			require.NoError(t, err)
			require.True(t, found, "the node finds the device by its odd name")
			require.Equal(t, strings.TrimSpace(breaks.ReplaceAllString(name, " ")), got.Errors[0].Item, "an item is one line")

			require.NotEmpty(t, *heard)
			for _, text := range *heard {
				require.Regexp(t, plain, text)
				for _, word := range words.FindAllString(text, -1) {
					require.True(t, known[word], "%q in %q", word, text)
				}
			}
		})
	}
}
