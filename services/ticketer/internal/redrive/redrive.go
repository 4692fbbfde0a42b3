// Package redrive wakes what the ticketer has parked: it watches the ledger, the companies and the tenants, and
// publishes a message for each parked incident whose wait may be over, and for each unfinished one that is not parked
// and that nobody has touched for ten minutes: its message was lost. The message goes through the incident's own
// partition, so that waking never runs beside an event of the same device; it carries no news.
//
// It decides nothing and changes nothing. Every process has one; that two of them wake the same incident is
// harmless, and mostly avoided by the derived message ids.
package redrive

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
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// again is how long a wake that had no effect is not repeated. It covers a message that was lost.
const again = 10 * time.Minute

// abandoned is how long an unfinished incident that is not parked stands still before it is woken.
const abandoned = 10 * time.Minute

// spread is the time over which a start wakes what waits for a person.
const spread = 5 * time.Second

// idle is how long the redriver sleeps when nothing is due.
const idle = time.Hour

// retry is the pause after the bus refused a wake.
const retry = 5 * time.Second

// wakeTTL is how long a wake is worth handling.
const wakeTTL = time.Hour

// Redriver wakes parked incidents.
type Redriver struct {
	bus      *bus.Bus
	clock    clock.Clock
	log      *slog.Logger
	patience time.Duration
	gauge    func(map[ticketv1.ParkReason]int)
	ledgers  *bus.View[*ticketv1.Ledger, *waiting]
	links    *bus.View[*companyv1.Link, link]
	tenants  *bus.View[*tenantv1.Settings, settings]
	stir     chan struct{} // a change that may make something due; holds one
	opened   time.Time

	mu     sync.Mutex
	parked map[string]*waiting // by ledger key
	edits  map[string]edit     // by tenant key
	sent   map[string]wake     // by ledger key
}

// waiting is an incident that is parked, or unfinished: that one has no reason, and its time comes when it must
// be taken for abandoned.
type waiting struct {
	tenant, device, incident, customer string
	park                               *ticketv1.Park // without its text
	updated                            time.Time
}

type link struct {
	linked   bool
	unasked  bool // ConnectWise could not be asked for it
	revision uint64
}

type settings struct {
	live     bool
	revision uint64
}

// edit is the last change of a tenant's settings that was seen to happen.
type edit struct {
	revision uint64
	at       time.Time // zero for the settings as they were first seen
}

// wake is a message that was published.
type wake struct {
	id    string // without what tells a repetition from it
	cause string
	at    time.Time
	link  uint64 // revision of the last link that was a cause
}

// New opens the views. patience is the ticketer's. gauge is told how many incidents wait for each reason; it may be nil.
func New(
	ctx context.Context, b *bus.Bus, c clock.Clock, log *slog.Logger, patience time.Duration, gauge func(map[ticketv1.ParkReason]int),
) (*Redriver, error) {
	if gauge == nil {
		gauge = func(map[ticketv1.ParkReason]int) {}
	}
	r := &Redriver{
		bus: b, clock: c, log: log, patience: patience, gauge: gauge, stir: make(chan struct{}, 1), opened: c.Now(),
		parked: map[string]*waiting{}, edits: map[string]edit{}, sent: map[string]wake{},
	}
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
	if err != nil {
		return nil, err
	}
	links, err := bus.OpenStore[*companyv1.Link](ctx, b, bus.CompanyMap)
	if err != nil {
		return nil, err
	}
	tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return nil, err
	}
	r.ledgers = bus.NewView(ledgers, ">", project, r.ledgerChanged)
	r.links = bus.NewView(links, ">", func(e bus.Entry[*companyv1.Link]) link {
		linked := e.Value.GetState() == companyv1.LinkState_LINK_STATE_LINKED && e.Value.GetCompany().GetId() > 0
		return link{linked, e.Value.GetState() == companyv1.LinkState_LINK_STATE_UNSPECIFIED, e.Revision}
	}, func(string) { r.wakeUp() })
	r.tenants = bus.NewView(tenants, ">", func(e bus.Entry[*tenantv1.Settings]) settings {
		return settings{e.Value.GetMode() == tenantv1.Mode_MODE_LIVE, e.Revision}
	}, r.tenantChanged)
	return r, nil
}

