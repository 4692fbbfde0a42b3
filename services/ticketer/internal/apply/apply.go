// Package apply carries incidents into ConnectWise: it takes the events of the INCIDENT stream, asks plan for one
// step after another, does each, and puts what became of it into the ledger by compare-and-set.
//
// It does not decide (plan does), does not write texts (text does) and never acts outside a message: what has to
// wait is parked, and redrive publishes a message when the time has come. It keeps nothing that a crash may not
// take: what it remembers of a tenant's server are hints.
package apply

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// DefaultPatience is how long the trace of a write of unknown outcome may be missing. It exceeds the 30 s after
// which a request to ConnectWise is given up.
const DefaultPatience = 60 * time.Second

// HandlerTimeout bounds the handling of one message. It covers a close with every request at its limit.
const HandlerTimeout = 3 * time.Minute

// longestCall bounds one exchange with ConnectWise, waiting for the limiter included, on the machine's clock.
const longestCall = 40 * time.Second

// mostSteps is more than any incident needs in one run; the longest way has about ten.
const mostSteps = 40

// Options are what an Applier needs. Everything but OnStep, Metrics and Pace is required.
type Options struct {
	Bus       *bus.Bus
	Clock     clock.Clock
	Logger    *slog.Logger
	LookupEnv func(string) (string, bool)
	Patience  time.Duration
	Metrics   *Metrics
	Quota     Quota               // of the tenants' hourly caps
	Pace      clock.Clock         // of requests; nil: the machine's
	Limits    *connectwise.Limits // shared by all tenants' desks and others; nil: each desk has its own
	// OnStep is called before and after each step that is durable or remote ("post ticket: begin", "post ticket:
	// end"), so that a test can stop the process there.
	OnStep func(step string)
}

// Applier handles the messages of the INCIDENT stream.
type Applier struct {
	bus      *bus.Bus
	ledgers  *bus.Store[*ticketv1.Ledger]
	links    *bus.Store[*companyv1.Link]
	tenants  *bus.Store[*tenantv1.Settings]
	desks    *bus.Store[*ticketv1.Desk]
	adopted  *bus.Store[*ticketv1.Adoption]
	devices  *bus.Store[*incidentv1.DeviceState]
	wholes   *bus.Store[*incidentv1.TenantState]
	clock    clock.Clock
	log      *slog.Logger
	patience time.Duration
	metrics  *Metrics
	onStep   func(string)
	sites    *sites
	quota    Quota
}

// New opens the buckets that an Applier uses.
func New(ctx context.Context, o Options) (*Applier, error) {
	a := &Applier{bus: o.Bus, clock: o.Clock, log: o.Logger, patience: o.Patience, metrics: o.Metrics, quota: o.Quota, onStep: o.OnStep}
	if a.onStep == nil {
		a.onStep = func(string) {}
	}
	a.sites = &sites{open: func(settings *tenantv1.Settings) (*desk.Desk, error) {
		return desk.Open(settings, desk.Options{LookupEnv: o.LookupEnv, Clock: o.Clock, Logger: o.Logger, Pace: o.Pace, Limits: o.Limits})
	}, byTenant: map[string]*site{}}
	var err error
	if a.ledgers, err = bus.OpenStore[*ticketv1.Ledger](ctx, o.Bus, bus.TicketLedger); err != nil {
		return nil, err
	}
	if a.links, err = bus.OpenStore[*companyv1.Link](ctx, o.Bus, bus.CompanyMap); err != nil {
		return nil, err
	}
	if a.tenants, err = bus.OpenStore[*tenantv1.Settings](ctx, o.Bus, bus.Tenants); err != nil {
		return nil, err
	}
	if a.desks, err = bus.OpenStore[*ticketv1.Desk](ctx, o.Bus, bus.TicketDesk); err != nil {
		return nil, err
	}
	if a.adopted, err = bus.OpenStore[*ticketv1.Adoption](ctx, o.Bus, bus.Adoptions); err != nil {
		return nil, err
	}
	if a.devices, err = bus.OpenStore[*incidentv1.DeviceState](ctx, o.Bus, bus.DeviceState); err != nil {
		return nil, err
	}
	if a.wholes, err = bus.OpenStore[*incidentv1.TenantState](ctx, o.Bus, bus.TenantState); err != nil {
		return nil, err
	}
	if a.metrics == nil {
		a.metrics, err = NewMetrics(nil)
	}
	return a, err
}

// Requests returns how many requests were sent to all ConnectWise servers, and how many to change something.
func (a *Applier) Requests() (all, writes int64) { return a.sites.requests() }

// Close gives back the connections. Nothing may be handled any more.
func (a *Applier) Close() { a.sites.close() }

