package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/cove"
)

const (
	mostTried     = 20                  // devices whose account information is asked for
	sessionsSince = 30 * 24 * time.Hour // how far back a session still explains anything, as in a sweep
	noCause       = "until then the tickets of its devices go without the cause"
)

// sessions tries to read the session errors of some devices, one for each storage node that comes up and one for
// Microsoft 365. Without them devices are judged all the same, so that nothing here is worse than a warning.
func (e *examination) sessions(ctx context.Context, devices []device) {
	chosen := choose(devices)
	if len(chosen) == 0 {
		e.add(ok(aboutSessions, "there is no device with a data source to try with"))
		return
	}
	read := 0
	asked := map[string]bool{}
	var good []string
	for _, d := range chosen {
		if ctx.Err() != nil {
			return
		}
		account, err := e.client.Account(ctx, d.id)
		if err != nil {
			c := failure(aboutAccounts, fmt.Sprintf("the account information of device %d, which leads to its session errors, could not be read", d.id), err)
			c.Level = Warning
			e.add(c)
			return // the right to it is the login's, not the device's
		}
		read++
		place := strings.ToLower(account.Node)
		if d.kind == kindM365 {
			place = "reporting service"
		}
		if asked[place] {
			continue
		}
		asked[place] = true
		if e.ask(ctx, account, d, place) {
			good = append(good, fmt.Sprintf("%q", place))
		}
	}
	e.add(ok(aboutAccounts, "the account information of %s was read, to try their storage nodes", verb(read, "device", "devices")))
	if len(good) > 0 {
		e.add(ok(aboutSessions, "can be read from %s", some(good)))
	}
}

// ask reads the sessions of a device's first data source, and reports whether it could.
func (e *examination) ask(ctx context.Context, account cove.Account, d device, place string) bool {
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	since := e.opts.Clock.Now().Add(-sessionsSince)
	_, _, err := e.client.SessionErrors(ctx, account, d.sources[0], since, cove.Limits{Sessions: 5, Errors: 5})
	if err != nil {
		e.add(unread(err, place, d))
	}
	return err == nil
}

// unread says why the sessions of a device cannot be read.
func unread(err error, place string, d device) Check {
	c := Check{Name: aboutNode, Level: Warning, Remedy: remedy(err)}
	skipped, ok := errors.AsType[*cove.SkippedNodeError](err)
	switch {
	case !ok && d.kind == kindM365:
		c.Name, c.Text = aboutSessions, fmt.Sprintf("the session errors of Microsoft 365 could not be read: %s", err)
	case !ok:
		c.Text = fmt.Sprintf("%q could not be asked for the sessions of device %d: %s", place, d.id, err)
		c.Remedy = "let this machine reach it over HTTPS (port 443); " + noCause
	case skipped.Reason == cove.SkipHost:
		c.Text = fmt.Sprintf("%q, that of device %d, is outside the vendor's domains and is not asked", skipped.Host, d.id)
		c.Remedy = "add it to cove.allowHosts if you trust it; " + noCause
	case skipped.Reason == cove.SkipCertificate:
		c.Text = fmt.Sprintf("the certificate of %q, that of device %d, does not verify", skipped.Host, d.id)
		c.Remedy = "have a valid certificate installed there, as verification is never switched off; " + noCause
	case skipped.Reason == cove.SkipNoNode:
		c.Text = fmt.Sprintf("Cove names no storage node for device %d", d.id)
		c.Remedy = "look at the device in the Cove console; " + noCause
	default:
		c.Text = err.Error()
	}
	return c
}

// choose returns the devices to try with: such as have a data source, one of each partner before the next of one,
// because those of different partners are likelier to be on different nodes; and of a partner those in trouble first.
func choose(devices []device) []device {
	type ranked struct {
		device
		turn int // how many of its partner and kind come before it
	}
	sorted := slices.Clone(devices)
	slices.SortStableFunc(sorted, func(a, b device) int { return cmp.Compare(rank(a), rank(b)) })
	turns := map[string]int{}
	var all []ranked
	for _, d := range sorted {
		if len(d.sources) == 0 || d.kind == kindUnknown {
			continue
		}
		key := fmt.Sprint(d.partner)
		if d.kind == kindM365 {
			key = kindM365 // all have one reporting service
		}
		all = append(all, ranked{d, turns[key]})
		turns[key]++
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.turn, b.turn) })
	var chosen []device
	for _, r := range all {
		if r.kind == kindM365 && r.turn > 0 {
			continue
		}
		if chosen = append(chosen, r.device); len(chosen) == mostTried {
			break
		}
	}
	return chosen
}

func rank(d device) int {
	if d.troubled {
		return 0
	}
	return 1
}
