package fleet

import (
	"fmt"
	"strconv"
)

// Totals to ask for with every page. Cove promises no count of all rows, but it counts rows that match an
// expression; a device without a type counts as type 0.
var totalNames = []string{"COUNT(AT==0)", "COUNT(AT==1)", "COUNT(AT==2)"}

// TotalNames returns the totals that an enumeration checks itself against.
func TotalNames() []string { return totalNames }

// Enumeration collects the pages of one enumeration and finds out whether they are whole.
type Enumeration struct {
	Devices []Device
	counted int // devices of the types that the totals count
	seen    map[int64]bool
	counts  []int64 // what the totals of each page said; empty where the server sent none
}

// Add takes a page. It fails on a device that came before: then the pages shifted under the enumeration, and
// another device was missed.
func (e *Enumeration) Add(rows []Device, totals map[string]string) error {
	if e.seen == nil {
		e.seen = map[int64]bool{}
	}
	for _, d := range rows {
		if e.seen[d.ID] {
			return fmt.Errorf("device %d came twice: the pages overlap, so others may be missing", d.ID)
		}
		e.seen[d.ID] = true
		e.Devices = append(e.Devices, d)
		switch d.Columns["AT"] {
		case "", "0", "1", "2":
			e.counted++
		}
	}
	sum, told := int64(0), false
	for _, name := range totalNames {
		if text, ok := totals[name]; ok {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return fmt.Errorf("total %s is %q, not a number", name, text)
			}
			sum, told = sum+n, true
		}
	}
	if told {
		e.counts = append(e.counts, sum)
	}
	return nil
}

// Check says why the enumeration cannot be the whole fleet, or returns nil. known is how many devices the
// last complete sweep had.
func (e *Enumeration) Check(known int) error {
	if got := int64(e.counted); len(e.counts) > 0 {
		// Devices may come and go while pages are read, so the count may be any between the first and the last told.
		first, last := e.counts[0], e.counts[len(e.counts)-1]
		if got < min(first, last) || got > max(first, last) {
			return fmt.Errorf("the pages held %d devices and Cove counts %d", got, last)
		}
	}
	if len(e.Devices) == 0 && known > 0 {
		return fmt.Errorf("no device was returned; the last complete sweep had %d", known)
	}
	return nil
}

// Has reports whether a device was enumerated.
func (e *Enumeration) Has(id int64) bool { return e.seen[id] }
