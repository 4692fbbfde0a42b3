// Package clocktest gives tests a clock that they move by hand. Only tests import it.
package clocktest

import (
	"context"
	"sync"
	"time"
)

// Clock stands still until it is moved. It is a clock.Clock, safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{} // closed and replaced at every move
}

// New returns a clock that shows now.
func New(now time.Time) *Clock { return &Clock{now: now, moved: make(chan struct{})} }

// Now returns the time shown.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock and wakes the sleepers whose time has come. A negative d is a step back.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}

// Sleep returns nil once the clock shows d more than now, or the context's error if that ends first.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	return c.SleepUntil(ctx, c.Now().Add(d))
}

// SleepUntil returns nil once the clock shows t, or the context's error if that ends first.
func (c *Clock) SleepUntil(ctx context.Context, t time.Time) error {
	for {
		c.mu.Lock()
		reached, moved := !c.now.Before(t), c.moved
		c.mu.Unlock()
		if reached {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}
