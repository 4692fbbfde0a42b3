package cwfake_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestMerge(t *testing.T) {
	w := newWorld(t)
	parent := w.ticket("parent", `"initialDescription":"p"`)
	child := w.ticket("child", `"initialDescription":"c"`)
	answer := w.want(200, "POST", path("/service/tickets/%d/merge", parent), map[string]any{"mergeTicketIds": []int{child}, "status": map[string]any{"name": "Closed"}}).object(t)
	require.Equal(t, true, answer["success"])

	merged := w.state(child)
	require.Equal(t, parent, merged.MergedInto)
	require.Equal(t, []any{"Closed", true}, []any{merged.Status, merged.ClosedFlag})
	shown := w.want(200, "GET", path("/service/tickets/%d?fields=mergedParentTicket/id,mergedParentTicket/summary", child), nil).object(t)
	require.Equal(t, map[string]any{"mergedParentTicket": map[string]any{"id": float64(parent), "summary": "parent"}}, shown)
	require.Equal(t, true, w.want(200, "GET", path("/service/tickets/%d", parent), nil).object(t)["hasMergedChildTicketFlag"])

	var texts []any
	for _, note := range w.want(200, "GET", path("/service/tickets/%d/allNotes", parent), nil).list(t) {
		texts = append(texts, note["text"], note["mergedFlag"])
	}
	require.Equal(t, []any{"p", false, "c", true}, texts)
	require.Len(t, w.want(200, "GET", path("/service/tickets/%d/notes", parent), nil).list(t), 1)

	w.want(400, "PATCH", path("/service/tickets/%d", child), `[{"op":"replace","path":"summary","value":"b"}]`)
	w.want(400, "POST", path("/service/tickets/%d/notes", child), `{"text":"a","internalAnalysisFlag":true}`)
	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.MergedTicketsFrozen = false }))
	w.want(200, "PATCH", path("/service/tickets/%d", child), `[{"op":"replace","path":"summary","value":"b"}]`)
	w.want(201, "POST", path("/service/tickets/%d/notes", child), `{"text":"a","internalAnalysisFlag":true}`)
}

func TestMergeAndChildrenAreRefusedAsAWhole(t *testing.T) {
	w := newWorld(t)
	parent, a, b, merged := w.ticket("parent"), w.ticket("a"), w.ticket("b"), w.ticket("merged")
	noc := w.ticket("noc", `"board":{"name":"NOC"}`)
	family, kid := w.ticket("family"), w.ticket("kid")
	require.NoError(t, w.server.Person("").Merge(merged, b, ""))
	require.NoError(t, w.server.Person("").AttachChild(family, kid))
	before := w.server.Tickets()
	closed := map[string]any{"name": "Closed"}
	for _, c := range []struct {
		name, action string
		on           int
		body         map[string]any
		message      string
	}{
		{"an id that is absent", "merge", parent, map[string]any{"mergeTicketIds": []int{a, 1}, "status": closed}, "Ticket 1 not found"},
		{"the parent itself", "merge", parent, map[string]any{"mergeTicketIds": []int{a, parent}, "status": closed}, "cannot be combined with itself"},
		{"already merged", "merge", parent, map[string]any{"mergeTicketIds": []int{a, merged}, "status": closed}, "is already merged"},
		{"into a merged one", "merge", merged, map[string]any{"mergeTicketIds": []int{a}, "status": closed}, "is itself merged"},
		{"named twice", "merge", parent, map[string]any{"mergeTicketIds": []int{a, a}, "status": closed}, "named twice"},
		{"no ids", "merge", parent, map[string]any{"mergeTicketIds": []int{}, "status": closed}, "The mergeTicketIds field is required."},
		{"no status", "merge", parent, map[string]any{"mergeTicketIds": []int{a}}, "The status/id field is required."},
		{"status of another board", "merge", parent, map[string]any{"mergeTicketIds": []int{a, noc}, "status": closed}, "Service Status 'Closed' not found for Service Board 2"},
		{"unknown member", "merge", parent, map[string]any{"ids": []int{a}, "status": closed}, "Could not find member 'ids' on object of type 'TicketMerge'"},
		{"text for an id", "merge", parent, map[string]any{"mergeTicketIds": []string{"1"}, "status": closed}, "to type 'System.Int32'"},
		{"a child of its own", "attachChildren", parent, map[string]any{"childTicketIds": []int{a, family}}, "has child tickets of its own"},
		{"a child as parent", "attachChildren", kid, map[string]any{"childTicketIds": []int{a}}, "is itself a child ticket"},
		{"a child of another", "attachChildren", parent, map[string]any{"childTicketIds": []int{a, kid}}, "already is a child"},
		{"not a child", "detachChildren", family, map[string]any{"childTicketIds": []int{kid, a}}, "is not a child of ticket"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, w.want(400, "POST", path("/service/tickets/%d/%s", c.on, c.action), c.body).text, c.message)
			require.Equal(t, before, w.server.Tickets())
		})
	}
	w.want(404, "POST", "/service/tickets/1/merge", map[string]any{"mergeTicketIds": []int{a}, "status": closed})
}

func TestChildren(t *testing.T) {
	w := newWorld(t)
	parent, a, b := w.ticket("parent"), w.ticket("a"), w.ticket("b")
	body := map[string]any{"childTicketIds": []int{a, b}}
	require.Equal(t, true, w.want(200, "POST", path("/service/tickets/%d/attachChildren", parent), body).object(t)["success"])
	require.Equal(t, []int{parent, parent}, []int{w.state(a).ParentID, w.state(b).ParentID})
	require.Equal(t, []int{a, b}, w.want(200, "GET", path("/service/tickets?conditions=parentTicketId=%d", parent), nil).ids(t))
	require.Equal(t, true, w.want(200, "GET", path("/service/tickets/%d", parent), nil).object(t)["hasChildTicket"])

	require.NoError(t, w.server.Person("").Close(parent, ""))
	require.False(t, w.state(a).ClosedFlag)
	require.NoError(t, w.server.Person("").Reopen(parent, ""))
	require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.CloseChildrenWithParent = true }))
	require.NoError(t, w.server.Person("").Close(parent, ""))
	require.True(t, w.state(a).ClosedFlag)

	w.want(200, "POST", path("/service/tickets/%d/detachChildren", parent), map[string]any{"childTicketIds": []int{a}})
	require.Equal(t, []int{0, parent}, []int{w.state(a).ParentID, w.state(b).ParentID})
	w.want(204, "DELETE", path("/service/tickets/%d", parent), nil)
	require.Zero(t, w.state(b).ParentID)
}
