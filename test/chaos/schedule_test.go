package chaos_test

import (
	"fmt"
	"math/rand/v2"
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
	doLag     = "lag"     // a new ticket cannot be found for N seconds
	doPerson  = "person"  // person does How to the newest ticket of the device; at the N-th ticketer request from now when N > 0
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
	Reopen    bool // closed tickets are opened again within a day
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

// draw makes the schedule of a seed.
func draw(seed uint64) schedule {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, 0x636f7665))}
	d.schedule = schedule{
		Seed: seed, Tenants: 1, Devices: 3 + d.IntN(5), Ticketers: 1,
		HandClose: pick(d, tenantv1.HandClose_HAND_CLOSE_REOPEN, tenantv1.HandClose_HAND_CLOSE_NEW,
			tenantv1.HandClose_HAND_CLOSE_RESPECT, tenantv1.HandClose_HAND_CLOSE_WONT_FIX),
		Deleted: pick(d, tenantv1.Deleted_DELETED_LEAVE, tenantv1.Deleted_DELETED_NEW),
		Reopen:  d.chance(30),
	}
	if d.chance(15) {
		d.Tenants = 2
	}
	if d.chance(30) {
		d.Ticketers = 2
	}
	d.Pipeline = d.chance(5)
	d.failing = make([]int, d.Devices)
	for range 2 + d.IntN(5) {
		d.beat()
	}
	return d.schedule
}

// drawer draws, and knows how the devices stand so far.
type drawer struct {
	*rand.Rand
	schedule
	failing []int // way of failing; 0 well, -1 gone
}

func (d *drawer) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d *drawer, all ...T) T { return all[d.IntN(len(all))] }

func (d *drawer) add(s step) { d.Steps = append(d.Steps, s) }

// beat is some trouble in wait, some devices that change, a sweep, and what people do meanwhile.
func (d *drawer) beat() {
	for range d.IntN(3) {
		d.trouble()
	}
	if d.chance(30) {
		d.add(step{Do: doPerson, Device: d.IntN(d.Devices), N: 1 + d.IntN(8), How: d.act()})
	}
	for range 1 + d.IntN(3) {
		d.change()
	}
	d.add(step{Do: doSweep})
	switch n := d.IntN(100); {
	case n < 55:
		d.add(step{Do: doSettle})
	case n < 80:
		d.add(step{Do: doAdvance, N: 5 + d.IntN(400)})
	}
	if d.chance(40) {
		d.add(step{Do: doPerson, Device: d.IntN(d.Devices), How: d.act()})
		if d.chance(60) {
			d.add(step{Do: doAdvance, N: 60 + d.IntN(300)})
		}
	}
	switch n := d.IntN(100); {
	case n < 12:
		d.add(step{Do: doRepeat, N: d.IntN(20), How: pick(d, "INCIDENT", "INCIDENT", "INCIDENT", "STATUS", "COMPANY")})
	case n < 18:
		d.add(step{Do: doSecond})
	case n < 22:
		d.add(step{Do: doCrash})
	case n < 27:
		d.add(step{Do: doStep, N: pick(d, -3600, -600, -61, -5, 61, 600, 7200)})
	}
}

func (d *drawer) change() {
	i := d.IntN(d.Devices)
	switch {
	case d.failing[i] > 0 && d.chance(50), d.failing[i] < 0 && d.chance(40):
		d.failing[i] = 0
		d.add(step{Do: doRecover, Device: i})
	case d.failing[i] > 0 && d.chance(15):
		d.failing[i] = -1
		d.add(step{Do: doVanish, Device: i})
	default:
		d.failing[i] = 1 + (max(d.failing[i], 0)+d.IntN(3))%4
		d.add(step{Do: doFail, Device: i, N: d.failing[i]})
	}
}

// act is what a person does to a ticket.
func (d *drawer) act() string {
	return pick(d, "close", "close", "close", "reopen", "move", "edit", "owner", "company", "merge", "merge-own", "child", "delete", "note", "customer-note")
}

func (d *drawer) trouble() {
	device := d.IntN(d.Devices)
	switch n := d.IntN(100); {
	case n < 45:
		match := pick(d, "POST_/service/tickets", "POST_/service/tickets", "POST_/service/tickets/{id}/notes", "PATCH_/service/tickets/{id}", "GET_/service/tickets",
			"GET_/service/tickets/{id}/notes", "POST", "PATCH", "GET", "")
		kind := pick(d,
			"lost-drop", "lost-drop", "lost-500", "lost-500", "500", "503", "502-html", "html-200", "429", "429-after", "slow", "slow", "slow-before", "truncated",
			"empty", "drop", "401", "403", "404-keys", "code-base")
		if strings.HasPrefix(kind, "429") && !strings.Contains(match, "/") {
			match = "POST_/service/tickets" // company-sync would wait on the machine's clock
		}
		d.add(step{Do: doServer, Device: device, N: d.IntN(3), How: kind + "," + match})
	case n < 55:
		d.add(step{Do: doLag, Device: device, N: 1 + d.IntN(20)})
	case n < 90:
		service, most := pick(d, "ticketer", "ticketer", "ticketer", "ticketer", "evaluator", "companysync"), 25
		if d.Pipeline && d.chance(30) {
			service = "poller"
		}
		place := pick(d, "frame-before", "frame-after")
		switch service {
		case "ticketer":
			place = pick(d, "frame-before", "frame-after", "request-before", "request-after", "step", "pause")
			if strings.HasPrefix(place, "request") {
				most = 8
			}
		case "companysync":
			most = 4 // it writes little
		}
		d.add(step{Do: doKill, Device: device, N: 1 + d.IntN(most), How: service + "," + place})
	default:
		d.add(step{Do: doRedo, N: 1 + d.IntN(4), How: pick(d, "ticketer", "ticketer", "evaluator", "companysync")})
	}
}
