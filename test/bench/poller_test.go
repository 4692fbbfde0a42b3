package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
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
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	poller "github.com/covewise/covewise/services/poller/app"
	"github.com/covewise/covewise/test/harness"
)

// What is aimed at for a sweep of an unchanged fleet of 10,000 devices by a poller alone.
const (
	pollerDevices  = 10_000
	pollerRequests = 12
	pollerMemory   = 150 // MB
)

// BenchmarkPollerOnTenThousandUnchangedDevices lets the poller, in a process of its own, sweep 10,000 devices that do
// not change. The bus and the fake Cove are in this process, so the figures are the poller's. Beside it stands what it
// costs another process of its own to read the same answers into nothing. One operation is one sweep.
func BenchmarkPollerOnTenThousandUnchangedDevices(b *testing.B) {
	p := newPollerSite(b)
	first := p.start()
	p.sweep(0)
	b.Logf("first sweep of %d devices, every one published: %d MB at most", pollerDevices, status(b, first.PID(), "VmHWM"))
	first.Signal(syscall.SIGTERM)
	require.Zero(b, first.Exit(10*time.Second))

	process := p.start()
	last := p.sweep(p.lease().GetSweep())
	require.Zero(b, last.GetPublished())
	for range b.N {
		p.tap.reset()
		cpu, began := cpuOf(b, process.PID()), time.Now()
		done := p.sweep(last.GetSweep())
		took, used := time.Since(began), cpuOf(b, process.PID())-cpu
		last = done
		require.True(b, done.GetComplete(), done.GetFailure())
		require.EqualValues(b, pollerDevices, done.GetDevices())
		require.Zero(b, done.GetPublished())
		reference := p.discard()
		peak := status(b, process.PID(), "VmHWM")
		b.Logf("one sweep of %d unchanged devices: %d requests (at most %d), %.1f MB of answers, %s of CPU, %s in all without a rate limit, %d MB resident at most (aim: %d MB)",
			pollerDevices, done.GetRequests(), pollerRequests, float64(reference.Bytes)/1e6, used, took.Round(time.Millisecond), peak, pollerMemory)
		b.Logf("reference, the same bytes read into nothing: %s of CPU, %s in all", reference.CPU.Round(time.Millisecond), reference.Took.Round(time.Millisecond))
		b.Logf("ratio: %.1f times the CPU", used.Seconds()/reference.CPU.Seconds())
		b.ReportMetric(float64(done.GetRequests()), "cove-requests/op")
		b.ReportMetric(float64(reference.Bytes)/1e6, "MB/op")
		b.ReportMetric(used.Seconds()*1e3, "cpu-ms/op")
		b.ReportMetric(reference.CPU.Seconds()*1e3, "reference-cpu-ms/op")
		b.ReportMetric(used.Seconds()/reference.CPU.Seconds(), "cpu-ratio")
		b.ReportMetric(float64(peak), "rss-peak-MB")
		if done.GetRequests() > pollerRequests {
			b.Errorf("%d requests to Cove; at most %d are allowed", done.GetRequests(), pollerRequests)
		}
	}
}

// pollerSite is a bus, a fake Cove and one tenant, without a poller.
type pollerSite struct {
	b       *testing.B
	program string
	url     string // of the bus
	bus     *bus.Bus
	leases  *bus.Store[*statusv1.PollLease]
	tap     *tap
}

