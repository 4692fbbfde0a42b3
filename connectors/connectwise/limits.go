package connectwise

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
)

// The pace where nobody wishes for another.
const (
	DefaultRequestsPerMinute = 800 // the vendor throttles from about 1,000 on [documentation]
	DefaultBurst             = 20
)

// LimitsOptions is the pace towards each server that clients without a wish of their own ask for.
type LimitsOptions struct {
	Clock             clock.Clock // default the system's
	RequestsPerMinute int         // default 800
	Burst             int         // default 20
}

// Limits holds one pace for each server, that is for each company at a host. Clients that are handed the same Limits
// share it: all keep the lowest pace that one of them is to keep, together, and all wait after a 429. Several processes do not know of one another, so
// each of them has the whole pace; what they exceed together is answered with 429 and waited out.
//
// Among those that wait, what makes tickets and companies, and all that reads, goes before notes and changes, which
// still get every tenth turn; within each of the two the tenants take turns.
type Limits struct {
	clock    clock.Clock
	standard wish // of clients that wish for no other

	mu      sync.Mutex
	servers map[string]*pace
}

// NewLimits returns a registry in which every server has its whole burst.
func NewLimits(o LimitsOptions) *Limits {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	return &Limits{
		clock: o.Clock, standard: wish{orDefault(o.RequestsPerMinute, DefaultRequestsPerMinute), orDefault(o.Burst, DefaultBurst)},
		servers: map[string]*pace{},
	}
}

// Waiting returns how many requests wait for their turn, at all servers together: those that go first, and those
// that give way.
func (l *Limits) Waiting() (first, later int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.servers {
		f, n := p.waiting()
		first, later = first+f, later+n
	}
	return first, later
}

func (l *Limits) of(server string) *pace {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.servers[server]
	if p == nil {
		perSecond := float64(l.standard.perMinute) / 60
		p = &pace{
			clock: l.clock, perSecond: perSecond, limiter: rate.NewLimiter(rate.Limit(perSecond), l.standard.burst),
			baton: make(chan struct{}, 1), lanes: [2]queue{newQueue(), newQueue()}, announced: map[string]int{}, wishes: map[string]*wishes{},
		}
		l.servers[server] = p
	}
	return p
}

// pace lets the requests to one server pass, and none while the server asked for patience. It has no goroutine of
// its own: of those that wait, the one with the baton waits for the next turn and gives it to whoever is first.
type pace struct {
	clock clock.Clock
	baton chan struct{}

	mu        sync.Mutex
	perSecond float64
	limiter   *rate.Limiter
	until     time.Time // end of the pause
	lanes     [2]queue
	inRow     int                // turns given to the first lane while the other waited
	announced map[string]int     // by tenant: requests that go first and come soon
	wishes    map[string]*wishes // by tenant
}

// favours is how many turns in a row the first lane gets while the other waits. Without an end to them a storm of
// creates would let every note run out of its time.
const favours = 9

// pass waits for this request's turn. Its errors carry a class and prove that nothing was sent: RateLimited
// when the pause outlasts the context, Transient when the turn does or the context ends.
func (p *pace) pass(ctx context.Context, tenant string, l lane) error {
	if err := ctx.Err(); err != nil {
		return errclass.New(errclass.Transient, "", err)
	}
	w, err := p.enter(ctx, tenant, l)
	if err != nil {
		return err
	}
	for {
		select {
		case <-w.served:
			return w.err
		case p.baton <- struct{}{}:
			err = p.lead(ctx, w)
			<-p.baton
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			p.leave(w)
			return errclass.New(errclass.Transient, "", err)
		}
	}
}

// enter puts a request into its lane, unless it can be told at once that its time is too short.
func (p *pace) enter(ctx context.Context, tenant string, l lane) (*waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrive(ctx, l)
	now := p.clock.Now()
	if pause := p.until.Sub(now); pause > 0 && endsWithin(ctx, pause) {
		return nil, patience429(pause)
	}
	if wait := p.after(now, p.ahead(tenant, l)+1); wait > 0 && endsWithin(ctx, wait) {
		return nil, &errclass.Error{Class: errclass.Transient, RetryAfter: wait, Err: errors.New("no turn within the time allowed")}
	}
	w := &waiter{ctx: ctx, tenant: tenant, lane: l, served: make(chan struct{})}
	p.lanes[l].add(w)
	return w, nil
}

func patience429(wait time.Duration) *errclass.Error {
	return &errclass.Error{
		Class: errclass.RateLimited, RetryAfter: wait,
		Err: fmt.Errorf("the server asked to wait another %s", wait.Round(time.Second)),
	}
}

// lead waits for the next turn and gives it to whoever is first by then. It ends early when w is served otherwise.
func (p *pace) lead(ctx context.Context, w *waiter) error {
	for {
		wait := p.serve(w)
		if wait <= 0 {
			return nil
		}
		if err := p.clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// serve gives the turn away if there is one now, or returns how long there will be none.
func (p *pace) serve(leader *waiter) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-leader.served:
		return 0
	default:
	}
	now := p.clock.Now()
	if pause := p.until.Sub(now); pause > 0 {
		return pause
	}
	if !p.limiter.AllowN(now, 1) {
		return p.after(now, 1)
	}
	close(p.take().served)
	return 0
}

// take returns who is first. Somebody waits, the one with the baton at least.
func (p *pace) take() *waiter {
	first, later := &p.lanes[goesFirst], &p.lanes[givesWay]
	if later.n > 0 && (first.n == 0 || p.inRow >= favours) {
		p.inRow = 0
		return later.take()
	}
	if later.n > 0 {
		p.inRow++
	}
	return first.take()
}

func (p *pace) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lanes[w.lane].drop(w)
}

// after returns how long it takes until n turns have come.
func (p *pace) after(now time.Time, n int) time.Duration {
	missing := float64(n) - p.limiter.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(math.Ceil(missing / p.perSecond * float64(time.Second)))
}

// ahead returns how many turns the others get before one who comes now.
func (p *pace) ahead(tenant string, l lane) int {
	n := p.lanes[l].ahead(tenant)
	if l == givesWay {
		n += min(p.lanes[goesFirst].n, favours*(n+1))
	}
	return n
}

// hold lets nothing pass for d from now; it never shortens a pause. Who has less time is told at once.
func (p *pace) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := p.clock.Now().Add(d)
	if !until.After(p.until) {
		return
	}
	p.until = until
	for i := range p.lanes {
		for _, w := range p.lanes[i].all() {
			if endsWithin(w.ctx, d) {
				p.lanes[i].drop(w)
				w.err = patience429(d)
				close(w.served)
			}
		}
	}
}

// backlog returns how long a request would wait for its turn now, behind all that wait.
func (p *pace) backlog() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	return max(p.after(now, p.lanes[goesFirst].n+p.lanes[givesWay].n+1), p.until.Sub(now))
}

func (p *pace) waiting() (first, later int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lanes[goesFirst].n, p.lanes[givesWay].n
}

// endsWithin compares on the machine's clock, for that is the one of deadlines, whatever clock the client lives in.
func endsWithin(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && deadline.Before(clock.System().Now().Add(d))
}
