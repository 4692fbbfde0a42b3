package sweeps_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
)

// memory is an evaluator's whole outside without a bus. It gives devices out in a chosen order.
type memory struct {
	policy  *sweeps.Tenant
	order   []string   // keys of devices
	mu      sync.Mutex // guards the rest: devices are settled by several at once
	devices map[string]*incidentv1.DeviceState
	tenant  *incidentv1.TenantState
	told    map[string][]string // by subject, what was published for it, in order
}

func (m *memory) Get(_ context.Context, key string) (*incidentv1.DeviceState, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.devices[key], 0, nil
}

func (m *memory) Put(_ context.Context, key string, state *incidentv1.DeviceState, _ uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.devices[key] = state
	return 0, nil
}

func (m *memory) Each(_ context.Context, _ string, f func(bus.Entry[*incidentv1.DeviceState]) error) error {
	for _, key := range m.order {
		if state := m.devices[key]; state != nil {
			if err := f(bus.Entry[*incidentv1.DeviceState]{Key: key, Value: state}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) Update(_ context.Context, _ string, decide func(*incidentv1.TenantState) (*incidentv1.TenantState, error)) (*incidentv1.TenantState, error) {
	next, err := decide(m.tenant)
	if err == nil {
		m.tenant = next
	}
	return m.tenant, nil //nolint:nilerr // bus.ErrKeep is the only error, and keeps the state
}

func (m *memory) Tenant(context.Context, string) (*sweeps.Tenant, error) {
	return m.policy, nil
}

func (m *memory) Publish(_ context.Context, message bus.Message) error {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told[message.Subject.Key] = append(m.told[message.Subject.Key], string(data))
	return err
}

// stormy is a tenant's history: what each device shows at each sweep.
type stormy [][]string

func drawStormy(r *rapid.T) stormy {
	texts := []string{"", "", nodeDown, denied, notRead}
	history := make(stormy, rapid.IntRange(2, 5).Draw(r, "sweeps"))
	for i := range history {
		storm := rapid.SampledFrom(texts).Draw(r, "storm")
		for range 8 {
			text := storm
			if rapid.IntRange(0, 3).Draw(r, "apart") == 0 {
				text = rapid.SampledFrom(texts).Draw(r, "text")
			}
			history[i] = append(history[i], text)
		}
	}
	return history
}

// unasked is a bucket of links in which no company has been asked for.
type unasked struct{}

func (unasked) Get(context.Context, string) (*companyv1.Link, uint64, error) { return nil, 0, nil }

// plays runs a history through the evaluator, with devices in an order, and returns what it tells of each subject.
func (history stormy) plays(ctx context.Context, r *rapid.T, metrics *sweeps.Metrics, policy *sweeps.Tenant, order []int) *memory {
	m := &memory{
		policy:  policy,
		devices: map[string]*incidentv1.DeviceState{}, tenant: &incidentv1.TenantState{Tenant: "harbor"}, told: map[string][]string{},
	}
	for _, n := range order {
		m.order = append(m.order, bus.Key("harbor", strconv.Itoa(n+1)))
	}
	h := &sweeps.Handler{
		States: m, Tenants: m, Policies: m, Links: unasked{}, Publisher: m, Logger: slog.New(slog.DiscardHandler), Clock: clock.System(), Metrics: metrics,
	}
	handle := func(s bus.Subject, body proto.Message) {
		data, err := proto.Marshal(body)
		require.NoError(r, err)
		require.NoError(r, h.Handle(ctx, bus.Delivery{Subject: s, Data: data, Attempt: 1}))
	}
	for i, shown := range history {
		end := completed("harbor", uint64(i)+1, len(shown))
		for _, n := range order {
			id := strconv.Itoa(n + 1)
			handle(bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: id}, errored(id, end.GetSweep(), shown[n]))
		}
		for n, text := range shown {
			end.DeviceIds = append(end.DeviceIds, strconv.Itoa(n+1))
			if text == notRead {
				end.CausesMissing++
				end.CausesMissingDeviceIds = append(end.CausesMissingDeviceIds, strconv.Itoa(n+1))
			}
		}
		handle(sweepSubject(end), end)
	}
	return m
}

// The order in which devices are stored and looked at changes nothing of what is told of any device, group or sweep.
func TestTheOrderOfDevicesDecidesNothing(t *testing.T) {
	metrics, err := sweeps.NewMetrics(nil)
	require.NoError(t, err)
	policy := sweeps.NewTenant(&tenantv1.Settings{Id: "harbor", Companies: &tenantv1.Companies{Own: "MSP"}, Policy: &tenantv1.Policy{
		Version: "p1", StaleServer: durationpb.New(24 * time.Hour), Never: durationpb.New(48 * time.Hour), OpenAfter: 1, CloseAfter: 1,
		Group: &tenantv1.GroupPolicy{Window: durationpb.New(30 * time.Minute), Devices: 4, Share: 20, Join: tenantv1.GroupJoin_GROUP_JOIN_HOLD},
	}})
	rapid.Check(t, func(r *rapid.T) {
		history := drawStormy(r)
		inOrder := []int{0, 1, 2, 3, 4, 5, 6, 7}
		one := history.plays(t.Context(), r, metrics, policy, inOrder)
		other := history.plays(t.Context(), r, metrics, policy, rapid.Permutation(inOrder).Draw(r, "order"))
		require.Equal(r, one.told, other.told)
		require.True(r, proto.Equal(one.tenant, other.tenant))
		for key, state := range one.devices {
			require.True(r, proto.Equal(state, other.devices[key]), key)
		}
	})
}
