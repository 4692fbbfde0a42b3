package app_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// strange is a world whose board nobody has looked at yet.
func strange(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	adoptions, err := bus.OpenStore[*ticketv1.Adoption](t.Context(), w.bus, bus.Adoptions)
	require.NoError(t, err)
	key := bus.Key("harbor", name(w.url), "1")
	_, revision, err := adoptions.Get(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, adoptions.Delete(t.Context(), key, revision))
	return w
}

func (w *world) person(summary, reference string) int {
	w.t.Helper()
	id, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: summary, CompanyIdentifier: "HarborIT", ExternalXRef: reference})
	require.NoError(w.t, err)
	return id
}

func TestTicketsOfOthersAreAdoptedInsteadOfDuplicated(t *testing.T) {
	t.Parallel()
	w := strange(t)
	script := w.person("COVE SVR SRV-7 #7 - FS Failed(3)", "")
	legacy := w.person("Cove: [Server] SRV-8 (ID: 8) - Critical - Failed", "")
	older := w.person("COVE SVR SRV-9 #9 - Stale", "")
	newer := w.person("COVE SVR SRV-9 #9 - Failed", "rmm:1")
	lost := w.person("renamed", "covewise:LOST:harbor:10-4")
	ended := w.person("COVE SVR SRV-11 #11 - Failed", "")
	foreign := w.person("COVE SVR SRV-12 #12 - Failed", "covewise:LOST:quay:12-1")

	preview, err := app.AdoptionPreview(t.Context(), w.bus, "harbor", app.AdoptionOptions{Logger: bustest.Logger(t), Clock: w.clock, LookupEnv: w.options().LookupEnv})
	require.NoError(t, err)
	require.Equal(t, []app.AdoptionRow{
		{"10", int64(lost), "renamed", "reference", "adopt"},
		{"11", int64(ended), "COVE SVR SRV-11 #11 - Failed", "script", "adopt"},
		{"7", int64(script), "COVE SVR SRV-7 #7 - FS Failed(3)", "script", "adopt"},
		{"8", int64(legacy), "Cove: [Server] SRV-8 (ID: 8) - Critical - Failed", "legacy script", "adopt"},
		{"9", int64(newer), "COVE SVR SRV-9 #9 - Failed", "script", "adopt"},
		{"9", int64(older), "COVE SVR SRV-9 #9 - Stale", "script", "leave"},
	}, preview)
	require.Zero(t, w.cw.Writes())
	w.requests()

	w.start()
	devices := []string{"7", "8", "9", "10", "11", "12", "13"}
	for _, d := range devices {
		w.say(d, 1, failed)
	}
	want := map[string]int{"7": script, "8": legacy, "9": newer, "10": lost}
	for _, d := range devices {
		w.until("open "+d, w.inPhase(d, open, 1))
	}
	for d, ticket := range want {
		require.Equal(t, int64(ticket), w.ledger(d).GetTicketId(), d)
		w.wasTold(d, "adopted", "annotated")
		require.Equal(t, 1, noted(w.ticket(ticket), d)["r1 back 1"], d)
	}
	reference := "covewise:" + w.bus.Installation() + ":harbor:"
	require.Equal(t, []string{reference + "7-1", reference + "8-1", "rmm:1", reference + "10-1"},
		[]string{w.ticket(script).ExternalXRef, w.ticket(legacy).ExternalXRef, w.ticket(newer).ExternalXRef, w.ticket(lost).ExternalXRef},
		"a reference of others is left alone")
	notes := w.ticket(newer).Notes
	require.Contains(t, notes[len(notes)-1].Text, "Covewise has taken this ticket over.")
	lostNotes := w.ticket(lost).Notes
	require.Contains(t, lostNotes[len(lostNotes)-1].Text, "It was made by another installation of Covewise, LOST, whose record is taken for lost; if that one still runs, stop one of the two.")
	require.Contains(t, notes[len(notes)-1].Text, "Also open for this device, and left alone: ticket ")
	require.NotEqual(t, int64(foreign), w.ledger("12").GetTicketId(), "another tenant's")
	require.Equal(t, int64(ended), w.ledger("11").GetTicketId())

	count := w.requests()
	require.LessOrEqual(t, count[listTickets], 2, "one listing for all, and one look before the notes")
	require.Equal(t, 2, count[postTicket], "devices 12 and 13")

	require.NoError(t, w.cw.Person("").Close(ended, ""))
	w.say("7", 2, resolved)
	w.until("closed", w.inPhase("7", closed, 2))
	require.True(t, w.ticket(script).ClosedFlag)
}

