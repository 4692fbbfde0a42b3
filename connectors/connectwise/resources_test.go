package connectwise

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

const wholeTicket = `{"id":48212,"summary":"Backup failed: SRV01","recordType":"ServiceTicket","board":{"id":7,"name":"Backup","_info":{"board_href":"https://x//y"}},
"status":{"id":512,"name":"New","Sort":1},"company":{"id":250,"identifier":"acme","name":"Acme"},"priority":{"id":3,"name":"Priority 3","level":"Red"},
"owner":null,"severity":"Medium","impact":"High","externalXRef":"covewise:1","closedFlag":true,"closedDate":"2025-11-21T00:00:00Z","closedBy":"jd",
"parentTicketId":48000,"mergedParentTicket":{"id":48001,"summary":"other"},"hasChildTicket":null,"customerUpdatedFlag":true,"approved":null,"unknownMember":[1,{"a":2}],
"_info":{"lastUpdated":"2025-11-20T06:00:01Z","updatedBy":"bkapi","dateEntered":"2025-11-20T05:00:00.25+00:00","enteredBy":"bkapi","activities_href":"https://x"}}`

func TestATicketIsRead(t *testing.T) {
	s := newStub(t, always(200, wholeTicket))
	got, err := mustClient(t, s).Ticket(t.Context(), 48212)
	require.NoError(t, err)
	require.Equal(t, Ticket{
		ID: 48212, Summary: "Backup failed: SRV01", RecordType: "ServiceTicket",
		Board: Reference{ID: 7, Name: "Backup"}, Status: Reference{ID: 512, Name: "New"},
		Company: Reference{ID: 250, Identifier: "acme", Name: "Acme"}, Priority: Reference{ID: 3, Name: "Priority 3"},
		Severity: "Medium", Impact: "High", ExternalXRef: "covewise:1",
		ClosedFlag: true, ClosedDate: Date{time.Date(2025, 11, 21, 0, 0, 0, 0, time.UTC)}, ClosedBy: "jd",
		ParentTicketID: 48000, MergedParentTicket: Reference{ID: 48001}, CustomerUpdatedFlag: true,
		Info: Info{
			LastUpdated: Date{time.Date(2025, 11, 20, 6, 0, 1, 0, time.UTC)}, UpdatedBy: "bkapi",
			DateEntered: Date{time.Date(2025, 11, 20, 5, 0, 0, 250_000_000, time.UTC)}, EnteredBy: "bkapi",
		},
	}, got)
}

func TestATicketIsCreated(t *testing.T) {
	s := newStub(t, always(201, wholeTicket))
	c, _ := s.client(t)
	got, err := c.CreateTicket(t.Context(), NewTicket{
		Summary: "Backup <failed> & \"more\"", Board: Reference{ID: 7}, Status: Reference{Name: "New"}, Company: Reference{Identifier: "acme"},
		Priority: Reference{ID: 3}, Source: Reference{Name: "API"}, Severity: "Medium", Impact: "High", ExternalXRef: "covewise:1",
		InitialDescription: "Last good backup\nError", InitialInternalAnalysis: "internal",
	})
	require.NoError(t, err)
	require.Equal(t, 48212, got.ID)
	require.Equal(t, int64(1), c.Writes())
	sent := s.seen()[0]
	require.Equal(t, "POST", sent.method)
	require.Equal(t, "/v2025_1/apis/3.0/service/tickets", sent.path)
	require.Equal(t, "application/json", sent.header.Get("Content-Type"))
	require.Equal(t, `{"summary":"Backup <failed> & \"more\"","board":{"id":7},"status":{"name":"New"},"company":{"identifier":"acme"},`+
		`"priority":{"id":3},"source":{"name":"API"},"severity":"Medium","impact":"High","externalXRef":"covewise:1",`+
		`"initialDescription":"Last good backup\nError","initialInternalAnalysis":"internal"}`, sent.body)

	_, err = c.CreateTicket(t.Context(), NewTicket{Summary: "x", Company: Reference{ID: 1}})
	require.NoError(t, err)
	require.Equal(t, `{"summary":"x","company":{"id":1}}`, s.seen()[1].body)
}

