package sweeps

import (
	"context"
	"fmt"
	"time"

	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/group"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
	"github.com/covewise/covewise/services/evaluator/internal/watch"
)

// Tenant is what judging needs of a tenant's settings.
type Tenant struct {
	Settings *tenantv1.Settings
	compiled *policy.Policy
	wrong    error // why the policy cannot be used; nil when it can
}

// policy returns the tenant's policy as it is on the bus.
func (t *Tenant) policy() *tenantv1.Policy { return t.Settings.GetPolicy() }

// limits say when the tenant counts as not swept. interval is that of a sweep; 0 for one of a poller that does not tell.
func (t *Tenant) limits(interval time.Duration) watch.Limits {
	if interval <= 0 {
		interval = t.Settings.GetPollInterval().AsDuration()
	}
	return watch.Limits{After: t.policy().GetNotSweptAfter(), Interval: interval, PolicyVersion: t.policy().GetVersion()}
}

// groups say when incidents with one cause become one.
func (t *Tenant) groups() group.Policy {
	g := t.policy().GetGroup()
	p := group.Policy{
		Window: g.GetWindow().AsDuration(), Devices: g.GetDevices(), Share: g.GetShare(),
		CloseAfter: t.policy().GetCloseAfter(), Version: t.policy().GetVersion(),
	}
	switch g.GetJoin() {
	case tenantv1.GroupJoin_GROUP_JOIN_ATTACH:
		p.Join = group.Attach
	case tenantv1.GroupJoin_GROUP_JOIN_HOLD:
		p.Join = group.Hold
	case tenantv1.GroupJoin_GROUP_JOIN_UNSPECIFIED, tenantv1.GroupJoin_GROUP_JOIN_OFF:
	}
	return p
}

// homeless reports whether what concerns several customers can have no ticket: companysync has found no company for it, or
// none is named. One that was not looked up yet may be there.
func (t *Tenant) homeless(own *companyv1.Link) bool {
	companies := t.Settings.GetCompanies()
	named := companies.GetOwn() != "" || companies.GetCatchAll() != ""
	return own.GetState() != companyv1.LinkState_LINK_STATE_LINKED && (!named || own.GetState() != companyv1.LinkState_LINK_STATE_UNSPECIFIED)
}

// TenantPolicies are the policies of all tenants, kept by a view of the bucket tenant.
type TenantPolicies struct {
	store *bus.Store[*tenantv1.Settings]
	view  *bus.View[*tenantv1.Settings, *Tenant]
}

// NewTenantPolicies returns the policies in a bucket. They are kept up to date while Run runs.
func NewTenantPolicies(store *bus.Store[*tenantv1.Settings]) *TenantPolicies {
	project := func(e bus.Entry[*tenantv1.Settings]) *Tenant { return newTenant(e.Value) }
	return &TenantPolicies{store: store, view: bus.NewView(store, ">", project, nil)}
}

// newTenant returns nil for settings without a policy.
func newTenant(settings *tenantv1.Settings) *Tenant {
	if settings.GetPolicy() == nil {
		return nil
	}
	t := &Tenant{Settings: settings}
	t.compiled, t.wrong = policy.Compile(settings.GetPolicy())
	return t
}

// Run keeps the policies until the context ends and then returns nil.
func (p *TenantPolicies) Run(ctx context.Context, b *bus.Bus) error { return p.view.Run(ctx, b) }

// Ready is closed when every policy has been read once.
func (p *TenantPolicies) Ready() <-chan struct{} { return p.view.Ready() }

// Tenant returns a tenant, or nil for one without settings. The view may lag, and a sweep that is not judged is
// lost: so that a tenant is missing is believed only after a look into the bucket. A policy that this program does not
// understand is an error of class Rejected.
func (p *TenantPolicies) Tenant(ctx context.Context, id string) (*Tenant, error) {
	t, ok := p.view.Get(bus.Key(id))
	if !ok || t == nil {
		settings, _, err := p.store.Get(ctx, bus.Key(id))
		if err != nil {
			return nil, fmt.Errorf("read policy: %w", err)
		}
		t = newTenant(settings)
	}
	if t == nil {
		return nil, nil //nolint:nilnil // as the comment says
	}
	return t, t.wrong
}
