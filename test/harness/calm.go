package harness

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock/clocktest"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// NextSweep waits until a sweep that begins after this call has ended, and returns its account or that of a later one.
// A clock that is moved by hand is moved to the time when the sweep is due.
func (tn *Tenant) NextSweep() *statusv1.SweepCompleted {
	tn.h.t.Helper()
	return tn.sweepAfter(tn.Lease().GetSweep(), func(*statusv1.SweepCompleted) string { return "" })
}

// CompleteSweep waits until a sweep that begins after this call was complete.
func (tn *Tenant) CompleteSweep() *statusv1.SweepCompleted {
	tn.h.t.Helper()
	return tn.completeAfter(tn.Lease().GetSweep())
}

func (tn *Tenant) completeAfter(number uint64) *statusv1.SweepCompleted {
	tn.h.t.Helper()
	return tn.sweepAfter(number, func(done *statusv1.SweepCompleted) string {
		if done.GetComplete() {
			return ""
		}
		return fmt.Sprintf("sweep %d is not complete: %s", done.GetSweep(), done.GetFailure())
	})
}

func (tn *Tenant) sweepAfter(number uint64, lacks func(*statusv1.SweepCompleted) string) *statusv1.SweepCompleted {
	tn.h.t.Helper()
	var done *statusv1.SweepCompleted
	tn.h.Settles(fmt.Sprintf("tenant %s is swept after sweep %d", tn.ID, number), func() string {
		lease := tn.Lease()
		done = lease.GetLast()
		missing := "no sweep ended yet"
		if done.GetSweep() > number {
			missing = lacks(done)
		}
		if clock, byHand := tn.h.Clock.(*clocktest.Clock); byHand && missing != "" && done != nil && lease.GetOwner() == "" {
			if wait := lease.GetNextDue().AsTime().Sub(clock.Now()); wait > 0 {
				clock.Add(wait)
			}
		}
		return missing
	})
	return done
}

// WaitCalm waits until everything that the fakes show now has had its effect: each tenant was swept completely after
// this call, every message was handled, and no incident has anything to do before somebody changes something. Without
// tenants it waits for all.
func (h *Harness) WaitCalm(tenants ...*Tenant) {
	h.t.Helper()
	if len(tenants) == 0 {
		tenants = h.tenants
	}
	for _, tn := range tenants {
		tn.CompleteSweep()
	}
	h.settle(tenants)
}

// WaitFirstCalm waits as WaitCalm does, but for the first sweep of each tenant: it knows all that the tenant was added
// with, and how often a tenant was swept is the same in every run.
func (h *Harness) WaitFirstCalm() {
	h.t.Helper()
	for _, tn := range h.tenants {
		tn.completeAfter(0)
	}
	h.settle(h.tenants)
}

// Later moves a clock that is moved by hand on, and waits as WaitCalm does. The sweep that falls due by it is the one
// that is waited for, however soon it begins.
func (h *Harness) Later(wait time.Duration) {
	h.t.Helper()
	numbers := make([]uint64, len(h.tenants))
	for i, tn := range h.tenants {
		numbers[i] = tn.Lease().GetSweep()
	}
	h.Clock.(*clocktest.Clock).Add(wait)
	for i, tn := range h.tenants {
		tn.completeAfter(numbers[i])
	}
	h.settle(h.tenants)
}

func (h *Harness) settle(tenants []*Tenant) {
	h.t.Helper()
	h.Settles("everything is calm", func() string {
		missing := h.unhandled(tenants)
		if clock, byHand := h.Clock.(*clocktest.Clock); byHand && missing != "" {
			clock.Add(moment) // the pace of requests to ConnectWise is kept on this clock
		}
		return missing
	})
}

// moment is how far a clock that is moved by hand goes between two looks at what is under way.
const moment = 100 * time.Millisecond

// unhandled names something that is under way, or returns "".
func (h *Harness) unhandled(tenants []*Tenant) string {
	h.t.Helper()
	// In the order of the pipeline: what one has handled, the next has received.
	for _, role := range []bus.Role{bus.Evaluator, bus.CompanySync, bus.Ticketer} {
		drained, err := h.bus.Drained(h.ctx(), role)
		require.NoError(h.t, err)
		if !drained {
			return string(role) + " has messages to handle"
		}
	}
	for _, tn := range tenants {
		if moving := tn.moving(); moving != "" {
			return moving
		}
	}
	return ""
}

// moving names an incident that goes on by itself, or returns "".
func (tn *Tenant) moving() string {
	tn.h.t.Helper()
	links := tn.Links()
	for id, l := range tn.Ledgers() {
		link := links[l.GetWanted().GetCustomer().GetId()]
		settled := false
		switch l.GetPhase() {
		case ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_HANDED_OVER, ticketv1.Phase_PHASE_DROPPED:
			settled = true
		case ticketv1.Phase_PHASE_OPEN:
			settled = l.GetShown().GetRevision() == l.GetWanted().GetRevision()
		default:
		}
		switch l.GetPark().GetReason() {
		case ticketv1.ParkReason_PARK_REASON_SHADOW, ticketv1.ParkReason_PARK_REASON_AUTH, ticketv1.ParkReason_PARK_REASON_REJECTED, ticketv1.ParkReason_PARK_REASON_NO_TENANT:
			settled = true
		case ticketv1.ParkReason_PARK_REASON_COMPANY:
			// The answer has come, and the wait is for another one.
			settled = link.GetCompany() == nil && link.GetCheckedAt() != nil && l.GetPark().GetUntil().AsTime().After(tn.h.Clock.Now())
		default:
		}
		if !settled {
			return fmt.Sprintf("tenant %s: incident %s is %s, shows r%d of r%d, waits for %s %s", tn.ID, id, l.GetPhase(),
				l.GetShown().GetRevision(), l.GetWanted().GetRevision(), l.GetPark().GetReason(), l.GetPark().GetDetail())
		}
	}
	return ""
}
