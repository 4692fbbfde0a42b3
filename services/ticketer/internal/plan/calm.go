package plan

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

const (
	freeAnswers  = 3              // closings in a row that are answered at once
	firstCalm    = time.Hour      // before the next
	mostCalm     = 24 * time.Hour // and at most
	calmDoubling = 5
	stoodOpen    = 24 * time.Hour // a ticket that was not closed again for so long ends the row
)

// calm returns the time before which a ticket that is closed again and again is not opened or replaced again; zero when that
// may be done now. A rule at the server that closes what we open would else have us make tickets without end.
func calm(l *ticketv1.Ledger, f Facts) time.Time {
	n := l.GetAnswers()
	if n < freeAnswers {
		return time.Time{}
	}
	last := l.GetAnsweredAt().AsTime()
	until := last.Add(min(firstCalm<<min(n-freeAnswers, calmDoubling), mostCalm))
	// A last answer that is still to come was recorded before the clock was set back.
	if !f.Now.Before(until) || last.After(f.Now) {
		return time.Time{}
	}
	return until
}

// calmly returns the answer to a closing, or the wait when the ticket was closed too often in a row.
func calmly(l *ticketv1.Ledger, f Facts, answer Step) Step {
	until := calm(l, f)
	if until.IsZero() {
		return answer
	}
	return handOver(l, fmt.Sprintf("the ticket was closed again each of the %d times that Covewise opened or replaced it; Covewise waits before the next. "+
		"Look for a workflow rule of the board that closes tickets, or set tickets.onHandClose: wontFix", l.GetAnswers()), until)
}

// answered counts an opening or a replacement that answers a closing.
func answered(l *ticketv1.Ledger, now time.Time) {
	if at := l.GetAnsweredAt(); at != nil && now.Sub(at.AsTime()) >= mostCalm+stoodOpen {
		l.Answers = 0
	}
	l.Answers++
	l.AnsweredAt = timestamppb.New(now)
}

// ClosedAtOnce records that a ticket of ours is closed although it was made, or opened again, just now: it is ours to open,
// and nobody's decision to leave it closed.
func ClosedAtOnce(l *ticketv1.Ledger, o *ticketv1.Observed, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.Phase = ticketv1.Phase_PHASE_REOPENING
	written(l, o)
	return l
}
