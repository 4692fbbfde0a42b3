package judge_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// Every property is held against that many histories, unless -rapid.checks says otherwise. The race detector makes a
// history ten times as expensive and finds nothing in a pure function that fewer would not show.
func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set(fmt.Sprint(histories)); err != nil {
			panic(err)
		}
	}
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// step is what one sweep brings in a random history.
type step struct {
	wait    time.Duration
	columns cols // nil: the device has not changed
	gone    bool
	trial   bool
	errors  []*statusv1.SourceErrors
	change  func(r *policy.Rules) // nil: policy has not changed
}

var (
	whens    = []string{"", "0", "2147483647", "soon", "@-1h", "@-23h", "@-25h", "@-4d", "@-20d", "@+2h", "@+30h"}
	statuses = []string{"", "0", "1", "2", "3", "5", "5", "5", "6", "7", "8", "9", "10", "12", "x"}
	fields   = []struct {
		code   string
		values []string
	}{
		{"AT", []string{"1", "1", "1", "2", "0", ""}},
		{"OT", []string{"0", "1", "2"}},
		{"I78", []string{"D01", "D01D02", "D1,D2", ""}},
		{"CD", whens},
		{"TS", whens},
		{"TL", whens},
		{"T7", []string{"", "0", "62"}},
		{"D01F00", statuses},
		{"D01F17", statuses},
		{"D01F06", []string{"", "0", "3"}},
		{"D01F09", whens},
		{"D01F15", whens},
		{"D02F00", statuses},
		{"D02F06", []string{"", "0", "3"}},
		{"D02F09", whens},
	}
)

func drawColumns(t *rapid.T) cols {
	c := cols{"AN": "dev", "OI": "5038"}
	for _, field := range fields {
		c[field.code] = rapid.SampledFrom(field.values).Draw(t, field.code)
	}
	return c.with()
}

// drawRules are rules of every kind; without counts they ask for one sweep only.
func drawRules(t *rapid.T, counts bool) policy.Rules {
	r := rules(1, 1)
	if counts {
		r.OpenAfter = rapid.Uint32Range(1, 3).Draw(t, "openAfter")
		r.CloseAfter = rapid.Uint32Range(1, 3).Draw(t, "closeAfter")
	}
	times := rapid.SampledFrom([]time.Duration{0, 0, 2 * hour, 30 * hour})
	r.OpenFor, r.CloseFor = times.Draw(t, "openFor"), times.Draw(t, "closeFor")
	r.Flap = policy.Flap{Changes: rapid.Uint32Range(0, 4).Draw(t, "changes"), Within: 5 * day, Calm: times.Draw(t, "calm")}
	if rapid.Bool().Draw(t, "all") {
		r.Silent, r.Overrun, r.Persist, r.NoErrorFree = 2*day, 12*hour, 6*hour, 4*day
		r.Ladder = []policy.Step{
			{After: 2 * day, Severity: incidentv1.Severity_SEVERITY_WARNING}, {After: 5 * day, Severity: incidentv1.Severity_SEVERITY_CRITICAL},
		}
	}
	return r
}

var changes = []func(r *policy.Rules){
	func(r *policy.Rules) { r.Mute = &policy.Mute{Reason: "patch night"} },
	func(r *policy.Rules) { r.Mute = nil },
	off(failedKind, errorsKind),
	off(),
	ignore("D01"),
	ignore(),
	func(r *policy.Rules) { r.Flap.Changes = 0 },
}

func drawStep(t *rapid.T) step {
	s := step{wait: rapid.SampledFrom([]time.Duration{10 * time.Minute, hour, 7 * hour, day, 3 * day}).Draw(t, "wait")}
	switch rapid.IntRange(0, 11).Draw(t, "what") {
	case 0, 1:
	case 2:
		s.gone = true
	case 3, 4, 5: // a plain outage or recovery, which pure chance seldom makes
		s.columns = server.with(broken...)
	case 6, 7, 8:
		s.columns = server
	case 9:
		s.change = rapid.SampledFrom(changes).Draw(t, "change")
	default:
		s.columns = drawColumns(t)
		s.trial = rapid.IntRange(0, 9).Draw(t, "trial") == 0
		if text := rapid.SampledFrom([]string{"", "Access denied", "disk full"}).Draw(t, "cause"); text != "" {
			s.errors = []*statusv1.SourceErrors{{SourceCode: "D01", ErrorsTotal: 1, Errors: []*statusv1.SessionError{{Text: text, Count: 1}}}}
		}
	}
	return s
}

func drawHistory(t *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(drawStep), 1, 16).Draw(t, "history")
}

