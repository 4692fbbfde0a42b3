package desk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/errclass"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func TestRulesSayWhereATicketGoes(t *testing.T) {
	w := newWorld(t)
	d := w.desk(func(s *tenantv1.Tickets) {
		s.Routing = []*tenantv1.TicketRoute{
			{Name: "servers", Select: &tenantv1.Selector{Classes: []string{"server"}}, Set: map[string]string{
				"type": "Backup", "subType": "Failure", "item": "Server", "team": "service team", "owner": "tokafor", "site": "Harbour Street",
				"contact": "Ann Lee", "publicAppend": "We are on it.", "status": "In Progress",
			}, CustomFields: map[string]string{"7": `"cove"`}},
			{Name: "all", Set: map[string]string{"source": "API", "impact": "High", "urgency": "Low", "team": "never", "internalAppend": "Call Bob."}},
		}
	})
	made, err := d.Create(t.Context(), draft())
	require.NoError(t, err)
	require.Empty(t, made.Remarks)
	ticket := w.ticket(made.Ticket.GetTicketId())
	require.Equal(t, map[string]string{
		"board": "Service Desk", "status": "In Progress", "type": "Backup", "subType": "Failure", "item": "Server", "team": "Service Team",
		"owner": "Tobi Okafor", "site": "Harbour Street", "contact": "Ann Lee", "source": "API", "impact": "High", "severity": "Low",
		"priority": "Priority 3 - Normal",
	}, named(ticket, "board", "status", "type", "subType", "item", "team", "owner", "site", "contact", "source", "impact", "severity", "priority"))
	require.Equal(t, []any{map[string]any{"id": 7.0, "value": "cove"}}, ticket["customFields"])
	require.Equal(t, map[string]string{
		"public":   "d\n\nWe are on it.",
		"internal": "a\n\nRouting: contact, custom field 7, item, owner, publicAppend, site, status, subType, team, type by \"servers\"; impact, internalAppend, source, urgency by \"all\".\n\nCall Bob.",
	}, w.texts(fmt.Sprintf("/service/tickets/%d/notes", made.Ticket.GetTicketId())))
}

func TestATicketOnAnotherBoardHasItsStatuses(t *testing.T) {
	w := newWorld(t)
	d := w.desk(func(s *tenantv1.Tickets) {
		s.Routing = []*tenantv1.TicketRoute{{Name: "noc", Set: map[string]string{"board": "noc", "team": "NOC Team", "priority": "Priority 4 - Low"}}}
	})
	made, err := d.Create(t.Context(), draft())
	require.NoError(t, err)
	require.Empty(t, made.Remarks)
	require.Equal(t, map[string]string{"board": "NOC", "status": "New", "team": "NOC Team", "priority": "Priority 4 - Low"},
		named(w.ticket(made.Ticket.GetTicketId()), "board", "status", "team", "priority"))
	closed, err := d.CloseTicket(t.Context(), made.Ticket.GetTicketId(), made.Ticket.GetBoardId())
	require.NoError(t, err)
	require.Equal(t, "Completed", closed.GetStatus())
}

func TestASiteInCoveIsTheCompanysSiteOfThatName(t *testing.T) {
	for _, test := range []struct {
		sentence, site, routed, want, remark string
		mapped                               bool
	}{
		{"the site of the name", "harbour street ", "", "Harbour Street", "", true},
		{"not unless the settings want it", "Harbour Street", "", "Main", "", false},
		{"a rule comes first", "Harbour Street", "Main", "Main", "", true},
		{"a name that no site has is remarked", "Depot", "", "Main", `The company has 0 active sites "Depot", which is the device's site in Cove; the ticket is at its default site.`, true},
		{"a name that two sites have, too", "Twin", "", "Main", `The company has 2 active sites "Twin", which is the device's site in Cove; the ticket is at its default site.`, true},
		{"a device without a site", "", "", "Main", "", true},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.cw.AddCompany(cwfake.Company{ID: 251, Identifier: "twins", Name: "Twins", Sites: []cwfake.Site{
				{Name: "Main", Primary: true}, {Name: "Harbour Street"}, {Name: "Twin"}, {Name: "TWIN"},
			}})
			require.NoError(t, err)
			d := w.desk(func(s *tenantv1.Tickets) {
				s.MapSites = test.mapped
				if test.routed != "" {
					s.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"site": test.routed}}}
				}
			})
			wanted := draft()
			wanted.Company, wanted.Event.Site = 251, test.site
			made, err := d.Create(t.Context(), wanted)
			require.NoError(t, err)
			require.Equal(t, test.remark, strings.Join(made.Remarks, "\n"))
			require.Equal(t, test.want, named(w.ticket(made.Ticket.GetTicketId()), "site")["site"])
		})
	}
}

