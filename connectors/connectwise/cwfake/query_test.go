package cwfake_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

// fiveTickets has ids 48211 to 48215, one minute apart.
func fiveTickets(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, more := range [][]string{
		{`"externalXRef":"bk:1"`},
		{`"board":{"name":"NOC"}`, `"priority":{"id":1}`},
		{`"status":{"name":"Closed"}`, `"externalXRef":"bk:3"`},
		{`"owner":{"identifier":"tokafor"}`, `"severity":"High"`},
		{`"board":{"name":"NOC"}`, `"status":{"name":"Working"}`},
	} {
		w.ticket("Backup failed: SRV0"+string(rune('1'+len(w.server.Tickets())))+" #100", more...)
		w.clock.Add(time.Minute)
	}
	return w
}

func TestConditionsOnTickets(t *testing.T) {
	w := fiveTickets(t)
	for _, c := range []struct {
		conditions string
		want       []int
	}{
		{`id in (48211,48213)`, []int{48211, 48213}},
		{`externalXRef="BK:1"`, []int{48211}},
		{`externalXRef = null`, []int{48212, 48214, 48215}},
		{`board/name="noc" and closedFlag=False`, []int{48212, 48215}},
		{`BOARD/NAME='NOC' AND status/id=7`, []int{48212}},
		{`company/identifier="acme" and closedFlag=true`, []int{48213}},
		{`company/id=251`, []int{}},
		{`lastUpdated>=[2025-11-20T06:03:01Z]`, []int{48214, 48215}},
		{`dateEntered<[2025-11-20T06:01:01Z]`, []int{48211}},
		{`closedDate != null`, []int{48213}},
		{`owner/id = null and severity="Medium"`, []int{48211, 48212, 48213, 48215}},
		{`owner/identifier="tokafor"`, []int{48214}},
		{`summary contains "srv03"`, []int{48213}},
		{`summary like "%SRV0[45]*"`, []int{48214, 48215}},
		{`priority/name="Priority 1 - Critical" or (severity="High" and closedFlag=false)`, []int{48212, 48214}},
	} {
		t.Run(c.conditions, func(t *testing.T) {
			encoded := url.QueryEscape(c.conditions)
			require.Equal(t, c.want, w.want(200, "GET", "/service/tickets?conditions="+encoded, nil).ids(t))
			require.InDelta(t, len(c.want), w.want(200, "GET", "/service/tickets/count?conditions="+encoded, nil).object(t)["count"], 0)
			for _, key := range []string{"conditions", "Conditions"} {
				require.Equal(t, c.want, w.want(200, "POST", "/service/tickets/search", map[string]any{key: c.conditions}).ids(t))
			}
		})
	}
}

func TestQueriesAreRefused(t *testing.T) {
	w := fiveTickets(t)
	for _, c := range []struct{ name, query, message string }{
		{"unknown field", `conditions=nothing=1`, "the field 'nothing' does not exist on Ticket"},
		{"whole reference", `conditions=board="NOC"`, "the field 'board' is a reference"},
		{"member that no answer has", `conditions=status/closedStatus=true`, "the field 'status/closedStatus' does not exist"},
		{"create-only member", `conditions=initialDescription="a"`, "the field 'initialDescription' does not exist"},
		{"_info", `conditions=_info/lastUpdated>[2025-01-01T00:00:00Z]`, "the field '_info/lastUpdated' does not exist"},
		{"list", `conditions=customFields=1`, "is a list"},
		{"below a text", `conditions=summary/id=1`, "has no members"},
		{"wrong literal", `conditions=id="1"`, "Expected a number written with digits only"},
		{"unquoted", `conditions=summary=abc`, "Expected a value but found 'abc'"},
		{"childConditions", `childConditions=types/id=4`, "childConditions and customFieldConditions are not supported"},
		{"customFieldConditions", `customFieldConditions=caption="a"`, "not supported"},
		{"orderBy of an unknown field", `orderBy=nothing`, "the field 'nothing' does not exist"},
		{"orderBy with a wrong direction", `orderBy=id up`, "expected 'field asc' or 'field desc'"},
		{"page 0", `page=0`, "The parameter page must be a whole number of at least 1"},
		{"pageSize no number", `pageSize=many`, "The parameter pageSize must be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, value, _ := strings.Cut(c.query, "=")
			values := url.Values{name: {value}}
			require.Contains(t, w.want(400, "GET", "/service/tickets?"+values.Encode(), nil).text, c.message)
		})
	}
	require.Contains(t, w.want(400, "POST", "/service/tickets/search", `{"filter":"id=1"}`).text, "Could not find member 'filter'")
	require.Contains(t, w.want(400, "POST", "/service/tickets/search", `{"conditions":1}`).text, "to type 'System.String'")
	w.want(200, "GET", "/service/tickets?childConditions=%20", nil)
}

