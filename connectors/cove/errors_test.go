package cove_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/errclass"
)

func TestEveryWrongAnswerHasAClassAndSaysWhatCame(t *testing.T) {
	status := func(code int, kind, body string) func(call, http.ResponseWriter) {
		return func(_ call, w http.ResponseWriter) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	tests := []struct {
		why    string
		answer func(call, http.ResponseWriter)
		class  errclass.Class
		text   string
		sent   int // times the request was sent
	}{
		{"an internal error is not repeated", status(500, "text/plain", "oops"), errclass.Transient, `calling Cove: GetPartnerInfoById: HTTP 500, text/plain, "oops"`, 1},
		{"a bad gateway is tried three times", status(502, "text/html", "<h1>Bad gateway</h1>"), errclass.Transient, `calling Cove: GetPartnerInfoById: HTTP 502, text/html, "<h1>Bad gateway</h1>"`, 3},
		{"a page with status 200 is not repeated", status(200, "text/html; charset=utf-8", "<html>\n<body>Maintenance</body>"), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: invalid character '<' at start of value; HTTP 200, text/html; charset=utf-8, "<html> <body>Maintenance</body>" came`, 1},
		{"an answer that breaks off", status(200, "application/json", `{"result":{"result":{"Id":1`), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: result: unexpected EOF; HTTP 200, application/json, "{\"result\":{\"result\":{\"Id\":1" came`, 1},
		{"an answer that breaks off between members", status(200, "application/json", `{"result":{"result":{"Id":1}}`), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: unexpected EOF; HTTP 200, application/json, "{\"result\":{\"result\":{\"Id\":1}}" came`, 1},
		{"an answer with something behind it", status(200, "application/json", `{"result":{"result":{"Id":1}}}<html>`), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: invalid character '<' at start of value; HTTP 200, application/json, "{\"result\":{\"result\":{\"Id\":1}}}<html>" came`, 1},
		{"an answer behind another", status(200, "application/json", `{"result":{"result":{"Id":1}}}{}`), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: more follows after its end; HTTP 200, application/json, "{\"result\":{\"result\":{\"Id\":1}}}{}" came`, 1},
		{"nothing", status(200, "application/json", ""), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: unexpected EOF; HTTP 200, application/json, an empty body came`, 1},
		{"no content", status(204, "application/json", ""), errclass.Transient, `calling Cove: GetPartnerInfoById: HTTP 204, application/json, an empty body`, 1},
		{"a list", status(200, "application/json", `[]`), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: "{" is missing; HTTP 200, application/json, "[]" came`, 1},
		{"neither result nor error", status(200, "application/json", `{"id":"1"}`), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: it holds neither a result nor an error; HTTP 200, application/json, "{\"id\":\"1\"}" came`, 1},
		{"an empty result", status(200, "application/json", `{"result":{"result":null},"error":null}`), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: the result is empty`, 1},
		{"a result of another shape", status(200, "application/json", `{"result":{"result":[{"Id":1}]}}`), errclass.Transient, `reading Cove's answer: GetPartnerInfoById: the result has an unexpected shape`, 1},
		{"a redirect is not followed", func(_ call, w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(http.StatusFound)
		}, errclass.Transient, `calling Cove: GetPartnerInfoById: HTTP 302, no content type, an empty body; redirects are not followed`, 1},
		{"a wrong address", status(404, "text/plain", "no such page"), errclass.Rejected, `calling Cove: GetPartnerInfoById: HTTP 404, text/plain, "no such page"`, 1},
		{"a gate", status(403, "text/plain", "blocked"), errclass.AuthTenant, `calling Cove: GetPartnerInfoById: HTTP 403, text/plain, "blocked"`, 1},
		{"a missing right", status(200, "application/json", `{"error":{"code":-32603,"data":13501,"message":"Operation failed because of security reasons"}}`), errclass.AuthTenant, `calling Cove: the login has no right to call GetPartnerInfoById for this partner or these columns; its role must be Operator or higher, in the partner at the root of the devices: GetPartnerInfoById: Cove answered an error: Operation failed because of security reasons (code -32603, data 13501)`, 1},
		{"numbers as text", status(200, "application/json", `{"error":{"code":"-32603","data":"13501","message":null}}`), errclass.AuthTenant, `calling Cove: the login has no right to call GetPartnerInfoById for this partner or these columns; its role must be Operator or higher, in the partner at the root of the devices: GetPartnerInfoById: Cove answered an error: no message (code -32603, data 13501)`, 1},
		{"an unknown error beside an empty result", status(200, "application/json", `{"result":null,"error":{"code":-32603,"data":{"x":1},"message":"Partner not found"}}`), errclass.Rejected, `calling Cove: GetPartnerInfoById: Cove answered an error: Partner not found (code -32603)`, 1},
		{"an error that is only a text", status(200, "application/json", `{"error":"broken"}`), errclass.Rejected, `calling Cove: GetPartnerInfoById: Cove answered an error: broken (code 0)`, 1},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.handle("GetPartnerInfoById", tt.answer)
			_, err := newClient(t, options(s)).Partner(t.Context(), 1)
			require.EqualError(t, err, "reading partner 1: "+tt.text)
			require.Equal(t, tt.class, errclass.Of(err))
			require.Len(t, s.seen("GetPartnerInfoById"), tt.sent)
		})
	}
}

func TestARetriedReadSucceeds(t *testing.T) {
	s := newServer(t)
	n := 0
	s.handle("GetPartnerInfoById", func(_ call, w http.ResponseWriter) {
		if n++; n < 3 {
			w.WriteHeader(http.StatusGatewayTimeout)
			return
		}
		write(w, onePartner)
	})
	client := newClient(t, options(s))
	_, err := client.Partner(t.Context(), 481233)
	require.NoError(t, err)
	require.EqualValues(t, 4, client.Requests(), "one login and three tries")
}

func TestPatienceThatIsAskedForReachesTheCaller(t *testing.T) {
	tests := []struct {
		why, retryAfter, date string
		want                  time.Duration
	}{
		{"in seconds", "120", "", 2 * time.Minute},
		{"as a date, against the server's own clock", "Sun, 22 Nov 2026 10:01:30 GMT", "Sun, 22 Nov 2026 10:00:00 GMT", 90 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.handle("GetPartnerInfoById", func(_ call, w http.ResponseWriter) {
				w.Header().Set("Retry-After", tt.retryAfter)
				if tt.date != "" {
					w.Header().Set("Date", tt.date)
				}
				w.WriteHeader(http.StatusTooManyRequests)
			})
			_, err := newClient(t, options(s)).Partner(t.Context(), 1)
			require.Equal(t, errclass.RateLimited, errclass.Of(err))
			require.Equal(t, tt.want, errclass.RetryAfter(err))
			require.Len(t, s.seen("GetPartnerInfoById"), 1, "not tried again before the time that was asked for")
		})
	}
}

func TestAShortWaitIsDoneHere(t *testing.T) {
	s := newServer(t)
	first := true
	s.handle("GetPartnerInfoById", func(_ call, w http.ResponseWriter) {
		if first {
			first = false
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		write(w, onePartner)
	})
	_, err := newClient(t, options(s)).Partner(t.Context(), 481233)
	require.NoError(t, err)
	require.Len(t, s.seen("GetPartnerInfoById"), 2)
}

func TestTheContextEndsAWaitForAnotherTry(t *testing.T) {
	s := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.handle("GetPartnerInfoById", func(_ call, w http.ResponseWriter) {
		w.WriteHeader(http.StatusServiceUnavailable)
		cancel()
	})
	_, err := newClient(t, options(s)).Partner(ctx, 1)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, errclass.Transient, errclass.Of(err))
	require.Len(t, s.seen("GetPartnerInfoById"), 1)
}

func TestAFaultOnTheWayIsTransient(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	o := options(newServer(t))
	o.URL = fmt.Sprintf("http://%s/jsonapi", listener.Addr())
	client := newClient(t, o)
	_, err = client.Login(t.Context())
	require.Equal(t, errclass.Transient, errclass.Of(err))
	require.ErrorContains(t, err, "calling Cove: Login: ")
	require.EqualValues(t, 1, client.Requests(), "a login is sent once")
}

func TestAConnectionThatBreaksIsTriedAgain(t *testing.T) {
	s := newServer(t)
	n := 0
	s.handle("GetPartnerInfoById", func(_ call, w http.ResponseWriter) {
		if n++; n == 1 {
			panic(http.ErrAbortHandler)
		}
		write(w, onePartner)
	})
	_, err := newClient(t, options(s)).Partner(t.Context(), 481233)
	require.NoError(t, err)
}

func TestASlowAnswerEnds(t *testing.T) {
	s := newServer(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s.handle("EnumeratePartners", func(_ call, w http.ResponseWriter) {
		write(w, `{"result":{"result":[`)
		_ = http.NewResponseController(w).Flush()
		<-release
	})
	o := options(s)
	o.Timeout = 200 * time.Millisecond
	_, err := newClient(t, o).Partners(t.Context(), 1)
	require.Equal(t, errclass.Transient, errclass.Of(err))
	require.ErrorContains(t, err, "no complete answer within 200ms")
}

func TestTheRateLimitHoldsForRetriesToo(t *testing.T) {
	s := newServer(t)
	s.answers("GetPartnerInfoById", onePartner)
	o := options(s)
	o.RequestsPerSecond = 0.001
	client := newClient(t, o)
	for range 3 {
		_, err := client.Partner(t.Context(), 481233)
		require.NoError(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := client.Partner(ctx, 481233)
	require.ErrorContains(t, err, "the rate limit leaves no turn before the deadline")
	require.Equal(t, errclass.Transient, errclass.Of(err))
	require.EqualValues(t, 4, client.Requests(), "one login and three calls are the burst; what was not sent is not counted")
}

func TestAnOversizeAnswerIsCut(t *testing.T) {
	s := newServer(t)
	chunk := []byte(`"` + strings.Repeat("x", 1<<20) + `",`)
	s.handle("EnumeratePartners", func(_ call, w http.ResponseWriter) {
		write(w, `{"padding":[`)
		for range 65 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
		write(w, `""],"result":{"result":[]}}`)
	})
	_, err := newClient(t, options(s)).Partners(t.Context(), 1)
	require.EqualError(t, err, "reading the partners below 1: reading Cove's answer: EnumeratePartners: it is larger than 64 MiB")
	require.Equal(t, errclass.Rejected, errclass.Of(err))
}

func TestACertificateThatDoesNotVerifyIsNotRetried(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	client := newClient(t, cove.Options{
		URL: s.URL, Username: "u", Password: func() (string, error) { return "p", nil }, Clock: &stopped{now: start}, RequestsPerSecond: 1e6,
	})
	_, err := client.Login(t.Context())
	require.Equal(t, errclass.Transient, errclass.Of(err))
	require.ErrorContains(t, err, "certificate")
	require.EqualValues(t, 1, client.Requests())
}
