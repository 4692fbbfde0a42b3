package chaos_test

import (
	"fmt"
	"strconv"
	"strings"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// The steps of a schedule.
const (
	doFail    = "fail"    // device fails in way N
	doRecover = "recover" // device is well
	doVanish  = "vanish"  // the vendor does not list the device any more
	doSweep   = "sweep"   // every tenant is swept
	doSettle  = "settle"  // until nothing moves without the clock
	doAdvance = "advance" // the clocks go on by N seconds
	doStep    = "clock"   // the services' clock is set by N seconds, back when negative; the servers' is not
	doServer  = "server"  // fault How ("kind match …") at the (N+1)-th request that it matches, at the device's tenant
	doCove    = "cove"    // fault How of Cove ("kind method") at the (N+1)-th call that it matches
	doLag     = "lag"     // a new ticket cannot be found for N seconds
	doPerson  = "person"  // person does How to the newest ticket of the device; at the N-th ticketer request from now when N > 0
	doCompany = "company" // person does How to the company of the device's customer; at the N-th ticketer request from now when N > 0
	doPrior   = "prior"   // a ticket of sort How for the device is on the board before Covewise comes to it
	doDeliver = "deliver" // ConnectWise's callbacks about everything since the last time arrive, in way How
	doKill    = "kill"    // service and place in How, at the N-th place of that sort from now; at place "pause" it stands still for a time
	doRedo    = "redo"    // the N-th acknowledgement of the service How from now is a refusal: the message comes again at once
	doRepeat  = "repeat"  // an earlier message of stream How, N from the last, is stored again
	doSecond  = "second"  // another ticketer starts
	doRestart = "restart" // the broker starts anew under the services, which takes seconds of the machine's time
	doCrash   = "crash"   // broker and services end, and start again on what is on disk
)

// step is one thing that happens. How holds blanks only as '_'.
type step struct {
	Do     string
	Device int
	N      int
	How    string
}

// String returns the step as parseSteps reads it.
func (s step) String() string {
	return strings.TrimRight(fmt.Sprintf("%s:%d:%d:%s", s.Do, s.Device, s.N, s.How), ":")
}

// schedule is everything that is done to a small world; the same seed gives the same.
type schedule struct {
	Seed      uint64
	Tenants   int
	Devices   int
	Ticketers int
	Pipeline  bool // with poller and Cove; else the harness publishes what they would
	HandClose tenantv1.HandClose
	Deleted   tenantv1.Deleted
	Reopen    bool   // closed tickets are opened again within a day
	Callbacks bool   // ConnectWise is asked to call
	Cap       int    // tickets of an hour, beyond which there is a roll-up; 0: very many
	CatchAll  string // after what time a company stands in for a customer's own; empty: never
	MoveHome  bool   // such tickets move when there is the customer's own
	Steps     []step
}

func (s schedule) text() string {
	parts := make([]string, 0, len(s.Steps))
	for _, one := range s.Steps {
		parts = append(parts, one.String())
	}
	return strings.Join(parts, " ")
}

func parseSteps(text string) ([]step, error) {
	var all []step
	for word := range strings.FieldsSeq(text) {
		parts := strings.SplitN(word, ":", 4)
		s := step{Do: parts[0]}
		for i, into := range []*int{&s.Device, &s.N} {
			if len(parts) > i+1 {
				n, err := strconv.Atoi(parts[i+1])
				if err != nil {
					return nil, fmt.Errorf("step %q: %w", word, err)
				}
				*into = n
			}
		}
		if len(parts) > 3 {
			s.How = parts[3]
		}
		all = append(all, s)
	}
	return all, nil
}
