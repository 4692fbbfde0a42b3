// Package harness builds a whole Covewise for a test: the bus, every service, and for each tenant a fake Cove and a
// fake ConnectWise in the test's own process.
//
// The same story runs in two modes. Embedded: an in-process nats-server and every service in goroutines. Split: a
// nats-server process and one process per service, built from the repository. A story therefore does not know the
// mode: it changes the fakes, waits for conditions, and looks at the fakes and at the buckets. It never sleeps.
//
// The harness owns no expectations beyond those that hold after every story (see verify).
package harness

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Mode is how the services run.
type Mode string

// The modes.
const (
	Embedded Mode = "embedded" // everything in the test's process
	Split    Mode = "split"    // one process per service and a nats-server process
)

// Service names a service.
type Service string

// The services.
const (
	Poller      Service = "poller"
	Evaluator   Service = "evaluator"
	Ticketer    Service = "ticketer"
	CompanySync Service = "companysync"
	Console     Service = "console"
)

// Services returns every service in the order in which they are started: readers before those who write to them.
func Services() []Service { return []Service{Console, Ticketer, CompanySync, Evaluator, Poller} }

// Patience is the ticketer's search patience in a harness. The product's default of a minute is for a search index
// that lags; the fakes' lags less.
const Patience = 4 * time.Second

// Options shape a run. The zero value is both modes on the machine's clock.
type Options struct {
	// Modes are those to run; both when empty.
	Modes []Mode
	// Clock makes the clock of the services and the fakes for an embedded run; nil means the machine's. Processes live
	// on the machine's clock always.
	Clock func() clock.Clock
}

// runtime is where the services live.
type runtime interface {
	// connect returns a connection of the harness's own to the provisioned bus.
	connect() *nats.Conn
	start(Service)
	// kill ends a service without giving it a chance to put anything down.
	kill(Service)
	// stop ends every service that still runs the way an operator does.
	stop()
	consoleURL() string
}

// Harness is a running Covewise.
type Harness struct {
	Mode  Mode
	Clock clock.Clock

	t       *testing.T
	runtime runtime
	bus     *bus.Bus
	js      jetstream.JetStream
	tenants []*Tenant

	settings *bus.Store[*tenantv1.Settings]
	leases   *bus.Store[*statusv1.PollLease]
	states   *bus.Store[*incidentv1.DeviceState]
	links    *bus.Store[*companyv1.Link]
	ledgers  *bus.Store[*ticketv1.Ledger]
}

// Run tells a story in every mode, each as a parallel subtest with a Covewise of its own. When the story is over, what
// must hold after every story is checked and everything is stopped.
func Run(t *testing.T, o Options, story func(t *testing.T, h *Harness)) {
	t.Helper()
	modes := o.Modes
	if len(modes) == 0 {
		modes = []Mode{Embedded, Split}
	}
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			h := start(t, mode, o)
			story(t, h)
			h.verify()
			h.runtime.stop()
		})
	}
}

func start(t *testing.T, mode Mode, o Options) *Harness {
	t.Helper()
	h := &Harness{Mode: mode, t: t, Clock: clock.System()}
	switch mode {
	case Embedded:
		if o.Clock != nil {
			h.Clock = o.Clock()
		}
		h.runtime = newEmbedded(t, h.Clock)
	case Split:
		h.runtime = newProcesses(t)
	default:
		t.Fatalf("unknown mode %q", mode)
	}
	nc := h.runtime.connect()
	var err error
	h.js, err = jetstream.New(nc)
	require.NoError(t, err)
	h.bus = bustest.Open(t, nc)
	h.settings = openStore[*tenantv1.Settings](h, bus.Tenants)
	h.leases = openStore[*statusv1.PollLease](h, bus.PollLease)
	h.states = openStore[*incidentv1.DeviceState](h, bus.DeviceState)
	h.links = openStore[*companyv1.Link](h, bus.CompanyMap)
	h.ledgers = openStore[*ticketv1.Ledger](h, bus.TicketLedger)
	for _, s := range Services() {
		h.runtime.start(s)
	}
	return h
}

func (h *Harness) ctx() context.Context { return h.t.Context() }

