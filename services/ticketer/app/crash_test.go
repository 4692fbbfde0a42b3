package app_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// crash counts the steps of a ticketer and ends it at the n-th: from there on nothing that it does reaches the bus
// or the server.
type crash struct {
	mu     sync.Mutex
	at     int // 0: never
	steps  []string
	cancel context.CancelFunc
}

func (c *crash) step(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps = append(c.steps, name)
	if len(c.steps) == c.at {
		c.cancel()
	}
}

// newMortalWorld is a world in which a message that a process took with it comes again soon.
func newMortalWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	js, err := jetstream.New(w.nc)
	require.NoError(t, err)
	require.NoError(t, bus.Provision(t.Context(), js, bus.ProvisionOptions{Partitions: bustest.Partitions, Replicas: 1, AckWait: 300 * time.Millisecond}))
	return w
}

// runInto handles one event of a device with a ticketer that ends at the n-th step, and returns the steps. With n = 0 it
// runs until ok holds.
func (w *world) runInto(n int, say func(), ok func() bool) []string {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	c := &crash{at: n, cancel: cancel}
	say()
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, w.options(func(o *app.Options) { o.OnStep = c.step })) }()
	if n == 0 {
		w.until("the undisturbed run", ok)
		w.drained()
		cancel()
	}
	require.NoError(w.t, <-done)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steps
}

// Every step of create, note and close is a place where a process can die. Whatever it left behind, the next one
// ends with one ticket, every note once, and an event for each of them.
func TestACrashAtAnyStepLeavesOneTicketAndEveryNoteOnce(t *testing.T) {
	t.Parallel()
	const open, closed = ticketv1.Phase_PHASE_OPEN, ticketv1.Phase_PHASE_CLOSED
	for _, c := range []struct {
		name     string
		earlier  []incidentv1.EventKind // handled before, undisturbed
		kind     incidentv1.EventKind
		phase    ticketv1.Phase
		notes    map[string]int
		told     []string
		minSteps int
	}{
		{"create", nil, failed, open, map[string]int{"r1": 2}, []string{"created"}, 10},
		{"note", []incidentv1.EventKind{failed}, changed, open, map[string]int{"r1": 2, "r2": 1}, []string{"created", "annotated"}, 10},
		{
			"close",
			[]incidentv1.EventKind{failed, changed},
			resolved, closed,
			map[string]int{"r1": 2, "r2": 1, "r3": 1},
			[]string{"created", "annotated", "closed"},
			12,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newMortalWorld(t)
			revision := uint32(len(c.earlier) + 1)
			prepare := func(devices ...string) {
				if len(c.earlier) == 0 {
					return
				}
				stop := w.start()
				for _, device := range devices {
					for i, kind := range c.earlier {
						w.say(device, uint32(i+1), kind)
					}
				}
				for _, device := range devices {
					w.until("prepared", w.inPhase(device, open, revision-1))
				}
				w.drained()
				stop()
			}
			check := func(device string) {
				ticket := w.onlyTicket(device)
				require.Equal(t, c.notes, noted(ticket, device))
				require.Equal(t, int64(ticket.ID), w.ledger(device).GetTicketId())
				require.Equal(t, c.phase == closed, ticket.ClosedFlag)
				w.until("told", func() bool {
					seen := map[string]bool{}
					for _, action := range w.told(device) {
						seen[action] = true
					}
					for _, action := range c.told {
						if !seen[action] {
							return false
						}
					}
					return true
				})
			}

			prepare("100")
			steps := w.runInto(0, func() { w.say("100", revision, c.kind) }, w.inPhase("100", c.phase, revision))
			check("100")
			require.GreaterOrEqual(t, len(steps), c.minSteps, "%q", steps)

			var devices []string
			for n := range steps {
				devices = append(devices, fmt.Sprint(201+n))
			}
			prepare(devices...)
			for n := 1; n <= len(steps); n++ {
				device := devices[n-1]
				got := w.runInto(n, func() { w.say(device, revision, c.kind) }, nil)
				require.Equal(t, steps[:n], got[:n])
				stop := w.start()
				w.eventually(fmt.Sprintf("recovered from a crash at step %d, %s", n, steps[n-1]), w.inPhase(device, c.phase, revision))
				check(device)
				stop()
			}
			require.Empty(t, w.cw.Duplicates())
		})
	}
}

// A message that became a dead letter, or was lost in any other way, leaves an incident with work undone. It is found.
func TestAnIncidentWhoseMessageWasLostIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, step string
		revision   uint32 // in whose handling the message is lost
		phase      ticketv1.Phase
	}{
		{"before anything was done", "receive: end", 1, phaseNew},
		{"in the middle of a create", "begin create: end", 1, creating},
		{"before a close was begun", "receive: end", 2, open},
		{"in the middle of a close", "record note: end", 2, closing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var armed atomic.Bool
			w.start(func(o *app.Options) {
				o.OnStep = func(step string) {
					if step == c.step && armed.CompareAndSwap(true, false) {
						panic("a defect, once")
					}
				}
			})
			if c.revision > 1 {
				w.say("7", 1, failed)
				w.until("created", w.inPhase("7", open, 1))
			}
			armed.Store(true)
			kind := map[uint32]incidentv1.EventKind{1: failed, 2: resolved}[c.revision]
			w.say("7", c.revision, kind)
			w.until("the defect", func() bool { return !armed.Load() })
			w.drained()
			require.Equal(t, c.phase, w.ledger("7").GetPhase())
			require.Nil(t, w.ledger("7").GetPark())
			lost := w.clock.Now()

			after := map[uint32]ticketv1.Phase{1: open, 2: closed}[c.revision]
			w.until("taken up again", func() bool {
				if w.inPhase("7", after, c.revision)() {
					return true
				}
				w.clock.Add(30 * time.Second)
				return false
			})
			require.GreaterOrEqual(t, w.clock.Now().Sub(lost), 10*time.Minute)
			require.Equal(t, after == closed, w.onlyTicket("7").ClosedFlag)
			require.Empty(t, w.cw.Duplicates())
		})
	}
}
