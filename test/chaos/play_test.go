package chaos_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

var errNothing = errors.New("there is nothing to do that to")

// play carries out a schedule, waits until everything is calm, and judges. The findings are in w; an error is the
// harness's own.
func (w *world) play(s schedule, planted string) error {
	if err := w.begin(s, planted); err != nil {
		return errors.Join(err, w.end())
	}
	err := w.carryOut(s)
	if err == nil {
		err = w.calmDown()
	}
	if err == nil && len(w.findings) == 0 {
		err = w.judge()
	}
	if errors.Is(err, errStuck) {
		w.found("everything becomes calm", "%v", err)
		err = nil
	}
	return errors.Join(err, w.end())
}

func (w *world) carryOut(s schedule) error {
	for _, one := range s.Steps {
		w.log.Info("step", "step", one.String(), "clock", w.clock.Now())
		if err := w.revive(); err != nil {
			return err
		}
		if kind := one.kind(); kind != "" {
			w.figures.draw(kind)
		}
		if err := w.step(one); err != nil {
			return fmt.Errorf("step %s: %w", one, err)
		}
	}
	return nil
}

func (w *world) step(s step) error {
	m, d := w.deviceOf(s.Device)
	switch s.Do {
	case doFail:
		if d.failing <= 0 {
			d.spells++
		}
		d.failing = s.N
		m.failed[d.id] = true
	case doRecover:
		d.failing = 0
	case doVanish:
		d.failing = -1
	case doSweep:
		w.swept = true
		for _, m := range w.tenants {
			if err := m.sweep(); err != nil {
				return err
			}
		}
	case doSettle:
		return w.idle()
	case doAdvance:
		if err := w.idle(); err != nil {
			return err
		}
		w.pass(time.Duration(s.N) * time.Second)
	case doStep:
		// A step forward while a request is under way would be a request that takes longer than any is allowed to.
		if s.N > 0 {
			if err := w.idle(); err != nil {
				return err
			}
		}
		w.figures.meet(s.kind())
		w.setBack = w.setBack || s.N < 0
		w.clock.Add(time.Duration(s.N) * time.Second)
	case doServer:
		return w.misbehave(m, s)
	case doCove:
		return m.spoil(s)
	case doLag:
		m.gate.lagging.Store(true)
		return m.fake.Configure(func(o *cwfake.Switches) { o.SearchLag = time.Duration(s.N) * time.Second })
	case doPerson:
		if s.N == 0 {
			m.person(d, s.How)
			return nil
		}
		m.gate.hook(m.ambush(d, s))
	case doCompany:
		if s.N == 0 {
			m.treat(d, s.How)
			return nil
		}
		m.gate.hook(&hook{left: s.N, after: s.N%2 == 0, act: func(*http.Request) bool { m.treat(d, s.How); return false }})
	case doPrior:
		return m.addPrior(d, s.How)
	case doDeliver:
		m.deliver(s)
	case doKill:
		w.arm(m, s)
	case doRedo:
		for _, p := range w.running(s.How) {
			p.mu.Lock()
			p.redo = append(p.redo, s.N)
			p.mu.Unlock()
		}
	case doRepeat:
		return w.repeat(s.How, uint64(s.N))
	case doSecond:
		w.ticketers = 2
		w.figures.meet(s.kind())
		return w.revive()
	case doRestart:
		w.figures.meet(s.kind())
		w.restarted.Store(true)
		w.halt()
		return w.boot()
	case doCrash:
		w.figures.meet(s.kind())
		return w.crash()
	default:
		return fmt.Errorf("unknown step %q", s.Do)
	}
	return nil
}

// arm prepares the death of a process.
func (w *world) arm(m *msp, s step) {
	service, place, _ := strings.Cut(s.How, ",")
	switch place {
	case "request-before", "request-after":
		m.gate.hook(&hook{left: s.N, after: place == "request-after", act: func(*http.Request) bool {
			for _, p := range w.running(service)[:min(1, len(w.running(service)))] {
				w.figures.meet(s.kind())
				p.kill()
			}
			return true
		}})
	default:
		for _, p := range w.running(service)[:min(1, len(w.running(service)))] {
			p.mu.Lock()
			p.deaths = append(p.deaths, death{place, s.N})
			p.mu.Unlock()
		}
	}
}

// repeat stores an earlier message of a stream again, back from the last, as a delayed duplicate that the stream does
// not recognise.
func (w *world) repeat(name string, back uint64) error {
	stream, err := w.js.Stream(w.ctx, name)
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	if state.Msgs == 0 {
		return nil
	}
	raw, err := stream.GetMsg(w.ctx, state.FirstSeq+(state.LastSeq-state.FirstSeq)-back%state.Msgs)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // it expired
	}
	if err != nil {
		return err
	}
	w.repeated++
	w.figures.meet("repeated message: " + name)
	msg := nats.NewMsg(raw.Subject)
	if parts := strings.SplitN(raw.Subject, ".", 3); parts[0] == "p" {
		msg.Subject = parts[2] // the stream chooses the partition again
	}
	msg.Data = raw.Data
	msg.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("%s#%d", raw.Header.Get(jetstream.MsgIDHeader), w.repeated))
	_, err = w.js.PublishMsg(w.ctx, msg)
	return err
}
