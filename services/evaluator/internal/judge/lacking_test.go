package judge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant/expression"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

func without(c cols, codes []string) cols {
	for _, code := range codes {
		c = c.with(code, "")
	}
	return c
}

// What a sweep was refused is no news of any device: an incident that it would have kept open stays open, and one that it
// would have opened is not.
func TestAColumnThatIsRefusedClosesNothing(t *testing.T) {
	young := cols{"AN": "new", "AT": "1", "OT": "2", "I78": "D01", "CD": "@-4d", "T0": "2", "T7": "0", "TS": "@-1h", "D01F00": "2", "D01F17": "2"}
	for _, c := range []struct {
		sentence string
		rules    func(r *policy.Rules)
		device   cols
		picture  string
		refused  []string
	}{
		{"the last good backup of a data source", nil, server.with("D01F09", "@-20d", "TL", "@-20d", "D02F09", "@-2h"), "stale D01 Last good backup is too old", []string{"D01F09"}},
		{
			"the last good backup of a data source whose total stays", nil, workstation.with("D01F09", "@-20d", "TL", "@-20d"),
			"stale D01 Last good backup is too old",
			[]string{"D01F09"},
		},
		{
			"the total that alone told of a good backup", func(r *policy.Rules) { r.Stale = 3 * day }, workstation.with("D01F09", "", "D01F00", "2", "D01F17", "2", "TL", "@-20d"),
			"failed D01 Failed; stale D01 Last good backup is too old",
			[]string{"TL"},
		},
		{"the status of a device over quota", nil, server.with("T0", "10", "D01F00", "10", "D01F17", "5"), "failed D01 Over quota", []string{"D01F00"}},
		{"the status of a device without a selection", nil, server.with("T0", "11", "D01F00", "11", "D01F17", "5"), "failed D01 No selection", []string{"D01F00"}},
		{"the status of the session before the one that runs", nil, server.with("D01F00", "1", "D01F17", "2"), "failed D01 Failed", []string{"D01F17"}},
		{
			"the status of a session that does not end", func(r *policy.Rules) { r.Overrun = 12 * hour }, server.with(running...).with("D01F15", "@-20h", "D01F18", "@-21h"),
			"stale D01 Session does not end",
			[]string{"D01F00"},
		},
		{
			"the start of a session that does not end", func(r *policy.Rules) { r.Overrun = 12 * hour }, server.with(running...).with("D01F15", "@-20h", "D01F18", "@-21h"),
			"stale D01 Session does not end",
			[]string{"D01F15"},
		},
		{"the errors behind a good status", nil, server.with("D01F06", "3", "T7", "3"), "errors D01 3 errors", []string{"D01F06"}},
		{"the errors, and their total", nil, server.with("D01F06", "3", "T7", "3"), "errors D01 3 errors", []string{"D01F06", "T7"}},
		{"the total of errors", nil, server.with("D01F06", "", "T7", "3"), "errors D09 3 errors", []string{"T7"}},
		{
			"the heartbeat", func(r *policy.Rules) { r.Silent, r.Stale = 2*day, 90*day },
			workstation.with("TS", "@-9d", "D01F09", "@-10d", "D01F18", "@-10d", "TL", "@-10d"), "silent D09 No contact",
			[]string{"TS"},
		},
		{"when the device was created", nil, young, "failed D01 Failed; never D09 Never backed up", []string{"CD"}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			change := func(r *policy.Rules) {
				if c.rules != nil {
					c.rules(r)
				}
			}
			d := newDevice(rules(1, 1)).with(change)
			require.Equal(t, c.picture, picture(d.sees(c.device).Event.GetConditions()))
			d.lacking = decode.NewLacking(c.refused, nil)
			for range 3 {
				decision := d.passes(hour).sees(without(c.device, c.refused))
				require.Nil(t, decision.Event)
				require.Equal(t, judge.InTrouble, decision.Outcome, "it has an open incident")
			}
			d.lacking = nil
			require.Nil(t, d.passes(hour).sees(c.device).Event, "the same picture as before")
			require.Len(t, d.events, 1)
		})
	}
}

