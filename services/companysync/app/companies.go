package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/companysync/internal/answer"
	"github.com/covewise/covewise/services/companysync/internal/compare"
	"github.com/covewise/covewise/services/companysync/internal/directory"
)

// Access is what looking at a tenant's companies needs. Bus and Logger are required.
type Access struct {
	Bus       *bus.Bus
	Logger    *slog.Logger
	Clock     clock.Clock                                // nil: the system's
	LookupEnv func(name string) (value string, set bool) // reads secrets that are named by environment variable; nil: none are set
}

// Row is one customer in a comparison.
type Row = compare.Row

// Summary counts rows.
type Summary = compare.Summary

// Change is a link that a file asks for and that is not there.
type Change = compare.Change

// Columns are the columns of a comparison; Row.Cells are its values.
func Columns() []string { return compare.Columns() }

// ReadCSV reads a comparison, also one of the script before Covewise. Errors of class Rejected name line and column.
func ReadCSV(from io.Reader) ([]Row, error) { return compare.Read(from) }

// Changes returns the links that a file names and a comparison does not have, and the rows whose customer is not there.
func Changes(file, present []Row) (changes []Change, unknown []Row) {
	return compare.Changes(file, present)
}

// Comparison is all customers of a tenant beside its companies.
type Comparison struct {
	Rows    []Row // by name of the customer; removed customers last
	Summary Summary
}

// companiesOf is what is known of one tenant, and what asks its ConnectWise server.
type companiesOf struct {
	settings *tenantv1.Settings
	tree     *statusv1.PartnerCursor
	links    *bus.Store[*companyv1.Link]
	states   *bus.Store[*incidentv1.DeviceState]
	answers  *answer.Handler
	close    func()
}

func (a Access) open(ctx context.Context, tenant string) (*companiesOf, error) {
	if a.Clock == nil {
		a.Clock = clock.System()
	}
	tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, a.Bus, bus.Tenants)
	if err != nil {
		return nil, err
	}
	settings, _, err := tenants.Get(ctx, bus.Key(tenant))
	if err != nil {
		return nil, err
	}
	if settings == nil {
		return nil, errclass.Newf(errclass.Rejected, "", "tenant: there is no tenant %q; name one that was applied", tenant)
	}
	trees, err := bus.OpenStore[*statusv1.PartnerCursor](ctx, a.Bus, bus.PollCursor)
	if err != nil {
		return nil, err
	}
	c := &companiesOf{settings: settings}
	if c.tree, _, err = trees.Get(ctx, bus.Key(tenant, "partners")); err != nil {
		return nil, err
	}
	if c.links, err = bus.OpenStore[*companyv1.Link](ctx, a.Bus, bus.CompanyMap); err != nil {
		return nil, err
	}
	if c.states, err = bus.OpenStore[*incidentv1.DeviceState](ctx, a.Bus, bus.DeviceState); err != nil {
		return nil, err
	}
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, a.Bus, bus.TicketLedger)
	if err != nil {
		return nil, err
	}
	metrics, err := answer.NewMetrics(nil)
	if err != nil {
		return nil, err
	}
	companies := directory.New(a.Clock, a.Logger, a.LookupEnv)
	c.answers = &answer.Handler{Links: c.links, Directory: companies, Clock: a.Clock, Logger: a.Logger, Metrics: metrics, Tickets: filedTickets(ledgers)}
	// As the tree is now: what is compared or previewed here is compared once.
	c.answers.Customers = func(context.Context, string) ([]*statusv1.Customer, error) {
		if c.tree == nil {
			return nil, nil
		}
		return answer.Customers(c.tree), nil
	}
	c.close = companies.Close
	return c, nil
}

