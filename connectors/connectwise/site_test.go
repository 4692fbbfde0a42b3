package connectwise

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

func TestSitesAreTakenAsPeopleWriteThem(t *testing.T) {
	cases := map[string]site{
		"https://na.myconnectwise.net":          {"https://na.myconnectwise.net", "https://api-na.myconnectwise.net"},
		" https://EU.myconnectwise.net/ ":       {"https://eu.myconnectwise.net", "https://api-eu.myconnectwise.net"},
		"https://api-au.myconnectwise.net/":     {"https://au.myconnectwise.net", "https://api-au.myconnectwise.net"},
		"https://aus.myconnectwise.net:443":     {"https://aus.myconnectwise.net:443", "https://api-aus.myconnectwise.net:443"},
		"https://za.myconnectwise.net":          {"https://za.myconnectwise.net", "https://api-za.myconnectwise.net"},
		"https://staging.connectwisedev.com":    {"https://staging.connectwisedev.com", "https://api-staging.connectwisedev.com"},
		"https://cwm.harborit.example:8443":     {"https://cwm.harborit.example:8443", "https://cwm.harborit.example:8443"},
		"https://na.myconnectwise.net.evil.com": {"https://na.myconnectwise.net.evil.com", "https://na.myconnectwise.net.evil.com"},
		"http://127.0.0.1:8081/":                {"http://127.0.0.1:8081", "http://127.0.0.1:8081"},
		"http://[::1]:8081":                     {"http://[::1]:8081", "http://[::1]:8081"},
		"http://localhost:8081":                 {"http://localhost:8081", "http://localhost:8081"},
	}
	for text, want := range cases {
		got, err := parseSite(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", "na.myconnectwise.net", "https://", "http://na.myconnectwise.net", "http://10.0.0.1", "ftp://127.0.0.1",
		"https://user:pw@na.myconnectwise.net", "https://na.myconnectwise.net/v4_6_release/apis/3.0", "https://na.myconnectwise.net?x=1", "https://%zz",
	} {
		_, err := parseSite(text)
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "pw@")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	keys := func() (string, string, error) { return "a", "b", nil }
	good := Options{Site: "https://na.myconnectwise.net", Company: "acme", ClientID: "guid", Keys: keys}
	c, err := New(good)
	require.NoError(t, err)
	c.Close()
	for name, spoil := range map[string]func(*Options){
		"no site":                    func(o *Options) { o.Site = "" },
		"no company":                 func(o *Options) { o.Company = " " },
		"a company with a separator": func(o *Options) { o.Company = "acme+x:y" },
		"no client id":               func(o *Options) { o.ClientID = "" },
		"a client id of two lines":   func(o *Options) { o.ClientID = "a\r\nX: y" },
		"no keys":                    func(o *Options) { o.Keys = nil },
		"a negative pace":            func(o *Options) { o.RequestsPerMinute = -1 },
		"pages beyond the limit":     func(o *Options) { o.PageSize = 1001 },
	} {
		o := good
		spoil(&o)
		_, err := New(o)
		require.Error(t, err, name)
	}
}

func TestCompanyInfo(t *testing.T) {
	s := newStub(t, always(200, `[]`))
	c, _ := s.client(t)
	got, err := c.CompanyInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, CompanyInfo{CompanyName: "Acme", CodeBase: "v2025_1/", Version: "v2025.1.1", IsCloud: true}, got)

	s.upgrade(`{"Codebase":"v4_6_release/","IsCloud":false}`)
	got, err = c.CompanyInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, CompanyInfo{CodeBase: "v4_6_release/"}, got)

	s.upgrade("null\r\n")
	_, err = c.CompanyInfo(t.Context())
	requireClass(t, errclass.AuthTenant, err)
	require.ErrorContains(t, err, `knows no company "acme"`)

	for _, odd := range []string{`{}`, `[]`, ``, `<html>`, `{"Codebase":"../../evil"}`, `{"Codebase":".."}`, `{"Codebase":"a?b"}`, `{"Codebase":"@evil.example/"}`} {
		s.upgrade(odd)
		_, err = c.CompanyInfo(t.Context())
		requireClass(t, errclass.Transient, err)
	}
}

func TestTheCodeBaseIsLookedUpOnce(t *testing.T) {
	s := newStub(t, always(200, ticketJSON(7)))
	c, _ := s.client(t)
	require.NoError(t, atOnce(20, func() error { _, err := c.Ticket(t.Context(), 7); return err }))
	require.Equal(t, 1, s.lookedUp())
}

// upgraded answers as a server that was moved to v2026_1 and treats the old address in its own way.
func upgraded(old func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		if !strings.HasPrefix(r.URL.Path, "/v2026_1/") && n > 1 {
			old(w)
			return
		}
		body := ticketJSON(7)
		if strings.HasSuffix(r.URL.Path, "/search") {
			body = "[" + body + "]"
		}
		always(200, body)(w, r, n)
	}
}

func TestAnUpgradeOfTheServerIsFollowed(t *testing.T) {
	old := map[string]struct {
		answer       func(http.ResponseWriter)
		proofForPost bool
	}{
		"the endpoint does not exist": {func(w http.ResponseWriter) {
			w.WriteHeader(404)
			_, _ = io.WriteString(w, `{"code":"ConnectWiseApi","message":"The endpoint does not exist."}`)
		}, true},
		"a redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(302)
		}, false},
		"a page": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `<html>upgraded</html>`) }, false},
	}
	for what, o := range old {
		for _, name := range []string{"GET", "POST search", "PATCH", "PATCH remove", "POST create", "POST note", "POST company"} {
			t.Run(what+" for "+name, func(t *testing.T) {
				s := newStub(t, upgraded(o.answer))
				c, _ := s.client(t)
				_, err := c.Ticket(t.Context(), 7)
				require.NoError(t, err)
				s.upgrade(`{"Codebase":"v2026_1/"}`)
				err = actions(t.Context(), c)[name]()
				if creating(name) && !o.proofForPost {
					requireClass(t, errclass.UnknownOutcome, err)
					require.Len(t, s.seen(), 2, "it may have been executed")
				} else {
					require.NoError(t, err)
					require.Len(t, s.seen(), 3)
				}
				_, err = c.Ticket(t.Context(), 7)
				require.NoError(t, err)
				require.Equal(t, 2, s.lookedUp())
			})
		}
	}
}

func TestA404ThatIsNoUpgrade(t *testing.T) {
	s := newStub(t, always(404, `{"code":"ConnectWiseApi","message":"The endpoint does not exist."}`))
	c, _ := s.client(t)
	for range 2 { // at the first call the code base is fresh, at the second it is looked up again
		_, err := c.CreateTicket(t.Context(), aTicket())
		requireClass(t, errclass.AuthTenant, err)
	}
	require.Len(t, s.seen(), 2)
	require.Equal(t, 2, s.lookedUp())

	s.upgrade(`<html>we are upgrading</html>`)
	_, err := c.CreateTicket(t.Context(), aTicket())
	requireClass(t, errclass.Transient, err)
	require.ErrorContains(t, err, "create ticket: look up the code base: HTTP 200: an HTML page")
}
