package app_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock/clocktest"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/app"
)

// world is a bus, a fake Cove and one tenant.
type world struct {
	t     *testing.T
	clock *clocktest.Clock
	nc    *nats.Conn
	bus   *bus.Bus
	cove  *covefake.Server
	opts  app.Options

	server      *server.Server
	secret, url string
}

const root, customer, site = 700, 710, 711

const interval = 15 * time.Minute

func newWorld(t *testing.T, devices int) *world {
	t.Helper()
	w := &world{t: t, clock: clocktest.New(time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)), server: bustest.Server(t, t.TempDir())}
	w.nc = bustest.Connect(t, w.server)
	js, err := jetstream.New(w.nc)
	require.NoError(t, err)
	require.NoError(t, bus.Provision(t.Context(), js, bus.ProvisionOptions{Partitions: bustest.Partitions, Replicas: 1}))
	w.bus = bustest.Open(t, w.nc)
	w.cove = covefake.New(covefake.Options{Clock: w.clock, Username: "psa-sync", Password: "tok"})
	fleet := covefake.Fleet{Root: root, Partners: partners()}
	for i := range devices {
		fleet.Devices = append(fleet.Devices, healthy(w.clock, int64(1000+i)))
	}
	require.NoError(t, w.cove.SetFleet(fleet))
	api := httptest.NewServer(w.cove)
	t.Cleanup(api.Close)

	w.secret = filepath.Join(t.TempDir(), "cove.secret")
	require.NoError(t, os.WriteFile(w.secret, []byte("tok\n"), 0o600))
	w.url = api.URL + "/jsonapi"
	w.put("harbor", w.url)
	w.opts = app.Options{NATS: w.nc, Logger: bustest.Logger(t), Clock: w.clock, ID: "a", RequestsPerSecond: 10000}
	return w
}

func partners() []covefake.Partner {
	return []covefake.Partner{
		{ID: root, Name: "Harbor IT", Level: "Reseller", State: "InProduction"},
		{ID: customer, ParentID: root, Name: `Müller & Söhne "Nord"`, Level: "EndCustomer", State: "InProduction", ExternalCode: "CWM:12"},
		{ID: site, ParentID: customer, Name: "Kiel", Level: "Site", State: "InProduction"},
	}
}

// put stores the settings of a tenant whose Cove is at an address.
func (w *world) put(tenant, url string) {
	w.t.Helper()
	tenants, err := bus.OpenStore[*tenantv1.Settings](w.t.Context(), w.bus, bus.Tenants)
	require.NoError(w.t, err)
	_, err = tenants.Update(w.t.Context(), bus.Key(tenant), func(*tenantv1.Settings) (*tenantv1.Settings, error) {
		return &tenantv1.Settings{
			Id: tenant, PollInterval: durationpb.New(interval),
			Cove: &tenantv1.Cove{Url: url, Username: "psa-sync", Password: &tenantv1.SecretRef{File: w.secret}},
		}, nil
	})
	require.NoError(w.t, err)
}

func (w *world) lease(tenant string) *statusv1.PollLease {
	w.t.Helper()
	leases, err := bus.OpenStore[*statusv1.PollLease](w.t.Context(), w.bus, bus.PollLease)
	require.NoError(w.t, err)
	l, _, err := leases.Get(w.t.Context(), bus.Key(tenant))
	require.NoError(w.t, err)
	return l
}

// edit changes columns of a device.
func (w *world) edit(device int64, columns map[string]string) {
	w.t.Helper()
	require.NoError(w.t, w.cove.UpdateDevice(device, func(d *covefake.Device) {
		for code, value := range columns {
			d.Set(code, value)
		}
	}))
}

