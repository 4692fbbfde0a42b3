package errclass_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

func TestEveryClassHasOneNameAndOneAction(t *testing.T) {
	want := map[string]errclass.Action{
		"bug":             errclass.DeadLetter,
		"transient":       errclass.Redeliver,
		"rate_limited":    errclass.Redeliver,
		"auth_tenant":     errclass.Redeliver,
		"rejected":        errclass.DeadLetter,
		"not_found":       errclass.DeadLetter,
		"conflict":        errclass.Redeliver,
		"unknown_outcome": errclass.Redeliver,
	}
	got := map[string]errclass.Action{}
	for _, c := range errclass.All() {
		got[c.String()] = errclass.ActionOf(c)
	}
	require.Equal(t, want, got)
}

func TestOfFindsTheOutermostClass(t *testing.T) {
	inner := errclass.New(errclass.NotFound, "read ticket 7", errors.New("404"))
	outer := errclass.New(errclass.Rejected, "close ticket 7", inner)

	require.Equal(t, errclass.Rejected, errclass.Of(fmt.Errorf("apply: %w", outer)))
	require.Equal(t, errclass.NotFound, errclass.Of(fmt.Errorf("apply: %w", inner)))
	require.Equal(t, errclass.Transient, errclass.Of(fmt.Errorf("wait: %w", context.DeadlineExceeded)))
	require.Equal(t, errclass.Bug, errclass.Of(errors.New("nobody classified this")))
	require.Equal(t, "close ticket 7: read ticket 7: 404", outer.Error())
}

func TestRetryAfterTravelsThroughWrapping(t *testing.T) {
	err := &errclass.Error{Class: errclass.RateLimited, Op: "create ticket", RetryAfter: 30 * time.Second, Err: errors.New("429")}
	require.Equal(t, 30*time.Second, errclass.RetryAfter(fmt.Errorf("apply: %w", err)))
	require.Zero(t, errclass.RetryAfter(errors.New("plain")))
}
