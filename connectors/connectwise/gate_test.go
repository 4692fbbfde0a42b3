package connectwise

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

func TestAfter429EverybodyWaits(t *testing.T) {
	s := newStub(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 1 {
			w.Header().Set("Retry-After", "17")
			always(429, `{"error":"ConnectWiseAPI","message":"Too many requests. Please try again in 30 seconds."}`)(w, r, n)
			return
		}
		always(200, ticketJSON(7))(w, r, n)
	})
	c, clk := s.client(t)
	_, err := c.CreateTicket(t.Context(), aTicket())
	requireClass(t, errclass.RateLimited, err)
	require.Equal(t, 17*time.Second, errclass.RetryAfter(err))
	require.ErrorContains(t, err, "HTTP 429 ConnectWiseAPI: Too many requests.")

	hasty, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = c.Ticket(hasty, 7)
	requireClass(t, errclass.RateLimited, err)
	require.Equal(t, 17*time.Second, errclass.RetryAfter(err))
	require.Len(t, s.seen(), 1)
	require.Empty(t, clk.waits(), "it is told at once")

	require.NoError(t, atOnce(4, func() error { _, err := c.Ticket(t.Context(), 7); return err }))
	require.GreaterOrEqual(t, clk.Now().Sub(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)), 17*time.Second)
	require.Len(t, s.seen(), 5)
}

func TestAShort429IsWaitedOutByReadsOnly(t *testing.T) {
	cases := map[string]struct {
		header    string
		wantSent  int
		wantAfter time.Duration
	}{
		"a short pause is waited out":           {"3", 3, 3 * time.Second},
		"a long one is the caller's":            {"6", 1, 6 * time.Second},
		"without the header it is 30 s":         {"", 1, 30 * time.Second},
		"nonsense counts as absent":             {"soon", 1, 30 * time.Second},
		"a date is understood":                  {"Sun, 22 Nov 2026 09:00:04 GMT", 3, 0},
		"zero is one second":                    {"0", 3, time.Second},
		"more than an hour is taken as an hour": {"86400", 1, time.Hour},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, func(w http.ResponseWriter, r *http.Request, n int) {
				if tc.header != "" {
					w.Header().Set("Retry-After", tc.header)
				}
				always(429, `<html>slow down</html>`)(w, r, n)
			})
			c, _ := s.client(t)
			_, err := c.Ticket(t.Context(), 7)
			requireClass(t, errclass.RateLimited, err)
			require.Len(t, s.seen(), tc.wantSent)
			if tc.wantAfter > 0 {
				require.Equal(t, tc.wantAfter, errclass.RetryAfter(err))
			}
		})
	}
}

func TestThePaceIsKept(t *testing.T) {
	s := newStub(t, always(200, ticketJSON(7)))
	c, clk := s.client(t, func(o *Options) { o.RequestsPerMinute, o.Burst = 60, 3 })
	for range 7 { // and one look-up
		_, err := c.Ticket(t.Context(), 7)
		require.NoError(t, err)
	}
	require.Equal(t, []time.Duration{time.Second, time.Second, time.Second, time.Second, time.Second}, clk.waits())

	hasty, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := c.CreateTicket(hasty, aTicket())
	requireClass(t, errclass.Transient, err)
	require.Equal(t, time.Second, errclass.RetryAfter(err))
	require.Len(t, s.seen(), 7)
	require.Len(t, clk.waits(), 5, "it is told at once")
}
