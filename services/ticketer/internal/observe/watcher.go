// Package observe looks at what people do with our tickets: for each tenant, every few minutes, it lists the tickets
// of ours that changed, compares them with the ledgers and hands every difference to the incident's partition, where
// it is recorded and answered. Now and then it compares all open tickets, because a deleted one leaves no trace in a
// list of changes. On the same rounds it keeps the roll-up ticket and forgets ledgers that ended long ago.
//
// It decides nothing about an incident and changes nothing in ConnectWise. Every process has one; who looks at a
// tenant is settled by compare-and-set on the desk's record, so that a look costs one request and not one for each.
package observe

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
)

// DefaultEvery is the time between two looks at a tenant's tickets.
const DefaultEvery = 5 * time.Minute

// Keep is how long the ledger of an incident that is over stays on record.
const Keep = 400 * 24 * time.Hour

const (
	censusTurns  = 12                  // looks between two comparisons of all open tickets
	overlap      = 2 * time.Minute     // how far a look goes back before what the last one saw: a search index lags
	lately       = 30 * 24 * time.Hour // how long the tickets of an incident that is over are listed by their ids
	clockSkew    = time.Hour           // how far before our time the first look begins, for servers whose clock is behind
	mostAtOnce   = 8                   // tenants looked at side by side
	retry        = 5 * time.Second
	longestPause = time.Minute
	lookLimit    = time.Minute // for one look, on the machine's clock
)

// Reader lists our tickets at one tenant's server. Prefix is how our references begin; ids are tickets that bear none. What
// Changed lists may be others', too.
type Reader interface {
	Changed(ctx context.Context, prefix string, ids []int64, since time.Time) ([]*ticketv1.Observed, error)
	Open(ctx context.Context, prefix string, ids []int64) ([]*ticketv1.Observed, error)
	Read(ctx context.Context, ticket int64) (*ticketv1.Observed, error)
}

// Look calls f with the reader of a tenant's present server, whose name it gives ("<company>@<host>"). It fails without
// calling f when the tenant has no settings or its server is left alone after a failure.
type Look func(ctx context.Context, tenant string, f func(ctx context.Context, server string, r Reader) error) error

// Options are what a Watcher needs; all but Every are required.
type Options struct {
	Bus    *bus.Bus
	Clock  clock.Clock
	Logger *slog.Logger
	Look   Look
	Every  time.Duration // DefaultEvery when zero
	Counts Audience
}

// Audience is told of every ledger that the watcher sees, and once when it has seen all there are.
type Audience interface {
	See(key string, revision uint64, l *ticketv1.Ledger)
	Complete()
}

// Watcher looks at tickets.
type Watcher struct {
	bus      *bus.Bus
	clock    clock.Clock
	log      *slog.Logger
	look     Look
	every    time.Duration
	counts   Audience
	store    *bus.Store[*ticketv1.Ledger]
	desks    *bus.Store[*ticketv1.Desk]
	links    *bus.Store[*companyv1.Link]
	settings *bus.Store[*tenantv1.Settings]
	adopted  *bus.Store[*ticketv1.Adoption]
	ledgers  *bus.View[*ticketv1.Ledger, *tracked]
	due      *bus.View[*ticketv1.Desk, time.Time]
	live     *bus.View[*tenantv1.Settings, string] // ids of the tenants in live mode; empty for others
	stir     chan struct{}                         // a tenant has its first ticket, or a turn has moved; holds one

	mu       sync.Mutex
	byTenant map[string]map[string]*tracked // by tenant, then by ledger key
	said     map[string]string              // last failure told, by tenant

	rolls rolls // tenants whose roll-up may have news
}

// tracked is what looking needs of a ledger.
type tracked struct {
	tenant, device, incident, reference string
	ticket                              int64
	observed                            *ticketv1.Observed
	phase                               ticketv1.Phase
	serves                              bool           // the ticket shows trouble that is not over
	foreign                             bool           // the ticket is somebody else's, which ours was merged into
	former                              []int64        // tickets that the incident had before the present one
	givenUp                             int64          // the one among them that the next, which waits, is to replace; 0 for none
	remarks                             []string       // what is on record about strays, among others
	standIn                             string         // customer whose ticket is at the catch-all company; empty otherwise
	held                                hold           // what keeps the incident from its ticket
	waiting                             rollup.Waiting // what the roll-up tells of it; set while something holds it back
	over                                time.Time      // when the incident ended; zero while it has not
}

