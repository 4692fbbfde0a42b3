package app_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// left is an open ticket with our reference, as a record that was lost or restored leaves it: made by the API member.
func (w *world) left(board, summary, reference string) int {
	w.t.Helper()
	id, err := w.cw.Person(cwfake.DefaultMember).CreateTicket(cwfake.NewTicket{Summary: summary, CompanyIdentifier: "acme", Board: board, ExternalXRef: reference})
	require.NoError(w.t, err)
	return id
}

// reference is that of an incident of this installation.
func (w *world) reference(incident string) string {
	return "covewise:" + w.bus.Installation() + ":harbor:" + incident
}

// judged says that a complete sweep has just found a device to be so.
func (w *world) judged(device string, change func(*incidentv1.DeviceState)) {
	w.t.Helper()
	states, err := bus.OpenStore[*incidentv1.DeviceState](w.t.Context(), w.bus, bus.DeviceState)
	require.NoError(w.t, err)
	wholes, err := bus.OpenStore[*incidentv1.TenantState](w.t.Context(), w.bus, bus.TenantState)
	require.NoError(w.t, err)
	now := timestamppb.New(w.clock.Now())
	s := &incidentv1.DeviceState{Tenant: "harbor", DeviceId: device, DecidedSweep: 4, SourcesSeen: []*incidentv1.SourceSeen{{Code: "D01", At: now, ErrorFreeAt: now}}}
	change(s)
	_, err = states.Update(w.t.Context(), bus.Key("harbor", device), func(*incidentv1.DeviceState) (*incidentv1.DeviceState, error) { return s, nil })
	require.NoError(w.t, err)
	_, err = wholes.Update(w.t.Context(), bus.Key("harbor"), func(*incidentv1.TenantState) (*incidentv1.TenantState, error) {
		return &incidentv1.TenantState{Tenant: "harbor", Sweep: 4, LastCompleteAt: now}, nil
	})
	require.NoError(w.t, err)
}

func well(*incidentv1.DeviceState) {}

func (w *world) orphans() map[int64]string {
	w.t.Helper()
	all, err := app.Orphans(w.t.Context(), w.bus, "harbor")
	require.NoError(w.t, err)
	told := map[int64]string{}
	for _, o := range all {
		told[o.GetTicketId()] = o.GetDetail()
	}
	return told
}

// ownListings counts the listings of our own tickets since the last call of requests.
func (w *world) ownListings() int {
	n := 0
	for _, r := range w.cw.Requests() {
		if strings.Contains(r.Path, "conditions=externalXRef%20contains") {
			n++
		}
	}
	return n
}

// closings counts the notes that end an orphan.
func closings(t cwfake.Ticket, device string) int {
	n := 0
	for _, note := range t.Notes {
		if strings.HasSuffix(note.Text, "Covewise "+device+" orphan") && note.Internal {
			n++
		}
	}
	return n
}

func TestOwnTicketsOfALostStateAreAdoptedWhereverTheyAre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		board, device string
		incident      func(*incidentv1.Event)
	}{
		"on another board":                {"NOC", "7", func(*incidentv1.Event) {}},
		"of a group":                      {"", "group-9f", func(e *incidentv1.Event) { e.Scope = incidentv1.Scope_SCOPE_GROUP }},
		"of the tenant, on another board": {"NOC", "tenant", func(e *incidentv1.Event) { e.Scope = incidentv1.Scope_SCOPE_TENANT }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := strange(t)
			id := w.left(c.board, "renamed", "covewise:LOST:harbor:"+c.device+"-4")
			w.start(watching)
			e := w.incident(c.device, 1, failed)
			c.incident(e)
			w.deliver(e, "")
			w.until("open", w.inPhase(c.device, open, 1))
			require.Equal(t, int64(id), w.ledger(c.device).GetTicketId())
			require.Equal(t, w.reference(c.device+"-1"), w.ticket(id).ExternalXRef)
			require.Len(t, w.cw.Tickets(), 1)
			w.wasTold(c.device, "adopted", "annotated")
		})
	}
}

