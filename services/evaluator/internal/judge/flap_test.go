package judge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

func damped(r *policy.Rules) { r.Flap = policy.Flap{Changes: 4, Within: 7 * day, Calm: 2 * day} }

// hourly runs sweeps an hour apart, one for each letter: "b" failed, "g" good, "-" unchanged.
func (d *device) hourly(letters string) *device {
	for _, letter := range letters {
		d.passes(hour)
		switch letter {
		case 'b':
			d.sees(server.with(broken...))
		case 'g':
			d.sees(server)
		default:
			d.sweeps()
		}
	}
	return d
}

func TestAFlappingIncidentIsHeldOpen(t *testing.T) {
	held := []string{
		opened, "2345678-1 r2 resolved: recovered",
		"2345678-2 r1 failed: failed D01 Failed", "2345678-2 r2 changed, flapping: failed D01 Failed",
	}
	fine := func(r *policy.Rules) { r.Stale = 99 * day }

	t.Run("the fourth change in a week is held, and so are those after it", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).hourly("bgbg" + "bgbgbgbg")
		require.Equal(t, held, d.told())
		require.Equal(t, judge.InTrouble, d.sweeps().Outcome)
	})

	t.Run("when it is calm and well the recovery is told", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).hourly("bgbgbg")
		d.passes(2*day - 1).sweeps()
		require.Equal(t, held, d.told())
		d.passes(1).sweeps()
		require.Equal(t, append(held, "2345678-2 r3 resolved: recovered"), d.told())
		require.Len(t, d.state.GetTurns(), 1, "counting begins anew")
		d.hourly("bg")
		require.Equal(t, []string{"2345678-3 r1 failed: failed D01 Failed", "2345678-3 r2 resolved: recovered"}, d.told()[5:])
	})

	t.Run("when it is calm and bad it is an incident like any other", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).hourly("bgbgb")
		d.passes(2 * day).sweeps()
		require.Equal(t, append(held, "2345678-2 r3 changed: failed D01 Failed"), d.told())
		d.hourly("g")
		require.Equal(t, "2345678-2 r4 resolved: recovered", d.told()[5])
	})

	t.Run("another data source that fails meanwhile is told, and what goes stays", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).hourly("bgbg")
		d.passes(hour).sees(server.with("D02F00", "2"))
		d.passes(hour).sees(server.with("D01F00", "10"))
		require.Equal(t, append(held, "2345678-2 r3 changed, flapping: failed D01 Failed, D02 Failed"), d.told())
		d.passes(2 * day).sweeps()
		require.Equal(t, "2345678-2 r4 changed: failed D01 Over quota", d.told()[5])
	})

	t.Run("it is calm from its last relapse on, not from its first", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).hourly("bgbgb")
		require.Equal(t, noon.Add(5*hour), d.state.GetTracks()[0].GetSince().AsTime())
		d.passes(2*day - hour).sweeps()
		require.Equal(t, held, d.told())
	})

	t.Run("its severity goes up, not down", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).with(func(r *policy.Rules) {
			r.Ladder = []policy.Step{{After: 7 * day, Severity: incidentv1.Severity_SEVERITY_WARNING}}
		})
		old := server.with("D01F00", "2", "D01F09", "@-8d")
		for _, c := range []cols{old, server, old, server} {
			d.passes(hour).sees(c)
		}
		d.hourly("bgb")
		require.Equal(t, "2345678-2 r2 changed, warning, flapping: failed D01 Failed", d.told()[3])
		require.Len(t, d.told(), 4)
	})

	t.Run("changes further apart than the window are none", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).hourly("b")
		for range 10 {
			d.passes(7 * day).hourly("gb")
		}
		for _, e := range d.events {
			require.False(t, e.GetFlapping())
		}
	})

	t.Run("an incident that was well for long enough before it closes is calm already", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).with(func(r *policy.Rules) { r.CloseFor = 2 * day; r.Flap.Within = 30 * day })
		for range 3 {
			d.hourly("bg").passes(2 * day).sweeps()
		}
		require.Equal(t, "2345678-3 r2 resolved: recovered", d.told()[len(d.told())-1])
	})

	t.Run("an opening can be the one change too many", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).with(func(r *policy.Rules) { r.Flap.Changes = 3 }).hourly("bgbg")
		require.Equal(t, []string{opened, "2345678-1 r2 resolved: recovered", "2345678-2 r1 failed, flapping: failed D01 Failed"}, d.told())
	})

	t.Run("damping that is switched off lets go at once", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).hourly("bgbg")
		d.with(func(r *policy.Rules) { r.Flap.Changes = 0 }).sweeps()
		require.Equal(t, append(held, "2345678-2 r3 resolved: recovered"), d.told())
	})

	t.Run("removal and exclusion end it at once", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).with(fine).hourly("bgbg")
		d.vanishes()
		require.Equal(t, append(held, "2345678-2 r3 resolved: removed"), d.told())
	})

	t.Run("what is held is not written in every sweep", func(t *testing.T) {
		d := newDevice(rules(1, 2)).with(damped).with(fine).hourly("bggbgg--")
		require.True(t, d.state.GetOpen().GetFlapping())
		require.False(t, d.sweeps().Changed)
	})
}

