package run

import (
	"context"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheFirstSignalCancelsAndTheSecondExits(t *testing.T) {
	signals := make(chan os.Signal)
	codes := make(chan int, 1)
	ctx, stop := signalContext(t.Context(), signals, func(code int) { codes <- code })
	defer stop()

	signals <- syscall.SIGTERM
	<-ctx.Done()
	var cause *SignalError
	require.ErrorAs(t, context.Cause(ctx), &cause)
	require.Equal(t, syscall.SIGTERM, cause.Signal)
	require.EqualError(t, cause, "received signal: terminated")
	require.Empty(t, codes)

	signals <- os.Interrupt
	require.Equal(t, 130, <-codes)
	stop()
}

func TestARealSignalCancelsTheContext(t *testing.T) {
	ctx, stop := SignalContext(t.Context())
	defer stop()
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
	<-ctx.Done()
	require.EqualError(t, context.Cause(ctx), "received signal: interrupt")
}

func TestStoppingTheSignalContextCancelsItWithoutASignal(t *testing.T) {
	ctx, stop := SignalContext(t.Context())
	stop()
	stop()
	require.ErrorIs(t, context.Cause(ctx), context.Canceled)
}