func healthy(c *clocktest.Clock, id int64) covefake.Device {
	ago := func(d time.Duration) string { return covefake.Unix(c.Now().Add(-d)) }
	return covefake.Device{AccountID: id, PartnerID: site, Settings: map[string]string{
		"AN": fmt.Sprintf("srv-%d", id), "MN": fmt.Sprintf("SRV-%d", id), "AT": "1", "OT": "2", "OS": "Windows Server 2022", "PN": "All-In", "I78": "D01D02",
		"CD": ago(5000 * time.Hour), "T0": "5", "T7": "0", "TS": ago(time.Minute), "TL": ago(2 * time.Hour), "MF": "Dell Inc.",
		"D01F00": "5", "D01F06": "0", "D01F09": ago(2 * time.Hour), "D02F00": "5", "D02F06": "0", "D02F09": ago(3 * time.Hour),
	}}
}

func (w *world) once() *statusv1.SweepCompleted {
	w.t.Helper()
	all, err := app.Once(w.t.Context(), w.opts)
	require.NoError(w.t, err)
	return all["harbor"]
}

// published returns the sweep's messages on the bus since the call before, by device, and the sweep's end.
func (w *world) published(sweep uint64) (map[string]*statusv1.Snapshot, *statusv1.SweepCompleted) {
	w.t.Helper()
	snapshots := map[string]*statusv1.Snapshot{}
	var end *statusv1.SweepCompleted
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	require.NoError(w.t, w.bus.Consume(ctx, bus.Evaluator, time.Minute, func(_ context.Context, d bus.Delivery) error {
		if d.Subject.Verb == bus.VerbSnapshot {
			s := &statusv1.Snapshot{}
			require.NoError(w.t, d.Decode(s))
			require.Nil(w.t, end, "a snapshot after the end of its sweep")
			snapshots[s.GetDeviceId()] = s
			return nil
		}
		done := &statusv1.SweepCompleted{}
		require.NoError(w.t, d.Decode(done))
		if done.GetSweep() == sweep {
			end = done
			// Ending here answers this very message with a nak; it comes again and is ignored.
			stop()
		}
		return nil
	}))
	return snapshots, end
}

func columns(s *statusv1.Snapshot) map[string]string {
	all := map[string]string{}
	for _, c := range s.GetColumns() {
		all[c.GetCode()] = c.GetValue()
	}
	return all
}

func TestTheFirstSweepPublishesEverythingAndTheNextOnlyWhatChanged(t *testing.T) {
	w := newWorld(t, 3)
	first := w.once()
	require.True(t, first.GetComplete())
	require.EqualValues(t, 3, first.GetDevices())
	snapshots, end := w.published(first.GetSweep())
	require.Len(t, snapshots, 3)
	require.Equal(t, []string{"1000", "1001", "1002"}, end.GetNewDeviceIds())
	require.Equal(t, []string{"1000", "1001", "1002"}, end.GetDeviceIds())
	got := snapshots["1001"]
	require.Equal(t, "Kiel", got.GetSite())
	require.Equal(t, &statusv1.Customer{Id: "710", Name: `Müller & Söhne "Nord"`, Level: "EndCustomer", State: "InProduction", Reference: "CWM:12"}, plain(got.GetCustomer()))
	require.Equal(t, "Dell Inc.", columns(got)["MF"], "changed devices come with their descriptive columns")
	require.Equal(t, "5", columns(got)["D02F00"])

	w.clock.Add(15 * time.Minute)
	require.NoError(t, w.cove.UpdateDevice(1000, func(d *covefake.Device) { d.Set("TS", covefake.Unix(w.clock.Now())) }))
	require.NoError(t, w.cove.UpdateDevice(1001, func(d *covefake.Device) { d.Set("D01F00", "2") }))
	require.True(t, w.cove.RemoveDevice(1002))
	second := w.once()
	require.Equal(t, first.GetSweep()+1, second.GetSweep())
	snapshots, end = w.published(second.GetSweep())
	require.Len(t, snapshots, 1, "a heartbeat is no change")
	require.Contains(t, snapshots, "1001")
	require.Equal(t, []string{"1002"}, end.GetGoneDeviceIds())
	require.Empty(t, end.GetNewDeviceIds())
	require.Equal(t, []string{"1000", "1001"}, end.GetDeviceIds())
}

func plain(c *statusv1.Customer) *statusv1.Customer {
	return &statusv1.Customer{Id: c.GetId(), Name: c.GetName(), Level: c.GetLevel(), State: c.GetState(), Reference: c.GetReference()}
}

