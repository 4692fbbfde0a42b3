package app_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// forDevice7 is a rule for one device.
func forDevice7(set map[string]string) func(*tenantv1.Settings) {
	return func(s *tenantv1.Settings) {
		s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "seven", Select: &tenantv1.Selector{Devices: []string{"7"}}, Set: set}}
	}
}

func TestARuleThatIsWrongForOneDeviceIsToldOnceUntilItsValueIsGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(forDevice7(map[string]string{"owner": "nobody"}))
	w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
	const key, detail = `tickets.routing[0].set.owner (rule "seven")`,
		`tickets.routing[0].set.owner (rule "seven"): ConnectWise has no active member "nobody"; write the identifier of one. ` +
			`Correct the tenant's settings or the record in ConnectWise`
	for _, device := range []string{"8", "9", "10"} {
		w.say(device, 1, failed)
		w.until("created", w.inPhase(device, open, 1))
		w.clock.Add(15 * time.Minute) // also what waits is tried again, by names that are looked up anew
		w.drained()
	}
	require.Len(t, w.troubles(), 1)
	require.Equal(t, []string{key, detail}, []string{w.troubles()[0].GetAbout(), w.troubles()[0].GetDetail()})
	w.wasTold("tenant", "parked")

	w.settings(forDevice7(map[string]string{"owner": "nobody2"}))
	w.until("parked for the other", func() bool { return w.ledger("7").GetPark().GetDetail() != detail })
	w.say("11", 1, failed)
	w.until("created", w.inPhase("11", open, 1))
	require.Len(t, w.troubles(), 1)

	w.settings(forDevice7(map[string]string{"owner": "tokafor"}))
	w.until("created", w.inPhase("7", open, 1))
	w.wasTold("tenant", "parked", "resumed")
	require.Empty(t, w.troubles())
}

func TestARightThatOneRuleNeedsIsMissingUntilItIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(forDevice7(map[string]string{"owner": "tokafor"}))
	w.fault(cwfake.Fault{Match: "GET /system/members", Kind: cwfake.FaultForbidden, Right: "Members"})
	w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_AUTH))
	w.say("8", 1, failed)
	w.until("created", w.inPhase("8", open, 1))
	require.Len(t, w.troubles(), 1)
	require.Contains(t, w.troubles()[0].GetDetail(), `Give the role of the API member the right "System > Member Maintenance: Inquire" in ConnectWise`)
	w.cw.ClearFaults()
	w.eventually("created", w.inPhase("7", open, 1))
	w.wasTold("tenant", "parked", "resumed")
}

func TestARuleThatIsRemovedHasNoTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(forDevice7(map[string]string{"owner": "nobody"}))
	w.start()
	w.say("7", 1, failed)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_REJECTED))
	w.settings(func(s *tenantv1.Settings) { s.Tickets.Routing = nil })
	w.until("created", w.inPhase("7", open, 1))
	w.wasTold("tenant", "parked", "resumed")
	require.Empty(t, w.troubles())
}

func TestAClosedStatusThatIsGoneIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	for _, device := range []string{"7", "8"} {
		w.say(device, 1, failed)
		w.until("created", w.inPhase(device, open, 1))
	}
	require.NoError(t, w.cw.Person("").SetStatusInactive("Service Desk", "Closed", true))
	for _, device := range []string{"7", "8"} {
		w.say(device, 2, resolved)
		w.until("parked", w.parkedFor(device, ticketv1.ParkReason_PARK_REASON_REJECTED))
		require.Contains(t, w.ledger(device).GetPark().GetDetail(), `tickets.closedStatus: ConnectWise has no active status of board "Service Desk" "Closed"; there are "New", `)
	}
	require.Len(t, w.troubles(), 1)
	require.Equal(t, "tickets.closedStatus", w.troubles()[0].GetAbout())
	w.wasTold("tenant", "parked")
	require.NoError(t, w.cw.Person("").SetStatusInactive("Service Desk", "Closed", false))
	for _, device := range []string{"7", "8"} {
		w.eventually("closed", w.inPhase(device, closed, 2))
		require.Equal(t, map[string]int{"r1": 2, "r2": 1}, noted(w.onlyTicket(device), device))
	}
	w.wasTold("tenant", "parked", "resumed")
	require.Empty(t, w.troubles())
}

func TestARenamedBoardKeepsNoTicketOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.say("7", 1, failed)
	w.until("created", w.inPhase("7", open, 1))
	stop()
	require.NoError(t, w.cw.Person("").RenameBoard("Service Desk", "Helpdesk"))
	w.start()
	w.say("8", 1, failed)
	w.until("parked", w.parkedFor("8", ticketv1.ParkReason_PARK_REASON_REJECTED))
	w.say("7", 2, resolved)
	w.until("closed", w.inPhase("7", closed, 2))
	require.Equal(t, "Closed", w.onlyTicket("7").Status)
	require.Equal(t, "tickets.board", w.troubles()[0].GetAbout(), "a ticket that was closed says nothing about the name")
	w.wasTold("tenant", "parked")
}

