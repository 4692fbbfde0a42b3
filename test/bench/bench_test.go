// Package bench measures the real program on large fleets. Each figure stands beside a reference that is measured in
// the same run, because machines differ.
package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/test/harness"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(envRequests); name != "" {
		if err := readIntoNothing(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(harness.Main(m))
}

// What must hold for a sweep of an unchanged fleet of 5,000 devices.
const (
	devices      = 5000
	mostRequests = 7
	mostMemory   = 250 // MB
)

// BenchmarkSweepOfAnUnchangedFleet lets `covewise up` sweep 5,000 devices that do not change, with every service and the
// bus in its process. One operation is one sweep.
func BenchmarkSweepOfAnUnchangedFleet(b *testing.B) {
	ids := make([]int64, devices)
	for i := range ids {
		ids[i] = int64(100_001 + i)
	}
	tap := &tap{}
	site := harness.NewSite(b, harness.Fleet(ids...), harness.Companies(), tap.around)
	began := time.Now()
	up := site.Up()
	// The first sweep describes every device; it is none of an unchanged fleet.
	first := sweepAfter(b, up, 0)
	b.Logf("first sweep of %d devices: %d requests to Cove, done %s after the start of the program; resident memory then %d MB",
		devices, first.LastSweep.Requests, time.Since(began).Round(100*time.Millisecond), memory(b, up, "VmRSS"))
	up.WaitAtEase("every device is judged", pause, func() bool {
		now, ok := up.Overview(b.Context())
		return ok && now.Devices.Healthy == devices
	})
	b.Logf("every device judged %s after the start of the program", time.Since(began).Round(100*time.Millisecond))
	warm := sweepAfter(b, up, first.LastSweep.Number)

	for range b.N {
		tap.reset()
		site.PSA.ResetCounts()
		cpu := cpuTime(b, up)
		sweep := sweepAfter(b, up, warm.LastSweep.Number)
		warm = sweep
		seen := tap.taken()
		require.True(b, sweep.LastSweep.Complete, sweep.LastSweep.Failure)
		require.Zero(b, sweep.OpenIncidents)
		require.NotEmpty(b, seen)
		took := seen[len(seen)-1].ended.Sub(seen[0].began)
		reference, size := replay(b, seen)

		b.Logf("one sweep of %d unchanged devices: %d requests to Cove (at most %d), %d writes to ConnectWise (none), %s from the first request to the last answer at 4 requests/s, %s of CPU in an interval of 10 s",
			devices, len(seen), mostRequests, site.PSA.Writes(), took.Round(time.Millisecond), (cpuTime(b, up) - cpu).Round(10*time.Millisecond))
		b.Logf("reference, the same %d requests with %.1f MB of answers read into nothing: %s", len(seen), float64(size)/1e6, reference.Round(time.Millisecond))
		b.Logf("resident memory of the program: %d MB now, %d MB at most (limit %d MB)", memory(b, up, "VmRSS"), memory(b, up, "VmHWM"), mostMemory)
		b.ReportMetric(float64(len(seen)), "cove-requests/op")
		b.ReportMetric(float64(site.PSA.Writes()), "cwm-writes/op")
		b.ReportMetric(took.Seconds()*1e3, "sweep-ms/op")
		b.ReportMetric(reference.Seconds()*1e3, "reference-ms/op")
		b.ReportMetric((cpuTime(b, up)-cpu).Seconds()*1e3, "cpu-ms/op")
		b.ReportMetric(float64(memory(b, up, "VmRSS")), "rss-MB")
		b.ReportMetric(float64(memory(b, up, "VmHWM")), "rss-peak-MB")
		if len(seen) > mostRequests || site.PSA.Writes() != 0 {
			b.Errorf("%d requests to Cove and %d writes to ConnectWise; at most %d and none are allowed", len(seen), site.PSA.Writes(), mostRequests)
		}
		if peak := memory(b, up, "VmHWM"); peak >= mostMemory {
			b.Errorf("resident memory was %d MB; it must stay under %d MB", peak, mostMemory)
		}
	}
}

// pause is between two looks at the page. It is long, because a look costs the program what it is measured by.
const pause = 500 * time.Millisecond

// sweepAfter waits until a sweep of a higher number is over.
func sweepAfter(b *testing.B, up *harness.Up, number uint64) harness.Overview {
	b.Helper()
	var now harness.Overview
	up.WaitAtEase(fmt.Sprintf("sweep %d has a successor", number), pause, func() bool {
		var ok bool
		now, ok = up.Overview(b.Context())
		return ok && now.LastSweep.Number > number
	})
	return now
}

// exchange is a request that the fake Cove answered.
type exchange struct {
	url          string
	header       http.Header
	body         []byte
	began, ended time.Time
}

// tap writes down what goes to the fake Cove.
type tap struct {
	mu   sync.Mutex
	seen []exchange
}

func (t *tap) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.seen = append(t.seen, exchange{"http://" + r.Host + r.URL.RequestURI(), r.Header.Clone(), body, began, time.Now()})
	})
}

func (t *tap) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = nil
}

func (t *tap) taken() []exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.seen)
}

// replay sends the same requests again, one after the other, and reads the answers into nothing.
func replay(b *testing.B, all []exchange) (took time.Duration, size int64) {
	b.Helper()
	began := time.Now()
	for _, e := range all {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, e.url, bytes.NewReader(e.body))
		require.NoError(b, err)
		for name, values := range e.header {
			if name != "Accept-Encoding" && name != "Content-Length" {
				req.Header[name] = values
			}
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(b, errors.Join(err, resp.Body.Close()))
		require.Equal(b, http.StatusOK, resp.StatusCode)
		size += n
	}
	return time.Since(began), size
}

// memory reads a size from the program's status, in MB.
func memory(b *testing.B, up *harness.Up, name string) int {
	b.Helper()
	return status(b, up.PID(), name)
}

// status reads a size from a process's status, in MB.
func status(b *testing.B, pid int, name string) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name+":" {
			kilobytes, err := strconv.Atoi(fields[1])
			require.NoError(b, err)
			return kilobytes / 1000
		}
	}
	b.Fatalf("the program's status has no %s", name)
	return 0
}

// cpuTime is what the program has used so far. The kernel counts it in hundredths of a second.
func cpuTime(b *testing.B, up *harness.Up) time.Duration {
	b.Helper()
	return cpuOf(b, up.PID())
}

// cpuOf is what a process has used so far, in hundredths of a second.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(b, err)
	// The program's name, in parentheses, may hold spaces; user and system time are the 12th and 13th after it.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	require.Greater(b, len(fields), 13)
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		require.NoError(b, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
