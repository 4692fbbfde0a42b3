// Package demo runs the whole system against the two fake servers, with a fleet of its own, in accelerated time,
// and shows what happens. It owns the fleet, the story, the screen and the state of the outside world between two
// runs. Covewise itself runs as it does for real; nothing in it knows that this is a demo.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/allinone/internal/compose"
	"github.com/covewise/covewise/allinone/internal/server"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/run"
	"github.com/covewise/covewise/platform/telemetry"
	"github.com/covewise/covewise/platform/tenant"
)

// Terminal is where a live table can be shown.
type Terminal struct {
	Size   func() (width, height int, err error)
	Colour bool
}

// Options are what a demo is run with. Data and Out are required.
type Options struct {
	Data     string        // directory for everything that is kept between two runs
	Listen   string        // address of the page; empty: none
	For      time.Duration // real time after which it ends; 0: it ends with its context
	Speed    float64       // how much faster than real time; 0: DefaultSpeed
	Seed     uint64        // of the story; only a fresh one takes it
	Fresh    bool          // forget the run before
	Out      io.Writer     // where the table or the lines are shown, and the summary
	Terminal *Terminal     // nil: plain lines
}

// DefaultSpeed lets a day pass in two minutes.
const DefaultSpeed = 720

// ErrDuplicates means that the fake ConnectWise holds two tickets for one thing, which must never happen.
var ErrDuplicates = errors.New("there are duplicate tickets; please report this with the seed and the directory")

const (
	tick     = 100 * time.Millisecond // real time between two looks at what is due
	redraw   = 250 * time.Millisecond
	leastGap = 500 * time.Millisecond // real time between two saves
)

// Run runs the demo until its time is over or the context ends, and then writes the summary. What it fails with
// is ErrDuplicates or a failure of the system.
func Run(ctx context.Context, opts Options) error {
	if opts.Speed == 0 {
		opts.Speed = DefaultSpeed
	}
	lock, err := server.Directory(opts.Data)
	if err != nil {
		return err
	}
	d := &demo{opts: opts, real: clock.System(), dir: lock.Dir()}
	if err := d.prepare(); err != nil {
		return errors.Join(err, lock.Release())
	}
	log, err := os.OpenFile(filepath.Join(d.dir, logFile), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return errors.Join(fmt.Errorf("open the log: %w", err), lock.Release())
	}
	defer func() { _ = log.Close() }()
	doc, err := d.world.listen(ctx, d.dir)
	if err != nil {
		return errors.Join(err, lock.Release())
	}
	err = d.compose(ctx, lock, doc, telemetry.Logger(log, slog.LevelInfo, telemetry.Text))
	err = errors.Join(err, d.world.close(), d.world.save(d.dir, d.seed, true))
	if err != nil || !d.shown {
		return err
	}
	return d.summarise()
}

// demo is one run.
type demo struct {
	opts  Options
	real  clock.Clock
	dir   string
	seed  uint64
	start time.Time // demo time
	begun time.Time // real time
	world *world
	board *board
	tally tally // as the run began
	shown bool  // the system came up, so there is something to sum up
	last  picture
}

// prepare sets the outside world up, as an earlier run left it or anew.
func (d *demo) prepare() error {
	if d.opts.Fresh {
		if err := forget(d.dir); err != nil {
			return err
		}
	}
	m, found, err := recall(d.dir)
	if err != nil {
		return err
	}
	d.seed, d.start = d.opts.Seed, time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	if found {
		d.seed, d.start = m.Seed, m.Clock
		if !m.Clean {
			// Covewise may have seen times up to the next save that never came; time must not go back.
			d.start = d.start.Add(time.Duration(d.opts.Speed * float64(10*leastGap)))
		}
	}
	d.begun = d.real.Now()
	d.world = newWorld(clock.Accelerated(d.start, d.opts.Speed), d.tell)
	if found {
		err = d.world.restore(m)
	} else {
		err = d.world.begin(d.seed, d.start)
	}
	if err != nil {
		return err
	}
	d.tally = d.world.tally()
	return d.world.save(d.dir, d.seed, false)
}

// tell takes what the director has to say to the board, once there is one.
func (d *demo) tell(e event) {
	if d.board != nil {
		d.board.add(e)
	}
}