func TestTheRollUpOfALostStateIsAdopted(t *testing.T) {
	t.Parallel()
	w := strange(t)
	w.own()
	w.settings(func(s *tenantv1.Settings) { s.Tickets.HourlyCap = 1 })
	id := w.left("", "[CW-rollup-12-1] Cove ALL", "covewise:LOST:harbor:rollup-12")
	w.start(watching)
	w.say("7", 1, failed)
	w.say("8", 1, failed)
	w.drained()
	w.passes("roll-up", func() bool { return strings.HasPrefix(w.ticket(id).ExternalXRef, w.reference("rollup-")) })
	require.Len(t, w.cw.Tickets(), 2)
}

func TestTheScriptsTicketsAreFoundOnBoardsThatRoutingNames(t *testing.T) {
	t.Parallel()
	w := strange(t)
	person := w.cw.Person("")
	script, err := person.CreateTicket(cwfake.NewTicket{Summary: "COVE SVR SRV-7 #7 - Failed", Board: "NOC", CompanyIdentifier: "acme"})
	require.NoError(t, err)
	w.start()
	w.say("8", 1, failed)
	w.until("first contact", w.inPhase("8", open, 1))
	// The rule comes after the first contact.
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "noc", Set: map[string]string{"board": "NOC"}}}
	})
	w.say("7", 1, failed)
	w.until("adopted", w.inPhase("7", open, 1))
	require.Equal(t, int64(script), w.ledger("7").GetTicketId())
}

func TestAStateRestoredFromABackupMakesNoSecondTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // the first contact is behind
	id := w.left("NOC", "[CW-7-1] Cove SVR SRV-7 - Failed", w.reference("7-1"))
	w.start(watching)
	w.requests()
	w.say("7", 1, failed)
	w.say("8", 1, failed)
	w.until("open", w.inPhase("7", open, 1))
	w.until("open", w.inPhase("8", open, 1))
	require.Equal(t, int64(id), w.ledger("7").GetTicketId())
	require.Len(t, w.cw.Tickets(), 2)
	require.Equal(t, 1, w.ownListings(), "once for each process, not for each incident")
	require.Equal(t, 1, w.requests()[postTicket])
	require.Empty(t, w.cw.Duplicates())
}

// lagging is a world in which the answer to a create was lost and the search showed the ticket later than the patience
// allows, so that there are two: the first one is nobody's.
func lagging(t *testing.T) (w *world, twin int) {
	t.Helper()
	w = newWorld(t)
	require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.SearchLag = 3 * time.Minute }))
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.start(watching)
	w.say("7", 1, failed)
	w.eventually("open", w.inPhase("7", open, 1))
	all := w.cw.OpenTickets()
	require.Len(t, all, 2)
	if int64(all[0].ID) == w.ledger("7").GetTicketId() {
		return w, all[1].ID
	}
	return w, all[0].ID
}

