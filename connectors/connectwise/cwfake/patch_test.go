package cwfake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestPatchChanges(t *testing.T) {
	for _, c := range []struct {
		name, body string
		changed    func(*cwfake.Ticket)
	}{
		{"a path with a slash", `[{"op":"replace","path":"/summary","value":"b"}]`, func(x *cwfake.Ticket) { x.Summary = "b" }},
		{"an operation in another case", `[{"op":"Replace","path":"summary","value":"b"}]`, func(x *cwfake.Ticket) { x.Summary = "b" }},
		{"add", `[{"op":"add","path":"owner","value":{"identifier":"tokafor"}}]`, func(x *cwfake.Ticket) { x.Owner = "tokafor" }},
		{"remove", `[{"op":"remove","path":"externalXRef"}]`, func(x *cwfake.Ticket) { x.ExternalXRef = "" }},
		{"null", `[{"op":"replace","path":"externalXRef","value":null}]`, func(x *cwfake.Ticket) { x.ExternalXRef = "" }},
		{
			"several", `[{"op":"replace","path":"status","value":{"name":"Waiting"}},{"op":"replace","path":"priority","value":{"id":4}}]`,
			func(x *cwfake.Ticket) { x.Status = "Waiting"; x.Priority = "Priority 4 - Low" },
		},
		{"a derived member changes nothing", `[{"op":"replace","path":"closedFlag","value":true}]`, func(*cwfake.Ticket) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.ticket("a", `"externalXRef":"x"`)
			want := w.state(id)
			w.clock.Add(time.Minute)
			want.UpdatedAt = w.clock.Now()
			c.changed(&want)
			shown := w.want(200, "PATCH", path("/service/tickets/%d?fields=summary,id", id), c.body).object(t)
			require.Equal(t, map[string]any{"id": float64(id), "summary": want.Summary}, shown)
			require.Equal(t, want, w.state(id))
		})
	}
}

func TestPatchIsRefusedAsAWhole(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a")
	before := w.state(id)
	for _, c := range []struct{ name, body, message string }{
		{"unknown path", `[{"op":"replace","path":"summary","value":"b"},{"op":"replace","path":"nothing","value":1}]`, "The path 'nothing' does not exist on Ticket"},
		{"path in another case", `[{"op":"replace","path":"Summary","value":"b"}]`, "The path 'Summary' does not exist"},
		{"second operation fails", `[{"op":"replace","path":"summary","value":"b"},{"op":"replace","path":"status","value":{"name":"Completed"}}]`, "not found for Service Board 1"},
		{"required member removed", `[{"op":"remove","path":"summary"}]`, "The summary field is required."},
		{"too long", `[{"op":"replace","path":"externalXRef","value":"` + strings.Repeat("x", 101) + `"}]`, "maximum length of 100"},
		{"operation not supported", `[{"op":"move","path":"summary","value":"b"}]`, "The operation 'move' is not supported"},
		{"no value", `[{"op":"replace","path":"summary"}]`, "needs a value"},
		{"unknown member", `[{"op":"replace","path":"summary","valu":"b"}]`, "Could not find member 'valu' on object of type 'PatchOperation'"},
		{"an object", `{"op":"replace","path":"summary","value":"b"}`, "to type 'PatchOperation[]'"},
		{"path below a text", `[{"op":"replace","path":"summary/x","value":"b"}]`, "cannot be patched"},
		{"path into a list", `[{"op":"replace","path":"customFields/0/value","value":"b"}]`, "cannot be patched"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.clock.Add(time.Minute)
			require.Contains(t, w.want(400, "PATCH", path("/service/tickets/%d", id), c.body).text, c.message)
			require.Equal(t, before, w.state(id))
		})
	}
}

func TestPatchIntoAReferenceFollowsTheSwitch(t *testing.T) {
	for _, c := range []struct {
		setting, wantStatus string
		code                int
	}{
		{cwfake.IntoReferenceIgnored, "New", 200},
		{cwfake.IntoReferenceApplied, "Waiting", 200},
		{cwfake.IntoReferenceRefused, "New", 400},
	} {
		t.Run(c.setting, func(t *testing.T) {
			w := newWorld(t)
			require.NoError(t, w.server.Configure(func(s *cwfake.Switches) { s.PatchIntoReference = c.setting }))
			id := w.ticket("a")
			w.want(c.code, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"status/name","value":"Waiting"}]`)
			require.Equal(t, c.wantStatus, w.state(id).Status)
		})
	}
}
