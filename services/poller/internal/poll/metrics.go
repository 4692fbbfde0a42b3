package poll

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Metrics count sweeps.
type Metrics struct {
	sweeps    *prometheus.CounterVec
	requests  prometheus.Counter
	snapshots prometheus.Counter
	seconds   prometheus.Histogram
}

const complete = "complete"

// NewMetrics registers a poller's metrics; a nil registerer leaves them unregistered.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		sweeps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_poller_sweeps_total", Help: `Sweeps that ended, by result: "complete" or the class of what made them incomplete.`,
		}, []string{"result"}),
		requests: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "covewise_poller_requests_total", Help: "Requests sent to Cove by sweeps.",
		}),
		snapshots: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "covewise_poller_snapshots_total", Help: "Snapshots of changed devices published.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "covewise_poller_sweep_seconds", Help: "Time a sweep took, on the service's clock.",
			Buckets: prometheus.ExponentialBuckets(0.25, 2, 12),
		}),
	}
	m.sweeps.WithLabelValues(complete)
	for _, class := range errclass.All() {
		m.sweeps.WithLabelValues(class.String())
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.sweeps), reg.Register(m.requests), reg.Register(m.snapshots), reg.Register(m.seconds))
}

func (m *Metrics) observe(done *statusv1.SweepCompleted, took time.Duration) {
	result := complete
	if !done.GetComplete() {
		result = done.GetFailureClass()
	}
	m.sweeps.WithLabelValues(result).Inc()
	m.requests.Add(float64(done.GetRequests()))
	m.snapshots.Add(float64(done.GetPublished()))
	m.seconds.Observe(took.Seconds())
}