// New opens the views.
func New(ctx context.Context, o Options) (*Watcher, error) {
	if o.Every == 0 {
		o.Every = DefaultEvery
	}
	w := &Watcher{
		bus: o.Bus, clock: o.Clock, log: o.Logger, look: o.Look, every: o.Every, counts: o.Counts, stir: make(chan struct{}, 1),
		byTenant: map[string]map[string]*tracked{}, said: map[string]string{}, rolls: newRolls(),
	}
	var err error
	if w.store, err = bus.OpenStore[*ticketv1.Ledger](ctx, o.Bus, bus.TicketLedger); err != nil {
		return nil, err
	}
	if w.desks, err = bus.OpenStore[*ticketv1.Desk](ctx, o.Bus, bus.TicketDesk); err != nil {
		return nil, err
	}
	if w.settings, err = bus.OpenStore[*tenantv1.Settings](ctx, o.Bus, bus.Tenants); err != nil {
		return nil, err
	}
	if w.links, err = bus.OpenStore[*companyv1.Link](ctx, o.Bus, bus.CompanyMap); err != nil {
		return nil, err
	}
	if w.adopted, err = bus.OpenStore[*ticketv1.Adoption](ctx, o.Bus, bus.Adoptions); err != nil {
		return nil, err
	}
	tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, o.Bus, bus.Tenants)
	if err != nil {
		return nil, err
	}
	w.live = bus.NewView(tenants, ">", liveTenant, func(string) { w.wake() })
	w.ledgers = bus.NewView(w.store, ">", func(e bus.Entry[*ticketv1.Ledger]) *tracked {
		o.Counts.See(e.Key, e.Revision, e.Value)
		return project(e)
	}, w.changed)
	// A callback may have brought a look forward.
	w.due = bus.NewView(w.desks, ">", func(e bus.Entry[*ticketv1.Desk]) time.Time { return e.Value.GetNextPollAt().AsTime() }, func(string) { w.wake() })
	return w, nil
}

// project keeps what looking needs of a ledger.
func project(e bus.Entry[*ticketv1.Ledger]) *tracked {
	l := e.Value
	t := &tracked{
		tenant: l.GetTenant(), device: l.GetDeviceId(), incident: l.GetIncidentId(), reference: l.GetReference(), ticket: l.GetTicketId(),
		observed: l.GetObserved(), phase: l.GetPhase(), serves: plan.Serves(l), foreign: l.GetForeign(), former: l.GetFormerTicketIds(), givenUp: plan.GivenUpLast(l), remarks: l.GetRemarks(),
	}
	if l.GetStandIn() && t.phase == ticketv1.Phase_PHASE_OPEN {
		t.standIn = l.GetWanted().GetCustomer().GetId()
	}
	if t.held = heldBack(l); t.held != nothingHolds {
		t.waiting = rollup.Of(l.GetWanted())
	}
	if t.phase == ticketv1.Phase_PHASE_CLOSED || t.phase == ticketv1.Phase_PHASE_DROPPED || plan.Resolved(l) && t.phase == ticketv1.Phase_PHASE_HANDED_OVER {
		t.over = l.GetUpdatedAt().AsTime()
	}
	return t
}

func (w *Watcher) changed(key string) {
	item, _ := w.ledgers.Get(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	if item == nil {
		for _, ledgers := range w.byTenant {
			delete(ledgers, key)
		}
		return
	}
	if old := w.byTenant[item.tenant][key]; old.holding() != item.holding() {
		w.rolls.add(item.tenant)
	}
	if w.byTenant[item.tenant] == nil {
		w.byTenant[item.tenant] = map[string]*tracked{}
		w.wake()
	}
	w.byTenant[item.tenant][key] = item
}

// wake ends the rest between two rounds.
func (w *Watcher) wake() {
	select {
	case w.stir <- struct{}{}:
	default:
	}
}

// Run looks at tickets until the context ends, and then returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return w.ledgers.Run(ctx, w.bus) })
	all.Go(func() error { return w.due.Run(ctx, w.bus) })
	all.Go(func() error { return w.live.Run(ctx, w.bus) })
	all.Go(func() error {
		for _, ready := range []<-chan struct{}{w.ledgers.Ready(), w.due.Ready(), w.live.Ready()} {
			select {
			case <-ready:
			case <-ctx.Done():
				return nil
			}
		}
		for ctx.Err() == nil {
			w.rest(ctx, w.round(ctx))
		}
		return nil
	})
	all.Go(func() error {
		select {
		case <-w.ledgers.Ready():
			w.counts.Complete()
			w.keepRollUps(ctx)
		case <-ctx.Done():
		}
		return nil
	})
	return all.Wait()
}

