package connectwise

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

// queued starts requests that wait at a pace without a burst left, in the order given, and returns the order in which
// they are served. Each is named "<tenant><first|later>".
func queued(t *testing.T, p *pace, names []string) []string {
	t.Helper()
	served := make(chan string, len(names))
	for _, name := range names {
		l := goesFirst
		if strings.HasSuffix(name, "later") {
			l = givesWay
		}
		go func() {
			if p.pass(t.Context(), name[:1], l) == nil {
				served <- name
			}
		}()
		synctest.Wait()
	}
	order := make([]string, 0, len(names))
	for range names {
		order = append(order, <-served)
	}
	return order
}

func TestCreatesGoFirstAndTenantsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewLimits(LimitsOptions{RequestsPerMinute: 60, Burst: 1}).of("s")
		require.NoError(t, p.pass(t.Context(), "z", givesWay), "the burst")
		began := time.Now()
		order := queued(t, p, []string{"a later", "a later", "a later", "b later", "a first", "a first", "a first", "b first", "c first"})
		require.Equal(t, []string{"a first", "b first", "c first", "a first", "a first", "a later", "b later", "a later", "a later"}, order)
		require.Equal(t, 9*time.Second, time.Since(began), "not faster than the pace, and not slower")
	})
}

func TestANoteGetsItsTurnInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewLimits(LimitsOptions{RequestsPerMinute: 60, Burst: 1}).of("s")
		require.NoError(t, p.pass(t.Context(), "z", goesFirst), "the burst")
		names := []string{"a later", "a later"}
		for range 20 {
			names = append(names, "a first")
		}
		order := queued(t, p, names)
		require.Equal(t, "a later", order[favours])
		require.Equal(t, "a later", order[2*favours+1])
	})
}

func TestWhoHasTooLittleTimeIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewLimits(LimitsOptions{RequestsPerMinute: 60, Burst: 1}).of("s")
		require.NoError(t, p.pass(t.Context(), "a", goesFirst), "the burst")
		waiting, cancel := context.WithCancel(t.Context())
		for range 5 {
			go func() { _ = p.pass(waiting, "a", goesFirst) }()
		}
		synctest.Wait()
		hasty := func(tenant string, l lane, allowed time.Duration) error {
			ctx, stop := context.WithTimeout(t.Context(), allowed)
			defer stop()
			return p.pass(ctx, tenant, l)
		}
		began := time.Now()
		err := hasty("a", goesFirst, 5500*time.Millisecond)
		requireClass(t, errclass.Transient, err)
		require.Equal(t, 6*time.Second, errclass.RetryAfter(err), "behind the five of its tenant")
		require.Equal(t, began, time.Now())
		require.NoError(t, hasty("b", goesFirst, 2500*time.Millisecond), "behind one of the other tenant's only")
		requireClass(t, errclass.Transient, hasty("b", givesWay, 4*time.Second))

		cancel()
		synctest.Wait()
		require.NoError(t, hasty("b", givesWay, 2*time.Second), "those that gave up leave their turns")
	})
}

func TestAPauseIsEverybodysAndTellsTheHasty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := NewLimits(LimitsOptions{RequestsPerMinute: 60, Burst: 1})
		p := limits.of("s")
		require.NoError(t, p.pass(t.Context(), "a", goesFirst), "the burst")
		began := time.Now()
		outcome := make(chan error, 3)
		short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, ctx := range []context.Context{short, t.Context(), t.Context()} {
			go func() { outcome <- p.pass(ctx, "a", goesFirst) }()
			synctest.Wait()
		}
		first, later := limits.Waiting()
		require.Equal(t, []int{3, 0}, []int{first, later})
		require.Equal(t, 4*time.Second, p.backlog())
		p.hold(20 * time.Second)
		p.hold(2 * time.Second) // never shortens
		requireClass(t, errclass.RateLimited, <-outcome)
		require.LessOrEqual(t, time.Since(began), time.Second)
		require.NoError(t, <-outcome)
		require.Equal(t, 20*time.Second, time.Since(began))
		require.NoError(t, <-outcome)
		first, later = limits.Waiting()
		require.Equal(t, []int{0, 0}, []int{first, later})
	})
}

func TestClientsOfOneServerShareOnePace(t *testing.T) {
	s := newStub(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 3 {
			w.Header().Set("Retry-After", "30")
			always(429, "")(w, r, n)
			return
		}
		always(200, ticketJSON(7))(w, r, n)
	})
	limits := NewLimits(LimitsOptions{RequestsPerMinute: 1, Burst: 5})
	sharing := func(o *Options) { o.Limits, o.Site = limits, strings.Replace(o.Site, "127.0.0.1", "LOCALHOST", 1) }
	one, _ := s.client(t, sharing)
	two, _ := s.client(t, sharing)
	other, _ := s.client(t, func(o *Options) { o.Limits, o.Company = limits, "another" })
	for _, c := range []*Client{one, two} { // two requests and two look-ups
		_, err := c.Ticket(t.Context(), 7)
		require.NoError(t, err)
	}
	_, err := one.CreateTicket(t.Context(), aTicket())
	requireClass(t, errclass.RateLimited, err)
	hasty, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = two.Ticket(hasty, 7)
	requireClass(t, errclass.RateLimited, err)
	require.Positive(t, two.Backlog())
	require.Zero(t, other.Backlog())
	_, err = other.Ticket(t.Context(), 7)
	require.NoError(t, err, "another company is another server")
}

func TestTheLaneOfEveryAction(t *testing.T) {
	lanes := map[string]lane{}
	for _, r := range []request{
		{op: "read", method: http.MethodGet, path: "/service/tickets/7"},
		{op: "search", method: http.MethodPost, path: "/service/tickets/search"},
		{op: "create", method: http.MethodPost, path: "/service/tickets", effect: once},
		{op: "company", method: http.MethodPost, path: "/company/companies", effect: once},
		{op: "note", method: http.MethodPost, path: "/service/tickets/7/notes", effect: once},
		{op: "close", method: http.MethodPatch, path: "/service/tickets/7", effect: repeatable},
		{op: "attach", method: http.MethodPost, path: "/service/tickets/7/attachChildren", effect: once},
		{op: "time", method: http.MethodPost, path: "/time/entries", effect: once},
	} {
		lanes[r.op] = r.lane()
	}
	require.Equal(t, map[string]lane{
		"read": goesFirst, "search": goesFirst, "create": goesFirst, "company": goesFirst,
		"note": givesWay, "close": givesWay, "attach": givesWay, "time": givesWay,
	}, lanes)
}
