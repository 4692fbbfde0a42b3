package watch

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// step is how often the clock is looked at, at least.
const step = time.Minute

// retry is the pause after the bus refused a message.
const retry = 5 * time.Second

// Watch publishes status.v1.overdue for tenants without a complete sweep. Every evaluator has one; what they say of one
// tenant and interval is the same message with the same id.
type Watch struct {
	bus      *bus.Bus
	clock    clock.Clock
	log      *slog.Logger
	settings *bus.View[*tenantv1.Settings, awaited]
	states   *bus.View[*incidentv1.TenantState, known]

	mu   sync.Mutex
	seen map[string]time.Time // from when on this process watches each tenant, by key
	sent map[string]int64     // slot last told of, by key
	next time.Time            // of the next look as planned; zero before the first
}

// awaited is what a tenant's settings say about its sweeps.
type awaited struct {
	tenant   string
	interval time.Duration // at least leastInterval
	after    uint32
}

// known is what a tenant's state says about them.
type known struct {
	lastComplete   *timestamppb.Timestamp
	open           bool
	class, failure string
}

// New opens the buckets that a Watch reads. Nothing happens before Run.
func New(ctx context.Context, b *bus.Bus, c clock.Clock, log *slog.Logger) (*Watch, error) {
	settings, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return nil, err
	}
	states, err := bus.OpenStore[*incidentv1.TenantState](ctx, b, bus.TenantState)
	if err != nil {
		return nil, err
	}
	w := &Watch{bus: b, clock: c, log: log, seen: map[string]time.Time{}, sent: map[string]int64{}}
	w.settings = bus.NewView(settings, ">", func(e bus.Entry[*tenantv1.Settings]) awaited {
		return awaited{e.Value.GetId(), max(e.Value.GetPollInterval().AsDuration(), leastInterval), e.Value.GetPolicy().GetNotSweptAfter()}
	}, w.settingsChanged)
	w.states = bus.NewView(states, ">", func(e bus.Entry[*incidentv1.TenantState]) known {
		return known{e.Value.GetLastCompleteAt(), e.Value.GetOpen() != nil, e.Value.GetFailureClass(), e.Value.GetFailure()}
	}, nil)
	return w, nil
}

func (w *Watch) settingsChanged(key string) {
	_, present := w.settings.Get(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch _, known := w.seen[key]; {
	case !present:
		delete(w.seen, key)
		delete(w.sent, key)
	case !known:
		w.seen[key] = w.clock.Now()
	}
}

// Run watches until the context ends, and then returns nil.
func (w *Watch) Run(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return w.settings.Run(ctx, w.bus) })
	all.Go(func() error { return w.states.Run(ctx, w.bus) })
	all.Go(func() error {
		for _, ready := range []<-chan struct{}{w.settings.Ready(), w.states.Ready()} {
			select {
			case <-ready:
			case <-ctx.Done():
				return nil
			}
		}
		said := ""
		for ctx.Err() == nil {
			now := w.clock.Now()
			w.wake(now)
			next, err := w.round(ctx, now)
			if err != nil && ctx.Err() == nil && err.Error() != said {
				w.log.Warn("overdue sweeps cannot be told, trying again", "err", err)
			}
			said = fmt.Sprint(err)
			w.plan(next)
			if w.clock.SleepUntil(ctx, next) != nil {
				break
			}
		}
		return nil
	})
	return all.Wait()
}

// plan takes down when to look again.
func (w *Watch) plan(next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = next
}

// wake begins a look. One that comes later than planned by more than a tenant's interval means that the machine slept, or
// that its clock was set: the pollers could not do better, and get their time from now on.
func (w *Watch) wake(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next.IsZero() {
		return
	}
	w.settings.Each(func(key string, a awaited) {
		if now.Sub(w.next) > a.interval {
			w.seen[key] = now
		}
	})
}

// round publishes what is due and returns when to look again.
func (w *Watch) round(ctx context.Context, now time.Time) (time.Time, error) {
	messages, slots, next := w.due(now)
	if len(messages) == 0 {
		return next, nil
	}
	if err := w.bus.PublishAll(ctx, messages); err != nil {
		return now.Add(retry), err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.Copy(w.sent, slots)
	return next, nil
}

// due returns what is to be told at a time, the slot of each tenant that it is about, and when to look again.
func (w *Watch) due(now time.Time) (messages []bus.Message, slots map[string]int64, next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next = now.Add(step)
	slots = map[string]int64{}
	w.settings.Each(func(key string, a awaited) {
		state, _ := w.states.Get(key)
		// What happened while this process was away is not known: the pollers may have been away with it. So a tenant
		// gets its intervals from the start of the process on.
		since := w.seen[key]
		if at := state.lastComplete; at != nil && at.AsTime().After(since) {
			since = at.AsTime()
		}
		due := since.Add(time.Duration(a.after) * a.interval)
		if a.after == 0 || state.open {
			return
		}
		if now.Before(due) {
			next = earlier(next, due)
			return
		}
		slot := now.UnixNano() / int64(a.interval)
		next = earlier(next, time.Unix(0, (slot+1)*int64(a.interval)))
		if last, told := w.sent[key]; told && last >= slot {
			return
		}
		slots[key] = slot
		messages = append(messages, overdue(a, state, slot))
	})
	return messages, slots, next
}

// overdue is what every watch says of a tenant in one slot, the number of the interval since 1970.
func overdue(a awaited, state known, slot int64) bus.Message {
	key := strconv.FormatInt(slot, 10)
	return bus.Message{
		Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbOverdue, Tenant: a.tenant, Key: key},
		ID:      fmt.Sprintf("overdue:%s:%s", a.tenant, key),
		Body: &statusv1.SweepOverdue{
			SchemaVersion: schemaVersion, Tenant: a.tenant, ObservedAt: timestamppb.New(time.Unix(0, slot*int64(a.interval))),
			LastCompleteAt: state.lastComplete, Interval: durationpb.New(a.interval), FailureClass: state.class, Failure: state.failure,
		},
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
