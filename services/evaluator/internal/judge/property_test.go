package judge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// step is what one sweep brings in a random history.
type step struct {
	wait    time.Duration
	columns cols // nil: the device has not changed
	gone    bool
	trial   bool
	errors  []*statusv1.SourceErrors
}

func drawColumns(t *rapid.T) cols {
	value := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
	when := func(label string) string {
		return value(label, "", "0", "2147483647", "soon", "@-1h", "@-23h", "@-25h", "@-4d", "@-20d", "@+2h", "@+30h")
	}
	status := func(label string) string {
		return value(label, "", "0", "1", "2", "3", "4", "5", "5", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "x")
	}
	c := cols{
		"AN": "dev", "AT": value("AT", "1", "1", "1", "2", "2", "0", ""), "OT": value("OT", "0", "1", "2"), "OI": value("OI", "", "5038"),
		"I78": value("I78", "D01", "D01D02", "D1,D2", "D01D10D14", ""), "CD": when("CD"), "TL": when("TL"),
		"T0": status("T0"), "T7": value("T7", "", "0", "0", "62"),
	}
	for _, source := range []string{"D01", "D02", "D10", "D14"} {
		c[source+"F00"], c[source+"F17"] = status(source+"F00"), status(source+"F17")
		c[source+"F06"], c[source+"F09"] = value(source+"F06", "", "0", "3"), when(source+"F09")
	}
	return c.with()
}

func drawHistory(t *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		s := step{wait: time.Duration(rapid.IntRange(1, 2000).Draw(t, "minutes")) * time.Minute}
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0, 1, 2:
		case 3:
			s.gone = true
		case 4, 5: // a plain outage or recovery, which pure chance seldom makes
			s.columns = server.with(broken...)
		case 6:
			s.columns = server
		default:
			s.columns = drawColumns(t)
			s.trial = rapid.IntRange(0, 9).Draw(t, "trial") == 0
			if text := rapid.SampledFrom([]string{"", "Access denied", "disk full"}).Draw(t, "cause"); text != "" {
				s.errors = []*statusv1.SourceErrors{{SourceCode: "D01", ErrorsTotal: 1, Errors: []*statusv1.SessionError{{Text: text, Count: 1}}}}
			}
		}
		return s
	}), 1, 30).Draw(t, "history")
}

// live runs one sweep of a history. Sweep numbers leave room for others in between.
func (d *device) live(s step) judge.Decision {
	d.now = d.now.Add(s.wait)
	d.sweep += 9
	if s.gone {
		if d.state == nil {
			d.sweep++
			return judge.Decision{}
		}
		return d.vanishes()
	}
	d.customer = &statusv1.Customer{Id: "1", Name: "Customer"}
	if s.trial {
		d.customer.State = "InTrial"
	}
	d.errors = s.errors
	if s.columns != nil {
		return d.sees(s.columns)
	}
	if d.state == nil {
		return d.sees(server)
	}
	return d.sweeps()
}

func replay(openAfter, closeAfter uint32, history []step, after func(d *device)) string {
	d := newDevice(policy(openAfter, closeAfter))
	for _, s := range history {
		d.live(s)
		if after != nil {
			after(d)
		}
	}
	var all strings.Builder
	for _, e := range d.events {
		all.Write(encode(e))
	}
	return all.String() + string(encode(d.state))
}

func drawHysteresis(t *rapid.T) (openAfter, closeAfter uint32) {
	return rapid.Uint32Range(1, 3).Draw(t, "openAfter"), rapid.Uint32Range(1, 3).Draw(t, "closeAfter")
}

func TestReplayGivesIdenticalBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		openAfter, closeAfter := drawHysteresis(t)
		history := drawHistory(t)
		first := replay(openAfter, closeAfter, history, nil)
		require.Equal(t, first, replay(openAfter, closeAfter, history, nil))
	})
}

func TestARedeliveredSweepChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		openAfter, closeAfter := drawHysteresis(t)
		history := drawHistory(t)
		again := func(d *device) {
			if d.state == nil {
				return
			}
			decision := judge.Decide(d.policy, d.state, decode.Observe(d.state.GetSnapshot(), d.now), judge.Sweep{Number: d.sweep, At: d.now})
			require.False(t, decision.Changed)
			if decision.Event != nil { // told once more, to the byte
				require.Equal(t, string(encode(d.events[len(d.events)-1])), string(encode(decision.Event)))
			}
		}
		require.Equal(t, replay(openAfter, closeAfter, history, nil), replay(openAfter, closeAfter, history, again))
	})
}

func TestASweepWithoutNewsChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t)
		inserted := func(d *device) {
			if d.state != nil && d.state.GetDecidedSweep() < d.sweep+1 {
				require.False(t, d.decides(d.sweep+1).Changed)
			}
		}
		require.Equal(t, replay(1, 1, history, nil), replay(1, 1, history, inserted))
	})
}

// The life of every incident is failed, changed ..., resolved, with revisions 1, 2, 3 ...; one event at most in a
// sweep; what is told differs from what was told before; the state agrees with what was told.
func TestEveryIncidentIsALegalLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		openAfter, closeAfter := drawHysteresis(t)
		d := newDevice(policy(openAfter, closeAfter))
		var open *incidentv1.Event
		incidents := 0
		sweeps := map[uint64]bool{}
		for _, s := range drawHistory(t) {
			decision := d.live(s)
			e := decision.Event
			if e != nil {
				require.False(t, sweeps[e.GetSweep()], "two events in a sweep")
				sweeps[e.GetSweep()] = true
				if e.GetKind() == incidentv1.EventKind_EVENT_KIND_FAILED {
					require.Nil(t, open)
					incidents++
					require.Equal(t, uint32(1), e.GetRevision())
					require.Equal(t, e.GetOccurredAt().AsTime(), e.GetOpenedAt().AsTime())
				} else {
					require.NotNil(t, open)
					require.Equal(t, open.GetRevision()+1, e.GetRevision())
					require.Equal(t, open.GetOpenedAt().AsTime(), e.GetOpenedAt().AsTime())
				}
				require.Equal(t, fmt.Sprintf("2345678-%d", incidents), e.GetIncidentId())
				ended := e.GetKind() == incidentv1.EventKind_EVENT_KIND_RESOLVED
				require.Equal(t, ended, len(e.GetConditions()) == 0)
				require.Equal(t, ended, e.GetResolution() != incidentv1.Resolution_RESOLUTION_UNSPECIFIED)
				open = e
				if ended {
					open = nil
				}
			}
			require.Equal(t, open == nil, d.state.GetOpen() == nil)
			require.Equal(t, e != nil, decision.Event != nil && decision.Changed)
			switch decision.Outcome {
			case judge.Healthy, judge.Unknown, judge.Excluded, judge.Gone:
				require.Nil(t, d.state.GetOpen())
			case judge.InTrouble:
				require.True(t, d.state.GetOpen() != nil || len(d.state.GetTracks()) > 0)
			}
		}
	})
}

func TestEveryIncidentCanEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		openAfter, closeAfter := drawHysteresis(t)
		d := newDevice(policy(openAfter, closeAfter))
		for _, s := range drawHistory(t) {
			d.live(s)
		}
		wasOpen := d.state.GetOpen() != nil
		said := len(d.events)
		for range closeAfter {
			d.live(step{wait: time.Minute, columns: server})
		}
		require.Nil(t, d.state.GetOpen())
		require.Empty(t, d.state.GetTracks())
		if wasOpen {
			require.Equal(t, incidentv1.EventKind_EVENT_KIND_RESOLVED, d.events[len(d.events)-1].GetKind())
		} else {
			require.Len(t, d.events, said)
		}
	})
}

// Whatever opens a condition holds exactly as long as the same look keeps it open: there is no device that a
// sweep opens and the same device, unchanged, closes.
func TestOpenAndCloseAreOnePredicate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawColumns(t)
		d := newDevice(policy(1, 1))
		first := d.sees(c)
		if first.Event == nil {
			return
		}
		require.Nil(t, d.sees(c).Event)
		require.Nil(t, d.sees(c).Event)

		fresh := newDevice(policy(1, 1))
		require.Equal(t, picture(first.Event.GetConditions()), picture(fresh.sees(c).Event.GetConditions()))
	})
}