func TestWithoutAColumnADeviceIsUnknownAndNotHealthy(t *testing.T) {
	long, err := expression.Compile(`os contains "2008"`)
	require.NoError(t, err)
	never := cols{"AN": "new", "AT": "1", "OT": "2", "I78": "D01", "CD": "@-1h", "T0": "0", "T7": "0", "TS": "@-1h"}
	for _, c := range []struct {
		sentence            string
		device              cols
		refused, unanswered []string
		outcome             judge.Outcome
		reason              string
	}{
		{"the last good backup", server, []string{"D01F09"}, nil, judge.Unknown, "not known without column D01F09 (refused)"},
		{"the status", server, []string{"D01F00"}, nil, judge.Unknown, "not known without column D01F00 (refused)"},
		{"the errors", server, []string{"D02F06"}, nil, judge.Unknown, "not known without column D02F06 (refused)"},
		{"the total of errors", server, []string{"T7"}, nil, judge.Unknown, "not known without column T7 (refused)"},
		{"the status, which comes for nobody", server, nil, []string{"D01F00"}, judge.Unknown, "not known without column D01F00 (came for no device)"},
		{
			"several columns, in another spelling", server,
			[]string{"F0", "FL", "D02F00", "SL"},
			nil, judge.Unknown,
			"not known without column D01F00 (refused), column D01F09 (refused), column D02F00 (refused), 1 more",
		},
		{"the text that a condition of the tenant's own looks at", server, []string{"OS"}, nil, judge.Unknown, "not known without column OS (refused)"},
		{"when a device without a backup was created", never, nil, []string{"CD"}, judge.Unknown, "not known without column CD (came for no device)"},
		{"when a device with backups was created", server, []string{"CD"}, nil, judge.Healthy, ""},
		{"the heartbeat of a device that backed up today", server, []string{"TS"}, nil, judge.Healthy, ""},
		{"the totals of status and good backups", server, []string{"T0", "TL"}, nil, judge.Healthy, ""},
		{"a data source that the device has not", server, []string{"D10F00", "D10F09"}, nil, judge.Healthy, ""},
		{"the status before the last, which is over", server, []string{"D01F17"}, nil, judge.Healthy, ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(1, 1)).with(func(r *policy.Rules) {
				r.Silent, r.Overrun = 2*day, 12*hour
				r.Custom = []policy.CustomCondition{condition{"old Windows", long}}
			})
			var codes []string
			for code := range decode.NewLacking(c.refused, c.unanswered) {
				codes = append(codes, code)
			}
			d.lacking = decode.NewLacking(c.refused, c.unanswered)
			decision := d.sees(without(c.device, codes))
			require.Nil(t, decision.Event)
			require.Equal(t, c.reason, decision.Reason)
			require.Equal(t, c.outcome, decision.Outcome)
		})
	}
}

// A backup is not free of errors because nobody said how many it had.
func TestErrorsThatAreNotCountedEndNoTimeWithoutErrorFreeBackups(t *testing.T) {
	failing := server.with("D01F06", "3", "T7", "3")
	d := newDevice(rules(1, 1)).with(func(r *policy.Rules) { r.NoErrorFree = 2 * day })
	d.sees(failing)
	d.passes(3 * day).sees(failing)
	require.Len(t, d.events, 2)
	require.Equal(t, "errors D01 3 errors; no_error_free D01 No backup without errors", picture(d.events[1].GetConditions()))
	d.lacking = decode.NewLacking([]string{"D01F06", "T7"}, nil)
	require.Nil(t, d.passes(hour).sees(failing.with("D01F06", "", "T7", "")).Event)
	d.lacking = nil
	require.Nil(t, d.passes(hour).sees(failing).Event)
}
