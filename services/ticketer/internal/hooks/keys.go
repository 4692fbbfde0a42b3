package hooks

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/clock"
)

const (
	mostKeys     = 4                // remembered for a tenant; the server changes its key now and then
	keyLasts     = 24 * time.Hour   // before it is fetched again
	keyIsYoung   = time.Minute      // a key that failed so soon after it was fetched is not fetched again
	fetchEvery   = 10 * time.Second // on average; addresses come from messages that nobody has verified
	fetchBurst   = 5
	fetchTimeout = 3 * time.Second // on the machine's clock; ConnectWise itself waits 5 s
)

// errNotNow says that a key could not be fetched at present.
var errNotNow = errors.New("too many keys were asked for lately")

// keyring fetches the signing keys of one tenant's server and keeps the latest by their address.
type keyring struct {
	clock     clock.Clock
	transport http.RoundTripper
	fetches   *rate.Limiter
	turn      chan struct{} // one fetch at a time, in which a waiting caller can give up

	mu   sync.Mutex
	keys map[string]signingKey
}

type signingKey struct {
	text    string
	fetched time.Time
}

func newKeyring(c clock.Clock, transport http.RoundTripper) *keyring {
	return &keyring{
		clock: c, transport: transport, fetches: rate.NewLimiter(rate.Every(fetchEvery), fetchBurst), turn: make(chan struct{}, 1),
		keys: map[string]signingKey{},
	}
}

// get returns the key at an address, from memory when it is there, not too old and not older than the time given.
func (k *keyring) get(ctx context.Context, address string, notBefore time.Time) (signingKey, error) {
	if key, ok := k.known(address, notBefore); ok {
		return key, nil
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return signingKey{}, ctx.Err()
	}
	if key, ok := k.known(address, notBefore); ok {
		return key, nil
	}
	now := k.clock.Now()
	if !k.fetches.AllowN(now, 1) {
		return signingKey{}, errNotNow
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	text, err := connectwise.FetchCallbackKey(ctx, k.transport, address)
	if err != nil {
		return signingKey{}, err
	}
	key := signingKey{text: text, fetched: now}
	k.keep(address, key)
	return key, nil
}

func (k *keyring) known(address string, notBefore time.Time) (signingKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.keys[address]
	return key, ok && k.clock.Now().Sub(key.fetched) < keyLasts && !key.fetched.Before(notBefore)
}

// keep remembers a key in place of the oldest when there are too many.
func (k *keyring) keep(address string, key signingKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[address] = key
	for len(k.keys) > mostKeys {
		oldest := ""
		for at, other := range k.keys {
			if at != address && (oldest == "" || other.fetched.Before(k.keys[oldest].fetched)) {
				oldest = at
			}
		}
		delete(k.keys, oldest)
	}
}

// verify reports whether a body was signed with the key at the address. A key that does not fit is fetched anew unless
// that was done just now: the server may have another one at the same address.
func (k *keyring) verify(ctx context.Context, address string, body []byte, signature string) (bool, error) {
	key, err := k.get(ctx, address, time.Time{})
	if err != nil || connectwise.VerifyCallback(key.text, body, signature) {
		return err == nil, err
	}
	if k.clock.Now().Sub(key.fetched) < keyIsYoung {
		return false, nil
	}
	if key, err = k.get(ctx, address, key.fetched.Add(1)); err != nil {
		return false, err
	}
	return connectwise.VerifyCallback(key.text, body, signature), nil
}