func TestAWrongCombinationIsRefusedBeforeATicketIsMade(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		sentence string
		set      map[string]string
		want     string
	}{
		{"a board", map[string]string{"board": "Nowhere"}, `ConnectWise has no active service board "Nowhere"; there are "Service Desk", "NOC"`},
		{"a type of another board", map[string]string{"board": "NOC", "type": "Backup"}, `ConnectWise has no active type of board "NOC" "Backup"; there are "Alert"`},
		{"a team of another board", map[string]string{"team": "NOC Team"}, `ConnectWise has no active team of board "Service Desk" "NOC Team"; there are "Service Team"`},
		{"an item of a board without any", map[string]string{"board": "NOC", "item": "Server"}, `ConnectWise has no active item of board "NOC" that this API member can see`},
		{"a status that closes", map[string]string{"status": "Resolved"}, `status "Resolved" of board "Service Desk" closes tickets; a new ticket needs one that does not`},
		{"an inactive status", map[string]string{"status": "Retired"}, `ConnectWise has no active status of board "Service Desk" "Retired"; there are "New", "In Progress", "Waiting", "Resolved", "Closed"`},
		{"a member who left", map[string]string{"owner": "jleft"}, `ConnectWise has no active member "jleft"; write the identifier of one`},
		{"a priority", map[string]string{"priority": "P1"}, `ConnectWise has no active priority "P1"; there are "Priority 1 - Critical", "Priority 2 - Quick Response", "Priority 3 - Normal", "Priority 4 - Low"`},
		{"a source", map[string]string{"source": "Cove"}, `ConnectWise has no active source "Cove"; there are "Phone", "Email", "API"`},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := w.desk(func(s *tenantv1.Tickets) {
				s.Routing = []*tenantv1.TicketRoute{{Name: "other", Conditions: []string{"stale"}, Set: map[string]string{"board": "x"}}, {Name: "wrong", Set: c.set}}
			})
			err := d.Check(t.Context(), failed(), 250)
			require.Equal(t, errclass.Rejected, errclass.Of(err))
			require.ErrorContains(t, err, `(rule "wrong"): `+c.want)
			require.ErrorContains(t, err, "tickets.routing[1].set.")
			_, err = d.Create(t.Context(), draft())
			require.Equal(t, errclass.Rejected, errclass.Of(err))
		})
	}
	require.Empty(t, w.cw.OpenTickets())
}

func TestWhatTheCompanyLacksIsRemarked(t *testing.T) {
	w := newWorld(t)
	d := w.desk(func(s *tenantv1.Tickets) {
		s.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"site": "Mars", "contact": "Bo Ek"}}}
		s.Agreement, s.AttachConfigurations = `name = "Cove"`, true
	})
	for range 2 {
		_, err := w.cw.AddConfiguration(cwfake.Configuration{Name: "SRV-01", Company: 250})
		require.NoError(t, err)
	}
	made, err := d.Create(t.Context(), draft())
	require.NoError(t, err)
	require.Equal(t, []string{
		`The company has no active site "Mars", which tickets.routing[0].set.site (rule "all") asks for; the ticket is at its default site.`,
		`The company has 2 active contacts "Bo Ek", which tickets.routing[0].set.contact (rule "all") asks for; the ticket has its default contact.`,
		`No agreement is set: none of the company's active agreements matches tickets.agreement (name = "Cove"). It has: "Backup Gold" of type "Backup", "Backup Silver" of type "Backup".`,
		`No configuration is attached: 2 of the company's match the device: "SRV-01" (9001), "SRV-01" (9002).`,
	}, made.Remarks)
	require.Contains(t, w.texts(fmt.Sprintf("/service/tickets/%d/notes", made.Ticket.GetTicketId()))["internal"], "No agreement is set")
	require.Empty(t, w.cw.TicketConfigurations(int(made.Ticket.GetTicketId())))
}

func TestAgreementAndConfigurationAreSet(t *testing.T) {
	w := newWorld(t)
	configuration, err := w.cw.AddConfiguration(cwfake.Configuration{Name: "other", DeviceIdentifier: "cove-2345678", Company: 250})
	require.NoError(t, err)
	_, err = w.cw.AddConfiguration(cwfake.Configuration{Name: "SRV-01", Company: 250, Inactive: true})
	require.NoError(t, err)
	d := w.desk(func(s *tenantv1.Tickets) {
		s.AttachConfigurations, s.Agreement = true, `name = "nothing"`
		s.AgreementOverrides = []*tenantv1.AgreementOverride{{Name: "a", Select: &tenantv1.Selector{Customers: []string{"70"}}, Where: `type/name = "Backup" and name not like "%silver"`}}
	})
	made, err := d.Create(t.Context(), draft())
	require.NoError(t, err)
	require.Empty(t, made.Remarks)
	require.Equal(t, map[string]string{"agreement": "Backup Gold"}, named(w.ticket(made.Ticket.GetTicketId()), "agreement"))
	require.Equal(t, []int{configuration}, w.cw.TicketConfigurations(int(made.Ticket.GetTicketId())))
}

