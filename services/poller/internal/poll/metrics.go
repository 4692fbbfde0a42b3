package poll

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Metrics count sweeps and tell how the tenants stand.
type Metrics struct {
	sweeps    *prometheus.CounterVec
	requests  prometheus.Counter
	snapshots prometheus.Counter
	repeated  prometheus.Counter
	skipped   prometheus.Counter
	seconds   prometheus.Histogram

	failing *prometheus.GaugeVec
	running prometheus.Gauge
	lag     prometheus.Gauge
}

const complete = "complete"

// NewMetrics registers a poller's metrics; a nil registerer leaves them unregistered.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &Metrics{
		sweeps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_poller_sweeps_total", Help: `Sweeps that ended, by result: "complete" or the class of what made them incomplete.`,
		}, []string{"result"}),
		requests:  counter("covewise_poller_requests_total", "Requests sent to Cove by sweeps."),
		snapshots: counter("covewise_poller_snapshots_total", "Snapshots of changed devices published."),
		repeated:  counter("covewise_poller_enumerations_repeated_total", "Enumerations begun anew because their pages did not fit together."),
		skipped:   counter("covewise_poller_nodes_skipped_total", "Storage nodes given up for the rest of a sweep."),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "covewise_poller_sweep_seconds", Help: "Time a sweep took, on the service's clock.",
			Buckets: prometheus.ExponentialBuckets(0.25, 2, 14),
		}),
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "covewise_poller_tenants_failing", Help: "Tenants, of all pollers, whose last sweep was incomplete, by the class of the failure. They are swept less often the longer it lasts.",
		}, []string{"class"}),
		running: gauge("covewise_poller_sweeps_running", "Sweeps that this poller carries out now."),
		lag:     gauge("covewise_poller_lag_seconds", "How long the tenant that is due for longest has been waiting for a poller; never swept tenants left out."),
	}
	m.sweeps.WithLabelValues(complete)
	for _, class := range errclass.All() {
		m.sweeps.WithLabelValues(class.String())
		m.failing.WithLabelValues(class.String())
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.sweeps, m.requests, m.snapshots, m.repeated, m.skipped, m.seconds, m.failing, m.running, m.lag} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

func (m *Metrics) observe(done *statusv1.SweepCompleted, took time.Duration) {
	result := complete
	if !done.GetComplete() {
		result = done.GetFailureClass()
	}
	m.sweeps.WithLabelValues(result).Inc()
	m.requests.Add(float64(done.GetRequests()))
	m.snapshots.Add(float64(done.GetPublished()))
	m.repeated.Add(float64(done.GetEnumerationsRepeated()))
	m.skipped.Add(float64(len(done.GetNodesSkipped())))
	m.seconds.Observe(took.Seconds())
}

// survey is how the tenants stand at one time.
type survey struct {
	now     time.Time
	failing map[string]int // tenants by class of failure
	lag     time.Duration
}

func newSurvey(now time.Time) *survey { return &survey{now: now, failing: map[string]int{}} }

func (s *survey) lease(l *statusv1.PollLease) {
	if l.GetFailures() > 0 {
		s.failing[l.GetLast().GetFailureClass()]++
	}
}

func (s *survey) due(at time.Time) {
	if !at.IsZero() {
		s.lag = max(s.lag, s.now.Sub(at))
	}
}

func (m *Metrics) survey(s *survey, running int) {
	for _, class := range errclass.All() {
		m.failing.WithLabelValues(class.String()).Set(float64(s.failing[class.String()]))
	}
	m.running.Set(float64(running))
	m.lag.Set(s.lag.Seconds())
}
