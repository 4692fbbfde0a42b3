package sweeps

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// Metrics counts what the evaluator decides.
type Metrics struct {
	decisions *prometheus.CounterVec
	incidents *prometheus.CounterVec
	groups    *prometheus.CounterVec
	tenants   *prometheus.CounterVec
	seconds   prometheus.Histogram
}

// NewMetrics makes the evaluator's metrics, every label at zero, and registers them unless reg is nil.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_evaluator_decisions_total", Help: "Devices judged at complete sweeps, by how they stood.",
		}, []string{"outcome"}),
		incidents: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_evaluator_incidents_total", Help: "Incident events of devices decided, by kind.",
		}, []string{"kind"}),
		groups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_evaluator_group_incidents_total", Help: "Events of group incidents told, by kind.",
		}, []string{"kind"}),
		tenants: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_evaluator_not_swept_total", Help: "Events told of tenants without a complete sweep, by kind.",
		}, []string{"kind"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "covewise_evaluator_sweep_seconds", Help: "Time to judge a tenant at the end of a sweep.",
			Buckets: prometheus.ExponentialBuckets(0.005, 4, 8),
		}),
	}
	for _, outcome := range outcomes() {
		m.decisions.WithLabelValues(outcome.String())
	}
	for _, kind := range kinds() {
		m.incidents.WithLabelValues(verb(kind))
		m.groups.WithLabelValues(verb(kind))
		m.tenants.WithLabelValues(verb(kind))
	}
	if reg == nil {
		return m, nil
	}
	if err := errors.Join(reg.Register(m.decisions), reg.Register(m.incidents), reg.Register(m.groups), reg.Register(m.tenants), reg.Register(m.seconds)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

// outcomes are those that are counted: a device that is gone is judged no more.
func outcomes() []judge.Outcome {
	return []judge.Outcome{judge.Healthy, judge.InTrouble, judge.Excluded, judge.Unknown}
}

func kinds() []incidentv1.EventKind {
	return []incidentv1.EventKind{
		incidentv1.EventKind_EVENT_KIND_FAILED, incidentv1.EventKind_EVENT_KIND_CHANGED, incidentv1.EventKind_EVENT_KIND_RESOLVED,
	}
}

func (m *Metrics) observe(t *task, took time.Duration) {
	for _, outcome := range outcomes() {
		m.decisions.WithLabelValues(outcome.String()).Add(float64(t.account.outcomes[outcome]))
	}
	for _, kind := range kinds() {
		m.incidents.WithLabelValues(verb(kind)).Add(float64(t.events[kind]))
	}
	m.seconds.Observe(took.Seconds())
}
