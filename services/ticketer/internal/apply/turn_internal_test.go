package apply

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTurnsLieOneAfterTheOtherAndCreatesComeBeforeNotes(t *testing.T) {
	now := time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)
	const pace = 75 * time.Millisecond
	var turns turns
	after := func(at time.Time) time.Duration { return at.Sub(now) }
	require.Equal(t, pace, after(turns.note(now, pace)))
	require.False(t, turns.creates(now), "no create gave way")
	for i := range 3 {
		require.Equal(t, time.Duration(i+1)*pace, after(turns.create(now, pace)))
	}
	require.Equal(t, 4*pace, after(turns.note(now, pace)), "behind the creates")
	require.Equal(t, 4*pace, after(turns.create(now, pace)), "not behind notes")
	require.Equal(t, 6*pace, after(turns.create(now, 2*pace)), "further apart while another tenant waits at the server")
	require.True(t, turns.creates(now.Add(6*pace-1)))
	require.False(t, turns.creates(now.Add(6*pace)))
	require.Equal(t, pace+time.Hour, after(turns.create(now.Add(time.Hour), pace)), "nobody waits any more")
	require.Equal(t, pace, after(turns.create(now, pace)), "the clock was set back")
}
