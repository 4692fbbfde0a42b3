// Package app runs company-sync: it answers which ConnectWise company stands for which customer. It is the
// only package that composers import; it knows neither where the bus comes from nor who else runs beside it.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/companysync/internal/answer"
	"github.com/covewise/covewise/services/companysync/internal/directory"
	"github.com/covewise/covewise/services/companysync/internal/upkeep"
	"github.com/covewise/covewise/services/companysync/internal/writeback"
)

// Options are what company-sync needs. NATS and Logger are required.
type Options struct {
	NATS       *nats.Conn                                 // connection to a provisioned bus
	Logger     *slog.Logger                               // what happens and what fails
	Clock      clock.Clock                                // time of answers and of their age; nil: the system's
	Registerer prometheus.Registerer                      // nil: no metrics
	Tracer     trace.TracerProvider                       // nil: no traces
	OnHealth   func(component string, err error)          // told when a part begins to fail (err) and recovers (nil); may be nil
	LookupEnv  func(name string) (value string, set bool) // reads secrets that are named by environment variable; nil: none are set
	Limits     *connectwise.Limits                        // pace towards the ConnectWise servers, shared within the process; nil: own ones
}

// handlerTimeout is more than all requests of one question may take.
const handlerTimeout = 90 * time.Second

// Run answers until the context ends, and then returns nil once what was begun has ended.
func Run(ctx context.Context, opts Options) error {
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	b, err := bus.Open(ctx, opts.NATS, bus.Options{
		Service: "companysync", Logger: opts.Logger, Registerer: opts.Registerer, Tracer: opts.Tracer, Clock: opts.Clock, OnHealth: opts.OnHealth,
	})
	if err != nil {
		return err
	}
	links, err := bus.OpenStore[*companyv1.Link](ctx, b, bus.CompanyMap)
	if err != nil {
		return err
	}
	tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return err
	}
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
	if err != nil {
		return err
	}
	metrics, err := answer.NewMetrics(opts.Registerer)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	companies := directory.New(opts.Clock, opts.Logger, opts.LookupEnv)
	if opts.Limits == nil {
		opts.Limits = connectwise.NewLimits(connectwise.LimitsOptions{})
	}
	companies.Share(opts.Limits)
	defer companies.Close()
	handler := &answer.Handler{
		Events: b, Links: links, Directory: companies, Clock: opts.Clock, Logger: opts.Logger, Metrics: metrics,
		Tickets: filedTickets(ledgers),
		// Not from a view, which may lag: a tenant without settings is given no answer, and one that has moved to another
		// server none of the old one's.
		Settings: func(ctx context.Context, tenant string) (*tenantv1.Settings, error) {
			settings, _, err := tenants.Get(ctx, bus.Key(tenant))
			return settings, err
		},
	}
	rounds, err := bus.OpenStore[*companyv1.Round](ctx, b, bus.CompanyRound)
	if err != nil {
		return err
	}
	trees, err := bus.OpenStore[*statusv1.PartnerCursor](ctx, b, bus.PollCursor)
	if err != nil {
		return err
	}
	handler.Customers = func(ctx context.Context, tenant string) ([]*statusv1.Customer, error) {
		tree, _, err := trees.Get(ctx, bus.Key(tenant, "partners"))
		if err != nil || tree == nil {
			return nil, err
		}
		return answer.Customers(tree), nil
	}
	keeper := &upkeep.Keeper{
		Bus: b, Links: links, Rounds: rounds, Tenants: tenants, Trees: trees, Answers: handler, Clock: opts.Clock, Logger: opts.Logger,
		Writer: writeback.New(links, opts.Clock, opts.Logger, opts.openCove),
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return b.Consume(ctx, bus.CompanySync, handlerTimeout, handler.Handle) })
	all.Go(func() error { return b.Consume(ctx, bus.CompanyOrders, handlerTimeout, handler.HandleOrder) })
	all.Go(func() error { return keeper.Run(ctx) })
	return all.Wait()
}

// openCove makes a client that reads and writes customers' references.
func (o *Options) openCove(s *tenantv1.Cove) (writeback.Cove, error) {
	client, err := cove.New(cove.Options{
		URL: s.GetUrl(), Partner: s.GetPartner(), Username: s.GetUsername(),
		AllowHosts: s.GetAllowHosts(), RequestsPerSecond: s.GetRequestsPerSecond(), // 0: the client's default
		Password: func() (string, error) {
			secret, err := tenant.Reference("cove.password", s.GetPassword()).Resolve(o.LookupEnv)
			return secret.Reveal(), err
		},
		Clock: o.Clock, Logger: o.Logger,
	})
	if err != nil {
		return nil, errclass.New(errclass.AuthTenant, "", err)
	}
	return client, nil
}

// filedTickets returns what finds the tickets that were filed for a customer at a company: the ticketer's records.
func filedTickets(ledgers *bus.Store[*ticketv1.Ledger]) func(ctx context.Context, tenant, customer string, company int64) ([]int64, error) {
	return func(ctx context.Context, tenant, customer string, company int64) ([]int64, error) {
		var ids []int64
		err := ledgers.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
			l := e.Value
			if l.GetTicketId() != 0 && l.GetCompanyId() == company && l.GetWanted().GetCustomer().GetId() == customer {
				ids = append(ids, l.GetTicketId())
			}
			return nil
		})
		return ids, err
	}
}
