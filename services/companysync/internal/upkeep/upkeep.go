// Package upkeep does what nobody asks for: it compares a tenant's customers and companies as a whole once a day and
// when the vendor's list of customers changes, settles links whose wait is over or whose creation was interrupted, and
// has companies written into customers' references. It decides when, never what.
//
// Every process has one. A whole comparison is claimed in the bucket company_round, so that of several processes one
// makes it; the rest is compare-and-set on the links, and doing it twice is harmless.
package upkeep

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/answer"
	"github.com/covewise/covewise/services/companysync/internal/writeback"
)

const (
	roundEvery = 24 * time.Hour   // from one whole comparison to the next
	roundAgain = 15 * time.Minute // after one that failed, or that its process did not end
	lookEvery  = time.Minute      // between two looks at what is due, when nothing changes
	// together is how many tenants are looked after at a time, each on its own: one whose server hangs holds no other.
	together = 8
	// tenantTime bounds one look at one tenant, in real time.
	tenantTime = 5 * time.Minute
)

// Keeper looks after links. Its fields must be set before Run.
type Keeper struct {
	Bus     *bus.Bus
	Links   *bus.Store[*companyv1.Link]
	Rounds  *bus.Store[*companyv1.Round]
	Tenants *bus.Store[*tenantv1.Settings]
	Trees   *bus.Store[*statusv1.PartnerCursor]
	Answers *answer.Handler
	Writer  *writeback.Writer
	Clock   clock.Clock
	Logger  *slog.Logger

	mu       sync.Mutex
	busy     map[string]bool    // tenants that are being looked after
	tried    map[string]attempt // by key of the link
	deferred bool               // a tenant is to be looked at again when one of those looked after is done
}

// attempt is when something was tried for a link, and in which revision it was.
type attempt struct {
	revision uint64
	at       time.Time
}

// Run looks after every tenant until the context ends, and then returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	stir := make(chan struct{}, 1)
	wake := func() {
		select {
		case stir <- struct{}{}:
		default:
		}
	}
	changed := func(string) { wake() }
	// The views tell when something may be due; whether it is, is read from the buckets.
	v := views{
		tenants: bus.NewView(k.Tenants, ">", func(e bus.Entry[*tenantv1.Settings]) *tenantv1.Settings { return e.Value }, changed),
		trees:   bus.NewView(k.Trees, "*.partners", func(e bus.Entry[*statusv1.PartnerCursor]) string { return Hash(e.Value) }, changed),
		rounds:  bus.NewView(k.Rounds, ">", func(e bus.Entry[*companyv1.Round]) *companyv1.Round { return e.Value }, changed),
	}
	// A look goes over all links, and links change all the time: only one with which something is to be done is a reason.
	v.links = bus.NewView(k.Links, ">", project, func(key string) {
		item, _ := v.links.Get(key)
		settings, _ := v.tenants.Get(bus.Key(item.link.GetTenant()))
		if now := k.Clock.Now(); item.link != nil && (answer.Unsettled(item.link, now) || writeback.Due(settings, item.link, now)) {
			wake()
		}
	})
	k.busy, k.tried = map[string]bool{}, map[string]attempt{}
	var workers errgroup.Group
	workers.SetLimit(together)
	defer func() { _ = workers.Wait() }() // they return nothing: one tenant's failure is said, and concerns no other
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return v.tenants.Run(ctx, k.Bus) })
	all.Go(func() error { return v.trees.Run(ctx, k.Bus) })
	all.Go(func() error { return v.rounds.Run(ctx, k.Bus) })
	all.Go(func() error { return v.links.Run(ctx, k.Bus) })
	all.Go(func() error {
		for _, ready := range []<-chan struct{}{v.tenants.Ready(), v.trees.Ready(), v.rounds.Ready(), v.links.Ready()} {
			select {
			case <-ready:
			case <-ctx.Done():
				return nil
			}
		}
		for ctx.Err() == nil {
			now := k.Clock.Now()
			k.look(ctx, v, now, &workers, wake)
			// Until a time and not for a while: the clock may have moved during the look.
			k.rest(ctx, stir, now.Add(lookEvery))
		}
		return nil
	})
	return all.Wait()
}

