package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// figures count what was done over all schedules.
type figures struct {
	schedules, kills, writes, requests atomic.Int64
	vain                               atomic.Int64 // faults of ConnectWise whose request never came

	mu     sync.Mutex
	faults map[string]int
}

func newFigures() *figures { return &figures{faults: map[string]int{}} }

func (f *figures) fault(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[kind]++
}

// text is a table of the faults.
func (f *figures) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(f.faults)) {
		fmt.Fprintf(&b, "%8d  %s\n", f.faults[kind], kind)
	}
	fmt.Fprintf(&b, "%8d  (of ConnectWise's: their request never came)\n", f.vain.Load())
	return b.String()
}
