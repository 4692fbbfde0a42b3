package cli

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
)

func TestWhyNamesFailuresThatAreNoFailedBackup(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		"Failed": "failed (System State)", "Over quota": "failed (System State: over quota)", "No selection": "failed (System State: no selection)",
		"Interrupted": "failed (System State: interrupted)", "Completed": "failed (System State)",
	} {
		d := evaluator.DeviceStanding{Device: &incidentv1.Device{Sources: []*incidentv1.SourceStatus{{Code: "D02", Name: "System State", Status: status}}}}
		d.Conditions = slices.Grow(d.Conditions, 1)[:1]
		d.Conditions[0].Kind, d.Conditions[0].Sources = "failed", []string{"System State"}
		require.Equal(t, want, why(d))
		require.Equal(t, []string{"failed (System State)"}, conditionTexts(d), "the column of conditions is a promise to programs")
	}
}
