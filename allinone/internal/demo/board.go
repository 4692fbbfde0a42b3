package demo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// event is something that happened, for people who watch.
type event struct {
	at               time.Time // demo time
	what             string
	device, customer string
	ticket           int64
	text             string
}

// line is a device with an open incident.
type line struct {
	device, customer string
	state            string
	since            time.Time
	incident         string
	ticket           string // what is known of its ticket
	waits            bool
}

// eventsKept is more than any terminal shows.
const eventsKept = 200

// board is what there is to see: the devices in trouble with their tickets, and what happened last. It follows
// what the services put on the bus.
type board struct {
	units   map[string]unit // by device id
	states  *bus.View[*incidentv1.DeviceState, deviceRow]
	ledgers *bus.View[*ticketv1.Ledger, ticketRow]
	now     func() time.Time
	printed func(event) // is given every event, in order; may be nil

	mu     sync.Mutex
	events []event
	told   map[string]map[string]bool // what was said already, by what it is about
	sweeps int
	before picture // when nothing had happened in this run
}

type deviceRow struct {
	open      bool
	excluded  bool
	since     time.Time
	state     string
	incident  string
	incidents int
}

type ticketRow struct {
	incident string
	phase    ticketv1.Phase
	ticket   int64
	waits    string
}

func newBoard(ctx context.Context, b *bus.Bus, now func() time.Time, printed func(event)) (*board, error) {
	states, err := bus.OpenStore[*incidentv1.DeviceState](ctx, b, bus.DeviceState)
	if err != nil {
		return nil, err
	}
	ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
	if err != nil {
		return nil, err
	}
	d := &board{units: map[string]unit{}, now: now, printed: printed, told: map[string]map[string]bool{}}
	for _, u := range units() {
		d.units[strconv.FormatInt(u.id, 10)] = u
	}
	d.states = bus.NewView(states, ">", func(e bus.Entry[*incidentv1.DeviceState]) deviceRow {
		s := e.Value
		return deviceRow{
			open: s.GetOpen() != nil && !s.GetGone(), excluded: s.GetExcluded() != "", since: s.GetOpen().GetOpenedAt().AsTime(),
			state: conditions(s.GetOpen()), incident: s.GetOpen().GetIncidentId(), incidents: int(s.GetIncidents()),
		}
	}, nil)
	d.ledgers = bus.NewView(ledgers, ">", func(e bus.Entry[*ticketv1.Ledger]) ticketRow {
		l := e.Value
		row := ticketRow{incident: l.GetIncidentId(), phase: l.GetPhase(), ticket: l.GetTicketId()}
		if l.GetPark() != nil {
			row.waits = word(l.GetPark().GetReason().String(), "PARK_REASON_")
		}
		return row
	}, nil)
	return d, nil
}

// run keeps the board until the context ends. ready is called once nothing will be missed any more.
func (d *board) run(ctx context.Context, b *bus.Bus, ready func()) error {
	parts, ctx := errgroup.WithContext(ctx)
	followed := map[bus.Family]func(bus.Delivery){bus.Incident: d.incident, bus.Ticket: d.ticket, bus.Status: d.status, bus.Company: d.company}
	var started sync.WaitGroup
	started.Add(len(followed))
	for family, f := range followed {
		parts.Go(func() error { return b.Follow(ctx, family, sync.OnceFunc(started.Done), f) })
	}
	parts.Go(func() error { return d.states.Run(ctx, b) })
	parts.Go(func() error { return d.ledgers.Run(ctx, b) })
	parts.Go(func() error {
		begun := make(chan struct{})
		go func() {
			started.Wait()
			close(begun)
		}()
		for _, c := range []<-chan struct{}{begun, d.states.Ready(), d.ledgers.Ready()} {
			select {
			case <-c:
			case <-ctx.Done():
				return nil
			}
		}
		before := d.picture()
		d.mu.Lock()
		d.before = before
		d.mu.Unlock()
		ready()
		return nil
	})
	return parts.Wait()
}

// add takes an event to the board.
func (d *board) add(e event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
	if extra := len(d.events) - eventsKept; extra > 0 {
		d.events = slices.Delete(d.events, 0, extra)
	}
	if d.printed != nil {
		d.printed(e)
	}
}

func (d *board) incident(m bus.Delivery) {
	var e incidentv1.Event
	switch m.Subject.Verb {
	case bus.VerbFailed, bus.VerbChanged, bus.VerbResolved:
	default: // wakes and accounts decide nothing
		return
	}
	if m.Decode(&e) != nil {
		return
	}
	u := d.units[e.GetDeviceId()]
	told := event{at: e.GetOccurredAt().AsTime(), what: m.Subject.Verb, device: u.name, customer: u.customer, text: conditions(&e)}
	if e.GetKind() == incidentv1.EventKind_EVENT_KIND_RESOLVED {
		told.text = word(e.GetResolution().String(), "RESOLUTION_")
	}
	d.add(told)
}

