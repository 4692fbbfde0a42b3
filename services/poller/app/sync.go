package app

import (
	"context"
	"fmt"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/internal/lease"
)

// SyncNow makes a tenant due for a sweep at once, also while failures keep it backed off from. A sweep that is under
// way is followed by another. It returns when the order is stored; whichever poller runs sees it without delay, and
// none has to run for it to be kept. A tenant that has no settings is of class NotFound.
func SyncNow(ctx context.Context, b *bus.Bus, tenant string) error {
	tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return fmt.Errorf("sync %s: %w", tenant, err)
	}
	leases, err := bus.OpenStore[*statusv1.PollLease](ctx, b, bus.PollLease)
	if err != nil {
		return fmt.Errorf("sync %s: %w", tenant, err)
	}
	key := bus.Key(tenant)
	switch settings, _, err := tenants.Get(ctx, key); {
	case err != nil:
		return fmt.Errorf("sync %s: %w", tenant, err)
	case settings == nil:
		return errclass.Newf(errclass.NotFound, "sync", "there is no tenant %q; list the tenants and use the id of one", tenant)
	}
	if _, err := leases.Update(ctx, key, func(l *statusv1.PollLease) (*statusv1.PollLease, error) { return lease.Ask(l), nil }); err != nil {
		return fmt.Errorf("sync %s: %w", tenant, err)
	}
	return nil
}