func TestAnUnchangedFleetOfFiveThousandCostsSevenRequests(t *testing.T) {
	w := newWorld(t, 5000)
	require.True(t, w.once().GetComplete())
	w.clock.Add(20 * time.Minute) // the visa has aged out
	w.cove.ResetCounts()
	done := w.once()
	require.True(t, done.GetComplete())
	require.Zero(t, done.GetPublished())
	require.Equal(t, map[string]int{"Login": 1, "EnumerateAccountStatistics": 6}, w.cove.Counts())
	require.EqualValues(t, 7, done.GetRequests())
}

func TestWhateverCoveDoesWrongMakesTheSweepIncompleteAndTheNextRecovers(t *testing.T) {
	cases := []struct {
		says  string
		fault covefake.Fault
		want  string
	}{
		{"an RPC error", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultRPCError, Data: 13501, Message: "Operation failed because of security reasons"}, "security reasons"},
		{"a truncated page", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultTruncated}, "enumerate devices"},
		{"HTML", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultHTML}, "text/html"},
		{"an empty body", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultEmpty}, "enumerate devices"},
		{"no devices", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultNoDevices}, "no device was returned; the last complete sweep had 3"},
		{"a missing row", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultMissingRow, Rows: 1}, "the pages held 2 devices and Cove counts 3"},
		{"a repeated row", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultRepeatedRow, Rows: 1}, "came twice"},
		{"a visa that is refused again and again", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultRPCError, Data: 1701, Message: "Visa is inconsistent/corrupted."}, "Visa"},
		{"a gateway error", covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultHTTPStatus, Status: 502}, "502"},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			w := newWorld(t, 3)
			first := w.once()
			require.True(t, first.GetComplete())
			w.published(first.GetSweep())
			w.clock.Add(15 * time.Minute)
			_, err := w.cove.AddFault(c.fault)
			require.NoError(t, err)
			bad := w.once()
			require.False(t, bad.GetComplete())
			require.Contains(t, bad.GetFailure(), c.want)
			require.NotEmpty(t, bad.GetFailureClass())
			snapshots, end := w.published(bad.GetSweep())
			require.Empty(t, snapshots)
			require.False(t, end.GetComplete())
			require.Empty(t, end.GetGoneDeviceIds())

			w.cove.ClearFaults()
			w.clock.Add(15 * time.Minute)
			good := w.once()
			require.True(t, good.GetComplete())
			require.Zero(t, good.GetPublished(), "nothing changed meanwhile")
			require.Empty(t, good.GetGoneDeviceIds())
		})
	}
}

func TestAnExpiredVisaCostsOneLoginAndNothingElse(t *testing.T) {
	w := newWorld(t, 3)
	_, err := w.cove.AddFault(covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultExpiredVisa, Times: 1})
	require.NoError(t, err)
	require.True(t, w.once().GetComplete())
	require.Equal(t, 2, w.cove.Counts()["Login"])
}

func TestSessionErrorsComeWithTheSnapshotOfADeviceInTrouble(t *testing.T) {
	w := newWorld(t, 2)
	require.NoError(t, w.cove.UpdateDevice(1000, func(d *covefake.Device) { d.Set("D01F00", "2"); d.Set("T0", "2"); d.Set("D01F06", "15") }))
	require.NoError(t, w.cove.AddSession(1000, covefake.Session{
		Plugin: "FileSystem", Status: "Failed", At: covefake.Unix(w.clock.Now().Add(-time.Hour)),
		Errors: []covefake.SessionError{{Code: 5, Text: "Access denied", Filename: `D:\file.xlsx`, Count: 15}},
	}))
	snapshots, _ := w.published(w.once().GetSweep())
	require.Empty(t, snapshots["1001"].GetSourceErrors())
	require.Len(t, snapshots["1000"].GetSourceErrors(), 1)
	entry := snapshots["1000"].GetSourceErrors()[0]
	require.Equal(t, "D01", entry.GetSourceCode())
	require.Equal(t, "Failed", entry.GetSessionStatus())
	require.EqualValues(t, 15, entry.GetErrorsTotal())
	require.Len(t, entry.GetErrors(), 1)
	require.Equal(t, "Access denied", entry.GetErrors()[0].GetText())
	require.Equal(t, `D:\file.xlsx`, entry.GetErrors()[0].GetItem())
	require.EqualValues(t, 15, entry.GetErrors()[0].GetCount())
}