func TestOrderAndFields(t *testing.T) {
	w := fiveTickets(t)
	for _, c := range []struct {
		orderBy string
		want    []int
	}{
		{"id desc", []int{48215, 48214, 48213, 48212, 48211}},
		{"board/name asc,id desc", []int{48215, 48212, 48214, 48213, 48211}},
		{"lastUpdated DESC", []int{48215, 48214, 48213, 48212, 48211}},
		{"externalXRef", []int{48212, 48214, 48215, 48211, 48213}},
	} {
		require.Equal(t, c.want, w.want(200, "GET", "/service/tickets?orderBy="+url.QueryEscape(c.orderBy), nil).ids(t), c.orderBy)
		require.Equal(t, c.want, w.want(200, "POST", "/service/tickets/search", map[string]any{"orderBy": c.orderBy}).ids(t), c.orderBy)
	}
	row := w.want(200, "GET", "/service/tickets/48214?fields=Summary,status/name,owner,_info/lastUpdated,nothing", nil).object(t)
	require.Equal(t, map[string]any{
		"summary": "Backup failed: SRV04 #100", "status": map[string]any{"name": "New"}, "_info": map[string]any{"lastUpdated": "2025-11-20T06:03:01Z"},
		"owner": map[string]any{"id": 2.0, "identifier": "tokafor", "name": "Tobi Okafor", "_info": map[string]any{"member_href": w.url + w.base + "/system/members/2"}},
	}, row)
	created := w.want(201, "POST", "/service/tickets?fields=id", `{"summary":"a","company":{"id":250}}`).object(t)
	require.Equal(t, map[string]any{"id": 48216.0}, created)
}

// links reads a Link header into addresses by relation.
func links(header string) map[string]string {
	found := map[string]string{}
	for _, match := range regexp.MustCompile(`<([^>]*)>; rel="(\w+)"`).FindAllStringSubmatch(header, -1) {
		found[match[2]] = match[1]
	}
	return found
}

func TestNavigablePages(t *testing.T) {
	w := fiveTickets(t)
	next := "/service/tickets?pageSize=2&fields=id&conditions=" + url.QueryEscape(`company/id=250`)
	var seen [][]int
	var relations [][]string
	for next != "" {
		r := w.want(200, "GET", next, nil)
		seen = append(seen, r.ids(t))
		found := links(r.header.Get("Link"))
		var names []string
		for _, name := range []string{"next", "last", "prev", "first"} {
			if found[name] != "" {
				names = append(names, name)
			}
		}
		relations = append(relations, names)
		next = ""
		if found["next"] != "" {
			address, err := url.Parse(found["next"])
			require.NoError(t, err)
			require.Equal(t, []string{"id", "company/id=250", "2"}, []string{address.Query().Get("fields"), address.Query().Get("conditions"), address.Query().Get("pageSize")})
			next = address.RequestURI()
		}
	}
	require.Equal(t, [][]int{{48211, 48212}, {48213, 48214}, {48215}}, seen)
	require.Equal(t, [][]string{{"next", "last"}, {"next", "last", "prev", "first"}, {"prev", "first"}}, relations)

	beyond := w.want(200, "GET", "/service/tickets?page=9&pageSize=2", nil)
	require.Equal(t, "[]", beyond.text)
	require.Empty(t, w.want(200, "GET", "/service/tickets", nil).header.Get("Link"))
}

func TestForwardOnlyPages(t *testing.T) {
	w := fiveTickets(t)
	w.header["Pagination-Type"] = []string{"forward-only"}
	first := w.want(200, "GET", "/service/tickets?pageSize=2&page=3&orderBy=id%20desc", nil)
	require.Equal(t, []int{48211, 48212}, first.ids(t), "page and orderBy are ignored")
	found := links(first.header.Get("Link"))
	require.Len(t, found, 1)
	w.want(204, "DELETE", "/service/tickets/48211", nil)
	address, err := url.Parse(found["next"])
	require.NoError(t, err)
	require.Equal(t, "48212", address.Query().Get("pageId"))
	second := w.want(200, "GET", address.RequestURI(), nil)
	require.Equal(t, []int{48213, 48214}, second.ids(t), "a row deleted meanwhile shifts nothing")
	last := w.want(200, "GET", "/service/tickets?pageSize=2&pageId=48214", nil)
	require.Equal(t, []int{48215}, last.ids(t))
	require.Empty(t, last.header.Get("Link"))
	require.Equal(t, "[]", w.want(200, "GET", "/service/tickets?pageId=48215", nil).text)
}

