package demo

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
)

const (
	sessionLength = 12 * time.Minute // of a backup
	heartbeat     = 15 * time.Minute // between two contacts of a device
	mostTroubles  = 14               // at a time, so that the fleet stays a fleet
)

// trouble is what is wrong with a device, from the director's point of view.
type trouble struct {
	Wrong   map[string]int `json:"wrong"`   // index into the causes, by data source
	More    int64          `json:"more"`    // errors beyond those of the cause
	Silent  bool           `json:"silent"`  // no backups at all
	Worsens time.Time      `json:"worsens"` // zero: it does not get worse
	Ends    time.Time      `json:"ends"`
}

// life is what becomes of a device.
type life struct {
	Next    time.Time `json:"next"` // its next backup begins
	Ends    time.Time `json:"ends"` // its running backup ends; zero when none runs
	Trouble *trouble  `json:"trouble,omitempty"`
}

// plot is everything the director must remember to go on after a restart.
type plot struct {
	Random    []byte          `json:"random"` // state of the random numbers
	Lives     map[int64]*life `json:"lives"`  // by device id
	Opening   int             `json:"opening"`
	NextTurn  time.Time       `json:"nextTurn"`  // the next trouble
	NextFault time.Time       `json:"nextFault"` // the next misbehaviour of a server
	NextBeat  time.Time       `json:"nextBeat"`
	Faults    int             `json:"faults"` // misbehaviours so far
}

// director makes things happen to the fleet, in the order of demo time and by the numbers of its seed alone, so
// that the same seed gives the same story however fast the machine is. It is not safe for concurrent use.
type director struct {
	cove  *covefake.Server
	cwm   *cwfake.Server
	tell  func(event)
	units []unit
	plot  plot
	pcg   *rand.PCG
	rng   *rand.Rand
}

func newDirector(cove *covefake.Server, cwm *cwfake.Server, tell func(event)) *director {
	d := &director{cove: cove, cwm: cwm, tell: tell, units: units(), pcg: rand.NewPCG(0, 0)}
	d.rng = rand.New(d.pcg)
	return d
}

// begin writes the first page of the story.
func (d *director) begin(seed uint64, start time.Time) {
	d.pcg.Seed(seed, 0x636f766577697365)
	d.plot = plot{Lives: map[int64]*life{}, NextTurn: start.Add(time.Minute), NextFault: start.Add(75 * time.Minute), NextBeat: start}
	for _, u := range d.units {
		d.plot.Lives[u.id] = &life{Next: start.Add(u.every - u.begun)}
		if u.name == newcomer {
			d.plot.Lives[u.id].Next = start.Add(10 * time.Hour)
		}
	}
}

// resume goes on with a story.
func (d *director) resume(p plot) error {
	if err := d.pcg.UnmarshalBinary(p.Random); err != nil {
		return fmt.Errorf("read the state of the random numbers: %w", err)
	}
	for _, u := range d.units {
		if p.Lives[u.id] == nil {
			return fmt.Errorf("device %d is missing", u.id)
		}
	}
	d.plot = p
	return nil
}

// story returns what resume needs.
func (d *director) story() (plot, error) {
	var err error
	d.plot.Random, err = d.pcg.MarshalBinary()
	return d.plot, err
}

// advance lets happen everything that is due by now, each thing at its own time.
func (d *director) advance(now time.Time) error {
	for {
		at, do := d.next()
		if at.After(now) {
			return nil
		}
		if err := do(at); err != nil {
			return err
		}
	}
}

// next returns the earliest thing to happen; of several at one time the first in the order of the fleet.
func (d *director) next() (time.Time, func(at time.Time) error) {
	at, do := d.plot.NextBeat, d.beat
	earlier := func(t time.Time, f func(time.Time) error) {
		if !t.IsZero() && t.Before(at) {
			at, do = t, f
		}
	}
	earlier(d.plot.NextTurn, d.turn)
	earlier(d.plot.NextFault, d.misbehave)
	for _, u := range d.units {
		l := d.plot.Lives[u.id]
		earlier(l.Ends, func(t time.Time) error { return d.backupEnds(u, l, t) })
		if l.Ends.IsZero() {
			earlier(l.Next, func(t time.Time) error { return d.backupBegins(u, l, t) })
		}
		if l.Trouble != nil {
			earlier(l.Trouble.Worsens, func(t time.Time) error { return d.worsen(u, l, t) })
			earlier(l.Trouble.Ends, func(t time.Time) error { return d.cure(u, l, t) })
		}
	}
	return at, do
}

