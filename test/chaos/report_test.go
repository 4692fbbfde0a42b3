package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// figures count what was done over all schedules. A fault that was drawn is met when it has had its effect: a kill at
// a place that is never reached is no kill.
type figures struct {
	schedules, kills, writes, requests atomic.Int64

	mu         sync.Mutex
	drawn, met map[string]int
}

func newFigures() *figures { return &figures{drawn: map[string]int{}, met: map[string]int{}} }

func (f *figures) draw(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drawn[kind]++
}

func (f *figures) meet(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.met[kind]++
}

// text is a table of the faults.
func (f *figures) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	b.WriteString("   drawn     met\n")
	for _, kind := range slices.Sorted(maps.Keys(f.drawn)) {
		fmt.Fprintf(&b, "%8d%8d  %s\n", f.drawn[kind], f.met[kind], kind)
	}
	return b.String()
}

// neverMet names the faults that were drawn at least so often and never met.
func (f *figures) neverMet(drawn int) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(f.drawn)) {
		if f.drawn[kind] >= drawn && f.met[kind] == 0 {
			all = append(all, kind)
		}
	}
	return all
}

// kind is the name under which a step is counted; empty for what is no fault.
func (s step) kind() string {
	how, _, _ := strings.Cut(s.How, ",")
	switch s.Do {
	case doServer:
		return "ConnectWise: " + how
	case doCove:
		return "Cove: " + how
	case doLag:
		return "lagging search"
	case doPerson:
		return "person: " + how
	case doCompany:
		return "company: " + how
	case doPrior:
		return "ticket from before: " + how
	case doDeliver:
		return "callbacks: " + how
	case doKill:
		return "kill: " + strings.Replace(s.How, ",", " at ", 1)
	case doRedo:
		return "redelivery: " + how
	case doRepeat:
		return "repeated message: " + how
	case doSecond:
		return "second ticketer"
	case doRestart:
		return "broker restart under the services"
	case doCrash:
		return "crash of broker and services"
	case doStep:
		if s.N < 0 {
			return "clock set back"
		}
		return "clock set forward"
	default:
		return ""
	}
}
