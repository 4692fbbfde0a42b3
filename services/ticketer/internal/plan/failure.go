package plan

import (
	"fmt"
	"strings"
	"time"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Failure is a request to ConnectWise that did not succeed.
type Failure struct {
	Reason     ticketv1.ParkReason // what the incident has to wait for
	RetryAfter time.Duration       // how long the server asked to wait; 0 when it did not say
	Text       string              // the server's words, for a person
	Right      string              // the right that the API member's role lacks; empty when that is not it
}

const (
	firstUnavailable = 15 * time.Second
	mostUnavailable  = 5 * time.Minute
	authWait         = 5 * time.Minute
	rejectedWait     = 15 * time.Minute
	mostRetryAfter   = time.Hour
)

// After returns the wait that follows a failure.
//
//	RATE_LIMITED   as long as the server said, at least 1 s and at most 1 h
//	AUTH           5 min
//	REJECTED       15 min
//	all others     as UNAVAILABLE: 15 s, doubling up to 5 min, or as long as the server said if that is longer, at most 1 h
func After(l *ticketv1.Ledger, f Failure, now time.Time) Park {
	switch f.Reason {
	case ticketv1.ParkReason_PARK_REASON_RATE_LIMITED:
		return Park{f.Reason, "ConnectWise asked for patience: " + f.Text, now.Add(min(max(f.RetryAfter, time.Second), mostRetryAfter))}
	case ticketv1.ParkReason_PARK_REASON_AUTH:
		if f.Right != "" {
			return Park{f.Reason, fmt.Sprintf("%s. Give the role of the API member the right %q in ConnectWise", unstopped(f.Text), f.Right), now.Add(authWait)}
		}
		return Park{f.Reason, unstopped(f.Text) + ". Check the keys, the client id, the company and the API member's role", now.Add(authWait)}
	case ticketv1.ParkReason_PARK_REASON_REJECTED:
		return Park{f.Reason, unstopped(f.Text) + ". Correct the tenant's settings or the record in ConnectWise", now.Add(rejectedWait)}
	default:
		const reason = ticketv1.ParkReason_PARK_REASON_UNAVAILABLE
		wait := growing(l, reason, firstUnavailable, mostUnavailable)
		return Park{reason, f.Text, now.Add(min(max(wait, f.RetryAfter), mostRetryAfter))}
	}
}

// unstopped is a text to which a sentence is added.
func unstopped(text string) string { return strings.TrimRight(text, ". ") }

// growing doubles a wait with each renewal for the same reason.
func growing(l *ticketv1.Ledger, reason ticketv1.ParkReason, first, most time.Duration) time.Duration {
	p := l.GetPark()
	if p.GetReason() != reason {
		return first
	}
	return min(first<<min(p.GetTimes()+1, 10), most)
}

// Due reports whether it is time to look at what waits: its time has come, or lies further ahead than any wait for
// that reason, because the clock was set back since. An hour and the longest Retry-After are allowed for clocks
// that differ. Waits for live mode and for settings are never due by time.
func Due(p *ticketv1.Park, patience time.Duration, now time.Time) bool {
	switch p.GetReason() {
	case ticketv1.ParkReason_PARK_REASON_SHADOW, ticketv1.ParkReason_PARK_REASON_NO_TENANT:
		return false
	case ticketv1.ParkReason_PARK_REASON_RESPECTED: // as long as the settings say, however long that is
		return !now.Before(p.GetUntil().AsTime())
	default:
		until := p.GetUntil().AsTime()
		return !now.Before(until) || until.After(now.Add(max(2*mostRetryAfter, 2*patience<<mostDoublings)))
	}
}