// Compare compares all customers of a tenant with all companies of its ConnectWise server and writes nothing. It costs a
// request for each thousand companies and two more.
func Compare(ctx context.Context, a Access, tenant string) (Comparison, error) {
	c, err := a.open(ctx, tenant)
	if err != nil {
		return Comparison{}, fmt.Errorf("compare companies: %w", err)
	}
	defer c.close()
	if c.tree == nil {
		return Comparison{}, errclass.Newf(errclass.Rejected, "compare companies", "the customers of tenant %q are not known yet; let it be swept once", tenant)
	}
	pairs, err := c.answers.Compare(ctx, c.settings, c.tree)
	if err != nil {
		return Comparison{}, fmt.Errorf("compare companies: %w", err)
	}
	devices := map[string]int{}
	if err := c.states.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*incidentv1.DeviceState]) error {
		if !e.Value.GetGone() {
			devices[e.Value.GetSnapshot().GetCustomer().GetId()]++
		}
		return nil
	}); err != nil {
		return Comparison{}, fmt.Errorf("compare companies: count devices: %w", err)
	}
	sites := sitesOf(c.tree)
	comparison := Comparison{Rows: make([]Row, len(pairs))}
	for i, p := range pairs {
		row := rowOf(p)
		row.Devices, row.Sites = devices[p.Customer.GetId()], sites[p.Customer.GetId()]
		comparison.Rows[i] = row
	}
	comparison.Summary = compare.Summarise(comparison.Rows)
	return comparison, nil
}

func rowOf(p answer.Pair) Row {
	link, company := p.Link, p.Link.GetCompany()
	row := Row{
		Partner: p.Customer.GetId(), Customer: p.Customer.GetName(), Reference: p.Customer.GetReference(), Level: p.Customer.GetLevel(),
		Status: compare.StatusOf(link, p.Renamed != "", p.Removed), Suggestion: p.Suggested, Note: link.GetReason(),
	}
	if link.GetState() == companyv1.LinkState_LINK_STATE_LINKED {
		row.Method = compare.MethodOf(link.GetMethod())
		row.Company, row.CompanyID, row.Identifier = company.GetName(), company.GetId(), company.GetIdentifier()
		if row.Note == "" {
			row.Note = link.GetEvidence()
		}
		if row.Status == compare.CatchAll {
			// Nobody said that it is the customer's: a file that is given back must not make it so.
			row.CompanyID = 0
		}
		if p.Company.ID == company.GetId() && company.GetId() != 0 {
			row.Company, row.Identifier = p.Company.Name, p.Company.Identifier
		}
	}
	if p.Renamed != "" {
		row.Note = p.Renamed
	}
	if len(link.GetCandidates()) > 0 && !row.Matched() {
		row.Suggestion = compare.Candidates(link.GetCandidates())
	}
	return row
}

// sitesOf returns the names of the sites below each customer, in order.
func sitesOf(tree *statusv1.PartnerCursor) map[string][]string {
	parents := map[string]*statusv1.Partner{}
	for _, p := range tree.GetPartners() {
		parents[p.GetId()] = p
	}
	sites := map[string][]string{}
	for _, p := range tree.GetPartners() {
		if p.GetLevel() != "Site" {
			continue
		}
		above := parents[p.GetParentId()]
		for steps := 0; above != nil && above.GetLevel() != "EndCustomer" && steps < len(parents); steps++ {
			above = parents[above.GetParentId()]
		}
		if above != nil {
			sites[above.GetId()] = append(sites[above.GetId()], p.GetName())
		}
	}
	for _, names := range sites {
		slices.Sort(names)
	}
	return sites
}

// Command is what a person orders about one customer.
type Command struct {
	Tenant    string
	Customer  string // Cove partner id, or a name that one customer alone has
	Kind      companyv1.OrderKind
	CompanyID int64  // ConnectWise record id of the company to link
	Author    string // who orders it
	Reason    string // why; may be empty
	// WhatIf computes the outcome and writes nothing anywhere.
	WhatIf bool
	// Wait is how long the outcome is waited for; 0 returns when the order is stored. Company-sync must run meanwhile.
	Wait time.Duration
}

// Outcome is what became of a command.
type Outcome struct {
	Customer *statusv1.Customer
	Order    string          // id of the order; "" for a preview
	Link     *companyv1.Link // the link afterwards, or as it would be; nil when the order is stored and not carried out yet
	Refusal  string          // why it was, or would be, refused; "" when it was not
}

