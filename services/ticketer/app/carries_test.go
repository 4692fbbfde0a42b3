package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

const postConfiguration = "POST /service/tickets/{parentId}/configurations"

// equipped is a world whose customer's company, 251, has an agreement and a configuration for device 7, and lacks the site
// that a rule asks for.
func equipped(t *testing.T, w *world) (configuration int) {
	t.Helper()
	_, err := w.cw.AddCompany(cwfake.Company{
		ID: 251, Identifier: "bluefin", Name: "Bluefin", Sites: []cwfake.Site{{Name: "Main", Primary: true}},
		Agreements: []cwfake.Agreement{{ID: 71, Name: "Backup Gold", Type: "Backup"}},
	})
	require.NoError(t, err)
	configuration, err = w.cw.AddConfiguration(cwfake.Configuration{Name: "SRV-7", Company: 251})
	require.NoError(t, err)
	w.change(func(l *companyv1.Link) {
		l.Company = &companyv1.Company{Id: 251, Identifier: "bluefin", Name: "Bluefin"}
	})
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.AttachConfigurations, s.Tickets.Agreement = true, `type/name = "Backup"`
		s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"site": "Mars"}}}
	})
	return configuration
}

func TestWhatATicketCarriesDoesNotDependOnTheAnswerToItsCreate(t *testing.T) {
	t.Parallel()
	const remark = `The company has no active site "Mars", which tickets.routing[0].set.site (rule "all") asks for; the ticket is at its default site.`
	carried := func(t *testing.T, w *world, configuration int, requests map[string]int) {
		t.Helper()
		ticket := w.onlyTicket("7")
		require.Equal(t, []int{configuration}, w.cw.TicketConfigurations(ticket.ID))
		require.Equal(t, []string{remark}, w.ledger("7").GetRemarks())
		require.Equal(t, 1, requests[postTicket])
	}
	t.Run("when it came", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		configuration := equipped(t, w)
		w.start()
		w.say("7", 1, failed)
		w.eventually("created", w.inPhase("7", open, 1))
		carried(t, w, configuration, w.requests())
	})
	t.Run("when it was lost: one request more to find it, none to complete it beside the configuration", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		configuration := equipped(t, w)
		w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
		w.start()
		w.say("7", 1, failed)
		w.eventually("created", w.inPhase("7", open, 1))
		lost := w.requests()
		came := newWorld(t)
		equipped(t, came)
		came.start()
		came.say("7", 1, failed)
		came.eventually("created", came.inPhase("7", open, 1))
		want := came.requests()
		want[listTickets]++
		require.Equal(t, want, lost)
		carried(t, w, configuration, lost)
	})
	for _, at := range []string{"post ticket: end", "publish created: end"} {
		t.Run("when the process died at "+at, func(t *testing.T) {
			t.Parallel()
			w := newMortalWorld(t)
			configuration := equipped(t, w)
			w.dieAt(at, func() { w.say("7", 1, failed) })
			w.start()
			w.eventually("created", w.inPhase("7", open, 1))
			carried(t, w, configuration, w.requests())
		})
	}
	for name, f := range map[string]cwfake.Fault{
		"when the configuration was not taken at once":     {Kind: cwfake.FaultErrorBefore, Status: 500},
		"when the pace was too high for the configuration": {Kind: cwfake.FaultRateLimited, RetryAfter: "1"},
		"when the answer about the configuration was lost": {Kind: cwfake.FaultLostAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			configuration := equipped(t, w)
			f.Match, f.Times = postConfiguration, 1
			w.fault(f)
			w.start()
			w.say("7", 1, failed)
			w.eventually("created", w.inPhase("7", open, 1))
			carried(t, w, configuration, w.requests())
		})
	}
	t.Run("what ConnectWise made otherwise is told, too", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
		require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.SearchLag = 20 * time.Second }))
		w.start()
		w.say("7", 1, failed)
		w.until("the search found nothing", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_OUTCOME))
		// A workflow gives every ticket to somebody's queue before we find it.
		require.NoError(t, w.cw.Person("").Edit(w.onlyTicket("7").ID, cwfake.Edit{Priority: "Priority 4 - Low"}))
		w.eventually("created", w.inPhase("7", open, 1))
		require.Equal(t, []string{
			`ConnectWise made the ticket otherwise than asked: priority is "Priority 4 - Low" (4), asked for was "Priority 1 - Critical" (1).`,
		}, w.ledger("7").GetRemarks())
	})
}

func TestAnAdoptedTicketGetsWhatOursHaveUnlessAPersonGaveItSomethingElse(t *testing.T) {
	t.Parallel()
	w := strange(t)
	configuration := equipped(t, w)
	script, err := w.cw.Person("").CreateTicket(cwfake.NewTicket{Summary: "COVE SVR SRV-7 #7 - Failed", CompanyIdentifier: "bluefin"})
	require.NoError(t, err)
	w.start()
	w.say("7", 1, failed)
	w.eventually("adopted", w.inPhase("7", open, 1))
	require.Equal(t, int64(script), w.ledger("7").GetTicketId())
	require.Equal(t, []int{configuration}, w.cw.TicketConfigurations(script))
	require.Equal(t, "Backup Gold", w.agreement(script))
	require.Equal(t, 1, w.requests()[patchTicket], "reference and agreement in one")
}

// dieAt handles an event with a ticketer that ends at the first step of a name.
func (w *world) dieAt(step string, say func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	say()
	require.NoError(w.t, app.Run(ctx, w.options(func(o *app.Options) {
		o.OnStep = func(name string) {
			if name == step {
				cancel()
			}
		}
	})))
}

// agreement is the name of the agreement that a ticket has.
func (w *world) agreement(ticket int) string {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, fmt.Sprintf("%s/v4_6_release/apis/3.0/service/tickets/%d", w.url, ticket), nil)
	require.NoError(w.t, err)
	request.SetBasicAuth(cwfake.DefaultCompany+"+"+cwfake.DefaultPublicKey, cwfake.DefaultPrivateKey)
	request.Header.Set("clientId", cwfake.DefaultClientID)
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, response.Body.Close()) }()
	var body struct{ Agreement struct{ Name string } }
	require.NoError(w.t, json.NewDecoder(response.Body).Decode(&body))
	return body.Agreement.Name
}
