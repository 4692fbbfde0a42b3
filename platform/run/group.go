// Package run owns the lifecycle of a process: services start in order and stop in reverse, every stop
// is bounded, the first failure stops everything, and signals become a cancelled context.
//
// It does not restart services and knows nothing of what they do.
package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Service is one part of a process. Each function may be nil.
type Service struct {
	// Name stands before every error of the service.
	Name string
	// Start returns once the service is ready for those started after it. When it fails it leaves nothing
	// behind: Stop is not called then. Its context ends when the group is to stop.
	Start func(ctx context.Context) error
	// Run does the service's work, beside the others, from the moment its Start has returned. An error,
	// or a panic, stops the group. Returning nil ends this service only. Its context is its own: it ends
	// when it is this service's turn to stop, while those started before it still run.
	Run func(ctx context.Context) error
	// Stop ends the service. It is called once, after the context of Run has been cancelled and perhaps
	// before Run has returned; Run is waited for afterwards.
	Stop func(ctx context.Context) error
	// StopTimeout bounds Stop and the end of Run together. 0 means Options.StopTimeout.
	StopTimeout time.Duration
}

// Options bound the end of a group. Zero values mean the defaults.
type Options struct {
	// StopTimeout bounds the stop of each service that sets no time-out of its own; default 3 s.
	StopTimeout time.Duration
	// TotalTimeout bounds the stop of all services; default 4500 ms, to end within the 5 s after which
	// people press Ctrl-C again.
	TotalTimeout time.Duration
	// Logger gets a line when a service starts, stops or panics. Nil means none.
	Logger *slog.Logger
}

// Group runs services together, once. Its methods are safe for concurrent use.
type Group struct {
	services []Service
	opts     Options
	done     chan struct{} // closed when Run has returned
	err      error         // of Run; readable once done is closed

	mu     sync.Mutex
	begun  bool
	asked  bool               // Stop was called
	cancel context.CancelFunc // of the running group
	first  error              // the failure that ended the group
}

// New returns a group of services, to be started in this order.
func New(opts Options, services ...Service) *Group {
	if opts.StopTimeout == 0 {
		opts.StopTimeout = 3 * time.Second
	}
	if opts.TotalTimeout == 0 {
		opts.TotalTimeout = 4500 * time.Millisecond
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Group{services: services, opts: opts, done: make(chan struct{})}
}

// ErrBegun is returned by a second call of Run.
var ErrBegun = errors.New("the group has been run already")

// PanicError is a panic of a service.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine that panicked
}

// Error returns the value, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Run starts the services and returns when all have stopped. That happens when ctx ends or Stop is
// called (nil), a Start or Run fails (that error after the service's name), or every Run has returned
// nil (nil). Errors and time-outs of stops are joined to it. A service that does not stop in time is left behind.
func (g *Group) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	g.mu.Lock()
	if g.begun {
		g.mu.Unlock()
		return ErrBegun
	}
	g.begun = true
	g.cancel = cancel
	if g.asked {
		cancel()
	}
	g.mu.Unlock()

	g.err = g.run(ctx)
	close(g.done)
	return g.err
}

// Stop asks the group to stop and waits until Run has returned, whose error it returns, or until ctx
// ends. It may be called any number of times. Before Run it returns nil, and Run will start nothing. A
// service must not call it from its own functions, because Run waits for those.
func (g *Group) Stop(ctx context.Context) error {
	g.mu.Lock()
	g.asked = true
	if g.cancel != nil {
		g.cancel()
	}
	begun := g.begun
	g.mu.Unlock()
	if !begun {
		return nil
	}

	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the group to stop: %w", ctx.Err())
	}
}

// fail records the error that ends the group, unless it is ending already.
func (g *Group) fail(ctx context.Context, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ctx.Err() == nil {
		g.first = err
		g.cancel()
	}
}

func (g *Group) run(ctx context.Context) error {
	var started []*running
	ended := make(chan struct{}, len(g.services)) // one for each Run that has returned
	runs := 0
	for _, s := range g.services {
		if ctx.Err() != nil {
			break
		}
		if err := g.guard(ctx, s.Name, s.Start); err != nil {
			// Once the group is ending, its end is what a Start fails of.
			g.fail(ctx, fmt.Errorf("start %s: %w", s.Name, err))
			break
		}
		g.opts.Logger.Debug("service started", "service", s.Name)
		r := &running{service: s, done: make(chan struct{})}
		started = append(started, r)
		if s.Run == nil {
			close(r.done)
			continue
		}
		runs++
		g.launch(ctx, r, ended)
	}

	for left := runs; left > 0 && ctx.Err() == nil; {
		select {
		case <-ended:
			left--
		case <-ctx.Done():
		}
	}
	if runs == 0 {
		<-ctx.Done()
	}

	g.mu.Lock()
	first := g.first
	g.mu.Unlock()
	return errors.Join(first, g.stopAll(ctx, started, first))
}

// running is a service that has started.
type running struct {
	service Service
	cancel  context.CancelFunc // of the context of Run; nil without a Run
	done    chan struct{}      // closed when Run has returned
	err     error              // of Run, with the service's name; readable once done is closed
}

func (g *Group) launch(ctx context.Context, r *running, ended chan<- struct{}) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	go func() {
		err := g.guard(own, r.service.Name, r.service.Run)
		if own.Err() != nil && errors.Is(err, context.Canceled) {
			err = nil
		}
		if err != nil {
			r.err = fmt.Errorf("%s: %w", r.service.Name, err)
			g.fail(ctx, r.err)
		}
		close(r.done)
		ended <- struct{}{}
	}()
}

// stopAll stops what has started in reverse order. The error that made it necessary is not repeated.
func (g *Group) stopAll(ctx context.Context, started []*running, known error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.opts.TotalTimeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	// Half of the time is shared out evenly in advance: a service that hangs must not keep the broker,
	// which is stopped last, from being stopped at all.
	reserve := g.opts.TotalTimeout / time.Duration(2*max(len(started), 1))
	var errs []error
	for i, r := range slices.Backward(started) {
		limit := r.service.StopTimeout
		if limit == 0 {
			limit = g.opts.StopTimeout
		}
		limit = min(limit, time.Until(deadline)-time.Duration(i)*reserve)
		if err := g.stop(ctx, r, limit); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", r.service.Name, err))
			continue
		}
		if r.err != nil && !errors.Is(known, r.err) {
			errs = append(errs, r.err)
		}
		g.opts.Logger.Debug("service stopped", "service", r.service.Name)
	}
	return errors.Join(errs...)
}

func (g *Group) stop(ctx context.Context, r *running, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if r.cancel != nil {
		r.cancel()
	}
	stopped := make(chan error, 1)
	go func() {
		err := g.guard(ctx, r.service.Name, r.service.Stop)
		<-r.done
		stopped <- err
	}()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		return fmt.Errorf("still running: %w", ctx.Err())
	}
}

// guard calls f, if there is one, and turns its panic into an error.
func (g *Group) guard(ctx context.Context, name string, f func(context.Context) error) (err error) {
	if f == nil {
		return nil
	}
	defer func() {
		if value := recover(); value != nil {
			p := &PanicError{Value: value, Stack: debug.Stack()}
			g.opts.Logger.Error("service panicked", "service", name, "err", p, "stack", string(p.Stack))
			err = p
		}
	}()
	return f(ctx)
}
