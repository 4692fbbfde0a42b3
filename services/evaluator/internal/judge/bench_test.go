package judge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

// BenchmarkUnchanged is what one decision costs on a device that is as it was, as the evaluator makes it for every
// device in every sweep: decoding, asking the default policy and judging, without I/O, on one core.
func BenchmarkUnchanged(b *testing.B) {
	settings := tenant.Defaults().Settings().GetPolicy()
	compiled, err := policy.Compile(settings)
	require.NoError(b, err)
	for name, c := range map[string]cols{"healthy": m365, "in trouble": m365.with("T7", "62", "D19F00", "2")} {
		b.Run(name, func(b *testing.B) {
			d := newDevice(rules(1, 1))
			d.receives(1, c)
			decide := func(number uint64) judge.Decision {
				seen := decode.Observe(d.state.GetSnapshot(), d.now)
				asked := compiled.For(judge.SubjectOf(settings.GetDocumentsProfiles(), seen), d.now)
				return judge.Decide(asked, d.state, seen, judge.Sweep{Number: number, At: d.now})
			}
			for number := range uint64(3) {
				d.apply(decide(number + 1))
			}
			for b.Loop() {
				if decide(9).Changed {
					b.Fatal("the device has changed")
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}
