package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/covewise/covewise/connectors/connectwise"
)

// queueMetrics tells how many requests wait for their turn at the ConnectWise servers.
func queueMetrics(r prometheus.Registerer, limits *connectwise.Limits) error {
	if r == nil {
		return nil
	}
	for name, count := range map[string]func() int{
		"first": func() int { first, _ := limits.Waiting(); return first },
		"later": func() int { _, later := limits.Waiting(); return later },
	} {
		err := r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "covewise_connectwise_waiting", ConstLabels: prometheus.Labels{"lane": name},
			Help: "Requests that wait for their turn at a ConnectWise server: creations and reads go first, notes and changes later.",
		}, func() float64 { return float64(count()) }))
		if err != nil {
			return err
		}
	}
	return nil
}
