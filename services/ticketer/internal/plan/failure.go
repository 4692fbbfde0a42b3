package plan

import (
	"time"

	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Failure is a request to ConnectWise that did not succeed.
type Failure struct {
	Class      errclass.Class
	RetryAfter time.Duration // how long the server asked to wait; 0 when it did not say
	Text       string        // the server's words, for a person
}

const (
	firstUnavailable = 15 * time.Second
	mostUnavailable  = 5 * time.Minute
	authWait         = 5 * time.Minute
	rejectedWait     = 15 * time.Minute
)

// After returns the wait that follows a failure.
//
//	class                      reason          until
//	rate limited               RATE_LIMITED    as the server said, at least 1 s
//	auth (tenant)              AUTH            5 min
//	rejected, not found, bug   REJECTED        15 min
//	all others                 UNAVAILABLE     15 s, doubling up to 5 min, or as the server said if that is longer
//
// Not found is here what it means for a create: something that it refers to is gone. A ticket that is gone is
// handed over instead. An unknown outcome gets here only when nothing has to be looked for.
func After(l *ticketv1.Ledger, f Failure, now time.Time) Park {
	switch f.Class {
	case errclass.RateLimited:
		return Park{
			ticketv1.ParkReason_PARK_REASON_RATE_LIMITED, "ConnectWise asked for patience: " + f.Text,
			now.Add(max(f.RetryAfter, time.Second)),
		}
	case errclass.AuthTenant:
		return Park{
			ticketv1.ParkReason_PARK_REASON_AUTH,
			f.Text + ". Check the keys, the client id, the company and the API member's role", now.Add(authWait),
		}
	case errclass.Rejected, errclass.NotFound, errclass.Bug:
		return Park{
			ticketv1.ParkReason_PARK_REASON_REJECTED,
			f.Text + ". Correct the tenant's settings or the record in ConnectWise", now.Add(rejectedWait),
		}
	case errclass.Transient, errclass.Conflict, errclass.UnknownOutcome:
	}
	wait := growing(l, ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, firstUnavailable, mostUnavailable)
	return Park{ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, f.Text, now.Add(max(wait, f.RetryAfter))}
}

// growing doubles a wait with each renewal for the same reason.
func growing(l *ticketv1.Ledger, reason ticketv1.ParkReason, first, most time.Duration) time.Duration {
	p := l.GetPark()
	if p.GetReason() != reason {
		return first
	}
	return min(first<<min(p.GetTimes()+1, 10), most)
}
