package judge_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// One look at a device, judged by limits that the defaults of these tests do not have.
func TestLimits(t *testing.T) {
	hanging := server.with(running...).with("D01F09", "@-20h", "D01F18", "@-20h")
	for _, c := range []struct {
		sentence string
		rules    func(r *policy.Rules)
		device   cols
		want     string // the picture; "" for no incident
		rule     string // of the first finding
	}{
		{"a session that runs for as long as allowed", func(r *policy.Rules) { r.Overrun = 12 * hour }, hanging.with("D01F15", "@-12h"), "", ""},
		{
			"a session that runs for longer", func(r *policy.Rules) { r.Overrun = 12 * hour }, hanging.with("D01F15", "@-12h1m"),
			"stale D01 Session does not end", "overrun = 12h",
		},
		{"the start of a session that ended is not that of the one that runs", func(r *policy.Rules) { r.Overrun = 12 * hour }, hanging.with("D01F15", "@-20h"), "", ""},
		{"a start that is not known", func(r *policy.Rules) { r.Overrun = 12 * hour }, hanging.with("D01F15", ""), "", ""},
		{
			"one data source may be older than the others", func(r *policy.Rules) { r.StaleSource = map[string]time.Duration{"D01": 6 * day} },
			server.with("D01F09", "@-5d", "D02F09", "@-25h"), "stale D02 Last good backup is too old", "stale = 24h",
		},
		{
			"or must be younger", func(r *policy.Rules) { r.StaleSource = map[string]time.Duration{"D01": hour} },
			server, "stale D01 Last good backup is too old", "stale.D01 = 1h",
		},
		{"age that is not judged", func(r *policy.Rules) { r.StaleSource = map[string]time.Duration{"D01": 0} }, server.with("D01F09", "@-90d"), "", ""},

		{"in contact", func(r *policy.Rules) { r.Silent = 2 * day }, workstation.with("TS", "@-2d"), "", ""},
		{"a heartbeat on record may be a day too old", func(r *policy.Rules) { r.Silent = 2 * day }, workstation.with("TS", "@-3d", "D01F09", "@-3d", "D01F18", "@-3d", "TL", "@-3d"), "", ""},
		{
			"silent for longer", func(r *policy.Rules) { r.Silent, r.Stale = 2*day, 9*day },
			workstation.with("TS", "@-3d1s", "D01F09", "@-4d", "D01F18", "@-4d", "TL", "@-4d"), "silent D09 No contact", "silent = 2d, noticed within a day, because heartbeats are recorded daily",
		},
		{"a session that ended an hour ago is contact", func(r *policy.Rules) { r.Silent = 2 * day }, workstation.with("TS", "@-30d", "D01F18", "@-1h"), "", ""},
		{"nothing ever heard is not silence", func(r *policy.Rules) { r.Silent = 2 * day }, cols{"AN": "x", "AT": "1", "OT": "2", "CD": "@-1h"}, "", ""},
		{
			"a workstation silent for 44 days", func(r *policy.Rules) { r.Silent = 14 * day },
			workstation.with("TS", "@-44d", "D01F09", "@-44d", "D01F18", "@-44d", "TL", "@-44d"),
			"stale D01 Last good backup is too old; silent D09 No contact", "stale = 3d",
		},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			e := newDevice(rules(1, 1)).with(c.rules).sees(c.device).Event
			require.Equal(t, c.want, picture(e.GetConditions()))
			if c.rule != "" {
				require.Equal(t, c.rule, e.GetConditions()[0].GetFindings()[0].GetRule())
			}
		})
	}
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

func TestNotStartedIsAFailureWhenItLasts(t *testing.T) {
	for _, status := range []string{"7", "12"} {
		d := newDevice(rules(1, 1)).with(func(r *policy.Rules) { r.Persist = 12 * hour; r.Stale = 9 * day })
		waiting := server.with("D01F00", status)
		d.sees(server)
		d.passes(hour).sees(waiting)
		d.passes(11 * hour).sees(waiting.with("D02F09", "@-1h"))
		d.passes(hour).sweeps()
		require.Empty(t, d.told(), "12 h, and no longer")
		d.passes(time.Minute).sweeps()
		name := map[string]string{"7": "Not started", "12": "Restarted"}[status]
		require.Equal(t, []string{"2345678-1 r1 failed: failed D01 " + name}, d.told())
		require.Equal(t, "persist = 12h", d.events[0].GetConditions()[0].GetFindings()[0].GetRule())
		require.Equal(t, "D01F00="+status, raw(d.events[0].GetConditions()[0].GetFindings()[0].GetEvidence()))

		d.sees(server.with(running...))
		require.Equal(t, "2345678-1 r2 resolved: recovered", d.told()[1], "it runs, and the one before it was good")
		d.sees(waiting)
		d.passes(2 * hour).sees(waiting)
		require.Len(t, d.told(), 2, "counting begins anew")
	}
}

