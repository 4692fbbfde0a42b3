package connectwise

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// spent is a pace of one request a second without a burst left.
func spent(t *testing.T) *pace {
	t.Helper()
	p := NewLimits(LimitsOptions{RequestsPerMinute: 60, Burst: 1}).of("s")
	require.NoError(t, p.pass(t.Context(), "z", goesFirst))
	return p
}

func TestOnlyAFewOfATenantWaitAndTheOthersComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := spent(t)
		one, two := p.announce("a"), p.announce("a")
		require.NotNil(t, one)
		require.NotNil(t, two)
		require.Nil(t, p.announce("a"), "two are about to wait")
		require.NotNil(t, p.announce("b"), "another tenant's are counted on their own")
		require.Equal(t, 2*time.Second, p.interval("a"), "the two take turns")

		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- p.pass(Announced(t.Context(), one), "a", goesFirst) }()
		synctest.Wait()
		require.Nil(t, p.announce("a"), "it waits now, and the other is still to come")
		require.NoError(t, <-done)
		require.Equal(t, time.Second, time.Since(began))
		three := p.announce("a")
		require.NotNil(t, three, "its turn has come")
		one.Withdraw()
		require.Nil(t, p.announce("a"), "a place that was taken is not given back again")
		three.Withdraw()
		three.Withdraw()
		require.NotNil(t, p.announce("a"))
		(*Announcement)(nil).Withdraw()
	})
}

func TestAsManyMayComeAsThePaceAllowsAtOnceAndAlmostNoneInAPause(t *testing.T) {
	p := NewLimits(LimitsOptions{RequestsPerMinute: 1, Burst: 5}).of("s")
	for range 5 {
		require.NotNil(t, p.announce("a"))
	}
	require.Nil(t, p.announce("a"))

	p = NewLimits(LimitsOptions{RequestsPerMinute: 1, Burst: 5}).of("s")
	p.hold(time.Hour)
	for range mostAhead {
		require.NotNil(t, p.announce("a"))
	}
	require.Nil(t, p.announce("a"))
}

func TestTheLowestPaceThatATenantOfTheServerWishesHolds(t *testing.T) {
	s := newStub(t, func(w http.ResponseWriter, r *http.Request, n int) { always(200, ticketJSON(7))(w, r, n) })
	limits := NewLimits(LimitsOptions{})
	join := func(tenant string, perMinute, burst int) *Client {
		c, _ := s.client(t, func(o *Options) {
			o.Limits, o.Tenant, o.RequestsPerMinute, o.Burst = limits, tenant, perMinute, burst
		})
		return c
	}
	holds := func(perMinute, burst int) {
		t.Helper()
		p := join("probe", 0, 0).pace
		require.InDelta(t, float64(perMinute)/60, p.perSecond, 1e-9)
		require.InDelta(t, p.perSecond, float64(p.limiter.Limit()), 1e-9)
		require.Equal(t, burst, p.limiter.Burst())
	}
	holds(800, 20)
	a := join("a", 300, 30)
	holds(300, 20)
	b := join("b", 600, 5)
	holds(300, 5)
	again := join("a", 700, 10) // its settings were changed, and the client before is still in use
	holds(600, 5)
	b.Close()
	b.Close()
	holds(700, 10)
	a.Close()
	holds(700, 10)
	again.Close()
	holds(800, 20)
}
