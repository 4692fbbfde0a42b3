package app_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// neighbour adds tenant "pier", which differs from harbor in its server only.
func (w *world) neighbour(url string) {
	w.t.Helper()
	ctx := w.t.Context()
	settings, _, err := w.tenants.Get(ctx, bus.Key("harbor"))
	require.NoError(w.t, err)
	settings = proto.CloneOf(settings)
	settings.Id, settings.Connectwise.Url = "pier", url
	_, err = w.tenants.Put(ctx, bus.Key("pier"), settings, 0)
	require.NoError(w.t, err)
	link, _, err := w.links.Get(ctx, bus.Key("harbor", "70"))
	require.NoError(w.t, err)
	link = proto.CloneOf(link)
	link.Tenant = "pier"
	_, err = w.links.Put(ctx, bus.Key("pier", "70"), link, 0)
	require.NoError(w.t, err)
	adoptions, err := bus.OpenStore[*ticketv1.Adoption](ctx, w.bus, bus.Adoptions)
	require.NoError(w.t, err)
	_, err = adoptions.Put(ctx, bus.Key("pier", name(url), fmt.Sprint(serviceDesk)), &ticketv1.Adoption{BoardId: serviceDesk}, 0)
	require.NoError(w.t, err)
}

// ofTenant counts a tenant's ledgers in a phase.
func (w *world) ofTenant(tenant string, is func(*ticketv1.Ledger) bool) int {
	w.t.Helper()
	n := 0
	require.NoError(w.t, w.ledgers.Each(w.t.Context(), bus.Key(tenant)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		if is(e.Value) {
			n++
		}
		return nil
	}))
	return n
}

func TestATenantsStormDoesNotHoldUpAnother(t *testing.T) {
	const (
		many = 150
		turn = 75 * time.Millisecond // at 800 requests a minute
	)
	for says, url := range map[string]func(t *testing.T, w *world) string{
		"at another server": func(t *testing.T, _ *world) string {
			other := cwfake.New(cwfake.Options{})
			_, err := other.AddCompany(cwfake.Company{ID: 250, Identifier: "acme", Name: "Acme", Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
			require.NoError(t, err)
			web := httptest.NewServer(other)
			t.Cleanup(web.Close)
			return web.URL
		},
		"at the same server": func(_ *testing.T, w *world) string { return w.url },
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			w.neighbour(url(t, w))
			// No request passes but by the hand clock.
			w.start(func(o *app.Options) { o.Pace = w.clock })
			w.stormOf(deviceIDs(many), 1, failed)
			few := []string{"500", "501", "502", "503", "504"}
			for _, d := range few {
				e := w.incident(d, 1, failed)
				e.Tenant = "pier"
				w.deliver(e, "")
			}
			waits := func(d string) bool {
				l, _, err := w.ledgers.Get(t.Context(), bus.Key("pier", d, d+"-1"))
				require.NoError(t, err)
				return l.GetPhase() != open
			}
			// They stand behind the whole storm in every partition.
			require.Eventually(t, func() bool {
				if !slices.ContainsFunc(few, waits) {
					return true
				}
				w.clock.Add(turn / 5) // slowly: a busy machine must not fall behind the hand clock
				return false
			}, time.Minute, 25*time.Millisecond, "the other tenant has its tickets")
			require.Less(t, w.ofTenant("harbor", func(l *ticketv1.Ledger) bool { return l.GetPhase() == open }), many*2/3)
			w.until("everybody has a ticket", func() bool {
				w.clock.Add(turn)
				drained, err := w.bus.Drained(t.Context(), bus.Ticketer)
				return err == nil && drained && w.cw.Counts()[postTicket] >= many
			})
			require.Empty(t, w.cw.Duplicates())
		})
	}
}

func TestTheLowestPaceOfTheTenantsOfOneServerIsKept(t *testing.T) {
	w := newWorld(t)
	w.neighbour(w.url)
	_, err := w.tenants.Update(t.Context(), bus.Key("pier"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		s.Connectwise.RequestsPerMinute, s.Connectwise.Burst = 60, 6
		return s, nil
	})
	require.NoError(t, err)
	limits := connectwise.NewLimits(connectwise.LimitsOptions{Clock: w.clock})
	w.start(func(o *app.Options) { o.Pace, o.Limits = w.clock, limits })
	e := w.incident("500", 1, failed)
	e.Tenant = "pier"
	w.deliver(e, "")
	w.until("pier has its ticket", func() bool {
		w.clock.Add(time.Second)
		return w.ofTenant("pier", func(l *ticketv1.Ledger) bool { return l.GetPhase() == open }) == 1
	})
	w.clock.Add(time.Minute)
	w.cw.ResetCounts()
	w.stormOf(deviceIDs(10), 1, failed)
	w.until("the rest waits", func() bool {
		first, _ := limits.Waiting()
		return first > 0 && len(w.cw.Requests()) >= 6
	})
	require.Len(t, w.cw.Requests(), 6, "the burst of the one that allows less")
	w.until("everybody has a ticket", func() bool {
		w.clock.Add(time.Second)
		return w.ofTenant("harbor", func(l *ticketv1.Ledger) bool { return l.GetPhase() == open }) == 10
	})
}