func TestRecordsThatTheServerWouldRefuseAreNotSent(t *testing.T) {
	s := newStub(t, always(201, wholeTicket))
	c, _ := s.client(t)
	acme := Reference{ID: 1}
	ticket := func(n NewTicket) func() error {
		return func() error { _, err := c.CreateTicket(t.Context(), n); return err }
	}
	note := func(n NewNote) func() error {
		return func() error { _, err := c.CreateTicketNote(t.Context(), 7, n); return err }
	}
	patch := func(ops ...PatchOp) func() error {
		return func() error { _, err := c.PatchTicket(t.Context(), 7, ops...); return err }
	}
	refused := map[string]func() error{
		"no summary":                    ticket(NewTicket{Company: acme}),
		"a summary of 101 characters":   ticket(NewTicket{Summary: strings.Repeat("ü", 101), Company: acme}),
		"a summary of 102 UTF-16 units": ticket(NewTicket{Summary: strings.Repeat("😀", 51), Company: acme}),
		"no company":                    ticket(NewTicket{Summary: "x"}),
		"a reference of 101":            ticket(NewTicket{Summary: "x", Company: acme, ExternalXRef: strings.Repeat("x", 101)}),
		"a note without text":           note(NewNote{ResolutionFlag: true}),
		"a note without a heading":      note(NewNote{Text: "x"}),
		"a company without identifier":  func() error { _, err := c.CreateCompany(t.Context(), NewCompany{Name: "x"}); return err },
		"a patch of nothing":            patch(),
		"a patch into a reference":      patch(Replace("status/id", 5)),
		"a patch of an unknown kind":    patch(PatchOp{Op: "test", Path: "summary"}),
		"a patch without a path":        patch(Replace("/", 5)),
	}
	for name, act := range refused {
		requireClass(t, errclass.Rejected, act())
		require.Zero(t, c.Requests(), name)
	}
	requireClass(t, errclass.Bug, patch(Replace("summary", func() {}))())
	require.NoError(t, ticket(NewTicket{Summary: strings.Repeat("😀", 50), Company: acme})())
	require.NoError(t, ticket(NewTicket{Summary: strings.Repeat("ü", 100), Company: acme})())
}

func TestAPatchIsABareArray(t *testing.T) {
	s := newStub(t, always(200, wholeTicket))
	c, _ := s.client(t)
	got, err := c.PatchTicket(t.Context(), 48212, Replace("status", Reference{ID: 512}), Replace("/owner", nil), Remove("team"))
	require.NoError(t, err)
	require.Equal(t, "New", got.Status.Name)
	require.Equal(t, "PATCH", s.seen()[0].method)
	require.JSONEq(t, `[{"op":"replace","path":"status","value":{"id":512}},{"op":"replace","path":"/owner","value":null},{"op":"remove","path":"team"}]`, s.seen()[0].body)
}

func TestNotes(t *testing.T) {
	const note = `{"id":9,"ticketId":7,"text":"better","internalAnalysisFlag":true,"member":{"id":1,"identifier":"bkapi"},"dateCreated":"2025-11-20T06:00:01","createdBy":"bkapi"}`
	want := Note{
		ID: 9, TicketID: 7, Text: "better", InternalAnalysisFlag: true, Member: Reference{ID: 1, Identifier: "bkapi"},
		DateCreated: Date{time.Date(2025, 11, 20, 6, 0, 1, 0, time.UTC)}, CreatedBy: "bkapi",
	}
	s := newStub(t, always(201, note))
	got, err := mustClient(t, s).CreateTicketNote(t.Context(), 7, NewNote{Text: "better", InternalAnalysisFlag: true})
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, "/v2025_1/apis/3.0/service/tickets/7/notes", s.seen()[0].path)
	require.Equal(t, `{"text":"better","detailDescriptionFlag":false,"internalAnalysisFlag":true,"resolutionFlag":false}`, s.seen()[0].body)

	s = newStub(t, always(200, "["+note+"]"))
	listed, err := mustClient(t, s).TicketNotes(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, []Note{want}, listed)
}

func TestCountingTickets(t *testing.T) {
	s := newStub(t, always(200, `{"count":0}`))
	n, err := mustClient(t, s).TicketCount(t.Context(), Eq("closedFlag", false))
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, "/v2025_1/apis/3.0/service/tickets/count?conditions=closedFlag%3DFalse", s.seen()[0].path+"?"+s.seen()[0].query)
	_, err = mustClient(t, newStub(t, always(200, `{}`))).TicketCount(t.Context(), Condition{})
	requireClass(t, errclass.Transient, err)
}