func TestTheTwinThatALaggingIndexMakesIsEnded(t *testing.T) {
	t.Parallel()
	t.Run("closed once, with a note that names the ticket that counts, and told", func(t *testing.T) {
		t.Parallel()
		w, twin := lagging(t)
		w.sees("7", "nobody had worked in it")
		require.True(t, w.ticket(twin).ClosedFlag)
		require.Equal(t, 1, closings(w.ticket(twin), "7"))
		require.Contains(t, w.lastObserved("7"), "ticket "+strconv.Itoa(twin)+" is open with the reference of incident 7-1")
		require.Equal(t, []bool{false}, []bool{w.ticket(int(w.ledger("7").GetTicketId())).ClosedFlag})
		require.Empty(t, w.orphans())
		w.looks(3 * time.Hour)
		require.Equal(t, 1, closings(w.ticket(twin), "7"))
		w.wasTold("7", "parked", "created", "observed")
	})
	t.Run("once although answers are lost", func(t *testing.T) {
		t.Parallel()
		w, twin := lagging(t)
		w.fault(cwfake.Fault{Match: postNote, Times: 1, Kind: cwfake.FaultLostAnswer})
		w.fault(cwfake.Fault{Match: patchTicket, Times: 6, Kind: cwfake.FaultErrorBefore, Status: 503})
		w.passes("closed", func() bool { return w.ticket(twin).ClosedFlag })
		require.Equal(t, 1, closings(w.ticket(twin), "7"))
	})
	t.Run("left to people who have worked in it, and shown", func(t *testing.T) {
		t.Parallel()
		w, twin := lagging(t)
		require.NoError(t, w.cw.Person("mreyes").AddNote(twin, "on my way", false))
		w.sees("7", "people have worked in this one")
		w.looks(3 * time.Hour)
		require.False(t, w.ticket(twin).ClosedFlag)
		require.Zero(t, closings(w.ticket(twin), "7"))
		require.Contains(t, w.orphans()[int64(twin)], "people have worked in this one")
		w.wasTold("7", "parked", "created", "observed")
		require.NoError(t, w.cw.Person("").Close(twin, ""))
		w.passes("forgotten", func() bool { return len(w.orphans()) == 0 })
	})
	t.Run("left to people who open it again", func(t *testing.T) {
		t.Parallel()
		w, twin := lagging(t)
		w.passes("closed", func() bool { return w.ticket(twin).ClosedFlag })
		w.clock.Add(time.Minute)
		require.NoError(t, w.cw.Person("").Reopen(twin, ""))
		w.sees("7", "people opened it again after Covewise had closed it")
		w.looks(3 * time.Hour)
		require.False(t, w.ticket(twin).ClosedFlag)
		require.Equal(t, 1, closings(w.ticket(twin), "7"))
	})
}

func TestTicketsOfALostStateAreClosedWhenTheirDevicesAreWellOrGone(t *testing.T) {
	t.Parallel()
	w := strange(t)
	seven := w.left("NOC", "[CW-7-1] Cove SVR SRV-7 - Failed", "covewise:LOST:harbor:7-1")
	eight := w.left("", "[CW-8-3] Cove SVR SRV-8 - Failed", "covewise:LOST:harbor:8-3")
	nine := w.left("", "[CW-9-3] Cove SVR SRV-9 - Failed", w.reference("9-3"))
	twelve := w.left("", "[CW-12-3] Cove SVR SRV-12 - Failed", w.reference("12-3"))
	thirteen := w.left("", "[CW-13-3] Cove SVR SRV-13 - Failed", w.reference("13-3"))
	ten := w.left("", "[CW-10-1] Cove SVR SRV-10 - Failed", "covewise:LOST:quay:10-1")
	script := w.person("COVE SVR SRV-11 #11 - Failed", "")
	copied := w.person("[CW-7-1] copied by a person", w.reference("7-1"))
	w.start(watching)
	w.passes("told", func() bool { return len(w.orphans()) == 6 })
	require.Contains(t, w.orphans()[int64(eight)], "no complete sweep has judged its device")
	require.Len(t, w.cw.OpenTickets(), 8)
	w.clock.Add(time.Minute)
	w.judged("7", well)
	w.judged("9", well)
	w.judged("10", well)
	w.judged("11", well)
	w.judged("12", func(s *incidentv1.DeviceState) { s.Gone = true })
	w.judged("8", func(s *incidentv1.DeviceState) { s.Tracks = []*incidentv1.ConditionTrack{{SourceCode: "D01"}} })
	w.passes("closed", func() bool {
		return w.ticket(seven).ClosedFlag && w.ticket(nine).ClosedFlag && w.ticket(twelve).ClosedFlag
	})
	w.passes("told anew", func() bool { return strings.Contains(w.orphans()[int64(eight)], "its device is in trouble") })
	w.looks(3 * time.Hour)
	require.Equal(t, []int{1, 0, 1, 1}, []int{closings(w.ticket(seven), "7"), closings(w.ticket(eight), "8"), closings(w.ticket(nine), "9"), closings(w.ticket(twelve), "12")})
	require.False(t, w.ticket(thirteen).ClosedFlag)
	require.Contains(t, w.orphans()[int64(thirteen)], "no record says that it ever did")
	require.False(t, w.ticket(ten).ClosedFlag, "another tenant's")
	require.False(t, w.ticket(script).ClosedFlag, "not ours")
	require.False(t, w.ticket(copied).ClosedFlag, "a person's")
	w.judged("7", well)
	w.passes("told anew", func() bool { return strings.Contains(w.orphans()[int64(copied)], "it was not made by Covewise") })
	require.Len(t, w.orphans(), 3)

	w.say("8", 1, failed)
	w.until("taken up", w.inPhase("8", open, 1))
	require.Equal(t, int64(eight), w.ledger("8").GetTicketId())
	w.passes("forgotten", func() bool { return len(w.orphans()) == 2 })
}