func TestNothingIsToldWhileMutedButRecoveries(t *testing.T) {
	mute := func(r *policy.Rules) { r.Mute = &policy.Mute{Reason: "patch night"} }
	end := func(r *policy.Rules) { r.Mute = nil }

	t.Run("what holds at the end opens then", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(mute).hourly("gb-")
		decision := d.sweeps()
		require.Equal(t, judge.InTrouble, decision.Outcome)
		require.Equal(t, "patch night", decision.Reason)
		require.Empty(t, d.told())
		d.with(end).sweeps()
		require.Equal(t, []string{opened}, d.told())
		require.Equal(t, noon.Add(2*hour), d.events[0].GetConditions()[0].GetSince().AsTime(), "it says since when")
	})

	t.Run("what has gone by then never was", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(mute).hourly("gbg").with(end).hourly("-")
		require.Empty(t, d.told())
		require.Empty(t, d.state.GetTracks())
	})

	t.Run("a recovery is told", func(t *testing.T) {
		d := newDevice(rules(1, 1)).hourly("b").with(mute).hourly("g")
		require.Equal(t, []string{opened, "2345678-1 r2 resolved: recovered"}, d.told())
	})

	t.Run("changes wait, and what has changed back is no change", func(t *testing.T) {
		d := newDevice(rules(1, 1)).hourly("b").with(mute)
		d.sees(server.with(broken...).with("D02F00", "2"))
		d.with(end).with(mute).sees(server.with("D02F00", "2"))
		require.Equal(t, []string{opened}, d.told())
		d.with(end).sweeps()
		require.Equal(t, []string{opened, "2345678-1 r2 changed: failed D02 Failed"}, d.told())

		d = newDevice(rules(1, 1)).hourly("b").with(mute)
		d.sees(server.with(broken...).with("D02F00", "2"))
		d.hourly("b").with(end).hourly("-")
		require.Equal(t, []string{opened}, d.told())
	})

	t.Run("closing takes its sweeps as ever", func(t *testing.T) {
		d := newDevice(rules(2, 2)).with(mute).hourly("bb").with(end).hourly("-g").with(mute).hourly("bgg")
		require.Equal(t, []string{opened, "2345678-1 r2 resolved: recovered"}, d.told())
	})

	t.Run("a recovery is no flap to hold back while muted", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(damped).hourly("bgb").with(mute).hourly("g")
		require.Equal(t, "2345678-2 r2 resolved: recovered", d.told()[3])
	})
}

func TestTimesOfHysteresis(t *testing.T) {
	slow := func(r *policy.Rules) { r.OpenFor, r.CloseFor = 3*hour, 2*hour }

	t.Run("a condition opens after its sweeps and its time", func(t *testing.T) {
		d := newDevice(rules(2, 1)).with(slow).hourly("b--")
		require.Empty(t, d.told(), "2 h")
		d.hourly("-")
		require.Equal(t, []string{opened}, d.told(), "3 h")
	})

	t.Run("the time runs from the start of the run", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(slow).hourly("bbgbbb")
		require.Empty(t, d.told())
	})

	t.Run("time without sweeps opens nothing", func(t *testing.T) {
		d := newDevice(rules(3, 1)).with(slow).hourly("b")
		d.passes(9 * hour).sweeps()
		require.Empty(t, d.told())
	})

	t.Run("an incident closes after its sweeps and its time", func(t *testing.T) {
		d := newDevice(rules(1, 2)).with(slow).hourly("b---" + "g-")
		require.Equal(t, []string{opened}, d.told(), "two sweeps, 1 h")
		d.hourly("-")
		require.Equal(t, []string{opened, "2345678-1 r2 resolved: recovered"}, d.told())
	})

	t.Run("a relapse starts the time anew", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(slow).hourly("b---" + "g-bg-")
		require.Equal(t, []string{opened}, d.told())
		d.hourly("-")
		require.Equal(t, []string{opened, "2345678-1 r2 resolved: recovered"}, d.told())
	})

	t.Run("a sweep that cannot tell does not close when the time has passed", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(slow).hourly("b---" + "g")
		d.passes(3 * hour).sees(server.with("D01F00", "7"))
		require.Equal(t, []string{opened}, d.told())
		d.hourly("g")
		require.Equal(t, []string{opened, "2345678-1 r2 resolved: recovered"}, d.told())
	})
}
