package judge_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

const opened = "2345678-1 r1 failed: failed D01 Failed"

// Sweeps a quarter of an hour apart; what is told afterwards.
func TestHysteresis(t *testing.T) {
	sick, unclear := server.with(broken...), server.with("D01F00", "7")
	both := sick.with("D02F00", "2")
	for _, c := range []struct {
		sentence              string
		openAfter, closeAfter uint32
		sweeps                []cols
		want                  []string
	}{
		{"one bad sweep opens when one is enough", 1, 1, []cols{server, sick}, []string{opened}},
		{"one bad sweep opens nothing when two are needed", 2, 1, []cols{server, sick, server, server}, []string{}},
		{"two bad sweeps with a good one between open nothing", 2, 1, []cols{sick, server, sick, server}, []string{}},
		{"two bad sweeps in a row open", 2, 1, []cols{sick, sick}, []string{opened}},
		{"an unclear sweep between two bad ones does not count as good", 2, 1, []cols{sick, unclear, sick}, []string{opened}},
		{"an unclear sweep does not count as bad either", 2, 1, []cols{sick, unclear, unclear}, []string{}},
		{"unclear sweeps do not close", 1, 1, []cols{sick, unclear, unclear, unclear}, []string{opened}},
		{"one good sweep closes when one is enough", 1, 1, []cols{sick, server}, []string{opened, "2345678-1 r2 resolved: recovered"}},
		{"one good sweep closes nothing when two are needed", 1, 2, []cols{sick, server, sick, server, sick}, []string{opened}},
		{"two good sweeps close", 1, 2, []cols{sick, server, server}, []string{opened, "2345678-1 r2 resolved: recovered"}},
		{"an unclear sweep between two good ones counts for neither", 1, 2, []cols{sick, server, unclear, server}, []string{opened, "2345678-1 r2 resolved: recovered"}},
		{"an unclear sweep after a good one does not close", 1, 2, []cols{sick, server, unclear, unclear}, []string{opened}},
		{
			"a condition that returns while its incident is closing is back at once", 3, 2,
			[]cols{sick, sick, sick, server, sick, server, server},
			[]string{opened, "2345678-1 r2 resolved: recovered"},
		},
		{
			"a new condition on its way in keeps the incident from closing", 2, 1,
			[]cols{sick, sick, server.with("D02F00", "2"), server, server},
			[]string{opened, "2345678-1 r2 resolved: recovered"},
		},
		{
			"a second condition has to hold as long as the first had to", 2, 1,
			[]cols{sick, sick, both, sick, both, both},
			[]string{opened, "2345678-1 r2 changed: failed D01 Failed, D02 Failed"},
		},
		{
			"one data source recovers while the other is bad: that too takes two good sweeps", 1, 2,
			[]cols{both, server.with("D02F00", "2"), server.with("D02F00", "2")},
			[]string{"2345678-1 r1 failed: failed D01 Failed, D02 Failed", "2345678-1 r2 changed: failed D02 Failed"},
		},
		{
			"a data source that is well for one sweep has not left the picture", 1, 2,
			[]cols{both, server.with("D02F00", "2"), both, server.with("D02F00", "2"), both},
			[]string{"2345678-1 r1 failed: failed D01 Failed, D02 Failed"},
		},
		{
			"data sources that recover one after the other are each gone for two sweeps", 1, 2,
			[]cols{both, server.with("D02F00", "2"), server, server},
			[]string{"2345678-1 r1 failed: failed D01 Failed, D02 Failed", "2345678-1 r2 changed: failed D02 Failed", "2345678-1 r3 resolved: recovered"},
		},
		{"the next outage is a new incident", 1, 1, []cols{sick, server, sick}, []string{opened, "2345678-1 r2 resolved: recovered", "2345678-2 r1 failed: failed D01 Failed"}},
		{"zero is one", 0, 0, []cols{sick, server}, []string{opened, "2345678-1 r2 resolved: recovered"}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(c.openAfter, c.closeAfter))
			for _, s := range c.sweeps {
				d.sees(s)
				d.passes(hour / 4)
			}
			require.Equal(t, c.want, d.told())
		})
	}
}

