package connectwise

import (
	"cmp"
	"math"
	"sync"

	"golang.org/x/time/rate"
)

// wish is the pace that the clients of one tenant are to keep.
type wish struct{ perMinute, burst int }

// wishes is what a tenant wishes, and how many clients it has.
type wishes struct {
	newest  wish
	clients int
}

// join returns the pace of a server for one more client, and the function that ends its part in it. A tenant's newest client
// says what the tenant wishes; of what the tenants wish, the lowest holds, for the rate and for the burst. A zero stands for
// what the registry was made with.
func (l *Limits) join(server, tenant string, wished wish) (p *pace, leave func()) {
	p = l.of(server)
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.wishes[tenant]
	if own == nil {
		own = &wishes{}
		p.wishes[tenant] = own
	}
	own.newest = wish{cmp.Or(wished.perMinute, l.standard.perMinute), cmp.Or(wished.burst, l.standard.burst)}
	own.clients++
	p.agree()
	return p, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if own.clients--; own.clients == 0 {
			delete(p.wishes, tenant)
			p.agree()
		}
	})
}

// agree sets the pace to the lowest that is wished; without any it stays as it is. It needs the lock.
func (p *pace) agree() {
	if len(p.wishes) == 0 {
		return
	}
	lowest := wish{math.MaxInt, math.MaxInt}
	for _, w := range p.wishes {
		lowest = wish{min(lowest.perMinute, w.newest.perMinute), min(lowest.burst, w.newest.burst)}
	}
	now := p.clock.Now()
	p.perSecond = float64(lowest.perMinute) / 60
	if p.limiter.Limit() != rate.Limit(p.perSecond) {
		p.limiter.SetLimitAt(now, rate.Limit(p.perSecond))
	}
	if p.limiter.Burst() != lowest.burst {
		p.limiter.SetBurstAt(now, lowest.burst)
	}
}
