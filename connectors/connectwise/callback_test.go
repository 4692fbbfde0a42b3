package connectwise_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/errclass"
)

func TestCallbackEntriesAgainstTheFake(t *testing.T) {
	_, c := fake(t)
	wanted := connectwise.NewCallback{
		Description: "Covewise", URL: "https://covewise.example.com/hooks/connectwise/token?recordId=", ObjectID: 1, Type: "ticket", Level: "owner",
		IsSelfSuppressedFlag: true,
	}
	made, err := c.CreateCallback(t.Context(), wanted)
	require.NoError(t, err)
	_, err = c.CreateCallback(t.Context(), wanted)
	requireClass(t, errclass.Rejected, err)
	require.True(t, connectwise.Exists(err))
	_, err = c.CreateCallback(t.Context(), connectwise.NewCallback{URL: "x"})
	requireClass(t, errclass.Rejected, err)

	off, err := c.PatchCallback(t.Context(), made.ID, connectwise.Replace("inactiveFlag", true))
	require.NoError(t, err)
	require.True(t, off.InactiveFlag)
	all, err := c.Callbacks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectwise.Callback{off}, all)

	require.NoError(t, c.DeleteCallback(t.Context(), made.ID))
	requireClass(t, errclass.NotFound, c.DeleteCallback(t.Context(), made.ID))
}

func TestOnlyTheTenantsOwnServerIsAskedForAKey(t *testing.T) {
	const cloud, own = "https://na.myconnectwise.net", "https://psa.harbor.example:8443"
	for name, c := range map[string]struct {
		site, keyURL string
		allowed      bool
	}{
		"the cloud host as people know it":  {cloud, "https://na.myconnectwise.net/v2025_1//system/callbackkey/index.rails?companyName=Acme&id=9a", true},
		"the cloud host of the API":         {cloud, "https://api-na.myconnectwise.net/x?companyName=acme", true},
		"letter case of the host":           {cloud, "https://NA.MyConnectWise.net/x?companyName=acme", true},
		"a server of their own":             {own, "https://psa.harbor.example:8443/x?companyName=acme", true},
		"loopback by http, as set":          {"http://127.0.0.1:9000", "http://127.0.0.1:9000/x?companyName=acme", true},
		"another region of the cloud":       {cloud, "https://eu.myconnectwise.net/x?companyName=acme", false},
		"another company at the same host":  {cloud, "https://na.myconnectwise.net/x?companyName=evil", false},
		"two companies":                     {cloud, "https://na.myconnectwise.net/x?companyName=acme&companyName=evil", false},
		"two companies in other letters":    {cloud, "https://na.myconnectwise.net/x?companyName=acme&CompanyName=evil", false},
		"no company":                        {cloud, "https://na.myconnectwise.net/x", false},
		"http":                              {cloud, "http://na.myconnectwise.net/x?companyName=acme", false},
		"another port":                      {own, "https://psa.harbor.example/x?companyName=acme", false},
		"a host that begins alike":          {cloud, "https://na.myconnectwise.net.evil.example/x?companyName=acme", false},
		"a user in front":                   {cloud, "https://na.myconnectwise.net@evil.example/x?companyName=acme", false},
		"metadata services":                 {cloud, "http://169.254.169.254/latest?companyName=acme", false},
		"loopback that is not the tenant's": {cloud, "http://127.0.0.1:80/x?companyName=acme", false},
		"no address":                        {cloud, "::", false},
		"a file":                            {cloud, "file:///etc/passwd", false},
	} {
		err := connectwise.CheckCallbackKeyURL(c.site, "acme", c.keyURL)
		require.Equal(t, c.allowed, err == nil, "%s: %v", name, err)
	}
}

func TestAKeyIsReadFromASmallPlainAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"a key":          {200, `{"signing_key":"k1"}`, "k1"},
		"a redirect":     {302, `{"signing_key":"k1"}`, ""},
		"a page":         {200, `<html>`, ""},
		"no key":         {200, `{}`, ""},
		"more than fits": {200, `{"signing_key":"` + strings.Repeat("k", 20<<10) + `"}`, ""},
		"not found":      {404, ``, ""},
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		key, err := connectwise.FetchCallbackKey(t.Context(), nil, web.URL)
		web.Close()
		require.Equal(t, c.want, key, name)
		require.Equal(t, c.want == "", err != nil, name)
	}
}

func TestSignaturesOfTheFakeAreVerified(t *testing.T) {
	server, c := fake(t)
	got := make(chan *http.Request, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r }))
	t.Cleanup(receiver.Close)
	_, err := c.CreateCallback(t.Context(), connectwise.NewCallback{URL: receiver.URL + "/?recordId=", ObjectID: 1, Type: "ticket", Level: "owner"})
	require.NoError(t, err)
	made, err := c.CreateTicket(t.Context(), newTicket(1))
	require.NoError(t, err)
	sent, err := server.Deliver(t.Context(), cwfake.CallbackFaults{})
	require.NoError(t, err)
	m, err := connectwise.ParseCallback(sent[0].Body)
	require.NoError(t, err)
	require.Equal(t, []any{int64(made.ID), "added", "ticket", cwfake.DefaultCompany}, []any{m.ID, m.Action, m.Type, m.CompanyID})
	key, err := connectwise.FetchCallbackKey(t.Context(), nil, m.Metadata.KeyURL)
	require.NoError(t, err)
	signature := (<-got).Header.Get("X-Content-Signature")
	require.True(t, connectwise.VerifyCallback(key, sent[0].Body, signature))
	require.False(t, connectwise.VerifyCallback(key, append(sent[0].Body, ' '), signature))
	require.False(t, connectwise.VerifyCallback("another", sent[0].Body, signature))
	for _, wrong := range []string{"", "%%%", "AAAA"} {
		require.False(t, connectwise.VerifyCallback(key, sent[0].Body, wrong))
	}
	for _, wrong := range []string{"", "[]", `{"MessageId":"a","ID":1}`, `{"MessageId":"a","ID":"x"}`, `{"ID":1,"Metadata":{"key_url":"u"}}`, `{"MessageId":"a","Metadata":{"key_url":"u"}}`} {
		_, err := connectwise.ParseCallback([]byte(wrong))
		require.Error(t, err, wrong)
	}
}
