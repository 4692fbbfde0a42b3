package clock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/clock/clocktest"
)

func TestAcceleratedClockPassesADayInAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
		c := clock.Accelerated(start, 1440)
		began := time.Now()
		require.NoError(t, c.Sleep(t.Context(), 24*time.Hour))
		require.Equal(t, time.Minute, time.Since(began))
		require.Equal(t, start.Add(24*time.Hour), c.Now())
	})
}

func TestSleepEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, clock.System().Sleep(ctx, time.Hour), context.DeadlineExceeded)
	})
}

func TestAHandClockWakesSleepersWhenTheirTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
		c := clocktest.New(start)
		woke := make(chan error, 1)
		go func() { woke <- c.Sleep(t.Context(), time.Minute) }()
		synctest.Wait()
		c.Add(59 * time.Second)
		synctest.Wait()
		require.Empty(t, woke)
		c.Add(time.Second)
		require.NoError(t, <-woke)
		require.Equal(t, start.Add(time.Minute), c.Now())
	})
}
