// Package quota counts, hour by hour, what tenants have used of the tickets that an hour may have (tickets.hourlyCap).
//
// The ledgers tell it: each says when its create was begun, and keeps that only if the create may have made a ticket. So
// the count needs no record of its own, costs no write, and neither a start nor the death of a process uses anything up.
// What this process has granted and not put down yet is added. Several processes may grant the same last place within the
// moment that their views of the ledgers lag behind one another.
package quota

import (
	"context"
	"sync"
	"time"

	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// Counter counts claims on the hours' caps. It is to be told of every ledger.
type Counter struct {
	ready chan struct{}
	once  sync.Once

	mu     sync.Mutex
	hour   int64                    // the last that was asked for; earlier ones are forgotten
	claims map[string]claim         // by ledger key
	used   map[string]map[int64]int // by tenant and hour
}

// claim is what one incident uses: a place in the hour that its ledger tells, and the one that was granted to its run.
// Zero is no hour.
type claim struct {
	tenant   string
	revision uint64 // of the ledger
	told     int64
	granted  int64
}

// New returns a counter that knows nothing yet.
func New() *Counter {
	return &Counter{ready: make(chan struct{}), claims: map[string]claim{}, used: map[string]map[int64]int{}}
}

// Hour is the number of the hour since 1970 that a time lies in.
func Hour(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }

// End is when an hour ends.
func End(hour int64) time.Time { return time.Unix((hour+1)*int64(time.Hour/time.Second), 0) }

// Complete says that every ledger there is has been seen. Until then nobody gets an answer.
func (c *Counter) Complete() { c.once.Do(func() { close(c.ready) }) }

// See takes a ledger as it stands in the bucket.
func (c *Counter) See(key string, revision uint64, l *ticketv1.Ledger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.claims[key]
	if revision < was.revision {
		return
	}
	c.change(key, claim{l.GetTenant(), revision, c.claimed(l), was.granted})
}

// Ask reports whether an incident may have a ticket in an hour that may have most of them, and keeps its place until
// Release. Who has a place already keeps it.
func (c *Counter) Ask(ctx context.Context, tenant, key string, hour int64, most uint32) (bool, error) {
	select {
	case <-c.ready:
	case <-ctx.Done():
		return false, errclass.New(errclass.Transient, "count the tickets of the hour", ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(hour)
	mine := c.claims[key]
	if mine.told != hour && mine.granted != hour && c.used[tenant][hour] >= int(most) {
		return false, nil
	}
	mine.tenant, mine.granted = tenant, hour
	c.change(key, mine)
	return true, nil
}

// Release ends what was granted to a run, which has left the ledger as it is given: from now on that alone tells.
func (c *Counter) Release(key string, revision uint64, l *ticketv1.Ledger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.claims[key]
	if was.granted == 0 {
		return
	}
	was.granted = 0
	if revision >= was.revision {
		was.revision, was.told = revision, c.claimed(l)
	}
	c.change(key, was)
}

// claimed is the hour that a ledger claims a place of. A create that gives way to others has its place; one that was
// provably not executed has none.
func (c *Counter) claimed(l *ticketv1.Ledger) int64 {
	if !plan.OfDevice(l) {
		return 0
	}
	hour := int64(0)
	switch l.GetPhase() {
	case ticketv1.Phase_PHASE_UNSPECIFIED, ticketv1.Phase_PHASE_NEW:
		if l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_YIELDED {
			hour = Hour(l.GetPark().GetUntil().AsTime())
		}
	case ticketv1.Phase_PHASE_DROPPED:
	default:
		if l.GetCreateBegunAt() != nil {
			hour = Hour(l.GetCreateBegunAt().AsTime())
		}
	}
	if hour < c.hour {
		return 0
	}
	return hour
}

// change puts a claim in place of the one before, and counts.
func (c *Counter) change(key string, now claim) {
	was := c.claims[key]
	c.count(was, -1)
	c.count(now, 1)
	if now.told == 0 && now.granted == 0 {
		delete(c.claims, key)
		return
	}
	c.claims[key] = now
}

func (c *Counter) count(k claim, n int) {
	add := func(hour int64) {
		if hour == 0 {
			return
		}
		if c.used[k.tenant] == nil {
			c.used[k.tenant] = map[int64]int{}
		}
		c.used[k.tenant][hour] += n
	}
	add(k.told)
	if k.granted != k.told {
		add(k.granted)
	}
}

// forget drops what is told of the hours before one.
func (c *Counter) forget(hour int64) {
	if hour <= c.hour {
		return
	}
	c.hour = hour
	for key, k := range c.claims {
		if k.told < hour && k.told != 0 {
			k.told = 0
			c.change(key, k)
		}
	}
	for _, hours := range c.used {
		for h := range hours {
			if h < hour {
				delete(hours, h)
			}
		}
	}
}
