package apply

import (
	"context"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
)

// Look calls f with a tenant's desk and the name of its server, "<company>@<host>". It fails without calling f when the
// tenant has no settings, or when its server was found not to be usable a moment ago.
func (a *Applier) Look(ctx context.Context, tenant string, f func(ctx context.Context, server string, d *desk.Desk) error) error {
	settings, revision, err := a.tenants.Get(ctx, bus.Key(tenant))
	if err != nil {
		return err
	}
	site := a.sites.of(tenant, settings, revision)
	if site == nil {
		return errclass.Newf(errclass.Rejected, "look at tickets", "tenant %q has no settings; apply its document", tenant)
	}
	if err := site.usable(a.clock.Now()); err != nil {
		return err
	}
	err = f(ctx, connectwise.ServerName(settings.GetConnectwise().GetUrl(), settings.GetConnectwise().GetCompany()), site.desk)
	site.answered(err, a.clock.Now())
	return err
}
