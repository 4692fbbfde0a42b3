package judge_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant/expression"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

func off(kinds ...incidentv1.ConditionKind) func(r *policy.Rules) {
	return func(r *policy.Rules) {
		r.Off = map[incidentv1.ConditionKind]bool{}
		for _, kind := range kinds {
			r.Off[kind] = true
		}
	}
}

func ignore(sources ...string) func(r *policy.Rules) {
	return func(r *policy.Rules) {
		r.IgnoreSources = map[string]bool{}
		for _, source := range sources {
			r.IgnoreSources[source] = true
		}
	}
}

const (
	failedKind = incidentv1.ConditionKind_CONDITION_KIND_FAILED
	errorsKind = incidentv1.ConditionKind_CONDITION_KIND_ERRORS
	staleKind  = incidentv1.ConditionKind_CONDITION_KIND_STALE
	neverKind  = incidentv1.ConditionKind_CONDITION_KIND_NEVER
)

func TestWhatPolicyDoesNotJudge(t *testing.T) {
	for _, c := range []struct {
		sentence string
		rules    func(r *policy.Rules)
		device   cols
		want     string
		outcome  judge.Outcome
		reason   string
	}{
		{"a condition that is off", off(failedKind), server.with(broken...), "", judge.Healthy, ""},
		{"the others are judged", off(failedKind), server.with(broken...).with("D01F09", "@-2d"), "stale D01 Last good backup is too old", judge.InTrouble, ""},
		{"a failure that is off still accounts for the device's errors", off(failedKind), server.with(broken...), "", judge.Healthy, ""},
		{"a data source that is ignored", ignore("D01"), server.with(broken...).with("D01F09", "@-9d"), "", judge.Healthy, ""},
		{"its errors are not the device's", ignore("D01"), server.with("T7", "3", "D01F06", "3"), "", judge.Healthy, ""},
		{"but further ones are", ignore("D02"), m365.with("T7", "62", "I78", "D19D20D02", "D02F00", "5", "D02F06", "2"), "errors D09 60 errors", judge.InTrouble, ""},
		{"every data source ignored is no health", ignore("D01", "D02"), server.with(broken...), "", judge.Excluded, "every data source ignored"},
		{"never is off, so a device without a backup is nothing to be sure of", off(neverKind), cols{"AN": "x", "AT": "1", "OT": "2", "CD": "@-9d"}, "", judge.Unknown, "no good backup on record"},
		{"a data source that is ignored is not quoted", ignore("D02"), m365.with("T7", "3", "I78", "D19D02", "D02F00", "8"), "errors D09 3 errors", judge.InTrouble, ""},
		{"policy excludes the device", func(r *policy.Rules) { r.Excluded = "test laboratory" }, server.with(broken...), "", judge.Excluded, "test laboratory"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(1, 1)).with(c.rules)
			d.errors = []*statusv1.SourceErrors{{SourceCode: "D02", Errors: []*statusv1.SessionError{{Text: "disk full"}}}}
			decision := d.sees(c.device)
			require.Equal(t, c.want, picture(decision.Event.GetConditions()))
			for _, condition := range decision.Event.GetConditions() {
				require.Empty(t, condition.GetFindings()[0].GetErrors())
			}
			require.Equal(t, c.outcome, decision.Outcome)
			require.Equal(t, c.reason, decision.Reason)
		})
	}
}

func TestAConditionThatIsSwitchedOffExplainsNothing(t *testing.T) {
	d := newDevice(rules(1, 1)).with(func(r *policy.Rules) { r.NoErrorFree = 3 * day; r.Stale = 99 * day })
	d.sees(server.with(broken...).with("T7", "62"))
	unclear := server.with("I78", "D01", "D01F00", "", "D01F17", "", "T7", "62")
	d.passes(4 * day).sees(unclear)
	require.Equal(t, []string{opened}, d.told(), "the failure whose end is not known accounts for the errors")
	d.with(off(failedKind)).sweeps()
	require.Equal(t, opened, d.told()[0])
	told := d.told()
	d.sweeps()
	require.Equal(t, told, d.told(), "what is off has left in the first sweep already")
}

