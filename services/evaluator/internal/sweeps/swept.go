package sweeps

import (
	"context"
	"fmt"
	"log/slog"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/watch"
)

// incomplete takes a sweep that is not whole into account: it decides about the tenant, and about no device.
func (h *Handler) incomplete(ctx context.Context, t *Tenant, s *statusv1.SweepCompleted, log *slog.Logger) error {
	log.Warn("sweep incomplete, nothing judged", "class", s.GetFailureClass(), "reason", s.GetFailure())
	if t == nil {
		return nil
	}
	return h.tenant(ctx, s.GetTenant(), s.GetObservedAt(), log, func(state *incidentv1.TenantState) (*incidentv1.TenantState, bool) {
		return watch.Swept(state, s, t.limits(s.GetInterval().AsDuration()))
	})
}

// overdue takes into account that nothing was heard of a tenant.
func (h *Handler) overdue(ctx context.Context, d bus.Delivery) error {
	o := &statusv1.SweepOverdue{}
	if err := d.Decode(o); err != nil {
		return err
	}
	if o.GetTenant() != d.Subject.Tenant {
		return errclass.Newf(errclass.Rejected, "take overdue sweep", "subject %s carries tenant %q", d.Subject, o.GetTenant())
	}
	t, err := h.Policies.Tenant(ctx, o.GetTenant())
	if err != nil || t == nil {
		return err
	}
	log := h.Logger.With("tenant", o.GetTenant())
	return h.tenant(ctx, o.GetTenant(), o.GetObservedAt(), log, func(state *incidentv1.TenantState) (*incidentv1.TenantState, bool) {
		return watch.Overdue(state, o, t.limits(o.GetInterval().AsDuration()))
	})
}

// tenant decides about a tenant's own incident, writes what was decided, and tells it, also when an earlier delivery of
// the message observed at that time has decided it.
func (h *Handler) tenant(
	ctx context.Context, id string, at *timestamppb.Timestamp, log *slog.Logger,
	decide func(*incidentv1.TenantState) (*incidentv1.TenantState, bool),
) error {
	state, err := h.Tenants.Update(ctx, bus.Key(id), func(state *incidentv1.TenantState) (*incidentv1.TenantState, error) {
		next, changed := decide(state)
		if !changed {
			return state, bus.ErrKeep
		}
		return next, nil
	})
	if err != nil {
		return fmt.Errorf("decide about tenant: %w", err)
	}
	return h.tellTenant(ctx, state, at, log)
}

// tellTenant publishes what the message observed at a time has decided about a tenant as a whole, if it has.
func (h *Handler) tellTenant(ctx context.Context, state *incidentv1.TenantState, at *timestamppb.Timestamp, log *slog.Logger) error {
	e := watch.Decided(state, at)
	if e == nil {
		return nil
	}
	h.Metrics.tenants.WithLabelValues(verb(e.GetKind())).Inc()
	log.Warn("tenant not swept", "verb", verb(e.GetKind()), "incident", e.GetIncidentId(), "revision", e.GetRevision(),
		"class", state.GetFailureClass(), "reason", state.GetFailure())
	return h.tell(ctx, e)
}
