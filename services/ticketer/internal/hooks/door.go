package hooks

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"sync"

	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/tenant"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Limits of one tenant's hook. A desk of a hundred people changes a few tickets a second.
const (
	callbacksPerSecond = 10
	callbackBurst      = 100
	complaintsPerHour  = 6
)

// door is where one tenant's server comes in.
type door struct {
	tenant     string
	settings   *tenantv1.ConnectWise
	digest     [sha256.Size]byte // of the token
	address    string            // that ConnectWise is given; holds the token
	pace       *rate.Limiter
	complaints *rate.Limiter // logged refusals
	keys       *keyring
	seen       *memory
}

// open makes the doors of the tenants that have a usable token, and keeps what the old ones remember.
func (h *Hooks) open(ctx context.Context, settings map[string]*tenantv1.Settings) {
	old := map[string]*door{}
	for _, d := range h.all() {
		old[d.tenant] = d
	}
	var doors []*door
	for id, s := range settings {
		callbacks := s.GetConnectwise().GetCallbacks()
		if callbacks == nil {
			continue
		}
		token, err := h.token(callbacks)
		if err != nil {
			if h.entry(id).tell(err) {
				h.log.WarnContext(ctx, "ConnectWise's callbacks are refused", "tenant", id, "err", err)
			}
			continue
		}
		d := &door{
			tenant: id, settings: s.GetConnectwise(), digest: sha256.Sum256([]byte(token)),
			address: strings.TrimRight(callbacks.GetUrl(), "/") + Prefix + token + "?recordId=",
		}
		if was := old[id]; was != nil && proto.Equal(was.settings, d.settings) {
			d.pace, d.complaints, d.keys, d.seen = was.pace, was.complaints, was.keys, was.seen
		} else {
			d.pace, d.complaints = rate.NewLimiter(callbacksPerSecond, callbackBurst), rate.NewLimiter(complaintsPerHour/3600.0, 1)
			d.keys, d.seen = newKeyring(h.clock, h.opts.Transport), newMemory()
		}
		doors = append(doors, d)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doors = doors
}

func (h *Hooks) all() []*door {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.doors
}

const (
	shortestToken = 20
	longestToken  = 200
)

// token reads a tenant's token. Errors do not repeat it.
func (h *Hooks) token(c *tenantv1.Callbacks) (string, error) {
	const field = "connectwise.callbacks.token"
	secret, err := tenant.Reference(field, c.GetToken()).Resolve(h.opts.LookupEnv)
	if err != nil {
		return "", err
	}
	token := secret.Reveal()
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	if len(token) < shortestToken || len(token) > longestToken || strings.ContainsFunc(token, func(r rune) bool { return !plain(r) }) {
		return "", errors.New(field + ": not 20 to 200 of A-Z, a-z, 0-9, \"-\" and \"_\"; make one with: openssl rand -hex 24")
	}
	return token, nil
}

// find returns the door that a token opens, or nil. It takes the same time whatever the token shares with others.
func (h *Hooks) find(token string) *door {
	digest := sha256.Sum256([]byte(token))
	var found *door
	for _, d := range h.all() {
		if subtle.ConstantTimeCompare(digest[:], d.digest[:]) == 1 {
			found = d
		}
	}
	return found
}

// mayAsk says whether a key at the address may be fetched for the tenant.
func (d *door) mayAsk(keyURL string) error {
	return connectwise.CheckCallbackKeyURL(d.settings.GetUrl(), d.settings.GetCompany(), keyURL)
}

// mostMessages are remembered for each tenant, so that the same message does nothing twice.
const mostMessages = 10_000

// memory holds the ids of the last messages that were accepted. A process that starts anew has none: what a replay can
// do then is to have the tickets looked at once more.
type memory struct {
	mu    sync.Mutex
	known map[string]struct{}
	order []string // a ring once it is full
	next  int
}

func newMemory() *memory { return &memory{known: map[string]struct{}{}} }

// add remembers an id and reports whether it is new.
func (m *memory) add(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.known[id]; known {
		return false
	}
	m.known[id] = struct{}{}
	if len(m.order) < mostMessages {
		m.order = append(m.order, id)
		return true
	}
	delete(m.known, m.order[m.next])
	m.order[m.next] = id
	m.next = (m.next + 1) % mostMessages
	return true
}

// forget lets an id be new again; its place in the ring stays taken.
func (m *memory) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, id)
}
