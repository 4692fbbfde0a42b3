package connectwise

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

type (
	counterKey struct{}
	dateKey    struct{}
)

// Counting returns a context under which every request that is sent is also counted in n, retries and look-ups of the
// code base included.
func Counting(ctx context.Context, n *atomic.Int64) context.Context {
	return context.WithValue(ctx, counterKey{}, n)
}

// Dating returns a context under which the time of each answer, by the server's clock in whole seconds, is put into at;
// zero for an answer that bears none. Requests under it must not run side by side.
func Dating(ctx context.Context, at *time.Time) context.Context {
	return context.WithValue(ctx, dateKey{}, at)
}

// date tells who wants to know when an answer was given.
func date(ctx context.Context, h http.Header) {
	if at, ok := ctx.Value(dateKey{}).(*time.Time); ok {
		*at, _ = http.ParseTime(h.Get("Date")) // zero when it is missing or no time
	}
}