// The adopted ticket keeps the reference of others; the last incident in it closes it all the same.
func TestAnAdoptedTicketIntoWhichAnotherWasMergedIsClosedWithTheLastIncident(t *testing.T) {
	t.Parallel()
	w := strange(t)
	adopted := w.person("COVE SVR SRV-7 #7 - Failed", "rmm:1")
	w.start(watching)
	for _, d := range []string{"7", "8"} {
		w.say(d, 1, failed)
		w.until("open "+d, w.inPhase(d, open, 1))
	}
	require.Equal(t, int64(adopted), w.ledger("7").GetTicketId())
	require.NoError(t, w.cw.Person("").Merge(int(w.ledger("8").GetTicketId()), adopted, ""))
	w.passes("followed", func() bool { return w.ledger("8").GetTicketId() == int64(adopted) })
	w.say("7", 2, resolved)
	w.until("the first is over", w.inPhase("7", closed, 2))
	require.False(t, w.ticket(adopted).ClosedFlag)
	w.say("8", 2, resolved)
	w.until("the last is over", w.inPhase("8", closed, 2))
	require.True(t, w.ticket(adopted).ClosedFlag)
}

func TestACandidateThatWasClosedMeanwhileIsNotAdopted(t *testing.T) {
	t.Parallel()
	w := strange(t)
	older := w.person("COVE SVR SRV-7 #7 - Stale", "")
	newer := w.person("COVE SVR SRV-7 #7 - Failed", "")
	w.start()
	w.say("8", 1, failed)
	w.until("first contact", w.inPhase("8", open, 1))
	require.NoError(t, w.cw.Person("").Close(newer, ""))
	w.say("7", 1, failed)
	w.until("adopted", w.inPhase("7", open, 1))
	require.Equal(t, int64(older), w.ledger("7").GetTicketId())
	require.NoError(t, w.cw.Person("").Close(older, ""))

	e := w.incident("7", 1, failed)
	e.IncidentId = "7-2"
	w.deliver(e, "")
	w.drained()
	l, _, err := w.ledgers.Get(t.Context(), bus.Key("harbor", "7", "7-2"))
	require.NoError(t, err)
	require.NotContains(t, []int64{int64(older), int64(newer)}, l.GetTicketId())
}

