package connectwise

import (
	"context"
	"time"
)

// mostAhead is how many requests of a tenant may wait for their turn when another is announced. One or two keep the pace
// without a gap; who stands behind them waits better where it holds up nobody.
const mostAhead = 2

// Announcement keeps a place among those that wait for a turn, for a request that goes first and that comes soon.
type Announcement struct {
	pace   *pace
	tenant string
	open   bool // guarded by the pace: no request has taken the place, and nobody gave it back
}

// Announce keeps a place for a request that makes a ticket or a company. It returns nil when the request would have to wait
// behind more than a few of its tenant's: it should come later, after Interval for each that was told so before.
func (c *Client) Announce() *Announcement { return c.pace.announce(c.tenant) }

// Interval returns the time between two turns of the client's tenant as long as those who wait now do.
func (c *Client) Interval() time.Duration { return c.pace.interval(c.tenant) }

// Withdraw gives the place back if no request has taken it. It may be called again, and on nil.
func (a *Announcement) Withdraw() {
	if a == nil {
		return
	}
	a.pace.mu.Lock()
	defer a.pace.mu.Unlock()
	a.end()
}

// end needs the pace's lock.
func (a *Announcement) end() {
	if !a.open {
		return
	}
	a.open = false
	p := a.pace
	if p.announced[a.tenant]--; p.announced[a.tenant] == 0 {
		delete(p.announced, a.tenant)
	}
}

type announcementKey struct{}

// Announced returns a context under which the first request that goes first takes the announced place.
func Announced(ctx context.Context, a *Announcement) context.Context {
	if a == nil {
		return ctx
	}
	return context.WithValue(ctx, announcementKey{}, a)
}

// arrive ends the announcement of a request that enters a lane. It needs the pace's lock.
func (p *pace) arrive(ctx context.Context, l lane) {
	if a, ok := ctx.Value(announcementKey{}).(*Announcement); ok && a.pace == p && l == goesFirst {
		a.end()
	}
}

func (p *pace) announce(tenant string) *Announcement {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	free := 0 // turns that nobody waits for
	if !p.until.After(now) {
		free = int(p.limiter.TokensAt(now)) - p.lanes[goesFirst].n - p.lanes[givesWay].n
	}
	for _, n := range p.announced {
		free -= n
	}
	if free <= 0 && len(p.lanes[goesFirst].by[tenant])+p.announced[tenant] >= mostAhead {
		return nil
	}
	p.announced[tenant]++
	return &Announcement{pace: p, tenant: tenant, open: true}
}

func (p *pace) interval(tenant string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	competing := map[string]bool{tenant: true}
	for other := range p.lanes[goesFirst].by {
		competing[other] = true
	}
	for other := range p.announced {
		competing[other] = true
	}
	return time.Duration(float64(time.Second) / p.perSecond * float64(len(competing)))
}