// views are what the buckets hold, by key.
type views struct {
	tenants *bus.View[*tenantv1.Settings, *tenantv1.Settings]
	trees   *bus.View[*statusv1.PartnerCursor, string]
	rounds  *bus.View[*companyv1.Round, *companyv1.Round]
	links   *bus.View[*companyv1.Link, item]
}

// item is what is kept of a link; its link is nil when nothing is ever due while it stays as it is.
type item struct {
	link     *companyv1.Link
	revision uint64
}

// project keeps of a link what tells whether something is due.
func project(e bus.Entry[*companyv1.Link]) item {
	l := e.Value
	switch l.GetState() {
	case companyv1.LinkState_LINK_STATE_EXCLUDED:
		return item{}
	case companyv1.LinkState_LINK_STATE_LINKED:
		if l.GetMethod() != companyv1.LinkMethod_LINK_METHOD_CATCH_ALL && !writeback.Missing(l) && !writeback.Void(l) {
			return item{}
		}
	case companyv1.LinkState_LINK_STATE_CREATING:
	default:
		if l.GetDeadline() == nil && !writeback.Void(l) {
			return item{}
		}
	}
	return item{revision: e.Revision, link: &companyv1.Link{
		Tenant: l.GetTenant(), Customer: l.GetCustomer(), State: l.GetState(), Method: l.GetMethod(), Company: l.GetCompany(),
		CheckedAt: l.GetCheckedAt(), Deadline: l.GetDeadline(), WriteBack: l.GetWriteBack(), RemovedAt: l.GetRemovedAt(),
		LastOrder: l.GetLastOrder(),
	}}
}

// rest waits until something changed, or until a time.
func (k *Keeper) rest(ctx context.Context, stir <-chan struct{}, until time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		_ = k.Clock.SleepUntil(ctx, until) // ends early by intention
	}()
	select {
	case <-stir:
	case <-ctx.Done():
	}
	cancel()
	<-done
}

// work is what may be due for one tenant.
type work struct {
	settings  *tenantv1.Settings
	round     bool
	unsettled []*statusv1.Customer
	unwritten []string // keys of links
}

// look begins everything that is due at a time. It does not wait for it.
func (k *Keeper) look(ctx context.Context, v views, now time.Time, workers *errgroup.Group, wake func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.deferred = false
	all := map[string]*work{}
	v.tenants.Each(func(key string, settings *tenantv1.Settings) {
		if k.busy[key] {
			k.deferred = true // what came up meanwhile is seen when it is done
			return
		}
		all[key] = &work{settings: settings}
	})
	for key, w := range all {
		last, _ := v.rounds.Get(key)
		hash, read := v.trees.Get(bus.Key(w.settings.GetId(), "partners"))
		w.round = read && due(last, hash, now)
	}
	v.links.Each(func(key string, i item) {
		if i.link == nil {
			delete(k.tried, key)
			return
		}
		w := all[bus.Key(i.link.GetTenant())]
		if w == nil {
			return
		}
		// What was of no use a moment ago is of none until the link changes or some time has passed.
		if last, was := k.tried[key]; was && last.revision == i.revision && now.Before(last.at.Add(lookEvery)) {
			return
		}
		switch {
		case answer.Unsettled(i.link, now):
			w.unsettled = append(w.unsettled, i.link.GetCustomer())
		case writeback.Due(w.settings, i.link, now):
			w.unwritten = append(w.unwritten, key)
		default:
			delete(k.tried, key)
			return
		}
		k.tried[key] = attempt{i.revision, now}
	})
	for key, w := range all {
		if !w.round && len(w.unsettled) == 0 && len(w.unwritten) == 0 {
			continue
		}
		k.busy[key] = true
		if !workers.TryGo(func() error {
			k.work(ctx, w)
			k.done(key, wake)
			return nil
		}) {
			delete(k.busy, key)
			k.deferred = true
			for _, customer := range w.unsettled {
				delete(k.tried, bus.Key(w.settings.GetId(), customer.GetId()))
			}
			for _, link := range w.unwritten {
				delete(k.tried, link)
			}
		}
	}
}

// done gives a tenant's place free, and has another look taken when somebody waits for one.
func (k *Keeper) done(key string, wake func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.busy, key)
	if k.deferred {
		wake()
	}
}

