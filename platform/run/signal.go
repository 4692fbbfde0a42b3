package run

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// exitInterrupted is what shells report for a process that Ctrl-C has ended.
const exitInterrupted = 130

// SignalError is the cause of a context that a signal has cancelled.
type SignalError struct{ Signal os.Signal }

// Error names the signal.
func (e *SignalError) Error() string { return "received signal: " + e.Signal.String() }

// SignalContext returns a context that the first SIGINT or SIGTERM cancels, with a *SignalError as its
// cause. The second ends the process at once with exit code 130. The function returned gives the
// signals back their usual effect; call it when the context is no longer needed.
func SignalContext(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, stop := signalContext(ctx, signals, os.Exit)
	return ctx, func() {
		signal.Stop(signals)
		stop()
	}
}

func signalContext(ctx context.Context, signals <-chan os.Signal, exit func(int)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for first := true; ; first = false {
			select {
			case s := <-signals:
				if !first {
					exit(exitInterrupted)
					return
				}
				cancel(&SignalError{Signal: s})
			case <-quit:
				return
			}
		}
	}()
	return ctx, sync.OnceFunc(func() {
		close(quit)
		<-done
		cancel(nil)
	})
}