// project keeps of a ledger what waking needs; nil when it is neither parked nor unfinished.
func project(e bus.Entry[*ticketv1.Ledger]) *waiting {
	l := e.Value
	updated := l.GetUpdatedAt().AsTime()
	park := &ticketv1.Park{Reason: l.GetPark().GetReason(), Until: l.GetPark().GetUntil(), Times: l.GetPark().GetTimes()}
	switch {
	case l.GetPark() != nil:
	case plan.Unfinished(l):
		park.Until = timestamppb.New(updated.Add(abandoned))
	default:
		return nil
	}
	return &waiting{
		tenant: l.GetTenant(), device: l.GetDeviceId(), incident: l.GetIncidentId(), customer: l.GetWanted().GetCustomer().GetId(),
		park: park, updated: updated,
	}
}

func (r *Redriver) ledgerChanged(key string) {
	item, _ := r.ledgers.Get(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	_, was := r.parked[key]
	if item == nil {
		delete(r.parked, key)
		delete(r.sent, key)
	} else {
		r.parked[key] = item
	}
	if was || item != nil {
		r.wakeUp()
	}
}

// tenantChanged tells a change of settings from the list that a view reads when it begins and now and then.
func (r *Redriver) tenantChanged(key string) {
	now, _ := r.tenants.Get(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	old, known := r.edits[key]
	switch {
	case !known:
		r.edits[key] = edit{revision: now.revision}
	case old.revision != now.revision:
		r.edits[key] = edit{now.revision, r.clock.Now()}
	}
	r.wakeUp()
}

func (r *Redriver) wakeUp() {
	select {
	case r.stir <- struct{}{}:
	default:
	}
}

// Run wakes what is due until the context ends, and then returns nil.
func (r *Redriver) Run(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return r.ledgers.Run(ctx, r.bus) })
	all.Go(func() error { return r.links.Run(ctx, r.bus) })
	all.Go(func() error { return r.tenants.Run(ctx, r.bus) })
	all.Go(func() error {
		for _, ready := range []<-chan struct{}{r.ledgers.Ready(), r.links.Ready(), r.tenants.Ready()} {
			select {
			case <-ready:
			case <-ctx.Done():
				return nil
			}
		}
		said := ""
		for ctx.Err() == nil {
			now := r.clock.Now()
			wait, err := r.round(ctx, now)
			if err != nil && ctx.Err() == nil {
				wait = retry
				if err.Error() != said {
					r.log.Warn("parked incidents cannot be woken, trying again", "err", err)
				}
			}
			said = fmt.Sprint(err)
			r.rest(ctx, now.Add(wait))
		}
		return nil
	})
	return all.Wait()
}

// rest waits for a time or until something changed.
func (r *Redriver) rest(ctx context.Context, until time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		_ = r.clock.SleepUntil(ctx, until) // ends early by intention
	}()
	select {
	case <-r.stir:
	case <-ctx.Done():
	}
	cancel()
	<-done
}

