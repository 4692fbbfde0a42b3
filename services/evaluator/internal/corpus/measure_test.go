package corpus_test

import (
	"slices"
	"time"

	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

const week = 7 * 24 * time.Hour

// ticket is a ticket that rules make of a life.
type ticket struct {
	trace.Interval
	Open  bool // at the end of the life
	Notes int  // between its beginning and its end
}

// figures are what rules make of lives.
type figures struct {
	weeks   float64 // of life
	wanted  int     // troubles
	found   int     // troubles that a ticket was open for while they lasted
	tickets int
	right   int // the first ticket of a trouble
	again   int // a further ticket of the same trouble
	may     int // tolerated: it opened when a ticket may be open
	useless int
	left    int // had its reason and is open at the end, when nothing is wrong any more
	notes   int
	delays  []time.Duration // from the first sign of a trouble to its ticket
}

// measure compares tickets with the labels of the life that they were made of.
func measure(life trace.Trace, made []ticket) figures {
	f := figures{weeks: life.Length.Hours() / week.Hours(), wanted: len(life.Want), tickets: len(made)}
	found := make([]bool, len(life.Want))
	for _, one := range made {
		f.notes += one.Notes
		first, meets := false, false
		for i, trouble := range life.Want {
			if !touches(one, trouble) {
				continue
			}
			meets = true
			if !found[i] {
				first, found[i] = true, true
				f.found++
				f.delays = append(f.delays, max(0, one.From-firstSign(life, trouble)))
			}
		}
		switch {
		case first:
			f.right++
		case meets:
			f.again++
		case allowed(life, one.From):
			f.may++
		default:
			f.useless++
			continue
		}
		if one.Open && !allowed(life, life.Length-1) {
			f.left++
		}
	}
	return f
}

// touches reports whether a ticket is open at a time of a trouble. One that closes in the run that opens it was open.
func touches(one ticket, trouble trace.Interval) bool {
	return one.Meets(trouble) || trouble.Holds(one.From)
}

func allowed(life trace.Trace, at time.Duration) bool {
	holds := func(i trace.Interval) bool { return i.Holds(at) }
	return slices.ContainsFunc(life.Want, holds) || slices.ContainsFunc(life.May, holds)
}

// firstSign is when a ticket for a trouble could have been open at the earliest.
func firstSign(life trace.Trace, trouble trace.Interval) time.Duration {
	sign := trouble.From
	for _, may := range life.May {
		if may.From < sign && trouble.From <= may.To {
			sign = may.From
		}
	}
	return sign
}

func (f figures) plus(o figures) figures {
	return figures{
		weeks: f.weeks + o.weeks, wanted: f.wanted + o.wanted, found: f.found + o.found, tickets: f.tickets + o.tickets,
		right: f.right + o.right, again: f.again + o.again, may: f.may + o.may, useless: f.useless + o.useless, left: f.left + o.left,
		notes: f.notes + o.notes, delays: slices.Concat(f.delays, o.delays),
	}
}

// precision is the share of tickets that are the one that a trouble wants, of those that are not tolerated.
func (f figures) precision() float64 { return share(f.right, f.tickets-f.may) }

func (f figures) recall() float64         { return share(f.found, f.wanted) }
func (f figures) perWeek() float64        { return 100 * float64(f.tickets) / f.weeks }
func (f figures) notesPerTicket() float64 { return share(f.notes, f.tickets) }

// delay returns the delay that a share of the found troubles did not exceed.
func (f figures) delay(of float64) time.Duration {
	if len(f.delays) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(f.delays))[int(of*float64(len(f.delays)-1))]
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
