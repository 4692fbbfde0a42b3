// Package connectwise is a client of the ConnectWise PSA (Manage) REST API, version 3.0.
//
// It owns the address and code base of one server, authentication, the pace of requests, retries of what may be
// repeated, paging, the grammar of conditions, and the class of every failure. It does not own what to write
// and when: it never repeats a request that creates something, and says UnknownOutcome when nobody can know
// whether such a request was executed.
package connectwise

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-cleanhttp"

	"github.com/covewise/covewise/platform/clock"
)

// Options are what a Client needs to know of one server and one integration.
type Options struct {
	Site     string // address as people know it, "https://na.myconnectwise.net"; http for loopback addresses only
	Company  string // the company id of the login
	ClientID string // the integration's GUID
	// Keys gives the API member's keys; it is asked at every request, so that they can be exchanged. Blanks around them are cut.
	Keys func() (public, private string, err error)

	// Limits are shared with the other clients of the process, so that all of them keep one pace towards a server. Default:
	// the client's own, by Clock.
	Limits *Limits
	Tenant string // whose requests these are: tenants take turns when they wait at one server; may be empty

	Clock             clock.Clock       // for delays between retries, and for pace and pauses of own Limits; default the system's
	Logger            *slog.Logger      // default none
	RequestsPerMinute int               // at most; default that of the Limits, 800. of the tenants that share a pace the lowest holds
	Burst             int               // requests sent at once, alike; default 20
	Timeout           time.Duration     // of one try, from sending to the last byte of the answer; default 30 s, on the machine's clock
	PageSize          int               // rows asked for at once, at most 1000, which is the default
	ModelVersion      string            // such as "2025.1", pins the shape of records; default the server's newest
	Transport         http.RoundTripper // default a pool of its own that speaks HTTP/1.1
}

// Client talks to one server as one API member. It may be used by several goroutines.
type Client struct {
	site      site
	company   string
	clientID  string
	keys      func() (string, string, error)
	clock     clock.Clock
	log       *slog.Logger
	timeout   time.Duration
	pageSize  int
	accept    string
	transport http.RoundTripper
	pool      *http.Transport // the transport when it is our own
	pace      *pace
	leave     func() // ends the client's part in the pace
	tenant    string
	codeBase  codeBase
	requests  atomic.Int64
	writes    atomic.Int64
}

// New checks the options and returns a client. It sends nothing; the code base is looked up at the first call.
func New(o Options) (*Client, error) {
	where, err := parseSite(o.Site)
	if err != nil {
		return nil, err
	}
	company, clientID := strings.TrimSpace(o.Company), strings.TrimSpace(o.ClientID)
	switch {
	case company == "" || strings.ContainsFunc(company, unfitForLogin) || strings.ContainsAny(company, `:+/\?#%`):
		return nil, fmt.Errorf("company %q: not a ConnectWise company id", o.Company)
	case clientID == "" || strings.ContainsFunc(clientID, unfitForLogin):
		return nil, errors.New("clientId: missing or not printable")
	case o.Keys == nil:
		return nil, errors.New("keys: missing")
	case o.RequestsPerMinute < 0 || o.Burst < 0 || o.Timeout < 0 || o.PageSize < 0 || o.PageSize > 1000:
		return nil, errors.New("pace, timeout and page size: must not be negative, and pages hold at most 1000 rows")
	}
	c := &Client{
		site: where, company: company, clientID: clientID, keys: o.Keys,
		clock: o.Clock, log: o.Logger, timeout: orDefault(o.Timeout, 30*time.Second),
		pageSize: orDefault(o.PageSize, 1000), accept: "application/json", transport: o.Transport,
		codeBase: codeBase{turn: make(chan struct{}, 1)},
	}
	if c.clock == nil {
		c.clock = clock.System()
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if o.ModelVersion != "" {
		c.accept = "application/vnd.connectwise.com+json; version=" + o.ModelVersion
	}
	if c.transport == nil {
		c.pool = newPool()
		c.transport = c.pool
	}
	limits := o.Limits
	if limits == nil {
		limits = NewLimits(LimitsOptions{Clock: c.clock})
	}
	c.tenant = o.Tenant
	c.pace, c.leave = limits.join(paceKey(where, company), o.Tenant, wish{o.RequestsPerMinute, o.Burst})
	return c, nil
}

// Requests returns how many requests were handed to the network, retries and look-ups of the code base included.
func (c *Client) Requests() int64 { return c.requests.Load() }

// Writes returns how many of the Requests were to change something: creating POSTs and PATCHes.
func (c *Client) Writes() int64 { return c.writes.Load() }

// Backlog returns how long a request would wait for its turn now.
func (c *Client) Backlog() time.Duration { return c.pace.backlog() }

// Close gives back the idle connections of the client's own pool, and ends its part in the pace. Calls under way are not
// disturbed.
func (c *Client) Close() {
	c.leave()
	if c.pool != nil {
		c.pool.CloseIdleConnections()
	}
}

// newPool speaks HTTP/1.1 only: net/http repeats a POST by itself there only when nothing of it was written,
// whereas over HTTP/2 it also does so after a stream was reset.
func newPool() *http.Transport {
	pool := cleanhttp.DefaultPooledTransport()
	pool.ForceAttemptHTTP2 = false
	pool.Protocols = new(http.Protocols)
	pool.Protocols.SetHTTP1(true)
	pool.MaxIdleConnsPerHost = 16
	return pool
}

func unfitForLogin(r rune) bool { return r <= ' ' || r > '~' }

func orDefault[N int | time.Duration](n, standard N) N {
	if n == 0 {
		return standard
	}
	return n
}
