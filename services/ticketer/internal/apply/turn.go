package apply

import (
	"context"
	"sync"
	"time"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// yield parks what gives way until its turn.
func (r *run) yield(ctx context.Context) error {
	p := plan.Park{Reason: ticketv1.ParkReason_PARK_REASON_YIELDED}
	now, interval := r.clock.Now(), r.site.desk.Interval()
	switch r.ledger.GetPhase() {
	case ticketv1.Phase_PHASE_UNSPECIFIED, ticketv1.Phase_PHASE_NEW:
		p.Detail, p.Until = "many tickets are to be created, one after the other as the pace of requests allows", r.site.turns.create(now, interval)
	default:
		p.Detail, p.Until = "tickets to be created go first", r.site.turns.note(now, interval)
	}
	return r.park(ctx, p)
}

// longestQueue bounds how far ahead a turn may lie; beyond it the clock was set back, or waiting longer helps nobody.
const longestQueue = 10 * time.Minute

// turns say when what gave way is to come back: one after the other, as the pace allows, so that no turn is lost while they
// wait. Creates come before notes.
type turns struct {
	mu                   sync.Mutex
	lastCreate, lastNote time.Time
}

func (t *turns) create(now time.Time, interval time.Duration) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastCreate = within(t.lastCreate, now).Add(interval)
	return t.lastCreate
}

// creates reports whether a create is still to come.
func (t *turns) creates(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return within(t.lastCreate, now).After(now)
}

func (t *turns) note(now time.Time, interval time.Duration) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := within(t.lastNote, now)
	if creates := within(t.lastCreate, now); creates.After(last) {
		last = creates
	}
	t.lastNote = last.Add(interval)
	return t.lastNote
}

func within(last, now time.Time) time.Time {
	if last.Before(now) || last.After(now.Add(longestQueue)) {
		return now
	}
	return last
}