// Order hands a person's command to company-sync, or previews it. Errors of class Rejected say what is wrong with the
// command.
func Order(ctx context.Context, a Access, command Command) (Outcome, error) {
	c, err := a.open(ctx, command.Tenant)
	if err != nil {
		return Outcome{}, fmt.Errorf("order: %w", err)
	}
	defer c.close()
	if a.Clock == nil {
		a.Clock = clock.System()
	}
	customer, observed, err := c.customer(ctx, command.Customer)
	if err != nil {
		return Outcome{}, fmt.Errorf("order: %w", err)
	}
	now := a.Clock.Now()
	ordered := &companyv1.Ordered{SchemaVersion: 1, Tenant: command.Tenant, Customer: customer, ObservedAt: observed, Order: &companyv1.Order{
		Id: orderID(command, customer.GetId(), now), Kind: command.Kind, CompanyId: command.CompanyID, Author: command.Author, Reason: command.Reason,
		OrderedAt: timestamppb.New(now),
	}}
	if err := answer.CheckOrder(ordered.GetOrder()); err != nil {
		return Outcome{}, err
	}
	if command.WhatIf {
		link, refusal, err := c.answers.Preview(ctx, c.settings, ordered)
		if err != nil {
			return Outcome{}, fmt.Errorf("preview order: %w", err)
		}
		return Outcome{Customer: customer, Link: link, Refusal: refusal}, nil
	}
	if err := a.Bus.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbOrdered, Tenant: command.Tenant, Key: customer.GetId()},
		ID:      "order:" + ordered.GetOrder().GetId(), Body: ordered,
	}); err != nil {
		return Outcome{}, fmt.Errorf("order: %w", err)
	}
	return c.await(ctx, a.Clock, Outcome{Customer: customer, Order: ordered.GetOrder().GetId()}, command.Wait)
}

// orderID names a command: the same one given at the same time is the same order.
func orderID(c Command, customer string, now time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d %q %q %d", c.Tenant, customer, c.Kind, c.CompanyID, c.Author, c.Reason, now.UnixNano()))
	return hex.EncodeToString(sum[:12])
}

// lookAgain is the pause between two looks for an outcome.
const lookAgain = 100 * time.Millisecond

// await waits until the order stands in the customer's link, or for as long as was wished.
func (c *companiesOf) await(ctx context.Context, clock clock.Clock, o Outcome, wait time.Duration) (Outcome, error) {
	for until := clock.Now().Add(wait); ; {
		link, _, err := c.links.Get(ctx, bus.Key(c.settings.GetId(), o.Customer.GetId()))
		if err != nil {
			return o, fmt.Errorf("order %s: read its outcome: %w", o.Order, err)
		}
		if link.GetLastOrder().GetId() == o.Order && link.GetState() != companyv1.LinkState_LINK_STATE_CREATING {
			o.Link, o.Refusal = link, link.GetLastOrder().GetRefusal()
			return o, nil
		}
		if !clock.Now().Before(until) {
			return o, nil
		}
		if err := clock.Sleep(ctx, lookAgain); err != nil {
			return o, fmt.Errorf("order %s: wait for its outcome: %w", o.Order, err)
		}
	}
}

// customer finds the customer that a command names, and when it was seen so: among the vendor's, or among those that
// have a link.
func (c *companiesOf) customer(ctx context.Context, named string) (*statusv1.Customer, *timestamppb.Timestamp, error) {
	var byName []*statusv1.Customer
	for _, customer := range answer.Customers(c.tree) {
		if customer.GetId() == named {
			return customer, c.tree.GetReadAt(), nil
		}
		if customer.GetName() == named {
			byName = append(byName, customer)
		}
	}
	link, _, err := c.links.Get(ctx, bus.Key(c.settings.GetId(), named))
	switch {
	case err != nil:
		return nil, nil, err
	case link != nil:
		return link.GetCustomer(), link.GetObservedAt(), nil
	case len(byName) == 1:
		return byName[0], c.tree.GetReadAt(), nil
	case len(byName) > 1:
		ids := make([]string, len(byName))
		for i, c := range byName {
			ids[i] = c.GetId()
		}
		return nil, nil, errclass.Newf(errclass.Rejected, "", "customer: %d customers are called %q; name one by its Cove partner id: %s", len(byName), named, strings.Join(ids, ", "))
	default:
		return nil, nil, errclass.Newf(errclass.Rejected, "", "customer: there is no customer %q; name one by its Cove partner id", named)
	}
}
