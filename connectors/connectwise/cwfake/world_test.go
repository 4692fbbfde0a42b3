package cwfake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock/clocktest"
)

// world is a server behind HTTP with a company "acme" (id 250) beside the default seed.
type world struct {
	t      *testing.T
	server *cwfake.Server
	clock  *clocktest.Clock
	url    string
	client *http.Client
	// base is put before paths that do not begin with a slash of their own root.
	base   string
	header http.Header
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := clocktest.New(time.Date(2025, 11, 20, 6, 0, 1, 0, time.UTC))
	server := cwfake.New(cwfake.Options{Clock: clock})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	_, err := server.AddCompany(cwfake.Company{
		ID: 250, Identifier: "acme", Name: "Acme", Sites: []cwfake.Site{{Name: "Depot"}, {Name: "Main", Primary: true}},
		Contacts: []cwfake.Contact{{FirstName: "Ann", LastName: "Lee"}}, Agreements: []cwfake.Agreement{{Name: "Backup"}},
	})
	require.NoError(t, err)
	_, err = server.AddCompany(cwfake.Company{ID: 251, Identifier: "other", Name: "Other Co", Sites: []cwfake.Site{{ID: 900, Name: "Main", Primary: true}}})
	require.NoError(t, err)
	return &world{t: t, server: server, clock: clock, url: web.URL, client: client, base: "/v2025_1/apis/3.0", header: http.Header{}}
}

type response struct {
	status int
	header http.Header
	text   string
}

// object is the body as a JSON object.
func (r response) object(t *testing.T) map[string]any {
	t.Helper()
	var value map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.text), &value), r.text)
	return value
}

func (r response) list(t *testing.T) []map[string]any {
	t.Helper()
	var value []map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.text), &value), r.text)
	return value
}

func (r response) ids(t *testing.T) []int {
	t.Helper()
	ids := []int{}
	for _, row := range r.list(t) {
		id, ok := row["id"].(float64)
		require.True(t, ok, "a row without id")
		ids = append(ids, int(id))
	}
	return ids
}

// try sends a request with the right keys; body is a string or a value to encode, nil for none.
func (w *world) try(method, path string, body any) (response, error) {
	w.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		require.NoError(w.t, err)
		reader = strings.NewReader(string(encoded))
	}
	if !strings.HasPrefix(path, "/login/") && !strings.HasPrefix(path, "/control/") && !strings.Contains(path, "/apis/3.0") {
		path = w.base + path
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, reader)
	require.NoError(w.t, err)
	request.SetBasicAuth(cwfake.DefaultCompany+"+"+cwfake.DefaultPublicKey, cwfake.DefaultPrivateKey)
	request.Header.Set("Clientid", cwfake.DefaultClientID)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range w.header {
		request.Header[name] = values
		if len(values) == 0 {
			request.Header.Del(name)
		}
	}
	answer, err := w.client.Do(request)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return response{answer.StatusCode, answer.Header, string(text)}, err
}

func (w *world) call(method, path string, body any) response {
	w.t.Helper()
	r, err := w.try(method, path, body)
	require.NoError(w.t, err)
	return r
}

// want is call with a check of the status.
func (w *world) want(status int, method, path string, body any) response {
	w.t.Helper()
	r := w.call(method, path, body)
	require.Equal(w.t, status, r.status, r.text)
	return r
}

// ticket creates a ticket for acme with the summary and further members, and returns its id.
func (w *world) ticket(summary string, more ...string) int {
	w.t.Helper()
	members := append([]string{fmt.Sprintf(`"summary":%q`, summary), `"company":{"identifier":"acme"}`}, more...)
	created := w.want(http.StatusCreated, http.MethodPost, "/service/tickets", "{"+strings.Join(members, ",")+"}").object(w.t)
	id, ok := created["id"].(float64)
	require.True(w.t, ok)
	return int(id)
}

func (w *world) state(ticket int) cwfake.Ticket {
	w.t.Helper()
	found, ok := w.server.Ticket(ticket)
	require.True(w.t, ok, "ticket %d is gone", ticket)
	return found
}

func path(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// cancelling ends the requests of a client with a context of its own.
type cancelling struct {
	next http.RoundTripper
	ctx  context.Context
}

func (c cancelling) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.next.RoundTrip(r.WithContext(c.ctx))
}
