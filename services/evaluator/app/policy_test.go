package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/services/evaluator/app"
)

func TestATraceSaysWhatIsWantedAndWhatMayBe(t *testing.T) {
	t.Parallel()
	const file = `family: nights
class: server
days: 8
at: 22h
takes: 2h
traces:
  - {name: wanted, sources: {D01: 2c 2f 4c}, want: [3d-5d]}
  - {name: tolerated, sources: {D01: 2c 2f 4c}, may: [4d-5d]}
  - {name: needless, sources: {D01: 2c 2f 4c}, may: [6d-7d]}
  - {name: missed, sources: {D01: 8c}, want: [3d-5d]}
  - {name: unexpected, sources: {D01: 2c 2f 4c}, incidents: []}
  - {name: still open, sources: {D01: 2c 6f}, incidents: [{at: 3d-, says: failed D01}]}
  - {name: too few, sources: {D01: 2c 2f 4c}, incidents: [{at: 3d-5d}, {at: 6d-7d, says: stale D01}]}
`
	policy := tenant.Defaults().Settings().GetPolicy()
	results, err := app.TestPolicy(policy, "nights.yaml", []byte(file))
	require.NoError(t, err)
	came := []string{"3d-5d failed D01"}
	require.Equal(t, []app.TraceResult{
		{Name: "nights, wanted", Got: came},
		{Name: "nights, tolerated", Got: came},
		{Name: "nights, needless", Got: came, Wrong: []string{"3d-5d failed D01 came, and was not wanted"}},
		{Name: "nights, missed", Wrong: []string{"wanted during 3d-5d, and none came"}},
		{Name: "nights, unexpected", Got: came, Wrong: []string{"3d-5d failed D01 came, and was not expected"}},
		{Name: "nights, still open", Got: []string{"3d- failed D01"}},
		{Name: "nights, too few", Got: came, Wrong: []string{"expected 6d-7d stale D01, and it did not come"}},
	}, results)

	_, err = app.TestPolicy(policy, "nights.yaml", []byte("family: x\n"))
	require.EqualError(t, err, "read traces nights.yaml: the file needs a family and at least one of traces")
	policy.Tenant = map[string]string{"stale": "soon"}
	_, err = app.TestPolicy(policy, "nights.yaml", []byte(file))
	require.ErrorContains(t, err, `level "tenant": stale: "soon" is not a duration`)
}

func TestNothingIsInForceForADeviceOfNoClass(t *testing.T) {
	t.Parallel()
	in, err := app.EffectivePolicy(tenant.Defaults().Settings().GetPolicy(), app.Device{Name: "x"}, time.Now())
	require.NoError(t, err)
	require.Empty(t, in.Class)
	for _, v := range in.Values {
		require.NotEqual(t, "stale", v.Key, "ages are those of a class")
	}
}
