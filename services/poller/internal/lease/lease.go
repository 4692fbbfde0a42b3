// Package lease decides which poller sweeps a tenant and when. The record is a status.v1.PollLease in the
// bucket poll_lease; every change is a compare-and-set, so of two pollers that claim at once one wins. It
// does no I/O.
package lease

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Terms are how long things last for a tenant.
type Terms struct {
	Interval time.Duration // from the beginning of a sweep to that of the next
	Lease    time.Duration // how long a dead poller's tenant waits
}

// Next returns when a poller may claim the tenant next: when its sweep is due and nobody else holds it. The
// zero time means at once. A time further away than the terms allow comes from a clock that was wrong, or from
// a longer interval that has been shortened since; it is not waited for.
func Next(l *statusv1.PollLease, self string, now time.Time, terms Terms) time.Time {
	if l == nil {
		return time.Time{}
	}
	due := l.GetNextDue().AsTime()
	if began := l.GetBeganAt(); began != nil && began.AsTime().Add(terms.Interval).Before(due) {
		due = began.AsTime().Add(terms.Interval)
	}
	if due.After(now.Add(terms.Interval)) {
		due = now
	}
	if held := heldUntil(l, self, now, terms); held.After(due) {
		return held
	}
	return due
}

// heldUntil returns until when another poller holds the tenant; the zero time when none does.
func heldUntil(l *statusv1.PollLease, self string, now time.Time, terms Terms) time.Time {
	if l.GetOwner() == "" || l.GetOwner() == self {
		return time.Time{}
	}
	until := l.GetUntil().AsTime()
	if most := now.Add(terms.Lease); until.After(most) {
		return most
	}
	return until
}

// Claim returns the lease taken by self for a sweep with a number of its own, and false when it is not self's
// turn. force takes a tenant that is not due; it never takes one that another poller holds.
func Claim(l *statusv1.PollLease, self string, now time.Time, terms Terms, force bool) (*statusv1.PollLease, bool) {
	if heldUntil(l, self, now, terms).After(now) || (!force && Next(l, self, now, terms).After(now)) {
		return nil, false
	}
	// Numbers begin at the time, so that they go on growing when the bucket is lost: readers ignore what is older.
	taken := &statusv1.PollLease{SchemaVersion: 1, Sweep: uint64(now.Unix())}
	if l != nil {
		taken = proto.CloneOf(l)
	}
	taken.Owner = self
	taken.Until = timestamppb.New(now.Add(terms.Lease))
	taken.Sweep++
	return taken, true
}

// Renew returns the lease held for longer, and false when self no longer holds it for that sweep.
func Renew(l *statusv1.PollLease, self string, sweep uint64, now time.Time, terms Terms) (*statusv1.PollLease, bool) {
	if l.GetOwner() != self || l.GetSweep() != sweep {
		return nil, false
	}
	kept := proto.CloneOf(l)
	kept.Until = timestamppb.New(now.Add(terms.Lease))
	return kept, true
}

// Release returns the lease given back after a sweep, due again one interval after the sweep began, and false
// when self no longer holds it. A sweep longer than the interval is followed by the next at once. done is
// nil when the sweep was broken off: then it stays due.
func Release(l *statusv1.PollLease, self string, began time.Time, interval time.Duration, done *statusv1.SweepCompleted) (*statusv1.PollLease, bool) {
	if l.GetOwner() != self {
		return nil, false
	}
	free := proto.CloneOf(l)
	free.Owner, free.Until = "", nil
	if done == nil {
		return free, true
	}
	if done.GetSweep() != l.GetSweep() {
		return nil, false
	}
	free.BeganAt = timestamppb.New(began)
	free.NextDue = timestamppb.New(began.Add(interval))
	free.Last = proto.CloneOf(done)
	free.Last.NewDeviceIds, free.Last.GoneDeviceIds, free.Last.DeviceIds = nil, nil, nil
	if done.GetComplete() {
		free.LastCompleteAt = done.GetObservedAt()
	}
	return free, true
}
