package covefake

import (
	"crypto/rand"
	"fmt"
	"time"
)

const userID = 90331

// visas are the visas issued and not yet too old.
type visas struct {
	issued map[string]visa
	newest map[int]string // by chain
	chains int
	prune  int // the size at which to look for old ones again
}

type visa struct {
	at    time.Time
	chain int
}

func newVisas() *visas {
	return &visas{issued: map[string]visa{}, newest: map[int]string{}, prune: 1000}
}

// open starts the chain of a login.
func (v *visas) open(partner int64, now time.Time, life time.Duration) string {
	v.chains++
	return v.issue(partner, v.chains, now, life)
}

func (v *visas) issue(partner int64, chain int, now time.Time, life time.Duration) string {
	if len(v.issued) >= v.prune {
		for text, old := range v.issued {
			if now.Sub(old.at) >= life {
				delete(v.issued, text)
			}
		}
		for chain, text := range v.newest {
			if _, good := v.issued[text]; !good {
				delete(v.newest, chain)
			}
		}
		v.prune = max(1000, 2*len(v.issued))
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	text := fmt.Sprintf("%d-%d-0-%d-%x", partner, userID, now.Unix(), random)
	v.issued[text] = visa{now, chain}
	v.newest[chain] = text
	return text
}

// use returns the chain of a visa that is good now.
func (v *visas) use(text string, now time.Time, life time.Duration, mode VisaMode) (int, bool) {
	found, ok := v.issued[text]
	if !ok || now.Sub(found.at) >= life {
		return 0, false
	}
	switch {
	case mode == VisaSuperseded && v.newest[found.chain] != text:
		return 0, false
	case mode == VisaSingleUse:
		delete(v.issued, text)
	default:
	}
	return found.chain, true
}

func (v *visas) revoke(text string) { delete(v.issued, text) }

func (v *visas) revokeAll() { v.issued = map[string]visa{} }
