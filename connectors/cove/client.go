// Package cove is the client of N-able Cove Data Protection's JSON-RPC API: the management service, the
// reporting service for Microsoft 365, and the reporting services of the storage nodes.
//
// It owns the login and its chain of visas, the rate limit and the retries towards Cove, the tolerant
// reading of Cove's answers, which columns Cove refuses or leaves unanswered, the classes of its errors, which
// storage nodes are trusted, and the redaction of its secrets. It does not own when a tenant is swept, what an
// answer means for a device, or what is asked for: columns and filters come from the caller, and the meaning of
// columns is in package columns.
//
// Every error carries a class of package errclass. An error of any call means that the caller does not
// know what it asked for; it must never be read as an empty answer.
package cove

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/time/rate"

	"github.com/covewise/covewise/platform/clock"
)

const (
	defaultRate    = 4 // requests per second; no limit is published, other clients keep to about this
	burst          = 4
	defaultTimeout = 60 * time.Second
	defaultPath    = "/jsonapi"
	reportingPath  = "/reporting_api"
	nodePath       = "/repserv_json"
)

// Options are what a Client needs to know. URL, Username, Password and Clock are required.
type Options struct {
	// URL is the management service, such as https://api.backup.management/jsonapi. Plain http is
	// accepted for loopback addresses only; then every other service is expected on loopback too.
	URL string
	// Partner is the exact console name of the login's partner, or "" for an API user whose name is unique.
	Partner string
	// Username is the API user's name.
	Username string
	// Password returns the API user's token. It is called at each login, so that a rotated secret is
	// picked up; line ends after the token are dropped.
	Password func() (string, error)
	// Clock tells the age of a visa. Waits between retries and the rate limit run in real time.
	Clock clock.Clock
	// Logger receives logins and renewals; nil means none.
	Logger *slog.Logger
	// RequestsPerSecond limits all requests of this client, to whichever host; 0 means 4, +Inf no limit.
	RequestsPerSecond float64
	// Timeout bounds each single request with its whole answer; 0 means 60 s.
	Timeout time.Duration
	// Transport replaces the HTTP transport, for tests and proxies; nil means one with TLS 1.2 or newer.
	Transport http.RoundTripper
	// AllowHosts names storage nodes outside the vendor's domains to which a device's token may be sent:
	// exact host names, or *.domain.
	AllowHosts []string
}

// Validate returns every broken rule as "field: rule", one a line, or nil.
func (o Options) Validate() error {
	var broken []error
	fail := func(field, format string, args ...any) {
		broken = append(broken, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
	if _, err := parseURL(o.URL); err != nil {
		fail("URL", "%s", err)
	}
	if strings.TrimSpace(o.Username) == "" {
		fail("Username", "must not be empty")
	}
	if o.Password == nil {
		fail("Password", "must be given")
	}
	if o.Clock == nil {
		fail("Clock", "must be given")
	}
	if o.RequestsPerSecond < 0 || math.IsNaN(o.RequestsPerSecond) {
		fail("RequestsPerSecond", "must be a positive number, or 0 for %d", defaultRate)
	}
	if o.Timeout < 0 {
		fail("Timeout", "must be positive, or 0 for %s", defaultTimeout)
	}
	for _, host := range o.AllowHosts {
		if !hostName.MatchString(strings.ToLower(strings.TrimPrefix(host, "*."))) {
			fail("AllowHosts", "must hold host names or *.domain, without scheme, port or path, not %q", host)
		}
	}
	return errors.Join(broken...)
}

// Client calls the Cove API for one login. It is safe for concurrent use; concurrent callers share the
// visa and the rate limit, and at most one login is under way at a time.
type Client struct {
	options    Options
	management string // URL of the management service
	reporting  string // URL of the reporting service for Microsoft 365
	nodes      nodePolicy
	log        *slog.Logger
	repeat     *retryablehttp.Client // for reads
	once       *retryablehttp.Client // for requests that must not be sent twice
	requests   *atomic.Int64
	ids        atomic.Int64
	visas      visaChain
	refused    refusals
}

// New returns a client, or what is wrong with the options. It sends nothing.
func New(o Options) (*Client, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("options of the Cove client: %w", err)
	}
	management, err := parseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("options of the Cove client: URL: %w", err)
	}
	reporting := *management
	reporting.Path, reporting.RawPath, reporting.RawQuery = reportingPath, "", ""
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		options:    o,
		management: management.String(),
		reporting:  reporting.String(),
		nodes:      nodePolicy{loopback: management.Scheme == "http", allow: lowered(o.AllowHosts)},
		log:        o.Logger,
		requests:   new(atomic.Int64),
		visas:      newVisaChain(),
		refused:    newRefusals(),
	}
	c.repeat, c.once = newHTTP(o, c.requests)
	return c, nil
}

// Requests returns how many HTTP requests were sent so far, retries included.
func (c *Client) Requests() int64 { return c.requests.Load() }

// RequestsPerSecond returns the rate that the client keeps to; it is infinite when there is no limit.
func (c *Client) RequestsPerSecond() float64 {
	if c.options.RequestsPerSecond == 0 {
		return defaultRate
	}
	return c.options.RequestsPerSecond
}

func newHTTP(o Options, requests *atomic.Int64) (repeat, once *retryablehttp.Client) {
	perSecond, timeout, next := rate.Limit(o.RequestsPerSecond), o.Timeout, o.Transport
	switch {
	case perSecond == 0:
		perSecond = defaultRate
	case math.IsInf(o.RequestsPerSecond, 1):
		perSecond = rate.Inf
	}
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if next == nil {
		next = newTransport()
	}
	httpClient := &http.Client{
		Transport: &meter{next: next, limiter: rate.NewLimiter(perSecond, burst), timeout: timeout, sent: requests},
		// A redirect would carry a password or a visa to a host nobody named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	policy := retryPolicy{now: o.Clock.Now}
	repeat = &retryablehttp.Client{
		HTTPClient:   httpClient,
		RetryWaitMin: firstBackoff,
		RetryWaitMax: maxBackoff,
		RetryMax:     maxRetries,
		CheckRetry:   policy.check,
		Backoff:      policy.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	once = &retryablehttp.Client{
		HTTPClient:   httpClient,
		CheckRetry:   policy.never,
		Backoff:      policy.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return repeat, once
}

// parseURL checks the management service's address and completes its path.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	// The text is not repeated: it could hold a password.
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("must be an address such as https://api.backup.management/jsonapi")
	}
	switch {
	case u.User != nil:
		return nil, errors.New("must not hold a user or password")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("must be https; http is accepted for loopback addresses only, not for %s", u.Hostname())
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("must be https, not %s", u.Scheme)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must not have a query or fragment")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = defaultPath
	}
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

func lowered(hosts []string) []string {
	lower := make([]string, len(hosts))
	for i, host := range hosts {
		lower[i] = strings.ToLower(host)
	}
	return lower
}

// splitHost returns the host of "host" or "host:port", and the port or "".
func splitHost(hostport string) (host, port string) {
	if host, port, err := net.SplitHostPort(hostport); err == nil {
		return host, port
	}
	return strings.Trim(hostport, "[]"), ""
}