func TestNoBackupFreeOfErrors(t *testing.T) {
	judged := func(r *policy.Rules) {
		r.NoErrorFree = 7 * day
		r.Off = map[incidentv1.ConditionKind]bool{incidentv1.ConditionKind_CONDITION_KIND_ERRORS: true}
	}
	const missing = "2345678-1 r1 failed: no_error_free D01 No backup without errors"
	faulty := server.with("D01F00", "8", "D01F06", "3", "D01F17", "8")
	for _, c := range []struct {
		sentence string
		then     cols // each day for 8 days
		want     []string
	}{
		{"backups without errors", server, []string{}},
		{"completed with errors each day", faulty, []string{missing}},
		{"errors counted behind Completed each day", server.with("D01F06", "3"), []string{missing}},
		{"errors counted on the device only", server.with("T7", "62"), []string{"2345678-1 r1 failed: no_error_free D09 No backup without errors"}},
		{"a session that is seen to run leaves it open", server.with(running...), []string{}},
		{"no backup at all is the business of others", server.with("D01F09", unix(noon.Add(-2*hour)), "D01F00", "2", "D01F17", "2"), []string{"2345678-1 r1 failed: failed D01 Failed"}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(1, 1)).with(judged).with(func(r *policy.Rules) { r.Stale = 99 * day })
			d.sees(server)
			for range 8 {
				d.passes(day).sees(c.then)
			}
			require.Equal(t, c.want, d.told())
		})
	}

	d := newDevice(rules(1, 1)).with(judged)
	d.sees(faulty)
	d.passes(7 * day).sees(faulty)
	require.Empty(t, d.told(), "without memory the time runs from when it was first seen")
	d.passes(hour).sees(faulty)
	require.Equal(t, []string{missing}, d.told())
	require.Equal(t, "noErrorFree = 7d", d.events[0].GetConditions()[0].GetFindings()[0].GetRule())
	require.Equal(t, "D01F00=8 D01F06=3", raw(d.events[0].GetConditions()[0].GetFindings()[0].GetEvidence()))
	d.passes(hour).sees(faulty.with("D01F00", "2"))
	require.Equal(t, "2345678-1 r2 changed: failed D01 Failed; no_error_free D01 No backup without errors", d.told()[1], "a failure brings none")
	d.passes(hour).sees(server)
	require.Equal(t, "2345678-1 r3 resolved: recovered", d.told()[2])

	d = newDevice(rules(1, 1)).with(judged)
	for range 8 {
		d.sees(m365.with("T7", "62"))
		d.passes(hour).sees(m365.with("T7", "0", "D19F00", "1"))
		d.passes(23 * hour)
	}
	d.sees(m365.with("T7", "62"))
	require.Equal(t, []string{"2345678-1 r1 failed: no_error_free D09 No backup without errors"}, d.told(), "a count that begins anew while a session runs is none")
}

