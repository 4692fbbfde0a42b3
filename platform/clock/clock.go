// Package clock is the time a service lives in. Services never read the wall clock or sleep on their
// own: they are given a Clock, so that a test can hold time still and a demo can let a day pass in a minute.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits in it.
type Clock interface {
	// Now returns the present time.
	Now() time.Time
	// Sleep returns nil once d has passed on this clock, or the context's error if that ends first.
	Sleep(ctx context.Context, d time.Duration) error
	// SleepUntil returns nil once this clock shows t, or the context's error if that ends first. Waiting for a time
	// read before, and not for a length of it, loses nothing to a clock that moves in between.
	SleepUntil(ctx context.Context, t time.Time) error
}

// System is the machine's wall clock.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, d) }

func (system) SleepUntil(ctx context.Context, t time.Time) error { return sleep(ctx, time.Until(t)) }

// Accelerated is a clock that shows start now and runs factor times as fast as the machine's.
// It moves with the machine's monotonic clock, so a step of the wall clock does not disturb it.
func Accelerated(start time.Time, factor float64) Clock {
	return &running{origin: time.Now(), start: start, factor: factor}
}

type running struct {
	origin, start time.Time
	factor        float64
}

func (c *running) Now() time.Time {
	passed := float64(time.Since(c.origin)) * c.factor
	return c.start.Add(time.Duration(passed))
}

func (c *running) Sleep(ctx context.Context, d time.Duration) error {
	return sleep(ctx, time.Duration(float64(d)/c.factor))
}

func (c *running) SleepUntil(ctx context.Context, t time.Time) error {
	return c.Sleep(ctx, t.Sub(c.Now()))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
