package connectwise

import (
	"context"
	"sync/atomic"
)

type counterKey struct{}

// Counting returns a context under which every request that is sent is also counted in n, retries and look-ups of the
// code base included.
func Counting(ctx context.Context, n *atomic.Int64) context.Context {
	return context.WithValue(ctx, counterKey{}, n)
}