func TestWhatIsSwitchedOffIsNoRecovery(t *testing.T) {
	d := newDevice(rules(1, 3))
	d.sees(server.with(broken...))
	d.with(off(failedKind)).sweeps()
	require.Equal(t, []string{opened, "2345678-1 r2 resolved: excluded"}, d.told())
	require.Equal(t, "not judged any more: failed of Files and Folders", d.events[1].GetReason())
	require.Empty(t, d.state.GetTracks())

	d = newDevice(rules(1, 1))
	d.sees(server.with(broken...).with("D02F00", "8"))
	d.with(ignore("D02")).sweeps()
	d.sees(server)
	require.Equal(t, []string{
		"2345678-1 r1 failed: failed D01 Failed; errors D02 Completed with errors",
		"2345678-1 r2 changed: failed D01 Failed",
		"2345678-1 r3 resolved: recovered",
	}, d.told())
	require.Empty(t, d.events[2].GetReason())

	d = newDevice(rules(1, 1))
	d.sees(server.with(broken...))
	d.with(func(r *policy.Rules) { r.Excluded = "test laboratory" }).sweeps()
	require.Equal(t, []string{opened, "2345678-1 r2 resolved: excluded"}, d.told())
	require.Equal(t, "test laboratory", d.events[1].GetReason())
}

// soft expects errors about soft-deleted mailboxes on Exchange.
type soft struct{}

func (soft) Expects(source string, e *statusv1.SessionError) bool {
	return source == "D19" && e.GetText() == "mailbox soft-deleted"
}

func TestErrorsThatAreExpected(t *testing.T) {
	gone := &statusv1.SessionError{Text: "mailbox soft-deleted", Item: "j.doe@acme.example", Count: 1}
	denied := &statusv1.SessionError{Text: "access denied", Count: 1}
	session := func(total int64, all ...*statusv1.SessionError) []*statusv1.SourceErrors {
		return []*statusv1.SourceErrors{{SourceCode: "D19", SessionId: "7", ErrorsTotal: total, Errors: all}}
	}
	exchange := m365.with("T0", "8", "T7", "1", "D19F00", "8", "D19F06", "1", "D19F17", "8")
	for _, c := range []struct {
		sentence string
		device   cols
		errors   []*statusv1.SourceErrors
		want     string
	}{
		{"the only error is expected", exchange, session(1, gone), ""},
		{"so it is when only the device counts it", m365.with("T7", "1"), session(1, gone), ""},
		{"another error beside it is not", exchange.with("D19F06", "2"), session(2, gone, denied), "errors D19 2 errors"},
		{"one more is counted than is known", exchange.with("D19F06", "2", "T7", "2"), session(1, gone), "errors D19 2 errors"},
		{"the session has more than are listed", exchange, session(5, gone), "errors D19 1 error"},
		{"nothing is known of the errors", exchange, nil, "errors D19 1 error"},
		{"that there are errors is all that is known", exchange.with("D19F06", "0", "T7", "0"), nil, "errors D19 Completed with errors"},
		{
			"those of another data source could not be fetched", m365.with("T7", "1"),
			append(session(1, gone), &statusv1.SourceErrors{SourceCode: "D20", Unavailable: "node unreachable"}), "errors D09 1 error",
		},
		{"they could not be fetched", exchange, []*statusv1.SourceErrors{{SourceCode: "D19", Unavailable: "node unreachable"}}, "errors D19 1 error"},
		{"they are expected of another data source", m365.with("T7", "1", "D20F00", "8", "D20F06", "1"), []*statusv1.SourceErrors{{SourceCode: "D20", ErrorsTotal: 1, Errors: []*statusv1.SessionError{gone}}}, "errors D20 1 error"},
		{"a failure is one whatever its errors", exchange.with("D19F00", "2"), session(1, gone), "failed D19 Failed"},
		{"a data source with an expected error does not hide the device's other errors", exchange.with("T7", "9"), session(1, gone), "errors D09 9 errors"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := newDevice(rules(1, 1)).with(func(r *policy.Rules) { r.Expected = []policy.ExpectedError{soft{}} })
			d.errors = c.errors
			require.Equal(t, c.want, picture(d.sees(c.device).Event.GetConditions()))
		})
	}
}

// condition is a custom condition by an expression.
type condition struct {
	name string
	*expression.Expression
}

func (c condition) Name() string { return c.name }

func (c condition) When() string { return c.String() }