// Handle takes one message: an event of an incident, the demand to look again at a parked one, or what was seen of
// its ticket.
func (a *Applier) Handle(ctx context.Context, d bus.Delivery) error {
	if d.Subject.Verb == bus.VerbObserved {
		return a.handleObserved(ctx, d)
	}
	var e incidentv1.Event
	if err := d.Decode(&e); err != nil {
		return err
	}
	r, err := a.open(ctx, d, e.GetTenant(), e.GetDeviceId(), e.GetIncidentId())
	if err != nil {
		return err
	}
	defer r.leave()
	r.facts.Woken = d.Subject.Verb == bus.VerbRedrive
	if r.facts.Woken && r.ledger == nil {
		return nil
	}
	if !r.facts.Woken {
		if next, news := plan.Receive(r.ledger, &e, a.clock.Now()); news {
			if err := r.put(ctx, "receive", next); err != nil {
				return err
			}
		}
	}
	if err := r.learn(ctx); err != nil {
		return err
	}
	return r.settle(ctx)
}

// handleObserved takes what was seen of an incident's ticket into its ledger, tells it, and answers it.
func (a *Applier) handleObserved(ctx context.Context, d bus.Delivery) error {
	var o ticketv1.Observation
	if err := d.Decode(&o); err != nil {
		return err
	}
	r, err := a.open(ctx, d, o.GetTenant(), o.GetDeviceId(), o.GetIncidentId())
	if err != nil {
		return err
	}
	defer r.leave()
	if r.ledger == nil || !plan.Owns(r.ledger, o.GetObserved().GetTicketId()) {
		return r.handleOrphan(ctx, &o)
	}
	if err := r.learn(ctx); err != nil {
		return err
	}
	if !r.facts.Known || differs(r.ledger.GetServer(), r.facts.Server) {
		return nil // the picture is of another server's ticket
	}
	if done, err := r.take(ctx, o.GetObserved()); done || err != nil {
		return err
	}
	return r.settle(ctx)
}

// take takes in what was seen of a ticket.
func (r *run) take(ctx context.Context, seen *ticketv1.Observed) (done bool, err error) {
	switch {
	case former(r.ledger, seen.GetTicketId()):
		return r.meet(ctx, seen.GetTicketId())
	case r.ledger.GetObserved().GetDeleted() && !seen.GetDeleted() && r.ledger.GetTicketId() == seen.GetTicketId():
		// It may have been read before it was deleted.
		return r.look(ctx)
	case plan.SameSecond(r.ledger, seen):
		// It was read in the second of our own last write, or a person was as quick: only a look tells.
		return r.look(ctx)
	default:
		_, err := r.see(ctx, seen)
		return err != nil, err
	}
}

// open reads the ledger that a message is about; it is nil when there is none.
func (a *Applier) open(ctx context.Context, d bus.Delivery, tenant, device, incident string) (*run, error) {
	if tenant != d.Subject.Tenant || device != d.Subject.Key || incident == "" {
		return nil, errclass.Newf(errclass.Rejected, "read incident event", "tenant, device or incident are missing or not those of subject %s", d.Subject)
	}
	r := &run{Applier: a, key: bus.Key(tenant, device, incident)}
	var err error
	r.ledger, r.revision, err = a.ledgers.Get(ctx, r.key)
	return r, err
}

// run is the handling of one message.
type run struct {
	*Applier
	key      string
	ledger   *ticketv1.Ledger
	revision uint64
	site     *site // nil without settings
	facts    plan.Facts
	settings *tenantv1.Settings
	learned  topic                     // what the facts were learned for
	before   *ticketv1.Ledger          // as it was when this run began its create
	rest     []*ticketv1.Candidate     // tickets of others for the device that were not looked at yet
	place    *connectwise.Announcement // kept at the server for this run's create; nil for none
	sent     atomic.Int64              // requests that are not in the ledger yet
	reread   bool                      // the ticket was read because a change of it was refused
	fallen   []string                  // remarks on templates that do not work
	glanced  time.Time                 // when this run looked at all of the tenant's tickets last
}

// settle does one planned step after another until there is nothing left to do now.
func (r *run) settle(ctx context.Context) error {
	for range mostSteps {
		r.facts.Now = r.clock.Now()
		if r.learned != topicOf(r.ledger) {
			if err := r.learnPhase(ctx); err != nil {
				return err
			}
		}
		r.facts.Seen = r.fresh()
		r.forgetFormer()
		done, err := r.do(ctx, plan.Next(r.ledger, r.facts))
		if done || err != nil {
			return err
		}
	}
	// A dead letter would leave the incident to nobody.
	detail := fmt.Sprintf("no end after %d steps in phase %s; this is a defect of Covewise", mostSteps, r.ledger.GetPhase())
	r.metrics.failures.WithLabelValues(errclass.Bug.String()).Inc()
	r.log.ErrorContext(ctx, "handling of an incident does not end, trying again later", r.about("detail", detail)...)
	return r.park(ctx, plan.After(r.ledger, plan.Failure{Reason: ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, Text: detail}, r.clock.Now()))
}