// Kill ends a service at once: a process by SIGKILL, an embedded one by cutting its connection to the bus before it is
// told to stop, so that whatever it is doing fails in the middle.
func (h *Harness) Kill(s Service) { h.runtime.kill(s) }

// Restart kills a service and starts it again.
func (h *Harness) Restart(s Service) {
	h.runtime.kill(s)
	h.runtime.start(s)
}

const (
	// waitLimit is far beyond what anything takes; a story that reaches it has failed.
	waitLimit = 90 * time.Second
	lookAgain = 20 * time.Millisecond
)

// Eventually waits until a condition holds.
func (h *Harness) Eventually(what string, holds func() bool) {
	h.t.Helper()
	h.Settles(what, func() string {
		if holds() {
			return ""
		}
		return "it does not hold"
	})
}

// Settles waits until missing returns "". Otherwise it fails with what was missing last, and with the state of all
// incidents.
func (h *Harness) Settles(what string, missing func() string) {
	h.t.Helper()
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		lacks := missing()
		if lacks == "" {
			return
		}
		select {
		case <-tick.C:
		case <-h.ctx().Done():
			h.t.Fatalf("waiting until %s: %v", what, h.ctx().Err())
		case <-limit.C:
			h.t.Fatalf("%s: not within %s: %s\n%s", what, waitLimit, lacks, h.describe())
		}
	}
}

// verify checks what must hold after every story: no two tickets stand for one thing, every ticket of ours is known to
// the ledger and as open as the ledger says, and nothing was given up as a dead letter.
func (h *Harness) verify() {
	h.t.Helper()
	if h.t.Failed() {
		return
	}
	for _, tn := range h.tenants {
		require.Empty(h.t, tn.PSA.Duplicates(), "tenant %s: duplicates", tn.ID)
		known := map[int]*ticketv1.Ledger{}
		for _, l := range tn.Ledgers() {
			if l.GetTicketId() != 0 {
				known[int(l.GetTicketId())] = l
			}
		}
		for _, ticket := range tn.PSA.Tickets() {
			l := known[ticket.ID]
			if ticket.ExternalXRef == "" {
				require.Nil(h.t, l, "tenant %s: ticket %d is not ours", tn.ID, ticket.ID)
				continue
			}
			require.NotNil(h.t, l, "tenant %s: ticket %d (%s) is in no ledger", tn.ID, ticket.ID, ticket.Summary)
			require.Equal(h.t, l.GetReference(), ticket.ExternalXRef, "tenant %s: ticket %d", tn.ID, ticket.ID)
			require.Equal(h.t, l.GetPhase() == ticketv1.Phase_PHASE_CLOSED, ticket.ClosedFlag, "tenant %s: ticket %d is %s and its ledger %s", tn.ID, ticket.ID, ticket.Status, l.GetPhase())
		}
	}
	dead, err := h.js.Stream(h.ctx(), "DLQ")
	require.NoError(h.t, err)
	require.Zero(h.t, dead.CachedInfo().State.Msgs, "dead letters")
}

func openStore[T proto.Message](h *Harness, name bus.Bucket) *bus.Store[T] {
	h.t.Helper()
	s, err := bus.OpenStore[T](h.ctx(), h.bus, name)
	require.NoError(h.t, err)
	return s
}

// describe tells how every tenant and incident stands, for a failure's text.
func (h *Harness) describe() string {
	var text strings.Builder
	for _, tn := range h.tenants {
		lease := tn.Lease()
		fmt.Fprintf(&text, "tenant %s: sweep %d, last %d complete=%t %s\n", tn.ID, lease.GetSweep(), lease.GetLast().GetSweep(), lease.GetLast().GetComplete(), lease.GetLast().GetFailure())
		for id, l := range tn.Ledgers() {
			fmt.Fprintf(&text, "  incident %s: %s wanted r%d shown r%d ticket %d park %s %s\n", id, l.GetPhase(),
				l.GetWanted().GetRevision(), l.GetShown().GetRevision(), l.GetTicketId(), l.GetPark().GetReason(), l.GetPark().GetDetail())
		}
	}
	return text.String()
}