func (d *board) ticket(m bus.Delivery) {
	var e ticketv1.Event
	if m.Decode(&e) != nil {
		return
	}
	u := d.units[e.GetDeviceId()]
	told := event{at: e.GetOccurredAt().AsTime(), what: m.Subject.Verb, device: u.name, customer: u.customer, ticket: e.GetTicketId(), text: e.GetSummary()}
	if e.GetAction() == ticketv1.Action_ACTION_PARKED {
		told.what = "waits"
		// That a customer's company is asked for is no news; the answer is, see company.
		if strings.HasPrefix(e.GetReason(), "company:") || d.known("waits "+e.GetIncidentId(), e.GetReason()) {
			return
		}
	}
	if told.text == "" {
		told.text = e.GetReason()
	}
	d.add(told)
}

// company tells each answer about a customer once; the same question is asked again and again.
func (d *board) company(m bus.Delivery) {
	var e companyv1.Answered
	if m.Subject.Verb == bus.VerbWanted || m.Decode(&e) != nil {
		return
	}
	link := e.GetLink()
	told := event{at: link.GetCheckedAt().AsTime(), what: "company", customer: link.GetCustomer().GetName()}
	told.text = fmt.Sprintf("%d %s, found by %s", link.GetCompany().GetId(), link.GetCompany().GetIdentifier(), word(link.GetMethod().String(), "LINK_METHOD_"))
	if link.GetState() != companyv1.LinkState_LINK_STATE_LINKED {
		told.what, told.text = "no match", link.GetReason()+"; its tickets wait"
	}
	if !d.known("company "+e.GetCustomerId(), told.text) {
		d.add(told)
	}
}

// known remembers what was said about something and reports whether it had been said before.
func (d *board) known(about, said string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told[about] == nil {
		d.told[about] = map[string]bool{}
	}
	known := d.told[about][said]
	d.told[about][said] = true
	return known
}

func (d *board) status(m bus.Delivery) {
	var done statusv1.SweepCompleted
	if m.Subject.Verb != bus.VerbSweep || m.Decode(&done) != nil {
		return
	}
	d.mu.Lock()
	d.sweeps++
	d.mu.Unlock()
	if !done.GetComplete() {
		d.add(event{at: done.GetObservedAt().AsTime(), what: "no sweep", text: "nothing is concluded: " + ansi.Truncate(clean(done.GetFailure()), 120, "…")})
	}
}

// picture is the board at one moment.
type picture struct {
	now              time.Time
	devices, trial   int
	lines            []line // devices in trouble, newest trouble first
	events           []event
	sweeps           int
	opened, resolved int // incidents in this run
	incidents        int // ever
	openTickets      int
	waits            int
}

func (d *board) picture() picture {
	tickets := map[string]ticketRow{}
	p := picture{now: d.now(), devices: len(d.units)}
	d.ledgers.Each(func(_ string, row ticketRow) {
		tickets[row.incident] = row
		if row.ticket != 0 && (row.phase == ticketv1.Phase_PHASE_OPEN || row.phase == ticketv1.Phase_PHASE_CLOSING) {
			p.openTickets++
		}
		if row.waits != "" {
			p.waits++
		}
	})
	d.states.Each(func(key string, row deviceRow) {
		p.incidents += row.incidents
		if row.excluded {
			p.trial++
		}
		if !row.open {
			return
		}
		u := d.units[key[strings.LastIndexByte(key, '.')+1:]]
		l := line{device: u.name, customer: u.customer, state: row.state, since: row.since, incident: row.incident}
		l.ticket, l.waits = tickets[row.incident].text()
		p.lines = append(p.lines, l)
	})
	slices.SortFunc(p.lines, func(a, b line) int {
		if c := b.since.Compare(a.since); c != 0 {
			return c
		}
		return strings.Compare(a.incident, b.incident)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	p.events = slices.Clone(d.events)
	p.sweeps = d.sweeps
	p.opened = p.incidents - d.before.incidents
	p.resolved = p.opened - len(p.lines) + len(d.before.lines)
	return p
}

// text says how far the ticket has come, and whether it waits.
func (r ticketRow) text() (string, bool) {
	number := ""
	if r.ticket != 0 {
		number = fmt.Sprintf("#%d ", r.ticket)
	}
	switch {
	case r.waits != "":
		return number + "waits: " + r.waits, true
	case r.phase == ticketv1.Phase_PHASE_UNSPECIFIED:
		return "to be made", false
	default:
		return number + word(r.phase.String(), "PHASE_"), false
	}
}

// word makes the last part of an enum's name readable.
func word(name, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", " ")
}

// conditions says what is wrong in one line: "Failed: System State, Files and Folders; 37 errors: Exchange".
func conditions(e *incidentv1.Event) string {
	var order []string
	sources := map[string][]string{}
	for _, c := range e.GetConditions() {
		for _, f := range c.GetFindings() {
			if _, known := sources[f.GetSummary()]; !known {
				order = append(order, f.GetSummary())
			}
			if f.GetSourceCode() != "D09" {
				sources[f.GetSummary()] = append(sources[f.GetSummary()], f.GetSourceName())
			} else if sources[f.GetSummary()] == nil {
				sources[f.GetSummary()] = []string{}
			}
		}
	}
	parts := make([]string, len(order))
	for i, summary := range order {
		parts[i] = summary
		if names := sources[summary]; len(names) > 0 {
			parts[i] += ": " + strings.Join(names, ", ")
		}
	}
	return strings.Join(parts, "; ")
}
