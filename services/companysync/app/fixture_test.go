package app_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock/clocktest"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/app"
)

// world is a bus, a ConnectWise server for each tenant, and company-sync between them.
type world struct {
	t       *testing.T
	nc      *nats.Conn
	bus     *bus.Bus
	links   *bus.Store[*companyv1.Link]
	tenants *bus.Store[*tenantv1.Settings]
	clock   *clocktest.Clock
	env     sync.Map // environment variables of company-sync
	asked   int
	metrics []*prometheus.Registry // of each instance
}

func newWorld(t *testing.T) *world {
	t.Helper()
	nc := bustest.Start(t)
	w := &world{t: t, nc: nc, bus: bustest.Open(t, nc), clock: clocktest.New(time.Date(2026, 11, 20, 22, 10, 0, 0, time.UTC))}
	var err error
	w.links, err = bus.OpenStore[*companyv1.Link](t.Context(), w.bus, bus.CompanyMap)
	require.NoError(t, err)
	w.tenants, err = bus.OpenStore[*tenantv1.Settings](t.Context(), w.bus, bus.Tenants)
	require.NoError(t, err)
	w.env.Store("CW_PUBLIC", cwfake.DefaultPublicKey)
	w.env.Store("CW_PRIVATE", cwfake.DefaultPrivateKey)
	return w
}

// tenant adds a tenant with a ConnectWise server of its own.
func (w *world) tenant(id string, change func(*tenantv1.Settings)) *cwfake.Server {
	w.t.Helper()
	fake := cwfake.New(cwfake.Options{})
	server := httptest.NewServer(fake)
	w.t.Cleanup(server.Close)
	settings := &tenantv1.Settings{
		SchemaVersion: 1, Id: id, Mode: tenantv1.Mode_MODE_SHADOW,
		Connectwise: &tenantv1.ConnectWise{
			Url: server.URL, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
			PublicKey: &tenantv1.SecretRef{Env: "CW_PUBLIC"}, PrivateKey: &tenantv1.SecretRef{Env: "CW_PRIVATE"},
		},
		Companies: &tenantv1.Companies{},
	}
	if change != nil {
		change(settings)
	}
	_, err := w.tenants.Put(w.t.Context(), bus.Key(id), settings, 0)
	require.NoError(w.t, err)
	return fake
}

func (w *world) company(fake *cwfake.Server, c cwfake.Company) {
	w.t.Helper()
	_, err := fake.AddCompany(c)
	require.NoError(w.t, err)
}

// run starts company-sync and stops it when the test ends.
func (w *world) run() *prometheus.Registry {
	w.t.Helper()
	reg := prometheus.NewRegistry()
	w.metrics = append(w.metrics, reg)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- app.Run(ctx, app.Options{
			NATS: w.nc, Logger: bustest.Logger(w.t), Clock: w.clock, Registerer: reg,
			LookupEnv: w.lookup,
		})
	}()
	w.t.Cleanup(func() {
		cancel()
		require.NoError(w.t, <-done)
	})
	return reg
}

// want asks n times for a customer's company and waits until all is answered.
func (w *world) want(tenant string, customer *statusv1.Customer, n int) {
	w.t.Helper()
	for range n {
		w.asked++
		require.NoError(w.t, w.bus.Publish(w.t.Context(), bus.Message{
			Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbWanted, Tenant: tenant, Key: customer.GetId()},
			ID:      fmt.Sprintf("wanted:%s:%s:%d", tenant, customer.GetId(), w.asked),
			Body:    &companyv1.Wanted{SchemaVersion: 1, Tenant: tenant, Customer: customer, IncidentId: fmt.Sprintf("%d-1", w.asked)},
		}))
	}
	w.settle()
}

// settle waits until every message has been acknowledged or given up.
func (w *world) settle() {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		done := 0.0
		for _, reg := range w.metrics {
			done += counter(w.t, reg, "covewise_bus_handled_total", "acked") + counter(w.t, reg, "covewise_bus_handled_total", "dead_letter")
		}
		return done >= float64(w.asked)
	}, 30*time.Second, 20*time.Millisecond)
}

func (w *world) link(tenant, customer string) *companyv1.Link {
	w.t.Helper()
	link, _, err := w.links.Get(w.t.Context(), bus.Key(tenant, customer))
	require.NoError(w.t, err)
	return link
}

// events collects the answers that are published from now on, and returns a function that says which are expected.
func (w *world) events() func(want ...string) {
	w.t.Helper()
	var mu sync.Mutex
	var all []string
	ctx, cancel := context.WithCancel(w.t.Context())
	started, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- w.bus.Follow(ctx, bus.Company, func() { close(started) }, func(d bus.Delivery) {
			if d.Subject.Verb == bus.VerbWanted {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, d.Subject.Verb+" "+d.ID)
		})
	}()
	<-started
	w.t.Cleanup(func() {
		cancel()
		require.NoError(w.t, <-done)
	})
	return func(want ...string) {
		w.t.Helper()
		require.EventuallyWithT(w.t, func(c *assert.CollectT) {
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(c, want, all)
		}, 10*time.Second, 20*time.Millisecond)
	}
}

func customer(id, name, reference string) *statusv1.Customer {
	return &statusv1.Customer{Id: id, Name: name, Level: "EndCustomer", State: "InProduction", Reference: reference}
}

// counter sums a counter up over the label values of which one is value and the role, if any, is ours.
func counter(t *testing.T, reg *prometheus.Registry, name, value string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]bool{}
			for _, l := range m.GetLabel() {
				labels[l.GetValue()] = true
			}
			if labels[value] && (len(labels) == 1 || labels["companysync"]) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
