package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock/clocktest"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

const token = "a-token-of-good-length-1234"

// world is a running Hooks with one live tenant, "harbor", at a fake server.
type world struct {
	t       *testing.T
	clock   *clocktest.Clock
	cw      *cwfake.Server
	cwURL   string
	hooks   *Hooks
	url     string // of our own listener
	tenants *bus.Store[*tenantv1.Settings]
	log     *lockedBuffer

	mu      sync.Mutex
	env     map[string]string
	changed []int64
	refuse  error
}

type lockedBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, clock: clocktest.New(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)), log: &lockedBuffer{},
		env: map[string]string{"TOKEN": token, "PUBLIC": cwfake.DefaultPublicKey, "PRIVATE": cwfake.DefaultPrivateKey},
	}
	b := bustest.Open(t, bustest.Start(t))
	w.cw = cwfake.New(cwfake.Options{Clock: w.clock})
	web := httptest.NewServer(w.cw)
	t.Cleanup(web.Close)
	w.cwURL = web.URL
	var err error
	w.tenants, err = bus.OpenStore[*tenantv1.Settings](t.Context(), b, bus.Tenants)
	require.NoError(t, err)
	w.hooks, err = New(t.Context(), Options{
		Bus: b, Clock: w.clock, Logger: slog.New(slog.NewTextHandler(io.MultiWriter(w.log, t.Output()), nil)), Registerer: prometheus.NewRegistry(),
		LookupEnv: func(name string) (string, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			value, set := w.env[name]
			return value, set
		},
		Changed: func(_ context.Context, tenant string, ticket int64) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if tenant != "harbor" || w.refuse != nil {
				return errors.Join(w.refuse, errors.New(tenant))
			}
			w.changed = append(w.changed, ticket)
			return nil
		},
	})
	require.NoError(t, err)
	own := httptest.NewServer(w.hooks)
	t.Cleanup(own.Close)
	w.url = own.URL
	return w
}

// start runs the hooks with the tenant's settings, changed by change.
func (w *world) start(change func(*tenantv1.Settings)) {
	w.t.Helper()
	w.settings(func(s *tenantv1.Settings) {
		s.SchemaVersion, s.Id, s.Mode = 1, "harbor", tenantv1.Mode_MODE_LIVE
		s.Connectwise = &tenantv1.ConnectWise{
			Url: w.cwURL, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
			PublicKey: &tenantv1.SecretRef{Env: "PUBLIC"}, PrivateKey: &tenantv1.SecretRef{Env: "PRIVATE"},
			Callbacks: &tenantv1.Callbacks{Url: w.url, Token: &tenantv1.SecretRef{Env: "TOKEN"}},
		}
		change(s)
	})
	w.run()
}

// run runs the hooks until the test ends, or until what is returned is called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.hooks.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

func (w *world) settings(change func(*tenantv1.Settings)) {
	w.t.Helper()
	_, err := w.tenants.Update(w.t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		if s == nil {
			s = &tenantv1.Settings{}
		}
		change(s)
		return s, nil
	})
	require.NoError(w.t, err)
}

func (w *world) eventually(what string, f func() bool) {
	w.t.Helper()
	require.Eventually(w.t, f, 20*time.Second, 5*time.Millisecond, what)
}

// entries are the callback entries as the server has them.
func (w *world) entries() []connectwise.Callback {
	w.t.Helper()
	c, err := w.hooks.client(&tenantv1.Settings{Id: "harbor", Connectwise: &tenantv1.ConnectWise{
		Url: w.cwURL, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
		PublicKey: &tenantv1.SecretRef{Env: "PUBLIC"}, PrivateKey: &tenantv1.SecretRef{Env: "PRIVATE"},
	}})
	require.NoError(w.t, err)
	defer c.Close()
	all, err := c.Callbacks(w.t.Context())
	require.NoError(w.t, err)
	return all
}

// registered starts the hooks and waits until the server has our entry.
func (w *world) registered() {
	w.t.Helper()
	w.start(func(*tenantv1.Settings) {})
	w.eventually("the entry is there", func() bool { return len(w.entries()) == 1 })
}

