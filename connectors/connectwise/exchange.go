package connectwise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/covewise/covewise/platform/errclass"
)

const (
	mostRetries    = 2
	firstDelay     = 250 * time.Millisecond // before the first retry; doubles
	patience       = 5 * time.Second        // the longest Retry-After that is waited out in place
	largestAnswer  = 32 << 20               // bytes; a page of 1000 whole tickets has about 5 MB
	longestAddress = 2000                   // characters, by the vendor's advice
)

var errTooLarge = errors.New("the answer exceeds 32 MiB")

// request is one call of the API.
type request struct {
	op      string // the action in errors, "create ticket"
	method  string
	path    string // below the API's base, "/service/tickets"
	query   url.Values
	body    any // sent as JSON unless nil
	effect  effect
	forward bool // asks for forward-only pages
}

// answer is what came back, complete and in memory.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	secrets *strings.Replacer // what must not get from the answer into a message
}

func (a answer) html() bool {
	return strings.Contains(a.header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<"))
}

// recordMissing tells a 404 about a record from one about the endpoint, the company or the keys.
func (a answer) recordMissing() bool {
	return a.status == http.StatusNotFound && strings.EqualFold(apiError(a).Code, "NotFound")
}

// misrouted says that the answer may come from an address that the server has left with an upgrade.
func (a answer) misrouted() bool {
	switch {
	case a.status == http.StatusNotFound:
		return !a.recordMissing()
	case a.status < 300:
		return a.html()
	default:
		return a.status < 400
	}
}

// call sends r to where the API is now and returns the successful answer, which is not HTML.
func (c *Client) call(ctx context.Context, r request) (answer, error) {
	base, looked, err := c.currentCodeBase(ctx, "")
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", r.op, err)
	}
	a, err := c.authenticated(ctx, r, base)
	if err == nil && !looked && a.misrouted() {
		next, _, lookErr := c.currentCodeBase(ctx, base)
		absent := a.status == http.StatusNotFound // so nothing was executed, whatever r does
		switch {
		case lookErr != nil && absent:
			return answer{}, fmt.Errorf("%s: %w", r.op, lookErr)
		case lookErr == nil && next != base && (absent || r.effect != once):
			a, err = c.authenticated(ctx, r, next)
		}
	}
	if err != nil {
		return answer{}, err
	}
	return a, c.failure(r, a)
}

func (c *Client) authenticated(ctx context.Context, r request, base string) (answer, error) {
	public, private, err := c.keys()
	if err != nil {
		class := errclass.AuthTenant
		if known, ok := errors.AsType[*errclass.Error](err); ok {
			class = known.Class
		}
		return answer{}, errclass.Newf(class, r.op, "reading the API keys: %w", err)
	}
	login := credentials{company: c.company, public: strings.TrimSpace(public), private: strings.TrimSpace(private)}
	if !login.usable() {
		return answer{}, errclass.Newf(errclass.AuthTenant, r.op, "an API key is empty or holds characters that no key has")
	}
	address := c.site.api + "/" + base + "apis/3.0" + r.path
	if len(r.query) > 0 {
		address += "?" + encode(r.query)
	}
	return c.exchange(ctx, r, address, &login)
}

// encode writes blanks as %20, which every server and proxy reads alike.
func encode(query url.Values) string { return strings.ReplaceAll(query.Encode(), "+", "%20") }

// exchange sends r to the address, with retries as far as r's effect allows them, and returns whatever the
// server answered. Its errors are classified failures to get an answer.
func (c *Client) exchange(ctx context.Context, r request, address string, login *credentials) (answer, error) {
	body, err := encodeBody(r.body)
	if err != nil {
		return answer{}, errclass.New(errclass.Bug, r.op, err)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return answer{}, errclass.New(errclass.Bug, r.op, err)
	}
	req.Header.Set("Accept", c.accept)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.forward {
		req.Header.Set("Pagination-Type", "forward-only")
	}
	secrets := strings.NewReplacer()
	if login != nil {
		req.SetBasicAuth(login.user(), login.private)
		req.Header.Set("ClientId", c.clientID)
		secrets = login.secrets()
	}
	x := &attempts{client: c, effect: r.effect, lane: r.lane()}
	retrying := &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     x,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     mostRetries,
		CheckRetry:   x.again,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 }, // RoundTrip waits, on the client's clock
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := retrying.Do(req)
	if err != nil {
		return answer{}, x.failure(ctx, r.op, err, secrets)
	}
	defer resp.Body.Close()
	x.last.secrets = secrets
	return x.last, nil
}

func encodeBody(body any) (any, error) {
	if body == nil {
		return nil, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return nil, fmt.Errorf("writing the body: %w", err)
	}
	return b.Bytes(), nil
}