func TestATicketThatWasMarkedForAnIncidentThatEndedIsNotDuplicated(t *testing.T) {
	t.Parallel()
	marked := func(t *testing.T) (*world, int) {
		t.Helper()
		w := strange(t)
		script := w.person("COVE SVR SRV-7 #7 - FS Failed(3)", "")
		w.fault(cwfake.Fault{Match: patchTicket, Times: 6, Kind: cwfake.FaultLostAnswer})
		w.start(watching)
		w.say("7", 1, failed)
		w.until("parked", func() bool { return w.ledger("7").GetPark() != nil })
		w.say("7", 2, resolved)
		w.until("dropped", func() bool { return w.ledger("7").GetPhase() == dropped })
		w.cw.ClearFaults()
		require.Equal(t, w.reference("7-1"), w.ticket(script).ExternalXRef)
		w.clock.Add(time.Minute)
		return w, script
	}
	t.Run("the next incident takes it over", func(t *testing.T) {
		t.Parallel()
		w, script := marked(t)
		e := w.incident("7", 1, failed)
		e.IncidentId = "7-2"
		w.deliver(e, "")
		next := func() *ticketv1.Ledger {
			l, _, err := w.ledgers.Get(t.Context(), bus.Key("harbor", "7", "7-2"))
			require.NoError(t, err)
			return l
		}
		w.eventually("open", func() bool { return next().GetPhase() == open && next().GetShown().GetRevision() == 1 })
		require.Equal(t, int64(script), next().GetTicketId())
		require.Equal(t, w.reference("7-2"), w.ticket(script).ExternalXRef)
		require.Len(t, w.cw.Tickets(), 1)
	})
	t.Run("without one it is closed when the device is well", func(t *testing.T) {
		t.Parallel()
		w, script := marked(t)
		w.judged("7", well)
		w.passes("closed", func() bool { return w.ticket(script).ClosedFlag })
		require.Equal(t, 1, closings(w.ticket(script), "7"))
	})
	t.Run("... or was removed", func(t *testing.T) {
		t.Parallel()
		w, script := marked(t)
		w.judged("7", func(s *incidentv1.DeviceState) { s.Gone = true })
		w.passes("closed", func() bool { return w.ticket(script).ClosedFlag })
		require.Contains(t, w.ticket(script).Notes[len(w.ticket(script).Notes)-1].Text, "no longer in Cove")
		require.Equal(t, 1, closings(w.ticket(script), "7"))
	})
}

// A ticket that comes to light while its incident waits is the incident's.
func TestATicketThatComesToLightWhileItsIncidentWaitsIsTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.own()
	w.settings(func(s *tenantv1.Settings) { s.Tickets.HourlyCap = 1 })
	w.start(watching)
	w.say("6", 1, failed)
	w.until("created", w.inPhase("6", open, 1))
	w.say("7", 1, failed)
	w.until("capped", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_CAPPED))
	w.clock.Add(time.Minute)
	id := w.left("", "[CW-7-1] Cove SVR SRV-7 - Failed", w.reference("7-1"))
	w.passes("taken up", func() bool { return w.ledger("7").GetTicketId() == int64(id) && w.inPhase("7", open, 1)() })
	require.Empty(t, w.cw.Duplicates())
	require.Empty(t, w.orphans())
}
