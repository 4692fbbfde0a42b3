package app_test

import (
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// change changes the stored link of customer 70.
func (w *world) change(change func(*companyv1.Link)) {
	w.t.Helper()
	_, err := w.links.Update(w.t.Context(), bus.Key("harbor", "70"), func(l *companyv1.Link) (*companyv1.Link, error) {
		change(l)
		return l, nil
	})
	require.NoError(w.t, err)
}

// otherServer is a ConnectWise server on which the ids 250 and those up to a ticket's are other people's.
func (w *world) otherServer(ticket int) (*cwfake.Server, string) {
	w.t.Helper()
	other := cwfake.New(cwfake.Options{Clock: w.clock})
	_, err := other.AddCompany(cwfake.Company{ID: 250, Identifier: "zeta", Name: "Zeta", Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
	require.NoError(w.t, err)
	for foreign := 0; foreign < ticket; {
		foreign, err = other.Person("").CreateTicket(cwfake.NewTicket{Summary: "Printer on fire", CompanyIdentifier: "zeta"})
		require.NoError(w.t, err)
	}
	web := httptest.NewServer(other)
	w.t.Cleanup(web.Close)
	other.ResetCounts()
	return other, web.URL
}

func name(url string) string { return cwfake.DefaultCompany + "@" + strings.TrimPrefix(url, "http://") }

func TestATicketOfAnotherServerIsNeverTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	require.Equal(t, name(w.url), w.ledger("7").GetServer())
	other, url := w.otherServer(w.onlyTicket("7").ID)
	w.change(func(l *companyv1.Link) { l.Server = name(w.url) })

	w.settings(func(s *tenantv1.Settings) { s.Connectwise.Url = url })
	w.say("7", 2, resolved)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
	require.Contains(t, w.ledger("7").GetPark().GetDetail(), " belongs to "+name(w.url)+"; the tenant's settings now name "+name(url)+". Set connectwise.url")
	w.say("8", 1, failed)
	w.until("a company of the other server is no company", w.parkedFor("8", ticketv1.ParkReason_PARK_REASON_COMPANY))
	w.clock.Add(15 * time.Minute)
	w.until("looked at again", func() bool { return w.ledger("7").GetPark().GetTimes() >= 1 })
	w.drained()
	for route := range other.Counts() {
		require.NotContains(t, route, "/service/tickets")
	}
	require.NotEmpty(t, w.questions())

	w.change(func(l *companyv1.Link) { l.Server = name(url) })
	w.until("created at the other server", w.inPhase("8", open, 1))
	require.Empty(t, w.tickets("8"))

	w.settings(func(s *tenantv1.Settings) { s.Connectwise.Url = w.url })
	w.until("closed where it is", w.inPhase("7", closed, 2))
	require.True(t, w.onlyTicket("7").ClosedFlag)
	for id := 1; id <= w.onlyTicket("7").ID; id++ {
		if theirs, there := other.Ticket(id); there {
			require.False(t, theirs.ClosedFlag, id)
		}
	}
}

func TestWhatAReplacementMadeAtAnotherServerReplacesIsNotLookedForThere(t *testing.T) {
	t.Parallel()
	w, ticket := failing(t, func(s *tenantv1.Tickets) { s.OnHandClose = tenantv1.HandClose_HAND_CLOSE_NEW })
	w.unlink()
	require.NoError(t, w.cw.Person("mreyes").Close(ticket.ID, ""))
	w.passes("renewed", func() bool { l := w.ledger("7"); return l.GetRenewals() == 1 && l.GetPark() != nil })
	other, url := w.otherServer(ticket.ID)
	before, _ := other.Ticket(ticket.ID)
	require.False(t, before.ClosedFlag, "a stranger's ticket of that number")
	// Whether the first create was executed is not known, so that looks in vain come before the next.
	require.NoError(t, other.AddFaults(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultErrorBefore, Status: 503}))
	w.settings(func(s *tenantv1.Settings) { s.Connectwise.Url = url })
	w.link(companyv1.LinkState_LINK_STATE_LINKED)
	w.change(func(l *companyv1.Link) { l.Server = name(url) })
	w.passes("created at the other server", w.inPhase("7", open, 1))
	l := w.ledger("7")
	require.NotEqual(t, int64(ticket.ID), l.GetTicketId())
	require.Equal(t, name(url), l.GetServer())
	require.Empty(t, l.GetFormerTicketIds())
	mine, _ := other.Ticket(int(l.GetTicketId()))
	require.Equal(t, w.reference("7-1:2"), mine.ExternalXRef)
	for _, note := range mine.Notes {
		require.NotContains(t, note.Text, "replaces ticket")
	}
	w.say("7", 2, resolved)
	w.until("closed", w.inPhase("7", closed, 2))
	mine, _ = other.Ticket(mine.ID)
	require.True(t, mine.ClosedFlag)
	after, _ := other.Ticket(ticket.ID)
	require.Equal(t, before, after)
	for route := range other.Counts() {
		require.NotContains(t, route, "/service/tickets/"+strconv.Itoa(ticket.ID))
	}
}

func TestALinkIsAskedAboutWhenTheReferenceHasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	e := w.incident("7", 1, failed)
	e.Customer.Reference = "CWM:999"
	w.deliver(e, "")
	w.until("waiting", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_COMPANY))
	w.until("asked", func() bool { return len(w.questions()) > 0 })
	question := w.questions()[0]
	require.Equal(t, "CWM:999", question.GetCustomer().GetReference())
	require.Equal(t, e.GetOccurredAt().AsTime(), question.GetObservedAt().AsTime())
	require.False(t, question.GetDoubted())
	require.Empty(t, w.tickets("7"))

	// The answer knows the customer by that reference, or by a later one.
	w.change(func(l *companyv1.Link) {
		l.Customer.Reference, l.ObservedAt = "CWM:250", timestamppb.New(w.clock.Now().Add(time.Hour))
	})
	w.until("created", w.inPhase("7", open, 1))
}