// compose runs Covewise. Times that bound network calls are real ones in the end, so that they grow with the speed.
func (d *demo) compose(ctx context.Context, lock *server.Lock, doc tenant.Document, log *slog.Logger) error {
	seconds := func(n float64) time.Duration { return time.Duration(n * d.opts.Speed * float64(time.Second)) }
	return compose.Run(ctx, compose.Options{
		Lock: lock, Tenants: []tenant.Document{doc}, Author: "covewise demo", Listen: d.opts.Listen, Logger: log, Clock: d.world.clock,
		LookupEnv: secrets, Lease: max(time.Minute, seconds(10)), SearchPatience: max(time.Minute, seconds(12)), RequestsPerSecond: 1000,
		Watch: d.watch, Main: d.main,
	})
}

// watch follows what the services do from before they begin until after they have ended.
func (d *demo) watch(s *compose.System) run.Service {
	var following sync.WaitGroup
	var err error
	var stop context.CancelFunc
	return run.Service{
		Name: "board",
		Start: func(ctx context.Context) error {
			var printed func(event)
			if d.opts.Terminal == nil {
				printed = func(e event) { _, _ = fmt.Fprintln(d.opts.Out, e.plain()) } // where nobody reads, nobody needs it
				_, _ = fmt.Fprintf(d.opts.Out, "Covewise demo: %d devices at %d customers, a day in %s; page %s; Ctrl-C ends it\n",
					len(units()), len(customers()), dayIn(d.opts.Speed), orNone(s.Address))
			}
			if d.board, err = newBoard(ctx, s.Bus, d.world.clock.Now, printed); err != nil {
				return err
			}
			var own context.Context
			own, stop = context.WithCancel(context.WithoutCancel(ctx))
			ready := make(chan struct{})
			following.Go(func() { err = d.board.run(own, s.Bus, func() { close(ready) }) })
			select {
			case <-ready:
				d.shown = true
				return nil
			case <-ctx.Done():
				stop()
				following.Wait()
				return ctx.Err()
			}
		},
		Stop: func(context.Context) error {
			stop()
			following.Wait()
			d.last = d.board.picture()
			return err
		},
	}
}

// main shows the running system and lets the story happen.
func (d *demo) main(ctx context.Context, s *compose.System) error {
	var stop context.CancelFunc = func() {}
	if d.opts.For > 0 {
		ctx, stop = context.WithTimeout(ctx, d.opts.For)
	}
	defer stop()
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return d.play(ctx) })
	if d.opts.Terminal != nil {
		parts.Go(func() error { return d.view(ctx, d.opts.Terminal, s.Address) })
	}
	return parts.Wait()
}

// play lets the story happen and keeps its state, until the context ends.
func (d *demo) play(ctx context.Context) error {
	next := d.real.Now()
	for {
		if err := d.world.director.advance(d.world.clock.Now()); err != nil {
			return err
		}
		if began := d.real.Now(); !began.Before(next) {
			if err := d.world.save(d.dir, d.seed, false); err != nil {
				return err
			}
			// A state that has grown large is kept less often, so that keeping it never takes much of the time.
			took := d.real.Now().Sub(began)
			next = began.Add(max(leastGap, 20*took))
		}
		if d.real.Sleep(ctx, tick) != nil {
			return nil
		}
	}
}

// view shows the table until the context ends, and gives the terminal back as it was.
func (d *demo) view(ctx context.Context, t *Terminal, address string) error {
	if _, err := io.WriteString(d.opts.Out, enterScreen); err != nil {
		return err
	}
	defer func() { _, _ = io.WriteString(d.opts.Out, leaveScreen) }() // a terminal that is gone needs nothing
	h := header{address: orNone(address), speed: d.opts.Speed}
	for {
		width, height, err := t.Size()
		if err != nil {
			width, height = 80, 24
		}
		h.coveCalls, h.cwmCalls = d.world.requests()
		h.duplicates = len(d.world.cwm.Duplicates())
		if err := show(d.opts.Out, style{t.Colour}.frame(d.board.picture(), h, width, height)); err != nil {
			return err
		}
		if d.real.Sleep(ctx, redraw) != nil {
			return nil
		}
	}
}

func orNone(address string) string {
	if address == "" {
		return "(no page)"
	}
	return address
}
