package cove_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/clock"
)

// Marked secrets: none of them may ever be seen in an error or a log.
const (
	markedPassword = `pässword"MARK<1>`
	markedVisa     = "481200-90331-0-1781000000-MARKvisa0000"
	markedToken    = "7d0c2c0e-6f3c-4b0e-9a43-MARKtoken001"
)

var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// call is one request as the server saw it.
type call struct {
	Method string
	Visa   string
	Bearer string
	Path   string
	Params map[string]any
}

// server answers JSON-RPC by a function for each method. Login answers by itself unless it has one.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	on     map[string]func(call, http.ResponseWriter)
	visaNo int
}

func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{on: map[string]func(call, http.ResponseWriter){}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var got struct {
		Method string
		Visa   string
		Params map[string]any
	}
	if err := json.Unmarshal(body, &got); err != nil || r.Method != http.MethodPost {
		http.Error(w, "no JSON-RPC", http.StatusBadRequest)
		return
	}
	c := call{Method: got.Method, Visa: got.Visa, Bearer: r.Header.Get("Authorization"), Path: r.URL.Path, Params: got.Params}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	answer := s.on[c.Method]
	s.mu.Unlock()
	switch {
	case answer != nil:
		answer(c, w)
	case c.Method == "Login":
		write(w, fmt.Sprintf(`{"jsonrpc":"2.0","visa":%q,"result":{"result":{"Id":90331,"PartnerId":481200,"RoleId":4}}}`, s.nextVisa()))
	default:
		write(w, `{"error":{"code":-32601,"message":"Method not found"}}`)
	}
}

func (s *server) nextVisa() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visaNo++
	return fmt.Sprintf("%s%d", markedVisa, s.visaNo)
}

// answers makes a method answer the same body each time.
func (s *server) answers(method, body string) {
	s.handle(method, func(_ call, w http.ResponseWriter) { write(w, body) })
}

func (s *server) handle(method string, answer func(call, http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on[method] = answer
}

// inTurn makes a method answer the bodies one after the other, the last one for good.
func (s *server) inTurn(method string, bodies ...string) {
	next := 0
	s.handle(method, func(_ call, w http.ResponseWriter) {
		s.mu.Lock()
		body := bodies[min(next, len(bodies)-1)]
		next++
		s.mu.Unlock()
		write(w, body)
	})
}

func (s *server) seen(method string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []call
	for _, c := range s.calls {
		if c.Method == method {
			found = append(found, c)
		}
	}
	return found
}

func write(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

// stopped is a clock that stands until it is moved.
type stopped struct {
	clock.Clock
	mu  sync.Mutex
	now time.Time
}

func (c *stopped) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stopped) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func options(s *server) cove.Options {
	return cove.Options{
		URL:               s.URL + "/jsonapi",
		Partner:           "Harbor IT (ops@harborit.example)",
		Username:          "psa-sync",
		Password:          func() (string, error) { return markedPassword + "\n", nil },
		Clock:             &stopped{now: start},
		RequestsPerSecond: 1e6,
	}
}

func newClient(t *testing.T, o cove.Options) *cove.Client {
	t.Helper()
	client, err := cove.New(o)
	require.NoError(t, err)
	return client
}
