package cove

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	maxRetries   = 2
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// ErrNoTurn means that the context ends before the rate limit would let the request out. Nobody was asked, and the failure
// says nothing about whoever would have been.
var ErrNoTurn = errors.New("the rate limit leaves no turn before the deadline")

// meter counts requests, holds them to the rate limit, and bounds each from its start to the end of its
// answer. The bound is set here and not in http.Client, where waiting for the rate limit would use it up.
type meter struct {
	next    http.RoundTripper
	limiter *rate.Limiter
	timeout time.Duration
	sent    *atomic.Int64
}

// RoundTrip sends one request.
func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := m.limiter.Wait(req.Context()); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		if ended := req.Context().Err(); ended != nil {
			return nil, ended
		}
		return nil, fmt.Errorf("%w: %w", ErrNoTurn, err)
	}
	late := fmt.Errorf("no complete answer within %s", m.timeout)
	ctx, cancel := context.WithTimeoutCause(req.Context(), m.timeout, late)
	m.sent.Add(1)
	resp, err := m.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, late) {
			err = late
		}
		cancel()
		return nil, err
	}
	isLate := func() bool { return errors.Is(context.Cause(ctx), late) }
	resp.Body = &boundBody{ReadCloser: resp.Body, isLate: isLate, late: late, cancel: cancel}
	return resp, nil
}

// boundBody ends with the time that its request was given.
type boundBody struct {
	io.ReadCloser
	isLate func() bool
	late   error
	cancel context.CancelFunc
}

func (b *boundBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.isLate() {
		err = b.late
	}
	return n, err
}

func (b *boundBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// retryPolicy decides which failures of a read are worth another try at once. What it does not try again
// is left to the caller's next sweep.
type retryPolicy struct{ now func() time.Time }

func (p retryPolicy) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ended := ctx.Err(); ended != nil {
		return false, ended
	}
	if err != nil {
		var certificate *tls.CertificateVerificationError
		return !errors.Is(err, ErrNoTurn) && !errors.As(err, &certificate), nil
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		// Coming back sooner than asked would be answered the same way; the caller can wait for longer.
		return p.retryAfter(resp) <= maxBackoff, nil
	default:
		return false, nil
	}
}

func (p retryPolicy) never(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	return false, ctx.Err()
}

func (p retryPolicy) backoff(first, longest time.Duration, attempt int, resp *http.Response) time.Duration {
	if asked := p.retryAfter(resp); asked > 0 {
		return min(asked, longest)
	}
	return min(first<<(2*attempt), longest)
}

// retryAfter reads the Retry-After header in seconds or as a date, 0 when there is none. A date is measured
// against the answer's own Date, because our clock may be off or simulated.
func (p retryPolicy) retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	asked := resp.Header.Get("Retry-After")
	if asked == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(asked, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	until, err := http.ParseTime(asked)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		now = p.now()
	}
	return max(0, until.Sub(now))
}
