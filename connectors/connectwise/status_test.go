package connectwise

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

// A body that is not the API's changes nothing about the class, but for a success, which it cannot prove.
func TestEveryStatusWithAPageOrWithoutABody(t *testing.T) {
	want := map[int]errclass.Class{ // for requests that may be repeated; 0 stands for the ambiguous class
		200: 0, 201: 0, 202: 0, 204: 0, 206: 0,
		301: errclass.Rejected, 302: 0, 303: 0, 304: errclass.Rejected, 307: errclass.Transient, 308: errclass.Rejected,
		400: errclass.Rejected, 401: errclass.AuthTenant, 402: errclass.Rejected, 403: errclass.AuthTenant, 404: errclass.AuthTenant,
		405: errclass.Rejected, 406: errclass.Rejected, 407: errclass.Transient, 408: 0, 409: errclass.Conflict, 410: errclass.Rejected,
		413: errclass.Rejected, 414: errclass.Rejected, 415: errclass.Rejected, 421: errclass.Transient, 422: errclass.Rejected,
		425: errclass.Transient, 429: errclass.RateLimited, 431: errclass.Rejected, 451: errclass.Rejected, 499: 0,
		500: 0, 501: 0, 502: 0, 503: 0, 504: 0, 508: 0, 520: 0, 521: 0, 522: 0, 524: 0, 530: 0, 599: 0,
	}
	for what, body := range map[string]string{"a page": "\r\n<!DOCTYPE html><html>Just a moment</html>", "nothing": ""} {
		for status, class := range want {
			s := newStub(t, always(status, body))
			for name, act := range actions(t.Context(), mustClient(t, s)) {
				wanted := class
				switch {
				case class == 0 && creating(name):
					wanted = errclass.UnknownOutcome
				case class == 0:
					wanted = errclass.Transient
				}
				before := len(s.seen())
				err := act()
				require.Equal(t, wanted.String(), errclass.Of(err).String(), "%s, %d with %s: %v", name, status, what, err)
				if creating(name) {
					require.Len(t, s.seen()[before:], 1, "%s, %d with %s", name, status, what)
				}
			}
			s.Close()
		}
	}
}

// A deletion reads no answer, and may be repeated.
func TestEveryStatusOfADeletion(t *testing.T) {
	for status := 200; status <= 599; status++ {
		s := newStub(t, always(status, ""))
		err := mustClient(t, s).DeleteCallback(t.Context(), 7)
		class, ok := classOf(repeatable, status, false)
		if ok {
			require.NoError(t, err, status)
		} else {
			requireClass(t, class, err)
			require.NotEqual(t, errclass.UnknownOutcome, class)
		}
		s.Close()
	}
	s := newStub(t, func(w http.ResponseWriter, _ *http.Request, _ int) { hangUp(w) })
	requireClass(t, errclass.Transient, mustClient(t, s).DeleteCallback(t.Context(), 7))
}
