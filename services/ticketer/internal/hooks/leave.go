package hooks

import (
	"context"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// leaveWithin is how long after its change the entry of a tenant that left is looked for. What has not come about by
// then, because the server or its keys are gone, will not.
const leaveWithin = 30 * 24 * time.Hour

// leavers are the tenants that were live with callbacks, and are so no more: they were removed, or went back to shadow.
// Their server would call us for ever.
type leavers struct {
	seen    map[string]tenantv1.Mode // the tenants as they were when the record was read; nil: not yet
	tenants map[string]*leaver       // by id
}

// leaver is one of them, with what it was when it left.
type leaver struct {
	settings *tenantv1.Settings // the last that were live with callbacks
	left     time.Time
	entry    registration
}

// leave removes our entries at the servers of tenants that left. It is the one thing that is written for a tenant in
// shadow: what was asked for while it was live is taken back.
func (h *Hooks) leave(ctx context.Context, settings map[string]*tenantv1.Settings) {
	modes := map[string]tenantv1.Mode{}
	for id, s := range settings {
		modes[id] = s.GetMode()
	}
	if h.leavers.seen == nil || !maps.Equal(h.leavers.seen, modes) {
		found, err := h.left(ctx, settings)
		if err != nil {
			if ctx.Err() == nil {
				h.log.WarnContext(ctx, "tenants that left cannot be looked up; their callback entries stay for now", "err", err)
			}
			return
		}
		h.leavers = leavers{modes, found}
	}
	now := h.clock.Now()
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(mostAtOnce)
	for id, l := range h.leavers.tenants {
		waiting := now.Before(l.entry.due) && l.entry.due.Sub(now) <= registerEvery // longer: the clock was set back
		if l.entry.clean || waiting || now.Sub(l.left) > leaveWithin {
			continue
		}
		all.Go(func() error {
			h.takeBack(ctx, id, l, now)
			return nil
		})
	}
	_ = all.Wait() // what fails is told tenant by tenant
}

func (h *Hooks) takeBack(ctx context.Context, id string, l *leaver, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, registerLimit)
	defer cancel()
	err := h.align(ctx, l.settings, "")
	r := &l.entry
	r.clean, r.due = err == nil, now.Add(registerEvery)
	if err != nil && errclass.Of(err) == errclass.Transient {
		r.due = now.Add(registerRetry)
	}
	if r.tell(err) {
		h.log.WarnContext(ctx, "ConnectWise goes on calling for a tenant that left; delete its callback entry there, or bring the tenant back without connectwise.callbacks",
			"tenant", id, "entry", h.described(id), "err", err)
	}
}

// described is how our entry at a tenant's server is called.
func (h *Hooks) described(tenant string) string {
	return fmt.Sprintf("Covewise %s %s", h.opts.Bus.Installation(), tenant)
}

// left reads from the record of settings who left, and what they were before.
func (h *Hooks) left(ctx context.Context, settings map[string]*tenantv1.Settings) (map[string]*leaver, error) {
	all := map[string]*leaver{}
	err := h.opts.Bus.History(ctx, bus.Settings, bus.VerbTenant, "", func(d bus.Delivery) error {
		change := &tenantv1.Changed{}
		if err := d.Decode(change); err != nil {
			return err
		}
		s, l := change.GetSettings(), all[change.GetTenant()]
		switch {
		case s.GetMode() == tenantv1.Mode_MODE_LIVE && s.GetConnectwise().GetCallbacks() != nil:
			all[change.GetTenant()] = &leaver{settings: s}
		case s.GetMode() == tenantv1.Mode_MODE_LIVE: // whoever unsets callbacks is seen to while being live
			delete(all, change.GetTenant())
		case l != nil && l.left.IsZero():
			l.left = change.GetChangedAt().AsTime()
		}
		return nil
	})
	maps.DeleteFunc(all, func(id string, l *leaver) bool {
		return l.left.IsZero() || settings[id].GetMode() == tenantv1.Mode_MODE_LIVE
	})
	for id, l := range all {
		if was := h.leavers.tenants[id]; was != nil && was.left.Equal(l.left) {
			l.entry = was.entry
		}
	}
	return all, err
}