func TestOfSeveralAgreementsTheOldestIsSetWithAWarning(t *testing.T) {
	w := newWorld(t)
	d := w.desk(func(s *tenantv1.Tickets) { s.Agreement = `type/name in ("Backup", "Old")` })
	made, err := d.Create(t.Context(), draft())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"agreement": "Backup Gold"}, named(w.ticket(made.Ticket.GetTicketId()), "agreement"))
	require.Len(t, made.Remarks, 1)
	require.Contains(t, made.Remarks[0], "2 agreements of the company match")
}

func TestAStormLooksEveryNameUpOnce(t *testing.T) {
	w := newWorld(t)
	d := w.desk(func(s *tenantv1.Tickets) {
		s.Agreement = `type/name = "Backup" and name contains "Gold"`
		s.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"team": "Service Team", "type": "Backup", "owner": "tokafor", "source": "API", "status": "Waiting"}}}
	})
	require.NoError(t, d.Check(t.Context(), failed(), 250))
	lookups, _ := d.Requests()
	require.Equal(t, int64(10), lookups, "the site; board, statuses, priorities; statuses, types, teams, member, sources, agreements")
	var storm sync.WaitGroup
	for i := range 40 {
		storm.Go(func() {
			one := draft()
			one.Reference = fmt.Sprint(i)
			if err := d.Check(t.Context(), one.Event, 250); err != nil {
				t.Error(err)
			}
			if _, err := d.Create(t.Context(), one); err != nil {
				t.Error(err)
			}
		})
	}
	storm.Wait()
	all, writes := d.Requests()
	require.Equal(t, []int64{lookups + 40, 40}, []int64{all, writes})
}

func TestTheFirstTicketsOfAStormWaitForOneLookup(t *testing.T) {
	w := newWorld(t)
	d := w.desk(func(s *tenantv1.Tickets) { s.Agreement = `name contains "Gold"` })
	require.NoError(t, d.Check(t.Context(), nil, 250))
	before, _ := d.Requests()
	var storm sync.WaitGroup
	for range 20 {
		storm.Go(func() {
			if err := d.Check(t.Context(), failed(), 250); err != nil {
				t.Error(err)
			}
		})
	}
	storm.Wait()
	after, _ := d.Requests()
	require.Equal(t, before+1, after)
}

func TestALookupThatIsGivenUpIsTransient(t *testing.T) {
	w := newWorld(t)
	d := w.desk(func(s *tenantv1.Tickets) { s.Agreement = `name contains "Gold"` })
	require.NoError(t, d.Check(t.Context(), nil, 250))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, errclass.Transient, errclass.Of(d.Check(ctx, failed(), 250)))
}

// defaults is a server that changes what it makes, as workflows and defaults of the API member do.
type defaults struct{ http.RoundTripper }

// RoundTrip asks for another priority and another summary than the client did.
func (d defaults) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/service/tickets") {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return nil, err
		}
		body["priority"] = map[string]any{"name": "Priority 4 - Low"}
		delete(body, "source")
		changed, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
	}
	return d.RoundTripper.RoundTrip(r)
}

func TestWhatConnectWiseMadeOtherwiseIsTold(t *testing.T) {
	w := newWorld(t)
	d := w.through(defaults{http.DefaultTransport}, func(s *tenantv1.Tickets) {
		s.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"source": "API"}}}
	})
	made, err := d.Create(t.Context(), draft())
	require.NoError(t, err)
	require.Equal(t, []string{
		`ConnectWise made the ticket otherwise than asked: priority is "Priority 4 - Low" (4), asked for was "Priority 1 - Critical" (1); source is empty, asked for was "API" (3).`,
	}, made.Remarks)
}

func TestARightThatIsMissingForDetailsHoldsNoTicketUp(t *testing.T) {
	w := newWorld(t)
	_, err := w.cw.AddConfiguration(cwfake.Configuration{Name: "SRV-01", Company: 2})
	require.NoError(t, err)
	for path, want := range map[string]string{
		"/finance/agreements":                        "No agreement is set: agreements could not be read, because the role of the API member lacks the right to: ",
		"/company/configurations":                    "No configuration is attached: the company's configurations could not be read, because",
		"/company/companies/{parentId}/sites":        "The company's sites could not be read, because",
		"/company/contacts":                          "The company's contacts could not be read, because",
		"/service/tickets/{parentId}/configurations": "The device's configuration could not be attached: ",
	} {
		t.Run(path, func(t *testing.T) {
			require.NoError(t, w.cw.AddFaults(cwfake.Fault{Match: "* " + path, Kind: cwfake.FaultForbidden, Right: "Inquire"}))
			defer w.cw.ClearFaults()
			d := w.desk(func(s *tenantv1.Tickets) {
				switch {
				case strings.Contains(path, "onfigurations"):
					s.AttachConfigurations = true
				case strings.Contains(path, "agreements"):
					s.Agreement = `name = "Backup Gold"`
				case strings.Contains(path, "sites"):
					s.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"site": "Main"}}}
				default:
					s.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"contact": "Ann Lee"}}}
				}
			})
			one := draft()
			if strings.HasPrefix(path, "/service") {
				one.Company = 2
			}
			made, err := d.Create(t.Context(), one)
			require.NoError(t, err)
			require.Len(t, made.Remarks, 1)
			require.Contains(t, made.Remarks[0], want)
		})
	}
}

