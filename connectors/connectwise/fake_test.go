package connectwise_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
)

func fake(t *testing.T) (*cwfake.Server, *connectwise.Client) {
	t.Helper()
	server := cwfake.New(cwfake.Options{})
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	client, err := connectwise.New(connectwise.Options{
		Site: listener.URL, Company: cwfake.DefaultCompany, ClientID: cwfake.DefaultClientID,
		Keys:              func() (string, string, error) { return cwfake.DefaultPublicKey, cwfake.DefaultPrivateKey, nil },
		Clock:             clock.Accelerated(time.Now(), 1000), // retries and pauses last milliseconds
		RequestsPerMinute: 600_000, Burst: 10_000, PageSize: 4,
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return server, client
}

func requireClass(t *testing.T, want errclass.Class, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want.String(), errclass.Of(err).String(), "%v", err)
}

func newTicket(n int) connectwise.NewTicket {
	return connectwise.NewTicket{
		Summary: fmt.Sprintf("COVE SVR SRV%02d #%d - failed", n, n), Company: connectwise.Reference{Identifier: "HarborIT"},
		Board: connectwise.Reference{Name: "Service Desk"}, Status: connectwise.Reference{Name: "New"},
		Priority: connectwise.Reference{Name: "Priority 1 - Critical"}, Source: connectwise.Reference{Name: "API"},
		Severity: "High", Impact: "Medium", ExternalXRef: fmt.Sprintf("covewise:%d", n),
		InitialDescription: "Last good backup\nError: disk full", InitialInternalAnalysis: "internal",
	}
}

func TestSetupAgainstTheFake(t *testing.T) {
	_, c := fake(t)
	info, err := c.SystemInfo(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, info.Version)

	company, err := c.CompanyInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, cwfake.DefaultCodeBase, company.CodeBase)

	boards, err := c.Boards(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, boards, 2)
	boards, err = c.Boards(t.Context(), "service desk")
	require.NoError(t, err)
	require.Len(t, boards, 1)
	require.Equal(t, "Service Desk", boards[0].Name)

	statuses, err := c.BoardStatuses(t.Context(), boards[0].ID)
	require.NoError(t, err)
	require.Len(t, statuses, 6, "more than a page of them")
	closed := slices.IndexFunc(statuses, func(s connectwise.BoardStatus) bool { return s.Name == "Closed" })
	require.True(t, statuses[closed].ClosedStatus)
	require.Equal(t, boards[0].ID, statuses[closed].Board.ID)
	_, err = c.BoardStatuses(t.Context(), 9999)
	requireClass(t, errclass.NotFound, err)

	priorities, err := c.Priorities(t.Context())
	require.NoError(t, err)
	require.Len(t, priorities, 4)
	companyStatuses, err := c.CompanyStatuses(t.Context())
	require.NoError(t, err)
	require.Len(t, companyStatuses, 4)
	companyTypes, err := c.CompanyTypes(t.Context())
	require.NoError(t, err)
	require.Len(t, companyTypes, 3)
}

func TestTheLifeOfATicketAgainstTheFake(t *testing.T) {
	server, c := fake(t)
	made, err := c.CreateTicket(t.Context(), newTicket(1))
	require.NoError(t, err)
	require.Equal(t, "HarborIT", made.Company.Identifier)
	require.Equal(t, "Priority 1 - Critical", made.Priority.Name)
	require.False(t, made.Info.LastUpdated.IsZero())

	note, err := c.CreateTicketNote(t.Context(), made.ID, connectwise.NewNote{Text: "worse\nand worse", InternalAnalysisFlag: true})
	require.NoError(t, err)
	notes, err := c.TicketNotes(t.Context(), made.ID)
	require.NoError(t, err)
	require.Len(t, notes, 3, "description, analysis and the note")
	require.Equal(t, note, notes[2])

	open, err := c.TicketCount(t.Context(), connectwise.And(connectwise.Eq("closedFlag", false), connectwise.Eq("externalXRef", "covewise:1")))
	require.NoError(t, err)
	require.Equal(t, 1, open)

	closed, err := c.PatchTicket(t.Context(), made.ID, connectwise.Replace("status", connectwise.Reference{Name: "Closed"}))
	require.NoError(t, err)
	require.True(t, closed.ClosedFlag)
	require.False(t, closed.ClosedDate.IsZero())
	read, err := c.Ticket(t.Context(), made.ID)
	require.NoError(t, err)
	require.Equal(t, closed, read)

	_, err = c.PatchTicket(t.Context(), made.ID, connectwise.Replace("owner", connectwise.Reference{Identifier: "tokafor"}))
	require.NoError(t, err)
	disowned, err := c.PatchTicket(t.Context(), made.ID, connectwise.Remove("owner"))
	require.NoError(t, err)
	require.Zero(t, disowned.Owner)

	_, err = c.PatchTicket(t.Context(), made.ID, connectwise.Replace("status", connectwise.Reference{Name: "Working"}))
	requireClass(t, errclass.Rejected, err)
	require.ErrorContains(t, err, "Working")

	require.EqualValues(t, server.Writes(), c.Writes())
	require.Len(t, server.Requests(), int(c.Requests()))

	require.NoError(t, server.Person("").Delete(made.ID))
	_, err = c.Ticket(t.Context(), made.ID)
	requireClass(t, errclass.NotFound, err)
	_, err = c.CreateTicketNote(t.Context(), made.ID, connectwise.NewNote{Text: "x", ResolutionFlag: true})
	requireClass(t, errclass.NotFound, err)
}