// beat is the contact of every device that is not silent.
func (d *director) beat(at time.Time) error {
	d.plot.NextBeat = at.Add(heartbeat)
	for _, u := range d.units {
		if l := d.plot.Lives[u.id]; l.Trouble != nil && l.Trouble.Silent {
			continue
		}
		if err := d.cove.UpdateDevice(u.id, func(dev *covefake.Device) { dev.Set("TS", covefake.Unix(at)) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *director) backupBegins(u unit, l *life, at time.Time) error {
	l.Next = at.Add(u.every)
	if l.Trouble != nil && l.Trouble.Silent {
		return nil
	}
	l.Ends = at.Add(sessionLength)
	return d.cove.UpdateDevice(u.id, func(dev *covefake.Device) { u.start(dev, at) })
}

func (d *director) backupEnds(u unit, l *life, at time.Time) error {
	l.Ends = time.Time{}
	began := at.Add(-sessionLength)
	var records []covefake.Session
	err := d.cove.UpdateDevice(u.id, func(dev *covefake.Device) {
		for _, s := range u.list() {
			o := l.outcome(s.code)
			u.finish(dev, s, o, began, at)
			if o.status != statusCompleted {
				records = append(records, s.session(o, began))
			}
		}
		u.total(dev, at)
	})
	for _, record := range records {
		if err == nil {
			err = d.cove.AddSession(u.id, record)
		}
	}
	return err
}

// outcome is how the device's sessions end as things are.
func (l *life) outcome(code string) outcome {
	if l.Trouble == nil {
		return outcome{status: statusCompleted}
	}
	index, wrong := l.Trouble.Wrong[code]
	if !wrong {
		return outcome{status: statusCompleted}
	}
	o := causes(code)[index]
	if o.errors > 0 {
		o.errors += l.Trouble.More
	}
	return o
}

// soon makes a device back up at once, so that people need not wait for its turn.
func (l *life) soon(at time.Time) {
	if l.Ends.IsZero() {
		l.Next = at
	}
}

// turn brings trouble to a device.
func (d *director) turn(at time.Time) error {
	if opening := opening(at); d.plot.Opening < len(opening) {
		scene := opening[d.plot.Opening]
		d.plot.Opening++
		d.plot.NextTurn = at.Add(scene.pause)
		for _, u := range d.units {
			if u.name == scene.device {
				d.strike(u, scene.trouble, at)
			}
		}
		return nil
	}
	d.plot.NextTurn = at.Add(20*time.Minute + time.Duration(d.rng.IntN(30))*time.Minute)
	var well []unit
	for _, u := range d.units {
		if d.plot.Lives[u.id].Trouble == nil && !u.trial {
			well = append(well, u)
		}
	}
	if len(d.units)-len(well) >= mostTroubles {
		return nil
	}
	u := well[d.rng.IntN(len(well))]
	t := trouble{Ends: at.Add(90*time.Minute + time.Duration(d.rng.IntN(270))*time.Minute)}
	if d.rng.IntN(8) == 0 {
		t.Silent, t.Ends = true, at.Add(16*time.Hour)
	} else {
		mine := u.list()
		code := mine[d.rng.IntN(len(mine))].code
		t.Wrong = map[string]int{code: d.rng.IntN(len(causes(code)))}
		if d.rng.IntN(3) == 0 {
			t.Worsens = at.Add(40*time.Minute + time.Duration(d.rng.IntN(40))*time.Minute)
		}
	}
	d.strike(u, t, at)
	return nil
}

func (d *director) strike(u unit, t trouble, at time.Time) {
	l := d.plot.Lives[u.id]
	l.Trouble = &t
	if t.Silent {
		d.tell(event{at: at, what: "silent", device: u.name, customer: u.customer})
		return
	}
	l.soon(at)
}

// worsen lets another data source fail too, or more errors occur.
func (d *director) worsen(u unit, l *life, at time.Time) error {
	l.Trouble.Worsens = time.Time{}
	for _, s := range u.list() {
		if _, wrong := l.Trouble.Wrong[s.code]; !wrong {
			l.Trouble.Wrong[s.code] = 0
			break
		}
	}
	l.Trouble.More += 20
	l.soon(at)
	return nil
}

// cure ends the trouble: the next backup is good, and the history has the success that ends each failure.
func (d *director) cure(u unit, l *life, at time.Time) error {
	over := l.Trouble
	l.Trouble = nil
	l.soon(at)
	if over.Silent {
		d.tell(event{at: at, what: "back", device: u.name, customer: u.customer})
	}
	for _, s := range u.list() {
		if _, wrong := over.Wrong[s.code]; !wrong {
			continue
		}
		if err := d.cove.AddSession(u.id, s.session(outcome{status: statusCompleted}, at)); err != nil {
			return err
		}
	}
	return nil
}

// scene is a trouble that the demo always begins with.
type scene struct {
	device  string
	trouble trouble
	pause   time.Duration // until the next
}

// opening is what everybody should see in the first minute.
func opening(at time.Time) []scene {
	return []scene{
		{"mue-fs-01", trouble{Wrong: map[string]int{"D01": 0}, Worsens: at.Add(100 * time.Minute), Ends: at.Add(4 * time.Hour)}, time.Minute},
		{"fjordshipping.onmicrosoft.com", trouble{Wrong: map[string]int{"D19": 0}, Ends: at.Add(6 * time.Hour)}, 5 * time.Minute},
		{"trial-srv", trouble{Wrong: map[string]int{"D02": 0}, Ends: at.Add(300 * time.Hour)}, 20 * time.Minute},
		{"quill-srv", trouble{Wrong: map[string]int{"D10": 0}, Ends: at.Add(30 * time.Hour)}, 20 * time.Minute},
		{"kedr-1c", trouble{Silent: true, Ends: at.Add(16 * time.Hour)}, 20 * time.Minute},
		{"ngp-desk-1", trouble{Wrong: map[string]int{"D01": 1}, Ends: at.Add(5 * time.Hour)}, 20 * time.Minute},
		{"hvd-eug-srv1", trouble{Wrong: map[string]int{"D14": 0}, Ends: at.Add(2 * time.Hour)}, 20 * time.Minute},
	}
}

// misbehave makes one of the servers do one of the things that real ones do.
func (d *director) misbehave(at time.Time) error {
	d.plot.NextFault = at.Add(150*time.Minute + time.Duration(d.rng.IntN(90))*time.Minute)
	kinds := []func() (string, error){
		func() (string, error) {
			return "ConnectWise will store the next ticket and lose the answer",
				d.cwm.AddFaults(cwfake.Fault{Match: "POST /service/tickets", Kind: cwfake.FaultLostAnswer, Drop: true, Times: 1})
		},
		func() (string, error) {
			_, err := d.cove.AddFault(covefake.Fault{
				Match: "EnumerateAccountStatistics", Kind: covefake.FaultRPCError, Data: 13501,
				Message: "Operation failed because of security reasons", Times: 1,
			})
			return "Cove will answer the next sweep with an error", err
		},
		func() (string, error) {
			return "ConnectWise will ask for patience (429) before the next note",
				d.cwm.AddFaults(cwfake.Fault{Match: "POST /service/tickets/{id}/notes", Kind: cwfake.FaultRateLimited, RetryAfter: "1", Times: 1})
		},
		func() (string, error) {
			_, err := d.cove.AddFault(covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultTruncated, Times: 1})
			return "Cove will break off in the middle of a page", err
		},
		func() (string, error) {
			return "ConnectWise will fail before it stores the next ticket",
				d.cwm.AddFaults(cwfake.Fault{Match: "POST /service/tickets", Kind: cwfake.FaultErrorBefore, Times: 1})
		},
		func() (string, error) {
			d.cove.ExpireVisas()
			return "Cove's login has expired", nil
		},
	}
	what, err := kinds[d.plot.Faults%len(kinds)]()
	d.plot.Faults++
	d.tell(event{at: at, what: "fault", text: what})
	return err
}