func TestATimeEntryThatIsRefusedBecomesANote(t *testing.T) {
	w := newWorld(t)
	for name, fault := range map[string]cwfake.Fault{
		"no right":       {Match: "POST /time/entries", Kind: cwfake.FaultForbidden, Right: "Time Entry"},
		"no open period": {Match: "POST /time/entries", Kind: cwfake.FaultErrorBefore, Status: http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.desk(func(s *tenantv1.Tickets) { s.ZeroBillTime = true })
			made, err := d.Create(t.Context(), draft())
			require.NoError(t, err)
			require.NoError(t, w.cw.AddFaults(fault))
			defer w.cw.ClearFaults()
			require.NoError(t, d.Resolve(t.Context(), made.Ticket.GetTicketId(), "over"))
			require.Equal(t, "over", w.texts(fmt.Sprintf("/service/tickets/%d/notes", made.Ticket.GetTicketId()))["internal"])
		})
	}
}

// associated is a server whose subtypes go with the type 2 only.
type associated struct{ http.RoundTripper }

// RoundTrip answers for the subtypes itself.
func (a associated) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := a.RoundTripper.RoundTrip(r)
	if err == nil && strings.HasSuffix(r.URL.Path, "/subtypes") {
		_ = response.Body.Close()
		response.Body = io.NopCloser(strings.NewReader(`[{"id":1,"name":"Failure","typeAssociationIds":[2]}]`))
		response.ContentLength = -1
	}
	return response, err
}

func TestASubtypeMustGoWithTheType(t *testing.T) {
	w := newWorld(t)
	for kind, want := range map[string]string{"Hardware": "", "Backup": `tickets.routing[0].set.subType (rule "all"): subtype "Failure" does not go with type "Backup" on board "Service Desk"; choose two that do`} {
		d := w.through(associated{http.DefaultTransport}, func(s *tenantv1.Tickets) {
			s.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"type": kind, "subType": "Failure"}}}
		})
		err := d.Check(t.Context(), failed(), 250)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want)
	}
}

func TestNotesAreInternalUnlessTheSettingsSayOtherwise(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		sentence     string
		change       func(*tenantv1.Tickets)
		under, entry string
	}{
		{"internal by default", func(*tenantv1.Tickets) {}, "internal", ""},
		{"for customers too", func(s *tenantv1.Tickets) { s.PublicNotes = true }, "public", ""},
		{"a time entry that costs nothing", func(s *tenantv1.Tickets) { s.ZeroBillTime = true }, "internal", "NoCharge"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := w.desk(c.change)
			one := draft()
			one.Description, one.Analysis = "", ""
			made, err := d.Create(t.Context(), one)
			require.NoError(t, err)
			ticket := made.Ticket.GetTicketId()
			_, before := d.Requests()
			require.NoError(t, d.Note(t.Context(), ticket, "changed\nCovewise 2345678-1 r2"))
			all := fmt.Sprintf("/service/tickets/%d/allNotes", ticket)
			require.Equal(t, map[string]string{c.under: "changed\nCovewise 2345678-1 r2"}, w.texts(all))
			require.NoError(t, d.Resolve(t.Context(), ticket, "over\nCovewise 2345678-1 r3"))
			_, after := d.Requests()
			require.Equal(t, before+2, after, "each costs one request")
			for marker, want := range map[string]bool{"Covewise 2345678-1 r2": true, "Covewise 2345678-1 r3": true, "Covewise 2345678-1 r4": false} {
				found, err := d.HasNote(t.Context(), ticket, marker)
				require.NoError(t, err)
				require.Equal(t, want, found, marker)
			}
			entries := w.get("/time/entries").([]any)
			if c.entry == "" {
				require.Empty(t, entries)
				return
			}
			entry := entries[0].(map[string]any)
			require.Equal(t, []any{c.entry, "over\nCovewise 2345678-1 r3", "2026-11-20T21:59:00Z", "2026-11-20T22:00:00Z"},
				[]any{entry["billableOption"], entry["notes"], entry["timeStart"], entry["timeEnd"]})
		})
	}
}
