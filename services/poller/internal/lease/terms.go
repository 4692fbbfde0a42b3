package lease

import (
	"hash/fnv"
	"time"

	"google.golang.org/protobuf/proto"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Terms are what holds for a tenant.
type Terms struct {
	Interval time.Duration // from the beginning of a sweep to that of the next
	Lease    time.Duration // how long a dead poller's tenant waits
	Phase    time.Duration // where in the interval the tenant's slots lie, whole seconds
	Settings uint64        // hash of what decides how a sweep goes; a back-off ends when it changes
}

const (
	backoffIntervals = 8         // a failing tenant waits for so many intervals at most,
	backoffMost      = time.Hour // and never longer than this
)

// For returns a tenant's terms.
func For(s *tenantv1.Settings, leaseTime time.Duration) Terms {
	t := Terms{Interval: s.GetPollInterval().AsDuration(), Lease: leaseTime}
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.GetId())) // a hash never fails
	// The margins keep every tenant away from the full hour, when other people's schedules begin.
	margin := max(t.Interval/50, time.Second)
	if room := t.Interval - 2*margin; room > 0 {
		t.Phase = (margin + time.Duration(h.Sum64()%uint64(room))).Truncate(time.Second)
	}
	swept := &tenantv1.Settings{Cove: s.GetCove(), PollInterval: s.GetPollInterval()}
	if data, err := (proto.MarshalOptions{Deterministic: true}).Marshal(swept); err == nil {
		h.Reset()
		_, _ = h.Write(data)
		t.Settings = h.Sum64()
	}
	return t
}

// slot returns the tenant's first slot later than a time. Slots lie one interval apart, at whole seconds, at a place
// that the tenant's id decides, so that tenants spread over the interval whenever the pollers were started.
func (t Terms) slot(after time.Time) time.Time {
	if t.Interval <= 0 {
		return after
	}
	past := time.Duration(after.Add(-t.Phase).UnixNano() % int64(t.Interval))
	return after.Add(t.Interval - past)
}

// after returns when a tenant is due after a sweep that began at a time. Each incomplete sweep in a row after the
// first doubles the wait. wait is what Cove asked for, from the sweep's end.
func (t Terms) after(o Outcome, failures uint32) time.Time {
	if failures == 0 {
		return t.slot(o.Began)
	}
	longest := min(backoffIntervals*t.Interval, backoffMost)
	pause := min(t.Interval<<min(failures-1, 10), longest)
	due := o.Began.Add(pause)
	if pause >= t.Interval {
		due = t.slot(due.Add(-t.Interval))
	}
	if asked := o.Ended.Add(min(o.RetryAfter, backoffMost)); o.RetryAfter > 0 && asked.After(due) {
		return asked
	}
	return due
}

// longestWait bounds how far away the next sweep can be.
func (t Terms) longestWait(l *statusv1.PollLease) time.Duration {
	if l.GetFailures() > 0 {
		return max(t.Interval, backoffMost)
	}
	return t.Interval
}