func TestListsAgainstTheFake(t *testing.T) {
	server, c := fake(t)
	var ids []int
	var refs []string
	for n := range 13 {
		made, err := c.CreateTicket(t.Context(), newTicket(n))
		require.NoError(t, err)
		ids, refs = append(ids, made.ID), append(refs, made.ExternalXRef)
	}
	idsOf := func(tickets []connectwise.Ticket) (got []int) {
		for _, ticket := range tickets {
			got = append(got, ticket.ID)
		}
		return got
	}
	server.ResetCounts()
	tickets, err := connectwise.All(c.Tickets(t.Context(), connectwise.Contains("summary", "failed"), "summary", "status/name"))
	require.NoError(t, err)
	require.Equal(t, ids, idsOf(tickets))
	require.Equal(t, "New", tickets[0].Status.Name)
	require.Empty(t, tickets[0].ExternalXRef, "not asked for")
	require.Equal(t, map[string]int{"GET /service/tickets": 4}, server.Counts())

	for len(refs) < 100 {
		refs = append(refs, strings.Repeat("x", 20)+fmt.Sprint(len(refs)))
	}
	server.ResetCounts()
	tickets, err = connectwise.All(c.Tickets(t.Context(), connectwise.In("externalXRef", refs...), "id"))
	require.NoError(t, err)
	require.Equal(t, ids, idsOf(tickets))
	require.Equal(t, map[string]int{"POST /service/tickets/search": 4}, server.Counts())

	since := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	everyOperator := connectwise.And(
		connectwise.Ge("lastUpdated", since), connectwise.Ge("id", ids[0]), connectwise.Gt("id", ids[0]), connectwise.Le("id", ids[12]), connectwise.Lt("id", ids[12]),
		connectwise.Ne("id", ids[5]), connectwise.Not(connectwise.In("id", ids[6], ids[7])), connectwise.Not(connectwise.Contains("summary", "SRV08")),
		connectwise.IsNull("owner/id"), connectwise.Or(connectwise.Not(connectwise.IsNull("parentTicketId")), connectwise.Eq("board/name", "Service Desk")),
		connectwise.Eq("closedFlag", false),
	)
	tickets, err = connectwise.All(c.Tickets(t.Context(), everyOperator, "id"))
	require.NoError(t, err)
	require.Equal(t, slices.Concat(ids[1:5], ids[9:12]), idsOf(tickets))
}

func TestCompaniesAgainstTheFake(t *testing.T) {
	_, c := fake(t)
	statuses, err := c.CompanyStatuses(t.Context())
	require.NoError(t, err)
	names := []string{"Müller & Söhne GmbH", `The "Kiwi" Co`, "O'Brien Ltd", "ООО Ромашка", "東京株式会社", "100% [it] _x_ *"}
	for i, name := range names {
		made, err := c.CreateCompany(t.Context(), connectwise.NewCompany{
			Identifier: fmt.Sprintf("co%d", i), Name: name, Status: connectwise.Reference{ID: statuses[0].ID},
			Types: []connectwise.Reference{{Name: "Client"}}, Site: connectwise.Reference{Name: "Main"}, City: "Aarhus",
		})
		require.NoError(t, err)
		found, err := connectwise.All(c.Companies(t.Context(), connectwise.Eq("name", name)))
		require.NoError(t, err, name)
		require.Len(t, found, 1, name)
		require.Equal(t, made.ID, found[0].ID)
	}
	all, err := connectwise.All(c.Companies(t.Context(), connectwise.Eq("deletedFlag", false), "identifier", "name"))
	require.NoError(t, err)
	require.Len(t, all, 7)

	renamed, err := c.PatchCompany(t.Context(), all[1].ID, connectwise.Replace("name", "Miller"))
	require.NoError(t, err)
	read, err := c.Company(t.Context(), renamed.ID)
	require.NoError(t, err)
	require.Equal(t, renamed, read)

	_, err = c.CreateCompany(t.Context(), connectwise.NewCompany{Identifier: "co1", Name: "Again", City: "Aarhus"})
	require.Error(t, err, "the identifier is taken")
	require.NotEqual(t, errclass.UnknownOutcome, errclass.Of(err))
}

