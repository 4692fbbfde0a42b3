// Package sweeps joins the evaluator's decisions to the bus: it keeps the state of devices in the bucket
// device_state and of tenants in tenant_state, has the packages judge, group and watch decide, and publishes the
// incident events and the account of each sweep. It decides nothing itself.
//
// A state is written before the event that it records is published. A message that is delivered again after a crash in
// between finds what it decided in the state, and publishes it again, under the same id and with the same bytes.
package sweeps

import (
	"context"
	"fmt"
	"log/slog"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// States is the bucket device_state; see bus.Store.
type States interface {
	Get(ctx context.Context, key string) (*incidentv1.DeviceState, uint64, error)
	Put(ctx context.Context, key string, state *incidentv1.DeviceState, revision uint64) (uint64, error)
	Each(ctx context.Context, filter string, f func(bus.Entry[*incidentv1.DeviceState]) error) error
}

// TenantStates is the bucket tenant_state; see bus.Store.
type TenantStates interface {
	Update(ctx context.Context, key string, decide func(*incidentv1.TenantState) (*incidentv1.TenantState, error)) (*incidentv1.TenantState, error)
}

// Policies tells by what a tenant's devices are judged; see TenantPolicies.
type Policies interface {
	Tenant(ctx context.Context, id string) (*Tenant, error)
}

// Links is the bucket company_map, which companysync writes; see bus.Store.
type Links interface {
	Get(ctx context.Context, key string) (*companyv1.Link, uint64, error)
}

// Heart is told of each complete sweep that was judged, and does not hold it up; see package heartbeat.
type Heart interface {
	Beat(settings *tenantv1.Settings)
}

// Publisher stores messages; see bus.Bus.
type Publisher interface {
	Publish(ctx context.Context, m bus.Message) error
}

// Handler handles the messages of the STATUS stream.
type Handler struct {
	States    States
	Tenants   TenantStates
	Policies  Policies
	Links     Links
	Publisher Publisher
	Logger    *slog.Logger
	Clock     clock.Clock // measures how long a sweep takes; decisions take their time from the sweep
	Metrics   *Metrics
	Heart     Heart // nil: nobody outside is told
}

// Handle handles one message: it stores a snapshot, or judges the tenant at the end of a sweep.
func (h *Handler) Handle(ctx context.Context, d bus.Delivery) error {
	switch d.Subject.Verb {
	case bus.VerbSnapshot:
		return h.snapshot(ctx, d)
	case bus.VerbSweep:
		return h.sweep(ctx, d)
	case bus.VerbOverdue:
		return h.overdue(ctx, d)
	default:
		return errclass.Newf(errclass.Rejected, "handle "+d.Subject.String(), "the evaluator knows no verb %q", d.Subject.Verb)
	}
}

func (h *Handler) snapshot(ctx context.Context, d bus.Delivery) error {
	snapshot := &statusv1.Snapshot{}
	if err := d.Decode(snapshot); err != nil {
		return err
	}
	// The subject chooses the partition, and with it the order. A body for somebody else would escape both.
	if snapshot.GetTenant() != d.Subject.Tenant || snapshot.GetDeviceId() != d.Subject.Key {
		return errclass.Newf(errclass.Rejected, "store snapshot", "subject %s carries a snapshot of tenant %q, device %q",
			d.Subject, snapshot.GetTenant(), snapshot.GetDeviceId())
	}
	seen := decode.Observe(snapshot, snapshot.GetObservedAt().AsTime())
	_, err := h.settle(ctx, bus.Key(snapshot.GetTenant(), snapshot.GetDeviceId()), func(state *incidentv1.DeviceState) judge.Decision {
		next, changed := judge.Remember(state, snapshot, seen)
		return judge.Decision{State: next, Changed: changed}
	})
	if err != nil {
		return fmt.Errorf("store snapshot: %w", err)
	}
	return nil
}

// attempts bounds how often a device is decided anew after losing a race. Only another evaluator that holds
// a redelivered message can win one.
const attempts = 5

// settle decides on the state of one device until a decision stands: its state is written by compare-and-set,
// then its event published. The state holds the event, so that a redelivery after a crash in between publishes
// what was decided, whatever the policy or the rules have become. state is nil for an unknown device. The
// decision that stands is returned.
func (h *Handler) settle(ctx context.Context, key string, decide func(state *incidentv1.DeviceState) judge.Decision) (judge.Decision, error) {
	var lost error
	for range attempts {
		state, revision, err := h.States.Get(ctx, key)
		if err != nil {
			return judge.Decision{}, fmt.Errorf("read device: %w", err)
		}
		d := decide(state)
		if d.Changed {
			_, err = h.States.Put(ctx, key, d.State, revision)
		}
		switch {
		case errclass.Of(err) == errclass.Conflict:
			lost = err
			continue
		case err != nil:
			return judge.Decision{}, fmt.Errorf("write device: %w", err)
		case d.Event == nil:
			return d, nil
		}
		return d, h.tell(ctx, d.Event)
	}
	return judge.Decision{}, fmt.Errorf("write device after %d attempts: %w", attempts, lost)
}

// tell publishes an event that a state records.
func (h *Handler) tell(ctx context.Context, e *incidentv1.Event) error {
	if err := h.Publisher.Publish(ctx, message(e)); err != nil {
		return fmt.Errorf("publish incident %s: %w", e.GetIncidentId(), err)
	}
	return nil
}

// message addresses an incident event. Its id is derived from what it says, so that a repetition is recognised.
func message(e *incidentv1.Event) bus.Message {
	return bus.Message{
		Subject: bus.Subject{Family: bus.Incident, Verb: verb(e.GetKind()), Tenant: e.GetTenant(), Key: e.GetDeviceId()},
		ID:      fmt.Sprintf("incident:%s:%s:%d", e.GetTenant(), e.GetIncidentId(), e.GetRevision()),
		Body:    proto.Message(e),
	}
}

func verb(kind incidentv1.EventKind) string {
	switch kind {
	case incidentv1.EventKind_EVENT_KIND_FAILED:
		return bus.VerbFailed
	case incidentv1.EventKind_EVENT_KIND_CHANGED:
		return bus.VerbChanged
	case incidentv1.EventKind_EVENT_KIND_RESOLVED:
		return bus.VerbResolved
	default:
		return ""
	}
}
