package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

func TestWhatTheLastCompleteSweepSaysOfADevice(t *testing.T) {
	at := timestamppb.New(time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC))
	good := []*incidentv1.SourceSeen{{Code: "D01"}, {Code: "D02", ErrorFreeAt: at}}
	swept := &incidentv1.TenantState{LastCompleteAt: at}
	grouped := &incidentv1.TenantState{LastCompleteAt: at, Groups: []*incidentv1.GroupState{{Open: &incidentv1.Event{DeviceId: "group-9f"}}, {}}}
	type state = incidentv1.DeviceState
	for _, c := range []struct {
		sentence, id string
		state        *state
		whole        *incidentv1.TenantState
		want         plan.Health
	}{
		{"without a sweep nothing is known", "7", nil, nil, plan.HealthUnknown},
		{"... nor with one that was not complete", "7", &state{SourcesSeen: good}, &incidentv1.TenantState{}, plan.HealthUnknown},
		{"a device without conditions is well", "7", &state{SourcesSeen: good}, swept, plan.HealthWell},
		{"... unless it never had a good backup", "7", &state{SourcesSeen: good[:1]}, swept, plan.HealthUnknown},
		{"... or Cove refused to tell", "7", &state{SourcesSeen: good}, &incidentv1.TenantState{LastCompleteAt: at, ColumnsRefused: []string{"T0"}}, plan.HealthUnknown},
		{"... or did not", "7", &state{SourcesSeen: good}, &incidentv1.TenantState{LastCompleteAt: at, ColumnsUnanswered: []string{"T0"}}, plan.HealthUnknown},
		{"one with an incident is not", "7", &state{SourcesSeen: good, Open: &incidentv1.Event{}}, swept, plan.HealthTrouble},
		{"... nor one with a condition on its way in", "7", &state{SourcesSeen: good, Tracks: []*incidentv1.ConditionTrack{{}}}, swept, plan.HealthTrouble},
		{"one that is not listed is gone", "7", &state{SourcesSeen: good, Gone: true}, swept, plan.HealthGone},
		{"... which is not said of one that was never known", "7", nil, swept, plan.HealthAbsent},
		{"one that the policy leaves out is not judged", "7", &state{SourcesSeen: good, Excluded: "trial"}, swept, plan.HealthExcluded},
		{"a group that is open is in trouble", "group-9f", nil, grouped, plan.HealthTrouble},
		{"... and one that is over is well", "group-9f", nil, swept, plan.HealthWell},
		{"the tenant with an incident is in trouble", "tenant", nil, &incidentv1.TenantState{LastCompleteAt: at, Open: &incidentv1.Event{}}, plan.HealthTrouble},
		{"... and well without", "tenant", nil, swept, plan.HealthWell},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, plan.HealthOf(c.id, c.state, c.whole)) })
	}
}
