package cove_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
)

func TestASecretDoesNotPrint(t *testing.T) {
	secret := cove.NewSecret(markedToken)
	require.Equal(t, markedToken, secret.Reveal())
	type wrapped struct{ hidden cove.Account }
	device := cove.Account{ID: 7, Token: secret}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "token", secret, "device", device)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "token", secret, "device", device)
	encoded, err := json.Marshal(map[string]any{"device": device, "token": secret, "pointer": &secret})
	require.NoError(t, err)
	keyed, err := json.Marshal(map[cove.Secret]int{secret: 1})
	require.NoError(t, err)
	for _, shown := range []string{
		logged.String(), string(encoded), string(keyed),
		fmt.Sprint(secret, device), fmt.Sprintf("%s %v %+v %#v %q %x %d", secret, secret, secret, secret, secret, secret, secret),
		fmt.Sprintf("%v %+v %#v", wrapped{device}, wrapped{device}, &wrapped{device}),
	} {
		require.NotContains(t, shown, "MARK")
		require.NotContains(t, shown, "4d41524b", "hexadecimal")
	}
	require.Contains(t, logged.String(), "[redacted]")
	require.Empty(t, cove.Secret{}.String())
}

func quoteJSON(s string) string {
	encoded, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// echoes are bodies in which a server repeats what it was sent.
func echoes(secret string) map[string]string {
	inJSON := quoteJSON(secret)
	return map[string]string{
		"bare":             secret,
		"in a page":        "<html><p>" + html.EscapeString(secret) + "</p>",
		"in a query":       "https://x.example/?a=" + url.QueryEscape(secret),
		"as a JSON string": inJSON,
		"in a member":      `{"request":{"password":` + inJSON + `,"visa":` + inJSON + `}`,
		"cut in its midst": strings.Repeat("x", 4096-len(secret)/2) + secret,
		"behind secrets":   strings.Repeat(secret, 200),
	}
}

func TestNoSecretComesBackInAnErrorOrALog(t *testing.T) {
	var logged bytes.Buffer
	check := func(t *testing.T, err error) {
		t.Helper()
		require.Error(t, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, fmt.Sprintf("%v %+v", e, e), "MARK")
		}
		require.NotContains(t, logged.String(), "MARK")
	}
	answers := map[string]func(http.ResponseWriter, string){
		"as a page": func(w http.ResponseWriter, echo string) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(echo))
		},
		"as a status": func(w http.ResponseWriter, echo string) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(echo))
		},
		"as a content type": func(w http.ResponseWriter, echo string) {
			w.Header().Set("Content-Type", echo)
			w.WriteHeader(http.StatusTeapot)
		},
		"as a message": func(w http.ResponseWriter, echo string) {
			write(w, `{"error":{"code":-32603,"message":`+quoteJSON(echo)+`},"visa":"`+markedVisa+`9"}`)
		},
		"as a member": func(w http.ResponseWriter, echo string) {
			write(w, `{`+quoteJSON(echo)+`:1}`)
		},
		"as a broken member": func(w http.ResponseWriter, echo string) {
			write(w, `{`+quoteJSON(echo)+`:!`)
		},
	}
	for how, answer := range answers {
		for form := range echoes("") {
			t.Run(how+" "+form, func(t *testing.T) {
				s := newServer(t)
				o := options(s)
				o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))

				s.handle("GetPartnerInfoById", func(c call, w http.ResponseWriter) { answer(w, echoes(c.Visa)[form]) })
				_, err := newClient(t, o).Partner(t.Context(), 1)
				check(t, err)

				s.handle("QuerySessions", func(_ call, w http.ResponseWriter) { answer(w, echoes(markedToken)[form]) })
				_, _, err = newClient(t, o).SessionErrors(t.Context(), account(s), "D01", unix(1), cove.Limits{})
				check(t, err)

				s.handle("Login", func(_ call, w http.ResponseWriter) { answer(w, echoes(markedPassword)[form]) })
				_, err = newClient(t, o).Login(t.Context())
				check(t, err)
			})
		}
	}
}

func TestASecretThatTheClientHasNotMetIsMaskedToo(t *testing.T) {
	for why, body := range map[string]string{
		"an account that breaks off": `{"result":{"result":{"Id":1,"Token":"MARK-1234","Password":"MARK\"5`,
		"an installation key":        `{"result":{"result":[{"AccountId":1,"Settings":[{"QW":"MARK-1"},{"I3":"MARK-2`,
		"escaped once more":          `{"x":"{\"token\":\"MARK-3\"}", "y`,
		"a header":                   `<p>Authorization: Bearer MARK.4</p>`,
		"a link":                     `<a href="/rcg?auth_token=MARK5&x=1">`,
		"a new visa":                 `{"visa":"481200-90331-0-1781000000-MARK6`,
		"a visa without a name":      `<p>481200-90331-0-1781000000-MARK6</p>`,
	} {
		t.Run(why, func(t *testing.T) {
			s := newServer(t)
			s.answers("GetAccountInfoById", body)
			_, err := newClient(t, options(s)).Account(t.Context(), 1)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "MARK")
		})
	}
}

func TestATokenInASessionErrorIsMasked(t *testing.T) {
	s := newServer(t)
	s.answers("QuerySessions", `{"result":[{"Id":1,"PluginId":"FileSystem","Status":"Failed","StartTime":100}]}`)
	s.answers("QueryErrors", `{"result":[{"Code":1,"Text":"cannot open session with `+markedToken+`","Filename":"`+markedToken+`"}]}`)
	got, ok, err := newClient(t, options(s)).SessionErrors(t.Context(), account(s), "D01", unix(1), cove.Limits{})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []cove.SessionError{{Code: "1", Text: "cannot open session with [redacted]", Item: "[redacted]", Count: 1, Time: unix(100)}}, got.Errors)
}
