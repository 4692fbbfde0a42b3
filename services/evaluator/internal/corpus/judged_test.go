package corpus_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

// judged returns what the judge makes of a life under the policy of a tenant that sets the given values and no others.
func judged(t *testing.T, values map[string]string) func(trace.Trace) []ticket {
	t.Helper()
	settings := tenant.Defaults().Settings().GetPolicy()
	settings.Tenant = maps.Clone(settings.GetTenant())
	if settings.Tenant == nil {
		settings.Tenant = map[string]string{}
	}
	maps.Copy(settings.Tenant, values)
	compiled, err := policy.Compile(settings)
	require.NoError(t, err)
	return func(life trace.Trace) []ticket {
		made := []ticket{}
		for _, one := range life.IncidentsOf(trace.Play(life, settings.GetDocumentsProfiles(), compiled.For)) {
			made = append(made, ticket{Interval: one.Interval, Open: one.Open, Notes: one.Changes})
		}
		return made
	}
}

// unsteadied lets each sweep open and close.
var unsteadied = map[string]string{"openAfter": "1", "openFor": "off", "closeAfter": "1", "closeFor": "off", "flap.changes": "0"}

// tried reads the values that are to be measured beside the defaults, "stale.server=36h flap.changes=3".
func tried(t *testing.T, text string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for field := range strings.FieldsSeq(text) {
		key, value, ok := strings.Cut(field, "=")
		require.True(t, ok, "%q is no policy value; write for example stale.server=36h", field)
		values[key] = value
	}
	return values
}