func newPollerSite(b *testing.B) *pollerSite {
	b.Helper()
	p := &pollerSite{b: b, tap: &tap{}}
	p.program = filepath.Join(harness.Build(b, "github.com/covewise/covewise/services/poller/cmd/poller"), "poller")
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: b.TempDir(), NoSigs: true, NoLog: true})
	require.NoError(b, err)
	s.Start()
	b.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(b, s.ReadyForConnections(10*time.Second))
	p.url = s.ClientURL()
	nc, err := nats.Connect(p.url)
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	require.NoError(b, bus.Provision(b.Context(), js, bus.ProvisionOptions{Partitions: bustest.Partitions, Replicas: 1}))
	p.bus = bustest.Open(b, nc)

	const password = "a-token-of-cove"
	cove := covefake.New(covefake.Options{Username: "psa-sync", Password: password})
	ids := make([]int64, pollerDevices)
	for i := range ids {
		ids[i] = int64(100_001 + i)
	}
	require.NoError(b, cove.SetFleet(harness.Fleet(ids...)))
	api := httptest.NewServer(p.tap.around(cove))
	b.Cleanup(api.Close)
	secret := filepath.Join(b.TempDir(), "cove.secret")
	require.NoError(b, os.WriteFile(secret, []byte(password), 0o600))
	tenants, err := bus.OpenStore[*tenantv1.Settings](b.Context(), p.bus, bus.Tenants)
	require.NoError(b, err)
	_, err = tenants.Put(b.Context(), "harbor", &tenantv1.Settings{
		SchemaVersion: 1, Id: "harbor", PollInterval: durationpb.New(24 * time.Hour),
		Cove: &tenantv1.Cove{Url: api.URL + "/jsonapi", Username: "psa-sync", Password: &tenantv1.SecretRef{File: secret}},
	}, 0)
	require.NoError(b, err)
	p.leases, err = bus.OpenStore[*statusv1.PollLease](b.Context(), p.bus, bus.PollLease)
	require.NoError(b, err)
	return p
}

func (p *pollerSite) start() *harness.Process {
	p.b.Helper()
	return harness.StartProcess(p.b, "poller", p.program, nil, []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "NATS_URL=" + p.url, "LOG_FORMAT=text", "POLLER_ID=bench", "POLLER_REQUESTS_PER_SECOND=+Inf",
	})
}

func (p *pollerSite) lease() *statusv1.PollLease {
	p.b.Helper()
	l, _, err := p.leases.Get(p.b.Context(), "harbor")
	require.NoError(p.b, err)
	return l
}

// sweep asks for a sweep, unless the tenant was never swept, and waits until one with a higher number is over.
func (p *pollerSite) sweep(after uint64) *statusv1.SweepCompleted {
	p.b.Helper()
	if after > 0 {
		require.NoError(p.b, poller.SyncNow(p.b.Context(), p.bus, "harbor"))
	}
	require.Eventually(p.b, func() bool { return p.lease().GetLast().GetSweep() > after }, time.Minute, 10*time.Millisecond)
	return p.lease().GetLast()
}

// reading is what it cost to read the answers to some requests into nothing.
type reading struct {
	Bytes     int64
	CPU, Took time.Duration
}

// envRequests names the file with requests to send, in the environment of the process that discard starts.
const envRequests = "COVEWISE_BENCH_REQUESTS"

// wireExchange is a request in that file.
type wireExchange struct {
	URL    string
	Header http.Header
	Body   []byte
}

// discard sends the requests of the last sweep again, from another process, and reads the answers into nothing.
func (p *pollerSite) discard() reading {
	p.b.Helper()
	var requests []wireExchange
	for _, e := range p.tap.taken() {
		requests = append(requests, wireExchange{e.url, e.header, e.body})
	}
	raw, err := json.Marshal(requests)
	require.NoError(p.b, err)
	name := filepath.Join(p.b.TempDir(), "requests.json")
	require.NoError(p.b, os.WriteFile(name, raw, 0o600))
	self, err := os.Executable()
	require.NoError(p.b, err)
	cmd := exec.CommandContext(p.b.Context(), self)
	cmd.Env = append(os.Environ(), envRequests+"="+name)
	out, err := cmd.Output()
	require.NoError(p.b, err)
	var r reading
	require.NoError(p.b, json.Unmarshal(out, &r))
	return r
}

// readIntoNothing is what that process does.
func readIntoNothing(name string) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var requests []wireExchange
	if err := json.Unmarshal(raw, &requests); err != nil {
		return err
	}
	var r reading
	began := time.Now()
	before, err := ownUsage()
	if err != nil {
		return err
	}
	for _, e := range requests {
		req, err := http.NewRequest(http.MethodPost, e.URL, bytes.NewReader(e.Body))
		if err != nil {
			return err
		}
		req.Header = e.Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		r.Bytes += n
	}
	after, err := ownUsage()
	if err != nil {
		return err
	}
	cpu := func(u syscall.Rusage) time.Duration {
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	r.CPU, r.Took = cpu(after)-cpu(before), time.Since(began)
	return json.NewEncoder(os.Stdout).Encode(r)
}

func ownUsage() (u syscall.Rusage, err error) {
	err = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u, err
}
