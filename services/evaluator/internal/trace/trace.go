// Package trace owns lives of devices on paper: what the vendor would say about a device over weeks, told in a few
// words, and what is expected of it. A trace is written as YAML by people who want to know what their policy makes of
// such a life ("covewise policy test") and by the labelled corpus that the defaults are measured with. It turns the
// words into raw columns as a sweep would see them, and plays them through the judge as the evaluator does.
//
// It does not judge, it reads no policy, and it says nothing about tickets.
//
// # A file
//
// A file is a family of traces. What the family says holds for each trace that does not say otherwise:
//
//	family: two bad nights
//	about: The nightly run fails twice and then heals; somebody should have looked after the second.
//	class: server                  # server, workstation, documents or m365
//	days: 21                       # length of the life
//	sweep: 1h                      # time between two sweeps
//	every: 1d                      # a run starts that often (and, where it is written without at, at the start),
//	at: 22h                        # for the first time that long after the start,
//	takes: 2h                      # and takes that long; the run before the start is c, or what before says
//	traces:
//	  - name: file server
//	    sources:
//	      D01: 10c 2f 9c           # ten runs completed, two failed, nine completed
//	      D02: {runs: 21c, takes: 15m}
//	    want: [12d-13d]            # trouble that somebody must hear of while it lasts
//	    may: [11d-13d]             # when an incident may be open besides
//
// Times count from the start (a Monday, 00:00 UTC): "12d", "12d6h", "30m". An interval without an end lasts to the end
// of the trace. A letter is a run:
//
//	c completed   e completed with errors   f failed   a aborted   i interrupted   n not started   q over quota
//	x no selection   r restarted   b blocked   w still running   . no run   - switched off
//
// A number before a letter or a group in brackets repeats it, one after a colon counts errors, a
// time after a slash is how long the run takes: "2(5c 2-) e:62 c/5h".
package trace

import (
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Family is a set of traces with one story.
type Family struct {
	Name   string
	About  string // the story in a sentence
	Traces []Trace
}

// Trace is the life of one device. All times are since Start.
type Trace struct {
	Name  string
	About string // what is particular about it; may be empty

	Class   incidentv1.DeviceClass
	Device  string        // the vendor's device id, decimal digits
	Start   time.Time     // when the life begins
	Created time.Duration // when the device was created; negative for before the start
	Length  time.Duration
	Sweep   time.Duration // time between two sweeps; the first is at Start

	Sources []Source   // in order of code
	Off     []Interval // when the device is switched off, besides what its runs say
	Gone    []Interval // when the vendor does not list it
	Set     []Setting  // raw values that replace what the runs give; later ones win

	Want      []Interval // trouble that somebody must hear of while it lasts
	May       []Interval // when an incident may be open besides; needless ones are those outside of both
	Incidents []Expected // the incidents that a policy is to make of it, all of them; nil when not said
}

// Source is a configured data source with its runs.
type Source struct {
	Code   string     // canonical, "D01"
	In     []Interval // when it is configured; nil for always
	Runs   []Run      // in order of Start
	Causes []string   // error texts that its bad runs show, in turn; empty when session history has nothing to say
}

// Run is one backup session of a data source, or one that should have been.
type Run struct {
	Start  time.Duration
	End    time.Duration // Start when it did not run
	Status int           // the vendor's code of the ended session
	Errors int64
}

// Interval is a time from From to To, To not included.
type Interval struct{ From, To time.Duration }

// Holds reports whether a time lies in the interval.
func (i Interval) Holds(at time.Duration) bool { return i.From <= at && at < i.To }

// Meets reports whether two intervals have a time in common.
func (i Interval) Meets(o Interval) bool { return i.From < o.To && o.From < i.To }

// Setting is raw values that hold for a time.
type Setting struct {
	Interval
	// Columns are raw values by code. "@-2h" is two hours before the sweep, "@+3d" three days after it, "@5d" five days
	// after the start of the trace; an empty value takes the column away.
	Columns  map[string]string
	Customer string // name of the customer that the device belongs to; empty leaves it
}

// Expected is an incident that a policy is to make of a trace.
type Expected struct {
	Interval        // from the sweep that opens it to the sweep that resolves it
	Open     bool   // still open when the trace ends
	Says     string // conditions with which it opens, gravest first: "failed D01, stale D02"; empty for any
}

// holds reports whether a time lies in one of the intervals.
func holds(all []Interval, at time.Duration) bool {
	for _, i := range all {
		if i.Holds(at) {
			return true
		}
	}
	return false
}
