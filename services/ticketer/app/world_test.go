package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/clock/clocktest"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// world is a bus, a ConnectWise server with company 250 ("acme") and one live tenant, "harbor", whose customer 70
// is linked to that company.
type world struct {
	t       testing.TB
	nc      *nats.Conn
	bus     *bus.Bus
	clock   *clocktest.Clock
	cw      *cwfake.Server
	url     string
	key     string // file of the private key
	ledgers *bus.Store[*ticketv1.Ledger]
	links   *bus.Store[*companyv1.Link]
	tenants *bus.Store[*tenantv1.Settings]

	begun atomic.Bool // a ticketer has begun a create or a note and not sent it yet

	mu     sync.Mutex
	events []*ticketv1.Event
	heard  uint64 // position of the last of them in its stream
	asked  []*companyv1.Wanted
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, nc: bustest.Start(t), clock: clocktest.New(time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC))}
	w.bus = bustest.Open(t, w.nc)
	w.cw = cwfake.New(cwfake.Options{Clock: w.clock})
	_, err := w.cw.AddCompany(cwfake.Company{ID: 250, Identifier: "acme", Name: "Acme", Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
	require.NoError(t, err)
	web := httptest.NewServer(w.cw)
	t.Cleanup(web.Close)
	w.url = web.URL

	w.ledgers, err = bus.OpenStore[*ticketv1.Ledger](t.Context(), w.bus, bus.TicketLedger)
	require.NoError(t, err)
	w.links, err = bus.OpenStore[*companyv1.Link](t.Context(), w.bus, bus.CompanyMap)
	require.NoError(t, err)
	w.tenants, err = bus.OpenStore[*tenantv1.Settings](t.Context(), w.bus, bus.Tenants)
	require.NoError(t, err)

	w.key = filepath.Join(t.TempDir(), "cw.key")
	require.NoError(t, os.WriteFile(w.key, []byte(cwfake.DefaultPrivateKey+"\n"), 0o600))
	w.settings(func(*tenantv1.Settings) {})
	w.link(companyv1.LinkState_LINK_STATE_LINKED)
	w.contacted()
	w.follow()
	return w
}

// serviceDesk is the id of the board that the settings name.
const serviceDesk = 1

// contacted puts the first contact with the board behind, at which nothing was found.
func (w *world) contacted() {
	w.t.Helper()
	adoptions, err := bus.OpenStore[*ticketv1.Adoption](w.t.Context(), w.bus, bus.Adoptions)
	require.NoError(w.t, err)
	_, err = adoptions.Put(w.t.Context(), bus.Key("harbor", name(w.url), fmt.Sprint(serviceDesk)), &ticketv1.Adoption{BoardId: serviceDesk}, 0)
	require.NoError(w.t, err)
}

// follow collects the ticket events and the questions for companies.
func (w *world) follow() {
	ctx, cancel := context.WithCancel(w.t.Context())
	var following sync.WaitGroup
	w.t.Cleanup(func() { cancel(); following.Wait() })
	for family, take := range map[bus.Family]func(bus.Delivery){
		bus.Ticket: func(d bus.Delivery) {
			e := &ticketv1.Event{}
			if d.Decode(e) == nil {
				w.events = append(w.events, e)
			}
			w.heard = d.Sequence
		},
		bus.Company: func(d bus.Delivery) {
			e := &companyv1.Wanted{}
			if d.Decode(e) == nil {
				w.asked = append(w.asked, e)
			}
		},
	} {
		started := make(chan struct{})
		following.Go(func() {
			_ = w.bus.Follow(ctx, family, func() { close(started) }, func(d bus.Delivery) {
				w.mu.Lock()
				defer w.mu.Unlock()
				take(d)
			})
		})
		<-started
	}
}

// settings writes the tenant's settings, changed by change.
func (w *world) settings(change func(*tenantv1.Settings)) {
	w.t.Helper()
	_, err := w.tenants.Update(w.t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		if s == nil {
			s = &tenantv1.Settings{
				SchemaVersion: 1, Id: "harbor", Mode: tenantv1.Mode_MODE_LIVE,
				Connectwise: &tenantv1.ConnectWise{
					Url: w.url, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
					PublicKey: &tenantv1.SecretRef{Env: "CW_PUBLIC"}, PrivateKey: &tenantv1.SecretRef{File: w.key},
				},
				Tickets: &tenantv1.Tickets{
					Board: "Service Desk", NewStatus: "New", ClosedStatus: "Closed", TimeZone: "America/New_York",
					PriorityServer: "Priority 1 - Critical", PriorityWorkstation: "Priority 3 - Normal", PriorityM365: "Priority 2 - Quick Response",
				},
			}
		}
		change(s)
		return s, nil
	})
	require.NoError(w.t, err)
}

