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

// Next returns when a poller may claim the tenant next: when its sweep is due and nobody else holds it. The
// zero time means at once.
func Next(l *statusv1.PollLease, self string, now time.Time, terms Terms) time.Time {
	due := due(l, now, terms)
	if held := heldUntil(l, self, now, terms); held.After(due) {
		return held
	}
	return due
}

// due says when the tenant's sweep is due, whoever holds it. A time further away than the terms allow comes from a
// clock that was wrong; it is not waited for.
func due(l *statusv1.PollLease, now time.Time, terms Terms) time.Time {
	if l.GetNextDue() == nil || l.GetAsked() != l.GetAnswered() {
		return time.Time{}
	}
	next := l.GetNextDue().AsTime()
	if l.GetSettings() != terms.Settings {
		if l.GetFailures() > 0 {
			return time.Time{} // what made the sweeps fail may have been put right
		}
		next = terms.slot(l.GetBeganAt().AsTime())
	}
	if next.After(now.Add(terms.longestWait(l))) {
		return now
	}
	return next
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

// Orphaned reports whether the tenant's last sweep was begun and never given back, by a poller that is gone or by
// self before it was started anew. Nobody knows then whether the sweep was told.
func Orphaned(l *statusv1.PollLease, self string, now time.Time, terms Terms) bool {
	return l.GetOwner() != "" && !heldUntil(l, self, now, terms).After(now)
}

// Claim returns the lease taken by self for a sweep with a number of its own, and false when it is not self's
// turn. force takes a tenant that is not due; it never takes one that another poller holds.
func Claim(l *statusv1.PollLease, self string, now time.Time, terms Terms, force bool) (*statusv1.PollLease, bool) {
	if heldUntil(l, self, now, terms).After(now) || (!force && Next(l, self, now, terms).After(now)) {
		return nil, false
	}
	taken := &statusv1.PollLease{SchemaVersion: 1}
	if l != nil {
		taken = proto.CloneOf(l)
	}
	if taken.GetSweep() == 0 {
		// Numbers begin at the time, so that they go on growing when the bucket is lost: readers ignore what is older.
		taken.Sweep = uint64(now.Unix())
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

// Outcome is how a sweep ended.
type Outcome struct {
	Began, Ended time.Time
	Done         *statusv1.SweepCompleted // as it was told; nil when the sweep was broken off
	RetryAfter   time.Duration            // how long Cove asked to be left alone; 0 when it did not
}

// Release returns the lease given back after a sweep, and false when the claim no longer holds. A complete sweep is
// due again in the tenant's next slot; one longer than the interval is followed by the next at once. After
// incomplete ones the tenant is backed off from. A sweep that was broken off stays due.
func Release(l, claim *statusv1.PollLease, o Outcome, terms Terms) (*statusv1.PollLease, bool) {
	if l.GetOwner() != claim.GetOwner() || l.GetSweep() != claim.GetSweep() {
		return nil, false
	}
	if o.Done == nil {
		free := proto.CloneOf(l)
		free.Owner, free.Until = "", nil
		return free, true
	}
	free := Settle(l, o, terms)
	// An order that came while the sweep ran is not answered by it.
	free.Answered = claim.GetAsked()
	return free, true
}

// Settle returns the lease as it is after a sweep that was told, whoever made it.
func Settle(l *statusv1.PollLease, o Outcome, terms Terms) *statusv1.PollLease {
	free := proto.CloneOf(l)
	free.Owner, free.Until = "", nil
	free.Settings = terms.Settings
	free.Failures++
	if o.Done.GetComplete() {
		free.Failures = 0
		free.LastCompleteAt = o.Done.GetObservedAt()
	}
	free.BeganAt = timestamppb.New(o.Began)
	free.NextDue = timestamppb.New(terms.after(o, free.GetFailures()))
	free.Last = proto.CloneOf(o.Done)
	free.Last.NewDeviceIds, free.Last.GoneDeviceIds, free.Last.DeviceIds, free.Last.CausesMissingDeviceIds = nil, nil, nil, nil
	return free
}

// Ask returns the lease with an order to sweep at once, also while the tenant is backed off from.
func Ask(l *statusv1.PollLease) *statusv1.PollLease {
	asked := &statusv1.PollLease{SchemaVersion: 1}
	if l != nil {
		asked = proto.CloneOf(l)
	}
	asked.Asked++
	return asked
}
