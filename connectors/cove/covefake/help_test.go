package covefake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

// hands is a clock that moves when a test says so. Sleep returns at once and is remembered.
type hands struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (h *hands) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) Sleep(ctx context.Context, d time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slept = append(h.slept, d)
	return ctx.Err()
}

func (h *hands) SleepUntil(ctx context.Context, t time.Time) error {
	return h.Sleep(ctx, t.Sub(h.Now()))
}

func (h *hands) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

const noon = 1_780_000_000

const (
	goodUser     = "psa-sync"
	goodPassword = "tok_8c1f"
	goodPartner  = "Lighthouse MSP (desk@lighthouse.example)"
)

// rig is a fake on a real listener, with the small fleet, and what a test needs to talk to it.
type rig struct {
	t     *testing.T
	fake  *covefake.Server
	web   *httptest.Server
	clock *hands
	visa  string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	clock := &hands{now: time.Unix(noon, 0)}
	fake := covefake.New(covefake.Options{Clock: clock, Username: goodUser, Password: goodPassword})
	f, err := os.Open("testdata/fleet.json")
	require.NoError(t, err)
	require.NoError(t, fake.Load(f))
	require.NoError(t, f.Close())
	web := httptest.NewServer(fake)
	t.Cleanup(web.Close)
	return &rig{t: t, fake: fake, web: web, clock: clock}
}

func loggedIn(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.login()
	return r
}

func (r *rig) login() {
	r.t.Helper()
	a := r.post("/jsonapi", "", obj{"jsonrpc": "2.0", "id": "1", "method": "Login", "params": obj{
		"partner": goodPartner, "username": goodUser, "password": goodPassword,
	}}, nil)
	require.Nil(r.t, a.Error, "login")
	require.NotEmpty(r.t, a.Visa)
	r.visa = a.Visa
}

type (
	obj = map[string]any
	arr = []any
)

type rpcError struct {
	Code    int
	Data    int
	Message string
}

type reply struct {
	status int
	header http.Header
	raw    string
	err    error
	ID     any
	Visa   string
	Result json.RawMessage
	Error  *rpcError
}

// inner is result.result, decoded.
func (a reply) inner(t *testing.T) any {
	t.Helper()
	require.Nil(t, a.Error)
	var outer struct{ Result any }
	require.NoError(t, json.Unmarshal(a.Result, &outer), a.raw)
	return outer.Result
}

func (a reply) outer(t *testing.T) obj {
	t.Helper()
	require.Nil(t, a.Error)
	var outer obj
	require.NoError(t, json.Unmarshal(a.Result, &outer), a.raw)
	return outer
}

func (r *rig) send(verb, path string, header map[string]string, body string) reply {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), verb, r.web.URL+path, bytes.NewBufferString(body))
	require.NoError(r.t, err)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := r.web.Client().Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	a := reply{status: res.StatusCode, header: res.Header, raw: string(raw), err: err}
	_ = json.Unmarshal(raw, &a)
	return a
}

func (r *rig) post(path, bearer string, body any, extra map[string]string) reply {
	r.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(r.t, err)
	header := map[string]string{"Content-Type": "application/json; charset=utf-8"}
	if bearer != "" {
		header["Authorization"] = "Bearer " + bearer
	}
	maps.Copy(header, extra)
	return r.send(http.MethodPost, path, header, string(text))
}

// call sends a management call with the visa in the body.
func (r *rig) call(method string, params obj) reply {
	r.t.Helper()
	if params == nil {
		params = obj{}
	}
	return r.post("/jsonapi", "", obj{"jsonrpc": "2.0", "id": 7, "visa": r.visa, "method": method, "params": params}, nil)
}

// node sends a storage node call as a device.
func (r *rig) node(method string, id int64, params obj) reply {
	r.t.Helper()
	account := r.call("GetAccountInfoById", obj{"accountId": id}).inner(r.t).(obj)
	all := obj{"accountId": id, "account": account["Name"], "token": account["Token"]}
	maps.Copy(all, params)
	return r.post("/repserv_json", "", obj{"jsonrpc": "2.0", "id": 1, "method": method, "params": all}, nil)
}

// tenant sends a Microsoft 365 reporting call as a device.
func (r *rig) tenant(method string, id int64, params obj) reply {
	r.t.Helper()
	account := r.call("GetAccountInfoById", obj{"accountId": id}).inner(r.t).(obj)
	all := obj{"accountToken": account["Token"]}
	maps.Copy(all, params)
	return r.post("/reporting_api", r.visa, obj{"jsonrpc": "2.0", "id": "x", "method": method, "params": all}, nil)
}

// statistics asks for devices below the root; the given members of the query replace the defaults.
func (r *rig) statistics(query obj) reply {
	r.t.Helper()
	q := obj{"PartnerId": 7000, "RecordsCount": 100, "Columns": arr{"AU"}}
	maps.Copy(q, query)
	return r.call("EnumerateAccountStatistics", obj{"query": q})
}

type statRow struct {
	AccountID int64 `json:"AccountId"`
	PartnerID int64 `json:"PartnerId"`
	Flags     []string
	Settings  []map[string]any
}

func (a reply) rows(t *testing.T) []statRow {
	t.Helper()
	require.Nil(t, a.Error)
	var outer struct{ Result []statRow }
	require.NoError(t, json.Unmarshal(a.Result, &outer), a.raw)
	return outer.Result
}

func (a reply) ids(t *testing.T) []int64 {
	t.Helper()
	ids := []int64{}
	for _, row := range a.rows(t) {
		ids = append(ids, row.AccountID)
	}
	return ids
}

func requireError(t *testing.T, a reply, code, data int) {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.raw)
	require.NotNil(t, a.Error, a.raw)
	require.Equal(t, [2]int{code, data}, [2]int{a.Error.Code, a.Error.Data}, a.raw)
	require.Nil(t, a.Result, a.raw)
}

// benchServer asks a handler for pages without a network in between.
type benchServer struct {
	fake http.Handler
	body string
}

func newBenchServer(b *testing.B, fake http.Handler) *benchServer {
	b.Helper()
	s := &benchServer{fake: fake, body: `{"jsonrpc":"2.0","id":1,"method":"Login","params":{"username":"` + goodUser + `","password":"` + goodPassword + `"}}`}
	w := s.send()
	var a reply
	require.NoError(b, json.Unmarshal(w.Body.Bytes(), &a))
	s.body = `{"jsonrpc":"2.0","id":1,"visa":"` + a.Visa + `","method":"EnumerateAccountStatistics","params":{"query":{"PartnerId":481200,` +
		`"RecordsCount":1000,"StartRecordNumber":5000,"OrderBy":"AU","Columns":["AU","AN","T0","TL"],"Totals":["COUNT(AU)"]}}}`
	return s
}

func (s *benchServer) send() *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/jsonapi", bytes.NewBufferString(s.body))
	r.Header.Set("Content-Type", "application/json")
	s.fake.ServeHTTP(w, r)
	return w
}

func (s *benchServer) page(b *testing.B) int {
	b.Helper()
	return s.send().Code
}
