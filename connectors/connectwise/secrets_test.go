package connectwise

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

// Keys appear neither in errors nor in the log, whatever a server repeats.
func TestSecretsStaySecret(t *testing.T) {
	pair := "acme+" + testPublic + ":" + testPrivate
	marked := []string{testPublic, testPrivate, base64.StdEncoding.EncodeToString([]byte(pair)), url.QueryEscape(testPrivate)}
	echo := strings.Join(marked, " | ")
	raw := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if hijacker, ok := w.(http.Hijacker); ok {
				if conn, _, err := hijacker.Hijack(); err == nil {
					_, _ = io.WriteString(conn, text)
					_ = conn.Close()
				}
			}
		}
	}
	answers := map[string]func(http.ResponseWriter){
		"in a plain body": func(w http.ResponseWriter) {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, "you sent "+echo)
		},
		"in a JSON body": func(w http.ResponseWriter) {
			w.WriteHeader(401)
			_, _ = fmt.Fprintf(w, `{"code":%q,"message":%q,"errors":[{"code":%q,"message":%q,"field":%q,"resource":%q}]}`, echo, echo, echo, echo, echo, echo)
		},
		"at the cut of a long message": func(w http.ResponseWriter) {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, strings.Repeat("x", 495)+echo)
		},
		"in a broken body": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"id":"`+testPublic+`"}`) },
		"in a redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://"+testPublic+".example/")
			w.WriteHeader(302)
		},
		"in a redirect that is no URL": raw("HTTP/1.1 302 Found\r\nLocation: http://[" + testPublic + "\r\nContent-Length: 0\r\n\r\n"),
		"in what is not HTTP":          raw(marked[2] + " " + testPublic + "\r\n\r\n"),
		"in a header that is not HTTP": raw("HTTP/1.1 200 OK\r\n" + testPublic + "\r\n\r\n"),
	}
	for what, answer := range answers {
		t.Run(what, func(t *testing.T) {
			var log strings.Builder
			s := newStub(t, func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w) })
			c, _ := s.client(t, func(o *Options) {
				o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			for _, act := range actions(t.Context(), c) {
				err := act()
				require.Error(t, err)
				for _, secret := range append(marked, testPublic[:8], "PRVmarked") {
					require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), secret)
					require.NotContains(t, log.String(), secret)
				}
			}
			require.Contains(t, log.String(), "path=/v2025_1/apis/3.0/service/tickets/7")
		})
	}
}

func TestKeysThatCannotWorkAreNotSent(t *testing.T) {
	s := newStub(t, always(200, ticketJSON(7)))
	cases := map[string]func() (string, string, error){
		"they cannot be read":    func() (string, string, error) { return "", "", io.ErrUnexpectedEOF },
		"one is empty":           func() (string, string, error) { return " \n", "x", nil },
		"one has two lines":      func() (string, string, error) { return "a\nb", "x", nil },
		"the public has a colon": func() (string, string, error) { return "a:b", "x", nil },
	}
	for name, keys := range cases {
		t.Run(name, func(t *testing.T) {
			c, _ := s.client(t, func(o *Options) { o.Keys = keys })
			_, err := c.Ticket(t.Context(), 7)
			requireClass(t, errclass.AuthTenant, err)
		})
	}
	busy, _ := s.client(t, func(o *Options) {
		o.Keys = func() (string, string, error) {
			return "", "", errclass.New(errclass.Transient, "read the vault", io.EOF)
		}
	})
	_, err := busy.Ticket(t.Context(), 7)
	requireClass(t, errclass.Transient, err)
	require.Empty(t, s.seen())
}
