package fleet

import (
	"slices"
	"strconv"

	"github.com/covewise/covewise/connectors/cove/columns"
)

// print is an FNV-1a hash over texts, each with its length, so that no two lists of texts run together. It is written
// out because an enumeration hashes a million texts and the standard library's takes bytes only.
type print uint64

const (
	printBasis = 14695981039346656037
	printPrime = 1099511628211
)

func (p print) add(s string) print {
	for n, i := uint32(len(s)), 0; i < 4; i++ {
		p = (p ^ print(byte(n>>(8*i)))) * printPrime
	}
	for i := range len(s) {
		p = (p ^ print(s[i])) * printPrime
	}
	return p
}

// Prints hashes devices.
type Prints struct{ codes []string }

// NewPrints returns prints over the columns of these canonical codes.
func NewPrints(codes []string) Prints { return Prints{codes: slices.Sorted(slices.Values(codes))} }

// Columns hashes everything in a device's columns that counts as a change. The heartbeat (TS) moves with time alone,
// so it counts once a day only, which is as exact as silence is judged. The day begins at another time for every
// device: otherwise a whole fleet would change at midnight.
func (p Prints) Columns(d Device) uint64 {
	h := print(printBasis)
	for _, code := range p.codes {
		value, ok := d.Columns[code]
		if !ok {
			continue
		}
		if code == "TS" {
			const day = 24 * 60 * 60
			if seconds, number := columns.Int(value); number {
				value = strconv.FormatInt((seconds+d.ID*7919%day)/day, 10)
			}
		}
		h = h.add(code).add(value)
	}
	return uint64(h)
}

// Fingerprint hashes everything about a device that counts as a change: what Columns returned and whom it belongs to.
func Fingerprint(ofColumns uint64, d Device, o Owner) uint64 {
	h := print(ofColumns).add(strconv.FormatInt(d.PartnerID, 10))
	for _, s := range []string{o.Customer.GetId(), o.Customer.GetName(), o.Customer.GetLevel(), o.Customer.GetState(), o.Customer.GetReference(), o.Site} {
		h = h.add(s)
	}
	if o.Customer.GetRemoved() {
		h = h.add("removed")
	}
	return uint64(h)
}
