package app_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// hooked runs Hooks in the world and waits until the server was asked to call.
func (w *world) hooked() {
	w.t.Helper()
	const token = "a-token-of-good-length-1234"
	options := w.options(func(o *app.Options) {
		o.Pace = clock.System()
		known := o.LookupEnv
		o.LookupEnv = func(name string) (string, bool) {
			if name == "CW_TOKEN" {
				return token, true
			}
			return known(name)
		}
	})
	hooks, err := app.NewHooks(w.t.Context(), options)
	require.NoError(w.t, err)
	web := httptest.NewServer(hooks.Handler())
	w.t.Cleanup(web.Close)
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- hooks.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		require.NoError(w.t, <-ended)
	})
	w.settings(func(s *tenantv1.Settings) {
		s.Connectwise.Callbacks = &tenantv1.Callbacks{Url: web.URL, Token: &tenantv1.SecretRef{Env: "CW_TOKEN"}}
	})
	w.until("registered", func() bool { return w.cw.Counts()["POST /system/callbacks"] == 1 })
}

func TestACallbackHasTicketsLookedAtLongBeforeTheirTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(func(o *app.Options) { o.ObserveEvery = 24 * time.Hour })
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.hooked()
	desks, err := bus.OpenStore[*ticketv1.Desk](t.Context(), w.bus, bus.TicketDesk)
	require.NoError(t, err)
	w.until("the next look is tomorrow", func() bool {
		d, _, err := desks.Get(t.Context(), bus.Key("harbor"))
		return err == nil && d.GetNextPollAt().AsTime().Sub(w.clock.Now()) > 20*time.Hour
	})
	other, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "not ours", CompanyIdentifier: "acme"})
	require.NoError(t, err)
	require.NotZero(t, other)
	require.NoError(t, w.cw.Person("").Close(w.onlyTicket("7").ID, ""))
	sent, err := w.cw.Deliver(t.Context(), cwfake.CallbackFaults{Duplicate: true, Reverse: true})
	require.NoError(t, err)
	require.Len(t, sent, 4)
	for _, d := range sent {
		require.Equal(t, []int{204}, d.Statuses)
	}
	began := w.clock.Now()
	w.eventually("observed", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.ContainsFunc(w.events, func(e *ticketv1.Event) bool { return e.GetAction() == ticketv1.Action_ACTION_OBSERVED })
	})
	require.Less(t, w.clock.Now().Sub(began), 12*time.Hour)
}