func TestAFlapThatOpensNothingLeavesNoResidue(t *testing.T) {
	calm, flapped := newDevice(rules(2, 2)), newDevice(rules(2, 2))
	calm.sees(server)
	flapped.sees(server.with(broken...))
	calm.sees(server)
	flapped.sees(server)
	left := proto.CloneOf(flapped.state)
	left.DecidedSweep = calm.state.GetDecidedSweep()
	require.Equal(t, string(encode(calm.state)), string(encode(left)))
}

func TestWhatLastsIsNotWrittenInEverySweep(t *testing.T) {
	for _, c := range []cols{server, server.with(broken...), server.with("D01F00", "7"), m365.with("T7", "62")} {
		d := newDevice(rules(3, 1))
		d.sees(c)
		d.sweeps()
		d.sweeps()
		d.sweeps()
		require.False(t, d.sweeps().Changed)
	}
}

func TestOnlyMaterialChangesAreTold(t *testing.T) {
	cause := func(text string, count int64) []*statusv1.SourceErrors {
		return []*statusv1.SourceErrors{{SourceCode: "D01", ErrorsTotal: count, Errors: []*statusv1.SessionError{{Text: text, Count: count}}}}
	}
	const first, second = "Access denied", "Insufficient disk space for backup"
	sick := server.with(broken...)
	const changed = "2345678-1 r2 changed: "
	for _, c := range []struct {
		sentence      string
		before, after cols
		was, is       []*statusv1.SourceErrors
		want          string // the second event; "" for none
	}{
		{sentence: "nothing", before: sick, after: sick},
		{sentence: "another count", before: m365.with("T7", "62"), after: m365.with("T7", "63")},
		{sentence: "a later last success", before: server.with("D01F09", "@-60h"), after: server.with("D01F09", "@-50h")},
		{sentence: "another count of the same cause", before: sick, after: sick, was: cause(first, 15), is: cause(first, 16)},
		{sentence: "the status of failure", before: sick, after: sick.with("D01F00", "10"), want: changed + "failed D01 Over quota"},
		{sentence: "a condition more", before: sick, after: sick.with("D01F09", "@-30h"), want: changed + "failed D01 Failed; stale D01 Last good backup is too old"},
		{sentence: "a data source more", before: sick, after: sick.with("D02F00", "2"), want: changed + "failed D01 Failed, D02 Failed"},
		{sentence: "another condition in its place", before: sick, after: server.with("D01F00", "8"), want: changed + "errors D01 Completed with errors"},
		{sentence: "the same cause with other numbers and names", before: sick, after: sick, was: cause(`cannot open "a.txt" (17)`, 1), is: cause(`cannot open "b.txt" (18)`, 1)},
		{
			sentence: "the cause told before is among others now", before: sick, after: sick, was: cause(first, 1),
			is: []*statusv1.SourceErrors{{SourceCode: "D01", Errors: []*statusv1.SessionError{{Text: second}, {Text: first}}}},
		},
		{sentence: "another cause", before: sick, after: sick, was: cause(first, 1), is: cause(second, 1), want: changed + "failed D01 Failed"},
		{sentence: "a cause that becomes known", before: sick, after: sick, is: cause(second, 1), want: changed + "failed D01 Failed"},
		{
			sentence: "a cause that cannot be fetched any more", before: sick, after: sick, was: cause(first, 1),
			is: []*statusv1.SourceErrors{{SourceCode: "D01", Unavailable: "node unreachable"}},
		},
		{sentence: "completed with errors instead of errors behind Completed", before: server.with("D01F06", "3"), after: server.with("D01F00", "8", "D01F06", "3")},
		{sentence: "a session that runs now", before: sick.with("D01F00", "8", "D01F17", "8"), after: server.with(running...)},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(1, 1))
			d.errors = c.was
			d.sees(c.before)
			d.passes(hour / 4)
			d.errors = c.is
			d.sees(c.after)
			told := d.told()
			if c.want == "" {
				require.Len(t, told, 1)
				return
			}
			require.Equal(t, []string{told[0], c.want}, told)
			require.Equal(t, noon, d.events[1].GetOpenedAt().AsTime())
			require.Equal(t, noon.Add(hour/4), d.events[1].GetOccurredAt().AsTime())
		})
	}
}

