package apply

import (
	"context"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
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
	server := connectwise.ServerName(settings.GetConnectwise().GetUrl(), settings.GetConnectwise().GetCompany())
	if settings.GetMode() == tenantv1.Mode_MODE_LIVE {
		a.greet(ctx, site, tenant, server)
	}
	err = f(ctx, server, site.desk)
	site.answered(err, a.clock.Now())
	return err
}

// greet makes the first contact with a tenant's board when no create has made it: where all devices are well there is none,
// and tickets of a record that was lost would stay open unseen. One that fails is made at the next look.
func (a *Applier) greet(ctx context.Context, s *site, tenant, server string) {
	s.listing.Lock()
	defer s.listing.Unlock()
	if s.greeted {
		return
	}
	r := &run{Applier: a, ledger: &ticketv1.Ledger{Tenant: tenant}, site: s}
	r.facts.Server = server
	board, err := s.desk.Board(ctx)
	if err == nil {
		_, _, err = r.contact(ctx, board)
	}
	if err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "the first contact with a board has failed, trying again", "tenant", tenant, "err", err)
	}
	s.greeted = err == nil
}
