package judge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/services/evaluator/internal/decode"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// BenchmarkUnchanged is the cost of one decision on a device that is as it was, decoding included.
func BenchmarkUnchanged(b *testing.B) {
	for name, c := range map[string]cols{"healthy": m365, "in trouble": m365.with("T7", "62", "D19F00", "2")} {
		b.Run(name, func(b *testing.B) {
			d := newDevice(policy(1, 1))
			d.sees(c)
			for b.Loop() {
				decision := judge.Decide(d.policy, d.state, decode.Observe(d.state.GetSnapshot(), d.now), judge.Sweep{Number: 2, At: d.now})
				require.False(b, decision.Changed)
			}
		})
	}
}