func conditionsOf(t *testing.T, texts map[string]string) func(r *policy.Rules) {
	t.Helper()
	return func(r *policy.Rules) {
		for _, name := range []string{"a", "b", "full"} {
			if text, given := texts[name]; given {
				compiled, err := expression.Compile(text)
				require.NoError(t, err)
				r.Custom = append(r.Custom, condition{name, compiled})
			}
		}
	}
}

func TestCustomConditions(t *testing.T) {
	d := newDevice(rules(1, 1)).with(conditionsOf(t, map[string]string{
		"a": `class == "server" and errors == 0 and any(sources, .code == "D02" and .successHours > 2)`,
		"b": `successHours > 3`,
	}))
	d.sees(server)
	d.passes(2 * hour).sweeps()
	require.Equal(t, []string{"2345678-1 r1 failed: custom D09 a", "2345678-1 r2 changed: custom D09 a, D09 b"}, d.told())
	require.Contains(t, d.events[0].GetConditions()[0].GetFindings()[0].GetRule(), `customConditions = a: class == "server"`)
	d.sees(server.with("D02F09", "@-1h"))
	require.Equal(t, "2345678-1 r3 resolved: recovered", d.told()[2])

	d.sees(server)
	d.with(func(r *policy.Rules) { r.Custom = nil }).sweeps()
	require.Equal(t, "2345678-2 r2 resolved: excluded", d.told()[4])
	require.Equal(t, "not judged any more: a of All data sources", d.events[4].GetReason())
}

func TestACustomConditionSaysByWhichExpressionAndValues(t *testing.T) {
	d := newDevice(rules(1, 1)).with(conditionsOf(t, map[string]string{"full": `errors > 5 && contactHours < 9`}))
	f := d.sees(server.with("T7", "7", "D01F06", "7")).Event.GetConditions()[1].GetFindings()[0]
	require.Contains(t, f.GetRule(), "full: errors > 5 && contactHours < 9")
	require.Equal(t, []string{"TS", "T7"}, []string{f.GetEvidence()[0].GetCode(), f.GetEvidence()[1].GetCode()})
}

func TestACustomConditionThatNeedsWhatIsNotKnownIsUnknown(t *testing.T) {
	d := newDevice(rules(1, 1)).with(conditionsOf(t, map[string]string{"full": `errors > 5`}))
	decision := d.sees(server.with("T7", ""))
	require.Equal(t, judge.Unknown, decision.Outcome)
	require.Equal(t, "condition full cannot be judged", decision.Reason)
	d.sees(server.with("T7", "7", "D01F00", "2", "D01F06", "7"))
	d.sees(server.with("T7", ""))
	require.Equal(t, []string{"2345678-1 r1 failed: failed D01 Failed; custom D09 full", "2345678-1 r2 changed: custom D09 full"}, d.told())
}

// facts keeps what an expression is given.
type facts struct{ given map[string]any }

func (*facts) Name() string { return "facts" }

func (*facts) When() string { return "false" }

func (f *facts) Holds(given map[string]any) (bool, error) {
	f.given = given
	return false, errors.New("only looks")
}

func TestEveryFactIsGiven(t *testing.T) {
	looks := &facts{}
	d := newDevice(rules(1, 1)).with(func(r *policy.Rules) { r.Custom = []policy.CustomCondition{looks} })
	d.sees(server.with(running...).with("D01F15", "@-3h", "D01F18", "@-20h", "D01F03", "5000000000"))
	for _, f := range expression.Facts() {
		require.Contains(t, looks.given, f.Name)
	}
	require.Len(t, looks.given, len(expression.Facts()))
	files := looks.given["sources"].([]expression.Source)[0]
	three, five, two := 3.0, 5.0, 2.0
	zero := 0.0
	require.Equal(t, expression.Source{
		Code: "D01", Name: "Files and Folders", Status: "In process", Finished: "Completed",
		Errors: &zero, SuccessHours: &two, RunningHours: &three, SelectedGB: &five,
	}, files)

	d.sees(server.with(running...).with("D01F15", ""))
	require.Nil(t, looks.given["sources"].([]expression.Source)[0].RunningHours, "nobody knows since when")
	d.sees(cols{"AT": "1"})
	for _, name := range []string{"createdHours", "contactHours", "successHours", "errors", "sources"} {
		require.NotContains(t, looks.given, name, "not known")
	}
}
