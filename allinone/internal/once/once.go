// Package once sees one sweep of every tenant through to the end of its effects, and says how it went. It reads
// what the services keep on the bus and changes nothing.
package once

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/covewise/covewise/allinone/internal/compose"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// step is how often the state of the work is looked at.
const step = 200 * time.Millisecond

// Run sweeps every tenant, waits until the effects are done or timeout is over, writes a line for each tenant to
// out, and returns whether all were complete. An error means that the system itself failed.
func Run(ctx context.Context, s *compose.System, c clock.Clock, timeout time.Duration, out io.Writer) (complete bool, err error) {
	w, err := open(ctx, s.Bus, c)
	if err != nil {
		return false, err
	}
	before, err := w.look(ctx)
	if err != nil {
		return false, err
	}
	sweeps, err := s.Sweep(ctx)
	if err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	after, unfinished, err := w.wait(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		// Time is up: what there is must still be told.
		unfinished = fmt.Sprintf("not finished after %s: %s; the next run goes on", timeout, unfinished)
		after, err = w.look(ctx)
	}
	if err != nil {
		return false, err
	}
	complete = true
	for _, id := range slices.Sorted(maps.Keys(sweeps)) {
		r := account(sweeps[id], before, after, unfinished)
		complete = complete && r.Complete
		if _, err := fmt.Fprintln(out, r); err != nil {
			return false, fmt.Errorf("write the result: %w", err)
		}
	}
	if len(sweeps) == 0 {
		_, err = fmt.Fprintln(out, "no tenants")
	}
	return complete, err
}

// state is what the services have on record at a time.
type state struct {
	now      time.Time
	began    time.Time // when the run began: what failed before is tried again at its start
	ledgers  map[string]*ticketv1.Ledger
	links    map[string]*companyv1.Link
	settings map[string]*tenantv1.Settings
	devices  map[string]*incidentv1.DeviceState
	// revisions sums up the revisions of ledgers and links: equal sums mean that nothing was written between.
	revisions uint64
}

func newState(now, began time.Time) state {
	return state{
		now: now, began: began, ledgers: map[string]*ticketv1.Ledger{}, links: map[string]*companyv1.Link{},
		settings: map[string]*tenantv1.Settings{}, devices: map[string]*incidentv1.DeviceState{},
	}
}

type watch struct {
	bus      *bus.Bus
	clock    clock.Clock
	began    time.Time
	ledgers  *bus.Store[*ticketv1.Ledger]
	links    *bus.Store[*companyv1.Link]
	settings *bus.Store[*tenantv1.Settings]
	devices  *bus.Store[*incidentv1.DeviceState]
}

func open(ctx context.Context, b *bus.Bus, c clock.Clock) (*watch, error) {
	w := &watch{bus: b, clock: c, began: c.Now()}
	var err error
	if w.ledgers, err = bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger); err != nil {
		return nil, err
	}
	if w.links, err = bus.OpenStore[*companyv1.Link](ctx, b, bus.CompanyMap); err != nil {
		return nil, err
	}
	if w.settings, err = bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants); err != nil {
		return nil, err
	}
	w.devices, err = bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState)
	return w, err
}

func (w *watch) look(ctx context.Context) (state, error) {
	s := newState(w.clock.Now(), w.began)
	err := w.work(ctx, &s)
	if err == nil {
		err = w.devices.Each(ctx, ">", func(e bus.Entry[*incidentv1.DeviceState]) error {
			s.devices[e.Key] = e.Value
			return nil
		})
	}
	return s, err
}

// work reads what says whether something is still to be done.
func (w *watch) work(ctx context.Context, s *state) error {
	err := w.ledgers.Each(ctx, ">", func(e bus.Entry[*ticketv1.Ledger]) error {
		s.ledgers[e.Key] = e.Value
		s.revisions += e.Revision
		return nil
	})
	if err != nil {
		return err
	}
	err = w.links.Each(ctx, ">", func(e bus.Entry[*companyv1.Link]) error {
		s.links[e.Key] = e.Value
		s.revisions += e.Revision
		return nil
	})
	if err != nil {
		return err
	}
	return w.settings.Each(ctx, ">", func(e bus.Entry[*tenantv1.Settings]) error {
		s.settings[e.Value.GetId()] = e.Value
		return nil
	})
}

// wait returns the state once nothing is under way any more. With an error it returns what was being waited for.
func (w *watch) wait(ctx context.Context) (s state, unfinished string, err error) {
	quiet := uint64(0) // of the last look, which found nothing to do
	for {
		pending, err := w.pending(ctx)
		if err != nil {
			return s, unfinished, err
		}
		s = newState(w.clock.Now(), w.began)
		if err := w.work(ctx, &s); err != nil {
			return s, unfinished, err
		}
		if pending == "" {
			pending = s.busy()
		}
		// One quiet look is no proof: a wake may be on its way from one service to another.
		if pending == "" && quiet == s.revisions+1 {
			s, err = w.look(ctx)
			return s, "", err
		}
		quiet = 0
		if pending == "" {
			quiet = s.revisions + 1
		} else {
			unfinished = pending
		}
		if err := w.clock.Sleep(ctx, step); err != nil {
			return s, unfinished, err
		}
	}
}

// pending names the first service in the order of the pipeline that has messages to handle.
func (w *watch) pending(ctx context.Context) (string, error) {
	for _, role := range []bus.Role{bus.Evaluator, bus.Ticketer, bus.CompanySync} {
		drained, err := w.bus.Drained(ctx, role)
		if err != nil {
			return "", err
		}
		if !drained {
			return fmt.Sprintf("%s still has messages to handle", role), nil
		}
	}
	return "", nil
}
