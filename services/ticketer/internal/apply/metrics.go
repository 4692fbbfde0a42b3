package apply

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Metrics count what the ticketer does. Every series exists from the start.
type Metrics struct {
	actions  *prometheus.CounterVec
	failures *prometheus.CounterVec
	parked   *prometheus.GaugeVec
	lag      *prometheus.HistogramVec
	register prometheus.Registerer
}

// NewMetrics registers the metrics; a nil registerer keeps them unregistered.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		register: r,
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_ticketer_actions_total", Help: "Actions told on the bus, by action.",
		}, []string{"action"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_ticketer_failures_total", Help: "Requests to ConnectWise that failed, by error class.",
		}, []string{"class"}),
		parked: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "covewise_ticketer_parked", Help: "Incidents that wait, by reason, as this process sees them.",
		}, []string{"reason"}),
		lag: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "covewise_ticketer_lag_seconds", Help: "Time from the sweep that saw the device so to the ticket that says so, by action.",
			Buckets: []float64{1, 5, 15, 60, 300, 900, 3600, 14400, 86400},
		}, []string{"action"}),
	}
	for _, action := range []string{"created", "closed"} {
		m.lag.WithLabelValues(action)
	}
	for n := range ticketv1.Action_name {
		if a := ticketv1.Action(n); a != ticketv1.Action_ACTION_UNSPECIFIED {
			m.actions.WithLabelValues(verb(a))
		}
	}
	for _, c := range errclass.All() {
		m.failures.WithLabelValues(c.String())
	}
	m.Parked(nil)
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.actions, m.failures, m.parked, m.lag} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Parked sets how many incidents wait for each reason.
func (m *Metrics) Parked(byReason map[ticketv1.ParkReason]int) {
	for n := range ticketv1.ParkReason_name {
		if r := ticketv1.ParkReason(n); r != ticketv1.ParkReason_PARK_REASON_UNSPECIFIED {
			m.parked.WithLabelValues(reasonName(r)).Set(float64(byReason[r]))
		}
	}
}

// observeLag records how late an action was.
func (m *Metrics) observeLag(action string, lag time.Duration) {
	m.lag.WithLabelValues(action).Observe(max(lag, 0).Seconds())
}

// Requests registers the counts of requests, which read returns.
func (m *Metrics) Requests(read func() (all, writes int64)) error {
	if m.register == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "covewise_ticketer_requests_total", Help: "Requests sent to ConnectWise.",
		}, func() float64 { all, _ := read(); return float64(all) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "covewise_ticketer_writes_total", Help: "Requests sent to ConnectWise that were to change something.",
		}, func() float64 { _, writes := read(); return float64(writes) }),
	} {
		if err := m.register.Register(c); err != nil {
			return err
		}
	}
	return nil
}
