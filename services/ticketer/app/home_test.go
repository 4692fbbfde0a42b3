package app_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// astray is a world whose customer has no company, so that device 7 has its ticket at the catch-all company.
func astray(t *testing.T, home bool) (*world, cwfake.Ticket) {
	t.Helper()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) { s.Companies = &tenantv1.Companies{CatchAll: "HarborIT", MoveHome: home} })
	w.change(func(l *companyv1.Link) {
		l.Method, l.Company = companyv1.LinkMethod_LINK_METHOD_CATCH_ALL, &companyv1.Company{Id: 2, Identifier: "HarborIT"}
	})
	w.start(watching)
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	require.True(t, w.ledger("7").GetStandIn())
	w.clock.Add(time.Minute)
	return w, w.onlyTicket("7")
}

func (w *world) found() {
	w.change(func(l *companyv1.Link) {
		l.Method, l.Company = companyv1.LinkMethod_LINK_METHOD_UNSPECIFIED, &companyv1.Company{Id: 250, Identifier: "acme"}
	})
}

func TestATicketAtTheCatchAllCompanyMovesHome(t *testing.T) {
	t.Parallel()
	w, ticket := astray(t, true)
	require.Equal(t, "HarborIT", ticket.CompanyIdentifier)
	require.True(t, slices.ContainsFunc(ticket.Notes, func(n cwfake.Note) bool {
		return n.Internal && strings.HasPrefix(n.Text, "THIS TICKET IS AT THE CATCH-ALL COMPANY: customer ")
	}), "people see in ConnectWise that it is: %+v", ticket.Notes)
	w.found()
	w.passes("moved", func() bool { return w.onlyTicket("7").CompanyIdentifier == "acme" && !w.ledger("7").GetStandIn() })
	require.Equal(t, int64(250), w.ledger("7").GetCompanyId())
	w.wasTold("7", "created", "moved")
	w.say("7", 2, resolved)
	w.until("closed", w.inPhase("7", closed, 2))
}

// The server is away at the first look after the company was found; the wake of the next look is not taken for the same.
func TestATicketComesHomeAtALaterLook(t *testing.T) {
	t.Parallel()
	w, _ := astray(t, true)
	w.settings(shadow)
	wakes, err := w.nc.SubscribeSync("incident.v1.redrive.harbor.7")
	require.NoError(t, err)
	w.found()
	w.passes("woken while nothing may be written", func() bool { n, _, err := wakes.Pending(); return err == nil && n > 0 })
	require.Equal(t, "HarborIT", w.onlyTicket("7").CompanyIdentifier)
	w.settings(live)
	w.passes("moved", func() bool { return w.onlyTicket("7").CompanyIdentifier == "acme" })
}

// The answer to the create is lost, and before the ticket is found by its reference a person has put it elsewhere.
func TestATicketThatPeopleMovedBeforeItWasFoundStaysThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.cw.AddCompany(cwfake.Company{ID: 251, Identifier: "acme2", Name: "Acme Two", Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
	require.NoError(t, err)
	w.settings(func(s *tenantv1.Settings) { s.Companies = &tenantv1.Companies{CatchAll: "HarborIT", MoveHome: true} })
	w.change(func(l *companyv1.Link) {
		l.Method, l.Company = companyv1.LinkMethod_LINK_METHOD_CATCH_ALL, &companyv1.Company{Id: 2, Identifier: "HarborIT"}
	})
	w.fault(cwfake.Fault{Match: postTicket, Times: 1, Kind: cwfake.FaultLostAnswer})
	var moved atomic.Bool
	w.start(watching, func(o *app.Options) {
		o.OnStep = func(step string) {
			if step == "find ticket: begin" && moved.CompareAndSwap(false, true) {
				require.NoError(t, w.cw.Person("").Edit(w.onlyTicket("7").ID, cwfake.Edit{Company: "acme2"}))
			}
		}
	})
	w.say("7", 1, failed)
	w.eventually("found", w.inPhase("7", open, 1))
	require.True(t, moved.Load())
	w.found()
	w.looks(2 * time.Hour)
	require.Equal(t, "acme2", w.onlyTicket("7").CompanyIdentifier)
	require.False(t, w.ledger("7").GetStandIn())
}

func TestATicketStaysAtTheCatchAllCompany(t *testing.T) {
	t.Parallel()
	t.Run("where the settings say so", func(t *testing.T) {
		w, _ := astray(t, false)
		w.found()
		w.say("7", 2, changed)
		w.until("annotated", w.inPhase("7", open, 2))
		require.Equal(t, "HarborIT", w.onlyTicket("7").CompanyIdentifier)
	})
	t.Run("when ConnectWise refuses the move, which is told once", func(t *testing.T) {
		w, _ := astray(t, true)
		w.fault(cwfake.Fault{Match: patchTicket, Kind: cwfake.FaultErrorBefore, Status: 400})
		w.found()
		w.sees("7", "it cannot be moved to company 250")
		w.requests()
		w.say("7", 2, changed)
		w.until("annotated", w.inPhase("7", open, 2))
		require.Zero(t, w.requests()[patchTicket])
	})
	t.Run("or at the company of the ticket that it was merged into", func(t *testing.T) {
		w, ticket := astray(t, true)
		w.say("8", 1, failed)
		w.until("created", w.inPhase("8", open, 1))
		target := int(w.ledger("8").GetTicketId())
		_, err := w.cw.AddCompany(cwfake.Company{ID: 300, Identifier: "zeta", Name: "Zeta", Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
		require.NoError(t, err)
		require.NoError(t, w.cw.Person("").Edit(target, cwfake.Edit{Company: "zeta"}))
		require.NoError(t, w.cw.Person("").Merge(ticket.ID, target, ""))
		w.passes("followed", func() bool { return w.ledger("7").GetTicketId() == int64(target) })
		w.found()
		w.looks(time.Hour)
		require.Equal(t, "zeta", w.ticket(target).CompanyIdentifier)
	})
	t.Run("or wherever a person has put it", func(t *testing.T) {
		w, ticket := astray(t, true)
		_, err := w.cw.AddCompany(cwfake.Company{ID: 300, Identifier: "zeta", Name: "Zeta", Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
		require.NoError(t, err)
		require.NoError(t, w.cw.Person("").Edit(ticket.ID, cwfake.Edit{Company: "zeta"}))
		w.sees("7", "company changed")
		w.found()
		w.say("7", 2, changed)
		w.until("annotated", w.inPhase("7", open, 2))
		require.Equal(t, "zeta", w.onlyTicket("7").CompanyIdentifier)
	})
}
