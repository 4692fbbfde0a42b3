package connectwise

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
)

// gate lets the requests of one client pass at its pace, and none while the server asked for patience.
type gate struct {
	clock   clock.Clock
	limiter *rate.Limiter

	mu    sync.Mutex
	until time.Time // end of the pause
}

// pass waits for this request's turn. Its errors carry a class and prove that nothing was sent: RateLimited
// when the pause outlasts the context, Transient when the turn does or the context ends.
func (g *gate) pass(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return errclass.New(errclass.Transient, "", err)
		}
		for wait := g.pause(); wait > 0; wait = g.pause() {
			if endsWithin(ctx, wait) {
				return &errclass.Error{
					Class: errclass.RateLimited, RetryAfter: wait,
					Err: fmt.Errorf("the server asked to wait another %s", wait.Round(time.Second)),
				}
			}
			if err := g.clock.Sleep(ctx, wait); err != nil {
				return errclass.New(errclass.Transient, "", err)
			}
		}
		if err := g.turn(ctx); err != nil {
			return err
		}
		// A 429 may have arrived while this request waited for its turn.
		if g.pause() <= 0 {
			return nil
		}
	}
}

func (g *gate) turn(ctx context.Context) error {
	now := g.clock.Now()
	turn := g.limiter.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	if endsWithin(ctx, wait) {
		turn.CancelAt(now)
		return &errclass.Error{Class: errclass.Transient, RetryAfter: wait, Err: errors.New("no turn within the time allowed")}
	}
	if err := g.clock.Sleep(ctx, wait); err != nil {
		turn.CancelAt(g.clock.Now())
		return errclass.New(errclass.Transient, "", err)
	}
	return nil
}

// pause returns how long it still lasts.
func (g *gate) pause() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until.Sub(g.clock.Now())
}

// hold lets nothing pass for d from now; it never shortens a pause.
func (g *gate) hold(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.clock.Now().Add(d); until.After(g.until) {
		g.until = until
	}
}

// endsWithin compares on the machine's clock, for that is the one of deadlines, whatever clock the client lives in.
func endsWithin(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && deadline.Before(clock.System().Now().Add(d))
}

// backlog returns how long a request would wait for its turn now, without taking one.
func (g *gate) backlog() time.Duration {
	now := g.clock.Now()
	turn := g.limiter.ReserveN(now, 1)
	defer turn.CancelAt(now)
	return max(turn.DelayFrom(now), g.pause())
}
