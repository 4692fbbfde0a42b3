package connectwise

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

func TestEveryRequestIdentifiesItself(t *testing.T) {
	s := newStub(t, always(200, ticketJSON(7)))
	c, _ := s.client(t)
	_, err := c.Ticket(t.Context(), 7)
	require.NoError(t, err)
	got := s.seen()[0]
	login := base64.StdEncoding.EncodeToString([]byte("acme+" + testPublic + ":" + testPrivate))
	require.Equal(t, "/v2025_1/apis/3.0/service/tickets/7", got.path)
	require.Equal(t, "Basic "+login, got.header.Get("Authorization"))
	require.Equal(t, "0f0e0d0c-1111-2222-3333-444455556666", got.header.Get("ClientId"))
	require.Equal(t, "application/json", got.header.Get("Accept"))

	pinned, _ := s.client(t, func(o *Options) { o.ModelVersion = "2025.1" })
	_, err = pinned.Ticket(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, "application/vnd.connectwise.com+json; version=2025.1", s.seen()[1].header.Get("Accept"))
}

// Every status means, for every kind of request, what the rules say, and only what may be repeated is repeated.
func TestEveryStatusHasItsClass(t *testing.T) {
	want := func(action string, status int) errclass.Class {
		ambiguous := errclass.Transient
		if creating(action) {
			ambiguous = errclass.UnknownOutcome
		}
		switch status {
		case 401, 403, 404:
			return errclass.AuthTenant
		case 409:
			return errclass.Conflict
		case 429:
			return errclass.RateLimited
		case 302, 303, 408, 499:
			return ambiguous
		case 307, 407, 421, 425:
			return errclass.Transient
		}
		if status >= 500 || status < 300 { // the stub's successes have no id
			return ambiguous
		}
		return errclass.Rejected
	}
	for status := 200; status <= 599; status++ {
		s := newStub(t, always(status, `{"code":"Odd","message":"for a test"}`))
		for name, act := range actions(t.Context(), mustClient(t, s)) {
			before := len(s.seen())
			err := act()
			requireClass(t, want(name, status), err)
			sent := 1
			if status >= 500 && !creating(name) {
				sent = 3
			}
			require.Len(t, s.seen()[before:], sent, "%s %d", name, status)
			if status >= 400 && status != 404 {
				var apiErr *APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, APIError{Status: status, Code: "Odd", Message: "for a test", Right: apiErr.Right}, *apiErr)
			}
		}
		s.Close()
	}
}

func mustClient(t *testing.T, s *stub) *Client {
	t.Helper()
	c, _ := s.client(t)
	return c
}

func TestTheServersComplaintIsKept(t *testing.T) {
	s := newStub(t, always(400, "{\r\n  \"code\": \"InvalidObject\", \"message\": \"ticket object is invalid\", \"errors\": [\r\n"+
		`{"code":"MissingRequiredField","message":"The company/id field is required.","resource":"ticket","field":"company"}]}`))
	c, _ := s.client(t)
	_, err := c.CreateTicket(t.Context(), aTicket())
	requireClass(t, errclass.Rejected, err)
	var apiErr *APIError
	require.ErrorAs(t, err, &apiErr)
	require.Equal(t, &APIError{
		Status: 400, Code: "InvalidObject", Message: "ticket object is invalid",
		Errors: []FieldError{{"MissingRequiredField", "The company/id field is required.", "ticket", "company"}},
	}, apiErr)
	require.EqualError(t, err, "create ticket: HTTP 400 InvalidObject: ticket object is invalid; company: The company/id field is required.")
}

func TestAMissingRecordIsNotFound(t *testing.T) {
	s := newStub(t, always(404, `{"code":"NotFound","message":"Ticket 7 not found","errors":null}`))
	for name, act := range actions(t.Context(), mustClient(t, s)) {
		before := len(s.seen())
		requireClass(t, errclass.NotFound, act())
		require.Len(t, s.seen()[before:], 1, name)
	}
	require.Equal(t, 1, s.lookedUp(), "a missing record says nothing about the code base")
}