// round looks at every tenant that is due and returns when the next will be.
func (w *Watcher) round(ctx context.Context) time.Time {
	now := w.clock.Now()
	next := now.Add(longestPause)
	looks, ctx := errgroup.WithContext(ctx)
	looks.SetLimit(mostAtOnce)
	for _, tenant := range w.tenants() {
		at, known := w.due.Get(bus.Key(tenant))
		if known && at.After(now) && at.Before(now.Add(3*w.every)) {
			if at.Before(next) {
				next = at
			}
			continue
		}
		looks.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, lookLimit)
			defer cancel()
			w.tell(ctx, tenant, w.turn(ctx, tenant))
			return nil
		})
	}
	_ = looks.Wait() // what fails is told tenant by tenant
	// The view of what is due lags behind the turns just taken.
	if soonest := now.Add(min(retry, w.every)); next.Before(soonest) {
		next = soonest
	}
	return next
}

func (w *Watcher) tenants() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]string, 0, len(w.byTenant))
	for tenant, ledgers := range w.byTenant {
		if len(ledgers) > 0 {
			all = append(all, tenant)
		}
	}
	// One without any record may have lost it.
	w.live.Each(func(_ string, tenant string) {
		if tenant != "" && len(w.byTenant[tenant]) == 0 {
			all = append(all, tenant)
		}
	})
	return all
}

// liveTenant is the id of a tenant in live mode.
func liveTenant(e bus.Entry[*tenantv1.Settings]) string {
	if e.Value.GetMode() != tenantv1.Mode_MODE_LIVE {
		return ""
	}
	return e.Value.GetId()
}

// tell logs a failure once for each new reason.
func (w *Watcher) tell(ctx context.Context, tenant string, err error) {
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	reason := fmt.Sprint(err)
	if err != nil && w.said[tenant] != reason {
		w.log.WarnContext(ctx, "tickets cannot be looked at, trying again", "tenant", tenant, "err", err)
	}
	w.said[tenant] = reason
}

// rest waits for a time, or until a tenant has its first ticket or another turn.
func (w *Watcher) rest(ctx context.Context, until time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		_ = w.clock.SleepUntil(ctx, until) // ends early by intention
	}()
	select {
	case <-w.stir:
	case <-ctx.Done():
	}
	cancel()
	<-done
}

// turn takes the tenant's turn if nobody else has it, and looks. A tenant that is new waits for its first turn.
func (w *Watcher) turn(ctx context.Context, tenant string) error {
	mine, first, now := false, false, w.clock.Now()
	d, err := w.desks.Update(ctx, bus.Key(tenant), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
		at := d.GetNextPollAt()
		first = at == nil
		mine = first || !at.AsTime().After(now) || at.AsTime().After(now.Add(3*w.every)) // the clock was set back
		if !mine {
			return nil, bus.ErrKeep
		}
		if d == nil {
			d = &ticketv1.Desk{SchemaVersion: 1, Tenant: tenant}
		}
		if first {
			d.Cursor, d.CensusAt, d.ExpiredAt = timestamppb.New(now.Add(-clockSkew)), timestamppb.New(now), timestamppb.New(now)
		}
		d.NextPollAt = timestamppb.New(now.Add(w.every + w.jitter(tenant, now)))
		return d, nil
	})
	if err != nil || !mine || first {
		return err
	}
	return w.visit(ctx, d, now)
}

// jitter spreads the tenants' turns: up to a tenth of the interval, another for each turn.
func (w *Watcher) jitter(tenant string, now time.Time) time.Duration {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s:%d", tenant, now.Unix()) // never fails
	return time.Duration(int64(w.every/10) * int64(h.Sum32()%1000) / 1000)
}
