package harness

import (
	"context"
	"sync"
	"time"
)

// HandClock stands still until it is moved. WaitCalm moves it from one sweep to the next.
type HandClock struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{}
}

// NewHandClock returns a clock that shows a time.
func NewHandClock(now time.Time) *HandClock { return &HandClock{now: now, moved: make(chan struct{})} }

// Now returns the time that was set last.
func (c *HandClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock and wakes who waited for the time that it shows then.
func (c *HandClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}

// Sleep returns nil once the clock was moved by d, or the context's error if that ends first.
func (c *HandClock) Sleep(ctx context.Context, d time.Duration) error {
	until := c.Now().Add(d)
	for {
		c.mu.Lock()
		now, moved := c.now, c.moved
		c.mu.Unlock()
		if !now.Before(until) {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}
