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

// Enumeration collects the pages of one enumeration and finds out whether they are whole. Each page after the first
// begins with the last row of the page before. When it does not, the rows shifted in between (a device came or
// went), a page is missing or repeated, or the rows are in another order: some device may have slipped through.
type Enumeration struct {
	Devices []Device
	counted int // devices of the types that the totals count
	seen    map[int64]bool
	counts  []int64 // what the totals of each page said; empty where the server sent none
}

// Start returns the number of the first row to ask for next.
func (e *Enumeration) Start() int { return max(0, len(e.Devices)-1) }

// Add takes the page that begins at Start, of at most asked rows. It returns the devices that are new, as a part of
// Devices, and whether the end is reached. An error says why the pages cannot be the whole fleet.
//
// A page that is short is the end only when Cove counts no more devices than came, or, where it does not count, when
// asking on brings nothing new: a server may give fewer rows than asked for.
func (e *Enumeration) Add(rows []Device, totals map[string]string, asked int) (fresh []Device, done bool, err error) {
	short := len(rows) < asked
	if before := len(e.Devices); before > 0 {
		last := e.Devices[before-1].ID
		switch {
		case len(rows) == 0:
			return nil, false, fmt.Errorf("row %d was device %d and now there is none: rows are missing, or devices went while the pages were read", e.Start(), last)
		case rows[0].ID != last:
			return nil, false, fmt.Errorf("row %d was device %d and is device %d now: the pages do not fit together, so others may be missing", e.Start(), last, rows[0].ID)
		}
		rows = rows[1:]
	}
	if e.seen == nil {
		e.seen = map[int64]bool{}
	}
	for _, d := range rows {
		if e.seen[d.ID] {
			return nil, false, fmt.Errorf("device %d came twice: the pages overlap, so others may be missing", d.ID)
		}
		e.seen[d.ID] = true
		switch d.Columns["AT"] {
		case "", "0", "1", "2":
			e.counted++
		}
	}
	e.Devices = append(e.Devices, rows...)
	told, err := e.count(totals)
	if err != nil {
		return nil, false, err
	}
	fresh = e.Devices[len(e.Devices)-len(rows):]
	switch {
	case !short:
		return fresh, false, nil
	case !told:
		return fresh, len(fresh) == 0, nil
	}
	if last := e.counts[len(e.counts)-1]; int64(e.counted) < last {
		if len(fresh) == 0 {
			return nil, false, fmt.Errorf("the pages held %d devices and Cove counts %d", e.counted, last)
		}
		return fresh, false, nil
	}
	return fresh, true, nil
}

// count adds the totals of a page up, and reports whether there were any.
func (e *Enumeration) count(totals map[string]string) (bool, error) {
	sum, told := int64(0), false
	for _, name := range totalNames {
		text, ok := totals[name]
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return false, fmt.Errorf("total %s is %q, not a number", name, text)
		}
		sum, told = sum+n, true
	}
	if told {
		e.counts = append(e.counts, sum)
	}
	return told, nil
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
