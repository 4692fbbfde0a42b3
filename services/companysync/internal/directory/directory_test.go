package directory_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/directory"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

func server(t testing.TB) (*cwfake.Server, *directory.Server) {
	t.Helper()
	fake := cwfake.New(cwfake.Options{})
	listener := httptest.NewServer(fake)
	t.Cleanup(listener.Close)
	secret := func(text string) *tenantv1.SecretRef {
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return &tenantv1.SecretRef{File: path}
	}
	companies := directory.New(clock.System(), slog.New(slog.DiscardHandler), nil)
	t.Cleanup(companies.Close)
	s, err := companies.Server(&tenantv1.Settings{Id: "harbor", Connectwise: &tenantv1.ConnectWise{
		Url: listener.URL, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
		PublicKey: secret(cwfake.DefaultPublicKey), PrivateKey: secret(cwfake.DefaultPrivateKey),
	}})
	require.NoError(t, err)
	return fake, s
}

// No name and no reference changes the meaning of what is asked: the server, which parses the condition, is never told
// anything that it cannot read, and gives exactly the companies that hold a part of the name or have an identifier.
func FuzzNoNameChangesTheMeaningOfACondition(f *testing.F) {
	for _, seed := range [][2]string{
		{`x" or name contains "e`, ""},
		{`x' or "1"="1`, `" or id>0 or "`},
		{`Blue\" or id>0 or name="`, "C1"},
		{`"'%`, "%"},
		{"100% [Pure]", "_"},
		{"日本橋", "vip | x"},
		{"a) or (id>0", "CWM:1"},
		{"\x00\u2028\n", "\\"},
		{"", "in (1,2)"},
		{"null", "true"},
	} {
		f.Add(seed[0], seed[1])
	}
	fake, _ := server(f)
	all := []cwfake.Company{
		{ID: 1001, Identifier: "C1", Name: "Blue Wave Dental"},
		{ID: 1002, Identifier: "x", Name: `D'Arcy "The Firm" LLP`},
		{ID: 1003, Identifier: "null", Name: "100% [Pure] Water_Co"},
		{ID: 1004, Identifier: "true", Name: "日本橋"},
	}
	for _, c := range all {
		_, err := fake.AddCompany(c)
		require.NoError(f, err)
	}
	all = fake.Companies()
	f.Fuzz(func(t *testing.T, name, reference string) {
		if len(name)+len(reference) > 1000 {
			return // an address has its limits, and so have names: see match.Ask
		}
		customer := &statusv1.Customer{Id: "1", Name: name, Reference: reference}
		q := match.Ask(customer)
		var want []int64
		for _, c := range all {
			meant := q.Name != "" && strings.EqualFold(c.Name, q.Name)
			for _, part := range q.Parts {
				meant = meant || strings.Contains(strings.ToLower(c.Name), strings.ToLower(part))
			}
			for _, identifier := range q.Identifiers {
				meant = meant || strings.EqualFold(c.Identifier, identifier)
			}
			if meant {
				want = append(want, int64(c.ID))
			}
		}
		var got []int64
		if q.ID != 0 {
			return // an id is a number in the address
		}
		where, ask := directory.Condition(q)
		if ask {
			got = companies(t, fake, where.String())
		}
		slices.Sort(got)
		require.Equal(t, want, got)
	})
}

// companies asks the fake as it stands, without a client, whose pace is that of a real server.
func companies(t *testing.T, fake *cwfake.Server, conditions string) []int64 {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+cwfake.DefaultCodeBase+"apis/3.0/company/companies?conditions="+url.QueryEscape(conditions), nil)
	r.SetBasicAuth(cwfake.DefaultCompany+"+"+cwfake.DefaultPublicKey, cwfake.DefaultPrivateKey)
	r.Header.Set("clientId", cwfake.DefaultClientID)
	w := httptest.NewRecorder()
	fake.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, "%s: %s", conditions, w.Body)
	var rows []struct{ ID int64 }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &rows))
	var ids []int64
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids
}

func TestAWholeServerIsReadInPages(t *testing.T) {
	fake, s := server(t)
	for i := range 1500 {
		_, err := fake.AddCompany(cwfake.Company{ID: 1000 + i, Identifier: fmt.Sprint("C", i), Name: "Company"})
		require.NoError(t, err)
	}
	all, err := s.All(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1501)
	require.Equal(t, 2, fake.Counts()["GET /company/companies"])
}
