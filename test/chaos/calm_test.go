package chaos_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
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
		} else if inFlight == 0 && w.delivering.Load() == 0 && w.standing.Load() == 0 && !w.calling() {
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
			case w.delivering.Load() > 0: // it is tried again later
				w.pass(time.Second)
			case unanswered == 0, // a consumer pauses, or a poller waits for a lease
				w.restarted.Load() && inFlight == 0: // a consumer pauses that has a message from before
				w.pass(time.Second)
			}
			pause.Reset(stalled)
		default:
		}
	}
}

// outstanding counts the messages of a stream that its consumers are to handle, and those that they are handling or that
// come again; both are zero when no stream has any. It looks into the broker, because asking it costs many times as much.
func (w *world) outstanding() (pending, unanswered int, err error) {
	account, err := w.server.Load().JszAccount(&server.JSzOptions{Account: w.account, Streams: true, Consumer: true, Config: true})
	if err != nil {
		return 0, 0, fmt.Errorf("look at the streams: %w", err)
	}
	for _, stream := range account.Streams {
		switch stream.Name {
		case "INCIDENT", "STATUS", "COMPANY":
		default:
			continue
		}
		for _, c := range stream.Consumer {
			if c.Config.Durable != "" && c.Name != string(bus.CompanyOrders) {
				pending += int(c.NumPending)
				unanswered += c.NumAckPending
			}
		}
	}
	return pending, unanswered, nil
}

// calmDown mends everything and lets time go by until nothing is left to do.
func (w *world) calmDown() error {
	for _, p := range w.processes {
		p.disarm()
	}
	for _, m := range w.tenants {
		m.mendServers()
		m.gate.clear()
		if err := m.fake.Configure(func(o *cwfake.Switches) { o.SearchLag = 0 }); err != nil {
			return err
		}
	}
	if w.restarted.Load() {
		w.killAll() // their views take up to twenty seconds to follow again
	}
	if err := w.revive(); err != nil {
		return err
	}
	// Companies that are not well stay so until what waits for them has been judged.
	rounds := 2
	for _, m := range w.tenants {
		if err := m.rolledUp(); err != nil {
			return err
		}
		if m.ill() {
			rounds = 3
		}
	}
	// Twice, so that what the first sweep and the people before it left is seen by a second.
	for round := range rounds {
		if rounds == 3 && round == 1 {
			if err := w.judge(); err != nil || len(w.findings) > 0 {
				return err
			}
			for _, m := range w.tenants {
				if err := m.mendCompanies(); err != nil {
					return err
				}
			}
		}
		if err := w.becalm(); err != nil {
			return err
		}
	}
	for _, m := range w.tenants {
		if err := m.rolledUp(); err != nil {
			return err
		}
		m.countHandling()
	}
	return nil
}

// becalm lets time go by until nothing is left to do, and then until every closing by hand has been respected long enough.
func (w *world) becalm() error {
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
	// For a comparison of all tickets, for what was respected to be over, and for another comparison.
	for _, d := range []time.Duration{14 * observeEvery, respectFor} {
		if err := w.compared(d); err != nil {
			return err
		}
		if err := w.settled(); err != nil {
			return err
		}
	}
	return nil
}

// compared lets a time go by, and then as much as it takes until every tenant's tickets have been looked at. Whoever waits
// for the clock may need some of the machine's time to wake up, in which nothing moves.
func (w *world) compared(d time.Duration) error {
	looks := make([]look, len(w.tenants))
	for i, m := range w.tenants {
		var err error
		if looks[i], err = m.lastLook(); err != nil {
			return err
		}
	}
	w.pass(d)
	for range 40 {
		for range 60 {
			if err := w.idle(); err != nil {
				return err
			}
			all := true
			for i, m := range w.tenants {
				now, err := m.lastLook()
				if err != nil {
					return err
				}
				all = all && now.later(looks[i], w.clock.Now())
			}
			if all {
				return nil
			}
		}
		w.pass(5 * time.Minute)
	}
	return fmt.Errorf("%w: the tickets are not compared", errStuck)
}

// look is a tenant's last look at tickets, as the desk's record tells.
type look struct {
	none     bool // there are no tickets
	revision uint64
	census   time.Time
}

func (m *msp) lastLook() (look, error) {
	desk, revision, err := m.world.desks.Get(m.world.ctx, bus.Key(m.id))
	l := look{none: true, revision: revision, census: desk.GetCensusAt().AsTime()}
	if err != nil {
		return l, err
	}
	err = m.world.ledgers.Each(m.world.ctx, bus.Key(m.id)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		l.none = l.none && e.Value.GetTicketId() == 0
		return nil
	})
	return l, err
}

// later reports whether a whole look lies between: its turn and its end are written. It was a comparison of all tickets,
// unless one is recorded as still to come, because the clock was set back.
func (l look) later(than look, now time.Time) bool {
	return l.none || l.revision >= than.revision+2 && (l.census.After(than.census) || l.census.After(now))
}

// rolledUp waits until whoever waits for the next hour is told of in a roll-up.
func (m *msp) rolledUp() error {
	if m.cap == 0 {
		return nil
	}
	wrong, rounds := "", 30
	if m.world.setBack {
		rounds = 150 // waits last so much longer
	}
	for range rounds {
		if err := m.world.idle(); err != nil {
			return err
		}
		var err error
		if wrong, err = m.judgeRollups(); err != nil || wrong == "" {
			return err
		}
		m.world.pass(observeEvery)
	}
	m.world.found("what waits for the next hour is rolled up", "%s", wrong)
	return nil
}

// settled lets time go by until no incident has anything left to do.
func (w *world) settled() error {
	moving := ""
	for round := range 80 { // with a cap of one an hour this takes the clock as many hours as there are devices
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
			case ticketv1.Phase_PHASE_CLOSED, ticketv1.Phase_PHASE_DROPPED:
				still = true
			case ticketv1.Phase_PHASE_HANDED_OVER:
				still = l.GetPark() == nil || l.GetPark().GetUntil().AsTime().After(w.clock.Now())
			case ticketv1.Phase_PHASE_OPEN:
				still = l.GetPark() == nil && l.GetShown().GetRevision() == l.GetWanted().GetRevision() && l.GetNoteBegunRevision() == 0
			default:
			}
			wait := l.GetPark().GetDetail()
			if where := m.astray(l); where != "" {
				still, wait = false, where
			}
			if !still && !m.excused(l) {
				found = fmt.Sprintf("incident %s of %s is %s, shows r%d of r%d, waits for %s %s", l.GetIncidentId(), m.id, l.GetPhase(),
					l.GetShown().GetRevision(), l.GetWanted().GetRevision(), l.GetPark().GetReason(), wait)
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
