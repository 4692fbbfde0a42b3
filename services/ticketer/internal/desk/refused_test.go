package desk_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/errclass"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

const ticketConfigurations = "/service/tickets/{parentId}/configurations"

func TestAnOwnerThatCannotBeAskedForIsNoMember(t *testing.T) {
	w := newWorld(t)
	for _, owner := range []string{`ACME\jdoe`, `a"b'c`, "two\nlines"} {
		d := w.desk(rule(map[string]string{"owner": owner}, nil))
		err := d.Check(t.Context(), failed(), 250)
		require.ErrorContains(t, err, `tickets.routing[0].set.owner (rule "all"): ConnectWise has no active member "`)
		require.Equal(t, errclass.Rejected, errclass.Of(err))
	}
}

func TestALookupThatIsRefusedNamesTheSetting(t *testing.T) {
	w := newWorld(t)
	for path, c := range map[string]struct {
		set map[string]string
		key string
	}{
		"/service/boards":                                        {nil, "tickets.board: "},
		"/service/boards/{parentId}/statuses":                    {nil, "tickets.newStatus: "},
		"/service/priorities":                                    {nil, "tickets.priorities: "},
		"/service/boards/{parentId}/teams":                       {map[string]string{"team": "NOC Team"}, `tickets.routing[0].set.team (rule "all"): `},
		"/service/sources":                                       {map[string]string{"source": "API"}, `tickets.routing[0].set.source (rule "all"): `},
		"/system/members":                                        {map[string]string{"owner": "tokafor"}, `tickets.routing[0].set.owner (rule "all"): `},
		"/service/boards/{parentId}/types":                       {map[string]string{"type": "Backup"}, `tickets.routing[0].set.type (rule "all"): `},
		"/service/boards/{parentId}/typeSubTypeItemAssociations": {map[string]string{"type": "Hardware", "subType": "Failure"}, `tickets.routing[0].set.subType (rule "all"): `},
	} {
		t.Run(path, func(t *testing.T) {
			require.NoError(t, w.cw.AddFaults(cwfake.Fault{Match: "GET " + path, Kind: cwfake.FaultErrorBefore, Status: http.StatusBadRequest}))
			defer w.cw.ClearFaults()
			err := w.desk(rule(c.set, nil)).Check(t.Context(), failed(), 250)
			require.ErrorContains(t, err, c.key)
			require.Equal(t, errclass.Rejected, errclass.Of(err))
		})
	}
}

func TestABoardOfARuleWithoutAStatusThatClosesNamesTheRule(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.cw.Person("").SetStatusInactive("NOC", "Completed", true))
	err := w.desk(rule(map[string]string{"board": "NOC"}, nil)).Check(t.Context(), failed(), 250)
	require.ErrorContains(t, err, `tickets.routing[0].set.board (rule "all"): `)
	require.ErrorContains(t, err, "has no active status that closes tickets; give it one in ConnectWise")
}

func TestWhatTheCompanyDoesNotGiveHoldsNoTicketUp(t *testing.T) {
	w := newWorld(t)
	for path, c := range map[string]struct {
		change func(*tenantv1.Tickets)
		want   string
	}{
		"/finance/agreements":                 {func(s *tenantv1.Tickets) { s.Agreement = `name = "Backup Gold"` }, "No agreement is set: agreements could not be read: "},
		"/company/configurations":             {func(s *tenantv1.Tickets) { s.AttachConfigurations = true }, "No configuration is attached: the company's configurations could not be read: "},
		"/company/companies/{parentId}/sites": {rule(map[string]string{"site": "Main"}, nil), "The company's sites could not be read: "},
		"/company/contacts":                   {rule(map[string]string{"contact": "Ann Lee"}, nil), "The company's contacts could not be read: "},
		"/system/userDefinedFields":           {rule(nil, map[string]string{"7": `"x"`}), "The definitions of custom fields could not be read: "},
	} {
		t.Run(path, func(t *testing.T) {
			require.NoError(t, w.cw.AddFaults(cwfake.Fault{Match: "GET " + path, Kind: cwfake.FaultErrorBefore, Status: http.StatusBadRequest}))
			defer w.cw.ClearFaults()
			made, err := w.desk(c.change).Create(t.Context(), draft())
			require.NoError(t, err)
			require.Len(t, made.Remarks, 1)
			require.Contains(t, made.Remarks[0], c.want)
		})
	}
}

func TestAConfigurationThatIsRefusedIsAttachedOnlyWhenTheTicketHasIt(t *testing.T) {
	refusal := cwfake.Fault{Match: "POST " + ticketConfigurations, Times: 1, Kind: cwfake.FaultErrorBefore, Status: http.StatusBadRequest}
	unclear := cwfake.Fault{Match: "POST " + ticketConfigurations, Times: 1, Kind: cwfake.FaultErrorBefore, Status: http.StatusBadGateway}
	lost := cwfake.Fault{Match: "POST " + ticketConfigurations, Times: 1, Kind: cwfake.FaultLostAnswer}
	for says, c := range map[string]struct {
		faults   []cwfake.Fault
		attached bool
		requests int // for the configuration
	}{
		"it is taken at once":                        {nil, true, 1},
		"its answer was lost, and it is there":       {[]cwfake.Fault{lost}, true, 3},
		"an error before, then it is taken":          {[]cwfake.Fault{unclear}, true, 2},
		"an error before, and the repetition is not": {[]cwfake.Fault{unclear, refusal}, false, 3},
		"it is refused at once":                      {[]cwfake.Fault{refusal}, false, 2},
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			configuration, err := w.cw.AddConfiguration(cwfake.Configuration{Name: "SRV-01", Company: 250})
			require.NoError(t, err)
			require.NoError(t, w.cw.AddFaults(c.faults...))
			made, err := w.desk(func(s *tenantv1.Tickets) { s.AttachConfigurations = true }).Create(t.Context(), draft())
			require.NoError(t, err)
			attached := w.cw.TicketConfigurations(int(made.Ticket.GetTicketId()))
			if c.attached {
				require.Equal(t, []int{configuration}, attached)
				require.Empty(t, made.Remarks)
			} else {
				require.Empty(t, attached)
				require.Len(t, made.Remarks, 1)
				require.Contains(t, made.Remarks[0], "The device's configuration could not be attached: ")
			}
			requests := 0
			for _, r := range w.cw.Requests() {
				if r.Route == ticketConfigurations {
					requests++
				}
			}
			require.Equal(t, c.requests, requests)
		})
	}
}
