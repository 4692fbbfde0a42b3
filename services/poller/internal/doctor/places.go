package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

const (
	levelCustomer = "EndCustomer"
	stateTrial    = "InTrial"
)

// places tells of devices and customers that are not where one expects them.
func (e *examination) places(tree fleet.Tree, devices []device) {
	belongs := map[string]int{}    // devices by customer, or by the partner above customers that owns them
	unlisted := map[string]int{}   // devices by the name of a partner that Cove does not list
	owns := map[string]int{}       // devices by the partner that owns them directly
	above := map[string]struct{}{} // partners above customers that own devices
	for _, d := range devices {
		owner := tree.Owner(strconv.FormatInt(d.partner, 10), d.partnerName)
		owns[strconv.FormatInt(d.partner, 10)]++
		if !owner.Known {
			unlisted[fmt.Sprintf("%q (%d)", d.partnerName, d.partner)]++
			continue
		}
		id := owner.Customer.GetId()
		belongs[id]++
		if owner.Customer.GetLevel() != levelCustomer {
			above[id] = struct{}{}
		}
	}
	e.add(placement(tree, slices.Sorted(maps.Keys(above)), belongs))
	if len(unlisted) > 0 {
		e.add(Check{
			Name: aboutPlacement, Level: Warning, Text: "Cove does not list the owners of some devices: " + some(withDevices(unlisted)),
			Remedy: "move the devices to a customer in the Cove console; until then the owner is taken from its history",
		})
	}
	e.add(trials(tree, belongs, e.opts.TrialsExcluded))
	e.add(bins(tree, owns))
}

func placement(tree fleet.Tree, above []string, belongs map[string]int) Check {
	if len(above) == 0 {
		return ok(aboutPlacement, "every device belongs to a customer")
	}
	devices := 0
	var names []string
	for _, id := range above {
		devices += belongs[id]
		names = append(names, fmt.Sprintf("%s with %s", namedIn(tree[id]), count(belongs[id], "device")))
	}
	return Check{
		Name: aboutPlacement, Level: Warning,
		Text:   fmt.Sprintf("%s to no customer, but directly to what is above: %s", verb(devices, "device belongs", "devices belong"), some(names)),
		Remedy: "move them to a customer in the Cove console, or link the partner to a company; their tickets go there",
	}
}

func trials(tree fleet.Tree, belongs map[string]int, excluded bool) Check {
	var names []string
	devices := 0
	for _, id := range slices.Sorted(maps.Keys(tree)) {
		if p := tree[id]; p.GetLevel() == levelCustomer && p.GetState() == stateTrial {
			names = append(names, fmt.Sprintf("%s with %s", namedIn(p), count(belongs[id], "device")))
			devices += belongs[id]
		}
	}
	if devices == 0 {
		return ok(aboutTrial, "no customer in trial has a device")
	}
	c := Check{
		Name: aboutTrial, Level: Warning, Text: fmt.Sprintf("%s in trial: %s; ", verb(len(names), "customer is", "customers are"), some(names)),
		Remedy: "set excludeTrial: true in the policy if they are to open no tickets",
	}
	if excluded {
		c.Text += "policy leaves their devices out"
		c.Remedy = "set excludeTrial: false in the policy if they are to be watched"
	} else {
		c.Text += "their devices are watched like others"
	}
	return c
}

// bins tells of partners that the console makes for deleted devices. Their names end in "Recycle Bin" (observed).
func bins(tree fleet.Tree, owns map[string]int) Check {
	var names []string
	for _, id := range slices.Sorted(maps.Keys(tree)) {
		p := tree[id]
		if owns[id] > 0 && strings.HasSuffix(strings.ToLower(strings.TrimSpace(p.GetName())), "recycle bin") {
			names = append(names, fmt.Sprintf("%s with %s", namedIn(p), count(owns[id], "device")))
		}
	}
	if len(names) == 0 {
		return ok(aboutBins, "no recycle bin holds a device")
	}
	return Check{
		Name: aboutBins, Level: Warning, Text: "devices in recycle bins are watched like others: " + some(names),
		Remedy: "leave them out by a rule under exclude in the policy, with the bin's name as its customer or site",
	}
}

func withDevices(counts map[string]int) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%s with %s", name, count(counts[name], "device")))
	}
	return list
}

func namedIn(p *statusv1.Partner) string {
	return fmt.Sprintf("%q (%s, %s)", p.GetName(), p.GetLevel(), p.GetId())
}

func verb(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