func TestTheDevicesCountIsKeptWhileASessionRunsAndEndsWithIt(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.sees(m365.with("T7", "62"))
	d.sees(m365.with("T7", "0", "D19F00", "1"))
	require.Equal(t, []string{"2345678-1 r1 failed: errors D09 62 errors"}, d.told())
	d.sees(m365)
	require.Equal(t, []string{"2345678-1 r1 failed: errors D09 62 errors", "2345678-1 r2 resolved: recovered"}, d.told())
}

func TestAKeptConditionKeepsItsFinding(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.errors = []*statusv1.SourceErrors{{SourceCode: "D01", ErrorsTotal: 15, Errors: []*statusv1.SessionError{{Text: "Access denied", Count: 15}}}}
	d.sees(server.with(broken...))
	d.errors = nil
	e := d.sees(server.with("D01F00", "12", "D02F00", "3")).Event
	require.Equal(t, "failed D01 Failed, D02 Aborted", picture(e.GetConditions()))
	require.Equal(t, "Access denied", e.GetConditions()[0].GetFindings()[0].GetErrors()[0].GetText())
}

func TestWhatIsOnItsWayOutTakesNoNewErrors(t *testing.T) {
	cause := func(text string) []*statusv1.SourceErrors {
		return []*statusv1.SourceErrors{{SourceCode: "D01", Errors: []*statusv1.SessionError{{Text: text}}}}
	}
	d := newDevice(rules(1, 3))
	d.errors = cause("Access denied")
	d.sees(server.with(broken...))
	d.errors = cause("disk full")
	e := d.sees(server.with("D01F00", "8")).Event
	require.Equal(t, "failed D01 Failed; errors D01 Completed with errors", picture(e.GetConditions()))
	require.Equal(t, "Access denied", e.GetConditions()[0].GetFindings()[0].GetErrors()[0].GetText())
	require.Equal(t, "disk full", e.GetConditions()[1].GetFindings()[0].GetErrors()[0].GetText())
}

func TestSilenceAboutDataSourcesClosesNothing(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.sees(server.with(broken...))
	require.Equal(t, judge.InTrouble, d.sees(server.with("I78", "")).Outcome)
	require.Equal(t, judge.InTrouble, d.sees(server.with("AT", "")).Outcome)
	require.Equal(t, []string{opened}, d.told())
	d.sees(server.with("I78", "D02"))
	require.Equal(t, []string{opened, "2345678-1 r2 resolved: recovered"}, d.told(), "not configured any more is no silence")
}

func TestTimeAloneMakesADeviceStaleAndATimeDrivenRuleReopensNothing(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.sees(server)
	d.passes(21 * hour).sweeps()
	require.Empty(t, d.told())
	d.passes(hour + 11*hour/60).sweeps()
	require.Equal(t, []string{"2345678-1 r1 failed: stale D01 Last good backup is too old, D02 Last good backup is too old"}, d.told()[:1])
	d.sees(server)
	require.Equal(t, "2345678-1 r2 resolved: recovered", d.told()[1])
}

