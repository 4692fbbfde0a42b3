package chaos_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/covewise/covewise/platform/errclass"
	companysync "github.com/covewise/covewise/services/companysync/app"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
	poller "github.com/covewise/covewise/services/poller/app"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

// verdict is what becomes of a frame.
type verdict int

const (
	pass verdict = iota
	refuse
	dieBefore
	dieAfter
)

// process is one run of a service: it dies as by SIGKILL, that is, nothing that it does afterwards reaches anybody.
type process struct {
	service string
	world   *world
	conn    *nats.Conn
	end     context.CancelFunc
	ended   chan struct{}
	dead    atomic.Bool
	retired atomic.Bool // told to end, or killed: its end is no failure

	mu     sync.Mutex
	wires  []net.Conn
	deaths []death
	redo   []int         // acknowledgements from now that are turned into refusals
	stands chan struct{} // closed when the process goes on; nil while it runs
	calls  int           // exchanges with ConnectWise that it is in

	hooks atomic.Pointer[ticketer.Hooks] // of one that takes callbacks, once it does
}

// death is when a process is to die.
type death struct {
	place string // "frame-before", "frame-after", "step" or, of one that only stands still for a time, "pause"
	left  int
}

// services are those of the world, in the order in which they start.
func (w *world) services() []string {
	all := []string{"ticketer", "companysync", "evaluator"}
	if w.pipeline {
		all = append(all, "poller")
	}
	if w.door != nil {
		all = append(all, "hooks")
	}
	return all
}

// start runs a service.
func (w *world) start(service string) error {
	ctx, end := context.WithCancel(w.ctx)
	p := &process{service: service, world: w, end: end, ended: make(chan struct{})}
	conn, err := nats.Connect("", nats.InProcessServer(p), nats.MaxReconnects(-1), nats.ReconnectWait(5*time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.Timeout(10*time.Second), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		end()
		return fmt.Errorf("connect %s: %w", service, err)
	}
	p.conn = conn
	w.guard.Lock()
	w.processes = append(w.processes, p)
	w.guard.Unlock()
	log := w.log.With("service", service)
	var run func() error
	switch service {
	case "evaluator":
		run = func() error {
			return evaluator.Run(ctx, evaluator.Options{NATS: conn, Logger: log, Clock: w.clock, LookupEnv: secrets})
		}
	case "companysync":
		run = func() error {
			return companysync.Run(ctx, companysync.Options{NATS: conn, Logger: log, Clock: w.clock, LookupEnv: secrets})
		}
	case "poller":
		run = func() error {
			return poller.Run(ctx, poller.Options{
				NATS: conn, Logger: log, Clock: w.clock, LookupEnv: secrets, ID: "chaos", ErrorsBudget: realLimit / 2, RequestsPerSecond: math.Inf(1),
			})
		}
	case "hooks":
		run = func() error {
			return p.takeCallbacks(ctx, ticketer.Options{NATS: conn, Logger: log, Clock: w.clock, Pace: w.pace, LookupEnv: secrets})
		}
	default:
		run = func() error {
			return ticketer.Run(ctx, ticketer.Options{
				NATS: conn, Logger: log, Clock: w.clock, Pace: w.pace, LookupEnv: secrets, ObserveEvery: observeEvery, OnStep: p.step,
			})
		}
	}
	go func() {
		defer close(p.ended)
		err := run()
		switch {
		case p.retired.Load():
		case w.restarted.Load() && errclass.Of(err) == errclass.Transient:
			p.kill() // it was starting when the broker went away; whoever supervises it starts it again
		default:
			w.found("a service ended by itself", "%s: %v", service, err)
		}
	}()
	return nil
}

// InProcessConn connects to the broker that runs now.
func (p *process) InProcessConn() (net.Conn, error) {
	if p.dead.Load() {
		return nil, errDead
	}
	conn, err := p.world.server.Load().InProcessConn()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wires = append(p.wires, conn)
	return &wire{Conn: conn, process: p}, nil
}

// kill ends the process at once. It may be called from anywhere, also from its own goroutines.
func (p *process) kill() {
	p.retired.Store(true)
	if p.dead.Swap(true) {
		return
	}
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.wires {
		_ = conn.Close() // it may be closed already
	}
	go p.conn.Close() // may wait for the goroutine that this is
	p.world.figures.kills.Add(1)
}

// says is told of every publish and returns what becomes of it.
func (p *process) says(subject string, payload []byte) verdict {
	if subject == "" || strings.HasPrefix(subject, "$JS.API.CONSUMER.MSG.NEXT.") || bytes.Equal(payload, []byte("+WPI")) {
		return pass
	}
	p.world.activity.Add(1)
	if !durable(subject) {
		return pass
	}
	p.world.figures.writes.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.due("frame-before"):
		return dieBefore
	case p.due("frame-after"):
		return dieAfter
	case acknowledges(subject) && bytes.Equal(payload, []byte("+ACK")):
		for i := range p.redo {
			if p.redo[i]--; p.redo[i] == 0 {
				p.world.figures.meet("redelivery: " + p.service)
				return refuse
			}
		}
	}
	return pass
}