// round publishes what is due and returns how long after now the next is.
func (r *Redriver) round(ctx context.Context, now time.Time) (time.Duration, error) {
	messages, wakes, next := r.due(now)
	if len(messages) > 0 {
		if err := r.bus.PublishAll(ctx, messages); err != nil {
			return 0, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, w := range wakes {
		if r.parked[key] != nil {
			r.sent[key] = w
		}
	}
	return next, nil
}

// due returns the messages of what is due, what they are by ledger key, and the time until more will be, which is
// never zero: a wait that only settings end may have a time that is over.
func (r *Redriver) due(now time.Time) (messages []bus.Message, wakes map[string]wake, next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = idle
	wakes = map[string]wake{}
	count := map[ticketv1.ParkReason]int{}
	for key, w := range r.parked {
		count[w.park.GetReason()]++
		last, was := r.sent[key]
		this := r.cause(key, w, last, now)
		for _, at := range []time.Time{this.at, w.park.GetUntil().AsTime()} {
			if rest := at.Sub(now); rest > 0 {
				next = min(next, rest)
			}
		}
		if this.cause == "" {
			continue
		}
		// A wait for one reason may follow one for another within its second.
		id := fmt.Sprintf("redrive:%s:%d:%d:%d", key, w.park.GetReason(), w.park.GetUntil().AsTime().UnixNano(), w.park.GetTimes())
		if this.cause != elapsed {
			id += ":" + this.cause
		}
		this.id = id
		if was && last.same(this) {
			if rest := last.at.Add(again).Sub(now); rest > 0 {
				next = min(next, rest)
				continue
			}
			// A repetition must not be taken for the message that had no effect.
			id = fmt.Sprintf("%s@%d", id, now.Unix()/int64(again/time.Second))
		}
		messages = append(messages, bus.Message{
			Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbRedrive, Tenant: w.tenant, Key: w.device},
			ID:      id, TTL: wakeTTL,
			Body: &incidentv1.Event{SchemaVersion: 1, Tenant: w.tenant, DeviceId: w.device, IncidentId: w.incident},
		})
		wakes[key] = this
		next = min(next, again)
	}
	r.gauge(count)
	return messages, wakes, next
}

// same reports whether a wake was for the same cause as this one. Each end of a wait is a cause of its own.
func (w wake) same(this wake) bool {
	return w.cause == this.cause && (w.cause != elapsed || w.id == this.id)
}

// elapsed is the cause of a wake whose time has come; it is left out of the message's id.
const elapsed = "elapsed"

// cause names why a wait may be over, now. While it is not, the cause is empty and the time is when it may be.
func (r *Redriver) cause(key string, w *waiting, last wake, now time.Time) wake {
	because := func(format string, args ...any) wake {
		return wake{cause: fmt.Sprintf(format, args...), at: now, link: last.link}
	}
	until := wake{at: w.park.GetUntil().AsTime()}
	tenantKey := bus.Key(w.tenant)
	tenant, known := r.tenants.Get(tenantKey)
	reason := w.park.GetReason()
	switch {
	case reason == ticketv1.ParkReason_PARK_REASON_SHADOW && known && tenant.live:
		return because("live%d", tenant.revision)
	case reason == ticketv1.ParkReason_PARK_REASON_NO_TENANT && known:
		return because("known%d", tenant.revision)
	case reason == ticketv1.ParkReason_PARK_REASON_SHADOW, reason == ticketv1.ParkReason_PARK_REASON_NO_TENANT:
		return until
	case plan.Due(w.park, r.patience, now):
		return because(elapsed)
	case reason == ticketv1.ParkReason_PARK_REASON_UNSPECIFIED:
		return until
	}
	// Each state of a link is a cause once: if it was of no use, it stays so until it changes.
	if l, there := r.links.Get(bus.Key(w.tenant, w.customer)); there && l.revision != last.link && releases(reason, l) {
		this := because("link%d", l.revision)
		this.link = l.revision
		return this
	}
	// A wait renewed in the same instant may have been decided by the settings before; waking it twice is harmless.
	if e := r.edits[tenantKey]; !e.at.Before(w.updated) {
		return because("settings%d", e.revision)
	}
	if mendable(reason) && w.updated.Before(r.opened) {
		at := r.opened.Add(turn(key))
		if !now.Before(at) {
			return because("start")
		}
		if at.Before(until.at) {
			until.at = at
		}
	}
	return until
}

// releases reports whether a link may end a wait: that for a company, also when nobody could be asked for one, because that is
// the incident's trouble then; and, when it names no company any more, that after a refusal, which may have been its company's.
func releases(reason ticketv1.ParkReason, l link) bool {
	switch reason {
	case ticketv1.ParkReason_PARK_REASON_COMPANY:
		return l.linked || l.unasked
	case ticketv1.ParkReason_PARK_REASON_REJECTED:
		return !l.linked
	default:
		return false
	}
}

// mendable reports whether people end a wait by mending settings, rights, records or servers. What they mended while
// no ticketer ran was seen by nobody, so that each start has another look.
func mendable(reason ticketv1.ParkReason) bool {
	return reason == ticketv1.ParkReason_PARK_REASON_REJECTED || reason == ticketv1.ParkReason_PARK_REASON_AUTH ||
		reason == ticketv1.ParkReason_PARK_REASON_UNAVAILABLE
}

// turn is an incident's place in the time over which a start wakes what waits.
func turn(key string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return time.Duration(h.Sum32()) % spread
}