func shadow(s *tenantv1.Settings) { s.Mode = tenantv1.Mode_MODE_SHADOW }
func live(s *tenantv1.Settings)   { s.Mode = tenantv1.Mode_MODE_LIVE }

// link answers for customer 70.
func (w *world) link(state companyv1.LinkState) {
	w.t.Helper()
	_, err := w.links.Update(w.t.Context(), bus.Key("harbor", "70"), func(*companyv1.Link) (*companyv1.Link, error) {
		l := &companyv1.Link{
			SchemaVersion: 1, Tenant: "harbor", Customer: &statusv1.Customer{Id: "70", Name: "Acme"}, State: state,
			Reason: "nothing has that name", CheckedAt: timestamppb.New(w.clock.Now()),
		}
		if state == companyv1.LinkState_LINK_STATE_LINKED {
			l.Reason, l.Company = "", &companyv1.Company{Id: 250, Identifier: "acme", Name: "Acme"}
		}
		return l, nil
	})
	require.NoError(w.t, err)
}

func (w *world) unlink() {
	w.t.Helper()
	_, revision, err := w.links.Get(w.t.Context(), bus.Key("harbor", "70"))
	require.NoError(w.t, err)
	require.NoError(w.t, w.links.Delete(w.t.Context(), bus.Key("harbor", "70"), revision))
}

// options are those of a ticketer in this world.
func (w *world) options(changes ...func(*app.Options)) app.Options {
	o := app.Options{
		NATS: w.nc, Logger: slog.New(slog.NewTextHandler(w.t.Output(), nil)), Clock: w.clock,
		Pace:         clock.Accelerated(time.Now(), 1000), // only tests of pace wait for it
		ObserveEvery: 10_000 * time.Hour,                  // tests of other things count requests
		LookupEnv:    func(name string) (string, bool) { return cwfake.DefaultPublicKey, name == "CW_PUBLIC" },
	}
	for _, change := range changes {
		change(&o)
	}
	return o
}

// start runs a ticketer; stop ends it and waits. It ends with the test, too.
func (w *world) start(changes ...func(*app.Options)) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	o := w.options(changes...)
	w.begun.Store(false)
	further := o.OnStep
	o.OnStep = func(step string) {
		w.begun.Store(strings.HasPrefix(step, "begin "))
		if further != nil {
			further(step)
		}
	}
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, o) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(w.t, <-done)
	})
	w.t.Cleanup(stop)
	return stop
}

// incident is an event of a device's first incident.
func (w *world) incident(device string, revision uint32, kind incidentv1.EventKind) *incidentv1.Event {
	now := w.clock.Now()
	good := timestamppb.New(now.Add(-29 * time.Hour))
	e := &incidentv1.Event{
		SchemaVersion: 1, Tenant: "harbor", DeviceId: device, IncidentId: device + "-1", Revision: revision, Kind: kind,
		OccurredAt: timestamppb.New(now), OpenedAt: timestamppb.New(now.Add(-time.Hour)), Sweep: uint64(revision),
		Customer: &statusv1.Customer{Id: "70", Name: "Acme", Level: "EndCustomer"},
		Device: &incidentv1.Device{
			Name: "srv-" + device, ComputerName: "SRV-" + device, Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER,
			ConsoleUrl: "https://backup.management/#/device/" + device,
			Sources:    []*incidentv1.SourceStatus{{Code: "D01", Name: "Files and Folders", Status: "Failed", Errors: 3, LastSuccessAt: good}},
		},
	}
	if kind == incidentv1.EventKind_EVENT_KIND_RESOLVED {
		e.Resolution = incidentv1.Resolution_RESOLUTION_RECOVERED
		return e
	}
	finding := &incidentv1.Finding{SourceCode: "D01", SourceName: "Files and Folders", Summary: "Failed", LastSuccessAt: good}
	if revision > 1 {
		finding.Errors = []*statusv1.SessionError{{Text: "Access denied", Count: int64(revision)}}
	}
	e.Conditions = []*incidentv1.Condition{{Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, Since: timestamppb.New(now.Add(-time.Hour)), Findings: []*incidentv1.Finding{finding}}}
	return e
}

const (
	failed   = incidentv1.EventKind_EVENT_KIND_FAILED
	changed  = incidentv1.EventKind_EVENT_KIND_CHANGED
	resolved = incidentv1.EventKind_EVENT_KIND_RESOLVED
)

// say publishes an event of a device's incident.
func (w *world) say(device string, revision uint32, kind incidentv1.EventKind) {
	w.t.Helper()
	w.deliver(w.incident(device, revision, kind), "")
}

// deliver publishes an event; again tells it from an earlier delivery, which the stream would recognise.
func (w *world) deliver(e *incidentv1.Event, again string) {
	w.t.Helper()
	verb := map[incidentv1.EventKind]string{failed: bus.VerbFailed, changed: bus.VerbChanged, resolved: bus.VerbResolved}[e.GetKind()]
	require.NoError(w.t, w.bus.Publish(w.t.Context(), bus.Message{
		Subject: bus.Subject{Family: bus.Incident, Verb: verb, Tenant: e.GetTenant(), Key: e.GetDeviceId()},
		ID:      fmt.Sprintf("incident:%s:%s:%d%s", e.GetTenant(), e.GetIncidentId(), e.GetRevision(), again), Body: e,
	}))
}