func (k *Keeper) work(ctx context.Context, w *work) {
	ctx, cancel := context.WithTimeout(ctx, tenantTime)
	defer cancel()
	if err := k.tenant(ctx, w); err != nil && ctx.Err() == nil {
		k.Logger.WarnContext(ctx, "the companies of a tenant cannot be looked after", "tenant", w.settings.GetId(), "class", errclass.Of(err).String(), "err", err)
	}
}

func (k *Keeper) tenant(ctx context.Context, w *work) error {
	if w.round {
		if err := k.round(ctx, w.settings); err != nil {
			return err
		}
	}
	for _, customer := range w.unsettled {
		if err := k.Answers.Settle(ctx, w.settings, customer); err != nil {
			return err
		}
	}
	for _, key := range w.unwritten {
		if err := k.Writer.Write(ctx, w.settings, key); err != nil {
			return err
		}
	}
	return nil
}

// round makes a whole comparison if one is due and nobody else makes it. A failure is recorded, and no error.
func (k *Keeper) round(ctx context.Context, settings *tenantv1.Settings) error {
	tree, _, err := k.Trees.Get(ctx, bus.Key(settings.GetId(), "partners"))
	if err != nil || tree == nil {
		return err // the first sweep has not read the customers yet
	}
	key, now := bus.Key(settings.GetId()), k.Clock.Now()
	last, revision, err := k.Rounds.Get(ctx, key)
	hash := Hash(tree)
	if err != nil || !due(last, hash, now) {
		return err
	}
	round := &companyv1.Round{SchemaVersion: 1, Tenant: settings.GetId(), BegunAt: timestamppb.New(now), CustomersReadAt: tree.GetReadAt(), Tree: hash}
	if revision, err = k.Rounds.Put(ctx, key, round, revision); errclass.Of(err) == errclass.Conflict && err != nil {
		return nil // another process makes it
	} else if err != nil {
		return err
	}
	pairs, failure := k.Answers.Round(ctx, settings, tree)
	round = proto.CloneOf(round)
	if failure != nil {
		round.Failure = failure.Error()
		k.Logger.WarnContext(ctx, "customers and companies could not be compared", "tenant", settings.GetId(), "class", errclass.Of(failure).String(), "err", failure)
	} else {
		round.EndedAt, round.Customers, round.Counts = timestamppb.New(k.Clock.Now()), uint32(len(pairs)), counts(pairs)
		k.Logger.InfoContext(ctx, "customers and companies compared", "tenant", settings.GetId(), "customers", len(pairs))
	}
	// The outcome is put down although the service is being stopped; a claim that is lost expires.
	if _, err := k.Rounds.Put(context.WithoutCancel(ctx), key, round, revision); err != nil {
		return fmt.Errorf("record comparison: %w", err)
	}
	return nil
}

// due says whether a whole comparison is due: after a day, when the list of customers has changed, and some time after
// one that did not end well.
func due(last *companyv1.Round, hash string, now time.Time) bool {
	passed := now.Sub(last.GetBegunAt().AsTime())
	if last.GetEndedAt() == nil {
		return last == nil || passed >= roundAgain
	}
	return passed >= roundEvery || last.GetTree() != hash
}

// Hash names the customers of a partner tree.
func Hash(tree *statusv1.PartnerCursor) string {
	var b strings.Builder
	customers := answer.Customers(tree)
	slices.SortFunc(customers, func(a, c *statusv1.Customer) int { return cmp.Compare(a.GetId(), c.GetId()) })
	for _, c := range customers {
		fmt.Fprintf(&b, "%q %q %q %q\n", c.GetId(), c.GetName(), c.GetState(), c.GetReference())
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(b.String())) // never fails
	return strconv.FormatUint(sum.Sum64(), 36)
}

func counts(pairs []answer.Pair) []*companyv1.StateCount {
	of := map[companyv1.LinkState]uint32{}
	for _, p := range pairs {
		state := p.Link.GetState()
		if p.Renamed != "" {
			state = companyv1.LinkState_LINK_STATE_RENAMED
		}
		of[state]++
	}
	var all []*companyv1.StateCount
	for state, n := range of {
		all = append(all, &companyv1.StateCount{State: state, Customers: n})
	}
	slices.SortFunc(all, func(a, b *companyv1.StateCount) int { return cmp.Compare(a.GetState(), b.GetState()) })
	return all
}