func TestAnAdoptionWhoseAnswersAreLostHappensOnce(t *testing.T) {
	t.Parallel()
	w := strange(t)
	script := w.person("COVE SVR SRV-7 #7 - FS Failed(3)", "")
	w.fault(cwfake.Fault{Match: patchTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.fault(cwfake.Fault{Match: postNote, Times: 1, Kind: cwfake.FaultLostAnswer})
	w.start()
	w.say("7", 1, failed)
	w.eventually("adopted", w.inPhase("7", open, 1))
	require.Len(t, w.cw.Tickets(), 1)
	require.Equal(t, map[string]int{"r1 back 1": 1}, noted(w.ticket(script), "7"))
}

func TestTicketsAndTheirStoriesAreReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	w.say("8", 1, failed)
	w.until("created", w.inPhase("8", open, 1))
	w.say("8", 2, resolved)
	w.until("closed", w.inPhase("8", closed, 2))
	w.settings(func(s *tenantv1.Settings) { s.Mode = tenantv1.Mode_MODE_SHADOW })
	w.say("9", 1, failed)
	w.until("parked", w.parkedFor("9", ticketv1.ParkReason_PARK_REASON_SHADOW))

	story, err := app.Ticket(t.Context(), w.bus, "harbor", "8-1")
	require.NoError(t, err)
	require.Equal(t, "Closed", story.Ledger.GetObserved().GetStatus())
	require.Len(t, story.Events, 2)
	require.Equal(t, []ticketv1.Action{ticketv1.Action_ACTION_CREATED, ticketv1.Action_ACTION_CLOSED}, []ticketv1.Action{story.Events[0].GetAction(), story.Events[1].GetAction()})
	require.Equal(t, story.Events[0].GetRequests()+2, story.Ledger.GetRequests(), "a close costs two requests")

	for incident, class := range map[string]errclass.Class{"8-2": errclass.NotFound, "eight": errclass.Rejected} {
		_, err = app.Ticket(t.Context(), w.bus, "harbor", incident)
		require.Equal(t, class, errclass.Of(err), "%v", err)
	}
}

// A board that is new to an installation with a record of its own: what another one made there is not lost.
func TestTheTicketsOfAnInstallationThatRunsBesideThisOneAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	theirs, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{
		Summary: "[CW-7-1] Cove SVR SRV-7 - Failed", Board: "NOC", CompanyIdentifier: "acme", ExternalXRef: "covewise:OTHER:harbor:7-1",
	})
	require.NoError(t, err)
	w.start()
	w.say("8", 1, failed)
	w.until("a record of its own", w.inPhase("8", open, 1))
	w.settings(func(s *tenantv1.Settings) { s.Tickets.Board, s.Tickets.ClosedStatus = "NOC", "Completed" })

	preview, err := app.AdoptionPreview(t.Context(), w.bus, "harbor", app.AdoptionOptions{Logger: bustest.Logger(t), Clock: w.clock, LookupEnv: w.options().LookupEnv})
	require.NoError(t, err)
	require.Contains(t, preview, app.AdoptionRow{Device: "7", Ticket: int64(theirs), Summary: "[CW-7-1] Cove SVR SRV-7 - Failed", By: "reference", Would: app.Strangers})

	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	require.NotEqual(t, int64(theirs), w.ledger("7").GetTicketId())
	require.Equal(t, "covewise:OTHER:harbor:7-1", w.ticket(theirs).ExternalXRef)
	require.Empty(t, w.ticket(theirs).Notes)
	w.until("told", func() bool {
		return strings.Contains(w.lastObserved("tenant"), fmt.Sprintf("are left alone: %d of OTHER.", theirs))
	})
}

func TestThePreviewSaysWhyTicketsOfDevicesThatDoNotFailAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := strange(t)
	for _, d := range []string{"7", "8", "9", "10", "11"} {
		w.person("COVE SVR A #"+d+" - Failed", "")
	}
	w.judged("7", well)
	w.judged("8", func(s *incidentv1.DeviceState) { s.Gone = true })
	w.judged("9", func(s *incidentv1.DeviceState) { s.Excluded = "trial" })
	w.judged("10", func(s *incidentv1.DeviceState) { s.Open = &incidentv1.Event{IncidentId: "10-1"} })
	w.judged("12", well)
	w.left("NOC", "[CW-12-1] Cove SVR", "covewise:LOST:harbor:12-1")
	w.left("", "[CW-12-1] Cove SVR", "covewise:LOST:harbor:12-1")
	w.left("", "[CW-group-9f-1] Cove GRP", "covewise:LOST:harbor:group-9f-1")
	w.judged("13", func(s *incidentv1.DeviceState) { s.Gone = true })
	w.left("NOC", "[CW-13-1] Cove SVR", "covewise:LOST:harbor:13-1")
	preview, err := app.AdoptionPreview(t.Context(), w.bus, "harbor", app.AdoptionOptions{Logger: bustest.Logger(t), Clock: w.clock, LookupEnv: w.options().LookupEnv})
	require.NoError(t, err)
	would := map[string]string{}
	for _, row := range preview {
		would[row.Device] = row.Would
	}
	require.Equal(t, map[string]string{
		"7": app.WellMeanwhile, "8": app.GoneMeanwhile, "9": app.ExcludedMeanwhile, "10": "adopt", "11": app.GoneMeanwhile, "12": app.ClosedAsWell,
		"group-9f": app.ClosedAsWell, "13": app.ClosedAsGone,
	}, would)
	require.Zero(t, w.cw.Writes())
}

func TestAPreviewKeepsToThePaceOfTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limits := connectwise.NewLimits(connectwise.LimitsOptions{RequestsPerMinute: 1, Burst: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := app.AdoptionPreview(ctx, w.bus, "harbor", app.AdoptionOptions{Logger: bustest.Logger(t), Clock: w.clock, LookupEnv: w.options().LookupEnv, Limits: limits})
	require.ErrorContains(t, err, "no turn within the time allowed")
}

// The answer to our marking of a ticket of others is lost, and people close it before it is marked again. What they closed is the
// incident's, and the ticket that replaces it has a reference of its own.
func TestATicketThatPeopleCloseWhileItIsAdoptedIsTheIncidents(t *testing.T) {
	t.Parallel()
	w := strange(t)
	w.settings(func(s *tenantv1.Settings) { s.Tickets.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW })
	script := w.person("COVE SVR SRV-7 #7 - Failed", "")
	w.fault(cwfake.Fault{Match: patchTicket, Times: 1, Kind: cwfake.FaultEmpty})
	var closedOnce atomic.Bool
	w.start(watching, func(o *app.Options) {
		o.OnStep = func(step string) {
			if step == "mark ticket: end" && closedOnce.CompareAndSwap(false, true) {
				require.NoError(t, w.cw.Person("mreyes").Close(script, ""))
			}
		}
	})
	w.say("7", 1, failed)
	w.eventually("replaced", func() bool { return len(w.cw.OpenTickets()) == 1 && w.inPhase("7", open, 1)() })
	require.True(t, closedOnce.Load())
	require.Equal(t, []int64{int64(script)}, w.ledger("7").GetFormerTicketIds())
	require.Equal(t, w.ticket(script).ExternalXRef+":2", w.cw.OpenTickets()[0].ExternalXRef)
	require.Empty(t, w.cw.Duplicates())
}

func TestATicketThatPeopleCloseBeforeItCouldBeReadIsTheIncidents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	left := w.left("", "[CW-7-1] Cove SVR SRV-7 - Failed", w.reference("7-1"))
	w.start(watching)
	w.fault(cwfake.Fault{Match: readTicket, Kind: cwfake.FaultErrorBefore, Status: http.StatusServiceUnavailable})
	w.say("7", 1, failed)
	w.until("parked", func() bool { return w.ledger("7").GetPark() != nil })
	w.clock.Add(time.Minute)
	require.NoError(t, w.cw.Person("mreyes").Close(left, ""))
	w.drained()
	w.cw.ClearFaults()
	w.passes("respected", func() bool { return w.ledger("7").GetPhase() == handedOver })
	w.looks(3 * time.Hour)
	require.Equal(t, int64(left), w.ledger("7").GetTicketId())
	require.Empty(t, w.cw.OpenTickets())
}

// People merge the ticket of device 7 into the script's for device 8, before Covewise has come to that.
func TestATicketThatIsAdoptedAfterAnotherWasMergedIntoItIsClosedWithTheLast(t *testing.T) {
	t.Parallel()
	for sentence, order := range map[string][]string{"7, whose ticket was merged": {"8", "7"}, "8, which has adopted it": {"7", "8"}} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := strange(t)
			script := w.person("COVE SVR SRV-8 #8 - FS Failed(3)", "")
			w.start(watching)
			w.say("7", 1, failed)
			w.until("created", w.inPhase("7", open, 1))
			w.clock.Add(time.Minute)
			require.NoError(t, w.cw.Person("mreyes").Merge(w.onlyTicket("7").ID, script, ""))
			w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(script) })
			w.say("8", 1, failed)
			w.until("adopted", w.inPhase("8", open, 1))
			require.Equal(t, int64(script), w.ledger("8").GetTicketId())
			for _, device := range order {
				require.False(t, w.ticket(script).ClosedFlag)
				w.say(device, 2, resolved)
				w.until("over", w.inPhase(device, closed, 2))
			}
			require.True(t, w.ticket(script).ClosedFlag)
		})
	}
}