// step is told of every durable or remote step of a ticketer.
func (p *process) step(name string) {
	p.mu.Lock()
	switch what, end, _ := strings.Cut(name, ": "); {
	case !slices.Contains(exchanges(), what):
	case end == "begin":
		p.calls++
	default:
		p.calls--
	}
	kill, pause := p.due("step"), p.due("pause")
	if pause && p.stands == nil {
		p.stands = make(chan struct{})
		p.world.standing.Add(1)
		time.AfterFunc(2*ackWait, p.proceed)
	}
	p.mu.Unlock()
	if kill {
		p.kill()
	}
	p.wait()
}

// exchanges are the ticketer's steps that write to ConnectWise. A process may be in one although the broker has given its
// message to another, because it stood still: time must not go by until it has ended, for a request is given up long before
// anybody has waited out the patience.
func exchanges() []string {
	return []string{"post ticket", "post note", "close ticket", "reopen ticket", "mark ticket", "move ticket", "attach ticket"}
}

// calling reports whether a ticketer that lives is in such an exchange.
func (w *world) calling() bool {
	for _, p := range w.running("ticketer") {
		p.mu.Lock()
		calls := p.calls
		p.mu.Unlock()
		if calls > 0 {
			return true
		}
	}
	return false
}

// proceed ends a standstill.
func (p *process) proceed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.stands)
	p.stands = nil
	// What it was about to do follows at once, and no time must go by before: it may be a write.
	time.AfterFunc(ackWait/2, func() { p.world.standing.Add(-1) })
}

// wait returns when the process does not stand still. Neither its ticketer nor its connection works meanwhile, so that
// the broker takes it for dead and gives its messages to others.
func (p *process) wait() {
	p.mu.Lock()
	stands := p.stands
	p.mu.Unlock()
	if stands != nil {
		<-stands
	}
}

// due counts a place and reports whether it is one to die at.
func (p *process) due(place string) bool {
	now := false
	for i := range p.deaths {
		if p.deaths[i].place == place {
			p.deaths[i].left--
			if p.deaths[i].left == 0 {
				p.world.figures.meet("kill: " + p.service + " at " + place)
				now = true
			}
		}
	}
	return now
}

// disarm forgets what is in wait for the process.
func (p *process) disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaths, p.redo = nil, nil
}

// running returns the processes of a service that live.
func (w *world) running(service string) []*process {
	w.guard.Lock()
	defer w.guard.Unlock()
	var all []*process
	for _, p := range w.processes {
		if p.service == service && !p.dead.Load() {
			all = append(all, p)
		}
	}
	return all
}

// revive starts every service that has fewer processes than it should.
func (w *world) revive() error {
	for _, service := range w.services() {
		want := 1
		if service == "ticketer" {
			want = w.ticketers
		}
		for len(w.running(service)) < want {
			if err := w.start(service); err != nil {
				return err
			}
		}
	}
	return nil
}

// stop ends all processes in the orderly way and waits for them.
func (w *world) stop() error {
	for _, p := range w.processes {
		p.retired.Store(true)
		p.end()
	}
	limit := time.NewTimer(realLimit)
	defer limit.Stop()
	for _, p := range w.processes {
		select {
		case <-p.ended:
		case <-limit.C:
			return fmt.Errorf("%s has not ended within %s", p.service, realLimit)
		}
		p.conn.Close()
	}
	w.processes = nil
	return nil
}
