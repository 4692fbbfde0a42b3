package chaos_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

var errStuck = errors.New("it goes on for ever")

const (
	lookAgain = 3 * time.Millisecond
	// stalled is how long nothing may happen before the clock goes on although something is under way.
	stalled = 25 * time.Millisecond
)

// idle waits until nothing moves unless the clock does. The clock goes on only where something waits for it: a slow
// answer, or a consumer that pauses after an interruption.
func (w *world) idle() error {
	limit := time.NewTimer(realLimit)
	defer limit.Stop()
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	pause := time.NewTimer(stalled)
	defer pause.Stop()
	last, quiet := w.activity.Load(), false
	for {
		if err := w.revive(); err != nil {
			return err
		}
		now, inFlight := w.activity.Load(), 0
		for _, m := range w.tenants {
			inFlight += int(m.gate.inFlight.Load())
		}
		pending, unanswered := -1, -1
		if now != last {
			pause.Reset(stalled)
		} else if inFlight == 0 && w.standing.Load() == 0 && !w.calling() {
			// The broker is asked only when nobody is heard, because asking is the dearest thing here.
			var err error
			if pending, unanswered, err = w.outstanding(); err != nil {
				return err
			}
			sweeping := false
			for _, m := range w.tenants {
				at, err := m.sweeping()
				if err != nil {
					return err
				}
				sweeping = sweeping || at
			}
			if pending == 0 && unanswered == 0 && !sweeping && w.activity.Load() == now {
				if quiet {
					return nil
				}
				quiet = true
			} else {
				quiet = false
			}
		}
		last = now
		select {
		case <-look.C:
		case <-w.ctx.Done():
			return w.ctx.Err()
		case <-limit.C:
			return fmt.Errorf("%w: %d messages to handle, %d unanswered, %d requests under way", errStuck, pending, unanswered, inFlight)
		}
		select {
		case <-pause.C:
			switch {
			case w.standing.Load() > 0:
			case inFlight > 0 && w.slow:
				w.pass(3 * time.Second)
			case unanswered == 0, // a consumer pauses, or a poller waits for a lease
				w.restarted && inFlight == 0: // a consumer pauses that has a message from before
				w.pass(time.Second)
			}
			pause.Reset(stalled)
		default:
		}
	}
}

// outstanding counts the messages of a stream that its consumers are to handle, and those that they are handling or that
// come again; both are zero when no stream has any.
func (w *world) outstanding() (pending, unanswered int, err error) {
	for _, name := range []string{"INCIDENT", "STATUS", "COMPANY"} {
		stream, err := w.js.Stream(w.ctx, name)
		if err != nil {
			return 0, 0, fmt.Errorf("look at stream %s: %w", name, err)
		}
		consumers := stream.ListConsumers(w.ctx)
		for c := range consumers.Info() {
			if c.Config.Durable != "" && c.Name != string(bus.CompanyOrders) {
				pending += int(c.NumPending)
				unanswered += c.NumAckPending
			}
		}
		if err := consumers.Err(); err != nil {
			return 0, 0, fmt.Errorf("look at the consumers of %s: %w", name, err)
		}
		if pending+unanswered > 0 {
			return pending, unanswered, nil
		}
	}
	return 0, 0, nil
}

// calmDown mends everything and lets time go by until nothing is left to do, and then until every closing by hand has
// been respected long enough.
func (w *world) calmDown() error {
	for _, p := range w.processes {
		p.disarm()
	}
	for _, m := range w.tenants {
		w.figures.vain.Add(int64(len(m.fake.PendingFaults())))
		m.fake.ClearFaults()
		m.gate.clear()
		if err := m.fake.Configure(func(o *cwfake.Switches) { o.SearchLag = 0 }); err != nil {
			return err
		}
	}
	if w.restarted {
		w.killAll() // their views take up to twenty seconds to follow again
	}
	if err := w.revive(); err != nil {
		return err
	}
	// Twice, so that what the first sweep and the people before it left is seen by a second.
	for range 2 {
		if err := w.idle(); err != nil {
			return err
		}
		w.pass(time.Second)
		for _, m := range w.tenants {
			if err := m.sweep(); err != nil {
				return err
			}
		}
		if err := w.settled(); err != nil {
			return err
		}
		// Time for a comparison of all tickets, for what was respected to be over, and for another comparison.
		w.pass(14 * observeEvery)
		if err := w.settled(); err != nil {
			return err
		}
		w.pass(respectFor)
		if err := w.settled(); err != nil {
			return err
		}
	}
	return nil
}

// settled lets time go by until no incident has anything left to do.
func (w *world) settled() error {
	moving := ""
	for round := range 40 {
		if err := w.idle(); err != nil {
			return err
		}
		var err error
		if moving, err = w.moving(); err != nil {
			return err
		}
		if moving == "" {
			return nil
		}
		w.pass(min(30*time.Second<<min(round, 6), 12*time.Minute))
	}
	return fmt.Errorf("%w: %s", errStuck, moving)
}

// moving names an incident that is not as it should stay, or returns "".
func (w *world) moving() (string, error) {
	found := ""
	for _, m := range w.tenants {
		err := w.ledgers.Each(w.ctx, bus.Key(m.id)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
			l := e.Value
			still := false
			switch l.GetPhase() {
			case ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_DROPPED, ticketv1.Phase_PHASE_HANDED_OVER:
				still = true
			case ticketv1.Phase_PHASE_OPEN:
				still = l.GetPark() == nil && l.GetShown().GetRevision() == l.GetWanted().GetRevision() && l.GetNoteBegunRevision() == 0
			default:
			}
			if !still {
				found = fmt.Sprintf("incident %s of %s is %s, shows r%d of r%d, waits for %s %s", l.GetIncidentId(), m.id, l.GetPhase(),
					l.GetShown().GetRevision(), l.GetWanted().GetRevision(), l.GetPark().GetReason(), l.GetPark().GetDetail())
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return found, nil
}

// dead returns what could not be handled.
func (w *world) deadLetters() ([]string, error) {
	stream, err := w.js.Stream(w.ctx, "DLQ")
	if err != nil {
		return nil, err
	}
	var all []string
	state := stream.CachedInfo().State
	for n := state.FirstSeq; n <= state.LastSeq && n > 0; n++ {
		raw, err := stream.GetMsg(w.ctx, n)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("%s %v", raw.Subject, raw.Header))
	}
	return all, nil
}