func TestCompanies(t *testing.T) {
	const acme = `{"id":250,"identifier":"acme","name":"Acme","status":{"id":1,"name":"Active"},"types":[{"id":2,"name":"Client"}],"territory":null,"deletedFlag":true}`
	want := Company{ID: 250, Identifier: "acme", Name: "Acme", Status: Reference{ID: 1, Name: "Active"}, Types: []Reference{{ID: 2, Name: "Client"}}, DeletedFlag: true}
	s := newStub(t, always(201, acme))
	c := mustClient(t, s)
	got, err := c.CreateCompany(t.Context(), NewCompany{Identifier: "acme", Name: "Acme", Types: []Reference{{ID: 2}}, Site: Reference{Name: "Main"}, City: "Aarhus"})
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, `{"identifier":"acme","name":"Acme","types":[{"id":2}],"site":{"name":"Main"},"city":"Aarhus"}`, s.seen()[0].body)
	read, err := c.Company(t.Context(), 250)
	require.NoError(t, err)
	require.Equal(t, want, read)
	_, err = c.PatchCompany(t.Context(), 250, Replace("name", "Acme Ltd"))
	require.NoError(t, err)
	require.Equal(t, int64(2), c.Writes())
}

func TestSetupTables(t *testing.T) {
	s := newStub(t, always(200, `[{"id":7,"name":"It's a \"Desk\"","inactiveFlag":null,"closedStatus":true,"defaultFlag":true},{"id":8,"name":"Desk"}]`))
	c := mustClient(t, s)
	boards, err := c.Boards(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, boards, 2)
	_, err = c.Boards(t.Context(), "Service Desk")
	require.NoError(t, err)
	boards, err = c.Boards(t.Context(), `it's a "desk"`)
	require.NoError(t, err)
	require.Equal(t, []Board{{ID: 7, Name: `It's a "Desk"`}}, boards)
	statuses, err := c.BoardStatuses(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, BoardStatus{ID: 7, Name: `It's a "Desk"`, ClosedStatus: true, DefaultFlag: true}, statuses[0])
	_, err = c.CompanyStatuses(t.Context())
	require.NoError(t, err)
	_, err = c.CompanyTypes(t.Context())
	require.NoError(t, err)
	var asked []string
	for _, r := range s.seen() {
		where, _, _ := strings.Cut(r.query, "orderBy")
		asked = append(asked, strings.TrimPrefix(r.path, "/v2025_1/apis/3.0")+"?"+where)
	}
	require.Equal(t, []string{
		"/service/boards?", "/service/boards?conditions=name%3D%22Service%20Desk%22&", "/service/boards?conditions=name%20contains%20%22desk%22&",
		"/service/boards/7/statuses?", "/company/companies/statuses?", "/company/companies/types?",
	}, asked)
}

func TestSystemInfo(t *testing.T) {
	s := newStub(t, always(200, `{"version":"v2025.1.117000","isCloud":"True","serverTimeZone":"Eastern Standard Time","licenseBits":[{"name":"x","activeFlag":true}],"cloudRegion":"NA"}`))
	got, err := mustClient(t, s).SystemInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, SystemInfo{Version: "v2025.1.117000", IsCloud: true, CloudRegion: "NA", ServerTimeZone: "Eastern Standard Time"}, got)
	_, err = mustClient(t, newStub(t, always(200, `{}`))).SystemInfo(t.Context())
	requireClass(t, errclass.Transient, err)
}

func TestDatesAreReadLeniently(t *testing.T) {
	noon := time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC)
	cases := map[string]time.Time{
		`"2025-11-20T12:00:00Z"`:      noon,
		`"2025-11-20T14:00:00+02:00"`: noon,
		`"2025-11-20T12:00:00"`:       noon,
		`"2025-11-20 12:00:00"`:       noon,
		`"2025-11-20T12:00:00.5Z"`:    noon.Add(500 * time.Millisecond),
		`"2025-11-20"`:                noon.Add(-12 * time.Hour),
		`""`:                          {},
		`null`:                        {},
		`17`:                          {},
		`"tomorrow"`:                  {},
	}
	for text, want := range cases {
		var d Date
		require.NoError(t, json.Unmarshal([]byte(text), &d), text)
		require.Equal(t, want, d.Time, text)
	}
	raw, err := json.Marshal([]Date{{noon}, {}})
	require.NoError(t, err)
	require.JSONEq(t, `["2025-11-20T12:00:00Z",null]`, string(raw))
}
