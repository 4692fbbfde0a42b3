package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

const storm = 1000

// behind puts a server in front of the fake that answers after a latency on a clock, at a board nobody has seen.
func (w *world) behind(latency time.Duration, pace clock.Clock) {
	w.t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if pace.Sleep(r.Context(), latency) == nil {
			w.cw.ServeHTTP(rw, r)
		}
	}))
	w.t.Cleanup(web.Close)
	w.url = web.URL
	w.settings(func(s *tenantv1.Settings) { s.Connectwise.Url = web.URL })
	w.change(func(l *companyv1.Link) { l.Server = "" })
}

// stormOf publishes the events of many devices at once.
func (w *world) stormOf(devices []string, revision uint32, kind incidentv1.EventKind) {
	w.t.Helper()
	verb := map[incidentv1.EventKind]string{failed: bus.VerbFailed, changed: bus.VerbChanged, resolved: bus.VerbResolved}[kind]
	var all []bus.Message
	for _, d := range devices {
		e := w.incident(d, revision, kind)
		all = append(all, bus.Message{
			Subject: bus.Subject{Family: bus.Incident, Verb: verb, Tenant: "harbor", Key: d},
			ID:      fmt.Sprintf("incident:harbor:%s:%d", e.GetIncidentId(), revision), Body: e,
		})
	}
	require.NoError(w.t, w.bus.PublishAll(w.t.Context(), all))
}

func deviceIDs(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(10_000 + i)
	}
	return all
}

// ticketed waits until the server has that many tickets, and returns how long that took on a clock.
func (w *world) ticketed(n int, pace clock.Clock, since time.Time) time.Duration {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.cw.Counts()[postTicket] >= n }, 5*time.Minute, 10*time.Millisecond)
	return pace.Now().Sub(since)
}

func TestAThousandFailuresCostAThousandRequests(t *testing.T) {
	w := newWorld(t)
	w.behind(0, clock.System())
	w.cw.ResetCounts()
	w.start()
	devices := deviceIDs(storm)
	w.stormOf(devices, 1, failed)
	w.drained()
	for _, d := range devices {
		require.True(t, w.inPhase(d, open, 1)(), d)
	}
	require.Len(t, w.cw.OpenTickets(), storm)
	require.Empty(t, w.cw.Duplicates())
	require.LessOrEqual(t, len(w.cw.Requests()), storm+10)
	t.Logf("%d tickets in %d requests", storm, len(w.cw.Requests()))
}

// accelerated has a ticketer live on a clock that is four times as fast as the machine's.
func accelerated(pace clock.Clock) func(*app.Options) {
	return func(o *app.Options) { o.Pace, o.Clock, o.SearchPatience = pace, pace, 4*time.Minute }
}

// BenchmarkStorm measures how long it takes to give 1,000 devices their tickets at 200 ms a request, against what the
// limiter of 800 a minute with a burst of 20 allows, on a clock four times as fast as the machine's, on four partitions.
func BenchmarkStorm(b *testing.B) {
	for b.Loop() {
		w := newWorld(b)
		pace := clock.Accelerated(time.Now(), 4)
		w.behind(200*time.Millisecond, pace)
		w.cw.ResetCounts()
		w.start(accelerated(pace))
		began := pace.Now()
		w.stormOf(deviceIDs(storm), 1, failed)
		took := w.ticketed(storm, pace, began)
		allowed := time.Duration(float64(len(w.cw.Requests())-20) / 800 * float64(time.Minute))
		b.ReportMetric(took.Seconds(), "s/storm")
		b.ReportMetric(float64(took)/float64(allowed), "of-limiter")
		b.ReportMetric(float64(len(w.cw.Requests())), "requests")
	}
}

// BenchmarkCreatesAmongNotes measures how long 100 new failures wait for their tickets when 400 notes were asked for
// a moment before. Without giving way they would wait for all of them: 500 requests take 36 s at 800 a minute.
func BenchmarkCreatesAmongNotes(b *testing.B) {
	for b.Loop() {
		w := newWorld(b)
		pace := clock.Accelerated(time.Now(), 4)
		w.behind(200*time.Millisecond, pace)
		stop := w.start()
		old := deviceIDs(400)
		w.stormOf(old, 1, failed)
		w.drained()
		stop()
		w.start(accelerated(pace))
		began := pace.Now()
		w.stormOf(old, 2, changed)
		w.stormOf(deviceIDs(500)[400:], 1, failed)
		b.ReportMetric(w.ticketed(500, pace, began).Seconds(), "s/creates")
		b.ReportMetric(float64(w.cw.Counts()[postNote]), "notes-before")
	}
}