// Whatever goes wrong with an answer, a creating request is sent once and its outcome unknown.
func TestAnswersThatGoWrong(t *testing.T) {
	wrong := map[string]struct {
		answer  func(http.ResponseWriter)
		retried bool
	}{
		"the connection ends without an answer": {hangUp, true},
		"the answer is cut short": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"id":7,`)
		}, true},
		"an HTML page with 200": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<html>maintenance</html>`)
		}, false},
		"an HTML page that claims to be JSON": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, " \n<!DOCTYPE html>") }, false},
		"nothing at all":                      {func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) }, false},
		"null":                                {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `null`) }, false},
		"half an object":                      {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"id":7,"summ`) }, false},
		"a record without id":                 {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"summary":"x"}`) }, false},
		"rows without id":                     {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `[{"summary":"x"}]`) }, false},
		"an HTML page with 503": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `<html>`)
		}, true},
	}
	for what, fault := range wrong {
		t.Run(what, func(t *testing.T) {
			s := newStub(t, func(w http.ResponseWriter, _ *http.Request, _ int) { fault.answer(w) })
			c := mustClient(t, s)
			for name, act := range actions(t.Context(), c) {
				before := len(s.seen())
				class, sent := errclass.Transient, []int{1}
				if creating(name) {
					class = errclass.UnknownOutcome
				} else if fault.retried {
					sent = []int{3, 4} // net/http repeats a GET on a kept connection by itself
				}
				requireClass(t, class, act())
				require.Contains(t, sent, len(s.seen()[before:]), name)
			}
			require.EqualValues(t, len(s.seen())+s.lookedUp(), c.Requests())
		})
	}
}

func TestRetriesAreSpacedAndCounted(t *testing.T) {
	s := newStub(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n < 3 {
			hangUp(w)
			return
		}
		always(200, ticketJSON(7))(w, r, n)
	})
	c, clk := s.client(t)
	_, err := c.PatchTicket(t.Context(), 7, Replace("summary", "x"))
	require.NoError(t, err)
	require.Equal(t, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond}, clk.waits())
	require.Equal(t, int64(4), c.Requests(), "the look-up of the code base counts")
	require.Equal(t, int64(3), c.Writes())
	for _, r := range s.seen() {
		require.Equal(t, `[{"op":"replace","path":"summary","value":"x"}]`, r.body)
	}
	_, err = c.Ticket(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, int64(3), c.Writes(), "reading is no write")
}

func TestSlowAnswersTimeOut(t *testing.T) {
	release := make(chan struct{})
	s := newStub(t, func(_ http.ResponseWriter, r *http.Request, _ int) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(release) })
	c, _ := s.client(t)
	_, _, err := c.currentCodeBase(t.Context(), "")
	require.NoError(t, err)
	c.timeout = 200 * time.Millisecond
	for name, act := range actions(t.Context(), c) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := act()
			class := errclass.Transient
			if creating(name) {
				class = errclass.UnknownOutcome
			}
			requireClass(t, class, err)
			require.ErrorContains(t, err, "no complete answer within 200ms")
			require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's own time is not over")
		})
	}
}

func TestACallerThatGivesUpAfterSendingDoesNotKnowTheOutcome(t *testing.T) {
	for _, name := range []string{"GET", "PATCH", "POST search", "POST create", "POST note", "POST company"} {
		ctx, cancel := context.WithCancel(t.Context())
		s := newStub(t, func(_ http.ResponseWriter, r *http.Request, _ int) {
			cancel()
			<-r.Context().Done()
		})
		c, _ := s.client(t)
		err := actions(ctx, c)[name]()
		class := errclass.Transient
		if creating(name) {
			class = errclass.UnknownOutcome
		}
		requireClass(t, class, err)
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, s.seen(), 1)
	}
}

// transports lets a test break the way to the server after the code base is known.
type transports struct {
	current atomic.Pointer[http.RoundTripper]
}

func (x *transports) use(rt http.RoundTripper) { x.current.Store(&rt) }

func (x *transports) RoundTrip(r *http.Request) (*http.Response, error) {
	return (*x.current.Load()).RoundTrip(r)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhatWasProvablyNotSentIsTransient(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	refuse := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", closed.Addr().String())
	}}
	unresolved := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "na.myconnectwise.net"}
	}}
	ways := map[string]struct {
		transport http.RoundTripper
		create    errclass.Class
	}{
		"connection refused": {refuse, errclass.Transient},
		"unknown host":       {unresolved, errclass.Transient},
		"a transport that does not say how far it came proves nothing": {
			roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }), errclass.UnknownOutcome,
		},
	}
	for what, way := range ways {
		t.Run(what, func(t *testing.T) {
			s := newStub(t, always(500, ""))
			x := &transports{}
			x.use(http.DefaultTransport)
			c, _ := s.client(t, func(o *Options) { o.Transport = x })
			_, _, err := c.currentCodeBase(t.Context(), "")
			require.NoError(t, err)
			x.use(way.transport)
			for name, act := range actions(t.Context(), c) {
				class := errclass.Transient
				if creating(name) {
					class = way.create
				}
				requireClass(t, class, act())
			}
			require.Empty(t, s.seen())
		})
	}
}

func TestAFailedTLSHandshakeSendsNothing(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, `{"Codebase":"v2025_1/"}`)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	x := &transports{}
	x.use(server.Client().Transport)
	s := &stub{Server: server}
	c, _ := s.client(t, func(o *Options) { o.Transport = x })
	_, _, err := c.currentCodeBase(t.Context(), "")
	require.NoError(t, err)
	x.use(&http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}) // does not know the server's certificate
	_, err = c.CreateTicket(t.Context(), aTicket())
	requireClass(t, errclass.Transient, err)
	require.Equal(t, int64(1), requests.Load())
}

func TestACancelledCallerSendsNothing(t *testing.T) {
	s := newStub(t, always(200, ticketJSON(7)))
	c, _ := s.client(t)
	_, err := c.Ticket(t.Context(), 7)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, act := range actions(ctx, c) {
		err := act()
		requireClass(t, errclass.Transient, err)
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Len(t, s.seen(), 1)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for status, class := range map[int]errclass.Class{301: errclass.Rejected, 302: errclass.Transient, 307: errclass.Transient, 308: errclass.Rejected} {
		s := newStub(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Location", other.URL+"/"+testPrivate)
			w.WriteHeader(status)
		})
		_, err := mustClient(t, s).Ticket(t.Context(), 7)
		requireClass(t, class, err)
		require.ErrorContains(t, err, fmt.Sprintf("HTTP %d: redirects to %s", status, strings.TrimPrefix(other.URL, "http://")))
	}
	require.Zero(t, elsewhere.Load())
}