// person changes a ticket, and returns its id.
func (w *world) person() int {
	w.t.Helper()
	id, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "by a person", CompanyIdentifier: "HarborIT"})
	require.NoError(w.t, err)
	return id
}

func (w *world) deliver(f cwfake.CallbackFaults) []cwfake.Delivery {
	w.t.Helper()
	var sent []cwfake.Delivery
	done := make(chan error, 1)
	go func() {
		var err error
		sent, err = w.cw.Deliver(w.t.Context(), f)
		done <- err
	}()
	for {
		select {
		case err := <-done:
			require.NoError(w.t, err)
			return sent
		case <-time.After(5 * time.Millisecond):
			w.clock.Add(time.Second) // between tries
		}
	}
}

func (w *world) told() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]int64{}, w.changed...)
}

func (w *world) counted(o outcome) int {
	return int(testutil.ToFloat64(w.hooks.outcomes.WithLabelValues(string(o))))
}

// post sends a body to a path of ours.
func (w *world) post(path string, body []byte, signature string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, bytes.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("X-Content-Signature", signature)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	return answer.StatusCode, string(text)
}

func TestACallbackTellsOfItsTicket(t *testing.T) {
	w := newWorld(t)
	w.registered()
	one, two := w.person(), w.person()
	sent := w.deliver(cwfake.CallbackFaults{})
	require.Equal(t, [][]int{{204}, {204}}, [][]int{sent[0].Statuses, sent[1].Statuses})
	require.Equal(t, []int64{int64(one), int64(two)}, w.told())
	require.NotContains(t, w.log.String(), token)

	require.NoError(t, w.cw.Person("").Delete(one))
	w.cw.RotateCallbackKey()
	require.Equal(t, []int{204}, w.deliver(cwfake.CallbackFaults{})[0].Statuses, "of a deleted ticket, with another key")
	require.Equal(t, []int64{int64(one), int64(two), int64(one)}, w.told())
	keys := 0
	for _, r := range w.cw.Requests() {
		if strings.Contains(r.Path, "callbackkey") {
			keys++
		}
	}
	require.Equal(t, 2, keys, "each key is fetched once")
}

func TestDuplicatesAndDisorderAreHarmless(t *testing.T) {
	w := newWorld(t)
	w.registered()
	one, two := w.person(), w.person()
	for _, d := range w.deliver(cwfake.CallbackFaults{Duplicate: true, Reverse: true}) {
		require.Equal(t, []int{204}, d.Statuses)
	}
	require.Equal(t, []int64{int64(two), int64(one)}, w.told(), "each once")
	require.Equal(t, []int{2, 2}, []int{w.counted(accepted), w.counted(repeated)})
}

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	w.registered()
	w.person()
	good := w.deliver(cwfake.CallbackFaults{})[0]
	path := Prefix + token
	altered := func(change func(map[string]any)) []byte {
		var m map[string]any
		require.NoError(t, json.Unmarshal(good.Body, &m))
		change(m)
		raw, err := json.Marshal(m)
		require.NoError(t, err)
		return raw
	}
	for name, c := range map[string]struct {
		path, signature string
		body            []byte
		status          int
	}{
		"no signature":      {path, "", good.Body, 403},
		"a wrong signature": {path, "AAAA", good.Body, 403},
		"another body":      {path, good.Signature, altered(func(m map[string]any) { m["ID"] = 1 }), 403},
		"a key from elsewhere": {path, good.Signature, altered(func(m map[string]any) {
			m["Metadata"] = map[string]any{"key_url": "http://127.0.0.1:1/?companyName=harbor"}
		}), 403},
		"a key of another company": {path, good.Signature, altered(func(m map[string]any) {
			m["Metadata"] = map[string]any{"key_url": w.cwURL + "/v2025_1//system/callbackkey/index.rails?companyName=evil&id=1"}
		}), 403},
		"no JSON":                {path, good.Signature, []byte("<html>"), 400},
		"nothing":                {path, good.Signature, nil, 400},
		"a record of no kind":    {path, good.Signature, altered(func(m map[string]any) { m["Type"] = "company" }), 400},
		"no id":                  {path, good.Signature, altered(func(m map[string]any) { delete(m, "ID") }), 400},
		"no message id":          {path, good.Signature, altered(func(m map[string]any) { delete(m, "MessageId") }), 400},
		"too much":               {path, good.Signature, bytes.Repeat([]byte("x"), largestBody+1), 413},
		"another token":          {Prefix + strings.ToUpper(token), good.Signature, good.Body, 404},
		"part of the token":      {Prefix + token[:10], good.Signature, good.Body, 404},
		"no token":               {Prefix, good.Signature, good.Body, 404},
		"more than the token":    {path + "/x", good.Signature, good.Body, 404},
		"the message over again": {path, good.Signature, good.Body, 204},
	} {
		status, _ := w.post(c.path, c.body, c.signature)
		require.Equal(t, c.status, status, name)
	}
	require.Len(t, w.told(), 1, "none of it had an effect")
	_, other := w.post(Prefix+"x", nil, "")
	_, same := w.post(Prefix+strings.ToUpper(token), good.Body, "")
	require.Equal(t, other, same)
	require.NotContains(t, w.log.String(), token)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, 405, answer.StatusCode)
}

