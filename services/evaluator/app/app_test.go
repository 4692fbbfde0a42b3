package app_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/app"
)

func TestRunTurnsASweepIntoAnIncidentAndStops(t *testing.T) {
	t.Parallel()
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	settings, err := bus.OpenStore[*tenantv1.Settings](t.Context(), b, bus.Tenants)
	require.NoError(t, err)
	_, err = settings.Put(t.Context(), bus.Key("harbor"), &tenantv1.Settings{Id: "harbor", Policy: &tenantv1.Policy{
		Version: "p1", Never: durationpb.New(48 * time.Hour), OpenAfter: 1, CloseAfter: 1,
	}}, 0)
	require.NoError(t, err)

	told := make(chan *incidentv1.Event, 1)
	following, stopFollowing := context.WithCancel(t.Context())
	started, followed := make(chan struct{}), make(chan error, 1)
	go func() {
		followed <- b.Follow(following, bus.Incident, func() { close(started) }, func(d bus.Delivery) {
			e := &incidentv1.Event{}
			if d.Decode(e) == nil {
				told <- e
			}
		})
	}()
	<-started

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Options{NATS: nc, Logger: bustest.Logger(t), Registerer: prometheus.NewRegistry()})
	}()

	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	require.NoError(t, b.PublishAll(t.Context(), []bus.Message{
		{
			Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: "2345687"}, ID: "snapshot:harbor:2345687:1",
			Body: &statusv1.Snapshot{Tenant: "harbor", DeviceId: "2345687", Sweep: 1, ObservedAt: timestamppb.New(at), Columns: []*statusv1.Column{
				{Code: "AN", Value: "mx-01"},
				{Code: "AT", Value: "1"},
				{Code: "CD", Value: strconv.FormatInt(at.Add(-96*time.Hour).Unix(), 10)},
			}},
		},
		{
			Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSweep, Tenant: "harbor", Key: "1"}, ID: "sweep:harbor:1",
			Body: &statusv1.SweepCompleted{Tenant: "harbor", Sweep: 1, ObservedAt: timestamppb.New(at), Complete: true, Devices: 1},
		},
	}))
	e := <-told
	require.Equal(t, "2345687-1", e.GetIncidentId())
	require.Equal(t, incidentv1.ConditionKind_CONDITION_KIND_NEVER, e.GetConditions()[0].GetKind())

	stop()
	require.NoError(t, <-ended)
	stopFollowing()
	require.NoError(t, <-followed)
}

func TestRunNeedsAProvisionedBus(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t, bustest.Server(t, t.TempDir()))
	err := app.Run(t.Context(), app.Options{NATS: nc, Logger: bustest.Logger(t)})
	require.Equal(t, errclass.Rejected, errclass.Of(err))
	require.ErrorContains(t, err, "provision the bus")
	require.Equal(t, errclass.Bug, errclass.Of(app.Run(t.Context(), app.Options{})))
}