func TestADeviceThatIsGoneEndsItsIncidentAndMayComeBack(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.sees(server.with(broken...))
	require.Equal(t, judge.Gone, d.vanishes().Outcome)
	require.Equal(t, []string{opened, "2345678-1 r2 resolved: removed"}, d.told())
	require.True(t, d.state.GetGone())
	require.Equal(t, judge.Gone, d.passes(9*day).sweeps().Outcome, "a device that is gone does not become stale")
	require.False(t, d.vanishes().Changed)

	d.sees(server.with(broken...))
	require.False(t, d.state.GetGone())
	require.Equal(t, "2345678-2 r1 failed: failed D01 Failed", d.told()[2])
}

func TestAHealthyDeviceGoesWithoutAnEvent(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.sees(server)
	require.True(t, d.vanishes().Changed)
	require.Empty(t, d.told())
}

func TestExclusionEndsAnIncident(t *testing.T) {
	d := newDevice(rules(1, 3))
	d.sees(server.with(broken...))
	d.sees(server)
	d.customer = &statusv1.Customer{Id: "481233", Name: "Bluefin Dental Group", State: "InTrial"}
	d.sees(server.with(broken...))
	require.Equal(t, []string{opened, "2345678-1 r2 resolved: excluded"}, d.told())
	require.Empty(t, d.state.GetTracks())
	require.Zero(t, d.state.GetGoodSweeps())
}

func TestASweepThatComesTooLateDecidesNothing(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.sees(server.with(broken...))
	before := encode(d.state)
	again := d.decides(1)
	require.False(t, again.Changed, "decided already")
	require.Equal(t, opened, tell(again.Event), "and told once more, because the first telling may have been lost")
	require.False(t, d.decides(0).Changed)

	d.receives(7, server)
	require.False(t, d.decides(6).Changed, "the snapshot of a later sweep is not judged by an earlier one")
	require.NotEqual(t, before, encode(d.state))
	require.True(t, d.decides(7).Changed)
	require.Equal(t, []string{opened, opened, "2345678-1 r2 resolved: recovered"}, d.told())

	gone := judge.Remove(d.rules, d.state, judge.Observation{}, judge.Sweep{Number: 6, At: noon})
	require.False(t, gone.Changed, "a device that came back is not removed by an old sweep")
}

func TestOnlyNewerSnapshotsAreRemembered(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.receives(5, server.with("AN", "five"))
	for sweep, want := range map[uint64]bool{4: false, 5: false, 6: true} {
		s := &statusv1.Snapshot{Tenant: "harbor", DeviceId: "2345678", Sweep: sweep}
		_, changed := judge.Remember(d.state, s, judge.Observation{})
		require.Equal(t, want, changed, "sweep %d", sweep)
	}
	d.state.DecidedSweep = 8
	_, changed := judge.Remember(d.state, &statusv1.Snapshot{Sweep: 7}, judge.Observation{})
	require.False(t, changed, "an earlier sweep than the one decided")
}

func TestAStateOfAnOlderVersionIsCarriedOn(t *testing.T) {
	older := func() *device {
		d := newDevice(rules(1, 2))
		d.sees(server.with(broken...))
		d.state = proto.CloneOf(d.state)
		d.state.Tracks, d.state.GoodSweeps = nil, 1 // as it was left when an open incident counted its good sweeps
		return d
	}
	well := older()
	well.sees(server)
	well.sees(server)
	require.Equal(t, []string{opened, "2345678-1 r2 resolved: recovered"}, well.told())

	back := older()
	back.sees(server.with(broken...))
	back.sees(server)
	require.Equal(t, []string{opened}, back.told())
	require.Zero(t, back.state.GetGoodSweeps())
}

func TestArgumentsAreNotChanged(t *testing.T) {
	d := newDevice(rules(1, 2)).with(damped)
	sick := server.with(broken...)
	for _, c := range []cols{sick, server, sick, server.with("D02F00", "3"), server, server, sick, server, server, sick, sick.with("D02F00", "3"), server} {
		d.receives(d.sweep+1, c)
		state := proto.CloneOf(d.state)
		given := d.state
		d.sweeps()
		require.True(t, proto.Equal(state, given))
	}
	require.True(t, d.events[len(d.events)-1].GetFlapping())
}
