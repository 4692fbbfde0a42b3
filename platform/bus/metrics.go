package bus

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// outcomes are what can become of a delivered message.
const (
	outcomeAcked       = "acked"
	outcomeRedelivered = "redelivered"
	outcomeDead        = "dead_letter"
)

type metrics struct {
	published *prometheus.CounterVec
	handled   *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer, t topology) (*metrics, error) {
	m := &metrics{
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_bus_published_total", Help: "Messages stored on the bus, by stream.",
		}, []string{"stream"}),
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_bus_handled_total", Help: "Messages taken from the bus, by role and by what became of them.",
		}, []string{"role", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "covewise_bus_handler_seconds", Help: "Time a handler took for one message, by role.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"role"}),
	}
	// Every label exists from the start, so that a rate or an absence can be alerted on before the first event.
	for _, s := range t.streams {
		m.published.WithLabelValues(s.name)
	}
	for _, c := range t.consumers {
		for _, outcome := range []string{outcomeAcked, outcomeRedelivered, outcomeDead} {
			m.handled.WithLabelValues(string(c.role), outcome)
		}
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.published), reg.Register(m.handled), reg.Register(m.seconds))
}
