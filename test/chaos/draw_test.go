package chaos_test

import (
	"math/rand/v2"
	"strings"
	"time"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// draw makes the schedule of a seed.
func draw(seed uint64) schedule {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, 0x636f7665))}
	d.schedule = schedule{
		Seed: seed, Tenants: 1, Devices: 3 + d.IntN(5), Ticketers: 1,
		HandClose: pick(d, tenantv1.HandClose_HAND_CLOSE_REOPEN, tenantv1.HandClose_HAND_CLOSE_NEW,
			tenantv1.HandClose_HAND_CLOSE_RESPECT, tenantv1.HandClose_HAND_CLOSE_WONT_FIX),
		Deleted: pick(d, tenantv1.Deleted_DELETED_LEAVE, tenantv1.Deleted_DELETED_NEW),
		Reopen:  d.chance(30), Pipeline: d.chance(10), Callbacks: d.chance(15),
	}
	if d.chance(15) {
		d.Tenants = 2
	}
	if d.chance(30) {
		d.Ticketers = 2
	}
	if d.chance(12) {
		d.Cap = 1 + d.IntN(3)
	}
	if d.chance(30) {
		d.CatchAll, d.MoveHome = pick(d, "0s", "20m"), d.chance(70)
	}
	d.failing = make([]int, d.Devices)
	if d.chance(12) {
		for range 1 + d.IntN(4) {
			d.add(step{Do: doPrior, Device: d.IntN(d.Devices), How: pick(d, priorScript, priorScript, priorLegacy, priorLost, priorForeign)})
		}
	}
	if d.CatchAll != "" && d.chance(50) {
		d.company(0)
	}
	for range 2 + d.IntN(5) {
		d.beat()
		if d.chance(12) {
			d.scene()
		}
	}
	return d.schedule
}

// drawer draws, and knows how the devices stand so far.
type drawer struct {
	*rand.Rand
	schedule
	failing []int   // way of failing; 0 well, -1 gone
	closed  []int   // devices whose tickets people closed
	unwell  [2]bool // companies of the two customers
}

func (d *drawer) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d *drawer, all ...T) T { return all[d.IntN(len(all))] }

func (d *drawer) add(steps ...step) { d.Steps = append(d.Steps, steps...) }