func TestAFloodIsHeldBackForItsTenantOnly(t *testing.T) {
	w := newWorld(t)
	w.registered()
	statuses := map[int]int{}
	for range callbackBurst + 10 {
		status, _ := w.post(Prefix+token, nil, "")
		statuses[status]++
	}
	require.Equal(t, map[int]int{400: callbackBurst, 429: 10}, statuses)
	w.clock.Add(time.Second)
	status, _ := w.post(Prefix+token, nil, "")
	require.Equal(t, 400, status)
	require.LessOrEqual(t, strings.Count(w.log.String(), "callback of ConnectWise refused"), 1, "the log is not flooded")
}

func TestKeysAreNotFetchedForEverybodyWhoAsks(t *testing.T) {
	w := newWorld(t)
	w.registered()
	w.person()
	good := w.deliver(cwfake.CallbackFaults{})[0]
	w.cw.ResetCounts()
	statuses := map[int]int{}
	for i := range 20 {
		body := bytes.Replace(good.Body, []byte(`\u0026id=1`), []byte(`\u0026id=`+strings.Repeat("9", i+2)), 1)
		require.NotEqual(t, good.Body, body)
		status, _ := w.post(Prefix+token, body, good.Signature)
		statuses[status]++
	}
	require.Equal(t, map[int]int{429: 20}, statuses)
	require.LessOrEqual(t, len(w.cw.Requests()), fetchBurst)
	status, _ := w.post(Prefix+token, good.Body, good.Signature)
	require.Equal(t, 204, status, "the key that is known still serves")
}

func TestAFailureOfOursIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.registered()
	id := w.person()
	w.mu.Lock()
	w.refuse = errors.New("the bus is away")
	w.mu.Unlock()
	sent := w.deliver(cwfake.CallbackFaults{})
	require.Equal(t, []int{429, 429, 429}, sent[0].Statuses)
	w.mu.Lock()
	w.refuse = nil
	w.mu.Unlock()
	status, _ := w.post(Prefix+token, sent[0].Body, sent[0].Signature)
	require.Equal(t, 204, status)
	require.Equal(t, []int64{int64(id)}, w.told())
}

func TestAReplacedTokenIsTakenUp(t *testing.T) {
	w := newWorld(t)
	w.registered()
	const next = "another-token-of-good-length"
	w.mu.Lock()
	w.env["TOKEN"] = next
	w.mu.Unlock()
	w.eventually("the new token opens", func() bool {
		w.clock.Add(refresh)
		status, _ := w.post(Prefix+next, nil, "")
		return status == 400
	})
	status, _ := w.post(Prefix+token, nil, "")
	require.Equal(t, 404, status)
	w.eventually("the entry follows within the hour", func() bool {
		w.clock.Add(refresh)
		all := w.entries()
		return len(all) == 1 && strings.Contains(all[0].URL, next)
	})

	w.mu.Lock()
	w.env["TOKEN"] = "short"
	w.mu.Unlock()
	w.eventually("a bad token is told", func() bool {
		w.clock.Add(refresh)
		return strings.Contains(w.log.String(), "openssl rand -hex 24")
	})
	status, _ = w.post(Prefix+"short", nil, "")
	require.Equal(t, 404, status)
}
