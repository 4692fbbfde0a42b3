// Package heartbeat tells a watch outside that a tenant is looked after: after each complete and judged sweep one
// request to the tenant's heartbeat URL. Because it is the evaluator that sends it, one request proves that poller, bus
// and evaluator work; when none comes, it is for the watch outside to call somebody.
//
// It never holds a sweep up, and what fails is said once and counted. The address is kept like a secret.
package heartbeat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

const (
	attempts = 3                // requests for one beat
	timeout  = 10 * time.Second // for one request
	wait     = 2 * time.Second  // before the second request, doubled before each further one
	parallel = 4                // beats under way at once
)

// Options are what a Heart needs. Logger is required.
type Options struct {
	Logger    *slog.Logger
	LookupEnv func(name string) (value string, set bool) // where addresses named by environment variable are; nil: none is set
	Wait      time.Duration                              // before the second request, in real time like all of the network; 0: 2 s
	Metrics   prometheus.Registerer                      // nil: not registered
}

// Heart sends heartbeats.
type Heart struct {
	opts   Options
	client *retryablehttp.Client
	beats  *prometheus.CounterVec

	mu    sync.Mutex
	due   map[string]*tenantv1.SecretRef // by tenant; a beat that is not sent yet stands for those after it
	order []string
	said  map[string]string // complaint last made, by tenant
	stir  chan struct{}     // holds one
}

const (
	sent    = "sent"
	refused = "failed"
)

// New returns a Heart that beats while Run runs.
func New(o Options) (*Heart, error) {
	o.Wait = cmp.Or(o.Wait, wait)
	h := &Heart{
		opts: o, due: map[string]*tenantv1.SecretRef{}, said: map[string]string{}, stir: make(chan struct{}, 1),
		client: &retryablehttp.Client{
			HTTPClient: &http.Client{
				Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute},
				Timeout:   timeout,
				// The address is a secret: it is for one server only.
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			},
			RetryMax:   attempts - 1,
			CheckRetry: retryablehttp.DefaultRetryPolicy,
			Backoff:    func(_, _ time.Duration, attempt int, _ *http.Response) time.Duration { return o.Wait << attempt },
			// The last answer says more than that the attempts were used up.
			ErrorHandler: retryablehttp.PassthroughErrorHandler,
		},
		beats: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_evaluator_heartbeats_total", Help: "Heartbeats to watches outside, by what became of them.",
		}, []string{"outcome"}),
	}
	h.beats.WithLabelValues(sent)
	h.beats.WithLabelValues(refused)
	if o.Metrics == nil {
		return h, nil
	}
	if err := o.Metrics.Register(h.beats); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return h, nil
}

// Beat asks for a heartbeat of a tenant, if its settings want one, and returns at once.
func (h *Heart) Beat(settings *tenantv1.Settings) {
	ref := settings.GetHeartbeat().GetUrl()
	if ref == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.due[settings.GetId()] == nil {
		h.order = append(h.order, settings.GetId())
	}
	h.due[settings.GetId()] = ref
	select {
	case h.stir <- struct{}{}:
	default:
	}
}

// Run sends heartbeats until the context ends, and then returns nil.
func (h *Heart) Run(ctx context.Context) error {
	defer h.client.HTTPClient.CloseIdleConnections()
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(parallel + 1)
	workers.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-h.stir:
			}
			for id, ref := h.next(); ref != nil && ctx.Err() == nil; id, ref = h.next() {
				workers.Go(func() error {
					h.report(ctx, id, h.send(ctx, ref))
					return nil
				})
			}
		}
	})
	return workers.Wait()
}

func (h *Heart) next() (id string, ref *tenantv1.SecretRef) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.order) == 0 {
		return "", nil
	}
	id, h.order = h.order[0], h.order[1:]
	ref = h.due[id]
	delete(h.due, id)
	return id, ref
}

// send makes one heartbeat. Its errors do not hold the address.
func (h *Heart) send(ctx context.Context, ref *tenantv1.SecretRef) error {
	secret, err := tenant.Reference("heartbeat.url", ref).Resolve(h.opts.LookupEnv)
	if err != nil {
		return err
	}
	address, err := parse(secret.Reveal())
	if err != nil {
		return err
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return errclass.Newf(errclass.Rejected, "heartbeat", "heartbeat.url is no address; write https://HOST/PATH")
	}
	req.Header.Set("User-Agent", "covewise")
	resp, err := h.client.Do(req)
	if err != nil {
		return errclass.Newf(errclass.Transient, "heartbeat", "%s does not answer: %w", address.Host, plain(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return errclass.Newf(errclass.Transient, "heartbeat", "%s answers %s", address.Host, resp.Status)
	}
	return nil
}

// plain takes the address out of an error of net/http.
func plain(err error) error {
	if withAddress, ok := errors.AsType[*url.Error](err); ok {
		return withAddress.Err
	}
	return err
}

// parse accepts https, and http on the machine itself. It does not repeat the address: all of it may be secret.
func parse(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	switch {
	case err != nil || address.Hostname() == "":
		return nil, errclass.Newf(errclass.Rejected, "heartbeat", "heartbeat.url is no address; write https://HOST/PATH")
	case address.Scheme == "https", address.Scheme == "http" && loopback(address.Hostname()):
		return address, nil
	default:
		return nil, errclass.Newf(errclass.Rejected, "heartbeat",
			"heartbeat.url is not https (http is accepted for loopback addresses only); write https://HOST/PATH")
	}
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// report counts a heartbeat and says a failure once.
func (h *Heart) report(ctx context.Context, id string, err error) {
	if ctx.Err() != nil {
		return // the end of the process is nobody's failure
	}
	outcome, complaint := sent, ""
	if err != nil {
		outcome, complaint = refused, err.Error()
	}
	defer h.beats.WithLabelValues(outcome).Inc() // last, so that whoever sees it counted finds it said
	h.mu.Lock()
	before := h.said[id]
	h.said[id] = complaint
	h.mu.Unlock()
	switch {
	case complaint == before:
	case err != nil:
		h.opts.Logger.Warn("heartbeat not sent", "tenant", id, "class", errclass.Of(err).String(), "err", err)
	default:
		h.opts.Logger.Info("heartbeat sent again", "tenant", id)
	}
}