func TestTheLadderOfAges(t *testing.T) {
	ladder := func(r *policy.Rules) {
		r.Silent = 14 * day
		r.Ladder = []policy.Step{
			{After: 7 * day, Severity: incidentv1.Severity_SEVERITY_WARNING},
			{After: 14 * day, Severity: incidentv1.Severity_SEVERITY_ALERT},
			{After: 30 * day, Severity: incidentv1.Severity_SEVERITY_CRITICAL},
		}
	}
	const last = "stale D01 Last good backup is too old, D02 Last good backup is too old"

	t.Run("an incident climbs as its last good backup ages, and each step is told once", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(ladder)
		d.sees(server)
		for range 32 * 4 {
			d.passes(6 * hour).sweeps()
		}
		require.Equal(t, []string{
			"2345678-1 r1 failed: " + last,
			"2345678-1 r2 changed, warning: " + last,
			"2345678-1 r3 changed, alert: " + last,
			"2345678-1 r4 changed, alert: " + last + "; silent D09 No contact",
			"2345678-1 r5 changed, critical: " + last + "; silent D09 No contact",
		}, d.told())
		require.Equal(t, noon.Add(7*day), d.events[1].GetOccurredAt().AsTime())
		d.sees(server)
		require.Equal(t, "2345678-1 r6 resolved, critical: recovered", d.told()[5])
	})

	t.Run("a device found silent for 44 days begins on the highest step", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(ladder)
		d.sees(workstation.with("TS", "@-44d", "TL", "@-44d", "D01F09", "@-44d", "D01F18", "@-44d"))
		require.Equal(t, []string{"2345678-1 r1 failed, critical: stale D01 Last good backup is too old; silent D09 No contact"}, d.told())
	})

	t.Run("the oldest data source counts, and the incident steps down when it recovers", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(ladder)
		d.sees(server.with("D01F09", "@-31d", "D02F09", "@-8d"))
		d.sees(server.with("D02F09", "@-8d"))
		require.Equal(t, []string{
			"2345678-1 r1 failed, critical: " + last, "2345678-1 r2 changed, warning: stale D02 Last good backup is too old",
		}, d.told())
	})

	t.Run("errors age from the first sweep that saw them, for their backups are fresh", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(ladder)
		for range 8 {
			d.sees(m365.with("T7", "62"))
			d.passes(day)
		}
		require.Equal(t, []string{"2345678-1 r1 failed: errors D09 62 errors", "2345678-1 r2 changed, warning: errors D09 62 errors"}, d.told())
	})

	t.Run("what never had a backup ages from its creation", func(t *testing.T) {
		d := newDevice(rules(1, 1)).with(ladder)
		d.sees(cols{"AN": "x", "AT": "1", "OT": "2", "CD": "@-15d"})
		require.Equal(t, []string{"2345678-1 r1 failed, alert: never D09 Never backed up"}, d.told())
	})

	t.Run("what is on its way in does not count yet", func(t *testing.T) {
		d := newDevice(rules(2, 1)).with(ladder)
		d.sees(server.with("D01F00", "2"))
		d.sees(server.with("D01F00", "2", "D02F00", "2", "D02F09", "@-31d"))
		require.Equal(t, []string{"2345678-1 r1 failed: failed D01 Failed"}, d.told())
	})

	for _, c := range []struct {
		sentence string
		rules    func(r *policy.Rules)
		device   cols
		want     string
	}{
		{
			"silence ages from the last contact", func(r *policy.Rules) { r.Stale = 99 * day },
			workstation.with("TS", "@-31d", "TL", "@-40d", "D01F09", "@-40d", "D01F18", "@-40d"), "failed, critical: silent D09 No contact",
		},
		{
			"a data source that never had a backup ages from when it was seen", func(r *policy.Rules) { r.StaleSource = map[string]time.Duration{"D02": 7 * day, "D01": 99 * day} },
			server.with("CD", "@-15d", "D02F09", "", "D02F00", "", "D02F17", ""), "failed, alert: stale D02 No good backup on record",
		},
		{
			"missing backups without errors age from the last one", func(r *policy.Rules) {
				r.NoErrorFree, r.Off = 7*day, map[incidentv1.ConditionKind]bool{errorsKind: true}
			},
			server.with("CD", "@-15d", "D02F00", "8"), "failed, alert: no_error_free D02 No backup without errors",
		},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(1, 1)).with(ladder).with(c.rules)
			d.receives(1, c.device)
			d.state.FirstSeenAt = timestamppb.New(noon.Add(-90 * day))
			for _, seen := range d.state.GetSourcesSeen() {
				seen.At = d.state.GetFirstSeenAt()
			}
			d.sweeps()
			require.Equal(t, []string{"2345678-1 r1 " + c.want}, d.told())
		})
	}

	t.Run("what is on its way out ages no more", func(t *testing.T) {
		d := newDevice(rules(1, 2)).with(ladder)
		d.sees(server.with("D01F00", "2", "D01F09", "@-6d23h"))
		d.sees(server.with("D01F09", "@-6d23h", "D02F00", "2"))
		d.passes(2 * hour).sees(server.with("D01F09", "@-1h", "D02F00", "2"))
		for _, e := range d.events {
			require.Equal(t, incidentv1.Severity_SEVERITY_UNSPECIFIED, e.GetSeverity())
		}
	})
}

func TestAnEventSaysWhyAndHowUrgent(t *testing.T) {
	d := newDevice(rules(1, 1)).with(func(r *policy.Rules) {
		r.Urgency = incidentv1.Urgency_URGENCY_CRITICAL
		r.Tags = []string{"vip"}
		r.StaleSource = map[string]time.Duration{"D02": 3 * day}
		r.Origins = map[string]policy.Origin{
			"conditions.failed": {Level: "system", Value: "on"},
			"stale":             {Level: "tenant", Value: "24h"},
			"stale.D02":         {Level: "device", Rule: "SQL servers", Value: "3d"},
		}
	})
	d.errors = []*statusv1.SourceErrors{{SourceCode: "D01", Unavailable: "node unreachable"}}
	e := d.sees(server.with("D01F00", "2", "D01F09", "@-2d", "D02F09", "@-4d")).Event
	require.Equal(t, incidentv1.Scope_SCOPE_DEVICE, e.GetScope())
	require.Equal(t, incidentv1.Urgency_URGENCY_CRITICAL, e.GetUrgency())
	require.Equal(t, []string{"vip"}, e.GetTags())
	require.Equal(t, "p1", e.GetPolicyVersion())
	var why []string
	for _, c := range e.GetConditions() {
		for _, f := range c.GetFindings() {
			why = append(why, f.GetRule())
			require.NotEmpty(t, f.GetEvidence())
		}
	}
	require.Equal(t, []string{"conditions.failed = on (system)", "stale = 24h (tenant)", "stale.D02 = 3d (device: SQL servers)"}, why)
}
