package sweeps

import (
	"context"
	"fmt"

	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// TenantPolicies are the policies of all tenants, kept by a view of the bucket tenant.
type TenantPolicies struct {
	store *bus.Store[*tenantv1.Settings]
	view  *bus.View[*tenantv1.Settings, *tenantv1.Policy]
}

// NewTenantPolicies returns the policies in a bucket. They are kept up to date while Run runs.
func NewTenantPolicies(store *bus.Store[*tenantv1.Settings]) *TenantPolicies {
	policy := func(e bus.Entry[*tenantv1.Settings]) *tenantv1.Policy { return e.Value.GetPolicy() }
	return &TenantPolicies{store: store, view: bus.NewView(store, ">", policy, nil)}
}

// Run keeps the policies until the context ends and then returns nil.
func (p *TenantPolicies) Run(ctx context.Context, b *bus.Bus) error { return p.view.Run(ctx, b) }

// Ready is closed when every policy has been read once.
func (p *TenantPolicies) Ready() <-chan struct{} { return p.view.Ready() }

// Policy returns a tenant's policy, or nil for a tenant without settings. The view may lag, and a sweep that
// is not judged is lost: so that a tenant is missing is believed only after a look into the bucket.
func (p *TenantPolicies) Policy(ctx context.Context, tenant string) (*tenantv1.Policy, error) {
	if policy, ok := p.view.Get(bus.Key(tenant)); ok && policy != nil {
		return policy, nil
	}
	settings, _, err := p.store.Get(ctx, bus.Key(tenant))
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return settings.GetPolicy(), nil
}