// failure turns an answer that is not a success into its classified error.
func (c *Client) failure(r request, a answer) error {
	class, ok := classOf(r.effect, a.status, a.recordMissing())
	if ok && !a.html() {
		return nil
	}
	if ok {
		class = r.effect.ambiguous()
	}
	complaint := apiError(a)
	if a.status == http.StatusForbidden {
		complaint.Right = rightFor(r.method, r.path)
	}
	e := errclass.New(class, r.op, complaint)
	if class == errclass.RateLimited || a.header.Get("Retry-After") != "" {
		e.RetryAfter = retryAfter(a.header, c.clock.Now())
	}
	return e
}

// unreadable is the error for a success whose body does not say what it must.
func unreadable(r request, a answer, cause error) error {
	return errclass.Newf(r.effect.ambiguous(), r.op, "HTTP %d with an unexpected body: %s", a.status, shorten(a.secrets.Replace(cause.Error())))
}

// attempts is the transport of one call: each try waits for its turn, is counted, bounded in time, and read to
// its end, so that an answer cut short is a failed try.
type attempts struct {
	client *Client
	effect effect
	lane   lane
	tries  int
	last   answer

	asked       atomic.Bool
	connections atomic.Int32 // of the present try
}

// RoundTrip makes one try.
func (x *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	c, ctx := x.client, req.Context()
	if x.tries++; x.tries > 1 {
		if err := c.clock.Sleep(ctx, firstDelay<<(x.tries-2)); err != nil {
			return nil, errclass.New(errclass.Transient, "", err)
		}
	}
	if err := c.pace.pass(ctx, c.tenant, x.lane); err != nil {
		return nil, err
	}
	c.requests.Add(1)
	if counter, ok := ctx.Value(counterKey{}).(*atomic.Int64); ok {
		counter.Add(1)
	}
	if x.effect != reads {
		c.writes.Add(1)
	}
	began := c.clock.Now()
	resp, err := x.try(req)
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	c.log.DebugContext(ctx, "ConnectWise request", "method", req.Method, "path", req.URL.Path,
		"try", x.tries, "status", status, "answered", err == nil, "took", c.clock.Now().Sub(began))
	return resp, err
}

func (x *attempts) try(req *http.Request) (*http.Response, error) {
	c := x.client
	ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
	defer cancel()
	x.connections.Store(0)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { x.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) {
			// net/http repeats a GET by itself when a kept connection ends without an answer.
			if x.connections.Add(1) > 1 {
				c.requests.Add(1)
			}
		},
	})
	late := func(err error) error {
		if errors.Is(err, context.DeadlineExceeded) && req.Context().Err() == nil {
			return fmt.Errorf("no complete answer within %s", c.timeout)
		}
		return err
	}
	resp, err := c.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, late(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestAnswer+1))
	if err != nil {
		return nil, late(fmt.Errorf("reading the answer: %w", err))
	}
	if len(body) > largestAnswer {
		return nil, errTooLarge
	}
	x.last = answer{status: resp.StatusCode, header: resp.Header, body: body}
	date(ctx, resp.Header)
	if resp.StatusCode == http.StatusTooManyRequests {
		c.pace.hold(retryAfter(resp.Header, c.clock.Now()))
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// again decides whether the retrying client makes another try.
func (x *attempts) again(ctx context.Context, resp *http.Response, err error) (bool, error) {
	var refused *errclass.Error
	switch {
	case x.effect == once, ctx.Err() != nil, errors.As(err, &refused), errors.Is(err, errTooLarge):
		return false, nil
	case err != nil:
		return true, nil
	case resp.StatusCode == http.StatusTooManyRequests:
		return retryAfter(resp.Header, x.client.clock.Now()) <= patience, nil
	default:
		return resp.StatusCode >= 500, nil
	}
}

// failure classifies the lack of an answer. The cause is kept as cleaned text, not as a chain, because texts of
// the transport can quote what the server sent.
func (x *attempts) failure(ctx context.Context, op string, err error, secrets *strings.Replacer) error {
	if refused, ok := errors.AsType[*errclass.Error](err); ok {
		return &errclass.Error{Class: refused.Class, Op: op, RetryAfter: refused.RetryAfter, Err: refused.Err}
	}
	if where, ok := errors.AsType[*url.Error](err); ok {
		err = where.Err
	}
	cause := errors.New(shorten(secrets.Replace(err.Error())))
	if ctx.Err() != nil {
		cause = fmt.Errorf("%w (%w)", cause, ctx.Err())
	}
	class := x.effect.ambiguous()
	switch {
	case x.nothingSent():
		class = errclass.Transient
	case errors.Is(err, errTooLarge) && x.effect == reads:
		class = errclass.Rejected
	}
	return errclass.New(class, op, cause)
}

// nothingSent is true only on proof: the transport asked for a connection and never had one. A transport that
// does not report such steps proves nothing.
func (x *attempts) nothingSent() bool { return x.asked.Load() && x.connections.Load() == 0 }

func (k credentials) usable() bool {
	return k.public != "" && k.private != "" && !strings.Contains(k.public, ":") &&
		!strings.ContainsFunc(k.public+k.private, unfitForLogin)
}