func TestFaultsOfTheFake(t *testing.T) {
	cases := map[string]struct {
		fault         cwfake.Fault
		create, read  errclass.Class // Bug stands for success
		createdAnyway bool
	}{
		"lost answer, dropped":  {cwfake.Fault{Kind: cwfake.FaultLostAnswer, Drop: true}, errclass.UnknownOutcome, errclass.Transient, true},
		"lost answer, time-out": {cwfake.Fault{Kind: cwfake.FaultLostAnswer}, errclass.UnknownOutcome, errclass.Transient, true},
		"truncated":             {cwfake.Fault{Kind: cwfake.FaultTruncated}, errclass.UnknownOutcome, errclass.Transient, true},
		"empty":                 {cwfake.Fault{Kind: cwfake.FaultEmpty}, errclass.UnknownOutcome, errclass.Transient, true},
		"dropped before":        {cwfake.Fault{Kind: cwfake.FaultDrop}, errclass.UnknownOutcome, errclass.Transient, false},
		"500 before":            {cwfake.Fault{Kind: cwfake.FaultErrorBefore}, errclass.UnknownOutcome, errclass.Transient, false},
		"503 page":              {cwfake.Fault{Kind: cwfake.FaultErrorBefore, Status: 503, HTML: true}, errclass.UnknownOutcome, errclass.Transient, false},
		"200 page":              {cwfake.Fault{Kind: cwfake.FaultHTML200}, errclass.UnknownOutcome, errclass.Transient, false},
		"429":                   {cwfake.Fault{Kind: cwfake.FaultRateLimited, RetryAfter: "60"}, errclass.RateLimited, errclass.RateLimited, false},
		"401":                   {cwfake.Fault{Kind: cwfake.FaultUnauthorized}, errclass.AuthTenant, errclass.AuthTenant, false},
		"404 for the keys":      {cwfake.Fault{Kind: cwfake.FaultNotFoundAuth}, errclass.AuthTenant, errclass.AuthTenant, false},
		"403":                   {cwfake.Fault{Kind: cwfake.FaultForbidden, Right: "Service Tickets"}, errclass.AuthTenant, errclass.AuthTenant, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			server, c := fake(t)
			made, err := c.CreateTicket(t.Context(), newTicket(1))
			require.NoError(t, err)

			require.NoError(t, server.AddFaults(tc.fault))
			server.ResetCounts()
			_, err = c.CreateTicket(t.Context(), newTicket(2))
			requireClass(t, tc.create, err)
			require.LessOrEqual(t, server.Counts()["POST /service/tickets"], 1)
			require.Len(t, server.Tickets(), map[bool]int{false: 1, true: 2}[tc.createdAnyway])

			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err = c.Ticket(ctx, made.ID)
			requireClass(t, tc.read, err)
		})
	}
}

func TestTheFakesCodeBaseIsFollowed(t *testing.T) {
	server, c := fake(t)
	_, err := c.CreateTicket(t.Context(), newTicket(1))
	require.NoError(t, err)
	require.NoError(t, server.AddFaults(cwfake.Fault{Kind: cwfake.FaultCodeBaseChange, CodeBase: "v2026_1/", Times: 1}))
	_, err = c.CreateTicket(t.Context(), newTicket(2))
	require.NoError(t, err)
	require.Len(t, server.Tickets(), 2)
	require.Empty(t, server.Duplicates())
}

func TestWrongKeysAgainstTheFake(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		server := cwfake.New(cwfake.Options{})
		require.NoError(t, server.Configure(func(s *cwfake.Switches) { s.NotFoundForBadKeys = hidden }))
		listener := httptest.NewServer(server)
		t.Cleanup(listener.Close)
		options := connectwise.Options{
			Site: listener.URL, Company: cwfake.DefaultCompany, ClientID: cwfake.DefaultClientID,
			Keys: func() (string, string, error) { return cwfake.DefaultPublicKey, "revokedkey", nil },
		}
		c, err := connectwise.New(options)
		require.NoError(t, err)
		t.Cleanup(c.Close)
		_, err = c.SystemInfo(t.Context())
		requireClass(t, errclass.AuthTenant, err)

		options.Company = "nobody"
		c, err = connectwise.New(options)
		require.NoError(t, err)
		t.Cleanup(c.Close)
		_, err = c.SystemInfo(t.Context())
		requireClass(t, errclass.AuthTenant, err)
		require.ErrorContains(t, err, `knows no company "nobody"`)
	}
}