// beat is some trouble in wait, some devices that change, a sweep, and what people do meanwhile.
func (d *drawer) beat() {
	for range d.IntN(3) {
		d.trouble()
	}
	if d.Pipeline && d.chance(60) {
		d.troubleCove()
	}
	if d.chance(30) {
		d.person(1 + d.IntN(8))
	}
	if d.chance(6) {
		d.company(d.IntN(5))
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
		d.person(0)
		if d.chance(60) {
			d.add(step{Do: doAdvance, N: 60 + d.IntN(300)})
		}
	}
	if d.Callbacks && d.chance(50) {
		d.add(step{Do: doDeliver, How: pick(d, "once", "once", "twice", "reversed", "forged", "foreign-key")})
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

// scene is a sequence that chance alone hardly ever makes.
func (d *drawer) scene() {
	i := d.IntN(d.Devices)
	swept := []step{{Do: doSweep}, {Do: doSettle}}
	becomes := func(way int) {
		d.failing[i] = way
		if way > 0 {
			d.add(step{Do: doFail, Device: i, N: way})
		} else {
			d.add(step{Do: doRecover, Device: i})
		}
	}
	person := func(n int, how string) step { return step{Do: doPerson, Device: i, N: n, How: how} }
	later := func() {
		if d.chance(60) {
			d.add(step{Do: doAdvance, N: 30 + d.IntN(300)})
		}
	}
	becomes(1 + d.IntN(4))
	switch n := d.IntN(5); {
	case n == 0: // what we closed is opened again while the device is well
		d.add(swept...)
		becomes(0)
		d.add(swept...)
		later()
		d.add(person(0, "reopen-ours"))
		later()
		if d.chance(60) {
			becomes(1 + d.IntN(4))
			d.add(swept...)
		}
	case n == 1 && d.replaces(): // a ticket that has a successor is opened again
		d.add(swept...)
		d.closed = append(d.closed, i)
		d.add(person(0, "close"), step{Do: doAdvance, N: 70 + d.IntN(100)}, step{Do: doAdvance, N: 70 + d.respected()}, step{Do: doSettle})
		d.add(person(0, "reopen-former"))
		later()
	case n == 4 && d.replaces(): // what people closed is opened again while its successor cannot be made
		d.add(swept...)
		d.closed = append(d.closed, i)
		d.add(person(0, "close"), step{Do: doServer, Device: i, How: "503,POST_/service/tickets"}, step{Do: doAdvance, N: 70 + d.respected()})
		d.add(person(0, "reopen"))
		later()
	case n <= 2: // in the middle of our close
		d.add(swept...)
		d.add(person(1, "reopen-at-close"))
		becomes(0)
		d.add(swept...)
	default: // the company goes while its ticket is being made, and may come back
		d.add(step{Do: doCompany, Device: i, N: d.IntN(4), How: d.companyAct(i)})
		d.add(swept...)
		later()
		if d.chance(50) {
			becomes(0)
			d.add(swept...)
			becomes(1 + d.IntN(4))
			d.add(swept...)
		}
		if d.chance(50) {
			d.add(step{Do: doCompany, Device: i, N: d.IntN(3), How: companyMend})
			later()
		}
	}
}

// replaces reports whether a ticket that a person closed gets a successor.
func (d *drawer) replaces() bool {
	return d.HandClose == tenantv1.HandClose_HAND_CLOSE_NEW || d.HandClose == tenantv1.HandClose_HAND_CLOSE_RESPECT && !d.Reopen
}

// respected is for how many seconds a ticket that a person closed stays closed.
func (d *drawer) respected() int {
	if d.HandClose == tenantv1.HandClose_HAND_CLOSE_RESPECT {
		return int(respectFor / time.Second)
	}
	return 0
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

// person lets a person do something to a ticket, at the n-th request from then on. What has been closed can be opened again.
func (d *drawer) person(n int) {
	device := d.IntN(d.Devices)
	for range 2 {
		if d.failing[device] == 0 {
			device = d.IntN(d.Devices) // it has no ticket, or one that is over
		}
	}
	act := pick(d, "close", "close", "close", "reopen", "reopen-ours", "reopen-former", "move", "edit", "owner", "company", "merge", "merge-closed", "merge-own", "child", "delete",
		"note", "customer-note")
	switch {
	case act == "reopen-former" && !d.replaces():
		act = "reopen-ours"
	case act == "close" && n == 0:
		d.closed = append(d.closed, device)
	case strings.HasPrefix(act, "reopen") && act != "reopen-ours" && len(d.closed) > 0:
		device = pick(d, d.closed...)
	}
	d.add(step{Do: doPerson, Device: device, N: n, How: act})
}

// company lets a person do something to a company, at the n-th request from then on.
func (d *drawer) company(n int) {
	device := d.IntN(d.Devices)
	d.add(step{Do: doCompany, Device: device, N: n, How: d.companyAct(device)})
}

// companyAct is what a person does to the company of a device's customer.
func (d *drawer) companyAct(device int) string {
	if d.unwell[device%2] && d.chance(60) {
		d.unwell[device%2] = false
		return companyMend
	}
	d.unwell[device%2] = true
	return pick(d, companyInactive, companyInactive, companyDelete, companyRename)
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
		if kind == "403" {
			match = "PATCH_/service/tickets/{id}" // the right that is missing is that to close
		}
		if strings.HasPrefix(kind, "429") && !strings.Contains(match, "/") {
			match = "POST_/service/tickets" // company-sync would wait on the machine's clock
		}
		d.add(step{Do: doServer, Device: device, N: d.IntN(3), How: kind + "," + match})
	case n < 55:
		d.add(step{Do: doLag, Device: device, N: 1 + d.IntN(20)})
	case n < 90:
		d.kill(device)
	default:
		d.add(step{Do: doRedo, N: 1 + d.IntN(4), How: pick(d, "ticketer", "ticketer", "evaluator", "companysync")})
	}
}

func (d *drawer) kill(device int) {
	service, most := pick(d, "ticketer", "ticketer", "ticketer", "ticketer", "evaluator", "companysync"), 25
	switch {
	case d.Pipeline && d.chance(30):
		service = "poller"
	case d.Callbacks && d.chance(10):
		service, most = "hooks", 2
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
}
