package redrive_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock/clocktest"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/redrive"
)

// A parked incident that nobody handles is woken when its time comes, once by two redrivers, again only after ten
// minutes, and for a change of settings that it does not wait for not at all.
func TestAWakeIsPublishedOnceAndRepeatedRarely(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	clock := clocktest.New(time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC))
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](t.Context(), b, bus.TicketLedger)
	require.NoError(t, err)
	tenants, err := bus.OpenStore[*tenantv1.Settings](t.Context(), b, bus.Tenants)
	require.NoError(t, err)

	park := func(device string, reason ticketv1.ParkReason, wait time.Duration) {
		_, err := ledgers.Put(t.Context(), bus.Key("harbor", device, device+"-1"), &ticketv1.Ledger{
			Tenant: "harbor", DeviceId: device, IncidentId: device + "-1", UpdatedAt: timestamppb.New(clock.Now()),
			Park: &ticketv1.Park{Reason: reason, Until: timestamppb.New(clock.Now().Add(wait))},
		}, 0)
		require.NoError(t, err)
	}
	woken := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	started := make(chan struct{})
	running.Go(func() {
		_ = b.Follow(ctx, bus.Incident, func() { close(started) }, func(d bus.Delivery) {
			var e incidentv1.Event
			if d.Subject.Verb == bus.VerbRedrive && d.Decode(&e) == nil && e.GetRevision() == 0 {
				woken <- e.GetIncidentId()
			}
		})
	})
	<-started

	counts := make(chan map[ticketv1.ParkReason]int, 1000)
	for range 2 {
		r, err := redrive.New(t.Context(), b, clock, bustest.Logger(t), time.Minute, func(c map[ticketv1.ParkReason]int) { counts <- c })
		require.NoError(t, err)
		running.Go(func() { _ = r.Run(ctx) })
	}
	park("7", ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, time.Minute)
	park("8", ticketv1.ParkReason_PARK_REASON_SHADOW, 1000*time.Hour)
	require.Eventually(t, func() bool {
		c := <-counts
		return c[ticketv1.ParkReason_PARK_REASON_UNAVAILABLE] == 1 && c[ticketv1.ParkReason_PARK_REASON_SHADOW] == 1
	}, 30*time.Second, time.Millisecond)
	require.Empty(t, woken)

	clock.Add(time.Minute)
	require.Equal(t, "7-1", <-woken)
	clock.Add(10 * time.Minute)
	require.Equal(t, "7-1", <-woken)

	settings := &tenantv1.Settings{Id: "harbor", Mode: tenantv1.Mode_MODE_SHADOW}
	revision, err := tenants.Put(t.Context(), bus.Key("harbor"), settings, 0)
	require.NoError(t, err)
	settings.Mode = tenantv1.Mode_MODE_LIVE
	_, err = tenants.Put(t.Context(), bus.Key("harbor"), settings, revision)
	require.NoError(t, err)
	require.Equal(t, "8-1", <-woken)
	require.Empty(t, woken)
}
