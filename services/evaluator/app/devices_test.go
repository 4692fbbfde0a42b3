package app_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/app"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// fleet is an evaluator at work for one tenant.
type fleet struct {
	t        *testing.T
	bus      *bus.Bus
	settings *tenantv1.Settings
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	nc := bustest.Start(t)
	doc := tenant.Defaults()
	doc.ID, doc.Policy.Values = "harbor", map[string]string{"openAfter": "1", "closeAfter": "1"}
	f := &fleet{t: t, bus: bustest.Open(t, nc), settings: doc.Settings()}
	store, err := bus.OpenStore[*tenantv1.Settings](t.Context(), f.bus, bus.Tenants)
	require.NoError(t, err)
	_, err = store.Put(t.Context(), bus.Key("harbor"), f.settings, 0)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, app.Options{NATS: nc, Logger: bustest.Logger(t)}) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return f
}

func (f *fleet) snapshot(sweep uint64, at time.Time, id string, customer *statusv1.Customer, site string, columns map[string]string) {
	f.t.Helper()
	s := &statusv1.Snapshot{Tenant: "harbor", DeviceId: id, Sweep: sweep, ObservedAt: timestamppb.New(at), Customer: customer, Site: site}
	for code, value := range columns {
		s.Columns = append(s.Columns, &statusv1.Column{Code: code, Value: value})
	}
	require.NoError(f.t, f.bus.Publish(f.t.Context(), bus.Message{
		Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: id}, ID: fmt.Sprintf("snapshot:harbor:%s:%d", id, sweep), Body: s,
	}))
}

// swept ends a sweep over some devices and waits until it is judged.
func (f *fleet) swept(sweep uint64, at time.Time, ids ...string) {
	f.t.Helper()
	f.sweptWithout(nil, sweep, at, ids...)
}

// sweptWithout ends a sweep that was refused some columns.
func (f *fleet) sweptWithout(refused []string, sweep uint64, at time.Time, ids ...string) {
	f.t.Helper()
	require.NoError(f.t, f.bus.Publish(f.t.Context(), bus.Message{
		Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSweep, Tenant: "harbor", Key: strconv.FormatUint(sweep, 10)}, ID: fmt.Sprintf("sweep:harbor:%d", sweep),
		Body: &statusv1.SweepCompleted{Tenant: "harbor", Sweep: sweep, ObservedAt: timestamppb.New(at), Complete: true, Devices: uint32(len(ids)), DeviceIds: ids, ColumnsRefused: refused},
	}))
	require.Eventually(f.t, func() bool {
		last, err := app.Ledger(f.t.Context(), f.bus, "harbor", 1)
		return err == nil && len(last) == 1 && last[0].GetSweep() == sweep
	}, 20*time.Second, 10*time.Millisecond)
}

func (f *fleet) devices() app.Roster {
	f.t.Helper()
	r, err := app.Devices(f.t.Context(), f.bus, f.settings)
	require.NoError(f.t, err)
	return r
}

func backup(at time.Time, status string) map[string]string {
	return map[string]string{
		"AN": "srv-1", "MN": "SRV-1", "AT": "1", "OT": "2", "I78": "D01D02", "CD": unix(at.Add(-5000 * time.Hour)), "TS": unix(at.Add(-time.Minute)), "T0": status,
		"D01F00": status, "D01F17": status, "D01F09": unix(at.Add(-2 * time.Hour)), "D02F00": "5", "D02F17": "5", "D02F09": unix(at.Add(-3 * time.Hour)), "OP": "Servers",
	}
}