func (r *run) do(ctx context.Context, step plan.Step) (done bool, err error) {
	switch step := step.(type) {
	case plan.Nothing:
		return true, nil
	case plan.Park:
		return true, r.park(ctx, step)
	case plan.Miss:
		return true, r.parkFrom(ctx, plan.Missed(r.ledger, step.At, r.clock.Now()), step.Park)
	case plan.Unpark:
		return false, r.put(ctx, "unpark", plan.Unparked(r.ledger, r.clock.Now()))
	case plan.Look:
		return r.look(ctx)
	case plan.Glance:
		return r.glance(ctx)
	case plan.AskCompany:
		return true, r.askCompany(ctx, step)
	case plan.ListBoard:
		return r.listBoard(ctx)
	case plan.ListOwn:
		return r.listOwn(ctx)
	case plan.Adopt:
		return r.adopt(ctx)
	case plan.TakeUp:
		return false, r.takeUp(ctx, step.Ticket)
	case plan.AskQuota:
		return false, r.askQuota(ctx)
	case plan.BeginCreate:
		return r.beginCreate(ctx, step)
	case plan.FindByReference:
		return r.find(ctx)
	case plan.Create:
		return r.create(ctx)
	case plan.BeginNote:
		return false, r.beginNote(ctx, "begin note", plan.NoteBegun)
	case plan.BeginClose:
		return false, r.beginNote(ctx, "begin close", plan.CloseBegun)
	case plan.FindNote:
		return r.findNote(ctx)
	case plan.Note:
		return r.note(ctx)
	case plan.Close:
		return r.closeTicket(ctx)
	case plan.Drop:
		return true, r.drop(ctx)
	default:
		return r.answer(ctx, step)
	}
}

// put writes the ledger if nobody else did meanwhile. A Conflict goes back to the stream: the message comes again
// and finds the ledger as the other left it.
func (r *run) put(ctx context.Context, name string, next *ticketv1.Ledger) error {
	r.onStep(name + ": begin")
	next.Requests = r.ledger.GetRequests() + uint32(r.sent.Load())
	revision, err := r.ledgers.Put(ctx, r.key, next, r.revision)
	if err != nil {
		return err
	}
	r.sent.Store(0)
	r.ledger, r.revision = next, revision
	r.onStep(name + ": end")
	return nil
}

// call makes one exchange with ConnectWise, unless the tenant's server was found not to be usable a moment ago; the
// failure that showed it stands then for the one that would come.
func (r *run) call(ctx context.Context, name string, f func(ctx context.Context) error) error {
	if err := r.site.usable(r.clock.Now()); err != nil {
		return err
	}
	ctx = connectwise.Counting(ctx, &r.sent)
	// What was sent must be over before another process may have waited out its patience.
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, min(longestCall, r.patience*2/3))
	defer cancel()
	r.onStep(name + ": begin")
	before := r.sent.Load()
	err := f(ctx)
	r.onStep(name + ": end")
	r.site.answered(err, r.clock.Now())
	// What was answered from memory says nothing about the server.
	r.mended(parent, name, err == nil && r.sent.Load() > before)
	return err
}

// failed parks an incident after a failure of ConnectWise in an action. next is the ledger that the failure leaves.
// An end of the run itself is no failure of anybody: the message comes again.
func (r *run) failed(ctx context.Context, action string, next *ticketv1.Ledger, err error) error {
	if ctx.Err() != nil {
		return errclass.New(errclass.Transient, "handle incident", ctx.Err())
	}
	var held *heldError
	if !errors.As(err, &held) {
		r.metrics.failures.WithLabelValues(errclass.Of(err).String()).Inc()
		if errclass.Of(err) == errclass.Bug {
			r.log.ErrorContext(ctx, "request to ConnectWise failed unexpectedly", r.about("err", err)...)
		}
	}
	now := r.clock.Now()
	p := plan.After(r.ledger, failureOf(action, err), now)
	if held != nil && p.Until.Before(held.until) {
		p.Until = held.until
	}
	if err := r.troubled(ctx, action, p, err); err != nil {
		return err
	}
	return r.parkFrom(ctx, next, p)
}

// about are the log attributes that name the incident.
func (r *run) about(more ...any) []any {
	l := r.ledger
	return append([]any{"tenant", l.GetTenant(), "device", l.GetDeviceId(), "incident", l.GetIncidentId(), "ticket", l.GetTicketId()}, more...)
}
