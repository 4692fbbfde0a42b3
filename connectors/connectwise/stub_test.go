package connectwise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

const (
	testPublic  = "PUBmarked7Yq"
	testPrivate = "PRVmarked/9+&<z"
)

// handClock jumps ahead in place of waiting, and remembers by how much.
type handClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept = append(c.slept, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

func (c *handClock) SleepUntil(ctx context.Context, t time.Time) error {
	return c.Sleep(ctx, t.Sub(c.Now()))
}

func (c *handClock) waits() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.slept...)
}

// sent is what a stub saw of one request.
type sent struct {
	method, path, query, body string
	header                    http.Header
}

// stub is a server whose code base and answers a test decides.
type stub struct {
	*httptest.Server
	mu       sync.Mutex
	info     string // the body of the answer to a look-up
	requests []sent // of the API, without look-ups
	lookups  int
}

func newStub(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *stub {
	t.Helper()
	s := &stub{info: `{"CompanyName":"Acme","Codebase":"v2025_1/","VersionNumber":"v2025.1.1","IsCloud":"True"}`}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/login/companyinfo/") {
			s.mu.Lock()
			s.lookups++
			info := s.info
			s.mu.Unlock()
			_, _ = io.WriteString(w, info)
			return
		}
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, sent{r.Method, r.URL.Path, r.URL.RawQuery, strings.TrimSpace(string(body)), r.Header})
		n := len(s.requests)
		s.mu.Unlock()
		answer(w, r, n)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stub) upgrade(info string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info = info
}

func (s *stub) seen() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sent(nil), s.requests...)
}

func (s *stub) lookedUp() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookups
}

func (s *stub) client(t *testing.T, change ...func(*Options)) (*Client, *handClock) {
	t.Helper()
	c := &handClock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	o := Options{
		Site: s.URL, Company: "acme", ClientID: "0f0e0d0c-1111-2222-3333-444455556666", Clock: c,
		RequestsPerMinute: 60_000, Burst: 10_000, Timeout: 5 * time.Second,
		Keys: func() (string, string, error) { return testPublic + "\n", " " + testPrivate, nil },
	}
	for _, f := range change {
		f(&o)
	}
	client, err := New(o)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client, c
}

// always answers every request alike.
func always(status int, body string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

// actions are one call per way of treating failures.
func actions(ctx context.Context, c *Client) map[string]func() error {
	long := make([]string, 200)
	for i := range long {
		long[i] = fmt.Sprintf("covewise:%020d", i)
	}
	return map[string]func() error{
		"GET":          func() error { _, err := c.Ticket(ctx, 7); return err },
		"POST search":  func() error { _, err := All(c.Tickets(ctx, In("externalXRef", long...))); return err },
		"PATCH":        func() error { _, err := c.PatchTicket(ctx, 7, Replace("summary", "x")); return err },
		"PATCH remove": func() error { _, err := c.PatchTicket(ctx, 7, Remove("owner")); return err },
		"POST create":  func() error { _, err := c.CreateTicket(ctx, aTicket()); return err },
		"POST note": func() error {
			_, err := c.CreateTicketNote(ctx, 7, NewNote{Text: "x", InternalAnalysisFlag: true})
			return err
		},
		"POST company": func() error {
			_, err := c.CreateCompany(ctx, NewCompany{Identifier: "a", Name: "A"})
			return err
		},
		"GET list":           func() error { _, err := c.Callbacks(ctx); return err },
		"GET count":          func() error { _, err := c.TicketCount(ctx, Eq("closedFlag", false)); return err },
		"PATCH company":      func() error { _, err := c.PatchCompany(ctx, 7, Replace("name", "x")); return err },
		"POST attach":        func() error { return c.AttachChildren(ctx, 7, 8) },
		"POST configuration": func() error { return c.AttachConfiguration(ctx, 7, 8) },
		"POST time": func() error {
			began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
			_, err := c.CreateTimeEntry(ctx, NewTimeEntry{Ticket: 7, Start: began, End: began.Add(time.Minute), Notes: "x"})
			return err
		},
		"POST callback": func() error {
			_, err := c.CreateCallback(ctx, NewCallback{URL: "https://h.example", Type: "ticket", Level: "owner"})
			return err
		},
	}
}

// atOnce calls f from n goroutines and joins their errors.
func atOnce(n int, f func() error) error {
	errs := make([]error, n)
	var done sync.WaitGroup
	for i := range errs {
		done.Go(func() { errs[i] = f() })
	}
	done.Wait()
	return errors.Join(errs...)
}

func aTicket() NewTicket {
	return NewTicket{Summary: "Backup failed", Company: Reference{ID: 250}, ExternalXRef: "covewise:1"}
}

// creating says that the action must never be sent twice.
func creating(action string) bool {
	return action == "PATCH remove" || strings.HasPrefix(action, "POST") && action != "POST search"
}

func requireClass(t *testing.T, want errclass.Class, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want.String(), errclass.Of(err).String(), "%v", err)
}

func ticketJSON(id int) string {
	raw, _ := json.Marshal(map[string]any{"id": id, "summary": fmt.Sprintf("ticket %d", id)})
	return string(raw)
}