func TestPageSizeIsCapped(t *testing.T) {
	w := newWorld(t)
	companies := make([]cwfake.Company, 1200)
	for i := range companies {
		companies[i] = cwfake.Company{Identifier: path("c%d", i), Name: path("Company %d", i)}
	}
	body, err := json.Marshal(companies)
	require.NoError(t, err)
	w.want(200, "POST", "/control/companies", string(body))
	require.Len(t, w.want(200, "GET", "/company/companies?fields=id&pageSize=5000", nil).list(t), 1000)
	require.Len(t, w.want(200, "GET", "/company/companies?fields=id", nil).list(t), 25)
	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.PageSizeOverLimitRefused = true }))
	w.want(400, "GET", "/company/companies?pageSize=1001", nil)
}

func TestSearchLags(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.SearchLag = 30 * time.Second }))
	id := w.ticket("a", `"externalXRef":"x"`)
	find := func() []int {
		t.Helper()
		got := w.want(200, "GET", "/service/tickets?conditions=externalXRef%3D%22x%22", nil).ids(t)
		require.Equal(t, got, w.want(200, "POST", "/service/tickets/search", `{"conditions":"externalXRef='x'"}`).ids(t))
		return got
	}
	require.Empty(t, find())
	w.want(200, "GET", path("/service/tickets/%d", id), nil)
	w.clock.Add(30 * time.Second)
	require.Equal(t, []int{id}, find())

	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.SearchLag = 0; s.SearchLagRequests = 3 }))
	w.want(204, "DELETE", path("/service/tickets/%d", id), nil)
	id = w.ticket("b", `"externalXRef":"x"`)
	require.Empty(t, find())
	require.InDelta(t, 0, w.want(200, "GET", "/service/tickets/count", nil).object(t)["count"], 0)
	require.Equal(t, []int{id}, find())
}

func TestListsShowChangesLate(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a", `"externalXRef":"x"`)
	w.clock.Add(time.Hour)
	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.ChangeLag = 20 * time.Second }))
	read := path("/service/tickets/%d", id)
	type picture struct {
		summary string
		closed  bool
	}
	seen := func() (listed, present picture) {
		t.Helper()
		all := w.want(200, "GET", "/service/tickets?conditions=externalXRef%3D%22x%22", nil).list(t)
		require.Len(t, all, 1)
		require.Equal(t, all, w.want(200, "POST", "/service/tickets/search", `{"conditions":"externalXRef='x'"}`).list(t))
		one := w.want(200, "GET", read, nil).object(t)
		of := func(row map[string]any) picture { return picture{row["summary"].(string), row["closedFlag"].(bool)} }
		return of(all[0]), of(one)
	}
	matching := func(conditions string) float64 {
		t.Helper()
		return w.want(200, "GET", "/service/tickets/count?conditions="+conditions, nil).object(t)["count"].(float64)
	}
	since := "lastUpdated%3E%3D%5B" + w.clock.Now().UTC().Format(time.RFC3339) + "%5D"

	require.NoError(t, w.server.Person("").Edit(id, cwfake.Edit{Summary: "b"}))
	w.clock.Add(10 * time.Second)
	require.NoError(t, w.server.Person("").Close(id, ""))
	listed, present := seen()
	require.Equal(t, []picture{{"a", false}, {"b", true}}, []picture{listed, present})
	require.Equal(t, []float64{0, 1, 0}, []float64{matching(since), matching("closedFlag%3Dfalse"), matching("summary%3D%22b%22")})

	w.clock.Add(10 * time.Second)
	listed, _ = seen()
	require.Equal(t, picture{"b", false}, listed, "the first change, and not the second")
	require.Equal(t, []float64{1, 1, 1}, []float64{matching(since), matching("closedFlag%3Dfalse"), matching("summary%3D%22b%22")})

	var saved bytes.Buffer
	require.NoError(t, w.server.Save(&saved))
	w.clock.Add(10 * time.Second)
	listed, present = seen()
	require.Equal(t, present, listed)
	require.Equal(t, []float64{1, 0, 1}, []float64{matching(since), matching("closedFlag%3Dfalse"), matching("summary%3D%22b%22")})

	require.NoError(t, w.server.Restore(&saved, 0))
	w.clock.Add(time.Minute)
	require.NoError(t, w.server.Person("").Reopen(id, ""))
	listed, present = seen()
	require.Equal(t, []bool{true, false}, []bool{listed.closed, present.closed}, "also of a ticket that was restored")
	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.ChangeLag = 0 }))
	listed, present = seen()
	require.Equal(t, present, listed)
	w.want(204, "DELETE", read, nil)
	require.Zero(t, matching("externalXRef%3D%22x%22"), "a deletion shows at once")
}