func TestACompanyThatConnectWiseRefusesIsDoubted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(l *companyv1.Link) { l.Company.Id = 777 })
	w.start()
	for _, device := range []string{"7", "8"} {
		w.say(device, 1, failed)
		w.until("refused", w.parkedFor(device, ticketv1.ParkReason_PARK_REASON_REJECTED))
		require.Equal(t, phaseNew, w.ledger(device).GetPhase())
	}
	w.drained()
	w.until("asked", func() bool { return len(w.questions()) > 0 })
	require.Len(t, w.questions(), 1, "once for all that wait")
	require.True(t, w.questions()[0].GetDoubted())

	w.clock.Add(15 * time.Minute)
	for _, device := range []string{"7", "8"} {
		w.until("tried again", func() bool { return w.ledger(device).GetPark().GetTimes() == 1 })
	}
	w.drained()
	w.until("asked again", func() bool { return len(w.questions()) == 2 })
	require.Equal(t, 2, w.requests()[postTicket]-2, "one try each in a quarter of an hour")
	w.link(companyv1.LinkState_LINK_STATE_BROKEN)
	for _, device := range []string{"7", "8"} {
		w.until("waiting for a company", w.parkedFor(device, ticketv1.ParkReason_PARK_REASON_COMPANY))
		require.Contains(t, w.ledger(device).GetPark().GetDetail(), "nothing has that name")
	}
	require.Empty(t, w.requests())
	w.link(companyv1.LinkState_LINK_STATE_LINKED)
	for _, device := range []string{"7", "8"} {
		w.until("created", w.inPhase(device, open, 1))
	}
}

func TestWhatWasMendedWhileNoTicketerRanIsSeenAtTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, os.WriteFile(w.key, []byte("wrong"), 0o600))
	stop := w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_AUTH))
	stop()
	require.NoError(t, os.WriteFile(w.key, []byte(cwfake.DefaultPrivateKey), 0o600))
	w.clock.Add(time.Second)
	w.start()
	began := w.clock.Now()
	w.eventually("created", w.inPhase("7", open, 1))
	require.Less(t, w.clock.Now().Sub(began), 4*time.Minute)
	w.onlyTicket("7")
}