func TestAStorageNodeThatIsDownCostsTheCauseNotTheSweep(t *testing.T) {
	w := newWorld(t, 2)
	require.NoError(t, w.cove.UpdateDevice(1000, func(d *covefake.Device) { d.Set("D01F00", "2") }))
	_, err := w.cove.AddFault(covefake.Fault{Kind: covefake.FaultNodeDown, Match: "QuerySessions"})
	require.NoError(t, err)
	done := w.once()
	require.True(t, done.GetComplete())
	snapshots, _ := w.published(done.GetSweep())
	require.NotEmpty(t, snapshots["1000"].GetSourceErrors()[0].GetUnavailable())
}

func TestRunSweepsEachSlotOnceAlsoWithTwoPollers(t *testing.T) {
	w := newWorld(t, 2)
	ctx, stop := context.WithCancel(t.Context())
	var pollers sync.WaitGroup
	for _, id := range []string{"a", "b"} {
		opts := w.opts
		opts.ID = id
		pollers.Go(func() {
			if err := app.Run(ctx, opts); err != nil {
				t.Error(err)
			}
		})
	}
	leases, err := bus.OpenStore[*statusv1.PollLease](t.Context(), w.bus, bus.PollLease)
	require.NoError(t, err)
	swept := uint64(w.clock.Now().Unix())
	for range 4 {
		swept++
		require.Eventually(t, func() bool {
			l, _, err := leases.Get(t.Context(), "harbor")
			return err == nil && l.GetOwner() == "" && l.GetLast().GetSweep() == swept
		}, 30*time.Second, 5*time.Millisecond)
		w.clock.Add(15 * time.Minute)
	}
	stop()
	pollers.Wait()
	require.GreaterOrEqual(t, w.cove.Counts()["EnumerateAccountStatistics"], 4)
	l, _, err := leases.Get(t.Context(), "harbor")
	require.NoError(t, err)
	require.Empty(t, l.GetOwner(), "a poller that stops gives its leases back")
}

// A poller that dies between telling and remembering must not leave the readers with a picture that nobody corrects.
func TestWhatAPollerThatDiedMayHaveToldIsToldAgain(t *testing.T) {
	w := newWorld(t, 3)
	cursors, err := bus.OpenStore[*statusv1.DeviceCursor](t.Context(), w.bus, bus.PollCursor)
	require.NoError(t, err)
	require.True(t, w.once().GetComplete())

	// The picture of a glitch is told, and the process dies before it remembers that.
	w.clock.Add(15 * time.Minute)
	require.NoError(t, w.cove.UpdateDevice(1000, func(d *covefake.Device) { d.Set("D01F00", "2") }))
	require.True(t, w.once().GetComplete())
	_, err = cursors.Update(t.Context(), "harbor.devices", func(c *statusv1.DeviceCursor) (*statusv1.DeviceCursor, error) {
		for _, d := range c.GetDevices() {
			if d.GetId() == "1000" {
				d.Fingerprint, d.Unsettled = 0, true // as it stands between the two writes of a sweep
			}
		}
		return c, nil
	})
	require.NoError(t, err)

	w.clock.Add(15 * time.Minute)
	require.NoError(t, w.cove.UpdateDevice(1000, func(d *covefake.Device) { d.Set("D01F00", "5") }))
	again := w.once()
	require.EqualValues(t, 1, again.GetPublished(), "although it looks as it did before the glitch")
	snapshots, _ := w.published(again.GetSweep())
	require.Equal(t, "5", columns(snapshots["1000"])["D01F00"])
	w.clock.Add(15 * time.Minute)
	require.Zero(t, w.once().GetPublished())
}