func TestDevicesStandAsTheyWereJudged(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	acme := &statusv1.Customer{Id: "710", Name: "acme", Level: "EndCustomer", State: "InProduction"}
	trial := &statusv1.Customer{Id: "720", Name: "Try", Level: "EndCustomer", State: "InTrial"}
	f.snapshot(1, noon, "1", acme, "Kiel", backup(noon, "5"))
	f.snapshot(1, noon, "2", acme, "", backup(noon, "2"))
	f.snapshot(1, noon, "3", trial, "", backup(noon, "2"))
	f.snapshot(1, noon, "4", acme, "", map[string]string{"AN": "mystery"})
	f.snapshot(1, noon, "5", acme, "", backup(noon, "5"))
	f.snapshot(1, noon, "6", acme, "", map[string]string{"AN": "new", "AT": "1", "CD": unix(noon.Add(-240 * time.Hour))})
	f.swept(1, noon, "1", "2", "3", "4", "5", "6")
	later := noon.Add(time.Hour)
	f.swept(2, later, "1", "2", "3", "4", "6", "7")
	cursors, err := bus.OpenStore[*statusv1.DeviceCursor](t.Context(), f.bus, bus.PollCursor)
	require.NoError(t, err)
	_, err = cursors.Put(t.Context(), bus.Key("harbor", "devices"), &statusv1.DeviceCursor{Devices: []*statusv1.PublishedDevice{{Id: "1"}, {Id: "7"}}}, 0)
	require.NoError(t, err)

	r := f.devices()
	require.Equal(t, later, r.At)
	type standing struct {
		id, class, customer, site, incident, severity, reason string
		state                                                 app.DeviceState
		conditions                                            []string
	}
	var got []standing
	for _, d := range r.Devices {
		s := standing{
			id: d.ID, class: d.Class, customer: d.Customer.GetName(), site: d.Site, incident: d.Incident, severity: d.Severity, reason: d.Reason, state: d.State,
		}
		for _, c := range d.Conditions {
			s.conditions = append(s.conditions, c.String())
			require.Equal(t, noon, c.Since)
		}
		got = append(got, s)
	}
	require.Equal(t, []standing{
		{id: "6", class: "workstation", customer: "acme", incident: "6-1", severity: "warning", state: app.DeviceInTrouble, conditions: []string{"never"}},
		{id: "2", class: "server", customer: "acme", incident: "2-1", state: app.DeviceInTrouble, conditions: []string{"failed (Files and Folders)"}},
		{id: "7", state: app.DeviceUnknown, reason: "not described yet"},
		{id: "4", customer: "acme", state: app.DeviceUnknown, reason: "device type not reported"},
		{id: "1", class: "server", customer: "acme", site: "Kiel", state: app.DeviceHealthy},
		{id: "3", class: "server", customer: "Try", state: app.DeviceExcluded, reason: "trial"},
		{id: "5", class: "server", customer: "acme", state: app.DeviceGone},
	}, got)
	well := r.Devices[4]
	require.Equal(t, noon, well.ObservedAt)
	require.Equal(t, noon.Add(-time.Minute), well.LastContact)
	require.Equal(t, "Servers", well.Device.GetProfile())
	require.Equal(t, noon.Add(-2*time.Hour), well.Device.GetLastSuccessAt().AsTime())
}

func TestDevicesAreJudgedByThePolicyInUse(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.snapshot(1, noon, "1", &statusv1.Customer{Id: "710", Name: "Acme"}, "", backup(noon, "2"))
	f.swept(1, noon, "1")
	before := f.devices().Devices[0]
	require.Equal(t, app.DeviceInTrouble, before.State)

	f.settings.Policy.Snoozes = []*tenantv1.Snooze{{Name: "holiday", Select: &tenantv1.Selector{}, Until: timestamppb.New(noon.Add(time.Hour)), Reason: "holiday"}}
	muted := f.devices().Devices[0]
	require.Equal(t, app.DeviceInTrouble, muted.State)
	require.Contains(t, muted.Muted, "holiday")
	require.Equal(t, noon.Add(time.Hour), muted.MutedUntil)

	f.settings.Policy.Exclude = []*tenantv1.Exclusion{{Name: "lab", Select: &tenantv1.Selector{Customers: []string{"acme"}}, Reason: "a lab"}}
	excluded := f.devices().Devices[0]
	require.Equal(t, app.DeviceExcluded, excluded.State)
	require.Equal(t, "a lab", excluded.Reason)
	require.Empty(t, excluded.Conditions)
}

func TestASnapshotThatIsNotJudgedYetIsNotTakenForHealthy(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.snapshot(1, noon, "1", nil, "", backup(noon, "5"))
	f.swept(1, noon, "1")
	require.Equal(t, app.DeviceHealthy, f.devices().Devices[0].State)

	f.snapshot(2, noon.Add(time.Hour), "1", nil, "", backup(noon.Add(time.Hour), "2"))
	require.Eventually(t, func() bool { return f.devices().Devices[0].State == app.DeviceInTrouble }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, noon, f.devices().At)
}

func TestADeviceIsNotTakenForHealthyWithoutARefusedColumn(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	columns := backup(noon, "5")
	delete(columns, "D01F09")
	f.snapshot(1, noon, "1", nil, "", columns)
	f.sweptWithout([]string{"D01F09"}, 1, noon, "1")
	d := f.devices().Devices[0]
	require.Equal(t, app.DeviceUnknown, d.State)
	require.Equal(t, "not known without column D01F09 (refused)", d.Reason)
}

func TestDevicesOfATenantThatWasNeverSwept(t *testing.T) {
	t.Parallel()
	f := &fleet{t: t, bus: bustest.Open(t, bustest.Start(t)), settings: &tenantv1.Settings{Id: "harbor", Policy: &tenantv1.Policy{}}}
	require.Equal(t, app.Roster{}, f.devices())
	states, err := bus.OpenStore[*incidentv1.DeviceState](t.Context(), f.bus, bus.DeviceState)
	require.NoError(t, err)
	_, err = states.Put(t.Context(), bus.Key("harbor2", "1"), &incidentv1.DeviceState{DeviceId: "1"}, 0)
	require.NoError(t, err)
	require.Equal(t, app.Roster{}, f.devices(), "another tenant's device")
}