func TestWrongKeysAreToldOnceAlsoWhereNoCompanyIsKnown(t *testing.T) {
	t.Parallel()
	for says, mistake := range map[string]func(w *world){
		"keys that are refused": func(w *world) { require.NoError(t, os.WriteFile(w.key, []byte("wrong"), 0o600)) },
		"keys that are answered with 404": func(w *world) {
			require.NoError(t, os.WriteFile(w.key, []byte("wrong"), 0o600))
			require.NoError(t, w.cw.Configure(func(s *cwfake.Switches) { s.NotFoundForBadKeys = true }))
		},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.unlink()
			mistake(w)
			w.start()
			for _, device := range []string{"7", "8"} {
				w.say(device, 1, failed)
				w.until("parked", w.parkedFor(device, ticketv1.ParkReason_PARK_REASON_AUTH))
				require.Contains(t, w.ledger(device).GetPark().GetDetail(), "Check the keys, the client id, the company and the API member's role")
			}
			require.Empty(t, w.questions(), "company-sync has the same keys")
			require.Len(t, w.troubles(), 1)
			require.Equal(t, "keys", w.troubles()[0].GetAbout())
			if says != "keys that are refused" {
				require.Contains(t, w.troubles()[0].GetDetail(), "The endpoint does not exist, which is how ConnectWise answers wrong keys and a wrong company. Check")
			}
			require.NoError(t, os.WriteFile(w.key, []byte(cwfake.DefaultPrivateKey), 0o600))
			w.eventually("asked", func() bool { return len(w.questions()) > 0 })
			w.link(companyv1.LinkState_LINK_STATE_LINKED)
			for _, device := range []string{"7", "8"} {
				w.eventually("created", w.inPhase(device, open, 1))
			}
			require.Empty(t, w.troubles())
			w.wasTold("tenant", "parked", "resumed")
		})
	}
}

func TestKeysThatCompanySyncFindsRevokedAreTheTenantsTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unlink()
	stop := w.start()
	w.say("7", 1, failed)
	w.until("asked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_COMPANY))
	require.NoError(t, os.WriteFile(w.key, []byte("wrong"), 0o600))
	w.clock.Add(time.Minute)
	_, err := w.links.Update(t.Context(), bus.Key("harbor", "70"), func(*companyv1.Link) (*companyv1.Link, error) {
		return &companyv1.Link{SchemaVersion: 1, Tenant: "harbor", Customer: &statusv1.Customer{Id: "70", Name: "Acme"}, Reason: "ConnectWise could not be asked: HTTP 401"}, nil
	})
	require.NoError(t, err)
	w.until("parked", w.parkedFor("7", ticketv1.ParkReason_PARK_REASON_AUTH))
	require.Len(t, w.troubles(), 1)
	stop()

	require.NoError(t, os.WriteFile(w.key, []byte(cwfake.DefaultPrivateKey), 0o600))
	asked := len(w.questions())
	w.clock.Add(10 * time.Second)
	began := w.clock.Now()
	w.start()
	w.eventually("asked anew at the start", func() bool { return len(w.questions()) > asked })
	require.Less(t, w.clock.Now().Sub(began), 2*time.Minute, "before the wait for rights is over")
	w.link(companyv1.LinkState_LINK_STATE_LINKED)
	w.until("created", w.inPhase("7", open, 1))
	w.wasTold("tenant", "parked", "resumed")
}

func TestARightThatCompanySyncLacksIsToldOnceUntilItIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unlink()
	w.start()
	const reason = `ConnectWise could not be asked: HTTP 403. Give the role of the API member the right "Companies > Company Maintenance: Inquire" in ConnectWise`
	for _, device := range []string{"7", "8"} {
		w.say(device, 1, failed)
		w.until("asked", w.parkedFor(device, ticketv1.ParkReason_PARK_REASON_COMPANY))
	}
	require.Empty(t, w.troubles())
	w.clock.Add(time.Second)
	_, err := w.links.Update(t.Context(), bus.Key("harbor", "70"), func(*companyv1.Link) (*companyv1.Link, error) {
		return &companyv1.Link{
			SchemaVersion: 1, Tenant: "harbor", Customer: &statusv1.Customer{Id: "70", Name: "Acme"}, Reason: reason, MissingRight: "Companies > Company Maintenance: Inquire",
		}, nil
	})
	require.NoError(t, err)
	w.until("told", func() bool { return len(w.troubles()) > 0 })
	require.Equal(t, []string{"look companies up", reason}, []string{w.troubles()[0].GetAbout(), w.troubles()[0].GetDetail()})
	w.clock.Add(time.Second)
	w.link(companyv1.LinkState_LINK_STATE_LINKED)
	for _, device := range []string{"7", "8"} {
		w.eventually("created", w.inPhase(device, open, 1))
	}
	w.wasTold("tenant", "parked", "resumed")
	require.Empty(t, w.troubles())
}