func (w *world) ledger(device string) *ticketv1.Ledger {
	w.t.Helper()
	l, _, err := w.ledgers.Get(w.t.Context(), bus.Key("harbor", device, device+"-1"))
	require.NoError(w.t, err)
	return l
}

// until waits for a condition while time stands still.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	require.Eventually(w.t, ok, 2*time.Minute, 5*time.Millisecond, what)
}

// eventually waits for a condition while time goes on, a second at a time.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	w.until(what, func() bool {
		if ok() {
			return true
		}
		w.pass(time.Second)
		return false
	})
}

// pass lets time go on, unless a message is being handled. What was begun is not sent when time goes on by more than a
// quarter of the patience before it is: it is looked for first, and time that flies between two statements is not what
// a test of other things is about.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	drained, err := w.bus.Drained(w.t.Context(), bus.Ticketer)
	if err == nil && drained && !w.begun.Load() {
		w.clock.Add(d)
	}
}

func (w *world) inPhase(device string, phase ticketv1.Phase, revision uint32) func() bool {
	return func() bool {
		l := w.ledger(device)
		return l.GetPhase() == phase && l.GetShown().GetRevision() == revision && l.GetNoteBegunRevision() == 0 && l.GetPark() == nil &&
			l.GetPreface() == ticketv1.Preface_PREFACE_UNSPECIFIED
	}
}

func (w *world) parkedFor(device string, reason ticketv1.ParkReason) func() bool {
	return func() bool { return w.ledger(device).GetPark().GetReason() == reason }
}

// drained waits until every incident event was handled.
func (w *world) drained() {
	w.t.Helper()
	w.until("the stream is drained", func() bool {
		drained, err := w.bus.Drained(w.t.Context(), bus.Ticketer)
		return err == nil && drained
	})
}

// tickets are the server's tickets of a device.
func (w *world) tickets(device string) []cwfake.Ticket {
	return slices.DeleteFunc(w.cw.Tickets(), func(t cwfake.Ticket) bool { return !strings.HasSuffix(t.ExternalXRef, ":harbor:"+device+"-1") })
}

func (w *world) onlyTicket(device string) cwfake.Ticket {
	w.t.Helper()
	all := w.tickets(device)
	require.Len(w.t, all, 1)
	return all[0]
}

// noted counts a ticket's notes by revision; the description and the internal analysis both count for the first.
func noted(t cwfake.Ticket, device string) map[string]int {
	count := map[string]int{}
	for _, n := range t.Notes {
		lines := strings.Split(strings.TrimSpace(n.Text), "\n")
		count[strings.TrimPrefix(lines[len(lines)-1], "Covewise "+device+"-1 ")]++
	}
	return count
}

// told lists the actions of a device's ticket events.
func (w *world) told(device string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, e := range w.events {
		if e.GetDeviceId() == device {
			all = append(all, strings.ToLower(strings.TrimPrefix(e.GetAction().String(), "ACTION_")))
		}
	}
	return all
}

// wasTold asserts which actions were told of a device, in order. The test sees them a moment after the ledger.
func (w *world) wasTold(device string, actions ...string) {
	w.t.Helper()
	w.until("told", func() bool { return len(w.told(device)) >= len(actions) })
	require.Equal(w.t, actions, w.told(device))
}

// ticketEvents are all that are stored; they are heard a moment after that.
func (w *world) ticketEvents() []*ticketv1.Event {
	w.t.Helper()
	js, err := jetstream.New(w.nc)
	require.NoError(w.t, err)
	stream, err := js.Stream(w.t.Context(), "TICKET")
	require.NoError(w.t, err)
	last := stream.CachedInfo().State.LastSeq
	w.until("heard", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.heard >= last
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

func (w *world) questions() []*companyv1.Wanted {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

// requests counts what arrived at the server since the last call, by method and route, look-ups left out; so is the listing of
// our own tickets, which each process makes once.
func (w *world) requests() map[string]int {
	count := w.cw.Counts()
	if own := w.ownListings(); own > 0 {
		count[listTickets] -= own
		if count[listTickets] == 0 {
			delete(count, listTickets)
		}
	}
	w.cw.ResetCounts()
	for route := range count {
		if strings.Contains(route, "companyinfo") || strings.Contains(route, "boards") || strings.Contains(route, "priorities") {
			delete(count, route)
		}
	}
	return count
}

func (w *world) fault(f cwfake.Fault) {
	w.t.Helper()
	require.NoError(w.t, w.cw.AddFaults(f))
}
