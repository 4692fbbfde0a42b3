package judge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

func TestAFindingSaysWhetherItsErrorsAreStillToCome(t *testing.T) {
	for _, c := range []struct {
		sentence string
		device   cols
		errors   []*statusv1.SourceErrors
		awaited  bool
		session  string
	}{
		{"nobody was asked yet", server.with(broken...), nil, true, ""},
		{"another data source was asked about only", server.with(broken...), []*statusv1.SourceErrors{{SourceCode: "D02", SessionId: "5"}}, true, ""},
		{"there is no such session", server.with(broken...), []*statusv1.SourceErrors{{SourceCode: "D01"}}, false, ""},
		{"they cannot be fetched", server.with(broken...), []*statusv1.SourceErrors{{SourceCode: "D01", Unavailable: "node unreachable"}}, false, ""},
		{"the session is found", server.with(broken...), []*statusv1.SourceErrors{{SourceCode: "D01", SessionId: "826"}}, false, "826"},
		{"an old backup is no session's fault", server.with("D01F09", "@-60h"), nil, false, ""},
		{"errors of the device as a whole may be anywhere", m365.with("T7", "62"), nil, false, ""},
		{"the device as a whole has one such session", m365.with("T7", "62"), []*statusv1.SourceErrors{{SourceCode: "D19"}, {SourceCode: "D20", SessionId: "9"}}, false, "9"},
		{"of several none is the one", m365.with("T7", "62"), []*statusv1.SourceErrors{{SourceCode: "D19", SessionId: "8"}, {SourceCode: "D20", SessionId: "9"}}, false, ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(1, 1))
			d.errors = c.errors
			d.sees(c.device)
			require.Len(t, d.events, 1)
			f := d.events[0].GetConditions()[0].GetFindings()[0]
			require.Equal(t, c.awaited, f.GetErrorsAwaited())
			require.Equal(t, c.session, f.GetSessionId())
		})
	}
}

func TestThatNothingIsAwaitedAnyMoreIsNoNews(t *testing.T) {
	d := newDevice(rules(1, 1))
	d.sees(server.with(broken...))
	d.passes(hour / 4)
	d.errors = []*statusv1.SourceErrors{{SourceCode: "D01"}}
	d.sees(server.with(broken...))
	require.Len(t, d.told(), 1)
}

func TestAnEventTellsTheAgesFromWhichDataSourcesAreStale(t *testing.T) {
	limits := func(change func(r *policy.Rules)) []int64 {
		d := newDevice(rules(1, 1)).with(change)
		d.sees(server.with(broken...))
		require.Len(t, d.events, 1)
		var all []int64
		for _, s := range d.events[0].GetDevice().GetSources() {
			all = append(all, s.GetStaleAfterSeconds())
		}
		return all
	}
	require.Equal(t, []int64{86400, 86400}, limits(func(*policy.Rules) {}))
	require.Equal(t, []int64{86400, 0}, limits(func(r *policy.Rules) { r.IgnoreSources = map[string]bool{"D02": true} }), "one that is not judged has none")
	require.Equal(t, []int64{0, 0}, limits(func(r *policy.Rules) {
		r.Off = map[incidentv1.ConditionKind]bool{incidentv1.ConditionKind_CONDITION_KIND_STALE: true}
	}))
}
