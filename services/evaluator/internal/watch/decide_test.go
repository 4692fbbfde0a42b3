package watch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/watch"
)

const quarter = 15 * time.Minute

var (
	noon   = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	limits = watch.Limits{After: 3, Interval: quarter, PolicyVersion: "p1"}
)

func at(quarters float64) *timestamppb.Timestamp {
	return timestamppb.New(noon.Add(time.Duration(quarters * float64(quarter))))
}

// history plays messages: each is a letter and the quarter of an hour at which it is observed: C complete, I incomplete
// (transient), A incomplete (auth_tenant), O overdue. It returns the kinds of the events with their quarter.
func history(t *testing.T, limits watch.Limits, messages string) (told []string, state *incidentv1.TenantState) {
	t.Helper()
	for i, message := range strings.Fields(messages) {
		quarters, err := time.ParseDuration(message[1:] + "s")
		require.NoError(t, err)
		when := at(quarters.Seconds())
		s := &statusv1.SweepCompleted{Tenant: "harbor", Sweep: uint64(i + 1), ObservedAt: when, Complete: message[0] == 'C'}
		before := proto.CloneOf(state)
		given := state
		var changed bool
		switch message[0] {
		case 'O':
			state, changed = watch.Overdue(state, &statusv1.SweepOverdue{Tenant: "harbor", ObservedAt: when}, limits)
		case 'I':
			s.FailureClass, s.Failure = "transient", "page 2 is missing"
			state, changed = watch.Swept(state, s, limits)
		case 'A':
			s.FailureClass, s.Failure = "auth_tenant", "login refused"
			state, changed = watch.Swept(state, s, limits)
		default:
			state, changed = watch.Swept(state, s, limits)
		}
		require.True(t, proto.Equal(before, given), "arguments are not changed")
		require.Equal(t, changed, !proto.Equal(before, state), message)
		if e := watch.Decided(state, when); e != nil && changed {
			told = append(told, strings.ToLower(e.GetKind().String()[len("EVENT_KIND_"):])+" "+message[1:])
		}
	}
	return told, state
}

func TestWhenATenantCountsAsNotSwept(t *testing.T) {
	for _, c := range []struct {
		sentence, messages string
		told               []string
	}{
		{"complete sweeps are well", "C0 C1 C2 C9", nil},
		{"two incomplete sweeps are not enough", "C0 I1 I2 C3", nil},
		{"the third opens, the next complete one closes", "C0 I1 I2 I3 I4 C5", []string{"failed 3", "resolved 5"}},
		{"a new tenant counts from its first message", "I0 I1 I2 C3", []string{"failed 2", "resolved 3"}},
		{"three that a person ordered within a minute are no outage", "C0 I0.1 I0.2 I0.3 C1", nil},
		{"the first sweep in hours that fails is one failure", "C0 I16 C16.1", nil},
		{"another class of cause is a change, the same one again is not", "C0 I1 I2 I3 A4 A5 I6 C7", []string{"failed 3", "changed 4", "changed 6", "resolved 7"}},
		{"silence opens", "C0 O3 C4", []string{"failed 3", "resolved 4"}},
		{"silence is told once", "C0 O3 O4 O5 C6", []string{"failed 3", "resolved 6"}},
		{"silence of a tenant that was never heard of", "O0 C1", []string{"failed 0", "resolved 1"}},
		{"a poller that comes back with failures gives the cause", "C0 O3 A4 C5", []string{"failed 3", "changed 4", "resolved 5"}},
		{"an overdue message that comes after the sweep is late", "C0 C3 O3 O4", nil},
		{"an overdue message from before the end is late", "C0 O3 C4 O3.5 C5", []string{"failed 3", "resolved 4"}},
		{"it opens anew", "C0 I1 I2 I3 C4 I5 I6 I7 C8", []string{"failed 3", "resolved 4", "failed 7", "resolved 8"}},
	} {
		told, _ := history(t, limits, c.messages)
		require.Equal(t, c.told, told, c.sentence)
	}
	told, _ := history(t, watch.Limits{Interval: quarter}, "C0 I1 I2 I3 I4 O9")
	require.Empty(t, told, "0 means never")
	told, _ = history(t, watch.Limits{After: 3, Interval: 10 * time.Second}, "C0 I0.01 I0.02 I0.03 I0.1 I0.2 I0.3 C1")
	require.Equal(t, []string{"failed 0.3", "resolved 1"}, told, "an interval of seconds counts as two minutes")
}

func TestARepeatedSweepChangesNothingAndItsEventIsFoundAgain(t *testing.T) {
	_, state := history(t, limits, "C0 I1 I2 I3")
	again, changed := watch.Swept(state, &statusv1.SweepCompleted{Tenant: "harbor", Sweep: 4, ObservedAt: at(3)}, limits)
	require.False(t, changed)
	require.Same(t, state.GetOpen(), watch.Decided(again, at(3)))
	require.Nil(t, watch.Decided(again, at(2)), "the sweep before has decided nothing")
}

func TestWhatTheEventSays(t *testing.T) {
	_, state := history(t, limits, "C0 I1 I2 A3")
	e := state.GetOpen()
	require.Equal(t, "tenant", e.GetDeviceId())
	require.Equal(t, "tenant-1", e.GetIncidentId())
	require.Equal(t, incidentv1.Scope_SCOPE_TENANT, e.GetScope())
	require.EqualValues(t, 4, e.GetSweep())
	require.Equal(t, "p1", e.GetPolicyVersion())
	require.Equal(t, noon, e.GetLastCompleteSweepAt().AsTime())
	require.Len(t, e.GetConditions(), 1)
	require.Equal(t, incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT, e.GetConditions()[0].GetKind())
	f := e.GetConditions()[0].GetFindings()[0]
	require.Equal(t, "notSweptAfter = 3 intervals of 15m0s", f.GetRule())
	require.Equal(t, noon, f.GetLastSuccessAt().AsTime())
	require.True(t, proto.Equal(&statusv1.SessionError{Text: "login refused", Count: 3, Code: "auth_tenant"}, f.GetErrors()[0]))
}
