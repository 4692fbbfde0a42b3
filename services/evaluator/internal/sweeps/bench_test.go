package sweeps_test

import (
	"fmt"
	"log/slog"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
)

const benchDevices = 500 // of each tenant

// BenchmarkJudging tells how many devices are judged in a second from a bus to the bus, on one partition (one tenant) and on
// all (eight tenants): when nothing changed, so that states are read and nothing is written, and when every device
// changes, so that a state and an event are written for each. Beside it stand bare publishes of an event's size, by as
// many at once as the evaluator has under way. The test's server does not sync each write, as the product's does: the
// figures compare judging with publishing on the same server, and are not the product's throughput.
func BenchmarkJudging(b *testing.B) {
	for name, tenants := range map[string]int{"one partition": 1, "all partitions": 8} {
		b.Run("unchanged, "+name, func(b *testing.B) { benchmark(b, tenants, func(uint64) string { return "2" }) })
		b.Run("all changed, "+name, func(b *testing.B) {
			benchmark(b, tenants, func(sweep uint64) string { return []string{"5", "2"}[sweep%2] })
		})
	}
	b.Run("bare publishes, 16 at once", func(b *testing.B) {
		w := newWorld(b)
		event := anEvent(b, w)
		n := 0
		for b.Loop() {
			var workers errgroup.Group
			workers.SetLimit(16)
			for range benchDevices {
				n++
				workers.Go(func() error {
					return w.bus.Publish(b.Context(), bus.Message{
						Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbFailed, Tenant: "harbor", Key: strconv.Itoa(n)},
						ID:      fmt.Sprintf("bare:%d", n), Body: event,
					})
				})
			}
			require.NoError(b, workers.Wait())
		}
		b.ReportMetric(float64(proto.Size(event)), "bytes/event")
		b.ReportMetric(float64(b.N*benchDevices)/b.Elapsed().Seconds(), "publishes/s")
	})
}

// anEvent is an event as the evaluator publishes it for a device that failed.
func anEvent(b *testing.B, w *world) *incidentv1.Event {
	b.Helper()
	w.consume(w.handler(func(h *sweeps.Handler) { h.Logger = slog.New(slog.DiscardHandler) }))
	w.publishErrored(1, map[string]string{"1": nodeDown})
	w.complete(listing("harbor", 1, "1"))
	w.settled()
	return w.events()[0]
}

func benchmark(b *testing.B, tenants int, status func(sweep uint64) string) {
	w := newWorld(b)
	names := make([]string, tenants)
	ids := make([]string, benchDevices)
	for i := range ids {
		ids[i] = strconv.Itoa(i + 1)
	}
	for i := range names {
		names[i] = fmt.Sprintf("tenant-%d", i)
		w.configure(names[i])
	}
	w.consume(w.handler(func(h *sweeps.Handler) { h.Logger = slog.New(slog.DiscardHandler) }))
	before := ""
	round := func(sweep uint64) {
		b.StopTimer()
		for _, tenant := range names {
			var all []bus.Message
			for _, id := range ids {
				all = append(all, bus.Message{
					Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: tenant, Key: id},
					ID:      fmt.Sprintf("snapshot:%s:%s:%d", tenant, id, sweep), Body: server(tenant, id, sweep, status(sweep)),
				})
			}
			if status(sweep) != before {
				require.NoError(b, w.bus.PublishAll(b.Context(), all))
			}
		}
		before = status(sweep)
		w.settled()
		ends := make([]*statusv1.SweepCompleted, tenants)
		for i, tenant := range names {
			ends[i] = listing(tenant, sweep, ids...)
		}
		b.StartTimer()
		for _, end := range ends {
			w.complete(end)
		}
		w.settled()
	}
	round(1)
	b.ResetTimer()
	sweep := uint64(1)
	for b.Loop() {
		sweep++
		round(sweep)
	}
	b.ReportMetric(float64(b.N*tenants*benchDevices)/b.Elapsed().Seconds(), "devices/s")
}