// live runs one sweep of a history. Sweep numbers leave room for others in between.
func (d *device) live(s step) judge.Decision {
	d.now = d.now.Add(s.wait)
	d.sweep += 9
	if s.change != nil {
		s.change(&d.rules)
	}
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

// record is everything that a device's life has left, to the byte.
func (d *device) record() string {
	var all strings.Builder
	for _, e := range d.events {
		all.Write(encode(e))
	}
	return all.String() + string(encode(d.state))
}

// The life of every incident is failed, changed ..., resolved, with revisions 1, 2, 3 ...; one event at most in a
// sweep; nothing but a resolution while muted; the state agrees with what was told. A redelivered sweep changes
// nothing, and tells the same again to the byte. A replay gives the same bytes, whatever other devices do in between.
func TestEveryHistoryIsLegalAndRepeatable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, history := drawRules(t, true), drawHistory(t)
		d := newDevice(in)
		life := &life{t: t, sweeps: map[uint64]bool{}}
		for _, s := range history {
			decision := d.live(s)
			life.goesOn(d, decision)
			if d.state == nil {
				continue
			}
			again := d.decision(d.sweep)
			require.False(t, again.Changed)
			if again.Event != nil {
				require.True(t, proto.Equal(d.events[len(d.events)-1], again.Event))
			}
		}

		replayed, other := newDevice(in), newDevice(in)
		others := slices.Clone(history)
		slices.Reverse(others)
		for i, s := range history {
			if i%2 == 0 {
				other.live(others[i])
			}
			replayed.live(s)
			if i%2 != 0 {
				other.live(others[i])
			}
		}
		require.Equal(t, d.record(), replayed.record())
	})
}

// life follows the incidents of a device.
type life struct {
	t         *rapid.T
	open      *incidentv1.Event
	incidents int
	sweeps    map[uint64]bool
}

func (l *life) goesOn(d *device, decision judge.Decision) {
	t, e := l.t, decision.Event
	if e != nil {
		require.False(t, l.sweeps[e.GetSweep()], "two events in a sweep")
		l.sweeps[e.GetSweep()] = true
		ended := e.GetKind() == incidentv1.EventKind_EVENT_KIND_RESOLVED
		require.True(t, ended || d.rules.Mute == nil, "told while muted")
		if e.GetKind() == incidentv1.EventKind_EVENT_KIND_FAILED {
			require.Nil(t, l.open)
			l.incidents++
			require.Equal(t, uint32(1), e.GetRevision())
			require.Equal(t, e.GetOccurredAt().AsTime(), e.GetOpenedAt().AsTime())
		} else {
			require.NotNil(t, l.open)
			require.Equal(t, l.open.GetRevision()+1, e.GetRevision())
			require.Equal(t, l.open.GetOpenedAt().AsTime(), e.GetOpenedAt().AsTime())
		}
		require.Equal(t, fmt.Sprintf("2345678-%d", l.incidents), e.GetIncidentId())
		require.Equal(t, ended, len(e.GetConditions()) == 0)
		require.Equal(t, ended, e.GetResolution() != incidentv1.Resolution_RESOLUTION_UNSPECIFIED)
		l.open = e
		if ended {
			l.open = nil
		}
	}
	require.Equal(t, l.open == nil, d.state.GetOpen() == nil)
	require.True(t, e == nil || decision.Changed)
	switch decision.Outcome {
	case judge.Healthy, judge.Unknown, judge.Excluded, judge.Gone:
		require.Nil(t, d.state.GetOpen())
	case judge.InTrouble:
		require.True(t, d.state.GetOpen() != nil || len(d.state.GetTracks()) > 0)
	}
}

// Whatever opened closes when the device is well, and that is told: as soon as it was well in closeAfter sweeps and for
// closeFor or, while it flaps, for as long as it takes to be calm; muted or not.
func TestEveryRecoveryIsTold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := newDevice(drawRules(t, true))
		for _, s := range drawHistory(t) {
			d.live(s)
		}
		open, told := d.state.GetOpen(), len(d.events)
		needed := max(d.rules.CloseFor, d.rules.Flap.Calm)
		for n, well := uint32(1), time.Duration(0); n <= d.rules.CloseAfter || well < needed+10*hour; n, well = n+1, well+10*hour {
			d.live(step{wait: 10 * hour, columns: server})
		}
		require.Nil(t, d.state.GetOpen())
		require.Empty(t, d.state.GetTracks())
		since := d.events[told:]
		if open == nil {
			require.Empty(t, since)
			return
		}
		require.Equal(t, incidentv1.EventKind_EVENT_KIND_RESOLVED, since[len(since)-1].GetKind())
		require.Equal(t, open.GetIncidentId(), since[len(since)-1].GetIncidentId())
	})
}

// Without counts of sweeps, a sweep more at the same time changes nothing: all else is driven by time.
func TestASweepWithoutNewsChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, history := drawRules(t, false), drawHistory(t)
		plain, more := newDevice(in), newDevice(in)
		for _, s := range history {
			plain.live(s)
			more.live(s)
			if more.state != nil && more.state.GetDecidedSweep() < more.sweep+1 {
				require.False(t, more.decides(more.sweep+1).Changed)
			}
		}
		require.Equal(t, plain.record(), more.record())
	})
}

// Whatever opens a condition holds exactly as long as the same look keeps it open: there is no device that a
// sweep opens and the same device, unchanged, closes.
func TestOpenAndCloseAreOnePredicate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawColumns(t)
		d := newDevice(drawRules(t, false)).with(func(r *policy.Rules) { r.OpenFor = 0 })
		first := d.sees(c)
		if first.Event == nil {
			return
		}
		require.Nil(t, d.sees(c).Event)
		require.Nil(t, d.sees(c).Event)

		fresh := newDevice(d.rules)
		require.Equal(t, picture(first.Event.GetConditions()), picture(fresh.sees(c).Event.GetConditions()))
	})
}
