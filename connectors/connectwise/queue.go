package connectwise

import (
	"context"
	"slices"
)

// lane is one of the two classes of requests that wait for their turn.
type lane uint8

const (
	goesFirst lane = iota // makes a ticket or a company, or reads, which a creation may wait for
	givesWay              // adds to or changes what is there
)

// lane tells what a request is by its effect and by what it makes.
func (r request) lane() lane {
	if r.effect == reads || r.path == "/service/tickets" || r.path == "/company/companies" {
		return goesFirst
	}
	return givesWay
}

// waiter is a request that waits for its turn.
type waiter struct {
	ctx    context.Context // of the request, for its deadline
	tenant string
	lane   lane
	served chan struct{} // closed when it leaves the queue: the turn is its own, or err says why there is none
	err    error         // written before served is closed
}

// queue lets the tenants take turns; within a tenant who came first is first.
type queue struct {
	order []string // tenants that wait, the next one first
	by    map[string][]*waiter
	n     int
}

func newQueue() queue { return queue{by: map[string][]*waiter{}} }

func (q *queue) add(w *waiter) {
	if len(q.by[w.tenant]) == 0 {
		q.order = append(q.order, w.tenant)
	}
	q.by[w.tenant] = append(q.by[w.tenant], w)
	q.n++
}

// take removes the first of a queue that is not empty, and puts its tenant at the end.
func (q *queue) take() *waiter {
	tenant := q.order[0]
	w := q.by[tenant][0]
	q.drop(w)
	if len(q.by[tenant]) > 0 {
		q.order = append(q.order[1:], tenant)
	}
	return w
}

// drop removes w if it is there.
func (q *queue) drop(w *waiter) {
	at := slices.Index(q.by[w.tenant], w)
	if at < 0 {
		return
	}
	q.n--
	q.by[w.tenant] = slices.Delete(q.by[w.tenant], at, at+1)
	if len(q.by[w.tenant]) == 0 {
		delete(q.by, w.tenant)
		q.order = slices.DeleteFunc(q.order, func(t string) bool { return t == w.tenant })
	}
}

// ahead returns how many are served before one of the tenant who comes now.
func (q *queue) ahead(tenant string) int {
	own := len(q.by[tenant])
	n := own
	for other, waiters := range q.by {
		if other != tenant {
			n += min(len(waiters), own+1)
		}
	}
	return n
}

func (q *queue) all() []*waiter {
	var all []*waiter
	for _, waiters := range q.by {
		all = append(all, waiters...)
	}
	return all
}
